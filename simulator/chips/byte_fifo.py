"""A FIFO of bytes without tags (MPU-6050, LIS2DW12): x, y, z of a sample, made when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.chips.sampling import Sampling

SAMPLE_BYTES = 6


class ByteFifo:
    """`capacity` bytes; a full FIFO drops its oldest, which tears a sample where 6 does not divide it.

    `order` is the numpy type of an axis, "<i2" or ">i2". settle(now) first, then look or read.
    """

    def __init__(self, capacity: int, order: str) -> None:
        self._capacity, self._order = capacity, order
        self.overrun = False
        self._old = b""  # of settings that are over
        self._source: Sampling | None = None
        self._first = 1  # number of the sample that byte 0 of the live part belongs to
        self._low = self._high = 0  # live bytes that were read or dropped, and that came

    def __len__(self) -> int:
        """Return the bytes held at the time of the last settle()."""
        return len(self._old) + self._high - self._low

    def clear(self) -> None:
        """Forget everything that is held; what comes later is kept."""
        self._old, self._low, self.overrun = b"", self._high, False

    def follow(self, source: Sampling | None, now_us: int) -> None:
        """Take every sample of `source` (None: nothing) from `now_us` on."""
        self.settle(now_us)
        self._old = self._peek(len(self))
        self._source, self._low, self._high = source, 0, 0
        self._first = source.latest(now_us) + 1 if source else 1

    def flood(self) -> None:
        """Be overrun: as if the samples of its whole depth, and one more, had come at once."""
        self._first -= self._capacity // SAMPLE_BYTES + 1

    def settle(self, now_us: int) -> None:
        """Take what was sampled up to `now_us`."""
        self._high = max(self._high, self._came(now_us))
        excess = len(self) - self._capacity
        if excess > 0:
            self._drop(excess)
            self.overrun = True

    def level(self, now_us: int) -> int:
        """Return the bytes there would be at `now_us`; changes nothing."""
        growth = max(0, self._came(now_us) - self._high)
        return min(self._capacity, len(self) + growth)

    def reaches_us(self, level: int, now_us: int) -> int | None:
        """Return the earliest time >= `now_us` with `level` bytes in if nobody reads, None if never."""
        missing = level - self.level(now_us)
        if missing <= 0:
            return now_us
        if self._source is None:
            return None
        samples = (max(self._came(now_us), self._high) + missing + SAMPLE_BYTES - 1) // SAMPLE_BYTES
        return self._source.time_us(self._first + samples - 1)

    def read(self, offset: int, n: int) -> bytes:
        """Return n bytes from `offset` of the oldest sample on; a sample leaves with its sixth byte."""
        data = self._peek(offset + n)[offset:]
        self._drop(min(len(self), (offset + n) // SAMPLE_BYTES * SAMPLE_BYTES))
        return data + bytes(n - len(data))

    def take(self, n: int) -> bytes:
        """Return up to n bytes, which leave."""
        data = self._peek(n)
        self._drop(len(data))
        return data

    def _came(self, now_us: int) -> int:
        if self._source is None:
            return 0
        return SAMPLE_BYTES * max(0, self._source.latest(now_us) - self._first + 1)

    def _peek(self, n: int) -> bytes:
        data = self._old[:n]
        live = min(n - len(data), self._high - self._low)
        if self._source is None or live <= 0:
            return data
        word, torn = divmod(self._low, SAMPLE_BYTES)
        samples = (torn + live + SAMPLE_BYTES - 1) // SAMPLE_BYTES
        raw = self._source.raw(self._first + word, samples).astype(self._order).tobytes()
        return data + raw[torn : torn + live]

    def _drop(self, n: int) -> None:
        old = min(n, len(self._old))
        self._old = self._old[old:]
        self._low += n - old
