"""Farmer-facing words: one catalogue per language, `relay/locales/<language>.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime

FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One catalogue. `language` is the one it is written in, which may not be the one asked for."""

    language: str
    table: dict[str, Any]

    def sign(self, name: str) -> str:
        """Return a sign of ill health in words. Raises KeyError if the catalogue lacks it."""
        return str(self.table["signs"][name])

    def moment(self, then: datetime, now: datetime) -> str:
        """Say when `then` was, with the date unless it is `now`'s day. Both in the same zone."""
        form = "today" if then.date() == now.date() else "another_day"
        month = self.table["moment"]["months"][then.month - 1]
        return str(self.table["moment"][form]).format(time=f"{then:%H:%M}", day=then.day, month=month)


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
