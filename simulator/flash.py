"""NOR flash: erased bytes are 0xFF, programming only clears bits, erasing takes a whole sector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SECTOR_BYTES = 4096


class FlashError(ValueError):
    """An access outside the chip, outside its partition or off a sector boundary."""


@dataclass(frozen=True, slots=True)
class Region:
    """One line of a partition table."""

    label: str
    offset: int
    size: int


class Nor:
    """A chip of `size` bytes with named partitions."""

    def __init__(self, size: int, partitions: Iterable[Region] = ()) -> None:
        if size <= 0 or size % SECTOR_BYTES:
            raise FlashError(f"size={size}: want a positive multiple of {SECTOR_BYTES}")
        self.size = size
        self._cells = bytearray(b"\xff" * size)
        self._partitions: dict[str, Partition] = {}
        for region in partitions:
            self._add(region)

    def _add(self, region: Region) -> None:
        self._check(region.offset, region.size, sectors=True)
        for other in self._partitions.values():
            if region.offset < other.offset + other.size and other.offset < region.offset + region.size:
                raise FlashError(f"partition {region.label!r} overlaps {other.label!r}")
        if region.label in self._partitions:
            raise FlashError(f"partition {region.label!r} is there twice")
        self._partitions[region.label] = Partition(self, region)

    def partition(self, label: str) -> Partition:
        """Return the partition; FlashError names those there are."""
        if label not in self._partitions:
            raise FlashError(f"no partition {label!r}; there are {', '.join(self._partitions) or 'none'}")
        return self._partitions[label]

    def read(self, offset: int, n: int) -> bytes:
        """Return n bytes from `offset`."""
        self._check(offset, n)
        return bytes(self._cells[offset : offset + n])

    def program(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Clear the bits that are 0 in `data`; bits that are 0 already stay so, as in silicon."""
        n = len(data)
        self._check(offset, n)
        both = int.from_bytes(self._cells[offset : offset + n], "little") & int.from_bytes(data, "little")
        self._cells[offset : offset + n] = both.to_bytes(n, "little")

    def erase(self, offset: int, n: int = SECTOR_BYTES) -> None:
        """Set whole sectors to 0xFF; FlashError unless `offset` and `n` are multiples of 4096."""
        self._check(offset, n, sectors=True)
        self._cells[offset : offset + n] = b"\xff" * n

    def _check(self, offset: int, n: int, *, sectors: bool = False) -> None:
        if offset < 0 or n < 0 or offset + n > self.size:
            raise FlashError(f"offset={offset}, n={n}: outside 0..{self.size}")
        if sectors and (offset % SECTOR_BYTES or n % SECTOR_BYTES):
            raise FlashError(f"offset={offset}, n={n}: not multiples of {SECTOR_BYTES}")


class Partition:
    """A window into the chip; offsets count from its start."""

    def __init__(self, chip: Nor, region: Region) -> None:
        self._chip = chip
        self.label, self.offset, self.size = region.label, region.offset, region.size

    def read(self, offset: int, n: int) -> bytes:
        """Return n bytes from `offset`."""
        return self._chip.read(self._inside(offset, n), n)

    def program(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Clear the bits that are 0 in `data`."""
        self._chip.program(self._inside(offset, len(data)), data)

    def erase(self, offset: int, n: int = SECTOR_BYTES) -> None:
        """Set whole sectors to 0xFF."""
        self._chip.erase(self._inside(offset, n), n)

    def _inside(self, offset: int, n: int) -> int:
        if offset < 0 or n < 0 or offset + n > self.size:
            raise FlashError(f"partition {self.label!r}: offset={offset}, n={n}: outside 0..{self.size}")
        return self.offset + offset
