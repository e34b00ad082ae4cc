"""Every word a farmer may write, of all languages at once: those of the person's own language count first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from relay.alerts.words import FALLBACK, LANGUAGES, words
from relay.whatsapp.conversation.folding import allowed_slips, distance, tokens
from relay.whatsapp.conversation.hours import PERIODS

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR_MS = 3_600_000
STOP, START = "stop", "start"
_UNITS_MS = {"hours": HOUR_MS, "days": 24 * HOUR_MS, "weeks": 168 * HOUR_MS}
_DAYS = {"now": 0, "yesterday": -1, "before_yesterday": -2, "tomorrow": 1}


class Part(StrEnum):
    """What a word does in a message."""

    COMMAND = "command"
    NOT = "not"
    ALL = "all"
    AND = "and"
    DAY = "day"
    UNIT = "unit"
    NUMBER = "number"
    FILLER = "filler"


class Meaning(NamedTuple):
    """What a phrase means: a command's name, days from today, milliseconds of a unit, or a number."""

    part: Part
    value: str | int = ""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Phrases by their folded words. `single`: those of one word, for slips; `longest` has so many words.

    hours: words before an hour, such as "at"; oclock: words after one; periods: the part of the day of each
    phrase for one. fillers: words that may stand inside a date.
    """

    phrases: dict[tuple[str, ...], Meaning]
    stops: frozenset[str]
    starts: frozenset[str]
    single: tuple[tuple[str, Meaning], ...]
    longest: int
    hours: frozenset[tuple[str, ...]]
    oclock: frozenset[tuple[str, ...]]
    periods: dict[tuple[str, ...], str]
    fillers: frozenset[str]

    def guess(self, word: str) -> Meaning | None:
        """Return what a word with slips means; None if it may be two things, a number, or a STOP or START."""
        slips = allowed_slips(word)
        if not slips or any(_is_near(word, stop, slips) for stop in self.stops | self.starts):
            return None
        near = [
            (distance(word, known), at)
            for at, (known, _) in enumerate(self.single)
            if _is_near(word, known, min(slips, allowed_slips(known)))
        ]
        least = min((found for found, _ in near), default=0)
        meanings = {self.single[at][1] for found, at in near if found == least}
        meaning = meanings.pop() if len(meanings) == 1 else None
        return None if meaning and meaning.part is Part.NUMBER else meaning  # "eighty" is no slip of "eight"


@cache
def lexicon(language: str) -> Lexicon:
    """Return the words of all languages for a person who has set this one."""
    tables = [words(code).table for code in dict.fromkeys((words(language).language, FALLBACK, *LANGUAGES))]
    phrases: dict[tuple[str, ...], Meaning] = {}
    for table in tables:
        for text, meaning in (*_commands(table), *_talk(table["talk"])):
            phrases.setdefault(tuple(tokens(text)), meaning)
    phrases.pop((), None)
    single = tuple((phrase[0], meaning) for phrase, meaning in phrases.items() if len(phrase) == 1)
    stops, starts = (_plain(name) for name in (STOP, START))
    hours, oclock = (
        frozenset(tuple(tokens(text)) for table in tables for text in table["clock"][name])
        for name in ("before", "after")
    )
    mine = {tuple(tokens(text)) for text in tables[0]["talk"]["fillers"]}  # "am Montag" is no morning
    periods = {
        phrase: period
        for table in reversed(tables)
        for period in PERIODS
        for text in table["clock"][period]
        if (phrase := tuple(tokens(text))) not in mine
    }
    fillers = frozenset(phrase[0] for phrase, meaning in phrases.items() if meaning.part is Part.FILLER)
    longest = max(map(len, phrases))
    return Lexicon(phrases, stops, starts, single, longest, hours, oclock, periods, fillers)


@cache
def _plain(command: str) -> frozenset[str]:
    """Return the folded forms of STOP or START in every language."""
    return frozenset(
        " ".join(tokens(word))
        for code in LANGUAGES
        for word in words(code).table["commands"][command]["words"]
    )


def stop_words() -> frozenset[str]:
    """Return what a message that stops everything says, folded."""
    return _plain(STOP)


def start_words() -> frozenset[str]:
    """Return what a message that begins again says, folded."""
    return _plain(START)


def _commands(table: dict[str, Any]) -> Iterator[tuple[str, Meaning]]:
    for name, command in table["commands"].items():
        if name not in (STOP, START):
            yield from ((word, Meaning(Part.COMMAND, name)) for word in command["words"])


def _talk(talk: dict[str, Any]) -> Iterator[tuple[str, Meaning]]:
    """Yield the words around the commands, those first that must not be taken for another."""
    for part in (Part.NOT, Part.ALL, Part.AND):
        yield from ((word, Meaning(part)) for word in talk[part.value])
    for name, ahead_d in _DAYS.items():
        yield from ((word, Meaning(Part.DAY, ahead_d)) for word in talk[name])
    for name, unit_ms in _UNITS_MS.items():
        yield from ((word, Meaning(Part.UNIT, unit_ms)) for word in talk[name])
    for number, forms in enumerate(talk["numbers"], 1):
        yield from ((word, Meaning(Part.NUMBER, number)) for word in forms)
    yield from ((word, Meaning(Part.FILLER)) for word in talk["fillers"])


def _is_near(word: str, known: str, slips: int) -> bool:
    return abs(len(word) - len(known)) <= slips and distance(word, known) <= slips
