"""One set of cases for every accelerometer driver: what a chip holds comes out in mg, and gaps are told.

The cases of cases_drivers.py run on the models, or with `--port=/dev/ttyACM0` on the board there. The others
set a motion, the clock or a fault, which only a model takes.
"""

from __future__ import annotations

import errno
import subprocess
import sys
from array import array
from pathlib import Path

import numpy as np
import pytest

from collar.imu.base import SensorError
from collar.imu.find import find
from collar.imu.lis2dw12 import Lis2dw12
from collar.imu.lsm6dsox import Lsm6dsox
from collar.imu.mpu6050 import Mpu6050
from collar.imu.spi import SpiBus
from collar.sampler import Sampler
from simulator.chips.faults import FaultKind, Faults, inject
from simulator.chips.fitted import fit
from simulator.clock import VirtualClock
from simulator.i2c import Bus
from simulator.motion import Still
from simulator.spi import Spi
from tests.collar.cases_drivers import CASES

DRIVERS = {"lsm6dsox": Lsm6dsox, "mpu6050": Mpu6050, "lis2dw12": Lis2dw12}
CHIPS = {
    "lsm6dsox-i2c": ("lsm6dsox", False),
    "lsm6dsox-spi": ("lsm6dsox", True),
    "mpu6050": ("mpu6050", False),
    "lis2dw12": ("lis2dw12", False),
}
PERIOD_US = 80_000
ON_BOARD = Path(__file__).with_name("cases_drivers.py")
GO = "import time, machine; time.sleep_ms(100); machine.deepsleep(10)"  # the collar goes on after the cases


class Ramp:
    """x tells the time: 1 mg per second."""

    def at(self, times_us):
        rows = np.zeros((len(times_us), 3))
        rows[:, 0], rows[:, 2] = times_us / 1e6, 1000
        return rows


class Rig:
    """A driver on a bus with one chip."""

    def __init__(self, name, motion=None, *, ppm=0, second=False, spi=False):
        self.clock = VirtualClock()
        self.chip, address = fit(name, motion or Still(100, -200, 960), odr_error_ppm=ppm)
        self.i2c = Bus({address + second: self.chip}, self.clock)
        spi_bus = Spi(self.chip, self.clock)
        self.bus = SpiBus(spi_bus, spi_bus.select) if spi else self.i2c
        self.imu = DRIVERS[name](self.bus, self.pause_ms, address + second)
        self.out = array("h", bytes(6 * self.imu.watermark))

    def pause_ms(self, ms):
        self.clock.advance_us(1000 * ms)

    wait_ms = pause_ms

    def now_ms(self):
        return self.clock.now_us // 1000

    def line(self):
        return self.chip.int1_level(self.clock.now_us)

    def after(self, samples):
        """Let that many samples come."""
        self.clock.advance_us(samples * PERIOD_US)
        return self

    def started(self):
        self.imu.start()
        return self

    def drained(self, n=None):
        """Drain and return (n, 3) mg."""
        written = self.imu.drain_into(self.out, 0, n or self.imu.watermark)
        return np.array(self.out).reshape(-1, 3)[:written]


def pytest_generate_tests(metafunc):
    """With --port the cases run on the board at it, else on each model."""
    if "place" in metafunc.fixturenames:
        metafunc.parametrize("place", ["board"] if metafunc.config.getoption("port") else CHIPS)


@pytest.fixture(autouse=True)
def _models_only(request):
    if request.config.getoption("port") and "place" not in request.fixturenames:
        pytest.skip("sets a motion, the clock or a fault: on the models only")


@pytest.fixture(params=CHIPS)
def rig(request):
    name, spi = CHIPS[request.param]
    return Rig(name, spi=spi)


@pytest.fixture(params=DRIVERS)
def name(request):
    return request.param


@pytest.fixture(scope="session")
def board_said(request):
    """What the board at --port said of each case, by number; it runs them all when the first is asked for."""
    command = [sys.executable, "-m", "mpremote", "connect", request.config.getoption("port")]
    command += ["run", str(ON_BOARD), "+", "exec", "--no-follow", GO]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    said = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    lines = {int(words[1]): words for words in said if words[:1] in (["ok"], ["FAIL"])}
    assert len(lines) == len(CASES), done.stdout + done.stderr
    return lines


