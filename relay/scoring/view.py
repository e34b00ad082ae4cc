"""What a scorer of hours is shown: one hour of a farm, and what it is compared with. Arrays by animal."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from relay.scoring import baseline, pose
from relay.scoring.hours import HOUR_MIN, HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from relay.scoring.baseline import Told, Usual
    from relay.scoring.hours import Hours
    from relay.scoring.lives import Cows


@dataclass(frozen=True, eq=False)
class View:
    """Hour `number` (since 1970) of `animals` (ids, the order of all arrays).

    `rows`: its records. `usual`, `told`: baseline after it, and how it stands (baseline.py). `group` (n,):
    who lives with whom. `thi`: temperature-humidity index of the hour, NaN if nobody tells. `offsets`: what
    learning and the budget add to a kind's threshold (n,).
    """

    number: int
    animals: tuple[int, ...]
    rows: Hours
    usual: Usual
    told: Told
    cows: Cows
    group: NDArray[np.intp]
    thi: float = float("nan")
    offsets: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def at_ms(self) -> int:
        """When the hour is over, and what it shows is known: UTC ms."""
        return (self.number + 1) * HOUR_MS

    @cached_property
    def covered(self) -> NDArray[np.int64]:
        """Minutes of the hour with data, (n,)."""
        return np.asarray(self.rows["covered_min"].sum(axis=1, dtype=np.int64))

    @cached_property
    def directions(self) -> NDArray[np.float32]:
        """Unit vectors of gravity by quarter, (n, QUARTERS, 3); zero where nothing is known."""
        return pose.directions(self.rows)

    @cached_property
    def resting(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Where down is at rest, (n, 3), and where the hour tells, (n,)."""
        return pose.resting(self.rows, self.directions)

    @cached_property
    def is_moved(self) -> NDArray[np.bool_]:
        """Whose collar is moved in more than half of the hour's minutes, (n,)."""
        return pose.is_worn(self.rows)

    @cached_property
    def day(self) -> NDArray[np.float32]:
        """Sums of the last 24 h, (n, COLUMNS), made whole for minutes that are missing; NaN below 80 %."""
        total = self.usual.ring.sum(axis=1)
        covered = total[:, baseline.COVERED, None]
        whole = total * (baseline.DAY_H * HOUR_MIN) / np.maximum(covered, 1)
        enough = covered >= baseline.COVERAGE * baseline.DAY_H * HOUR_MIN
        return np.where(enough, whole, np.nan).astype(np.float32)

    def offset(self, kind: str) -> NDArray[np.float64]:
        """Return what to add to a kind's threshold, (n,)."""
        return self.offsets.get(kind, np.zeros(len(self.animals)))
