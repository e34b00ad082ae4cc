"""ST's tagged FIFO (LSM6DSO family): words of a tag byte and six data bytes, made when they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.chips.sampling import Sampling

CAPACITY = 512
WORD_BYTES = 7
BYPASS, FIFO, CONTINUOUS = 0, 1, 6  # FIFO_CTRL4 b2:0; the other modes wait for embedded-function events

_ACCEL = 2  # sensor id in the tag's upper five bits


def _tag(counter: int) -> int:
    """Return sensor id, 2-bit time-slot counter and the bit that makes the parity of the whole byte even."""
    tag = _ACCEL << 3 | counter << 1
    return tag | tag.bit_count() & 1


_TAGS = np.array([_tag(counter) for counter in range(4)], dtype=np.uint8)


@dataclass
class _Run:
    """Words of one setting: word i is sample first + i * step; those from `low` to `high` are in the FIFO."""

    source: Sampling
    first: int
    step: int
    slot: int  # time slots before word 0
    low: int = 0
    high: int = 0

    def count(self, now_us: int) -> int:
        """Return how many words were batched by `now_us`, read or not."""
        return max(0, (self.source.latest(now_us) - self.first) // self.step + 1)

    def time_us(self, word: int) -> int:
        return self.source.time_us(self.first + word * self.step)

    def encode(self, n: int) -> NDArray[np.uint8]:
        """Return (n, 7) bytes of the oldest n words."""
        out = np.empty((n, WORD_BYTES), dtype=np.uint8)
        out[:, 0] = _TAGS[(np.arange(n) + self.slot + self.low) & 3]
        counts = self.source.raw(self.first + self.low * self.step, n, self.step)
        out[:, 1:] = counts.astype("<i2").view(np.uint8).reshape(n, WORD_BYTES - 1)
        return out


class TaggedFifo:
    """512 words. `settle(now)` first, then look or read: time moves only there."""

    def __init__(self) -> None:
        self.mode = BYPASS
        self.overrun_latched = False
        self._runs: list[_Run] = []
        self._live: _Run | None = None  # the last of _runs while it still grows

    def configure(self, mode: int, source: Sampling | None, step: int, now_us: int) -> None:
        """Batch every `step`-th sample of `source` (None: nothing) from `now_us` on. Bypass empties."""
        self.settle(now_us)
        full = self.mode == mode == FIFO and len(self) >= CAPACITY  # it stops until it went through bypass
        slot = self._runs[-1].slot + self._runs[-1].high if self._runs else 0
        self.mode, self._live = mode, None
        if mode == BYPASS:
            self._runs.clear()
            self.overrun_latched = False
        elif source is not None and not full:
            self._live = _Run(source, source.latest(now_us) + 1, step, slot)
            self._runs.append(self._live)

    def __len__(self) -> int:
        """Return the words in the FIFO at the time of the last settle()."""
        return sum(run.high - run.low for run in self._runs)

    def level(self, now_us: int) -> int:
        """Return the words there would be at `now_us`; changes nothing."""
        growth = max(0, self._live.count(now_us) - self._live.high) if self._live else 0
        return min(CAPACITY, len(self) + growth)

    def reaches_us(self, level: int, now_us: int) -> int | None:
        """Return the earliest time >= `now_us` with `level` words in if nobody reads, None if never."""
        missing = level - self.level(now_us)
        if missing <= 0:
            return now_us
        if self._live is None:
            return None
        return self._live.time_us(max(self._live.count(now_us), self._live.high) + missing - 1)

    def settle(self, now_us: int) -> None:
        """Batch what was sampled up to `now_us`; a full FIFO stops or drops its oldest words."""
        if self._live is None:
            return
        self._live.high = max(self._live.high, self._live.count(now_us))
        excess = len(self) - CAPACITY
        if self.mode == FIFO and excess >= 0:
            self._live.high -= excess
            self._live = None
        elif excess > 0:
            self._drop(excess)
        self.overrun_latched |= excess >= 0

    def flood(self) -> None:
        """Be overrun: as if the words of its whole depth had come at once."""
        if self._live is not None:
            self._live.first -= CAPACITY * self._live.step

    def read(self, offset: int, n: int) -> bytes:
        """Return n bytes from byte `offset` of the oldest word on; a word leaves with its seventh byte.

        An empty FIFO reads as zeros: sensor id 0.
        """
        data = self._peek(-(-(offset + n) // WORD_BYTES))[offset : offset + n]
        self._drop((offset + n) // WORD_BYTES)
        return data + bytes(n - len(data))

    def _peek(self, words: int) -> bytes:
        parts = []
        for run in self._runs:
            n = min(words, run.high - run.low)
            if n > 0:
                parts.append(run.encode(n).tobytes())
                words -= n
        return b"".join(parts)

    def _drop(self, words: int) -> None:
        for run in self._runs:
            n = min(words, run.high - run.low)
            run.low += n
            words -= n
        self._runs = [run for run in self._runs if run.low < run.high or run is self._runs[-1]]
