"""The task that scores: reads the log, folds it, commits all that comes of it in one transaction.

What is due at a time (the digest, what quiet hours held back) it queues too, when that time comes.

It sleeps until somebody appends (`wake`), holds the states in memory and believes the store: whatever goes
wrong between reading and the commit, the partition is forgotten and read again, so no batch counts half or
twice.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry

from relay.model import AnimalLabels, MinuteLabel
from relay.scorer_farms import Farms, hour_records
from relay.scorer_metrics import ScorerMetrics
from relay.scoring.animal import AnimalState, from_rows, to_rows
from relay.scoring.findings import Limits, StateError
from relay.scoring.partition import fold, whole_arrivals
from relay.storage.ports import (
    WITHDRAWN,
    AlwaysMe,
    FrameLog,
    Leases,
    StaleLease,
    Store,
    partition_of,
)
from relay.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from relay.behaviour.labels import LabelledMinute
    from relay.clock import Clock
    from relay.config import Config
    from relay.metrics import Metrics
    from relay.model import Event, LoggedFrame, Message
    from relay.scorer_farms import Made
    from relay.scoring.farm import Farm
    from relay.scoring.partition import Folded

_LOG = logging.getLogger(__name__)

BATCH_FRAMES = 256  # one commit each
RETRY_MS = 5_000  # after a fault of the store


class Storage(FrameLog, Store, Protocol):
    """What the scorer needs of the storage."""


@dataclass(slots=True)
class _Partition:
    cursor: int
    states: dict[int, AnimalState]
    farms: dict[int, Farm] = field(default_factory=dict)


class Scorer:
    """Scores every partition whose lease is ours. One `run` at a time."""

    def __init__(
        self,
        storage: Storage,
        config: Config,
        clock: Clock,
        metrics: Metrics | None = None,
        *,
        leases: Leases | None = None,
        on_messages: Callable[[], None] | None = None,
        batch_frames: int = BATCH_FRAMES,
    ) -> None:
        """`on_messages` is called after a commit that queued messages: the dispatcher's alarm clock."""
        self._storage = storage
        self._clock = clock
        self._limits = Limits(config.alerts.no_movement_min)
        self._metrics = ScorerMetrics(metrics.registry if metrics else CollectorRegistry())
        self._farms = Farms(storage, self._metrics, self._limits)
        self._teller = Teller(storage, clock, self._metrics)
        self._leases = leases or AlwaysMe()
        self._on_messages = on_messages or (lambda: None)
        self._batch_frames = batch_frames
        self._partitions: dict[int, _Partition] = {}
        self._due: set[int] = set()
        self._failed: set[int] = set()
        self._retry: asyncio.Task[None] | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_ms = 0
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()

    def wake(self, partitions: Iterable[int]) -> None:
        """Say that these partitions have new frames in the log."""
        self._due.update(partitions)
        if self._due:
            self._idle.clear()
            self._woken.set()

    def look(self, farm_ids: Iterable[int]) -> None:
        """Say that people of these farms answered, or asked for quiet: what they are told next changes."""
        self._teller.look(farm_ids)
        self._idle.clear()
        self._woken.set()

    def idle(self) -> bool:
        """Say whether what was appended before the last `wake` is stored, and what is due now is queued."""
        if self._teller.next_ms <= self._clock.now_ms():
            self._idle.clear()
            self._woken.set()
        return self._idle.is_set()

    async def wait_idle(self) -> None:
        """Return once `idle`."""
        while not self.idle():
            await self._idle.wait()

    async def run(self) -> None:
        """Catch up with the log, then score whatever `wake` announces, until cancelled."""
        try:
            await self._announce_heads()
            self._teller.meet([farm.id for farm in await self._storage.farms()])
            while True:
                await self._work()
                self._woken.clear()
                if not self._failed:
                    self._idle.set()
                self._set_alarm()
                await self._woken.wait()
        finally:
            self._idle.clear()
            for task in (self._retry, self._alarm):
                if task:
                    task.cancel()

    async def _work(self) -> None:
        """Score and tell until there is nothing left to do at this time."""
        while self._due or self._teller.due():
            while self._due:
                await self._serve(self._due.pop())
            for farm_id in self._teller.due():
                await self._tell(farm_id)

    async def _tell(self, farm_id: int) -> None:
        """Queue what a farm is to be told at this time."""
        try:
            if await self._leases.token(partition_of(farm_id)) is None:
                self._teller.forget(farm_id)
                return
            messages = await self._teller.messages(farm_id)
            if messages:
                await self._storage.queue(messages)
                self._on_messages()
        except Exception:  # noqa: BLE001 - the task must outlive a fault of the store; it is logged and tried again
            _LOG.exception("farm %d: its messages were not queued", farm_id)
            self._metrics.fault("store")
            self._teller.again(farm_id)

    def _set_alarm(self) -> None:
        if self._alarm is None or self._alarm.done() or self._alarm_ms != self._teller.next_ms:
            if self._alarm:
                self._alarm.cancel()
            self._alarm_ms = self._teller.next_ms
            self._alarm = asyncio.create_task(self._ring(self._alarm_ms))

    async def _ring(self, at_ms: int) -> None:
        await self._clock.wait_until(at_ms)
        self._woken.set()

    async def _announce_heads(self) -> None:
        self.wake(await self._storage.heads())

    async def _serve(self, partition: int) -> None:
        """Bring one partition to the head of the log; after a fault forget it and try again later."""
        try:
            while await self._advance(partition):
                pass
            self._failed.discard(partition)
        except StaleLease:
            _LOG.info("partition %d: the lease went to somebody else", partition)
            self._give_up(partition, "lease")
        except Exception:  # noqa: BLE001 - the task must outlive a fault of the store; it is logged and tried again
            _LOG.exception("partition %d: scoring stopped, next try in %d ms", partition, RETRY_MS)
            self._give_up(partition, "store")

    def _give_up(self, partition: int, place: str) -> None:
        self._metrics.fault(place)
        self._partitions.pop(partition, None)
        self._failed.add(partition)
        if self._retry is None or self._retry.done():
            self._retry = asyncio.create_task(self._wake_failed(self._clock.now_ms() + RETRY_MS))

    async def _wake_failed(self, at_ms: int) -> None:
        await self._clock.wait_until(at_ms)
        self.wake(self._failed)

    async def _advance(self, partition: int) -> bool:
        """Score one batch; return whether the log may hold more."""
        token = await self._leases.token(partition)
        if token is None:
            self._partitions.pop(partition, None)
            return False
        held = self._partitions.get(partition) or await self._load(partition)
        frames = await self._storage.read(partition, held.cursor, self._batch_frames)
        if not frames:
            return False
        batch = whole_arrivals(frames, self._batch_frames)
        # In a thread: classifying takes a third of a second a batch, and reads its model when first used.
        folded = await asyncio.to_thread(fold, batch, held.states, self._limits)
        made = await self._fold_farms(partition, held, batch, folded)
        messages = await self._messages(made)
        cursor = batch[-1].cursor
        try:
            await self._commit(partition, token, cursor, folded, made, messages)
        except BaseException:
            for farm_id in made.farms:
                self._teller.again(farm_id)
            raise
        held.cursor = cursor
        held.states.update(folded.states)
        for farm_id, farm in made.farms.items():
            held.farms.pop(farm_id, None)
            held.farms.update({farm_id: farm} if farm else {})
        self._report(folded, made)
        if messages:
            self._on_messages()
        return len(frames) == self._batch_frames

    async def _fold_farms(
        self, partition: int, held: _Partition, batch: Sequence[LoggedFrame], folded: Folded
    ) -> Made:
        reopened = await self._farms.reopened(folded, batch[-1].cursor)
        states = {**held.states, **folded.states}
        received_ms = batch[-1].received_ms
        return await self._farms.advanced(held.farms, partition, folded, reopened, states, received_ms)

    async def _messages(self, made: Made) -> list[Message]:
        self._teller.meet(made.farms)
        changed = [(farm_id, events) for farm_id, events in made.events.items() if events]
        return [message for each in changed for message in await self._teller.messages(*each)]

    async def _commit(
        self,
        partition: int,
        token: int,
        cursor: int,
        folded: Folded,
        made: Made,
        messages: Sequence[Message],
    ) -> None:
        await self._storage.commit_scores(
            partition,
            token,
            cursor,
            [row for animal_id, state in folded.states.items() for row in to_rows(animal_id, state)],
            [event for events in made.events.values() for event in events],
            messages,
            [_labels(animal_id, labelled) for animal_id, labelled in folded.labels.items()],
            hours=hour_records(folded),
            snapshots=[row for rows in folded.snapshots.values() for row in rows],
            farm_states=made.states,
        )

    async def _load(self, partition: int) -> _Partition:
        cursor = await self._storage.cursor(partition)
        try:
            states = from_rows(await self._storage.states(partition))
        except StateError as error:
            _LOG.warning("partition %d: %s; folding its log anew", partition, error)
            self._metrics.fault("state")
            states = await self._refolded(partition, cursor)
        held = self._partitions[partition] = _Partition(cursor, states)
        return held

    async def _refolded(self, partition: int, end: int) -> dict[int, AnimalState]:
        """Return the states at cursor `end`, folded from the oldest frame kept; the events are known."""
        states: dict[int, AnimalState] = {}
        at = 0
        while at < end:
            frames = whole_arrivals(
                await self._storage.read(partition, at, self._batch_frames), self._batch_frames
            )
            batch = [frame for frame in frames if frame.cursor <= end]
            if not batch:
                break
            states.update((await asyncio.to_thread(fold, batch, states, self._limits)).states)
            at = batch[-1].cursor
        return states

    def _report(self, folded: Folded, made: Made) -> None:
        self._metrics.committed(folded)
        self._metrics.fault("animal", len(folded.failures))
        for animal_id, error in folded.failures.items():
            _LOG.error("animal %d: not scored with this batch", animal_id, exc_info=error)
        self._metrics.fault("labels", len(folded.unlabelled))
        for animal_id, error in folded.unlabelled.items():
            _LOG.error("animal %d: scored, but not labelled with this batch", animal_id, exc_info=error)
        for farm_id, events in made.events.items():
            for event in events:
                self._report_event(event, made.known[farm_id].get(event.id))

    def _report_event(self, event: Event, before: Event | None) -> None:
        self._metrics.event(event, before)
        if before is None:
            since = _utc(event.onset_ms)
            _LOG.info("event %s: %s, animal %s, since %s", event.id, event.kind, event.animal_id, since)
        if event.state == WITHDRAWN:
            _LOG.info("event %s: %s does not stand any more", event.id, event.kind)
        elif event.over_ms is not None:
            _LOG.info("event %s: %s is over at %s", event.id, event.kind, _utc(event.over_ms))
        elif before is not None:
            _LOG.info("event %s: %s went on, stage %r", event.id, event.kind, event.stage)


def _labels(animal_id: int, labelled: Iterable[LabelledMinute]) -> AnimalLabels:
    minutes = [MinuteLabel(each.minute, each.behaviour, each.confidence, each.lying) for each in labelled]
    return AnimalLabels(animal_id, tuple(minutes))


def _utc(at_ms: int) -> str:
    """Return a time as a log shows it: 13 digits would pass for a phone number."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
