"""Long loops of noise with the spectrum a behaviour has at the neck, shared by all cows of a herd."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 40  # straight lines between points this close lose less than 5 % at 5 Hz
POINTS = 1 << 15  # 819 s; every bout starts somewhere else in it
_BIN_HZ = 0.5
_SLOWEST_HZ = 0.2  # a window of 5 s takes slower swings for posture
STEP_S = 0.1  # the step of the 10 Hz recordings that the spectra and jerk_mg were measured on


@lru_cache(maxsize=64)
def texture(
    seed: int, spectrum: tuple[float, ...], correlation: tuple[float, ...], swell: float
) -> NDArray[np.float32]:
    """Return (POINTS + 1, n) noise, median variance 1 per axis, that closes into a loop.

    `spectrum`: power in 0.5 Hz bins from 0; axis i is tilted until values 0.1 s apart correlate by
    correlation[i]. `swell`: sd of the logarithm of a slow change of strength, about its median.
    """
    rng = np.random.default_rng(seed)
    hz = np.arange(POINTS // 2 + 1, dtype=np.float64) * (RATE_HZ / POINTS)
    power = np.array([*spectrum, 0.0])[np.minimum(hz / _BIN_HZ, len(spectrum)).astype(int)]
    power[hz < _SLOWEST_HZ] = 0.0
    strength = np.exp(swell * _noise(rng, ((hz > 0.01) & (hz < 0.05)).astype(float)))
    loop = np.stack([_noise(rng, _tilted(power, hz, wanted)) * strength for wanted in correlation], axis=1)
    return np.concatenate((loop, loop[:1])).astype(np.float32)


def _noise(rng: np.random.Generator, power: NDArray[np.float64]) -> NDArray[np.float64]:
    phase = rng.uniform(0, 2 * np.pi, len(power))
    wave = np.fft.irfft(np.sqrt(power) * np.exp(1j * phase), POINTS)
    out: NDArray[np.float64] = wave / wave.std()
    return out


def _tilted(power: NDArray[np.float64], hz: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    """Return power x exp(k cos(2 pi f 0.1 s)), k such that values 0.1 s apart correlate as wanted."""
    cosine = np.cos(2 * np.pi * hz * STEP_S)
    low, high = -8.0, 8.0
    for _ in range(40):
        tilted = power * np.exp((low + high) / 2 * cosine)
        if (tilted * cosine).sum() < correlation * tilted.sum():
            low = (low + high) / 2
        else:
            high = (low + high) / 2
    return tilted
