"""When a converter samples, with what noise, and what numbers come out: pure functions of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.chips.faults import NO_FAULTS, Faults

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.motion import Motion

_INT16 = np.iinfo(np.int16)
_BLOCK = 2048  # samples made at once: numpy costs by the call where a FIFO is shallow


class NotModelledError(NotImplementedError):
    """A driver asked for something a chip model has not got."""


@dataclass(frozen=True)
class Sampling:
    """A converter at one setting from `start_us` on: sample k = 1, 2, ... is taken k periods later."""

    motion: Motion
    seed: int
    start_us: int
    period_ns: int
    mg_per_lsb: float
    noise_mg: float  # root mean square per axis
    settling: int  # the first samples, which hold no measurement
    faults: Faults = NO_FAULTS
    unit: int = 1  # counts come in steps of this: left-justified converters leave the lowest bits 0
    settling_value: int = _INT16.max
    _ahead: dict[int, NDArray[np.int16]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def latest(self, now_us: int) -> int:
        """Return the number of the newest sample at `now_us`, 0 before the first."""
        return max(0, ((now_us - self.start_us + 1) * 1000 - 1) // self.period_ns)

    def time_us(self, k: int) -> int:
        """Return when sample k is there."""
        return self.start_us + k * self.period_ns // 1000

    def raw(self, first: int, n: int, step: int = 1) -> NDArray[np.int16]:
        """Return (n, 3) counts of the samples first, first + step, ...; read only."""
        end = first + (n - 1) * step + 1
        blocks = [self._block(number) for number in range(first // _BLOCK, (end - 1) // _BLOCK + 1)]
        at = first % _BLOCK
        counts = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        return counts[at : at + end - first : step]

    def _block(self, number: int) -> NDArray[np.int16]:
        """Return the counts of _BLOCK samples; the newest of these tables is kept."""
        if number not in self._ahead:
            counts = self._convert(np.arange(number * _BLOCK, (number + 1) * _BLOCK, dtype=np.int64))
            counts.flags.writeable = False
            self._ahead.clear()
            self._ahead[number] = counts
        return self._ahead[number]

    def _convert(self, k: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return (n, 3) counts of the samples k, which follow each other."""
        times_us = self.start_us + k * self.period_ns // 1000
        mg = self.motion.at(times_us) + self.noise_mg * gaussian(self.seed, times_us)
        exact = np.rint(self.faults.spoil(mg / self.mg_per_lsb, times_us) / self.unit) * self.unit
        counts: NDArray[np.int16] = np.clip(exact, _INT16.min, _INT16.max // self.unit * self.unit).astype(
            np.int16
        )
        counts[k <= self.settling] = self.settling_value
        counts[k <= self.faults.garbage] = _INT16.max
        return counts


def gaussian(seed: int, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n, 3) near-normal numbers, a function of seed, time and axis; variance 1, never beyond 3.5.

    Sum of four uniform 16-bit parts of a SplitMix64 hash (Steele, Lea, Flood 2014, OOPSLA).
    """
    key = np.uint64((seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & 0xFFFFFFFFFFFFFFFF)
    z = np.repeat(times_us.astype(np.uint64), 3) * np.uint64(3)
    z[1::3] += np.uint64(1)
    z[2::3] += np.uint64(2)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z += key
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    low = np.uint64(0xFFFF)
    total = (z & low) + ((z >> np.uint64(16)) & low) + ((z >> np.uint64(32)) & low) + (z >> np.uint64(48))
    centred: NDArray[np.float64] = (total.astype(np.float64) - 131070.0) / 37837.0
    return centred.reshape(-1, 3)
