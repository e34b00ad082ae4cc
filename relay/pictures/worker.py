"""The one process that draws: matplotlib holds the interpreter for a fifth of a second a picture.

Started when it is first needed, on a lower priority than the relay; it ends with the relay, however that
ends, and a crash of it costs what it was drawing.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from relay.pictures.labels import picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.pictures.labels import Asked

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_LONGEST_S = 30.0  # the first picture on a small machine, fonts looked for and all
_NICER = 5


class Worker:
    """Draws pictures one after the other. `close()` it."""

    def __init__(self, longest_s: float = _LONGEST_S) -> None:
        self.longest_s = longest_s
        self._lock = asyncio.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self.process_id: int | None = None  # while there is one

    async def warm(self) -> None:
        """Start the process and let it load what it needs, so that the first picture takes no longer."""
        await self._call(_load)

    async def draw(self, asked: Asked) -> bytes | None:
        """Return the PNG; None if there is nothing to draw, or if the process crashed or hung.

        The next call starts another process.
        """
        return await self._call(drawn, asked)

    async def _call(self, work: Callable[..., T], *given: object) -> T | None:
        try:
            async with self._lock, asyncio.timeout(self.longest_s):
                pool = self._pool or await self._started()
                return await asyncio.get_running_loop().run_in_executor(pool, work, *given)
        except (BrokenExecutor, OSError, TimeoutError) as error:
            _LOG.error("a picture could not be drawn: %s", type(error).__name__)
            await self._end()
        return None

    async def close(self) -> None:
        """Let what is being drawn be, and end the process."""
        await self._end()

    async def _started(self) -> ProcessPoolExecutor:
        """Start the process, in a thread: that alone takes tens of milliseconds."""
        self._pool = pool = await asyncio.to_thread(_pool)
        waits = await asyncio.to_thread(pool.submit, os.getpid)
        self.process_id = await asyncio.wrap_future(waits)
        return pool

    async def _end(self) -> None:
        pool, process_id = self._pool, self.process_id
        self._pool = self.process_id = None
        if process_id is not None:
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)  # it holds nothing that could be lost
        if pool is not None:
            # One that never came up ends by itself once it does.
            await asyncio.to_thread(pool.shutdown, wait=process_id is not None, cancel_futures=True)


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Make the new process one that nobody has to look after."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the relay's to hear
    os.nice(_NICER)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it speaks of its own cache of fonts
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _load() -> None:
    from relay.pictures import draw  # noqa: F401, PLC0415 - see drawn


def drawn(asked: Asked) -> bytes | None:
    """Return the PNG of what was asked for, None if there is nothing to draw. Takes its time."""
    from relay.pictures import draw  # noqa: PLC0415 - the relay itself does not need matplotlib

    described = picture(asked)
    return draw.png(described) if described else None
