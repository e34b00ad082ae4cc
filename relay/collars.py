"""Keeps keys and downlinks, which the command line may change, in step with the store."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.ingest import Ingest
    from relay.model import CollarKey, Downlink

_LOG = logging.getLogger(__name__)
_SHORTEST_PERIOD_S = 1.0  # frames nobody signed must not make us read the registry all day


class _Registry(Protocol):
    async def collar_keys(self) -> list[CollarKey]: ...
    async def waiting(self) -> list[Downlink]: ...


class Collars:
    """Reads keys and downlinks at start, on demand at most once a second, and whenever told to (SIGHUP).

    `downlinks_due_s`: on the monotonic clock, when a request should ask for the downlinks again.
    """

    def __init__(self, registry: _Registry, ingest: Ingest) -> None:
        self._registry, self._ingest = registry, ingest
        self._next_s = 0.0
        self.downlinks_due_s = 0.0
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Read keys and downlinks now."""
        async with self._lock:
            self._next_s = asyncio.get_running_loop().time() + _SHORTEST_PERIOD_S
            self._ingest.replace_keys(await self._registry.collar_keys())
            await self.refresh_downlinks()

    async def refresh(self) -> bool:
        """Read the keys if the last time is a second ago; return whether they were read."""
        if asyncio.get_running_loop().time() < self._next_s:
            return False
        await self.load()
        return True

    async def refresh_downlinks(self) -> None:
        """Read what collars are to be told; requests of the next second go on with it.

        If the store cannot say, the old remains: a frame is worth more than what is to be told.
        """
        self.downlinks_due_s = time.monotonic() + _SHORTEST_PERIOD_S
        try:
            self._ingest.replace_downlinks(await self._registry.waiting())
        except Exception:  # noqa: BLE001 - whatever it was, frames must still be taken
            _LOG.exception("what collars are to be told cannot be read")
