"""One thread reads, beside the one that writes.

As for the writer, the hand-over between the event loop and the thread costs more than most questions: what is
asked while others are answered goes over as one, and answers come back together.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from relay.storage.ports import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.storage.connection import Connection

    T = TypeVar("T")

_TOGETHER_S = 0.002  # so long are answers gathered; then they go back after the one that is being read


class _Question:
    """Something to read. Afterwards `answer` or `error` is set."""

    __slots__ = ("answer", "ask", "error", "future")

    def __init__(self, ask: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        self.ask, self.future = ask, future
        self.answer: Any = None
        self.error: BaseException | None = None


class Reader:
    """The connection that reads, in its own thread; it sees every write that has been answered."""

    def __init__(self, open_connection: Callable[[], Connection]) -> None:
        self._open_connection = open_connection
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="herdbell-reader")
        self._connection: Connection | None = None
        self._asked: deque[_Question] = deque()
        self._is_reading = self._is_closed = False  # the event loop alone changes and reads these

    async def call(self, question: Callable[[Connection], T]) -> T:
        """Return what `question` returns."""
        if self._is_closed:
            raise StorageError("the storage is closed")
        answer: T = await self._ask(lambda: question(self._opened()))
        return answer

    async def close(self) -> None:
        """Answer what waits, close the connection and end the thread."""
        self._is_closed = True
        await self._ask(self._close)
        self._thread.shutdown(wait=False)

    def _ask(self, ask: Callable[[], Any]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        question = _Question(ask, loop.create_future())
        self._asked.append(question)
        if not self._is_reading:
            self._read(loop)
        return question.future

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_reading = True
        self._thread.submit(self._answer_all, loop)

    def _answer_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Be the thread until nothing is asked any more."""
        answered: list[_Question] = []
        since_s = time.monotonic()
        while self._asked:
            one = self._asked.popleft()
            try:
                one.answer = one.ask()
            except BaseException as error:  # noqa: BLE001 - whatever it was, who asked must hear of it
                one.error = error
            answered.append(one)
            if time.monotonic() - since_s > _TOGETHER_S:
                loop.call_soon_threadsafe(self._hand_back, answered)
                answered, since_s = [], time.monotonic()
        loop.call_soon_threadsafe(self._rest, answered, loop)

    def _rest(self, answered: Sequence[_Question], loop: asyncio.AbstractEventLoop) -> None:
        self._is_reading = False
        if self._asked:  # since the thread looked for the last time
            self._read(loop)
        self._hand_back(answered)

    def _hand_back(self, answered: Sequence[_Question]) -> None:
        for one in answered:
            if one.future.done():  # the caller has gone
                continue
            if one.error is not None:
                one.future.set_exception(one.error)
            else:
                one.future.set_result(one.answer)

    def _opened(self) -> Connection:
        if self._connection is None:
            self._connection = self._open_connection()
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
