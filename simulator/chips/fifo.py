"""A FIFO of samples, encoded when they are read: time passes only in settle()."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.chips.sampling import Sampling

SAMPLE_BYTES = 6


class Fifo:
    """`capacity` bytes of words without tags (MPU-6050, LIS2DW12): x, y, z in the numpy type `order`.

    A full FIFO drops its oldest bytes, which tears a word where its size does not divide the capacity.
    settle(now) first, then look or read.
    """

    WORD_BYTES = SAMPLE_BYTES
    FULL_IS_OVERRUN = False  # else the first byte that is lost is

    def __init__(self, capacity: int, order: str = "<i2") -> None:
        self._capacity, self._order = capacity, order
        self._overrun_from = capacity + (not self.FULL_IS_OVERRUN)
        self.overrun = False
        self._old = b""  # of settings that are over
        self._source: Sampling | None = None
        self._first, self._step = 1, 1  # number of the sample that live byte 0 belongs to; samples a word
        self._low = self._high = 0  # live bytes that were read or dropped, and that came

    def __len__(self) -> int:
        """Return the bytes held at the time of the last settle()."""
        return len(self._old) + self._high - self._low

    def clear(self) -> None:
        """Forget everything that is held; what comes later is kept."""
        self._old, self._low, self.overrun = b"", self._high, False

    def follow(self, source: Sampling | None, now_us: int, step: int = 1) -> None:
        """Take every `step`-th sample of `source` (None: nothing) from `now_us` on."""
        self.settle(now_us)
        self._old = self._peek(len(self))
        self._source, self._step, self._low, self._high = source, step, 0, 0
        self._first = source.latest(now_us) + 1 if source else 1

    def flood(self) -> None:
        """Be overrun: as if what it cannot hold had come at once."""
        self._first -= -(-self._overrun_from // self.WORD_BYTES) * self._step

    def settle(self, now_us: int) -> None:
        """Take what was sampled up to `now_us`."""
        if self._source is None:
            return
        self._high = max(self._high, self._came(now_us))
        held = len(self)
        if held >= self._overrun_from:
            self.overrun = True
        if held > self._capacity:
            self._drop(held - self._capacity)

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
        words = -(-(max(self._came(now_us), self._high) + missing) // self.WORD_BYTES)
        return self._source.time_us(self._first + (words - 1) * self._step)

    def read(self, offset: int, n: int) -> bytes:
        """Return n bytes from `offset` of the oldest word on, zeros where there are none.

        A word leaves with its last byte.
        """
        data = self._peek(offset + n)[offset:]
        self._drop(min(len(self), (offset + n) // self.WORD_BYTES * self.WORD_BYTES))
        return data + bytes(n - len(data))

    def take(self, n: int) -> bytes:
        """Return up to n bytes, which leave."""
        data = self._peek(n)
        self._drop(len(data))
        return data

    def _came(self, now_us: int) -> int:
        if self._source is None:
            return 0
        return self.WORD_BYTES * max(0, (self._source.latest(now_us) - self._first) // self._step + 1)

    def _peek(self, n: int) -> bytes:
        data = self._old[:n]
        live = min(n - len(data), self._high - self._low)
        if self._source is None or live <= 0:
            return data
        word, torn = divmod(self._low, self.WORD_BYTES)
        words = -(-(torn + live) // self.WORD_BYTES)
        counts = self._source.raw(self._first + word * self._step, words, self._step)
        return data + self._encode(counts, word)[torn : torn + live]

    def _encode(self, counts: NDArray[np.int16], word: int) -> bytes:  # noqa: ARG002 - for words with tags
        """Return the bytes of (n, 3) counts; `word` is the number of the first, from 0 for this setting."""
        return counts.astype(self._order).tobytes()

    def _drop(self, n: int) -> None:
        old = min(n, len(self._old))
        self._old = self._old[old:]
        self._low += n - old
