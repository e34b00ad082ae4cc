"""Windows that no cow can have made."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

from herdcore.features import window_into
from relay.behaviour.unknown import is_unknown
from tests.relay import cow_windows as cow

RANDOM = np.random.default_rng(9)


def doubted(samples):
    """Whether the window of samples (64, 3) in mg is doubted."""
    out = bytearray(14)
    flat = np.clip(np.rint(samples), -32768, 32767).astype(np.int16).ravel()
    window_into(array("h", flat.tolist()), 0, out, 0)
    return bool(is_unknown(np.frombuffer(bytes(out), dtype=np.uint8)[None])[0])


def resting(g=1.0, noise_mg=8.0, direction=(0.1, 0.2, -0.97)):
    gravity = 1000 * np.array(direction) / np.linalg.norm(direction)
    return g * (gravity + RANDOM.normal(0.0, noise_mg, (64, 3)))


def test_a_sensor_that_repeats_one_reading_is_frozen():
    assert doubted(np.tile((100, 200, -970), (64, 1)))


def test_a_sensor_that_lies_still_has_its_own_noise_and_is_not_frozen():
    assert not doubted(resting(noise_mg=1.8))


@pytest.mark.parametrize("reading", [2100, -2100, 32767])
def test_a_mean_at_the_end_of_its_scale_is_saturated(reading):
    samples = resting()
    samples[:, 1] = reading
    assert doubted(samples)


def test_a_motion_beyond_its_scale_is_saturated():
    record = cow.records([cow.GRAZING])
    record[0, 7] = 255
    assert is_unknown(record).all()


@pytest.mark.parametrize("direction", [(0.1, 0.2, -0.97), (1, 1, 1), (1, 0, 0), (-0.6, 0.6, 0.5)])
@pytest.mark.parametrize(
    ("g", "is_doubted"), [(7.0, True), (1.4, True), (1.12, False), (1.0, False), (0.9, False), (0.5, True)]
)
def test_a_still_window_has_the_length_of_1_g(g, is_doubted, direction):
    assert doubted(resting(g, direction=direction)) == is_doubted


def test_a_cow_that_throws_her_head_about_may_have_a_short_mean():
    swing = 1.4 * np.sin(np.arange(64) / 2)
    samples = 1000 * np.stack((np.sin(swing), np.zeros(64), -np.cos(swing)), axis=1)
    assert np.linalg.norm(samples.mean(axis=0)) < 700
    assert not doubted(samples)


def test_what_a_cow_does_in_a_day_is_never_doubted():
    assert not is_unknown(cow.records(cow.day(5000))).any()


def test_no_windows_are_not_doubted():
    assert is_unknown(np.empty((0, 14), dtype=np.uint8)).shape == (0,)
