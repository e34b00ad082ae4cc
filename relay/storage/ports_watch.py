"""The port of the watch: what it remembers, and what it asks of the outbox."""

from __future__ import annotations

from typing import Protocol


class WatchBook(Protocol):
    """One text of the watch's own, and what Meta owes."""

    async def watch_state(self) -> str | None:
        """Return what was kept last, None before the first time."""

    async def keep_watch(self, text: str) -> None:
        """Keep this in the place of what was kept before."""

    async def unconfirmed_since_ms(self) -> int | None:
        """Return since when Meta owes a status: the oldest message it took after its last webhook."""
