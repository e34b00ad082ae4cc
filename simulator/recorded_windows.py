"""What a collar would make of a motion: chip model, bus, driver, drain and window kernel, end to end."""

from __future__ import annotations

from array import array
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from collar.imu.lsm6dsox import Lsm6dsox
from collar.sampler import Sampler
from herdcore import features
from herdcore.records import WINDOW_BYTES
from herdcore.vocabulary import WINDOW_MS, WINDOW_SAMPLES
from simulator.chips.fitted import fit
from simulator.clock import VirtualClock
from simulator.i2c import Bus
from simulator.motion import Still

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from simulator.chips.fitted import Accelerometer
    from simulator.motion import Motion

HOLD_MS = 100  # how far a last window may reach beyond the last recorded sample
_DRAIN_US = 7 * WINDOW_MS * 1000
_LAST_SAMPLE_MS = WINDOW_MS - WINDOW_MS // WINDOW_SAMPLES
# Words between a start of the chip and the recording: the driver drops what is not settled, and believes a
# chip that gives nothing but the rail after 64 words.
_LEAD_WORDS = 64


class Held:
    """A recording with straight lines between its samples, its first and last one held; implements Motion."""

    def __init__(self, times_us: NDArray[np.int64], samples_mg: NDArray[np.float64]) -> None:
        """`times_us`: (n,), increasing; `samples_mg`: (n, 3); n >= 1."""
        self._times_us, self._samples_mg = times_us, samples_mg

    def at(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, 3) mg at the (n,) times."""
        axes = [np.interp(times_us, self._times_us, axis) for axis in self._samples_mg.T]
        return np.stack(axes, axis=1)


def windows_in(span_ms: int) -> int:
    """Return how many windows a recording gives whose last sample is `span_ms` after its first."""
    return (span_ms + HOLD_MS - _LAST_SAMPLE_MS) // WINDOW_MS + 1


def aligned_windows(times_ms: NDArray[np.int64], samples_mg: NDArray[np.float64], seed: int) -> list[bytes]:
    """Return the consecutive windows of a recording, 14 packed bytes each, from its first sample on.

    times_ms: (n,) since the first sample, increasing from 0; samples_mg: (n, 3), n >= 1; `seed` decides the
    noise of the chip. The chip is started a lead-in before, which holds the first sample, so that the first
    sample of the first window falls on the first of the recording to the microsecond.
    """
    count = windows_in(int(times_ms[-1]))
    if count == 0:
        return []
    motion = Held(lead_in_us() + 1000 * times_ms, samples_mg)
    samples, first = _drained(motion, count * WINDOW_SAMPLES, seed)
    packed = bytearray(count * WINDOW_BYTES)
    for i in range(count):
        features.window_into(samples, first + i * WINDOW_SAMPLES, packed, i * WINDOW_BYTES)
    return [bytes(packed[at : at + WINDOW_BYTES]) for at in range(0, len(packed), WINDOW_BYTES)]


@cache
def lead_in_us() -> int:
    """Return when the chip samples word 1 + _LEAD_WORDS after the clock's 0, where the driver starts it.

    The interrupt line rises with word number `watermark`, and words are one period apart; how long a start
    takes is the bus's business, and the same whatever the motion.
    """
    chip, imu, clock = _started(Still(), 0)
    line_us = chip.next_int1_us(clock.now_us)
    assert line_us is not None
    return line_us - (imu.watermark - 1 - _LEAD_WORDS) * imu.period_us


def _drained(motion: Motion, n: int, seed: int) -> tuple[array[int], int]:
    """Return samples as the driver drains them, and the triple taken at lead_in_us(); n triples follow it."""
    chip, imu, clock = _started(motion, seed)
    samples = array("h", bytes(6 * (_LEAD_WORDS + n + imu.watermark)))
    got = 0
    while got + imu.unsettled < _LEAD_WORDS + n:
        line_us = chip.next_int1_us(clock.now_us)
        assert line_us is not None
        clock.advance_to_us(line_us)
        got += imu.drain_into(samples, 3 * got, imu.watermark)
    return samples, _LEAD_WORDS - imu.unsettled


def _started(motion: Motion, seed: int) -> tuple[Accelerometer, Lsm6dsox, VirtualClock]:
    """Return a chip at 0 us that its driver has started, the driver, and the clock of their bus."""
    clock = VirtualClock()
    chip, address = fit("lsm6dsox", motion, seed=seed)
    imu = Lsm6dsox(Bus({address: chip}, clock), lambda ms: clock.advance_us(1000 * ms))
    imu.start()
    return chip, imu, clock


def windows_of(motion: Motion, length_us: int, seed: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (start in ms since the motion began, 14 packed bytes) for every whole window of `length_us`.

    The sampler dates them, as on a collar: from the first settled sample on, to half a period.
    """
    _, imu, clock = _started(motion, seed)
    sampler = Sampler(imu, lambda: clock.now_us // 1000)
    packed = bytearray(WINDOW_BYTES)
    while clock.now_us < length_us:
        clock.advance_us(_DRAIN_US)
        for i in range(sampler.drain()):
            start_ms = sampler.first_ms + i * WINDOW_MS
            if 1000 * (start_ms + WINDOW_MS) <= length_us:
                features.window_into(sampler.samples, i * WINDOW_SAMPLES, packed, 0)
                yield start_ms, bytes(packed)
