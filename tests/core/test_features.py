"""The window kernel against numpy: a spectrum by FFT, the rest by its definition."""

from __future__ import annotations

from array import array
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from herdcore import features, wire
from tests.core.strategies import examples

BINS_HZ = np.fft.rfftfreq(64, 1 / 12.5)
LOW = (BINS_HZ >= 1.0) & (BINS_HZ <= 1.6)
HIGH = (BINS_HZ >= 2.0) & (BINS_HZ <= 3.2)
SHARE_TOLERANCE = 1.0  # in 255ths, rounding to a whole one included


def window(samples):
    """Return the kernel's Window of a (64, 3) array of mg."""
    out = bytearray(14)
    features.window_into(array("h", np.asarray(samples, dtype=np.int16).tobytes()), 0, out, 0)
    return wire.unpack_windows(out)[0]


def log_code(mg):
    return max(code for code in range(256) if (1 + mg) ** 16 >= 2**code)


def expected(samples):
    """Return the first 12 values of a window by their definitions, one axis after the other, exactly."""
    columns = []
    for axis in np.asarray(samples, dtype=np.int64).T.tolist():
        mean = round_half_up(Fraction(sum(axis), 64))
        columns.append(
            (
                min(max(round_half_up(Fraction(sum(axis), 64 * 16)), -128), 127),
                log_code(round_half_up(Fraction(sum(abs(v - mean) for v in axis), 64))),
                log_code(round_half_up(Fraction(sum(abs(b - a) for a, b in pairwise(axis)), 63))),
                sum((a > mean) != (b > mean) for a, b in pairwise(axis)),
            )
        )
    return [column[row] for row in range(4) for column in columns]


