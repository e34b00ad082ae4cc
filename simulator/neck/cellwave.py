"""The samples of a cow: acceleration at any time whose windows have the features of her cells.

A few voices (voices.py), each of them noise in one band or a line, run on through the day; every cell says
how loud each is on each axis (cellfit.py). A cell fades into the next one, so nothing clicks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from herdcore.vocabulary import WINDOW_MS, WINDOW_SAMPLES
from simulator.neck.cellfit import FADE_S, STRIDE, correlation, mixed, neighbours
from simulator.neck.voices import CELL_POINTS, CELLS, NOISES, POINTS, STEP_US, lines, noises

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from simulator.neck.cellfit import CellsLike

    Floats = NDArray[np.float32]

_CELL_US = 1000 * WINDOW_MS
_RATE_HZ = WINDOW_SAMPLES / (WINDOW_MS / 1000)
_BLOCK = 1 << 13  # so that what is gathered for a block stays in the cache
_TAG = 0x57AE
_FEWEST = 20  # chewing cells that tell the rate


class CellWave:
    """Consecutive cells as acceleration in the frame of the cow, gravity included; implements Motion."""

    def __init__(
        self,
        model: Mapping[str, Any],
        cells: CellsLike,
        first_cell: int,
        seed: tuple[int, ...],
        walks: NDArray[np.bool_],
    ) -> None:
        """`model`: what load_herd returns. Cell 0 of `cells` begins at first_cell * 5.12 s.

        walks: (m,), m >= 1: the cells in which she makes steps. With the same `seed` a cow's voices run on in
        the cells that follow. A cell more than will be asked for at either end lets these fade in and out.
        """
        voice = model["voice"]
        rng = np.random.default_rng((*seed, _TAG))
        self._offset = rng.choice(CELLS, 3, replace=False)
        self._noises = noises(voice["slopes"], voice["swell"])
        hz = _drawn(rng, voice["chew_hz"], voice["chew_range_hz"])
        chew_hz = chew_line_hz(cells, 2 * hz, voice["chew_range_hz"])
        step_hz = _drawn(rng, voice["step_hz"], voice["step_range_hz"])
        self._lines = lines(chew_hz, step_hz, voice["drift_hz"])
        self._first = first_cell
        places = (first_cell + np.arange(len(walks))[:, None] + self._offset[None, :]) % CELLS
        tonal = _tonal(voice, cells, walks)
        mix = mixed(cells, places, self._sparse(), tonal, voice["sensor_noise_mg"])
        self._base, self._weights = mix.base_mg, mix.weights_mg
        self._turns = [
            (turn.part * (neighbours(mix.base_mg, step) - mix.base_mg), turn.fade_s * 1e6)
            for step, turn in zip((-1, 1), mix.turns, strict=True)
        ]

    def at(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, 3) mg at the (n,) times since the start of the simulation, which do not decrease.

        Before its first cell and after its last one it goes on as in these.
        """
        out = np.empty((len(times_us), 3))
        for begin in range(0, len(times_us), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            out[part] = self._block(times_us[part])
        return out

    def _sparse(self) -> Floats:
        """Return every voice at 12.5 Hz from the start of the loops."""
        return np.concatenate((self._noises[:-1:STRIDE], self._lines[:-1:STRIDE]), axis=1)

    def _block(self, times_us: NDArray[np.int64]) -> Floats:
        cell = np.clip(times_us // _CELL_US - self._first, 0, len(self._base) - 1)
        since_us = np.clip(times_us - (cell + self._first) * _CELL_US, 0, _CELL_US)
        weights = self._faded(cell, since_us)
        out = self._posture(cell, since_us.astype(np.float32))
        point, rest_us = np.divmod(times_us, STEP_US)
        rest = (rest_us / STEP_US).astype(np.float32)[:, None]
        for axis in range(3):
            place = (point + self._offset[axis] * CELL_POINTS) % POINTS
            for loops, of in ((self._noises, slice(NOISES)), (self._lines, slice(NOISES, None))):
                value = loops[place]
                value += (loops[place + 1] - value) * rest
                out[:, axis] += np.einsum("nv,nv->n", value, weights[:, axis, of])
        return out

    def _faded(self, cell: NDArray[np.int64], since_us: NDArray[np.int64]) -> Floats:
        """Return (n, 3, VOICES) weights, between two cells where one of them is near."""
        weights = self._weights[cell]
        fade_us = FADE_S * 1e6
        for step, away_us in ((-1, since_us), (1, _CELL_US - since_us)):
            near = np.flatnonzero(away_us < fade_us / 2)
            other = self._weights[np.clip(cell[near] + step, 0, len(self._base) - 1)]
            part = (0.5 - away_us[near] / fade_us).astype(np.float32)
            weights[near] += (other - weights[near]) * part[:, None, None]
        return weights

    def _posture(self, cell: NDArray[np.int64], since_us: Floats) -> Floats:
        out = self._base[cell]
        for away_us, (way, fade_us) in zip((since_us, _CELL_US - since_us), self._turns, strict=True):
            out += np.maximum(1 - away_us[:, None] / fade_us[cell], 0.0) * way[cell]
        return out


def chew_line_hz(cells: CellsLike, otherwise_hz: float, chew_range_hz: tuple[float, float]) -> float:
    """Return at which frequency her chewing stands in the cells: twice the chewing rate.

    The correlation of neighbouring samples tells it where the movement is mostly that line; `otherwise_hz` if
    there are too few such cells.
    """
    chews = np.flatnonzero(cells.bands[:, 1] > 0.6)
    if len(chews) < _FEWEST:
        return round(otherwise_hz, 2)
    power = np.asarray(cells.deviation_mg, np.float64)[chews] ** 2
    told = (correlation(cells)[chews] * power).sum(axis=1) / np.maximum(power.sum(axis=1), 1e-9)
    hz = float(np.arccos(np.median(told))) * _RATE_HZ / (2 * np.pi)
    return round(min(max(hz, 2 * chew_range_hz[0]), 2 * chew_range_hz[1]), 2)


def _drawn(rng: np.random.Generator, normal: tuple[float, float], bounds: tuple[float, float]) -> float:
    return round(float(np.clip(rng.normal(*normal), *bounds)), 2)


def _tonal(voice: Mapping[str, Any], cells: CellsLike, walks: NDArray[np.bool_]) -> Floats:
    """Return (m, 2): how much of CHEW and of MID is a line; a band that holds most of the movement is one."""
    first, last = voice["line_from_share"]
    chews = np.clip((cells.bands[:, 1] - first) / (last - first), 0.0, 1.0) * voice["chew_line"]
    return np.stack((np.where(walks, 0.0, chews), np.where(walks, voice["step_line"], 0.0)), axis=1).astype(
        np.float32
    )
