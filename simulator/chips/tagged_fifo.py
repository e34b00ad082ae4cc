"""ST's tagged FIFO (LSM6DSO family): words of a tag byte and six data bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.chips.fifo import SAMPLE_BYTES, Fifo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.chips.sampling import Sampling

CAPACITY = 512
WORD_BYTES = 1 + SAMPLE_BYTES
BYPASS, FIFO, CONTINUOUS = 0, 1, 6  # FIFO_CTRL4 b2:0; the other modes wait for embedded-function events

_ACCEL = 2  # sensor id in the tag's upper five bits


def _tag(counter: int) -> int:
    """Return sensor id, 2-bit time-slot counter and the bit that makes the parity of the whole byte even."""
    tag = _ACCEL << 3 | counter << 1
    return tag | tag.bit_count() & 1


_TAGS = np.array([_tag(counter) for counter in range(4)], dtype=np.uint8)


class TaggedFifo(Fifo):
    """512 words; an empty one reads as zeros: sensor id 0. In FIFO mode a full one stops until bypass."""

    WORD_BYTES = WORD_BYTES
    FULL_IS_OVERRUN = True

    def __init__(self) -> None:
        super().__init__(CAPACITY * WORD_BYTES)
        self.mode = BYPASS
        self._slot = 0  # time slots before live word 0

    @property
    def words(self) -> int:
        """Return the words held at the time of the last settle()."""
        return len(self) // WORD_BYTES

    def configure(self, mode: int, source: Sampling | None, step: int, now_us: int) -> None:
        """Batch every `step`-th sample of `source` (None: nothing) from `now_us` on. Bypass empties."""
        self.settle(now_us)
        is_stopped = self.mode == mode == FIFO and self.words >= CAPACITY
        slot = self._slot + self._high // WORD_BYTES
        self.mode = mode
        self.follow(None if is_stopped or mode == BYPASS else source, now_us, step)
        self._slot = slot
        if mode == BYPASS:
            self.clear()
            self._slot = 0

    def settle(self, now_us: int) -> None:
        """Batch what was sampled up to `now_us`; a full FIFO stops or drops its oldest words."""
        room = self._capacity - len(self)
        if self.mode == FIFO and self._source and self._came(now_us) - self._high >= room:
            self._stop(room)
        super().settle(now_us)

    def _stop(self, room: int) -> None:
        """Take `room` bytes more and no others: they become those of a setting that is over."""
        self._high += room
        self._old = self._peek(len(self))
        self._slot += self._high // WORD_BYTES
        self._source, self._low, self._high = None, 0, 0
        self.overrun = True

    def _encode(self, counts: NDArray[np.int16], word: int) -> bytes:
        out = np.empty((len(counts), WORD_BYTES), dtype=np.uint8)
        out[:, 0] = _TAGS[(np.arange(len(counts)) + self._slot + word) & 3]
        out[:, 1:] = counts.astype(self._order).view(np.uint8).reshape(-1, SAMPLE_BYTES)
        return out.tobytes()
