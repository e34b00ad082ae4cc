"""A cow as the box under her neck feels her: her cells as acceleration, and the collar on it."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from simulator.neck.cellwave import CellWave
from simulator.neck.look_model import CELLS_A_DAY, LOOKS
from simulator.plan.routine import DAY_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.virtual_herd import VirtualHerd

_DAY_US = DAY_MS * 1000
_FADE_US = 1_000_000  # every day has a wave of its own; it comes in while the last one goes out
_TAG = 0xF3E1
_STEPS = [LOOKS.index(name) for name in ("walk", "trot")]


class Cow:
    """Cow number `index` of a virtual herd; implements Motion."""

    def __init__(self, herd: VirtualHerd, index: int) -> None:
        self._herd, self._index = herd, index
        self._wear = herd.wears[index]
        self._wave_of = lru_cache(maxsize=2)(self._wave)

    def at(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, 3) mg at the (n,) times, which do not decrease."""
        out = np.empty((len(times_us), 3))
        done = 0
        while done < len(times_us):
            day = int(times_us[done]) // _DAY_US
            end = int(np.searchsorted(times_us, (day + 1) * _DAY_US))
            out[done:end] = self._worn(times_us[done:end], self._own(day, times_us[done:end]))
            done = end
        return out

    def _own(self, day: int, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what she does at times of one day, in her own frame."""
        own_mg = self._wave_of(day).at(times_us)
        since_us = times_us - day * _DAY_US
        fresh = int(np.searchsorted(since_us, _FADE_US)) if day else 0
        if fresh:
            before_mg = self._wave_of(day - 1).at(times_us[:fresh])
            part = since_us[:fresh, None] / _FADE_US
            own_mg[:fresh] = before_mg + (own_mg[:fresh] - before_mg) * part
        return own_mg

    def _wave(self, day: int) -> CellWave:
        cells = self._herd.cells(self._index, day)
        seed = (self._herd.seed, _TAG, self._index)
        return CellWave(self._herd.model, cells, day * CELLS_A_DAY, seed, np.isin(cells.look, _STEPS))

    def _worn(self, times_us: NDArray[np.int64], own_mg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the sensor of a collar reads that sits as hers does."""
        moves_us = self._wear.changes_ms(int(times_us[0]) // 1000, int(times_us[-1]) // 1000 + 1) * 1000
        cuts = [0, *np.searchsorted(times_us, moves_us).tolist(), len(times_us)]
        for begin, end in pairwise(cuts):
            if begin < end:
                turn = self._wear.rotations(times_us[begin : begin + 1] // 1000)[0]
                own_mg[begin:end] = own_mg[begin:end] @ turn.T
        return np.asarray(own_mg * self._wear.scale + self._wear.offset_mg)
