"""Windows out of drains: consecutive, dated, and honest about gaps."""

from __future__ import annotations

import numpy as np
import pytest

from collar.imu.lsm6dsox import Lsm6dsox
from collar.sampler import Sampler
from tests.collar.scene import TestBoard


class Ramp:
    """x tells the time: 1 mg per second."""

    def at(self, times_us):
        rows = np.zeros((len(times_us), 3))
        rows[:, 0] = times_us / 1e6
        return rows


class Rig:
    def __init__(self, **kwargs):
        self.board = TestBoard(Ramp(), **kwargs)
        self.imu = Lsm6dsox(self.board.i2c, self.board.pause_ms)
        self.imu.start()
        self.sampler = Sampler(self.imu, self.board.uptime_ms)

    def after(self, seconds):
        self.board.clock.advance_us(int(seconds * 1e6))
        return self.sampler.drain()

    def first_s(self):
        """When window 0 was really taken, by the ramp; the mean takes the noise out."""
        n = self.sampler.windows * 64
        return np.array(self.sampler.samples[: 3 * n]).reshape(-1, 3)[:, 0].mean() - (n - 1) * 0.04


@pytest.fixture
def rig():
    return Rig()


def test_nothing_comes_before_the_watermark(rig):
    assert rig.after(20) == 0
    assert rig.after(20) == 6  # the samples that had not settled are missing from the first seven


def test_a_steady_collar_gives_seven_windows_a_drain_without_a_gap(rig):
    rig.after(36)
    for _ in range(20):
        assert rig.after(35.84) == 7
        assert not rig.sampler.gap
    assert rig.sampler.fifo_gaps == 0


def test_the_first_windows_of_a_boot_follow_on_nothing(rig):
    rig.after(36)
    assert rig.sampler.gap
    assert rig.sampler.fifo_gaps == 0


def test_windows_are_dated_when_their_first_sample_was_taken(rig):
    for wait_s in (37, 35.84, 39, 34):
        rig.after(wait_s)
        assert abs(rig.sampler.first_ms / 1000 - rig.first_s()) < 0.8  # the ramp's noise is most of it


def test_windows_of_consecutive_drains_join_without_a_sample_between(rig):
    rig.after(36)
    for wait_s in (35.9, 36.5, 36):
        expected_ms = rig.sampler.first_ms + rig.sampler.windows * 5120
        rig.after(wait_s)
        assert abs(rig.sampler.first_ms - expected_ms) <= 80


def test_a_fast_oscillator_is_dated_by_its_trim():
    rig = Rig(ppm=30_000)
    rig.after(35)
    expected_ms = rig.sampler.first_ms + rig.sampler.windows * 64 * 80_000 / 1.03 / 1000
    rig.after(34.9)
    assert abs(rig.sampler.first_ms - expected_ms) <= 80


def test_an_overrun_is_a_gap_and_starts_with_whole_windows(rig):
    rig.after(36)
    assert rig.after(60) == 7
    assert rig.sampler.gap
    assert rig.sampler.fifo_gaps == 1
    assert abs(rig.sampler.first_ms / 1000 - (96 - 512 * 0.08)) < 0.3


def test_drains_after_a_gap_are_consecutive_again(rig):
    for wait_s in (36, 60, 31):
        rig.after(wait_s)
    assert not rig.sampler.gap


def test_a_restarted_chip_begins_anew_without_counting_a_lost_sample(rig):
    rig.after(36)
    rig.imu.start()
    rig.sampler.restart()
    assert rig.after(40) == 6
    assert rig.sampler.gap
    assert rig.sampler.fifo_gaps == 0


def test_what_does_not_fill_a_window_opens_the_next_drain(rig):
    rig.after(36)
    rest = rig.sampler._carry - 64 * rig.sampler.windows
    tail = rig.sampler.samples[3 * 64 * 6 : 3 * (64 * 6 + rest)]
    rig.after(36)
    assert rest > 0
    assert rig.sampler.samples[: 3 * rest] == tail


def test_the_buffer_is_the_same_for_every_drain(rig):
    before = rig.sampler.samples
    for _ in range(3):
        rig.after(36)
    assert rig.sampler.samples is before
    assert len(before) == 3 * 512
