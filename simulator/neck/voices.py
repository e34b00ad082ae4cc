"""Long loops of movement, each in a band of its own, of which the samples of all cows are mixed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from herdcore.vocabulary import WINDOW_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Noise below, in and between the two bands that a window tells, and above them; then two lines.
SLOW, LOW, MID, CHEW, HIGH, CHEW_LINE, STEP_LINE = range(7)
NOISES, VOICES = 5, 7

STEP_US = 20_000  # 50 Hz: straight lines between points lose less than 5 % at 6 Hz
CELL_POINTS = 1000 * WINDOW_MS // STEP_US
CELLS = 512  # a loop lasts 44 minutes; every cow and axis begins somewhere else in it
POINTS = CELLS * CELL_POINTS

# A window's bins lie 0.1953 Hz apart; its bands are bins 6 to 8 and 11 to 16.
_EDGES_HZ = (0.08, 1.074, 1.660, 2.051, 3.223, 5.6)
_HZ = np.arange(POINTS // 2 + 1) * (1e6 / STEP_US / POINTS)
_SWELL_HZ = (0.05, 0.4)
_DRIFT_HZ = (0.005, 0.1)  # how fast the frequency of a line changes


@lru_cache(maxsize=4)
def noises(slopes: tuple[float, ...], swell: float) -> NDArray[np.float32]:
    """Return (POINTS + 1, NOISES), unit variance, that close into loops.

    slopes: (NOISES,): the power of a noise goes with hz**slope within its band. swell: sd of the logarithm of
    a slow change of strength.
    """
    rng = np.random.default_rng(20_260_302)
    bands = zip(_EDGES_HZ, _EDGES_HZ[1:], slopes, strict=False)
    strength = np.exp(swell * _noise(rng, *_SWELL_HZ, 0.0))
    return _closed([_noise(rng, *band) * strength for band in bands])


@lru_cache(maxsize=64)
def lines(chew_hz: float, step_hz: float, drift_hz: float) -> NDArray[np.float32]:
    """Return (POINTS + 1, 2), unit variance, that close into loops: the lines at `chew_hz` and `step_hz`.

    Their frequency wanders with an sd of `drift_hz`.
    """
    rng = np.random.default_rng(20_260_303)
    return _closed([_line(rng, hz, drift_hz) for hz in (chew_hz, step_hz)])


def _closed(loops: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    columns = np.stack(loops, axis=1)
    columns /= columns.std(axis=0)
    return np.concatenate((columns, columns[:1])).astype(np.float32)


def _noise(rng: np.random.Generator, low_hz: float, high_hz: float, slope: float) -> NDArray[np.float64]:
    within = (low_hz <= _HZ) & (high_hz > _HZ)
    size = np.where(within, np.maximum(_HZ, low_hz) ** (slope / 2), 0.0)
    wave = np.fft.irfft(size * np.exp(2j * np.pi * rng.random(len(_HZ))), POINTS)
    out: NDArray[np.float64] = wave / wave.std()
    return out


def _line(rng: np.random.Generator, hz: float, drift_hz: float) -> NDArray[np.float64]:
    drift = _noise(rng, *_DRIFT_HZ, -1.0) * drift_hz
    turns = np.cumsum(hz + drift) * (STEP_US / 1e6)
    turns *= np.rint(turns[-1]) / turns[-1]  # so that the loop closes
    out: NDArray[np.float64] = np.sin(2 * np.pi * turns)
    return out
