"""What a collar would make of a motion: chip model, bus, driver, sampler and window kernel, end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collar.imu.lsm6dsox import Lsm6dsox
from collar.sampler import Sampler
from herdcore import features
from herdcore.records import WINDOW_BYTES
from herdcore.vocabulary import WINDOW_MS, WINDOW_SAMPLES
from simulator.chips.fitted import fit
from simulator.clock import VirtualClock
from simulator.i2c import Bus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.motion import Motion

_DRAIN_US = 7 * WINDOW_MS * 1000


def windows_of(motion: Motion, length_us: int, seed: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (start in ms since the motion began, 14 packed bytes) for every whole window of `length_us`."""
    clock = VirtualClock()
    chip, address = fit("lsm6dsox", motion, seed=seed)
    imu = Lsm6dsox(Bus({address: chip}, clock), lambda ms: clock.advance_us(1000 * ms))
    imu.start()
    sampler = Sampler(imu, lambda: clock.now_us // 1000)
    packed = bytearray(WINDOW_BYTES)
    while clock.now_us < length_us:
        clock.advance_us(_DRAIN_US)
        for i in range(sampler.drain()):
            start_ms = sampler.first_ms + i * WINDOW_MS
            if 1000 * (start_ms + WINDOW_MS) <= length_us:
                features.window_into(sampler.samples, i * WINDOW_SAMPLES, packed, 0)
                yield start_ms, bytes(packed)
