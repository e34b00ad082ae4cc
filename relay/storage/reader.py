"""One thread reads, beside the one that writes."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.storage.connection import Connection

    T = TypeVar("T")


class Reader:
    """The connection that reads, in its own thread; it sees every write that has been answered."""

    def __init__(self, open_connection: Callable[[], Connection]) -> None:
        self._open_connection = open_connection
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="herdbell-reader")
        self._connection: Connection | None = None

    async def call(self, question: Callable[[Connection], T]) -> T:
        """Return what `question` returns."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)

    def _answer(self, question: Callable[[Connection], T]) -> T:
        if self._connection is None:
            self._connection = self._open_connection()
        return question(self._connection)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
