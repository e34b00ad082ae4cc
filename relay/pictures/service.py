"""Pictures for the relay: read from the store, drawn in another process, kept for who asks again."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from relay.alerts.words import nearest
from relay.pictures.data import READ_H, SHOWN_H
from relay.pictures.labels import Asked
from relay.pictures.worker import Worker
from relay.scoring.hours import HOUR_MS
from relay.storage.ports import WITHDRAWN

if TYPE_CHECKING:
    from relay.model import Event
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
KEPT = 256  # at most 60 kB each
WAITING_MOST = 64  # a storm of alerts: the others go without
_SPARE_H = 3  # the newest hours may not be told yet
_EVENTS_MS = 14 * 24 * HOUR_MS


class _Key(NamedTuple):
    farm_id: int
    animal_id: int
    kind: str
    until_hour: int
    language: str


class PictureService:
    """The port Pictures over a store. `close()` it."""

    def __init__(self, storage: Store, worker: Worker | None = None, *, kept: int = KEPT) -> None:
        self._storage, self._kept_most = storage, kept
        self.worker = worker or Worker()
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._made: dict[_Key, asyncio.Task[bytes | None]] = {}

    async def png(
        self, farm_id: int, animal_id: int, kind: str, until_ms: int, language: str
    ) -> bytes | None:
        """Return a picture; port.py says of what. The same of the same hour is drawn once."""
        key = _Key(farm_id, animal_id, kind, until_ms // HOUR_MS, nearest(language))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._made:
            if len(self._made) >= WAITING_MOST:
                return None
            self._made[key] = task = asyncio.create_task(self._make(key, until_ms))
            task.add_done_callback(lambda _: self._made.pop(key, None))
        return await asyncio.shield(self._made[key])

    async def warm(self) -> None:
        """Start the process before anybody asks: at start, where the first alert is to have its picture."""
        await self.worker.warm()

    async def close(self) -> None:
        """Make no more of them and end the process."""
        made = list(self._made.values())
        for task in made:
            task.cancel()
        await asyncio.gather(*made, return_exceptions=True)
        await self.worker.close()

    async def _make(self, key: _Key, until_ms: int) -> bytes | None:
        try:
            asked = await ask(self._storage, key.farm_id, key.animal_id, key.kind, until_ms, key.language)
            made = await self.worker.draw(asked) if asked else None
        except Exception:  # noqa: BLE001 - whatever it was, it is logged and the alert goes without
            _LOG.exception("a picture could not be made")
            return None
        if made is not None:
            self._kept[key] = made
            while len(self._kept) > self._kept_most:
                self._kept.popitem(last=False)
        return made


async def ask(
    storage: Store, farm_id: int, animal_id: int, kind: str, until_ms: int, language: str
) -> Asked | None:
    """Return what a picture is made from; None for an animal that is not the farm's.

    kind "": that of her newest event in the days that are shown, if there is one.
    """
    farm, animal = await storage.farm(farm_id), await storage.animal(animal_id)
    if farm is None or animal is None or animal.farm_id != farm_id:
        return None
    event = await _event(storage, farm_id, animal_id, kind, until_ms)
    last = (until_ms - 1) // HOUR_MS
    records = await storage.hours_of(farm_id, animal_id, last + 1 - READ_H - _SPARE_H, last + 1)
    return Asked(farm, animal, records, event, kind, until_ms, language)


async def _event(storage: Store, farm_id: int, animal_id: int, kind: str, until_ms: int) -> Event | None:
    since_ms = until_ms - (_EVENTS_MS if kind else SHOWN_H * HOUR_MS)
    found = [
        event
        for event in await storage.farm_events(farm_id, since_ms)
        if event.animal_id == animal_id and event.kind == (kind or event.kind) and event.state != WITHDRAWN
        and event.onset_ms < until_ms
    ]  # fmt: skip
    return found[-1] if found else None
