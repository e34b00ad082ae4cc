"""Reads words one after the other: commands, then names, then times, and what is left with slips. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.whatsapp.conversation import dates, hours
from relay.whatsapp.conversation.folding import is_slip
from relay.whatsapp.conversation.lexicon import Meaning, Part
from relay.whatsapp.conversation.said import CHANGES, LASTING, LIVES, OF_NO_ANIMAL, Said

if TYPE_CHECKING:
    from collections.abc import Collection

    from relay.whatsapp.conversation.dates import Day
    from relay.whatsapp.conversation.lexicon import Lexicon

_NAME_WORDS = 3
_STRAY_WORDS = 2  # in a question
_GUESSES_MAX = 6  # each takes milliseconds
_ASKS_WHO = ("who", "why")  # said with another command they are the question


@dataclass(slots=True)
class Reading:
    """Reads the folded words of a message from left to right: `all()`, then `result()`.

    names: of animals, as `folding.key` gives them.
    """

    words: list[str]
    lexicon: Lexicon
    names: Collection[str]
    commands: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    clocks: list[int] = field(default_factory=list)
    spans_ms: list[int] = field(default_factory=list)
    parts: set[Part] = field(default_factory=set)
    guesses: int = 0

    def all(self) -> None:
        """Take every word as what it most probably is."""
        at = 0
        while at < len(self.words):
            at += self._command(at) or self._name(at) or self._time(at) or self._phrase(at) or self._rest(at)

    def _command(self, at: int) -> int:
        meaning, length = self._longest(at)
        if meaning is None or meaning.part is not Part.COMMAND:
            return 0
        if self._name(at, most=length, least=length, is_kept=False):
            return 0  # a cow may be called "Kalb"; the longer of the two counts, then the name
        self.commands.append(str(meaning.value))
        return length

    def _name(self, at: int, most: int = _NAME_WORDS, least: int = 1, *, is_kept: bool = True) -> int:
        """Take a name or number of up to `most` words, the longest first; return how many it has."""
        if is_kept and (self._measure(at) or self._is_date(at) or self._hour(at)):
            return 0
        for length in range(min(most, len(self.words) - at), least - 1, -1):
            name = "".join(self.words[at : at + length])
            if name in self.names:
                if is_kept:
                    self.subjects.append(name)
                return length
        return 0

    def _is_date(self, at: int) -> bool:
        """Whether a date begins here; what a date and a name are both, in one word, is the name."""
        found = dates.read(self.words, at, self.lexicon.fillers)
        return found is not None and (found[1] > 1 or self.words[at] not in self.names)

    def _time(self, at: int) -> int:
        if measure := self._measure(at):
            self.spans_ms.append(measure)
            return 2
        if found := dates.read(self.words, at, self.lexicon.fillers):
            self.days.append(found[0])
            return found[1]
        if hour := self._hour(at):
            self.clocks.append(hour[0])
            return hour[1]
        return 0

    def _hour(self, at: int) -> tuple[int, int] | None:
        return hours.read(self.words, at, self.lexicon, is_named=bool(self.subjects))

    def _measure(self, at: int) -> int:
        """Return a number and a unit, such as "3 days", in milliseconds; 0 if these words are none."""
        if at + 1 == len(self.words):
            return 0
        number, unit = self.words[at], self.lexicon.phrases.get((self.words[at + 1],))
        if unit is None or unit.part is not Part.UNIT:
            return 0
        spelt = self.lexicon.phrases.get((number,))
        if spelt and spelt.part is Part.NUMBER:
            return int(spelt.value) * int(unit.value)
        return int(number) * int(unit.value) if number.isdecimal() and len(number) <= 3 else 0

    def _phrase(self, at: int) -> int:
        meaning, length = self._longest(at)
        if meaning is None:
            return 0
        self._mean(meaning)
        return length

    def _longest(self, at: int) -> tuple[Meaning | None, int]:
        for length in range(min(self.lexicon.longest, len(self.words) - at), 0, -1):
            meaning = self.lexicon.phrases.get(tuple(self.words[at : at + length]))
            if meaning:
                return meaning, length
        return None, 0

    def _mean(self, meaning: Meaning) -> None:
        self.parts.add(meaning.part)
        if meaning.part is Part.COMMAND:
            self.commands.append(str(meaning.value))
        elif meaning.part is Part.DAY:
            self.days.append(dates.Day(ahead_d=int(meaning.value)))
        elif meaning.part is Part.NUMBER and int(meaning.value) > 1:
            self.subjects.append(str(meaning.value))

    def _rest(self, at: int) -> int:
        """Take a word that is nothing exactly: a number, a slip, or strange."""
        word = self.words[at]
        if word[0].isdigit():
            self.subjects.append(word)
            return 1
        self.guesses += 1
        is_hopeless = self.guesses > _GUESSES_MAX
        meaning = None if is_hopeless else self.lexicon.guess(word)
        named = [] if is_hopeless else [name for name in self.names if is_slip(word, name)]
        if len(named) == 1 and meaning is None:
            self.subjects.append(named[0])
        elif meaning and not named:
            self._mean(meaning)
        else:
            self.strange.append(word)
        return 1

    def result(self, *, is_question: bool) -> Said:
        """Return what was read as a whole."""
        command = self._which()
        if is_question and command in CHANGES:
            command = "cow" if self.subjects else ""
        if command == "cow" and not self.subjects:
            command = "" if self.strange else "herd"
        said = Said(
            command,
            tuple(dict.fromkeys(self.subjects)),
            tuple(self.strange),
            Part.ALL in self.parts,
            self.days[0] if self.days else None,
            self.clocks[0] if self.clocks else None,
            sum(self.spans_ms) if self.spans_ms else None,
        )
        return said if self._fits(said) else Said(strange=said.strange)

    def _which(self) -> str:
        """Return the one command of the message, "" if there are several or none."""
        found = set(self.commands)
        if len(found) > 1:
            found.discard("cow")  # a word like "cow" stands beside every command
        if not found:
            return "cow" if self.subjects and not self.strange else ""
        asked = [name for name in _ASKS_WHO if name in found]
        if asked:
            return asked[0]
        return found.pop() if len(found) == 1 else ""

    def _fits(self, said: Said) -> bool:
        """Whether all that was said goes with the command."""
        if said.command not in CHANGES:
            return len(said.strange) <= _STRAY_WORDS
        if Part.NOT in self.parts or len(self.days) > 1 or len(self.clocks) > 1:
            return False
        if (said.day or said.clock_min is not None) and said.command not in LIVES:
            return False
        if said.subjects and said.command in OF_NO_ANIMAL:
            return False
        if said.span_ms is not None and said.command not in LASTING:
            return False
        return not said.strange or (len(said.strange) == 1 and not said.subjects)
