"""What happens later: reviews, delayed answers and webhooks, by the clock of the fake and no other."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_NAP_S = 60.0


class Clock(Protocol):
    """Where the fake gets its time."""

    @property
    def utc_ms(self) -> int:
        """UTC in ms."""


class Agenda:
    """Acts by due time. A clock that is moved from outside needs a `kick()` after it was moved."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    def at(self, due_ms: int, act: Callable[[], None]) -> None:
        """Call `act` once it is `due_ms`; what is due at once waits for the next `catch_up` too."""
        heapq.heappush(self._due, (due_ms, next(self._order), act))
        self._changed.set()

    def after(self, wait_ms: int) -> asyncio.Event:
        """Return an event that is set once the clock has moved on by `wait_ms`."""
        woken = asyncio.Event()
        self.at(self.clock.utc_ms + wait_ms, woken.set)
        return woken

    def catch_up(self) -> None:
        """Do all that is due."""
        while self._due and self._due[0][0] <= self.clock.utc_ms:
            heapq.heappop(self._due)[2]()

    async def run(self) -> None:
        """Catch up whenever the wall says that something may be due, until cancelled."""
        while True:
            self._changed.clear()
            self.catch_up()
            wait_s = _LONGEST_NAP_S
            if self._due:
                wait_s = min(wait_s, max(0.0, (self._due[0][0] - self.clock.utc_ms) / 1000))
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s + 0.001):
                    await self._changed.wait()
