"""Days as farmers write them: 24.12., 24/12/26, 2026-12-24, 24 December, Monday. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from babel.dates import get_day_names, get_month_names

from relay.alerts.words import LANGUAGES
from relay.whatsapp.conversation.folding import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

_YEARS = range(2000, 2100)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_SHORT = re.compile(r"(\d{1,2})([./-])(\d{1,2})(?:\2(\d{4}|\d{2}))?")
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Day:
    """A day as it was said: a date, its year 0 if that was left out; days from today; or a weekday, 0..6."""

    month: int = 0
    day: int = 0
    year: int = 0
    ahead_d: int | None = None
    weekday: int | None = None

    def on(self, today: date, *, is_ahead: bool) -> date | None:
        """Return the date that is meant, the nearest to today, before or `is_ahead`; None: no such day."""
        if self.ahead_d is not None:
            return today + timedelta(days=self.ahead_d)
        if self.weekday is not None:
            gone_d = (today.weekday() - self.weekday) % _WEEK
            return today + timedelta(days=-gone_d % _WEEK if is_ahead else -gone_d)
        years = (self.year,) if self.year else range(today.year - 1, today.year + 2)
        days = [found for year in years if (found := _date(year, self.month, self.day))]
        if self.year:
            return days[0] if days else None
        if is_ahead:
            return next((day for day in days if day >= today), None)
        return next((day for day in reversed(days) if day <= today), None)


def read(words: Sequence[str], at: int, between: frozenset[str]) -> tuple[Day, int] | None:
    """Return the day that is written from word `at` on and how many words it takes; None if none is.

    between: words that may stand inside a date, such as the "de" of "24 de diciembre".
    """
    day = _in_figures(words[at])
    if day:
        return day, 1
    weekday = weekdays().get(words[at])
    if weekday is not None:
        return Day(weekday=weekday), 1
    return _in_words(words, at, between)


def _in_figures(word: str) -> Day | None:
    if found := _ISO.fullmatch(word):
        return _day(int(found[3]), int(found[2]), int(found[1]))
    if not (found := _SHORT.fullmatch(word)):
        return None
    first, mark, second, year = found[1], found[2], found[3], found[4]
    full_year = int(year) + (2000 if len(year) == 2 else 0) if year else 0
    day = _day(int(first), int(second), full_year)
    if day is None and mark == "/":  # with slashes the month may come first, with points it never does
        return _day(int(second), int(first), full_year)
    return day


def _in_words(words: Sequence[str], at: int, between: frozenset[str]) -> tuple[Day, int] | None:
    """Return "24 December", "December 24" or "24 de diciembre de 2026"."""
    found = _pair(words, at, between)
    if found is None:
        return None
    number, month, length = found
    for gap in (0, 1):
        place = at + length + gap
        is_joined = gap == 0 or (place <= len(words) and words[place - 1] in between)
        if is_joined and place < len(words) and words[place].isdecimal() and int(words[place]) in _YEARS:
            day = _day(number, month, int(words[place]))
            return (day, length + gap + 1) if day else None
    day = _day(number, month, 0)
    return (day, length) if day else None


def _pair(words: Sequence[str], at: int, between: frozenset[str]) -> tuple[int, int, int] | None:
    """Return (day, month, words taken) where the two stand side by side."""
    for place in (at + 1, at + 2):
        if place >= len(words) or (place == at + 2 and words[at + 1] not in between):
            return None
        one, other = words[at], words[place]
        if _is_number(one) and other in months():
            return int(one), months()[other], place - at + 1
        if one in months() and _is_number(other):
            return int(other), months()[one], place - at + 1
    return None


def _is_number(word: str) -> bool:
    return word.isdecimal() and len(word) <= 2


def _day(day: int, month: int, year: int) -> Day | None:
    """Return the day if there is such a one, in a leap year if none is said."""
    return Day(month, day, year) if (not year or year in _YEARS) and _date(year or 2000, month, day) else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@cache
def months() -> dict[str, int]:
    """Return the months by all their names, long and short, in every language."""
    return {
        word: number
        for language in reversed(LANGUAGES)
        for width in ("abbreviated", "wide")
        for number, name in get_month_names(width, locale=language).items()
        if " " not in (word := fold(name))
    }


@cache
def weekdays() -> dict[str, int]:
    """Return the days of the week, Monday 0, by their long names in every language."""
    return {
        fold(name).split()[0]: number
        for language in reversed(LANGUAGES)
        for number, name in get_day_names("wide", locale=language).items()
    }
