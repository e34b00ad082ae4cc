"""Which alerts are kept quiet by another one. The rules are data: inhibition.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from relay.alerts.threads import TIMELY, WITHDRAWN, end_ms, known_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relay.model import Event
    from relay.scoring.kind import Kind

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `by` mutes the kinds `only`, or all but `all_but`, of the herd or of the same animal."""

    by: str
    of: str
    after_min: int
    only: tuple[str, ...] = ()
    all_but: tuple[str, ...] = ()

    def is_about(self, event: Event) -> bool:
        """Whether this rule can mute such an event."""
        if event.animal_id is None or event.kind == self.by:
            return False
        if self.of == "herd" and event.tier != TIMELY:
            return False
        return event.kind in self.only if self.only else event.kind not in self.all_but


class Muting:
    """Says which event is muted by which. groups: with whom an animal is kept, by its id."""

    def __init__(self, events: Iterable[Event], kinds: Mapping[str, Kind], groups: Mapping[int, str]) -> None:
        self._groups = groups
        rules = {rule.by: rule for rule in table()}
        self._standing = [
            (rules[event.kind], event, end_ms(event, kinds) + rules[event.kind].after_min * _MINUTE_MS)
            for event in events
            if event.kind in rules and event.state != WITHDRAWN
        ]

    def by(self, event: Event, at_ms: int) -> str | None:
        """Return the kind of what mutes `event`, by what was known at `at_ms`; None if nothing does.

        What went further since it was found is looked at as of then: a disturbance hours ago mutes no labour.
        """
        became_ms = known_ms(event)
        return next(
            (
                muter.kind
                for rule, muter, until_ms in self._standing
                if muter.onset_ms <= became_ms <= until_ms
                and muter.detected_ms <= max(at_ms, became_ms)
                and rule.is_about(event)
                and self._concerns(rule, muter, event)
            ),
            None,
        )

    def _concerns(self, rule: Rule, muter: Event, event: Event) -> bool:
        if rule.of == "animal":
            return muter.animal_id == event.animal_id
        group = self._groups.get(muter.evidence.get("one_of_them", 0))
        return group is None or event.animal_id is None or self._groups.get(event.animal_id) == group


@cache
def table() -> tuple[Rule, ...]:
    """Return the rules."""
    text = (resources.files("relay") / "alerts" / "inhibition.toml").read_text(encoding="utf-8")
    return tuple(
        Rule(
            one["by"],
            one["of"],
            one["after_min"],
            tuple(one.get("only", ())),
            tuple(one.get("all_but", ())),
        )
        for one in tomllib.loads(text)["rule"]
    )
