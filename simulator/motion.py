"""What an accelerometer is bolted to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Motion(Protocol):
    """Acceleration as a pure function of time, gravity included, in the frame of the sensor."""

    def at(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, 3) mg at the (n,) times since the start of the simulation, which do not decrease."""


class Still:
    """A collar on a table: one constant acceleration, mg."""

    def __init__(self, x_mg: float = 0.0, y_mg: float = 0.0, z_mg: float = 1000.0) -> None:
        self._row_mg = (x_mg, y_mg, z_mg)

    def at(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the same row for every time."""
        return np.tile(np.array(self._row_mg), (len(times_us), 1))


class Stopping:
    """Another motion up to a moment; from then on she holds still, in the posture of her last seconds."""

    _LAST_US = np.arange(-5_000_000, 0, 100_000, dtype=np.int64)

    def __init__(self, motion: Motion, from_us: int) -> None:
        self._motion, self._from_us = motion, from_us
        self._posture_mg = motion.at(np.maximum(self._LAST_US + from_us, 0)).mean(axis=0)

    def at(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the motion's rows, and the one posture for times from `from_us` on."""
        moving = times_us < self._from_us
        rows = np.tile(self._posture_mg, (len(times_us), 1))
        if moving.any():
            rows[moving] = self._motion.at(times_us[moving])
        return rows
