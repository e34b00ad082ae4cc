"""The samples of a cow, and the windows a collar makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from herdcore.records import WINDOW_BYTES
from simulator.herdfile import load_herd
from simulator.neck import voices
from simulator.neck.cellwave import CellWave, chew_line_hz
from simulator.recorded_windows import aligned_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELL_US, SAMPLE_US = 5_120_000, 80_000
FIRST = 9_000
HALF_CELL_US = CELL_US // 2
MODEL = load_herd()


class Cells(NamedTuple):
    gravity_mg: NDArray[np.float32]
    deviation_mg: NDArray[np.float32]
    difference_mg: NDArray[np.float32]
    bands: NDArray[np.float32]


class Look(NamedTuple):
    deviation_mg: tuple[float, float, float]
    ratio: tuple[float, float, float]  # difference / deviation
    bands: tuple[float, float]


GRAZE = Look((104, 119, 114), (1.14, 1.30, 1.00), (0.13, 0.31))
WALK = Look((80, 70, 64), (1.00, 0.96, 1.04), (0.15, 0.23))
STAND = Look((25, 25, 15), (1.14, 0.98, 1.05), (0.06, 0.25))
CHEW = Look((28, 22, 14), (1.26, 1.24, 1.26), (0.03, 0.66))
LOOKS = {"graze": GRAZE, "walk": WALK, "stand": STAND, "chew": CHEW}


def cells_of(look: Look, count: int, scatter: float = 0.25, gravity_sd_mg: float = 5.0) -> Cells:
    """Return `count` cells about a look: each quantity is drawn, its logarithm with an sd of `scatter`."""
    rng = np.random.default_rng(count)
    deviation = np.array(look.deviation_mg) * np.exp(rng.normal(0, scatter, (count, 3)))
    ratio = np.array(look.ratio) * np.exp(rng.normal(0, scatter / 4, (count, 3)))
    bands = np.array(look.bands) * np.exp(rng.normal(0, scatter / 4, (count, 2)))
    gravity = np.array((150.0, -300.0, -900.0)) + rng.normal(0, gravity_sd_mg, (count, 3))
    return Cells(*(values.astype(np.float32) for values in (gravity, deviation, deviation * ratio, bands)))


def joined(*parts: Cells) -> Cells:
    return Cells(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def wave_of(cells: Cells, seed: int = 1, first: int = FIRST, *, walks: bool = False) -> CellWave:
    return CellWave(MODEL, cells, first, (seed, 5), np.full(len(cells.bands), walks))


def times_us(
    cells: int, first: int = FIRST, every_us: int = SAMPLE_US, late_us: int = 0
) -> NDArray[np.int64]:
    return first * CELL_US + late_us + np.arange(cells * CELL_US // every_us, dtype=np.int64) * every_us


class Told(NamedTuple):
    """What windows tell; deviation and difference in mg, shares 0..1."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    difference: NDArray[np.float64]
    crossings: NDArray[np.float64]
    bands: NDArray[np.float64]


def told_of(samples_mg: NDArray[np.float64]) -> Told:
    """Return the features of (64 m, 3) samples with a sensor's noise, as the kernel has them but in full."""
    noise_mg = np.random.default_rng(4).normal(0, MODEL["voice"]["sensor_noise_mg"], samples_mg.shape)
    windows = (samples_mg + noise_mg).reshape(-1, 64, 3)
    mean = windows.mean(axis=1)
    moves = windows - mean[:, None]
    power = np.asarray((np.abs(np.fft.rfft(moves, axis=1)) ** 2).sum(axis=2), np.float64)
    power[:, -1] /= 2
    bands = np.stack((power[:, 6:9].sum(axis=1), power[:, 11:17].sum(axis=1)), axis=1)
    return Told(
        mean,
        np.abs(moves).mean(axis=1),
        np.abs(np.diff(windows, axis=1)).mean(axis=1),
        (np.diff(moves > 0, axis=1)).sum(axis=1).astype(float),
        bands / power[:, 1:].sum(axis=1, keepdims=True),
    )


