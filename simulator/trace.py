"""One hash over everything that was said in a simulation: the same seed gives the same one."""

from __future__ import annotations

import hashlib
import struct

_ENTRY = struct.Struct(">qqQQ")  # virtual time, collar, length of the kind, length of the data


class Trace:
    """Entries in the order of (virtual time, collar, adding), whatever order the processes ran in."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, str, bytes]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, virtual_us: int, collar: int, kind: str, data: bytes | bytearray | memoryview) -> None:
        """Note `data` said by or to collar number `collar` (-1: nobody's) at `virtual_us`."""
        self._entries.append((virtual_us, collar, kind, bytes(data)))

    def entries(self) -> list[tuple[int, int, str, bytes]]:
        """Return (virtual_us, collar, kind, data) in the order they are hashed."""
        return sorted(self._entries, key=lambda entry: entry[:2])  # stable: keeps the order of adding

    def hexdigest(self) -> str:
        """Return the SHA-256 of all entries, each field with its length before it."""
        digest = hashlib.sha256()
        for virtual_us, collar, kind, data in self.entries():
            name = kind.encode()
            digest.update(_ENTRY.pack(virtual_us, collar, len(name), len(data)) + name + data)
        return digest.hexdigest()
