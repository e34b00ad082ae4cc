"""Eight kinds of sensor fault on three chips: found, told in ten minutes, never taken for a still cow."""

from __future__ import annotations

import pytest

from collar.app import SLEEP, Collar
from collar.imu import watch
from collar.imu.base import SensorError
from herdcore import wire
from simulator.chips.faults import FaultKind, inject
from simulator.chips.fitted import IMUS
from simulator.chips.sampling import gaussian
from simulator.motion import Still
from tests.collar.scene import TestBoard

BITS = {
    FaultKind.NACK: watch.NO_ANSWER,
    FaultKind.STUCK_SDA: watch.BUS_STUCK,
    FaultKind.START_UP: watch.START_UP,
    FaultKind.SATURATION: watch.SATURATED,
    FaultKind.FROZEN_AXIS: watch.FROZEN,
    FaultKind.WRONG_SCALE: watch.SCALE,
    FaultKind.ODR_ERROR: watch.RATE,
    FaultKind.FIFO_OVERRUN: watch.OVERRUN,
}
# The kinds after which no window is to be believed.
LYING = (FaultKind.SATURATION, FaultKind.FROZEN_AXIS, FaultKind.WRONG_SCALE, FaultKind.ODR_ERROR)
FAULT_S = 1000


class Grazing:
    """A cow that moves all the time: gravity and 80 mg of noise, or with `mg`=0 one that does not."""

    def __init__(self, mg=80.0):
        self.mg = mg

    def at(self, times_us):
        return Still(300, -200, 900).at(times_us) + self.mg * gaussian(1, times_us)


def until(collar, seconds):
    while collar.board.uptime_ms() < 1000 * seconds or collar.state != SLEEP:
        collar.step()
    return collar


def health_of(board):
    return [wire.unpack_health(frame.records) for frame in board.relay.frames if frame.kind == 0x14]


def kinds_of(board):
    told = 0
    for health in health_of(board):
        told |= health.sensor_faults >> 8
    return told


def windows_after(board, seconds):
    return [
        window
        for frame in board.relay.frames
        if frame.kind == 0x11 and frame.up_s >= seconds
        for window in wire.unpack_windows(frame.records)
    ]


def broken(imu, kind):
    """Return a collar with a fault that began at FAULT_S, or with garbage at the chip's start."""
    board = TestBoard(Grazing(), imu=imu)
    collar = Collar(board)
    if kind is FaultKind.START_UP:
        inject(kind, board.chip, board.bus, 0)
        return board, collar
    until(collar, FAULT_S)
    inject(kind, board.chip, board.bus, board.clock.now_us)
    return board, collar


@pytest.mark.parametrize("imu", IMUS)
@pytest.mark.parametrize("kind", FaultKind)
def test_a_fault_is_told_within_ten_minutes_by_its_kind(imu, kind):
    board, collar = broken(imu, kind)
    until(collar, (0 if kind is FaultKind.START_UP else FAULT_S) + 600)
    assert kinds_of(board) & BITS[kind]


@pytest.mark.parametrize("imu", IMUS)
@pytest.mark.parametrize("kind", LYING)
def test_no_window_comes_from_a_chip_that_is_known_to_lie(imu, kind):
    board, collar = broken(imu, kind)
    until(collar, FAULT_S + 7200)
    assert windows_after(board, FAULT_S + 120) == []
    assert board.relay.requests > 5
    assert collar.armed


@pytest.mark.parametrize("imu", IMUS)
@pytest.mark.parametrize("kind", FaultKind)
def test_no_fault_makes_a_moving_cow_look_still(imu, kind):
    board, collar = broken(imu, kind)
    until(collar, FAULT_S + 7200)
    still = [w for w in windows_after(board, 0) if max(w.mad_x_log, w.mad_y_log, w.mad_z_log) < 64]  # 15 mg
    assert still == []


@pytest.mark.parametrize("imu", IMUS)
@pytest.mark.parametrize("mg", [0.0, 80.0, 1500.0])
def test_a_sound_chip_has_no_faults_whatever_the_cow_does(imu, mg):
    board = TestBoard(Grazing(mg), imu=imu)
    until(Collar(board), 7200)
    by_alarm = not mg  # the collar's own, after an hour without movement
    assert (kinds_of(board), len(health_of(board))) == (0, 1 + by_alarm)
    assert len(windows_after(board, 0)) * 5.12 > 7200 - 960


