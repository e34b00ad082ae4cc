"""What "right" and "wrong" do to the thresholds, as domain.md 4 has it.

Every "wrong" raises the threshold by 0.2 P, every "right" lowers it by 0.2 (1 - P): it settles where the
share P of the alerts is right. One threshold a farm and kind, and half as much for the animal alone. Pure: a
judgement counts from the moment it was given, so a replay gives every hour the threshold it had.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.scoring.kind import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relay.model import Judged
    from relay.scoring.kind import Kind

STEP = 0.2
TARGET = 0.85  # the share of alerts that shall be right; the farmer's "fewer alerts" and "more alerts"
LOWEST, HIGHEST = -1.0, 2.0  # around the scorer's own threshold: heat's 4 stays in 3..6
EXCUSED = 0.5  # of a step: "wrong" for a reason that is none of the scorer's


@dataclass(frozen=True, slots=True)
class Offsets:
    """What judgements add to thresholds, in units of the scorers' scores: by kind, by (animal, kind)."""

    farm: Mapping[str, float] = field(default_factory=dict)
    animal: Mapping[tuple[int, str], float] = field(default_factory=dict)

    def of(self, kind: str, animal: int | None) -> float:
        """Return what to add for one animal, or for the farm; LOWEST..HIGHEST."""
        own = 0.0 if animal is None else self.animal.get((animal, kind), 0.0)
        return _bounded(self.farm.get(kind, 0.0) + own)


def offsets(
    judged: Iterable[Judged], kinds: Mapping[str, Kind], at_ms: int, target: float = TARGET
) -> Offsets:
    """Return the offsets as they are at `at_ms`, whatever was said later.

    target: in between 0 and 1. Kinds that are urgent, do not learn or are not known stay as they are.
    """
    farm: dict[str, float] = {}
    animal: dict[tuple[int, str], float] = {}
    for one in sorted(judged, key=lambda said: (said.at_ms, said.event_id)):
        if one.at_ms > at_ms or not learns(kinds.get(one.kind)):
            continue
        step = _step(one, target)
        farm[one.kind] = _bounded(farm.get(one.kind, 0.0) + step)
        if one.animal_id is not None:
            key = one.animal_id, one.kind
            animal[key] = _bounded(animal.get(key, 0.0) + step / 2)
    return Offsets(farm, animal)


def learns(kind: Kind | None) -> bool:
    """Whether judgements move the threshold of a kind."""
    return kind is not None and kind.learns and kind.tier is not Tier.URGENT


def monthly(judged: Iterable[Judged], from_ms: int, until_ms: int) -> tuple[int, int]:
    """Return how many alerts were judged right, of how many, in that span (the end excluded)."""
    verdicts = [one.is_right for one in judged if from_ms <= one.at_ms < until_ms]
    return sum(verdicts), len(verdicts)


def answer_key(kind: Kind | None, *, is_right: bool) -> str:
    """Return the answer (texts.py) to a judgement: "right", "stricter" if it moves a threshold, or "fp"."""
    if is_right:
        return "right"
    return "stricter" if learns(kind) else "fp"


def _step(one: Judged, target: float) -> float:
    if one.is_right:
        return -STEP * (1 - target)
    return STEP * target * (EXCUSED if one.reason else 1.0)


def _bounded(offset: float) -> float:
    return min(HIGHEST, max(LOWEST, offset))