def told_by_collar(samples_mg: NDArray[np.float64]) -> Told:
    """Return the features of what a chip, its driver and the kernel make of (64 m, 3) samples."""
    times_ms = np.arange(len(samples_mg), dtype=np.int64) * 80
    packed = b"".join(aligned_windows(times_ms, samples_mg, seed=3))
    rows = np.frombuffer(packed, np.uint8).reshape(-1, WINDOW_BYTES)
    logs = np.exp2((rows[:, 3:9] + 0.5) / 16) - 1
    mean = rows[:, :3].view(np.int8).astype(np.float64) * 16
    return Told(mean, logs[:, :3], logs[:, 3:], rows[:, 9:12].astype(float), rows[:, 12:14] / 255)


def middle(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(np.median(values, axis=0), np.float64)


def spread(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return log(p90 / p10) of every axis."""
    low, high = np.log(np.percentile(values, (10, 90), axis=0))
    return np.asarray(high - low, np.float64)


@pytest.mark.parametrize("name", LOOKS)
def test_windows_have_the_features_of_their_cells(name: str) -> None:
    cells = cells_of(LOOKS[name], 400)
    told = told_of(wave_of(cells, walks=name == "walk").at(times_us(400)))
    np.testing.assert_allclose(told.deviation, cells.deviation_mg, rtol=0.15, atol=0.5)
    np.testing.assert_allclose(middle(told.deviation / cells.deviation_mg), 1, atol=0.02)
    np.testing.assert_allclose(middle(told.difference / cells.difference_mg), 1, atol=0.05)
    np.testing.assert_allclose(middle(told.bands), middle(cells.bands), atol=0.015)
    np.testing.assert_allclose(told.mean, cells.gravity_mg, atol=0.1 * cells.deviation_mg.max())


@pytest.mark.parametrize("name", LOOKS)
def test_windows_that_begin_between_two_cells_have_their_features_too(name: str) -> None:
    cells = cells_of(LOOKS[name], 400, scatter=0.1)
    told = told_of(wave_of(cells, walks=name == "walk").at(times_us(399, late_us=HALF_CELL_US)))
    np.testing.assert_allclose(middle(told.deviation), middle(cells.deviation_mg), rtol=0.05)
    np.testing.assert_allclose(middle(told.difference), middle(cells.difference_mg), rtol=0.05)
    np.testing.assert_allclose(middle(told.bands), middle(cells.bands), atol=0.04)


@pytest.mark.parametrize("name", LOOKS)
def test_the_mean_is_crossed_as_often_as_the_differences_ask_for(name: str) -> None:
    look = LOOKS[name]
    told = told_of(wave_of(cells_of(look, 400)).at(times_us(400)))
    lag = 1 - np.array(look.ratio) ** 2 / 2  # Rice 1945: of a normal process
    np.testing.assert_allclose(middle(told.crossings), 63 * np.arccos(lag) / np.pi, atol=1.75)


def test_a_collar_tells_what_the_cells_say() -> None:
    cells = joined(*(cells_of(look, 20, scatter=0.15) for look in LOOKS.values()))
    told = told_by_collar(wave_of(cells).at(times_us(80)))
    for at in range(0, 80, 20):
        part = slice(at, at + 20)
        np.testing.assert_allclose(middle((told.deviation / cells.deviation_mg)[part]), 1, atol=0.05)
        np.testing.assert_allclose(middle((told.difference / cells.difference_mg)[part]), 1, atol=0.07)
        np.testing.assert_allclose(middle((told.mean - cells.gravity_mg)[part]), 0, atol=8)
    assert middle(told.bands[60:])[1] > 0.55 > middle(told.bands[:60])[1]


def test_the_noise_of_the_sensor_is_not_told_twice() -> None:
    cells = cells_of(Look((4.5, 4.5, 4), (1.2, 1.2, 1.2), (0.1, 0.3)), 40, scatter=0.1, gravity_sd_mg=1.0)
    told = told_by_collar(wave_of(cells).at(times_us(40)))
    np.testing.assert_allclose(middle(told.deviation / cells.deviation_mg), 1, atol=0.1)
    np.testing.assert_allclose(middle(told.difference / cells.difference_mg), 1, atol=0.1)


def test_strong_and_weak_windows_are_as_far_apart_as_the_cells() -> None:
    cells = cells_of(STAND, 600, scatter=0.5)
    told = told_of(wave_of(cells).at(times_us(600)))
    np.testing.assert_allclose(spread(told.deviation), spread(cells.deviation_mg), rtol=0.05)


def test_it_does_not_matter_how_the_samples_are_asked_for() -> None:
    wave = wave_of(cells_of(GRAZE, 12))
    times = times_us(12, every_us=38_461)
    whole = wave.at(times)
    some = [wave.at(part) for part in np.array_split(times, 31)]
    np.testing.assert_array_equal(np.concatenate(some), whole)
    np.testing.assert_array_equal(wave.at(times[40:41]), whole[40:41])
    assert wave.at(times[:0]).shape == (0, 3)


def test_a_seed_decides_everything() -> None:
    cells, times = cells_of(WALK, 6), times_us(6)
    first = wave_of(cells).at(times)
    np.testing.assert_array_equal(wave_of(cells).at(times), first)
    assert np.abs(wave_of(cells, seed=2).at(times) - first).mean() > 20


def test_her_voices_run_on_into_the_next_day() -> None:
    cells = cells_of(GRAZE, 40, scatter=0.0, gravity_sd_mg=0.0)
    today, tomorrow = wave_of(cells), wave_of(cells, first=FIRST + 30)
    times = times_us(4, first=FIRST + 33)
    close = np.abs(today.at(times) - tomorrow.at(times)).mean()
    assert close < 0.15 * np.mean(GRAZE.deviation_mg)


def test_samples_that_are_not_on_the_grid_lose_little() -> None:
    cells = cells_of(GRAZE, 200)
    wave = wave_of(cells)
    told = told_of(wave.at(times_us(200, late_us=9_999)))
    np.testing.assert_allclose(middle(told.difference / cells.difference_mg), 1, atol=0.06)


def test_a_quiet_cell_next_to_a_loud_one_does_not_click() -> None:
    quiet = Look((3, 3, 3), (1.1, 1.1, 1.1), (0.1, 0.3))
    cells = joined(cells_of(quiet, 10), cells_of(GRAZE, 10))
    fine = wave_of(cells).at(times_us(20, every_us=10_000))
    border = 10 * 512
    steps = np.abs(np.diff(fine, axis=0))
    assert steps[border - 20 : border + 20].max() < 1.2 * steps[border + 20 :].max()
    before = told_of(wave_of(cells).at(times_us(9)))
    np.testing.assert_allclose(before.deviation, cells.deviation_mg[:9], rtol=0.3)


def test_a_change_of_posture_is_made_where_she_moves() -> None:
    loud = cells_of(GRAZE, 1, gravity_sd_mg=0.0)
    quiet = cells_of(Look((3, 3, 3), (1.1, 1.1, 1.1), (0.1, 0.3)), 1, gravity_sd_mg=0.0)
    quiet.gravity_mg[:] += 200.0
    told = told_of(wave_of(joined(loud, quiet)).at(times_us(2)))
    np.testing.assert_allclose(told.mean[1], quiet.gravity_mg[0], atol=4)
    assert told.deviation[1].max() < 8


def test_a_cow_who_hardly_moves_keeps_her_posture() -> None:
    quiet = cells_of(Look((3, 3, 3), (1.1, 1.1, 1.1), (0.1, 0.3)), 60, gravity_sd_mg=40.0)
    told = told_of(wave_of(quiet).at(times_us(59, late_us=HALF_CELL_US)))
    np.testing.assert_allclose(middle(told.deviation), 3, rtol=0.2)
    np.testing.assert_allclose(middle(told.mean), middle(quiet.gravity_mg), atol=25)


def peak_hz(samples_mg: NDArray[np.float64], low_hz: float, high_hz: float) -> tuple[float, float]:
    """Return the strongest frequency of a band, and the share of its power within 0.1 Hz of it."""
    power = (np.abs(np.fft.rfft(samples_mg - samples_mg.mean(axis=0), axis=0)) ** 2).sum(axis=1)
    hz = np.fft.rfftfreq(len(samples_mg), SAMPLE_US / 1e6)
    within = (hz > low_hz) & (hz < high_hz)
    top = hz[within][np.argmax(power[within])]
    near = np.abs(hz - top) < 0.1
    return float(top), float(power[near].sum() / power[within].sum())


def test_chewing_is_one_line_that_goes_on_from_cell_to_cell() -> None:
    cells = cells_of(CHEW, 60, scatter=0.05)
    hz, share = peak_hz(wave_of(cells).at(times_us(60)), 2.0, 3.2)
    assert hz == pytest.approx(chew_line_hz(cells, 0.0, (1.1, 1.6)), abs=0.1)
    assert share > 0.6
    assert peak_hz(wave_of(cells_of(GRAZE, 60)).at(times_us(60)), 2.0, 3.2)[1] < 0.45


def test_the_differences_tell_how_fast_she_chews() -> None:
    def chewing(hz: float) -> Cells:
        ratio = np.sqrt(2 - 2 * np.cos(2 * np.pi * hz / 12.5))
        return cells_of(CHEW._replace(ratio=(ratio, ratio, ratio)), 60)

    for hz in (2.4, 2.74, 3.0):
        assert chew_line_hz(chewing(hz), 2.7, (1.1, 1.58)) == pytest.approx(hz, abs=0.06)
    assert chew_line_hz(chewing(1.0), 2.7, (1.1, 1.58)) == 2.2
    assert chew_line_hz(cells_of(GRAZE, 60), 2.7, (1.1, 1.58)) == 2.7


def test_walking_has_a_line_of_steps() -> None:
    walking = wave_of(cells_of(WALK, 60, scatter=0.05), walks=True).at(times_us(60))
    hz, share = peak_hz(walking, 1.66, 2.25)
    assert 1.75 <= hz <= 2.2
    assert share > 0.4


def test_what_does_not_move_stands_still() -> None:
    still = cells_of(Look((0, 0, 0), (0, 0, 0), (0, 0)), 5, gravity_sd_mg=0.0)
    samples = wave_of(still).at(times_us(5))
    assert np.ptp(samples, axis=0).max() < 0.01
    np.testing.assert_allclose(samples[0], still.gravity_mg[0], atol=0.01)


def test_before_the_first_and_after_the_last_cell_it_goes_on() -> None:
    cells = cells_of(GRAZE, 3, scatter=0.0)
    told = told_of(wave_of(cells).at(times_us(60, first=FIRST - 20)))
    assert told.deviation[:18].mean() == pytest.approx(np.mean(GRAZE.deviation_mg), rel=0.25)
    assert told.deviation[-18:].mean() == pytest.approx(np.mean(GRAZE.deviation_mg), rel=0.25)
    np.testing.assert_allclose(told.mean[0], cells.gravity_mg[0], atol=60)


def test_features_that_no_movement_has_still_give_the_deviation() -> None:
    odd = cells_of(Look((50, 50, 50), (3.0, 0.01, 1.0), (0.9, 0.9)), 60, scatter=0.0)
    told = told_of(wave_of(odd).at(times_us(60)))
    np.testing.assert_allclose(middle(told.deviation), 50, rtol=0.05)


def test_the_loops_close_and_keep_to_their_bands() -> None:
    noises = voices.noises(MODEL["voice"]["slopes"], MODEL["voice"]["swell"])
    lines = voices.lines(2.74, 1.95, 0.03)
    loops = np.concatenate((noises, lines), axis=1)
    assert loops.shape == (voices.POINTS + 1, voices.VOICES)
    np.testing.assert_array_equal(loops[0], loops[-1])
    np.testing.assert_allclose(loops.std(axis=0), 1, atol=0.01)
    steps = np.abs(np.diff(loops, axis=0))
    assert (steps[-1] < 5 * steps.mean(axis=0)).all()
    power = np.abs(np.fft.rfft(loops[:-1], axis=0)) ** 2
    hz = np.fft.rfftfreq(voices.POINTS, voices.STEP_US / 1e6)
    middles = (power * hz[:, None]).sum(axis=0) / power.sum(axis=0)
    np.testing.assert_allclose(middles, (0.25, 1.37, 1.86, 2.64, 4.1, 2.74, 1.95), atol=0.15)
