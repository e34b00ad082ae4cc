"""NOR flash: erased bytes are 0xFF, programming only clears bits, erasing takes a whole sector.

Power may fail in any operation. What is then left follows what silicon does: a torn program has written
nothing, a beginning, or some of the bits of a page; a torn erase leaves each page old, erased or noise.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SECTOR_BYTES = 4096
PAGE_BYTES = 256


class FlashError(ValueError):
    """An access outside the chip, outside its partition or off a sector boundary."""


class PowerCut(Exception):  # noqa: N818 - what happened, not an error of the caller
    """The supply failed in or before this operation; nothing works until power_on()."""


@dataclass(frozen=True, slots=True)
class Region:
    """One line of a partition table."""

    label: str
    offset: int
    size: int


class Nor:
    """A chip of `size` bytes with named partitions; sectors never written take no memory.

    `erases` and `programs` count by sector number what wears it. `cut_after(n)` lets the supply fail in the
    n-th program or erase from then on (0: the next); `seed` decides what such an operation leaves behind.
    """

    def __init__(self, size: int, partitions: Iterable[Region] = (), *, seed: int = 0) -> None:
        if size <= 0 or size % SECTOR_BYTES:
            raise FlashError(f"size={size}: want a positive multiple of {SECTOR_BYTES}")
        self.size = size
        self._sectors: dict[int, bytearray] = {}
        self._random = random.Random(f"flash {seed}")  # noqa: S311 - a simulation is repeatable
        self._left: int | None = None
        self.has_power = True
        self.erases: Counter[int] = Counter()
        self.programs: Counter[int] = Counter()
        self.operations = 0
        self._partitions: dict[str, Partition] = {}
        for region in partitions:
            self._add(region)

    def cut_after(self, operations: int) -> None:
        """Let the supply fail in the program or erase after that many more."""
        self._left = operations

    def power_on(self) -> None:
        """The supply is back, and does not fail again."""
        self._left, self.has_power = None, True

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
        self._check_power()
        parts = []
        while n:
            number, at = divmod(offset, SECTOR_BYTES)
            part = min(n, SECTOR_BYTES - at)
            cells = self._sectors.get(number)
            parts.append(b"\xff" * part if cells is None else bytes(cells[at : at + part]))
            offset, n = offset + part, n - part
        return b"".join(parts)

    def program(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Clear the bits that are 0 in `data`; bits that are 0 already stay so, as in silicon."""
        self._check(offset, len(data))
        if self._fails_now():
            self._and(offset, self._torn(bytes(data)))
            raise PowerCut(f"in a program of {len(data)} bytes at {offset}")
        self._and(offset, bytes(data))

    def erase(self, offset: int, n: int = SECTOR_BYTES) -> None:
        """Set whole sectors to 0xFF; FlashError unless `offset` and `n` are multiples of 4096."""
        self._check(offset, n, sectors=True)
        for number in range(offset // SECTOR_BYTES, (offset + n) // SECTOR_BYTES):
            self.erases[number] += 1
            if self._fails_now():
                self._tear_sector(number)
                raise PowerCut(f"in the erase of sector {number}")
            self._sectors.pop(number, None)

    def _and(self, offset: int, data: bytes) -> None:
        while data:
            number, at = divmod(offset, SECTOR_BYTES)
            part, data = data[: SECTOR_BYTES - at], data[SECTOR_BYTES - at :]
            cells = self._sectors.setdefault(number, bytearray(b"\xff" * SECTOR_BYTES))
            self.programs[number] += 1
            both = int.from_bytes(cells[at : at + len(part)], "little") & int.from_bytes(part, "little")
            cells[at : at + len(part)] = both.to_bytes(len(part), "little")
            offset += len(part)

    # power

    def _check_power(self) -> None:
        if not self.has_power:
            raise PowerCut("no power")

    def _fails_now(self) -> bool:
        """Count an operation; return whether the supply fails in it."""
        self._check_power()
        self.operations += 1
        if self._left is None or self._left > 0:
            self._left = None if self._left is None else self._left - 1
            return False
        self.has_power = False
        return True

    def _torn(self, data: bytes) -> bytes:
        """Return what of `data` gets programmed: nothing, a beginning, or any bits of one page."""
        fate, whole = self._random.random(), self._random.randrange(len(data) + 1)
        if fate < 0.1:
            return b""
        if fate < 0.5:
            return data[:whole] + bytes(b | self._random.getrandbits(8) for b in data[whole : whole + 1])
        page = data[:PAGE_BYTES]
        untouched = whole % len(page) if fate < 0.75 else 0
        return b"\xff" * untouched + bytes(b | self._random.getrandbits(8) for b in page[untouched:])

    def _tear_sector(self, number: int) -> None:
        """Leave each page as it was, erased or noise."""
        cells = bytearray(self.read_raw(number))
        for at in range(0, SECTOR_BYTES, PAGE_BYTES):
            fate = self._random.randrange(3)
            if fate == 1:
                cells[at : at + PAGE_BYTES] = b"\xff" * PAGE_BYTES
            elif fate == 2:
                cells[at : at + PAGE_BYTES] = self._random.randbytes(PAGE_BYTES)
        self._sectors[number] = cells

    def read_raw(self, number: int) -> bytes:
        """Return one sector, with or without power: what a programmer clipped to the chip would see."""
        return bytes(self._sectors.get(number, b"\xff" * SECTOR_BYTES))

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
