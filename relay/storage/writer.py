"""One thread writes: whatever waits goes into one transaction, and nobody is told before it is on the disk.

The hand-over between the event loop and the thread costs more than an insert, so there is one each way per
group: what is submitted in one turn of the loop goes over as one list, and a group comes back as one call.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from relay.storage.connection import roll_back
from relay.storage.frames import FrameTable
from relay.storage.ports import Busy, StorageError, Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.model import NewFrame
    from relay.storage.connection import Connection

_CALLS_LIMIT = 4_096  # operations that are not appends: a bound against a flood, far above what runs
# Where there was company the last time, more is on its way: one fsync and one hand-over for all of it cost
# each less and answer the slowest sooner. Who comes alone does not wait.
_GATHER_S = 0.003
_DISK_FAULTS = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
    )
)


class Operation:
    """Something to write: `frames` to append or `work` to do. Afterwards `outcome` or `error` is set."""

    __slots__ = ("error", "frames", "future", "outcome", "work")

    def __init__(
        self,
        future: asyncio.Future[Any],
        frames: Sequence[NewFrame] = (),
        work: Callable[[Connection], Any] | None = None,
    ) -> None:
        self.future, self.frames, self.work = future, frames, work
        self.outcome: Any = None
        self.error: Exception | None = None


def run_group(
    connection: Connection,
    table: FrameTable,
    group: Sequence[Operation],
    deliver: Callable[[Sequence[Operation]], None],
) -> None:
    """Run a group in one transaction, then deliver it. An operation that fails leaves the others alone."""
    try:
        _begin_with_appends(connection, table, [operation for operation in group if operation.work is None])
        for operation in group:
            if operation.work is not None:
                _alone(connection, operation, operation.work)
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - whatever it was, everybody in the group must hear of it
        _fail(connection, group, error)
    deliver(group)


def _begin_with_appends(connection: Connection, table: FrameTable, appends: Sequence[Operation]) -> None:
    """Begin the transaction with the frames of all operations at once; if that fails, with each alone.

    They come first and outside of a savepoint: inside one, SQLite keeps a copy of every page it touches.
    """
    frames = [frame for operation in appends for frame in operation.frames]
    connection.execute("BEGIN IMMEDIATE")
    try:
        verdicts = table.append(connection, frames) if frames else []
    except Exception:  # noqa: BLE001 - whatever it was, find out whose it is
        roll_back(connection)
        connection.execute("BEGIN IMMEDIATE")
        for operation in appends:
            _alone(connection, operation, partial(table.append, frames=operation.frames))
        return
    at = 0
    for operation in appends:
        operation.outcome = verdicts[at : at + len(operation.frames)]
        at += len(operation.frames)


def _alone(connection: Connection, operation: Operation, work: Callable[[Connection], Any]) -> None:
    connection.execute("SAVEPOINT operation")
    try:
        operation.outcome = work(connection)
    except Exception as error:
        if not connection.in_transaction:  # the engine rolled back the whole group: disk full, I/O error
            raise
        connection.execute("ROLLBACK TO operation")
        operation.error = _translated(error)
    connection.execute("RELEASE operation")


def _fail(connection: Connection, group: Sequence[Operation], error: Exception) -> None:
    error = _translated(error)
    for operation in group:
        operation.outcome, operation.error = None, error
    try:
        roll_back(connection)
    except sqlite3.Error as worse:  # the next BEGIN will say so again
        error.add_note(f"and the rollback failed: {worse}")


def _translated(error: Exception) -> Exception:
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _DISK_FAULTS:
        unwritable = Unwritable(f"the disk took nothing: {error}")
        unwritable.__cause__ = error
        return unwritable
    return error


class Writer:
    """The queue in front of the thread. Its methods belong to the event loop it was started in."""

    def __init__(self, open_connection: Callable[[], Connection], queue_frames: int) -> None:
        self._open_connection = open_connection
        self._queue_frames = queue_frames
        self._loop = asyncio.get_running_loop()
        self._submitted: list[Operation] = []
        self._handed_over: SimpleQueue[list[Operation] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="herdbell-writer", daemon=True)
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._closing = False
        self._table: FrameTable  # the thread makes it and alone uses it
        self.waiting_frames = 0
        self.waiting_calls = 0

    async def start(self) -> None:
        """Open the connection in its thread; raises what opening raises."""
        self._thread.start()
        try:
            await self._opened
        except BaseException:
            await self._ended.wait()
            raise

    async def append(self, frames: Sequence[NewFrame]) -> list[str]:
        """Append frames; return the verdicts once they are on the disk. Raises Busy beyond the bound."""
        if not frames:
            return []
        if self.waiting_frames + len(frames) > self._queue_frames:
            raise Busy(
                f"{self.waiting_frames} frames wait, {len(frames)} more: the limit is {self._queue_frames}"
            )
        self.waiting_frames += len(frames)
        verdicts: list[str] = await self._submit(Operation(self._loop.create_future(), frames))
        return verdicts

    async def call(self, work: Callable[[Connection], Any]) -> Any:
        """Run `work` in a transaction; return what it returned once that is on the disk."""
        if self.waiting_calls >= _CALLS_LIMIT:
            raise Busy(f"{self.waiting_calls} writes wait: the limit is {_CALLS_LIMIT}")
        self.waiting_calls += 1
        return await self._submit(Operation(self._loop.create_future(), work=work))

    async def trim(self, before_ms: int) -> int:
        """Delete one transaction's worth of old frames; return how many."""
        trimmed: int = await self.call(lambda connection: self._table.trim(connection, before_ms))
        return trimmed

    async def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._closing = True
        self._hand_over()
        self._handed_over.put(None)
        await self._ended.wait()

    def _submit(self, operation: Operation) -> asyncio.Future[Any]:
        if self._closing:
            raise StorageError("the storage is closed")
        if not self._submitted:
            self._loop.call_soon(self._hand_over)
        self._submitted.append(operation)
        return operation.future

    def _hand_over(self) -> None:
        if self._submitted:
            self._handed_over.put(self._submitted)
            self._submitted = []

    def _resolve(self, group: Sequence[Operation]) -> None:
        for operation in group:
            if operation.work is None:
                self.waiting_frames -= len(operation.frames)
            else:
                self.waiting_calls -= 1
            if operation.future.done():  # the caller has gone
                continue
            if operation.error is not None:
                operation.future.set_exception(operation.error)
            else:
                operation.future.set_result(operation.outcome)

    def _run(self) -> None:
        """Be the thread."""
        try:
            connection = self._open_connection()
            self._table = FrameTable(connection)
        except BaseException as error:  # noqa: BLE001 - start() raises it
            self._loop.call_soon_threadsafe(self._opened.set_exception, error)
        else:
            self._loop.call_soon_threadsafe(self._opened.set_result, None)
            self._serve(connection)
            connection.close()
        self._loop.call_soon_threadsafe(self._ended.set)

    def _serve(self, connection: Connection) -> None:
        crowded = False
        while (group := self._handed_over.get()) is not None:
            if crowded:
                time.sleep(_GATHER_S)
            last = False
            while not self._handed_over.empty():
                more = self._handed_over.get()
                if more is None:
                    last = True
                    break
                group.extend(more)
            crowded = len(group) > 1
            run_group(connection, self._table, group, self._deliver)
            if last:
                return

    def _deliver(self, group: Sequence[Operation]) -> None:
        self._loop.call_soon_threadsafe(self._resolve, group)