# the same on the models and on a board


@pytest.mark.timeout(660)  # a real FIFO takes its time to fill
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_driver_and_its_chip(case, place, request):
    if place == "board":
        verdict, _, seen = request.getfixturevalue("board_said")[CASES.index(case)]
        assert verdict == "ok", seen
    else:
        name, spi = CHIPS[place]
        assert case(Rig(name, spi=spi))


# finding it


def test_a_chip_is_found_at_both_of_its_addresses_with_one_buffer_for_all(name):
    for second in (False, True):
        made = Rig(name, second=second)
        buffer = bytearray(3136)
        imu = find(made.bus, made.pause_ms, buffer)
        assert (type(imu), imu.raw is buffer) == (DRIVERS[name], True)
        imu.start()


def test_an_empty_bus_is_no_sensor():
    with pytest.raises(OSError, match="0x19") as caught:
        find(Bus({}, VirtualClock()), None, bytearray(3136))
    assert caught.value.errno == errno.ENODEV


def test_a_known_chip_is_the_only_one_that_is_asked_for(name):
    made = Rig(name)
    known = {"lsm6dsox": 2, "mpu6050": 3, "lis2dw12": 1}[name]  # another
    with pytest.raises(OSError, match="no I2C device"):
        find(made.bus, made.pause_ms, bytearray(3136), known)


def test_an_spi_bus_without_a_chip_is_refused_by_its_id():
    spi = Spi(None, VirtualClock())
    with pytest.raises(SensorError, match="id 0xff, want 0x6c"):
        Lsm6dsox(SpiBus(spi, spi.select), None).probe()


def test_another_chip_at_the_address_is_refused_by_name(name):
    made = Rig(name)
    made.i2c.flip_bit(1, 0)
    with pytest.raises(SensorError, match=f"{made.imu.name} at 0x"):
        made.imu.probe()


# samples


def test_a_still_collar_reads_gravity_in_mg(rig):
    rig.started().after(rig.imu.watermark + 4)
    assert rig.imu.count() >= rig.imu.watermark
    samples = rig.drained()
    assert len(samples) >= rig.imu.watermark - 4
    assert np.abs(samples.mean(axis=0) - [100, -200, 960]).max() < 3
    assert np.abs(samples - [100, -200, 960]).max() < 20


@pytest.mark.parametrize("mg", [-7900, -1000, 0, 999, 7900])
def test_milligrams_are_right_over_the_whole_range(name, mg):
    made = Rig(name, Still(mg, 0, 500)).started().after(100)
    made.imu.count()
    made.drained(4)
    assert abs(made.drained(8)[:, 0].mean() - mg) < 6


def test_a_drain_is_one_burst_and_leaves_the_rest(rig):
    rig.started().after(rig.imu.watermark + 4)
    held = rig.imu.count()
    bus = rig.i2c if rig.bus is rig.i2c else rig.bus._spi
    before = bus.transfers
    rig.drained()
    assert bus.transfers == before + 1
    assert rig.imu.count() - (held - rig.imu.watermark) in (0, 1)


def test_the_fifo_holds_what_the_driver_says_it_does(rig):
    rig.started().after(rig.imu.depth - 2)
    assert rig.imu.count() == pytest.approx(rig.imu.depth - 2, abs=2)
    assert not rig.imu.flags()


def test_an_overrun_mpu6050_that_is_read_all_the_same_gives_torn_samples():
    made = Rig("mpu6050").started().after(200)
    assert np.abs(made.drained()[5:] - [100, -200, 960]).max() > 100


def test_the_timer_wakes_before_the_fifo_is_full_even_with_an_oscillator_that_is_fast(rig):
    assert rig.imu.watermark < rig.imu.wake_at
    assert rig.imu.wake_at * 1.1 < rig.imu.depth


def test_start_forgets_what_an_earlier_program_left(rig):
    rig.started().after(rig.imu.depth)
    rig.started()
    assert rig.imu.count() <= 1


