"""What the window kernel would tell of many windows at once, before it rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from herdcore.vocabulary import WINDOW_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_BINS = ((6, 9), (11, 17))  # of a window's spectrum: the bands of its two shares


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """m windows in mg: mean (m, 3), deviation (m, 3), correlation (m, 3), shares (m, 3).

    correlation: of neighbouring samples, as difference / deviation say if the movement is normal noise.
    shares: of the low band, the high band and the rest, in the power of all axes.
    """

    mean: Floats
    deviation: Floats
    correlation: Floats
    shares: Floats


def features_of(rows_mg: Floats) -> Features:
    """Return the features of (m, 3, WINDOW_SAMPLES) samples."""
    mean = rows_mg.mean(axis=2)
    moves = rows_mg - mean[:, :, None]
    deviation = np.abs(moves).mean(axis=2)
    ratio = np.abs(np.diff(moves, axis=2)).mean(axis=2) / np.maximum(deviation, 1e-3)
    total = np.maximum((moves * moves).sum(axis=(1, 2)), 1e-6) * (WINDOW_SAMPLES / 2)
    bands = [((moves @ waves) ** 2).sum(axis=(1, 2)) / total for waves in _WAVES]
    shares = np.stack((*bands, np.maximum(1 - bands[0] - bands[1], 0.01)), axis=1)
    return Features(mean, deviation, 1 - ratio * ratio / 2, shares)


def _waves(first: int, end: int) -> Floats:
    angle = np.outer(np.arange(WINDOW_SAMPLES), np.arange(first, end)) * (2 * np.pi / WINDOW_SAMPLES)
    return np.concatenate((np.cos(angle), np.sin(angle)), axis=1).astype(np.float32)


_WAVES = tuple(_waves(*bins) for bins in _BINS)
