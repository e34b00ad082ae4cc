"""What a window's bytes say, in mg and shares: windows are made by the collar's own kernel."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from herdcore.features import log_mg, window_into
from relay.behaviour.described import describe


def one(samples):
    """The window of samples (64, 3) in mg."""
    out = bytearray(14)
    window_into(array("h", np.rint(samples).astype(np.int16).ravel().tolist()), 0, out, 0)
    return np.frombuffer(bytes(out), dtype=np.uint8)[None]


def test_a_still_window_is_gravity_and_nothing_else():
    told = describe(one(np.tile((160, -320, -960), (64, 1))))
    assert told.gravity_mg.tolist() == [[160, -320, -960]]
    assert not told.deviation_mg.any()
    assert not told.difference_mg.any()
    assert not told.crossings.any()
    assert not told.bands.any()


def test_a_square_wave_has_its_amplitude_and_its_crossings():
    wave = np.zeros((64, 3))
    wave[:, 1] = np.where(np.arange(64) % 8 < 4, 200, -200)
    told = describe(one(wave))
    assert told.deviation_mg[0] == pytest.approx((0, 200, 0), rel=0.045)  # a code's step is 4.4 %
    assert told.difference_mg[0, 1] == pytest.approx(15 * 400 / 63, rel=0.045)
    assert told.crossings[0].tolist() == [0, 15, 0]
    assert told.bands[0, 0] > 0.7  # 12.5 Hz / 8 = 1.56 Hz


@given(st.integers(0, 255))
def test_a_code_stands_for_its_lower_edge(code):
    records = np.full((1, 14), code, dtype=np.uint8)
    assert describe(records).deviation_mg[0, 0] == pytest.approx(log_mg(code), abs=1.0)


def test_shares_are_parts_of_one():
    assert describe(np.full((1, 14), 255, dtype=np.uint8)).bands.tolist() == [[1.0, 1.0]]


def test_some_of_the_windows_keep_all_that_is_said_of_them():
    records = np.arange(70, dtype=np.uint8).reshape(5, 14)
    told, some = describe(records), describe(records)[np.array([True, False, True, False, False])]
    assert len(some) == 2
    assert some.difference_mg is not None
    assert np.array_equal(some.gravity_mg, told.gravity_mg[[0, 2]])
    assert np.array_equal(some.bands, told.bands[[0, 2]])


def test_no_windows_say_nothing():
    assert len(describe(np.empty((0, 14), dtype=np.uint8))) == 0