def test_garbage_after_the_start_is_dropped_and_counted(name):
    made = Rig(name)
    inject(FaultKind.START_UP, made.chip, made.i2c, 0)
    made.started().after(made.imu.depth - 4)
    samples = []
    while made.imu.count() >= made.imu.watermark:
        samples.append(made.drained().copy())
    made.after(made.imu.watermark)
    samples.append(made.drained().copy())
    assert 24 <= made.imu.unsettled <= 27
    assert np.abs(np.concatenate(samples) - [100, -200, 960]).max() < 20


def test_a_reset_that_never_ends_is_given_up(name):
    class Frozen(VirtualClock):
        def advance_us(self, step_us):
            """No time passes, so the chip stays in reset."""

    made = Rig(name)
    bus = Bus(made.i2c.chips, Frozen())
    with pytest.raises(SensorError, match="reset not done after"):
        DRIVERS[name](bus, lambda _ms: None).start()


# windows


def drains(made, sampler, seconds):
    """Yield after every drain, woken by the line or the timer as a collar is."""
    sampler.restart()
    until_us = made.clock.now_us + seconds * 1_000_000
    while made.clock.now_us < until_us:
        now_us = made.clock.now_us
        timer_us = now_us + max(0, made.imu.wake_at - sampler.left) * made.imu.period_us
        made.clock.advance_to_us(min(timer_us, made.chip.next_int1_us(now_us) or timer_us))
        sampler.drain()
        yield


@pytest.mark.parametrize("ppm", [-30_000, 0, 30_000])
def test_every_chip_gives_windows_that_join_without_a_gap_however_many_drains_they_take(name, ppm):
    made = Rig(name, Ramp(), ppm=ppm).started()
    sampler = Sampler(made.imu, lambda: made.clock.now_us // 1000)
    windows, gaps, errors_s = 0, 0, []
    for _ in drains(made, sampler, 600):
        if sampler.windows:
            windows += sampler.windows
            gaps += sampler.gap
            n = 64 * sampler.windows
            middle_s = np.array(sampler.samples[: 3 * n]).reshape(-1, 3)[:, 0].mean()
            errors_s.append(sampler.first_ms / 1000 + (n - 1) * 0.04 / (1 + ppm / 1e6) - middle_s)
    assert windows * 5.12 / (1 + ppm / 1e6) > 600 - 50
    assert (gaps, sampler.fifo_gaps, sampler.is_off_rate) == (1, 0, False)
    assert np.abs(errors_s).max() < 1.6  # the ramp's noise and rounding are most of it


@pytest.mark.parametrize("ppm", [-30_000, 0, 30_000])
def test_an_lsm6dsox_of_13_hz_is_believed_and_its_windows_join(ppm):
    """AN5272, section 6.4: rate = 6667 Hz / 512 at the setting that is called 12.5 Hz, 4.2 % more."""
    made = Rig("lsm6dsox", Ramp(), ppm=ppm)
    made.clock.advance_us(10_000_000)  # a sample is never dated before the boot
    made.chip.set_faults(Faults(odr_ppm=41_719), made.clock.now_us)
    made.started()
    sampler = Sampler(made.imu, made.now_ms)
    gaps = sum(sampler.gap for _ in drains(made, sampler, 600) if sampler.windows)
    assert (gaps, sampler.fifo_gaps, sampler.is_off_rate) == (1, 0, False)


def test_an_overrun_between_two_drains_of_a_window_is_a_gap_of_that_window():
    made = Rig("lis2dw12").started()
    sampler = Sampler(made.imu, lambda: made.clock.now_us // 1000)
    sampler.restart()
    seen = []
    for samples in (24,) * 6 + (60,) + (24,) * 6:
        made.after(samples)
        if sampler.drain():
            seen.append(sampler.gap)
    assert seen == [True, False, True, False]
    assert sampler.fifo_gaps == 1


@pytest.mark.parametrize("ppm", [-200_000, 200_000])
def test_a_rate_that_the_trim_does_not_tell_is_noticed(name, ppm):
    made = Rig(name)
    made.chip.set_faults(Faults(odr_ppm=ppm), 0)
    made.started()
    sampler = Sampler(made.imu, lambda: made.clock.now_us // 1000)
    for _ in drains(made, sampler, 200):
        pass
    assert sampler.is_off_rate
