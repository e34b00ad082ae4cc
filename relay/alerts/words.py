"""Farmer-facing words: one catalogue per language, all of `relay/locales/<language>/*.toml` together.

What a language lacks is said in English, key by key. Plural forms and names of months: CLDR, by babel.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Formatter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_month_names
from babel.numbers import get_decimal_symbol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

LANGUAGES = ("en", "de", "es", "pt_BR", "hi", "ur")
FALLBACK = "en"
_ISOLATE, _POP = "\u2068", "\u2069"  # Unicode 16, UAX 9: FIRST STRONG ISOLATE, POP DIRECTIONAL ISOLATE


class _Local(Formatter):
    """Fills in values as a language writes them: its decimal mark, each with a direction of its own."""

    def __init__(self, language: str) -> None:
        self._is_rtl = is_right_to_left(language)
        self._mark = get_decimal_symbol(language)

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        if isinstance(value, int | float):
            text = text.replace(".", self._mark)
        return isolate(text) if self._is_rtl else text


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

    def fill(self, text: str, values: Mapping[str, object]) -> str:
        """Return a phrase with its values in it, numbers with the language's decimal mark.

        Where the language runs from right to left each value is isolated: it keeps its own direction.

        Raises KeyError for a value that is not there, ValueError or TypeError for one of the wrong type.
        """
        return _local(self.language).vformat(text, (), values)

    def say(self, section: str, key: str, **values: object) -> str:
        """Return a phrase with its values in it. Raises KeyError if the catalogue lacks it."""
        return self.fill(str(self.table[section][key]), values)

    def count(self, section: str, key: str, count: int, **values: object) -> str:
        """Return a phrase in the form for that many."""
        forms = self.table[section][key]
        form = Locale.parse(self.language).plural_form(count)
        return self.fill(str(forms.get(form, forms["other"])), {"count": count, **values})

    def moment(self, then: datetime, now: datetime) -> str:
        """Say when `then` was, with the date unless it is `now`'s day. Both in the same zone."""
        form = "today" if then.date() == now.date() else "another_day"
        return self.say("moment", form, time=f"{then:%H:%M}", day=then.day, month=self.month(then))

    def day(self, day: date) -> str:
        """Say a date."""
        return self.say("moment", "day", day=day.day, month=self.month(day))

    def month(self, day: date) -> str:
        """Return the name of a date's month."""
        return str(get_month_names("wide", locale=self.language)[day.month])


def isolate(text: str) -> str:
    """Return `text` so that it keeps its own direction inside a sentence of the other one."""
    return f"{_ISOLATE}{text}{_POP}" if text else ""


@cache
def is_right_to_left(language: str) -> bool:
    """Whether a language is written from right to left."""
    return Locale.parse(language).text_direction == "rtl"


@cache
def _local(language: str) -> _Local:
    return _Local(language)


def nearest(language: str) -> str:
    """Return the language we have for a tag such as "pt-PT" or "de_AT"; English if none."""
    tag = language.replace("-", "_")
    if tag in LANGUAGES:
        return tag
    base = tag.split("_", maxsplit=1)[0]
    return next((code for code in LANGUAGES if code.split("_")[0] == base), FALLBACK)


@cache
def words(language: str) -> Words:
    """Return the catalogue of the nearest language we have."""
    chosen = nearest(language)
    return Words(chosen, _merged(_read(FALLBACK), _read(chosen)))


def _read(language: str) -> dict[str, Any]:
    folder = resources.files("relay") / "locales" / language
    table: dict[str, Any] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            table = _merged(table, tomllib.loads(entry.read_text(encoding="utf-8")))
    return table


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return both tables; where both have a key, `above` is heard, key by key in tables of their own."""
    both = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            both[key] = _merged(below[key], above[key])
    return both


@cache
def zone(name: str) -> ZoneInfo:
    """Return a time zone, UTC if there is none of that name: a message in odd hours beats none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; malformed or outside the database; a folder of it
        return ZoneInfo("UTC")
