"""MPU-6050 and LIS2DW12 as a driver sees them. Addresses and bits are those of the register maps."""

import numpy as np
import pytest

from simulator.chips.faults import FaultKind, Faults, inject
from simulator.chips.fitted import IMUS, fit
from simulator.chips.lis2dw12 import Lis2dw12
from simulator.chips.mpu6050 import Mpu6050
from simulator.chips.sampling import NotModelledError, Sampling
from simulator.i2c import Bus
from simulator.motion import Still

PERIOD_US = 80_000


def write(chip, now_us, *pairs):
    for reg, value in pairs:
        chip.write(reg, bytes((value,)), now_us)
    return chip


def mpu(**parts):
    """+-8 g, 12.5 Hz, accelerometer in the FIFO, from time 0."""
    chip = Mpu6050(Still(), **parts)
    return write(chip, 0, (0x6B, 0x08), (0x19, 79), (0x1A, 6), (0x1C, 0x10), (0x23, 0x08), (0x6A, 0x40))


def lis(**parts):
    """+-8 g, 12.5 Hz, low-power mode 4, continuous FIFO, INT1 at 24."""
    chip = Lis2dw12(Still(), **parts)
    return write(chip, 0, (0x21, 0x0C), (0x25, 0x20), (0x23, 0x02), (0x3F, 0x20), (0x2E, 0xD8), (0x20, 0x23))


def held(chip, now_us):
    return int.from_bytes(chip.read(0x72, 2, now_us), "big")


def test_chips_say_who_they_are_and_sleep_after_power_up():
    assert Mpu6050(Still()).read(0x75, 1, 0) == b"\x68"
    assert Mpu6050(Still()).read(0x6B, 1, 0) == b"\x40"
    assert Lis2dw12(Still()).read(0x0F, 1, 0) == b"\x44"
    assert Lis2dw12(Still()).read(0x20, 2, 0) == b"\x00\x04"


def test_an_unknown_chip_is_refused_by_name():
    with pytest.raises(ValueError, match="imu='bmi270' is not one of lsm6dsox, mpu6050, lis2dw12"):
        fit("bmi270", Still())


def test_an_mpu6050_counts_bytes_and_gives_big_endian_samples():
    chip = mpu()
    assert held(chip, 10 * PERIOD_US) == 60
    samples = np.frombuffer(chip.read(0x74, 60, 10 * PERIOD_US), dtype=">i2").reshape(-1, 3)
    assert np.abs(samples[1:, 2] - 4096).max() < 40
    assert held(chip, 10 * PERIOD_US) == 0


def test_an_mpu6050_that_overflows_is_torn_until_its_fifo_is_reset_while_it_is_off():
    chip = mpu()
    late_us = 200 * PERIOD_US
    assert (held(chip, late_us), chip.read(0x3A, 1, late_us)) == (1024, b"\x10")
    assert chip.read(0x3A, 1, late_us) == b"\x00"
    torn = np.frombuffer(chip.read(0x74, 60, late_us), dtype=">i2").reshape(-1, 3)
    assert np.abs(torn[:, 2] - 4096).max() > 1000
    write(chip, late_us, (0x6A, 0x44))
    assert held(chip, late_us) == 964
    write(chip, late_us, (0x6A, 0x04), (0x6A, 0x40))
    assert held(chip, late_us) == 0


def test_an_mpu6050_is_deaf_for_100_ms_after_a_reset():
    chip = write(mpu(), 0, (0x6B, 0x80))
    assert chip.read(0x6B, 1, 99_000) == b"\xc0"
    write(chip, 99_000, (0x19, 79))
    assert chip.read(0x19, 1, 100_000) == b"\x00"


def test_an_empty_mpu6050_repeats_its_last_byte():
    chip = mpu()
    last = chip.read(0x74, 6, PERIOD_US)[-1]
    assert chip.read(0x74, 3, PERIOD_US) == bytes((last,)) * 3


def test_a_burst_that_comes_to_the_fifo_of_an_mpu6050_stays_there():
    one, other = mpu(), mpu()
    together = one.read(0x72, 2 + 12, 10 * PERIOD_US)
    assert together == other.read(0x72, 2, 10 * PERIOD_US) + other.read(0x74, 12, 10 * PERIOD_US)
    assert held(one, 10 * PERIOD_US) == 48


