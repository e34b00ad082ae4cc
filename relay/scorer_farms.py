"""What the scorer keeps of the farms of a partition: read from the store at first, then folded on."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.model import HourRecord
from relay.scoring import farm as fold
from relay.scoring import standing
from relay.scoring.facts import COUNTED_DAYS, SETTLED_DAYS, farm_facts
from relay.scoring.farm import Farm, News
from relay.scoring.findings import StateError
from relay.scoring.hours import HOUR_MS, nothing
from relay.scoring.partition import put
from relay.scoring.reopen import base_before, reopen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.model import Event, FarmState
    from relay.scorer_metrics import ScorerMetrics
    from relay.scoring.animal import AnimalState
    from relay.scoring.findings import Limits
    from relay.scoring.partition import Folded
    from relay.scoring.reopen import Base
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)

_FOREVER = 1 << 40  # hours
_FOREVER_MS = 1 << 60
_COUNTED_MS = (COUNTED_DAYS + SETTLED_DAYS + 1) * 86_400_000
_NOTHING = nothing(1).tobytes()


@dataclass(slots=True)
class Made:
    """What a batch made of farms: to be stored, and then believed (`farms`, None: read it anew).

    `known`: by farm the events as they stood before.
    """

    farms: dict[int, Farm | None] = field(default_factory=dict)
    events: dict[int, list[Event]] = field(default_factory=dict)
    known: dict[int, Mapping[str, Event]] = field(default_factory=dict)
    states: list[FarmState] = field(default_factory=list)


class Farms:
    """Reads farms, goes back for late animals, and folds what a batch brought."""

    def __init__(self, store: Store, metrics: ScorerMetrics, limits: Limits) -> None:
        self._store, self._metrics, self._limits = store, metrics, limits
        self._faulty: dict[int, frozenset[str]] = {}

    async def reopened(self, folded: Folded, cursor: int) -> dict[int, Base]:
        """Fold late animals anew, in `folded`; return from where on."""
        bases = {}
        for animal_id, minute in list(folded.late.items()):
            try:
                bases[animal_id] = await self._reopened(folded, animal_id, minute, cursor)
            except Exception as error:  # noqa: BLE001 - one animal's fault must not stop the herd; it is reported
                folded.failures[animal_id] = error
        return bases

    async def _reopened(self, folded: Folded, animal_id: int, minute: int, cursor: int) -> Base:
        try:
            base = base_before(await self._store.snapshots(animal_id), minute)
        except StateError as error:
            _LOG.warning("animal %d: %s; folding its last days anew", animal_id, error)
            base = base_before([], minute)
        farm_id = folded.farms[animal_id]
        frames = await self._store.frames_of(animal_id, base.read_from_ms, _FOREVER_MS)
        made = await asyncio.to_thread(reopen, base, animal_id, frames, self._limits, cursor)
        put(folded, made)
        rows = folded.hours.setdefault(animal_id, {})
        # What a clock that was ahead has dated is not there any more.
        for each in await self._store.hours(farm_id, min(rows, default=base.day * 24), _FOREVER):
            if each.animal_id == animal_id:
                rows.setdefault(each.hour, _NOTHING)
        return base

    async def advanced(
        self,
        farms: Mapping[int, Farm],
        partition: int,
        folded: Folded,
        reopened: Mapping[int, Base],
        states: Mapping[int, AnimalState],
        received_ms: int,
    ) -> Made:
        """Fold what came into the farms that it came from. states: of all animals of the partition."""
        made = Made()
        for farm_id in sorted(set(folded.farms.values())):
            mine = [animal_id for animal_id, of in folded.farms.items() if of == farm_id]
            farm = farms.get(farm_id) or await self._restored(farm_id, partition, received_ms)
            told = {
                each.id: states[each.id] for each in await self._store.animals(farm_id) if each.id in states
            }
            news = News(
                received_ms,
                {animal_id: folded.hours[animal_id] for animal_id in mine if animal_id in folded.hours},
                {animal_id: state.hours.told_until for animal_id, state in told.items()},
                [each for animal_id in mine for each in folded.findings.get(animal_id, ())],
                {animal_id: reopened[animal_id] for animal_id in mine if animal_id in reopened},
            )
            await self._advance(farm, news, made)
        return made

    async def _advance(self, farm: Farm, news: News, made: Made) -> None:
        farm_id = farm.farm_id
        made.known[farm_id] = farm.told
        heard = fold.hear(farm, news)
        if fold.is_lost(heard):
            _LOG.warning("farm %d: the clock was far ahead; folding its hours anew", farm_id)
            farm = await self._anew(farm_id, news.received_ms)
            heard = fold.hear(farm, news)
        off: frozenset[str] = frozenset()
        try:
            facts = await self._facts(farm_id, news.received_ms)
            off = facts.off
            stepped: Farm | None = await asyncio.to_thread(fold.step_on, heard, facts)
            after, made.events[farm_id] = fold.tell(stepped or heard, off)
            made.states += fold.to_states(after, farm)
            made.farms[farm_id] = after
            self._report(farm, after)
        except Exception:  # noqa: BLE001 - single minutes are told all the same, and other farms go on; it is logged
            _LOG.exception("farm %d: its hours are not scored with this batch", farm_id)
            self._metrics.fault("farm")
            _, made.events[farm_id] = fold.tell(heard, off)
            made.farms[farm_id] = None

    def _report(self, before: Farm, after: Farm) -> None:
        """Count kinds that failed; log each when it begins to, not with every batch until it is mended."""
        farm_id, faults = after.farm_id, after.faults
        known = self._faulty.get(farm_id, frozenset())
        self._metrics.fault("kind", len(faults))
        for name in sorted(faults.keys() - known):
            _LOG.error("farm %d: %s is left out of hours", farm_id, name, exc_info=faults[name])
        is_tried = before.next_hour != after.next_hour  # else nothing shows that a kind is mended
        self._faulty[farm_id] = frozenset(faults) | (frozenset() if is_tried else known)

    async def _facts(self, farm_id: int, received_ms: int) -> fold.Known:
        store = self._store
        row = await store.farm(farm_id)
        if row is None:
            raise LookupError(f"farm {farm_id} is not in the registry")
        hour = received_ms // HOUR_MS
        events = await store.farm_events(farm_id, received_ms - _COUNTED_MS)
        span = hour - fold.SILENT_H, hour + 3
        return await farm_facts(store, row, await store.animals(farm_id), span, events)

    async def _restored(self, farm_id: int, partition: int, received_ms: int) -> Farm:
        stored = await self._store.farm_states(partition)
        states = [each for each in stored if each.farm_id == farm_id]
        if not states:
            return await self._anew(farm_id, received_ms)
        events = await self._store.farm_events(farm_id, received_ms - standing.OPEN_MS)
        since = max(each.hour for each in states) - fold.ROWS_H
        try:
            return fold.restored(farm_id, states, await self._store.hours(farm_id, since, _FOREVER), events)
        except StateError as error:
            _LOG.warning("farm %d: %s; folding its hours anew", farm_id, error)
            self._metrics.fault("state")
            return await self._anew(farm_id, received_ms)

    async def _anew(self, farm_id: int, received_ms: int) -> Farm:
        events = await self._store.farm_events(farm_id, received_ms - standing.OPEN_MS)
        return fold.restored(farm_id, (), await self._store.hours(farm_id, 0, _FOREVER), events)


def hour_records(folded: Folded) -> list[HourRecord]:
    """Return the hours of a batch as they are stored."""
    return [
        HourRecord(animal_id, hour, row)
        for animal_id, by_hour in folded.hours.items()
        for hour, row in sorted(by_hour.items())
    ]
