"""The relay's background tasks: what fails is logged, shown by /readyz, and started again after a pause."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


class Tasks:
    """Runs tasks until they are stopped. `failing` names those that failed and wait for their next start."""

    def __init__(self, pause: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._pause = pause
        self._tasks: list[asyncio.Task[None]] = []
        self.failing: dict[str, str] = {}

    def start(self, name: str, run: Callable[[], Awaitable[object]]) -> None:
        """Keep `run()` going under `name`."""
        self._tasks.append(asyncio.create_task(self._keep(name, run), name=name))

    async def _keep(self, name: str, run: Callable[[], Awaitable[object]]) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await run()
                return
            except Exception as error:  # noqa: BLE001 - whatever it was, it is logged and the task goes on
                _LOG.exception("task %s failed, starts again in %d s", name, pause_s)
                self.failing[name] = type(error).__name__
            await self._pause(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            del self.failing[name]

    async def stop(self) -> None:
        """Cancel all of them and wait until they have ended."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
