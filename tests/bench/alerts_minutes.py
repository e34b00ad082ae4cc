"""The kinds that fold single minutes, over a virtual herd's minutes, as the relay folds them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from relay.behaviour.minutes import GRAVITY_STEP_MG, WINDOWS, Minute
from relay.scoring import kinds
from relay.scoring.findings import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.scoring.findings import Found, Over
    from simulator.minutes import Minutes

MINUTES = 1440


@dataclass
class Watch:
    """Where the folds of n cows stand. `states`: by kind and cow."""

    cows: int
    states: dict[tuple[str, int], Any] = field(default_factory=dict)
    findings: list[tuple[int, Found | Over]] = field(default_factory=list)

    def day(self, minutes: Minutes) -> float:
        """Fold a day; days come in order. Returns what that took, s of CPU, without making the minutes."""
        cpu_s = 0.0
        for cow in range(self.cows):
            hers = list(minutes_of(minutes, cow))
            began_s = time.process_time()
            for kind in kinds.minutely():
                key = (kind.KIND.name, cow)
                self.states[key], found = kind.step_minutes(
                    self.states.get(key) or kind.State(), hers, Limits()
                )
                self.findings += [(cow, each) for each in found]
            cpu_s += time.process_time() - began_s
        return cpu_s


def minutes_of(day: Minutes, cow: int) -> Iterator[Minute]:
    """Yield a cow's minutes that have data as the relay would have summed them from windows."""
    at = np.flatnonzero(day.windows[cow])
    windows = day.windows[cow, at].astype(np.int64)
    motion = np.rint(day.motion_mg[cow, at] * windows).astype(np.int64)
    most = np.ceil(day.motion_max_mg[cow, at]).astype(np.int64)
    down = np.rint(day.gravity_mg[cow, at] / GRAVITY_STEP_MG * windows[:, None]).astype(np.int64)
    columns = (at + day.day * MINUTES, windows, motion, most, *down.T)
    for minute, n, total, top, x, y, z in zip(*(each.tolist() for each in columns), strict=True):
        yield Minute(minute, n, 0, 59_999, total, top, 0, x, y, z, WINDOWS)
