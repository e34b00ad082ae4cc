"""Who is told what of a farm, and when to look again: what intents need is read from the store here."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from relay.alerts import intents
from relay.alerts.herdday import HOURS_MS, herd_day
from relay.alerts.setting import Setting
from relay.alerts.threads import OPEN, known_ms
from relay.alerts.times import HOUR_MS
from relay.scoring import kinds
from relay.scoring.facts import COUNTED_DAYS, SETTLED_DAYS, tightened, wanted_by_day
from relay.whatsapp.cost import cost_of, month_line, month_of, month_span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from relay.clock import Clock
    from relay.model import Event, Message
    from relay.scorer_metrics import ScorerMetrics
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)

DAY_MS = 86_400_000
EVENTS_MS = 7 * DAY_MS
OPEN_MS = 14 * DAY_MS  # what is older and still open is for a list, not for a digest
SENT_MS = 32 * DAY_MS
JUDGED_MS = 62 * DAY_MS  # since the beginning of last month
COUNTED_MS = (COUNTED_DAYS + SETTLED_DAYS + 1) * DAY_MS
AGAIN_MS = 300_000  # after a fault
LOOK_MS = 30 * 3_600_000  # a digest is never further away; DST makes a day of 25 h
_NEVER = 1 << 62


class Teller:
    """Makes the messages of farms, and remembers when each has to be looked at again."""

    def __init__(self, store: Store, clock: Clock, metrics: ScorerMetrics) -> None:
        self._store, self._clock, self._metrics = store, clock, metrics
        self._next_ms: dict[int, int] = {}

    def meet(self, farms: Iterable[int]) -> None:
        """Say that these farms are ours; one that is new is due at once."""
        for farm_id in farms:
            self._next_ms.setdefault(farm_id, 0)

    def forget(self, farm_id: int) -> None:
        """Say that somebody else tells of this farm."""
        self._next_ms.pop(farm_id, None)

    def look(self, farm_ids: Iterable[int]) -> None:
        """Say that somebody of these farms answered, or asked to be left alone: they are due at once."""
        self._next_ms.update({farm_id: 0 for farm_id in farm_ids if farm_id in self._next_ms})

    def again(self, farm_id: int) -> None:
        """Say that what was made of a farm was not stored, and has to be made again."""
        self._next_ms[farm_id] = self._clock.now_ms() + AGAIN_MS

    @property
    def next_ms(self) -> int:
        """When the first farm is due."""
        return min(self._next_ms.values(), default=_NEVER)

    def due(self) -> list[int]:
        """Return the farms that are due now; also those put off by a clock that was ahead."""
        now_ms = self._clock.now_ms()
        return [farm_id for farm_id, at_ms in self._next_ms.items() if not now_ms < at_ms <= now_ms + LOOK_MS]

    async def messages(self, farm_id: int, changes: Iterable[Event] = ()) -> list[Message]:
        """Return what is to be told now. changes: events that are about to be stored."""
        self.again(farm_id)
        try:
            return await self._messages(farm_id, changes)
        except Exception:  # noqa: BLE001 - a fault in the words must not lose the events; it is logged and counted
            _LOG.exception("farm %d: events are kept, but there are no words for them", farm_id)
            self._metrics.fault("message")
            return []

    async def _messages(self, farm_id: int, changes: Iterable[Event]) -> list[Message]:
        store, now_ms = self._store, self._clock.now_ms()
        known = {each.id: each for each in await store.farm_events(farm_id, now_ms - COUNTED_MS)}
        known |= {each.id: each for each in changes}
        events = [each for each in known.values() if _is_told(each, now_ms)]
        sent = await store.messages(farm_id, now_ms - SENT_MS)
        setting = await self._setting(farm_id, known.values(), now_ms)
        if intents.wants_digest(setting, sent, now_ms):
            setting = await self._with_day(setting, now_ms)
        # In a thread: catalogues and zones are read from the disk when first used.
        messages = await asyncio.to_thread(intents.messages, events, setting, sent, now_ms)
        if self._next_ms.get(farm_id):  # else somebody answered while this was made, and it is not in it
            self._next_ms[farm_id] = intents.next_ms(events, setting, now_ms, [*sent, *messages])
        return messages

    async def _setting(self, farm_id: int, known: Collection[Event], now_ms: int) -> Setting:
        store = self._store
        farm = await store.farm(farm_id)
        if farm is None:
            raise LookupError(f"farm {farm_id} is not in the registry")
        animals = {each.id: each for each in await store.animals(farm_id)}
        return Setting(
            farm,
            animals,
            await store.people(farm_id),
            kinds.all_kinds(),
            await store.judged(farm_id, None, now_ms - JUDGED_MS),
            tightened(farm, len(animals), wanted_by_day(farm, known), now_ms),
            await store.judgements(farm_id, now_ms - SENT_MS),
            await store.mutes(farm_id, now_ms),
        )

    async def _with_day(self, setting: Setting, now_ms: int) -> Setting:
        """Return the setting with what only a digest asks for."""
        store, farm_id, hour = self._store, setting.farm.id, now_ms // HOUR_MS
        rows = await store.hours(farm_id, hour - HOURS_MS // HOUR_MS, hour + 1)
        worn = {each.animal_id for each in await store.collars(farm_id) if each.animal_id is not None}
        lives = await store.life_events(farm_id)
        herd = await asyncio.to_thread(herd_day, rows, worn, setting.animals, lives, now_ms)
        cost = cost_of(await store.priced(None, *month_span(month_of(now_ms))), farm_id)
        return replace(setting, herd=herd, cost=partial(month_line, cost) if cost.count else None)


def _is_told(event: Event, now_ms: int) -> bool:
    """Whether there may be something to tell of an event."""
    since_ms = now_ms - (OPEN_MS if event.state == OPEN else EVENTS_MS)
    return _news_ms(event) >= since_ms


def _news_ms(event: Event) -> int:
    """Return when there was something new of an event: an episode of weeks gets worse and ends, too."""
    return max(known_ms(event), event.over_ms or 0)