@pytest.mark.parametrize("imu", IMUS)
@pytest.mark.parametrize("kind", [FaultKind.STUCK_SDA, FaultKind.FIFO_OVERRUN, FaultKind.START_UP])
def test_what_can_be_mended_is_and_windows_come_again(imu, kind):
    board, collar = broken(imu, kind)
    until(collar, FAULT_S + 3600)
    assert len(windows_after(board, FAULT_S + 60)) > 300


def test_a_chip_that_lost_its_range_is_set_up_anew_and_believed_again():
    board = TestBoard(Grazing(), imu="mpu6050")
    collar = until(Collar(board), FAULT_S)
    board.bus.writeto(0x68, bytes((0x1C, 0x18)))  # a brown-out: +-16 g, so everything reads half
    until(collar, FAULT_S + 3600)
    assert kinds_of(board) & watch.SCALE
    assert board.chip.read(0x1C, 1, board.clock.now_us) == b"\x10"
    assert len(windows_after(board, FAULT_S + 180)) > 300


def test_a_lasting_fault_is_told_with_every_upload_and_the_chip_started_anew_every_hour():
    board, collar = broken("lsm6dsox", FaultKind.FROZEN_AXIS)
    until(collar, FAULT_S + 5 * 3600)
    assert 18 <= len(health_of(board)) <= 22
    assert all(health.sensor_faults >> 8 == watch.FROZEN for health in health_of(board)[1:])
    assert 4 <= collar.kept["sensor_faults"] <= 7


def test_a_fault_out_of_reach_of_the_relay_is_told_when_it_is_back():
    board, collar = broken("lsm6dsox", FaultKind.FROZEN_AXIS)
    board.wlan.reachable = False
    until(collar, FAULT_S + 4000)
    board.wlan.reachable = True
    until(collar, FAULT_S + 8000)
    assert kinds_of(board) == watch.FROZEN


@pytest.mark.parametrize("imu", IMUS)
def test_a_health_record_names_the_chip(imu):
    board = TestBoard(Grazing(), imu=imu)
    until(Collar(board), 2000)
    assert health_of(board)[0].imu_chip == 1 + IMUS.index(imu)


# what a deep sleep keeps


def window_of(mean_16mg, motion=40):
    """A packed window; an axis without motion stands still."""
    return bytes((0, 0, mean_16mg, *(motion,) * 9, 60, 40))


def slept(before):
    """Return the watch that wakes up after a deep sleep of `before`."""
    after = watch.Watch()
    raw = before.state()
    assert len(raw) == 6
    after.restore(raw)
    return after


@pytest.mark.parametrize(("window", "kind"), [(window_of(20), watch.SCALE), (window_of(63, 0), watch.FROZEN)])
def test_a_fault_is_found_as_soon_although_every_window_is_followed_by_a_deep_sleep(window, kind):
    awake, sleeper, ran = watch.Watch(), watch.Watch(), []
    for run in range(1, 1500):
        told = []
        for one in (awake, sleeper):
            try:
                told.append(one.judge(window, 1, is_off_rate=False))
            except SensorError as error:
                told.append(str(error))
        assert told[0] == told[1]
        ran += [run] if isinstance(told[0], str) else []
        sleeper = slept(sleeper)
    assert len(ran) == 3  # at once, after an hour, after two
    assert (awake.kinds, sleeper.kinds) == (kind, kind)


def test_kinds_and_what_was_told_of_them_outlast_a_deep_sleep():
    before = watch.Watch()
    before.found(watch.NO_ANSWER | watch.OVERRUN)
    before.told = watch.NO_ANSWER
    after = slept(before)
    assert (after.take(), after.told) == (watch.NO_ANSWER | watch.OVERRUN, watch.NO_ANSWER)


def test_zeros_restore_a_new_watch():
    made = watch.Watch()
    made.restore(bytes(6))
    assert vars(made) == vars(watch.Watch())
