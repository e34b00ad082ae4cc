"""What every part of the SQLite adapter does with a call: hand it to the thread that reads or writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.storage.ports import Vault
    from relay.storage.reader import Reader
    from relay.storage.writer import Writer

    T = TypeVar("T")


class SqliteCalls:
    """The two threads. A write returns when it is on the disk; a read sees every write that has returned."""

    def __init__(self, writer: Writer, reader: Reader, vault: Vault) -> None:
        self._writer, self._reader, self._vault = writer, reader, vault

    async def _read(self, question: Callable[..., T], *arguments: Any) -> T:
        return await self._reader.call(lambda connection: question(connection, *arguments))

    async def _write(self, work: Callable[..., T], *arguments: Any) -> T:
        result: T = await self._writer.call(lambda connection: work(connection, *arguments))
        return result