def test_samples_are_the_same_by_the_table_or_a_few_at_a_time_and_made_once():
    class Counted(Still):
        asked = 0

        def at(self, times_us):
            self.asked += 1
            return super().at(times_us)

    motion = Counted()
    sampling = Sampling(motion, 1, 0, 80_000_000, 0.25, 1.0, 0)
    table = sampling.raw(1, 4000)
    asked = motion.asked
    assert np.array_equal(np.concatenate([sampling.raw(k, 8) for k in range(1, 4000, 8)]), table)
    assert (asked, motion.asked) == (2, 4)
    assert np.array_equal(sampling.raw(5, 30, 100), table[4:3000:100][:30])


def test_an_mpu6050_has_no_watermark_line():
    chip = mpu()
    assert (chip.int1_level(10**9), chip.next_int1_us(0)) == (0, None)


def test_a_lis2dw12_holds_32_samples_and_tells_when_one_was_overwritten():
    chip = lis()
    assert chip.read(0x2F, 1, 32 * PERIOD_US)[0] == 0x80 | 32
    assert chip.read(0x2F, 1, 33 * PERIOD_US)[0] == 0xC0 | 32
    chip.read(0x28, 6, 33 * PERIOD_US)
    assert chip.read(0x2F, 1, 33 * PERIOD_US)[0] == 0x80 | 31


def test_a_lis2dw12_raises_int1_at_its_threshold_until_it_is_drained():
    chip = lis()
    assert chip.next_int1_us(0) == 24 * PERIOD_US
    assert [chip.int1_level(n * PERIOD_US) for n in (23, 24)] == [0, 1]
    chip.read(0x28, 6 * 24, 24 * PERIOD_US)
    assert chip.int1_level(24 * PERIOD_US) == 0


def test_a_lis2dw12_gives_left_justified_little_endian_samples_that_roll_over():
    chip = lis()
    samples = np.frombuffer(chip.read(0x28, 60, 10 * PERIOD_US), dtype="<i2").reshape(-1, 3)
    assert np.all(samples % 4 == 0)
    assert np.abs(samples[1:, 2] * 0.244 - 1000).max() < 12


@pytest.mark.parametrize(
    ("chip", "reg", "value"),
    [
        (Mpu6050, 0x23, 0x78),
        (Mpu6050, 0x38, 0x01),
        (Mpu6050, 0x6B, 0x20),
        (Lis2dw12, 0x20, 0x28),
        (Lis2dw12, 0x2E, 0x20),
    ],
)
def test_what_is_not_modelled_is_an_error(chip, reg, value):
    with pytest.raises(NotModelledError, match=f"0x{reg:02x}"):
        chip(Still()).write(reg, bytes((value,)), 0)


# faults, the same on every model


@pytest.mark.parametrize("imu", IMUS)
def test_a_front_end_is_spoilt_from_the_time_of_the_fault_on(imu):
    chip, _ = fit(imu, Still())
    inject(FaultKind.FROZEN_AXIS, chip, Bus({}), 1_000_000)
    counts = np.ones((4, 3))
    spoilt = chip.faults.spoil(counts, np.array([0, 999_999, 1_000_000, 2_000_000]))
    assert spoilt[:, 2].tolist() == [1, 1, 4000, 4000]
    assert (spoilt[:, :2] == 1).all()


def test_scale_and_rail_are_spoilt_likewise():
    times_us, counts = np.array([0, 10]), np.full((2, 3), 100.0)
    assert Faults(scale_from_us=5).spoil(counts.copy(), times_us)[:, 0].tolist() == [100, 200]
    assert Faults(rail_from_us=5, axis=1).spoil(counts.copy(), times_us)[1].tolist() == [100, 32767, 100]


def test_a_bus_fault_leaves_the_chip_alone():
    chip, address = fit("lis2dw12", Still())
    bus = Bus({address: chip})
    inject(FaultKind.NACK, chip, bus, 0)
    with pytest.raises(OSError, match="0x18"):
        bus.transfer(address, b"\x0f", 1, 0)
    bus.leave_unanswered(on=False)
    assert bus.transfer(address, b"\x0f", 1, 0) == b"\x44"
    assert chip.faults == Faults()


def test_a_flooded_fifo_is_full_and_says_so():
    for chip, status in ((mpu(), (0x3A, 0x10)), (lis(), (0x2F, 0xE0))):
        inject(FaultKind.FIFO_OVERRUN, chip, Bus({}), PERIOD_US)
        assert chip.read(status[0], 1, 2 * PERIOD_US)[0] == status[1]
