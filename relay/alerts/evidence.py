"""One event in a farmer's words: what, since when, how one sees it, what to do and by when, and why.

The words are the catalogue's, the numbers the scorer's; what is missing is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relay.alerts.times import HOUR_MS, local

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.alerts.words import Words
    from relay.model import Animal, Event, Farm

FOLD = 300  # characters that a phone shows before "read more"
LONGEST = 1_024
_FROM_ONE = ("_less_percent", "_more_percent", "_days", "faults")  # "chews -3 % less" is none


@dataclass(frozen=True, slots=True)
class Account:
    """An event as it is told at `now_ms`. `animal` None: it is the herd's. names: of all animals, by id."""

    event: Event
    farm: Farm
    animal: Animal | None
    catalogue: Words
    now_ms: int
    is_experimental: bool = False
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def who(self) -> str:
        """Name and number, or the herd."""
        if self.animal is None:
            return self.catalogue.say("message", "herd")
        return self.animal.label

    @property
    def sign(self) -> str:
        """What is seen, in the closed vocabulary. Raises KeyError for a kind without words."""
        return str(self._section["sign"])

    @property
    def seen(self) -> str:
        """What is seen, with the numbers and what it may mean: all that a template says of it."""
        hint = str(self._section.get("hint", ""))
        facts = "; ".join(part for part in (self.evidence, hint) if part)
        return f"{self.sign} ({facts})" if facts else self.sign

    @property
    def over(self) -> str:
        """That it is over, in the catalogue's words. Raises KeyError where that is not worth a word."""
        return str(self._section["over"])

    @property
    def since(self) -> str:
        """When it began."""
        return self.moment(self.event.onset_ms)

    def moment(self, at_ms: int) -> str:
        """Say a time by the farm's clock."""
        return self.catalogue.moment(local(at_ms, self.farm.zone), local(self.now_ms, self.farm.zone))

    @property
    def evidence(self) -> str:
        """The clauses for which there are numbers, "" without any."""
        return self.catalogue.say("message", "comma").join(self._clauses())

    @property
    def window(self) -> str:
        """When to act, by the local clock; "" if the kind has no such time or it has passed."""
        times = self._times()
        if not times or times["until"] <= self.now_ms:
            return ""
        form = "best" if times["best_to"] > self.now_ms else "late"
        return self.catalogue.say("window", form, **self._clocks(times))

    @property
    def todo(self) -> str:
        """What to do. Of a time that has passed nothing is said."""
        times = self._times()
        form = "todo"
        if times and times["best_to"] <= self.now_ms:
            form = "todo_late" if times["until"] > self.now_ms else "todo_after"
        return self.catalogue.fill(str(self._section[form]), self._clocks(times))

    @property
    def compared(self) -> str:
        """What the numbers are compared with; "" if the scorer does not say."""
        given = self.event.evidence
        parts = [
            self.catalogue.count("message", self._possessive(name), int(given[name]))
            for name in ("days_compared", "mates")
            if isinstance(given.get(name), int | float) and given[name] >= 1
        ]
        if not parts:
            return ""
        both = (
            self.catalogue.say("message", "and", first=parts[0], second=parts[1])
            if len(parts) > 1
            else parts[0]
        )
        return self.catalogue.say("message", "compared", **{"with": both})

    def _possessive(self, name: str) -> str:
        return "herd_days_compared" if name == "days_compared" and self.animal is None else name

    @property
    def confidence(self) -> str:
        """A word for how sure the scorer is; "" if it does not say."""
        table = self.catalogue.table["confidence"]
        if self.is_experimental:
            return str(table["experimental"])
        given = self.event.evidence.get("strength")
        if not isinstance(given, int | float):
            return ""
        return next((str(word) for least, word in table["words"] if given >= least), "")

    def text(self) -> str:
        """Return all of it: what has to be seen at once within FOLD characters, LONGEST in all.

        Clauses that do not fit before the fold come after it.
        """
        clauses, rest = self._clauses(), list[str]()
        while len(head := self._head(clauses)) > FOLD and clauses:
            rest.insert(0, clauses.pop())
        after = " ".join(part for part in (self._sentence(rest), self.compared, self.confidence) if part)
        return f"{head}\n{after}".strip()[:LONGEST]

    def _head(self, clauses: list[str]) -> str:
        title = self.catalogue.say("message", "head", title=self._section["title"], animal=self._where())
        since = self.catalogue.say("message", "since", since=self.since)
        return "\n".join([title, f"{since} {self._sentence(clauses)}".strip(), self.todo])

    def _where(self) -> str:
        if self.animal is None or not self.animal.group:
            return self.who
        return self.catalogue.say("message", "group", animal=self.who, group=self.animal.group)

    @property
    def _section(self) -> Mapping[str, Any]:
        return self.catalogue.kind(self.event.kind, self.event.stage)

    def _clauses(self) -> list[str]:
        said = {name: self._said(name, value) for name, value in self.event.evidence.items()}
        values = {name: value for name, value in said.items() if value is not None}
        filled = (self._filled(str(clause), values) for clause in self._section.get("evidence", ()))
        return [clause for clause in filled if clause]

    def _said(self, name: str, value: object) -> object | None:
        """Return a value as a clause takes it; None if there is nothing to say of it."""
        if name in self._section.get("animals", ()):
            ids = value if isinstance(value, list) else [value]
            return ", ".join(name for name in map(self.names.get, ids) if name) or None
        if isinstance(value, str):
            known: str | None = self._section.get("words", {}).get(value)
            return known
        if isinstance(value, int) and name.endswith("_ms"):
            return self.moment(value)
        if isinstance(value, int | float) and math.isfinite(value):
            return None if name.endswith(_FROM_ONE) and value < 1 else value
        return None

    def _filled(self, clause: str, values: Mapping[str, object]) -> str:
        """Return the clause with its numbers; "" if one is missing or no number."""
        try:
            return self.catalogue.fill(clause, values)
        except (KeyError, ValueError, TypeError):
            return ""

    def _sentence(self, clauses: list[str]) -> str:
        text = self.catalogue.say("message", "comma").join(clauses)
        return f"{text[0].upper()}{text[1:]}{self.catalogue.say('message', 'stop')}" if text else ""

    def _times(self) -> dict[str, int]:
        hours = self._section.get("window_h", {})
        return {name: self.event.onset_ms + round(after * HOUR_MS) for name, after in hours.items()}

    def _clocks(self, times: Mapping[str, int]) -> dict[str, str]:
        return {name: self.moment(max(at_ms, self.now_ms)) for name, at_ms in times.items()}


def why(event: Event, catalogue: Words) -> str:
    """Return the scorer's trace in words: each number, and the bound it was held against."""
    trace = event.evidence.get("trace") or ()
    facts = [_fact(catalogue, *entry) for entry in trace]
    return "; ".join(facts) + catalogue.say("message", "stop") if facts else catalogue.say("why", "nothing")


def _fact(catalogue: Words, name: str, value: object, bound: object = None) -> str:
    known = catalogue.table["why"]["names"]
    values = {"name": known.get(name, name.replace("_", " ")), "value": _short(value)}
    if bound is None:
        return catalogue.say("why", "fact", **values)
    return catalogue.say("why", "bounded", **values, bound=_short(bound))


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
