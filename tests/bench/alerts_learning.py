"""A farmer who answers (simulator/farmer.py) and thresholds that follow him, beside the same farm without.

The kinds that learn are folded once more, each hour with the thresholds that what was answered until then
makes of them (relay/alerts/learning.py). Every alert of theirs is asked about.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from relay.alerts import learning
from relay.model import Judged
from relay.scoring import kinds
from relay.scoring.findings import Found
from relay.scoring.hours import HOUR_MS
from simulator.farmer import Farmer, Verdict
from simulator.plan.routine import DAY_MS
from tests.bench.alerts_alarm import alarm_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from relay.scoring.view import View
    from tests.bench.alerts_alarm import Alarm

MONTH_MS = 30 * DAY_MS
Told = tuple[str, int, int, bool]  # kind, cow, at_ms, whether it was right


class Learner:
    """The kinds that learn, for n cows; `is_right(alarm)` is what the farmer could find out."""

    def __init__(self, cows: int, seed: int, is_right: Callable[[Alarm], bool]) -> None:
        self._modules = {each.KIND.name: each for each in kinds.hourly() if learning.learns(each.KIND)}
        self._states = {name: each.start(cows) for name, each in self._modules.items()}
        self._farmer = Farmer(seed)
        self._is_right = is_right
        self._judged: list[Judged] = []
        self._effective = -1
        self._offsets: dict[str, Any] = {}
        self.told: list[Told] = []

    @property
    def kinds(self) -> Collection[str]:
        """The kinds that learn."""
        return self._modules.keys()

    def step(self, view: View) -> None:
        """Take in an hour."""
        self._learn(view)
        seen = replace(view, offsets=self._offsets)
        for name, module in self._modules.items():
            self._states[name], findings = module.step(self._states[name], seen)
            for each in findings:
                if isinstance(each, Found) and not each.is_update:
                    self._ask(each, was_right=self._is_right(alarm_of(each)))

    def _ask(self, found: Found, *, was_right: bool) -> None:
        name = f"{found.kind} {found.animal} {found.onset_ms}"
        self.told.append((found.kind, found.animal or 0, found.at_ms, was_right))
        said = self._farmer.answer(name, found.at_ms, was_right=was_right)
        if said is not None:
            verdict, at_ms = said
            self._judged.append(Judged(name, found.animal, found.kind, verdict is Verdict.RIGHT, "", at_ms))

    def _learn(self, view: View) -> None:
        now_ms = view.number * HOUR_MS
        effective = sum(each.at_ms <= now_ms for each in self._judged)
        if effective == self._effective:
            return
        self._effective = effective
        known = learning.offsets(self._judged, kinds.all_kinds(), now_ms)
        self._offsets = {
            name: np.array([known.of(name, animal) for animal in view.animals]) for name in self._modules
        }


def by_month(told: Iterable[Told], from_ms: int = 0) -> list[tuple[int, int]]:
    """Return (right, told) by month of 30 days, the first at 0, of what was told from `from_ms` on."""
    right: Counter[int] = Counter()
    all_: Counter[int] = Counter()
    for _, _, at_ms, was_right in told:
        if at_ms >= from_ms:
            all_[at_ms // MONTH_MS] += 1
            right[at_ms // MONTH_MS] += was_right
    return [(right[month], all_[month]) for month in range(max(all_, default=-1) + 1)]


def precision_by_month(farms: Sequence[Sequence[Told]], from_ms: int) -> list[float | None]:
    """Return the share that was right by month, over farms; None for a month without any."""
    months = [by_month(each, from_ms) for each in farms]
    out: list[float | None] = []
    for month in range(max(map(len, months), default=0)):
        here = [each[month] for each in months if month < len(each)]
        told = sum(each[1] for each in here)
        out.append(sum(each[0] for each in here) / told if told else None)
    return out
