"""The task of the second channel: takes over what WhatsApp does not deliver, or all if there is none.

Same discipline as the outbox of WhatsApp: an attempt is stored before it is made; what may have gone out is
unknown, and only a critical message goes once more after two minutes, marked. What WhatsApp delivers after
all is recorded there and changes nothing here.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from relay.channels.delivery import Delivery
from relay.storage.ports import EXPIRED, OPEN, QUEUED
from relay.storage.ports_chat import SECOND, WHATSAPP, second_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from relay.channels.port import Channel
    from relay.clock import Clock
    from relay.model import Message, QueuedMessage
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
LOOK_MS = 15_000  # so often is looked for what WhatsApp has not delivered
REPEAT_AFTER_MS = 120_000
AT_ONCE = 4
FINISH_S = 5.0  # less than the server allows a shutdown
_AT_A_TIME = 500


class Fallback:
    """Sends by `channel`. `run()` is its task; others only `wake()` it.

    after_ms: how long a critical message may take by WhatsApp. is_alone: there is no WhatsApp, everything
    goes this way. is_broken: whether WhatsApp takes nothing at all at present.
    """

    def __init__(
        self, storage: Store, channel: Channel, clock: Clock, *, after_ms: int, is_alone: bool,
        is_broken: Callable[[], bool], registry: CollectorRegistry | None = None,
    ) -> None:  # fmt: skip
        self._storage, self._clock = storage, clock
        self._after_ms, self._is_alone, self._is_broken = after_ms, is_alone, is_broken
        self._delivery = Delivery(storage, channel, clock, registry)
        self._mine = (SECOND, WHATSAPP) if is_alone else (SECOND,)
        self._woken = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._looking = True  # until run() has looked for the first time
        self._next_look_ms = 0
        self.finish_s = FINISH_S

    def wake(self) -> None:
        """Look at the outbox now: something was queued."""
        self._woken.set()

    async def idle(self) -> bool:
        """Whether nothing is being sent and nothing can be sent at this time."""
        due_ms = await self._due_ms()  # first: a message leaves the outbox before it shows in _sending
        if self._looking or self._sending or self._woken.is_set():
            return False
        return due_ms > self._clock.now_ms()

    async def run(self) -> None:
        """Send until cancelled. First, what a crash left half sent becomes unknown."""
        if self._is_alone:
            await self._storage.recover_outbox()  # else the dispatcher of WhatsApp does that
        self._next_look_ms = self._clock.now_ms()
        try:
            while True:
                await self._look()
                await self._rest()
        finally:
            await self._finish()

    async def _look(self) -> None:
        self._looking = True
        try:
            self._woken.clear()
            now_ms = self._clock.now_ms()
            if not self._next_look_ms - LOOK_MS < now_ms < self._next_look_ms:  # also where it was set back
                self._next_look_ms = now_ms + LOOK_MS
                await self._clear_up(now_ms)
                await self._take_over(now_ms)
            for channel in self._mine:
                for queued in await self._claim(now_ms, channel):
                    task = asyncio.create_task(self._delivery.deliver(queued))
                    self._sending.add(task)
                    task.add_done_callback(self._done)
        finally:
            self._looking = False

    async def _claim(self, now_ms: int, channel: str) -> list[QueuedMessage]:
        """Take due messages. What is taken while we are stopped goes back: nobody has tried to send it."""
        places = AT_ONCE - len(self._sending)
        if places <= 0:
            return []
        claiming = asyncio.ensure_future(self._storage.claim(now_ms, places, channel))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            for queued in await claiming:
                await self._storage.settle(queued.message.id, QUEUED, now_ms=now_ms, retry_ms=now_ms)
            raise

    async def _clear_up(self, now_ms: int) -> None:
        """Decide about messages whose fate is not known: the critical ones once more, the others never."""
        for channel in self._mine:
            for queued in await self._storage.unknown_since(
                now_ms - REPEAT_AFTER_MS + 1, _AT_A_TIME, channel
            ):
                again = queued.message.critical and not queued.repeat
                await self._storage.settle(
                    queued.message.id, QUEUED if again else EXPIRED, now_ms=now_ms,
                    retry_ms=now_ms if again else None,
                )  # fmt: skip

    async def _take_over(self, now_ms: int) -> None:
        """Queue a message of ours for each that WhatsApp does not deliver in time."""
        if self._is_alone:
            return
        lost = await self._storage.undelivered(now_ms, self._after_ms, _AT_A_TIME)
        if self._is_broken():
            known = {message.id for message in lost}
            soon = await self._storage.undelivered(now_ms, 0, _AT_A_TIME)
            lost += [each for each in soon if each.id not in known and await self._waits(each)]
        taken = [_second(each, now_ms) for each in lost if await self._stands(each)]
        await self._storage.queue(taken)
        for message in taken:
            _LOG.warning("message %s goes by the second channel: WhatsApp does not deliver it", message.id)

    async def _waits(self, message: Message) -> bool:
        return await self._storage.message_state(message.id) == QUEUED

    async def _stands(self, message: Message) -> bool:
        """Whether what the message is about is not over."""
        event = await self._storage.event(message.event_id) if message.event_id else None
        return event is None or event.state == OPEN

    def _done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._woken.set()
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("a message could not be settled: %s", type(error).__name__, exc_info=error)

    async def _rest(self) -> None:
        """Return when something was queued or sent, or there is something to look for."""
        woken = asyncio.create_task(self._woken.wait())
        waits: set[asyncio.Task[object]] = {woken}
        if len(self._sending) < AT_ONCE:
            waits.add(asyncio.create_task(self._clock.wait_until(await self._due_ms())))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _due_ms(self) -> int:
        due = [await self._storage.next_due_ms(channel) for channel in self._mine]
        return min([self._next_look_ms, *(at_ms for at_ms in due if at_ms is not None)])

    async def _finish(self) -> None:
        """Let what is being sent end: an answer that nobody hears leaves a message unknown."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=self.finish_s)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)


def _second(message: Message, now_ms: int) -> Message:
    return replace(message, id=second_id(message.id), channel=SECOND, created_ms=now_ms, not_before_ms=0)
