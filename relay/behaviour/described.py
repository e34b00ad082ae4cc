"""Windows as numbers: what a record of 14 bytes, or a pack of window features, says in mg and shares.

Nothing here depends on how a collar sits but `gravity_mg` and what is told by axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RECORD_BYTES = 14  # wire.md, "windows"
_MEAN_STEP_MG = 16
_LOG_STEPS = 16
# A code stands for its lower edge, as in `herdcore.features.log_mg`, but not rounded to whole mg.
_MG = np.exp2(np.arange(256) / _LOG_STEPS) - 1.0


@dataclass(frozen=True, slots=True)
class Described:
    """n windows. All but the first two are None where a pack has only mean and spread."""

    gravity_mg: Floats  # (n, 3) mean acceleration
    deviation_mg: Floats  # (n, 3) mean absolute deviation, or another spread
    difference_mg: Floats | None = None  # (n, 3) mean |difference| of neighbouring samples
    crossings: Floats | None = None  # (n, 3) sign changes about the mean, of 63
    bands: Floats | None = None  # (n, 2) share of the power in 1.0-1.6 Hz and in 2.0-3.2 Hz, 0..1

    def __len__(self) -> int:
        return len(self.gravity_mg)

    def __getitem__(self, rows: slice | NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return some of the windows."""
        parts = (self.difference_mg, self.crossings, self.bands)
        rest = (None if part is None else part[rows] for part in parts)
        return type(self)(self.gravity_mg[rows], self.deviation_mg[rows], *rest)


def describe(records: NDArray[np.uint8]) -> Described:
    """Return what (n, 14) bytes of windows records say.

    In memory each column stands together, for what is made of them later is made of whole columns.
    """
    columns = records.T
    means = columns[:3].astype(np.int8).astype(np.float64, order="C") * _MEAN_STEP_MG
    logs = _MG.take(columns[3:9])
    shares = columns[12:14].astype(np.float64, order="C") / 255.0
    crossings = columns[9:12].astype(np.float64, order="C")
    return Described(means.T, logs[:3].T, logs[3:].T, crossings.T, shares.T)
