"""Messages that are being sent, several at once: what each way out of the outbox does alike.

A message is claimed before it is tried, so that a crash leaves a trace of it; what may have gone out is
unknown, and only a critical message goes once more, marked.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from relay.storage.ports import EXPIRED, QUEUED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.clock import Clock
    from relay.model import QueuedMessage
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
FINISH_S = 5.0  # less than the server allows a shutdown
LOST = "no answer and no delivery status: it may have arrived"
_AT_A_TIME = 100


class UnderWay:
    """Has `deliver` send what is claimed, each message as a task of its own; `len()` of them at present.

    `woken` is set when a message was queued, or when one is no longer under way.
    """

    def __init__(
        self, storage: Store, clock: Clock, deliver: Callable[[QueuedMessage], Awaitable[None]]
    ) -> None:
        self._storage, self._clock, self._deliver = storage, clock, deliver
        self._tasks: set[asyncio.Task[None]] = set()
        self.woken = asyncio.Event()
        self.finish_s = FINISH_S

    def __len__(self) -> int:
        return len(self._tasks)

    async def claim(self, now_ms: int, places: int, channel: str) -> None:
        """Take due messages and begin with them. What is taken while we are stopped goes back, untried."""
        claiming = asyncio.ensure_future(self._storage.claim(now_ms, places, channel))
        try:
            taken = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            for queued in await claiming:
                await self._storage.settle(queued.message.id, QUEUED, now_ms=now_ms, retry_ms=now_ms)
            raise
        for queued in taken:
            task = asyncio.ensure_future(self._deliver(queued))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.woken.set()
        if not task.cancelled() and (error := task.exception()):
            _LOG.error("a message could not be settled: %s", type(error).__name__, exc_info=error)

    async def clear_up(self, now_ms: int, wait_ms: int, channel: str) -> None:
        """Decide about messages unknown for `wait_ms`: the critical ones once more, the others never."""
        while lost := await self._storage.unknown_since(now_ms - wait_ms + 1, _AT_A_TIME, channel):
            for queued in lost:
                again = queued.message.critical and not queued.repeat
                await self._storage.settle(
                    queued.message.id, QUEUED if again else EXPIRED, now_ms=now_ms, error=LOST,
                    retry_ms=now_ms if again else None,
                )  # fmt: skip

    async def rest(self, until_ms: int | None) -> None:
        """Return at a time of the clock, or when woken; None waits for that alone."""
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self.woken.wait())]
        if until_ms is not None:
            waits.append(asyncio.create_task(self._clock.wait_until(until_ms)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)  # a cancellation of ours gets through

    async def finish(self) -> None:
        """Let what is being sent end: an answer that nobody hears leaves a message unknown."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.finish_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
