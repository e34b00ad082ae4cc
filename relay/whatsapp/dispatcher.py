"""The one task that sends: claims due messages, has several delivered at once, clears up what nobody knows.

An attempt is stored before its POST. A message whose fate is unknown waits for a delivery status; only a
critical one goes out once more, marked, after `unknown_wait_ms`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from relay.storage.ports import FAILED, Busy
from relay.storage.ports_chat import WHATSAPP
from relay.underway import UnderWay
from relay.whatsapp.counters import Counters
from relay.whatsapp.delivery import Delivery, Limits

if TYPE_CHECKING:
    from relay.clock import Clock
    from relay.model import DeliveryStatus
    from relay.storage.ports import Store
    from relay.whatsapp.begun import Begun
    from relay.whatsapp.bodies import Bodies
    from relay.whatsapp.client import Client
    from relay.whatsapp.media import PictureDesk

_LOG = logging.getLogger(__name__)
AT_ONCE = 100  # with answers after a quarter of a second that is 400 messages a second
_FOR_EVER_MS = 1 << 62
_LOOK_MS = 60_000  # another process may have queued something: the command line does
_DISK_AGAIN_MS = 1_000


class Dispatcher:
    """Sends what the outbox holds. `run()` is its task; others only `wake()` it.

    begun: which posts had begun when an earlier run was killed; without it all that was claimed is unknown.
    """

    def __init__(
        self, storage: Store, client: Client, clock: Clock, bodies: Bodies, counters: Counters | None = None,
        *, limits: Limits | None = None, begun: Begun | None = None, desk: PictureDesk | None = None,
    ) -> None:  # fmt: skip
        self._storage, self._clock, self._begun, self._desk = storage, clock, begun, desk
        self._limits = limits or Limits()
        counters = counters or Counters()
        self._delivery = Delivery(storage, client, clock, bodies, counters, self._limits, begun, desk)
        self.under_way = UnderWay(storage, clock, self._delivery.deliver)
        self._claiming = True  # until run() has looked for the first time
        self._unknown_due_ms: list[int] = []  # when messages become due that nobody knows the fate of

    def wake(self) -> None:
        """Look at the outbox now: something was queued."""
        self.under_way.woken.set()

    async def failed_later(self, status: DeliveryStatus, code: int) -> None:
        """Act on the code of an applied status "failed": queue its message again if that helps.

        Safe to be told twice: only a message that is still failed goes again.
        """
        if status.message_id is not None:
            message = await self._storage.message(status.message_id)
        else:
            message = await self._storage.message_by_wamid(status.wamid or "")
        if message is None or await self._storage.message_state(message.id) != FAILED:
            return
        if self._clock.now_ms() < message.expires_ms and await self._delivery.failed_later(message, code):
            self.wake()

    async def idle(self) -> bool:
        """Whether nothing is being sent and nothing can be sent at this time."""
        due_ms = await self._storage.next_due_ms()  # first: what leaves the outbox is under way at once
        if self._claiming or self.under_way or self.under_way.woken.is_set():
            return False
        now_ms = self._clock.now_ms()
        if min(self._unknown_due_ms, default=now_ms + 1) <= now_ms:
            return False
        return due_ms is None or due_ms > now_ms or self._opens_ms(now_ms) > now_ms

    async def run(self) -> None:
        """Send until cancelled. First, what a crash left half sent becomes unknown."""
        lost = await self._storage.recover_outbox(self._begun.before if self._begun else None)
        if self._begun:
            self._begun.recovered()
        if lost:
            _LOG.warning("%d messages were being sent when the relay stopped: their fate is unknown", lost)
        now_ms = self._clock.now_ms()
        self._unknown_due_ms = [now_ms, now_ms + self._limits.unknown_wait_ms]
        try:
            while True:
                await self._look_if_possible()
                await self._rest()
        finally:
            await self.under_way.finish()
            if self._desk:
                await self._desk.close()

    async def _look_if_possible(self) -> None:
        """Look at the outbox; while the disk takes nothing, what is being sent goes on."""
        try:
            await self._look()
        except Busy as error:
            _LOG.error("the outbox waits for the disk: %s", error)
            await self._clock.wait_until(self._clock.now_ms() + _DISK_AGAIN_MS)
            self.under_way.woken.set()

    def _opens_ms(self, now_ms: int) -> int:
        """Return when anything may go: `now_ms` if now."""
        return max(self._delivery.gate.opens_ms(now_ms), self._delivery.number.opens_ms(now_ms))

    def _free(self) -> int:
        return max(0, (1 if self._delivery.gate.probing else AT_ONCE) - len(self.under_way))

    async def _look(self) -> None:
        self._claiming = True
        try:
            self.under_way.woken.clear()
            now_ms = self._clock.now_ms()
            await self._clear_up(now_ms)
            places = min(self._free(), self._delivery.number.free(now_ms))
            if places and self._delivery.gate.opens_ms(now_ms) == now_ms and await self._delivery.sees():
                await self.under_way.claim(now_ms, places, WHATSAPP)
        finally:
            self._claiming = False

    async def _clear_up(self, now_ms: int) -> None:
        """Decide about messages without a status for so long: the critical ones once more, others never."""
        wait_ms = self._limits.unknown_wait_ms
        self._unknown_due_ms += [at_ms + wait_ms for at_ms in self._delivery.lost_ms]
        self._delivery.lost_ms.clear()
        # Where the clock was set back, what is due would be due too late.
        due_ms = [min(at_ms, now_ms + wait_ms) for at_ms in self._unknown_due_ms]
        self._unknown_due_ms = [at_ms for at_ms in due_ms if at_ms > now_ms]
        if len(self._unknown_due_ms) == len(due_ms):
            return
        await self.under_way.clear_up(now_ms, wait_ms, WHATSAPP)
        if await self._storage.unknown_since(_FOR_EVER_MS, 1):
            self._unknown_due_ms.append(now_ms + wait_ms)

    async def _rest(self) -> None:
        """Return when something was queued or sent, when something is due, or the clock was set back."""
        while not self.under_way.woken.is_set():
            now_ms = self._clock.now_ms()
            due_ms = await self._due_ms(now_ms)
            if due_ms <= now_ms:
                return
            await self.under_way.rest(min(due_ms, now_ms + _LOOK_MS))
            if self._clock.now_ms() < now_ms:
                return

    async def _due_ms(self, now_ms: int) -> int:
        """Return when there is something to do next."""
        due_ms = await self._storage.next_due_ms() if self._free() else None
        times = [] if due_ms is None else [max(due_ms, self._opens_ms(now_ms))]
        return min([*times, *self._unknown_due_ms], default=now_ms + _LOOK_MS)
