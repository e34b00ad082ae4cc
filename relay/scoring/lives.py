"""What a farm has recorded of its animals, as scorers ask for it: arrays by animal at an hour.

Only what was noted by then counts, so a replay sees what was known.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from relay.model import LifeEvent

LIFE_EVENTS = ("calved", "inseminated", "dry", "due", "pregnant", "sold", "treated")
DAY_MS = 86_400_000
_NEVER = -(1 << 62)


class Cows(NamedTuple):
    """Arrays by animal: days since and until, NaN where nothing was recorded.

    Insemination, drying off, due date and pregnancy count from the last calving on. Who is inseminated after
    she was said to be pregnant is so no more.
    """

    in_milk_d: NDArray[np.float64]
    since_insemination_d: NDArray[np.float64]
    to_due_d: NDArray[np.float64]
    is_dry: NDArray[np.bool_]
    is_pregnant: NDArray[np.bool_]
    is_gone: NDArray[np.bool_]
    since_treated_d: NDArray[np.float64]


class _Known(NamedTuple):
    """Arrays by animal: when it last happened, UTC ms, or will; _NEVER where nothing was recorded."""

    calved: NDArray[np.int64]
    inseminated: NDArray[np.int64]
    due: NDArray[np.int64]
    is_dry: NDArray[np.bool_]
    is_pregnant: NDArray[np.bool_]
    is_gone: NDArray[np.bool_]
    treated: NDArray[np.int64]


class Lives:
    """Life events of `animals` (ids, in the order of all arrays)."""

    def __init__(self, animals: Sequence[int], events: Iterable[LifeEvent]) -> None:
        place = {animal: at for at, animal in enumerate(animals)}
        known = [each for each in events if each.animal_id in place]
        self._count = len(animals)
        self._animal = np.array([place[each.animal_id] for each in known], np.intp)
        self._kind = np.array([LIFE_EVENTS.index(each.kind) for each in known], np.intp)
        self._at_ms = np.array([each.at_ms for each in known], np.int64)
        self._noted_ms = np.array([each.noted_ms for each in known], np.int64)
        # Between two of these what is known stays the same, so it is looked up once for all hours between.
        self._changes_ms = sorted({at_ms for each in known for at_ms in (each.at_ms, each.noted_ms)})
        self._between: tuple[int, _Known] | None = None

    def at(self, now_ms: int) -> Cows:
        """Return what was known then."""
        known = self._known_at(now_ms)
        return Cows(
            _days(now_ms, known.calved),
            _days(now_ms, known.inseminated),
            -_days(now_ms, known.due),
            known.is_dry,
            known.is_pregnant,
            known.is_gone,
            _days(now_ms, known.treated),
        )

    def _known_at(self, now_ms: int) -> _Known:
        place = bisect_right(self._changes_ms, now_ms)
        if self._between is None or self._between[0] != place:
            self._between = place, self._looked_up(now_ms)
        return self._between[1]

    def _looked_up(self, now_ms: int) -> _Known:
        latest = {name: self._latest(name, now_ms) for name in LIFE_EVENTS}
        calved = latest["calved"]
        since = {
            name: np.where(at_ms > calved, at_ms, _NEVER)
            for name, at_ms in latest.items()
            if name != "calved"
        }
        # A due date lies ahead of the calving that it foretold, so when it was noted tells which one that is.
        noted = self._latest_noted_due(now_ms)
        due = np.where(noted > calved, self._newest_due(now_ms), _NEVER)
        said = np.maximum(since["pregnant"], np.where(due > _NEVER, noted, _NEVER))
        return _Known(
            calved,
            since["inseminated"],
            due,
            since["dry"] > _NEVER,
            (said > _NEVER) & (said >= since["inseminated"]),
            latest["sold"] > _NEVER,
            latest["treated"],
        )

    def _latest(self, name: str, now_ms: int) -> NDArray[np.int64]:
        latest = np.full(self._count, _NEVER, np.int64)
        known = (self._kind == LIFE_EVENTS.index(name)) & (self._noted_ms <= now_ms)
        if name != "due":
            known &= self._at_ms <= now_ms
        np.maximum.at(latest, self._animal[known], self._at_ms[known])
        return latest

    def _newest_due(self, now_ms: int) -> NDArray[np.int64]:
        """Return the due dates noted last: one that is put right may be earlier than the one before."""
        newest = np.full(self._count, _NEVER, np.int64)
        known = np.flatnonzero((self._kind == LIFE_EVENTS.index("due")) & (self._noted_ms <= now_ms))
        order = known[np.lexsort((self._at_ms[known], self._noted_ms[known]))]
        newest[self._animal[order]] = self._at_ms[order]  # of several the last stays
        return newest

    def _latest_noted_due(self, now_ms: int) -> NDArray[np.int64]:
        latest = np.full(self._count, _NEVER, np.int64)
        known = (self._kind == LIFE_EVENTS.index("due")) & (self._noted_ms <= now_ms)
        np.maximum.at(latest, self._animal[known], self._noted_ms[known])
        return latest


def _days(now_ms: int, at_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(at_ms > _NEVER, (now_ms - at_ms) / DAY_MS, np.nan)
