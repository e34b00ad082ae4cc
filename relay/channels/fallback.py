"""The task of the second channel: takes over what WhatsApp does not deliver, or all if there is none.

Same discipline as the outbox of WhatsApp: an attempt is stored before it is made; what may have gone out is
unknown, and only a critical message goes once more after two minutes, marked. What WhatsApp delivers after
all is recorded there and changes nothing here.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from relay.channels.delivery import Delivery
from relay.storage.ports import OPEN, QUEUED
from relay.storage.ports_chat import SECOND, WHATSAPP, second_id
from relay.underway import UnderWay

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from relay.channels.port import Channel
    from relay.clock import Clock
    from relay.model import Message
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
LOOK_MS = 15_000  # so often is looked for what WhatsApp has not delivered
REPEAT_AFTER_MS = 120_000
AT_ONCE = 4
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
        self.under_way = UnderWay(storage, clock, self._delivery.deliver)
        self._looking = True  # until run() has looked for the first time
        self._next_look_ms = 0

    def wake(self) -> None:
        """Look at the outbox now: something was queued."""
        self.under_way.woken.set()

    async def idle(self) -> bool:
        """Whether nothing is being sent and nothing can be sent at this time."""
        due_ms = await self._due_ms()  # first: what leaves the outbox is under way at once
        if self._looking or self.under_way or self.under_way.woken.is_set():
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
            await self.under_way.finish()

    async def _look(self) -> None:
        self._looking = True
        try:
            self.under_way.woken.clear()
            now_ms = self._clock.now_ms()
            if not self._next_look_ms - LOOK_MS < now_ms < self._next_look_ms:  # also where it was set back
                self._next_look_ms = now_ms + LOOK_MS
                for channel in self._mine:
                    await self.under_way.clear_up(now_ms, REPEAT_AFTER_MS, channel)
                await self._take_over(now_ms)
            for channel in self._mine:
                if places := AT_ONCE - len(self.under_way):
                    await self.under_way.claim(now_ms, places, channel)
        finally:
            self._looking = False

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

    async def _rest(self) -> None:
        """Return when something was queued or sent, or there is something to look for."""
        await self.under_way.rest(await self._due_ms() if len(self.under_way) < AT_ONCE else None)

    async def _due_ms(self) -> int:
        due = [await self._storage.next_due_ms(channel) for channel in self._mine]
        return min([self._next_look_ms, *(at_ms for at_ms in due if at_ms is not None)])


def _second(message: Message, now_ms: int) -> Message:
    return replace(message, id=second_id(message.id), channel=SECOND, created_ms=now_ms, not_before_ms=0)
