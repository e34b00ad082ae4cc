"""When what a virtual herd's collars measure is at the relay, and when an hour of it is scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.plan.routine import MINUTE_MS
from simulator.reach import arrivals_ms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.virtual_herd import VirtualHerd

    Times = NDArray[np.int64]

LABEL_LAG_MIN = 1  # a minute is told when the next has begun
STRAGGLE_MIN = 20  # so long after an hour, by the newest animal's data, nobody is waited for
NEVER_MS = 1 << 62


class Reach:
    """`at_ms` (n, minutes): when what a collar measured up to the start of a minute arrives, or NEVER_MS.

    Minutes go on for some beyond the days, which have `hours`.
    """

    def __init__(self, at_ms: Times, hours: int) -> None:
        self.at_ms, self._hours = at_ms, hours

    def of(self, cow: int, at_ms: int) -> int:
        """Return when what her collar measured up to `at_ms` is here."""
        return int(self.at_ms[cow, min(-(-at_ms // MINUTE_MS), self.at_ms.shape[1] - 1)])

    def stepped_ms(self) -> Times:
        """Return (hours,): when an hour is scored, each after the one before it.

        That is when every collar's data of it are in, or the newest collar's are STRAGGLE_MIN ahead. An hour
        of which nothing ever comes is ready with the next that does.
        """
        ends = (np.arange(self._hours) + 1) * 60
        arrived = self.at_ms[:, ends + LABEL_LAG_MIN]
        all_in = np.where(arrived < NEVER_MS, arrived, 0).max(axis=0)
        ready = np.minimum(all_in, self.at_ms[:, ends + STRAGGLE_MIN].min(axis=0))
        return np.asarray(np.maximum.accumulate(np.maximum(ready, ends * MINUTE_MS)))


def reach(herd: VirtualHerd, profile: str | None = None) -> Reach:
    """Return it for a herd, under its own coverage or another."""
    model = herd.model
    if profile is not None:
        model = {**model, "coverage": {**model["coverage"], "profile": profile}}
    beyond = herd.days * 1440 + STRAGGLE_MIN + 1
    made_ms = np.arange(beyond, dtype=np.int64) * MINUTE_MS
    lent = _Covered(herd, model)
    told = np.stack([arrivals_ms(lent, cow, made_ms) for cow in range(herd.cows)])
    return Reach(np.where(told < 0, NEVER_MS, told), herd.days * 24)


class _Covered:
    """A herd as simulator/reach.py asks for it, under other coverage."""

    def __init__(self, herd: VirtualHerd, model: dict[str, Any]) -> None:
        self.model, self.seed, self.cows, self.days = model, herd.seed, herd.cows, herd.days
        self.herd_wide, self.histories = herd.herd_wide, herd.histories
