"""The LSM6DSOX driver against the simulated chip: what the chip holds, what comes out of its FIFO."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

from collar.imu.base import SensorError
from collar.imu.lsm6dsox import Lsm6dsox
from simulator.chips.lsm6dsox import Lsm6dsox as Chip
from simulator.clock import VirtualClock
from simulator.i2c import Bus
from simulator.motion import Still

WATERMARK_US = 448 * 80_000


class Rig:
    """A driver on a bus with one chip."""

    def __init__(self, motion=None, *, ppm=0, address=0x6A):
        self.clock = VirtualClock()
        self.chip = Chip(motion or Still(0, 0, 1000), odr_error_ppm=ppm)
        self.bus = Bus({address: self.chip}, self.clock)
        self.imu = Lsm6dsox(self.bus, lambda ms: self.clock.advance_us(1000 * ms), address)
        self.out = array("h", bytes(6 * 448))

    def register(self, register):
        return self.chip.read(register, 1, self.clock.now_us)[0]

    def drain(self, n=448):
        return self.imu.drain_into(self.out, 0, n)


@pytest.fixture
def rig():
    return Rig()


@pytest.fixture
def full(rig):
    rig.imu.start()
    rig.clock.advance_us(WATERMARK_US + 10_000)
    return rig


@pytest.mark.parametrize(
    ("register", "value"),
    [
        (0x07, 0xC0),  # watermark 448 = 0x1C0
        (0x08, 0x01),
        (0x09, 0x01),  # batch at 12.5 Hz, no gyroscope
        (0x0A, 0x06),  # continuous
        (0x0D, 0x08),  # INT1 is the FIFO threshold
        (0x10, 0x1C),  # 12.5 Hz, 8 g
        (0x11, 0x00),  # gyroscope off
        (0x12, 0x44),  # block data update, auto-increment, reset done
        (0x15, 0x10),  # low power
        (0x18, 0xE2),  # I3C off
    ],
)
def test_a_started_chip_holds_this_configuration(rig, register, value):
    rig.imu.start()
    assert rig.register(register) == value


def test_start_forgets_what_an_earlier_program_left_in_the_chip(rig):
    rig.bus.writeto(0x6A, bytes((0x14, 0x80)))  # ultra-low-power mode
    rig.imu.start()
    assert rig.register(0x14) == 0


def test_the_chip_is_found_at_its_second_address():
    Rig(address=0x6B).imu.probe()


def test_another_chip_at_the_address_is_refused_by_name(rig):
    rig.bus.flip_bit(1, 0)
    with pytest.raises(SensorError, match="0x6a: id 0x6d, want 0x6c"):
        rig.imu.probe()


def test_nobody_at_the_address_is_an_error_of_the_bus(rig):
    rig.bus.nack_transfer(1)
    with pytest.raises(OSError, match="0x6a"):
        rig.imu.probe()


def test_a_reset_that_never_ends_is_given_up(rig):
    class Frozen(VirtualClock):
        def advance_us(self, step_us):
            """No time passes, so the chip stays in reset."""

    bus = Bus({0x6A: rig.chip}, Frozen())
    with pytest.raises(SensorError, match="reset not done after 50 ms"):
        Lsm6dsox(bus, lambda _ms: None).start()


def test_a_still_collar_reads_gravity(full):
    assert full.drain() >= 440
    samples = np.array(full.out).reshape(-1, 3)[10:440]
    assert np.abs(samples.mean(axis=0) - [0, 0, 1000]).max() < 2
    assert np.abs(samples - [0, 0, 1000]).max() < 20


@pytest.mark.parametrize("mg", [-8000, -1000, -1, 0, 1, 999, 7999])
def test_milligrams_are_right_within_rounding_and_noise_over_the_whole_range(mg):
    rig = Rig(Still(mg, 0, 0))
    rig.imu.start()
    rig.clock.advance_us(WATERMARK_US)
    n = rig.drain()
    assert abs(np.array(rig.out).reshape(-1, 3)[:n, 0].mean() - mg) < 6


def test_a_drain_is_one_burst(full):
    before = full.bus.transfers
    full.drain()
    assert full.bus.transfers == before + 1


def test_draining_a_watermark_lowers_the_interrupt_and_leaves_the_rest(rig):
    rig.imu.start()
    rig.clock.advance_us(WATERMARK_US + 500_000)
    assert rig.chip.int1_level(rig.clock.now_us) == 1
    held = rig.imu.count()
    rig.drain()
    assert rig.imu.count() in (held - 448, held - 447)  # the burst takes 71 ms: one more may have come
    assert rig.chip.int1_level(rig.clock.now_us) == 0


def test_samples_before_the_first_settled_one_are_dropped(full):
    written = full.drain()
    assert written < 448
    assert full.imu.unsettled == 448 - written
    assert max(full.out[: 3 * written]) < 7990


def test_a_clipped_sample_after_the_start_is_kept():
    class Shake:
        def at(self, times_us):
            rows = np.tile([0.0, 0.0, 1000.0], (len(times_us), 1))
            rows[(times_us > 10_000_000) & (times_us < 11_000_000)] = [11_000.0, 0.0, 1000.0]
            return rows

    rig = Rig(Shake())
    rig.imu.start()
    rig.clock.advance_us(WATERMARK_US + 10_000)
    rig.drain()
    assert 10 <= np.count_nonzero(np.array(rig.out).reshape(-1, 3)[:, 0] == 7999) <= 14


def test_words_of_another_sensor_are_skipped(full):
    full.drain(100)
    full.bus.flip_bit(7 * 20 + 1, 3)  # the tag of word 20 becomes that of another sensor
    assert full.drain(100) == 99


def test_an_overrun_is_told_once(rig):
    rig.imu.start()
    rig.clock.advance_us(60_000_000)
    assert rig.imu.count() == 512
    rig.drain()
    rig.imu.count()
    assert rig.imu.flags() is True
    rig.imu.count()
    assert rig.imu.flags() is False


def test_a_drain_in_time_is_no_overrun(full):
    full.imu.count()
    assert full.imu.flags() is False


@pytest.mark.parametrize(("ppm", "period_us"), [(0, 80_000), (15_000, 78_817), (-30_000, 82_474)])
def test_the_sample_period_follows_the_chips_own_trim(ppm, period_us):
    rig = Rig(ppm=ppm)
    rig.imu.start()
    assert rig.imu.period_us == period_us
