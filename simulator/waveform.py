"""What a bout of one behaviour feels like to an accelerometer at the neck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.texture import POINTS, RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Bout:
    """One stretch of one behaviour, with what was drawn for it; vectors are in the frame of the sensor."""

    behaviour: str
    start_us: int
    end_us: int
    posture_mg: NDArray[np.float64]  # (3,)
    noise: NDArray[np.float32]  # (POINTS + 1, 3), shared
    noise_at: float
    noise_mg: NDArray[np.float64]  # (3, 3): texture axes to sensor axes
    line_hz: float
    line_mg: NDArray[np.float64]  # (4, 3): sine and cosine at the rate and twice the rate
    bolus_s: float  # chews so long, then pauses until period_s; 0: no pauses
    period_s: float

    def at(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, 3) mg."""
        t_s = (times_us - self.start_us).astype(np.float64) * 1e-6
        place = (t_s * RATE_HZ + self.noise_at) % POINTS
        index = place.astype(np.int64)
        before = self.noise[index]
        noise = before + (place - index)[:, None] * (self.noise[index + 1] - before)
        out = noise @ self.noise_mg + self.posture_mg
        if self.line_hz:
            out += self._line(t_s) @ self.line_mg
        return out

    def _line(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        angle = t_s * (2 * np.pi * self.line_hz)
        sine, cosine = np.sin(angle), np.cos(angle)
        basis = np.stack((sine, cosine, 2 * sine * cosine, 1 - 2 * sine * sine), axis=1)
        if self.bolus_s:
            basis[t_s % self.period_s >= self.bolus_s] = 0.0
        return basis


def rotation(roll_deg: float, pitch_deg: float, yaw_deg: float) -> NDArray[np.float64]:
    """Return the (3, 3) matrix that turns a vector about y, then x, then z."""
    a, b, c = np.radians((roll_deg, pitch_deg, yaw_deg))
    about_y = np.array(((np.cos(a), 0, np.sin(a)), (0, 1, 0), (-np.sin(a), 0, np.cos(a))))
    about_x = np.array(((1, 0, 0), (0, np.cos(b), -np.sin(b)), (0, np.sin(b), np.cos(b))))
    about_z = np.array(((np.cos(c), -np.sin(c), 0), (np.sin(c), np.cos(c), 0), (0, 0, 1)))
    out: NDArray[np.float64] = about_z @ about_x @ about_y
    return out
