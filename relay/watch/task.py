"""The relay's own watch: every minute it looks at what was heard, and tells what is not there."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from herdcore.records import unpack_health
from relay.scoring.coverage import gap_h
from relay.watch import codec
from relay.watch.outbox import WhatsAppPath
from relay.watch.parts import COLLAR, META, MINUTE_MS, WEBHOOKS, Heard, Limits, State, Worn
from relay.watch.paths import WHATSAPP
from relay.watch.silence import step
from relay.watch.telling import Pending, Teller, added
from relay.watch.words import Place, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.clock import Clock
    from relay.config import Config
    from relay.model import CollarReport, Farm
    from relay.storage.ports import Store
    from relay.watch.hearing import Ears
    from relay.watch.meta import MetaSense
    from relay.watch.parts import Note
    from relay.watch.paths import Path

_LOG = logging.getLogger(__name__)
_KEEP_MS = 5 * MINUTE_MS  # what was heard is stored no more often than that; what is told, at once
_READ_MS = 5 * MINUTE_MS  # so often is the registry asked who wears what
_BATTERY, _EMPTY = "battery", "now"  # the stage of three days left; two weeks left are no reason for silence
_BATTERY_MS = 60 * 24 * 60 * MINUTE_MS
_ALWAYS = "always"


class Watch:
    """Watches the collars, their farms' lines and Meta. `run()` is its task.

    `paths` by name, but for WhatsApp, which `wake_outbox` opens; `meta` None if nothing is sent.
    """

    def __init__(
        self,
        storage: Store,
        config: Config,
        clock: Clock,
        ears: Ears,
        paths: Mapping[str, Path],
        meta: MetaSense | None = None,
        wake_outbox: Callable[[], None] | None = None,
    ) -> None:
        self._storage, self._clock, self._ears, self._meta = storage, clock, ears, meta
        period_s = config.ingest.next_upload_s
        self._limits = Limits(config.watch.after_min * MINUTE_MS, max(MINUTE_MS, period_s * 1000))
        whatsapp: dict[str, Path] = {}
        if wake_outbox:
            whatsapp[WHATSAPP] = WhatsAppPath(storage, self._place_of, wake_outbox, self._meta_is_there)
        self._teller = Teller({**paths, **whatsapp}, self._text_of)
        self.state = State()
        self._pending: list[Pending] = []
        self._worn: tuple[Worn, ...] = ()
        self._read_ms = self._kept_ms = 0
        self._next_ms = 0
        self._is_busy = True  # until run() has looked for the first time

    def idle(self) -> bool:
        """Whether there is nothing to look at before the clock moves on."""
        return not self._is_busy and self._clock.now_ms() < self._next_ms

    async def run(self) -> None:
        """Look every minute, until cancelled."""
        await self._load()
        while True:
            self._is_busy = True
            await self._look()
            self._next_ms = self._clock.now_ms() + MINUTE_MS
            self._is_busy = False
            await self._clock.wait_until(self._next_ms)

    async def _load(self) -> None:
        kept = await self._storage.watch_state()
        try:
            self.state, self._pending = codec.decode(kept) if kept else (State(), [])
        except codec.CodecError as error:  # of another version: silence is found out anew
            _LOG.warning("%s", error)

    async def _look(self) -> None:
        now_ms = self._clock.now_ms()
        self.state, notes = step(self.state, now_ms, await self._heard(now_ms), self._limits)
        for note in notes:
            _LOG.warning("%s: %s", note.name, "heard again" if note.is_over else "not there")
        self._pending = added(self._pending, notes)
        # Before anybody is told: a crash in between tells again under the same name, and never not at all.
        await self._keep(now_ms, must=bool(notes))
        before = self._pending
        self._pending = await self._teller.advance(before, now_ms)
        await self._keep(now_ms, must=self._pending != before)

    async def _keep(self, now_ms: int, *, must: bool) -> None:
        if must or not self._kept_ms <= now_ms < self._kept_ms + _KEEP_MS:
            self._kept_ms = now_ms
            await self._storage.keep_watch(codec.encode(self.state, self._pending))

    async def _heard(self, now_ms: int) -> Heard:
        if not self._read_ms <= now_ms < self._read_ms + _READ_MS:
            farms = await self._storage.farms()
            self._worn = tuple([each for farm in farms for each in await self._worn_on(farm, now_ms)])
            self._read_ms = now_ms
        worn = tuple(replace(each, via=self._ears.via.get(each.device, "")) for each in self._worn)
        services = await self._meta.heard(now_ms) if self._meta else {}
        return Heard(worn, self._ears.last_ms, services)

    async def _worn_on(self, farm: Farm, now_ms: int) -> list[Worn]:
        """Return the collars that should be heard: worn, but for those whose battery was told to be empty."""
        # Before the reports: a collar that is added meanwhile has none yet.
        collars = await self._storage.collars(farm.id)
        reports = await self._storage.reports(farm.id)
        standing = await self._storage.standing(farm.id, now_ms - _BATTERY_MS)
        weak = {
            event.animal_id
            for event in standing
            if event.kind == _BATTERY and event.state == "open" and event.stage == _EMPTY
        }
        return [
            Worn(each.device, farm.id, self._expected_ms(farm, reports.get(each.device)))
            for each in collars
            if each.animal_id is not None and each.animal_id not in weak
        ]

    def _expected_ms(self, farm: Farm, report: CollarReport | None) -> int:
        period_ms = self._limits.period_ms
        if report and report.records:
            period_ms = max(period_ms, unpack_health(report.records).upload_period_s * 1000)
        return period_ms if farm.coverage == _ALWAYS else int(gap_h(farm.coverage) * 60) * MINUTE_MS

    def _meta_is_there(self) -> bool:
        parts = [self.state.services.get(name) for name in (META, WEBHOOKS)]
        return all(part is None or part.told_ms is None for part in parts)

    async def _place_of(self, note: Note) -> Place:
        if note.farm_id is None:
            return Place()
        farm = await self._storage.farm(note.farm_id)
        collars = [each for each in await self._storage.collars(note.farm_id) if each.animal_id is not None]
        wearers = {each.device: each.animal_id for each in collars}
        animal = (
            await self._storage.animal(wearers.get(note.device or 0) or 0) if note.part == COLLAR else None
        )
        return Place(farm, animal.label if animal else "-", len(collars))

    async def _text_of(self, note: Note) -> str:
        place = await self._place_of(note)
        return text(note, place, place.farm.language if place.farm else "en")
