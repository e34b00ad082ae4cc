"""What a farm says besides its collars, read from the store and put in the form that scorers ask for.

Everything is by event time: a judgement counts from the moment it was given, and the budget counts days that
nothing late can change any more. So an hour that is stepped again has the thresholds that it had.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from relay.alerts import budget, learning
from relay.alerts.times import farm_day
from relay.scoring import coverage, hours, kinds
from relay.scoring.herd import Facts
from relay.scoring.kind import Tier
from relay.scoring.lives import Lives
from relay.scoring.thi import thi
from relay.storage.ports import WITHDRAWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from relay.model import Animal, Event, Judged
    from relay.model import Farm as FarmRow
    from relay.storage.ports import Store

SETTLED_DAYS = 4  # an event of an earlier day stays as it is: late data go back three days at most
COUNTED_DAYS = 60


@dataclass(frozen=True, slots=True, eq=False)
class FarmFacts:
    """Facts of a farm and of its history; `at(hour)` adds the thresholds of that hour."""

    farm: FarmRow
    plain: Facts
    judged: Sequence[Judged] = ()
    wanted: Mapping[date, int] = field(default_factory=dict)
    _offsets: dict[tuple[int, float], Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)

    @property
    def off(self) -> frozenset[str]:
        """The kinds that are switched off."""
        return self.plain.off

    def at(self, number: int) -> Facts:
        """Return the facts for an hour."""
        now_ms = hours.start_ms(number)
        said = sum(each.at_ms <= now_ms for each in self.judged)
        tightened = self.tightened(now_ms)
        if not said and not tightened:
            return self.plain
        key = said, tightened
        if key not in self._offsets:
            self._offsets[key] = self._offsets_at(now_ms, tightened)
        return replace(self.plain, offsets=self._offsets[key])

    def tightened(self, now_ms: int) -> float:
        """Return what the budget adds to thresholds then."""
        return tightened(self.farm, len(self.plain.animals), self.wanted, now_ms)

    def _offsets_at(self, now_ms: int, tightened: float) -> dict[str, NDArray[np.float64]]:
        every = kinds.all_kinds()
        learnt = learning.offsets(self.judged, every, now_ms)
        return {
            name: np.array([learnt.of(name, animal) + tightened for animal in self.plain.animals])
            for name, kind in every.items()
            if learning.learns(kind)
        }


def tightened(farm: FarmRow, cows: int, wanted: Mapping[date, int], now_ms: int) -> float:
    """Return what the budget adds to thresholds. wanted: timely events by day (`wanted_by_day`)."""
    if not wanted:
        return 0.0
    last = farm_day(now_ms, farm) - timedelta(days=SETTLED_DAYS)
    days = [last - timedelta(days=back) for back in reversed(range(COUNTED_DAYS))]
    return budget.tightening([wanted.get(day, 0) for day in days], cows)


def wanted_by_day(farm: FarmRow, events: Iterable[Event]) -> Counter[date]:
    """Count the timely events that stand by the farm's day on which they were found."""
    return Counter(
        farm_day(each.detected_ms, farm)
        for each in events
        if each.tier == Tier.TIMELY and each.state != WITHDRAWN
    )


async def farm_facts(
    store: Store,
    farm: FarmRow,
    animals: Iterable[Animal],
    span: tuple[int, int],
    events: Iterable[Event] = (),
) -> FarmFacts:
    """Return what the store says of a farm. span: hours whose weather is asked for, the end excluded.

    events: those of the last two months, for the budget.
    """
    there = sorted(animals, key=lambda one: one.id)
    ids = tuple(each.id for each in there)
    groups = sorted({each.group for each in there})
    air = await store.weather(farm.id, *span)
    plain = Facts(
        ids,
        np.array([groups.index(each.group) for each in there], np.intp),
        Lives(ids, await store.life_events(farm.id)),
        off_of(farm, await store.switches(farm.id)),
        {hour: thi(*each) for hour, each in air.items()},
    )
    return FarmFacts(farm, plain, await store.judged(farm.id, None, 0), wanted_by_day(farm, events))


def off_of(farm: FarmRow, switches: Mapping[str, bool]) -> frozenset[str]:
    """Return the kinds that are off: switched so, experimental and not switched on, or not to be served."""
    every = kinds.all_kinds()
    _, unserved = coverage.served(every.values(), farm.coverage)
    off = {name for name, kind in every.items() if not switches.get(name, not kind.is_experimental)}
    return frozenset(off | {each.kind for each in unserved})
