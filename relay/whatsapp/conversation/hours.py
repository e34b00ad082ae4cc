"""Times of day as farmers write them: 6:30, "at 5", "5 pm", "um 5 Uhr", "a las 5 de la tarde". Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from relay.whatsapp.conversation.lexicon import Lexicon

_EXACT = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_HOURS, _NOON, _MINUTES = 24, 12, 60
_DIGITS = 2
_DAWN = 6  # "at night" is before it, or in the evening
_LONGEST = 4  # words of a phrase

MORNING, AFTERNOON, NIGHT = PERIODS = ("morning", "afternoon", "night")


def read(words: Sequence[str], at: int, lexicon: Lexicon, *, is_named: bool) -> tuple[int, int] | None:
    """Return the minute of the day that is written from word `at` on, and how many words it takes.

    None if none is. is_named: whether a cow was named before; without, a number may be hers unless what
    follows it says that it is an hour.
    """
    first = at
    period, at = _period(words, at, lexicon)
    is_led = period != ""
    length = _phrase(words, at, lexicon.hours)
    is_led, at = is_led or length > 0, at + length
    if at == len(words):
        return None
    exact = _EXACT.fullmatch(words[at])
    if exact:
        hour, minute = int(exact[1]), int(exact[2])
    elif _is_below(words[at], _HOURS):
        hour, minute = int(words[at]), 0
    else:
        return None
    at += 1
    length = _phrase(words, at, lexicon.oclock)
    is_marked, at = length > 0, at + length
    more = words[at] if is_marked and is_named and at < len(words) else ""
    if len(more) == _DIGITS and _is_below(more, _MINUTES):
        minute, at = int(more), at + 1
    if not period:
        period, at = _period(words, at, lexicon)
        is_marked = is_marked or period != ""
    if not (exact or is_marked or (is_led and is_named)):
        return None
    found = _on_the_clock(hour, period)
    return None if found is None else (found * _MINUTES + minute, at - first)


def _on_the_clock(hour: int, period: str) -> int | None:
    """Return an hour of a part of the day as one of 24; None if that has no such hour."""
    if period == MORNING:
        return hour % _NOON if hour <= _NOON else None
    if hour > _NOON or not period:
        return hour
    if period == NIGHT and (hour < _DAWN or hour == _NOON):
        return hour % _NOON
    return hour % _NOON + _NOON


def _period(words: Sequence[str], at: int, lexicon: Lexicon) -> tuple[str, int]:
    """Return a part of the day that is named there, "" if none is, and where it goes on."""
    length = _phrase(words, at, lexicon.periods)
    return (lexicon.periods[tuple(words[at : at + length])], at + length) if length else ("", at)


def _phrase(words: Sequence[str], at: int, phrases: Collection[tuple[str, ...]]) -> int:
    """Return how many words the longest of these phrases has that stands there; 0 if none does."""
    lengths = range(min(_LONGEST, len(words) - at), 0, -1)
    return next((length for length in lengths if tuple(words[at : at + length]) in phrases), 0)


def _is_below(word: str, limit: int) -> bool:
    return word.isdecimal() and len(word) <= _DIGITS and int(word) < limit
