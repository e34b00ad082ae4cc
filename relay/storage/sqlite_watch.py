"""What the watch remembers, over SQLite; ports_watch.py says what each method does."""

from __future__ import annotations

from relay.storage import watch
from relay.storage.sqlite_calls import SqliteCalls


class SqliteWatch(SqliteCalls):
    """The port WatchBook."""

    async def watch_state(self) -> str | None:
        return await self._read(watch.state)

    async def keep_watch(self, text: str) -> None:
        await self._write(watch.keep, text)

    async def unconfirmed_since_ms(self) -> int | None:
        return await self._read(watch.unconfirmed_since_ms)
