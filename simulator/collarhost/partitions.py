"""esp32.Partition's side of a flash: rows to find, and offsets to read, program and erase."""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING

from simulator.flash import SECTOR_BYTES, FlashError, Nor, Partition

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROW = struct.Struct("<BBII15s")  # index, subtype, address, size, label
_NO_ROW = b"\xff" + bytes(_ROW.size - 1)
_KINDS = {"prov": (1, 0x40), "log": (1, 0x41)}  # (type, subtype) by label; Nor knows labels only


class Partitions:
    """The partitions of one flash, by index."""

    def __init__(self, flash: Nor) -> None:
        self._all = list(_known(flash))

    def find(self, kind: int, start: int, label: bytes) -> tuple[int, bytes]:
        """Return (where to go on or -1, row) of the first match from `start`; label b"" matches any."""
        matches = [
            index
            for index, found in enumerate(self._all)
            if index >= start and _KINDS[found.label][0] == kind and label in {b"", found.label.encode()}
        ]
        if not matches:
            return -1, _NO_ROW
        index = matches[0]
        found = self._all[index]
        row = _ROW.pack(index, _KINDS[found.label][1], found.offset, found.size, found.label.encode())
        return (index + 1 if len(matches) > 1 else -1), row

    def read(self, index: int, offset: int, n: int) -> bytes:
        """Return n bytes. Raises OSError or FlashError."""
        return self._at(index).read(offset, n)

    def program(self, index: int, offset: int, data: bytes) -> None:
        """Clear the bits that are 0 in `data`. Raises OSError or FlashError."""
        self._at(index).program(offset, data)

    def erase(self, index: int, block: int) -> None:
        """Erase one block of 4096 bytes. Raises OSError or FlashError."""
        self._at(index).erase(block * SECTOR_BYTES)

    def _at(self, index: int) -> Partition:
        if index >= len(self._all):
            raise OSError(errno.ENOENT, f"no partition number {index}")
        return self._all[index]


def _known(flash: Nor) -> Iterable[Partition]:
    for label in _KINDS:
        try:
            yield flash.partition(label)
        except FlashError:
            continue
