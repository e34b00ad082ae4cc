"""Where the relay gets its time: the wall, or a simulator that moves it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Protocol

_SET_BACK_MS = 1_000
_LONGEST_SLEEP_S = 30  # the wall clock may be set while we sleep


class Clock(Protocol):
    """UTC in integer milliseconds, and a way to wait for it."""

    def now_ms(self) -> int:
        """Return the time."""

    async def wait_until(self, utc_ms: int) -> None:
        """Return once now_ms() >= utc_ms, or once somebody has set the clock back: look at it again."""


class WallClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the time."""
        return time.time_ns() // 1_000_000

    async def wait_until(self, utc_ms: int) -> None:
        """Return once now_ms() >= utc_ms, or once somebody has set the clock back by a second or more."""
        latest_ms = now_ms = self.now_ms()
        while latest_ms - _SET_BACK_MS < now_ms < utc_ms:
            await asyncio.sleep(min((utc_ms - now_ms) / 1000, _LONGEST_SLEEP_S))
            latest_ms, now_ms = max(latest_ms, now_ms), self.now_ms()


class FollowedClock:
    """A clock that stands still until somebody moves it on."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        """Return the time it was last moved to."""
        return self._now_ms

    def advance(self, utc_ms: int) -> None:
        """Move on to `utc_ms` and wake who waited for it; ValueError if that lies in the past."""
        if utc_ms < self._now_ms:
            raise ValueError(f"clock is at {self._now_ms}, cannot go back to {utc_ms}")
        self._now_ms = utc_ms
        while self._waiting and self._waiting[0][0] <= utc_ms:
            waiter = heapq.heappop(self._waiting)[2]
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, utc_ms: int) -> None:
        """Return once now_ms() >= utc_ms."""
        if utc_ms > self._now_ms:
            waiter = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (utc_ms, next(self._order), waiter))
            await waiter
