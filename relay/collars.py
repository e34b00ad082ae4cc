"""Keeps the keys that ingest judges by in step with the registry, which the command line may change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.ingest import Ingest
    from relay.model import CollarKey

_SHORTEST_PERIOD_S = 1.0  # frames nobody signed must not make us read the registry all day


class _Registry(Protocol):
    async def collar_keys(self) -> list[CollarKey]: ...


class Collars:
    """Reads the collars' keys at start, on demand at most once a second, and whenever told to (SIGHUP)."""

    def __init__(self, registry: _Registry, ingest: Ingest) -> None:
        self._registry, self._ingest = registry, ingest
        self._next_s = 0.0
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Read the keys now."""
        async with self._lock:
            self._next_s = asyncio.get_running_loop().time() + _SHORTEST_PERIOD_S
            self._ingest.replace_keys(await self._registry.collar_keys())

    async def refresh(self) -> bool:
        """Read the keys if the last time is a second ago; return whether they were read."""
        if asyncio.get_running_loop().time() < self._next_s:
            return False
        await self.load()
        return True
