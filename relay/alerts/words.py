"""Farmer-facing words: one catalogue per language, `relay/locales/<language>.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One catalogue. `language` is the one it is written in, which may not be the one asked for."""

    language: str
    table: dict[str, Any]

    def kind(self, name: str, stage: str = "") -> Mapping[str, Any]:
        """Return the section of an alert kind, with what is different at `stage`.

        Raises KeyError if the catalogue lacks the kind; a stage without words of its own has the kind's.
        """
        section = self.table["kinds"][name]
        return {**section, **section.get("stages", {}).get(stage, {})}

    def say(self, section: str, key: str, **values: object) -> str:
        """Return a phrase with its values in it. Raises KeyError if the catalogue lacks it."""
        return str(self.table[section][key]).format(**values)

    def count(self, section: str, key: str, count: int, **values: object) -> str:
        """Return a phrase in the form for that many."""
        forms = self.table[section][key]
        return str(forms["one" if count == 1 else "other"]).format(count=count, **values)

    def moment(self, then: datetime, now: datetime) -> str:
        """Say when `then` was, with the date unless it is `now`'s day. Both in the same zone."""
        form = "today" if then.date() == now.date() else "another_day"
        return self.say("moment", form, time=f"{then:%H:%M}", day=then.day, month=self.month(then))

    def day(self, day: date) -> str:
        """Say a date."""
        return self.say("moment", "day", day=day.day, month=self.month(day))

    def month(self, day: date) -> str:
        """Return the name of a date's month."""
        return str(self.table["moment"]["months"][day.month - 1])


@cache
def words(language: str) -> Words:
    """Return the catalogue of `language`, of its base language ("pt" for "pt_BR"), or the English one."""
    folder = resources.files("relay") / "locales"
    known = {
        entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")
    }
    chosen = next(name for name in (language, language.split("_", maxsplit=1)[0], FALLBACK) if name in known)
    return Words(chosen, tomllib.loads(known[chosen].read_text(encoding="utf-8")))


@cache
def zone(name: str) -> ZoneInfo:
    """Return a time zone, UTC if there is none of that name: a message in odd hours beats none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; malformed or outside the database; a folder of it
        return ZoneInfo("UTC")
