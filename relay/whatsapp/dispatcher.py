"""The one task that sends: claims due messages, has several delivered at once, clears up what nobody knows.

An attempt is stored before its POST. A message whose fate is unknown waits for a delivery status; only a
critical one goes out once more, marked, after `unknown_wait_ms`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from relay.storage.ports import EXPIRED, FAILED, QUEUED, Busy
from relay.whatsapp.counters import Counters
from relay.whatsapp.delivery import Delivery, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.clock import Clock
    from relay.model import DeliveryStatus, QueuedMessage
    from relay.storage.ports import Store
    from relay.whatsapp.begun import Begun
    from relay.whatsapp.bodies import Bodies
    from relay.whatsapp.client import Client
    from relay.whatsapp.media import PictureDesk

_LOG = logging.getLogger(__name__)
AT_ONCE = 100  # with answers after a quarter of a second that is 400 messages a second
_AT_A_TIME = 100
_FOR_EVER_MS = 1 << 62
_LOOK_MS = 60_000  # another process may have queued something: the command line does
_DISK_AGAIN_MS = 1_000
FINISH_S = 5.0  # less than the server allows a shutdown
LOST = "no answer and no delivery status: it may have arrived"


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
        self.finish_s = FINISH_S
        self._woken = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._claiming = True  # until run() has looked for the first time
        self._unknown_due_ms: list[int] = []  # when messages become due that nobody knows the fate of

    def wake(self) -> None:
        """Look at the outbox now: something was queued."""
        self._woken.set()

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
        due_ms = (
            await self._storage.next_due_ms()
        )  # first: a message leaves the outbox before it shows in _sending
        if self._claiming or self._sending or self._woken.is_set():
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
            await self._finish()

    async def _look_if_possible(self) -> None:
        """Look at the outbox; while the disk takes nothing, what is being sent goes on."""
        try:
            await self._look()
        except Busy as error:
            _LOG.error("the outbox waits for the disk: %s", error)
            await self._clock.wait_until(self._clock.now_ms() + _DISK_AGAIN_MS)
            self._woken.set()

    async def _finish(self) -> None:
        """Let what is being sent end: an answer that nobody hears leaves a message unknown."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=self.finish_s)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._desk:
            await self._desk.close()

    def _opens_ms(self, now_ms: int) -> int:
        """Return when anything may go: `now_ms` if now."""
        return max(self._delivery.gate.opens_ms(now_ms), self._delivery.number.opens_ms(now_ms))

    def _free(self) -> int:
        return max(0, (1 if self._delivery.gate.probing else AT_ONCE) - len(self._sending))

    async def _look(self) -> None:
        self._claiming = True
        try:
            self._woken.clear()
            now_ms = self._clock.now_ms()
            await self._clear_up(now_ms)
            places = min(self._free(), self._delivery.number.free(now_ms))
            if places and self._delivery.gate.opens_ms(now_ms) == now_ms and await self._delivery.sees():
                for queued in await self._claim(now_ms, places):
                    task = asyncio.create_task(self._delivery.deliver(queued))
                    self._sending.add(task)
                    task.add_done_callback(self._done)
        finally:
            self._claiming = False

    async def _claim(self, now_ms: int, places: int) -> Sequence[QueuedMessage]:
        """Take due messages. What is taken while we are stopped goes back: it was never posted."""
        claiming = asyncio.ensure_future(self._storage.claim(now_ms, places))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            for queued in await claiming:
                await self._storage.settle(queued.message.id, QUEUED, now_ms=now_ms, retry_ms=now_ms)
            raise

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
        while lost := await self._storage.unknown_since(now_ms - wait_ms + 1, _AT_A_TIME):
            for queued in lost:
                again = queued.message.critical and not queued.repeat
                await self._storage.settle(
                    queued.message.id,
                    QUEUED if again else EXPIRED,
                    now_ms=now_ms,
                    error=LOST,
                    retry_ms=now_ms if again else None,
                )
        if await self._storage.unknown_since(_FOR_EVER_MS, 1):
            self._unknown_due_ms.append(now_ms + wait_ms)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._woken.set()
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("a message could not be settled: %s", type(error).__name__, exc_info=error)

    async def _rest(self) -> None:
        """Return when something was queued or sent, when something is due, or the clock was set back."""
        while not self._woken.is_set():
            now_ms = self._clock.now_ms()
            due_ms = await self._due_ms(now_ms)
            if due_ms <= now_ms:
                return
            await self._wait_until(min(due_ms, now_ms + _LOOK_MS))
            if self._clock.now_ms() < now_ms:
                return

    async def _due_ms(self, now_ms: int) -> int:
        """Return when there is something to do next."""
        due_ms = await self._storage.next_due_ms() if self._free() else None
        times = [] if due_ms is None else [max(due_ms, self._opens_ms(now_ms))]
        return min([*times, *self._unknown_due_ms], default=now_ms + _LOOK_MS)

    async def _wait_until(self, utc_ms: int) -> None:
        """Wait for the clock, or until somebody wakes us."""
        waits = [
            asyncio.create_task(self._woken.wait()),
            asyncio.create_task(self._clock.wait_until(utc_ms)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)  # a cancellation of ours gets through