def round_half_up(value):
    return int((value + Fraction(1, 2)) // 1)


def shares(samples):
    """Return the two shares in 255ths by floating-point FFT."""
    moving = samples - np.mean(samples, axis=0)
    power = (np.abs(np.fft.rfft(moving, axis=0)) ** 2).sum(axis=1)
    total = 32 * (moving**2).sum()  # Parseval: both halves of the spectrum are 64 times the sum of squares
    return (255 * power[LOW].sum() / total, 255 * power[HIGH].sum() / total) if total else (0.0, 0.0)


def assert_as_defined(samples):
    found = window(samples)
    assert list(found[:12]) == expected(samples)
    low, high = shares(np.asarray(samples, dtype=float))
    assert abs(found.chew_low_255 - low) <= SHARE_TOLERANCE
    assert abs(found.chew_high_255 - high) <= SHARE_TOLERANCE


def tone(hz, amplitude_mg, phase=0.0):
    return np.rint(amplitude_mg * np.sin(2 * np.pi * hz * np.arange(64) / 12.5 + phase))


def on_axes(x=0, y=0, z=0):
    return np.stack([np.broadcast_to(axis, 64) for axis in (x, y, z)], axis=1)


def made_up(kind, amplitude_mg, rng):
    if kind == "noise":
        return rng.normal(0, amplitude_mg, (64, 3))
    if kind == "tone":
        return np.outer(tone(rng.uniform(0.1, 6.0), amplitude_mg, rng.uniform(0, 6)), rng.normal(size=3))
    if kind == "walk":
        return np.cumsum(rng.normal(0, amplitude_mg / 4, (64, 3)), axis=0)
    if kind == "knock":
        return amplitude_mg * (np.arange(192).reshape(64, 3) == rng.integers(192))
    return amplitude_mg * rng.choice([-1, 1], (64, 3))


@pytest.mark.parametrize("kind", ["noise", "tone", "walk", "knock", "slam"])
@pytest.mark.parametrize("amplitude_mg", [2, 30, 300, 3_000, 30_000])
def test_every_value_is_as_defined_from_a_whisper_to_full_scale(kind, amplitude_mg):
    rng = np.random.default_rng(amplitude_mg)
    for _ in range(12):
        gravity = rng.normal(0, 600, 3)
        assert_as_defined(
            np.clip(np.rint(made_up(kind, amplitude_mg, rng) + gravity), -32768, 32767).astype(int)
        )


@examples(60)
@given(
    st.lists(
        st.sampled_from([-32768, 32767, 0, -1, 1, 1000]) | st.integers(-32768, 32767),
        min_size=192,
        max_size=192,
    )
)
def test_every_value_is_as_defined_for_samples_nobody_thought_of(samples):
    assert_as_defined(np.array(samples).reshape(64, 3))


def test_the_bands_hold_the_bins_whose_centres_they_hold():
    assert np.flatnonzero(LOW).tolist() == [6, 7, 8]
    assert np.flatnonzero(HIGH).tolist() == [11, 12, 13, 14, 15, 16]


@pytest.mark.parametrize("bin_number", range(1, 32))
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_a_tone_counts_in_its_own_band_only(bin_number, axis):
    found = window(on_axes(**{axis: tone(BINS_HZ[bin_number], 400, 0.4)}))
    assert (found.chew_low_255, found.chew_high_255) == (255 * LOW[bin_number], 255 * HIGH[bin_number])


def test_shares_do_not_depend_on_how_the_collar_sits():
    rng = np.random.default_rng(5)
    for _ in range(20):
        moving = np.outer(tone(1.3, 60) + tone(2.6, 40), rng.normal(size=3)) + rng.normal(0, 20, (64, 3))
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        upright, turned = window(np.rint(moving)), window(np.rint(moving @ turn + [0, 300, 900]))
        # Not 1: samples are rounded to mg after the turn.
        assert abs(upright.chew_low_255 - turned.chew_low_255) <= 3
        assert abs(upright.chew_high_255 - turned.chew_high_255) <= 3


@pytest.mark.parametrize("level_mg", [-32768, -1000, 0, 1, 32767])
def test_a_window_in_which_nothing_moves_is_its_mean_and_zeros(level_mg):
    mean = min(max((level_mg + 8) // 16, -128), 127)
    assert list(window(on_axes(level_mg, level_mg, level_mg))) == [mean] * 3 + [0] * 11


@pytest.mark.parametrize(("period", "crossings"), [(1, 63), (2, 31), (4, 15), (32, 1)])
def test_a_full_scale_square_wave_has_its_amplitude_and_its_crossings(period, crossings):
    wave = np.where(np.arange(64) // period % 2, -32767, 32767)
    found = window(on_axes(wave, -wave, wave))
    assert found[3:6] == (log_code(32767),) * 3
    assert found[6:9] == (min(log_code(round(65534 * crossings / 63)), 255),) * 3
    assert found[9:12] == (crossings,) * 3


def test_a_window_is_read_and_written_where_it_is_asked_for():
    samples = array("h", [(i * 7919) % 4001 - 2000 for i in range(3 * 70)])
    out = bytearray(b"\xaa" * 44)
    features.window_into(samples, 5, out, 16)
    alone = bytearray(14)
    features.window_into(samples[15 : 15 + 192], 0, alone, 0)
    assert out == b"\xaa" * 16 + alone + b"\xaa" * 14


def test_the_samples_are_not_changed():
    samples = array("h", range(-96, 96))
    features.window_into(samples, 0, bytearray(14), 0)
    assert samples == array("h", range(-96, 96))


def test_one_window_leaves_nothing_behind_for_the_next():
    chewing, still = on_axes(tone(1.3, 80)), on_axes(5, 6, 7)
    before = window(chewing)
    assert list(window(still)[3:]) == [0] * 11
    assert window(chewing) == before


@pytest.mark.parametrize("start", [-1, 7, 1_000])
def test_a_window_beyond_the_samples_is_refused(start):
    with pytest.raises(ValueError, match=f"window at triple {start} of 70"):
        features.window_into(array("h", [0] * 210), start, bytearray(14), 0)


@pytest.mark.parametrize("at", [-1, 3, 100])
def test_a_record_beyond_its_buffer_is_refused_before_anything_is_written(at):
    out = bytearray(16)
    with pytest.raises(ValueError, match=f"14 bytes at {at} of 16"):
        features.window_into(array("h", [1000] * 192), 0, out, at)
    assert out == bytes(16)


def test_log_codes_are_the_floor_of_16_log2_for_every_mg():
    found = [features.log_code(mg) for mg in range(65536)]
    edges = [features.log_mg(code) for code in range(256)]
    assert all((1 + mg) ** 16 >= 2**code > mg**16 for code, mg in enumerate(edges))
    wanted = np.searchsorted(edges, np.arange(65536), side="right") - 1
    assert found == wanted.tolist()


def test_log_codes_of_impossible_values_are_the_nearest_possible_ones():
    assert (features.log_code(-1), features.log_code(1 << 20)) == (0, 255)
