"""Gravity of collars that hang, lie and turn, as hours have it."""

import numpy as np

from relay.scoring.hours import GRAVITY_STEP_MG, QUARTERS


def gravity(*degrees: float, norm_mg: float = 1000) -> np.ndarray:
    """Return gravity of the quarters of an hour, turned about the neck by so much in turn."""
    angle = np.radians(np.resize(degrees, QUARTERS))
    ways = np.stack([np.sin(angle), np.full(QUARTERS, 0.2), -np.cos(angle)], axis=1)
    return np.rint(ways * norm_mg / 1.02 / GRAVITY_STEP_MG).astype(int)[None]
