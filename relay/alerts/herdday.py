"""The day of a herd in a few figures, for its digest. Pure: from hours, collars and what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relay.alerts.times import HOUR_MS
from relay.scoring.hours import HOUR, HOUR_MIN
from relay.scoring.lives import Lives

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    from relay.model import HourRecord, LifeEvent

DAY_H, USUAL_DAYS = 24, 7
HOURS_MS = (USUAL_DAYS + 1) * DAY_H * HOUR_MS  # of hours are asked for
SOON_DAYS = 7
LATE_DAYS = 14  # a due date so long ago was forgotten, not missed
_SEEN = 0.5  # of the minutes, else a cow's chewing is not known
_USUAL_DAYS_LEAST = 3


@dataclass(frozen=True, slots=True)
class HerdDay:
    """The last 24 hours of a herd.

    heard: of so many cows, of `cows` that wear a collar. chewing_percent: of their usual of the week before,
    100 is as ever, None if too little is known. due: ids of the cows due within SOON_DAYS, the first first.
    """

    heard: int
    cows: int
    chewing_percent: int | None
    due: tuple[int, ...] = ()


def herd_day(
    rows: Iterable[HourRecord],
    worn: Collection[int],
    herd: Collection[int],
    lives: Iterable[LifeEvent],
    now_ms: int,
) -> HerdDay:
    """Return the day that ends now.

    rows: hours of the last HOURS_MS. worn: ids of the animals that wear a collar. herd: ids of all.
    """
    ids = tuple(sorted(herd))
    cows = Lives(ids, lives).at(now_ms)
    there = {one for one, is_gone in zip(ids, cows.is_gone, strict=True) if not is_gone and one in set(worn)}
    mine = [row for row in rows if row.animal_id in there]
    covered, chewed = _by_day(mine, sorted(there), now_ms)
    heard = int((covered[:, 0] > 0).sum())
    soon = [
        (float(days), one)
        for one, days, is_gone in zip(ids, cows.to_due_d, cows.is_gone, strict=True)
        if -LATE_DAYS <= days <= SOON_DAYS and not is_gone
    ]
    return HerdDay(heard, len(there), _against_usual(covered, chewed), tuple(one for _, one in sorted(soon)))


def _by_day(
    rows: list[HourRecord], ids: list[int], now_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return minutes covered and minutes chewing, (animals, days), the last day first."""
    shape = len(ids), USUAL_DAYS + 1
    covered, chewed = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    if not rows:
        return covered, chewed
    hours = np.frombuffer(b"".join(row.row for row in rows), HOUR)
    place = {one: at for at, one in enumerate(ids)}
    animal = np.array([place[row.animal_id] for row in rows], np.intp)
    back = (now_ms // HOUR_MS - np.array([row.hour for row in rows])) // DAY_H
    kept = (back >= 0) & (back <= USUAL_DAYS)
    at = animal[kept], back[kept]
    np.add.at(covered, at, hours["covered_min"].sum(axis=1, dtype=np.int64)[kept])
    np.add.at(chewed, at, hours["ruminate_min"].astype(np.int64)[kept])
    return covered, chewed


def _against_usual(covered: NDArray[np.int64], chewed: NDArray[np.int64]) -> int | None:
    """Return the chewing of the last day in percent of the days before, of the cows known on both."""
    is_known = covered >= _SEEN * DAY_H * HOUR_MIN
    usual_days = is_known[:, 1:].sum(axis=1)
    both = is_known[:, 0] & (usual_days >= _USUAL_DAYS_LEAST)
    if not both.any():
        return None
    share = np.where(is_known, chewed / np.maximum(covered, 1), 0.0)
    usual = share[both, 1:].sum(axis=1) / usual_days[both]
    return round(100 * float(share[both, 0].sum() / usual.sum())) if usual.sum() > 0 else None
