"""Cells into the 14 bytes of a window record, without samples: the direct generator.

Every byte is rounded and clamped as `herdcore.features.window_into` does it (firmware/WIRE.md, "windows").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from herdcore.logcode import log_code, log_mg
from simulator.neck.look_model import Cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

_MEAN_STEP_MG = 16
_MOST_CROSSINGS = 63
_MOST_MG = 0x7FFF
_CODES = np.array([log_code(mg) for mg in range(_MOST_MG + 1)], np.uint8)
_EDGES = np.array([log_mg(code) for code in range(256)], np.float32)
# The middle of the whole mg that have a code; codes that no whole mg has stand for their edge.
_MIDDLES = _EDGES.copy()
_MIDDLES[:-1] = (_EDGES[:-1] + np.maximum(_EDGES[1:] - 1.0, _EDGES[:-1])) / 2.0


def turned(cells: Cells, rotation: NDArray[np.floating]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return gravity, deviation, difference (m, 3) mg and crossings of cells in turned axes.

    `rotation`: (3, 3) or (m, 3, 3), the cow's frame to the sensor's. As if her axes moved independently:
    powers add up, and crossings are weighted by them.
    """
    turn = np.asarray(rotation, np.float32)
    square = turn * turn
    power = cells.deviation_mg * cells.deviation_mg + np.float32(1e-3)
    parts = (cells.gravity_mg, power, cells.difference_mg**2, cells.crossings * power)
    if turn.ndim == 2:
        gravity, power, steps, weighted = (
            part @ (turn if at == 0 else square).T for at, part in enumerate(parts)
        )
    else:
        gravity, power, steps, weighted = (
            np.matmul(turn if at == 0 else square, part[:, :, None])[:, :, 0] for at, part in enumerate(parts)
        )
    return gravity, np.sqrt(power), np.sqrt(steps), weighted / power


def records(
    cells: Cells,
    rotation: NDArray[np.floating],
    scale: NDArray[np.floating],
    offset_mg: NDArray[np.floating],
    noise: np.random.Generator,
    noise_mg: float = 0.8,
) -> NDArray[np.uint8]:
    """Return the (m, 14) bytes that a collar would send of m cells.

    `rotation`: (3, 3) or (m, 3, 3), from the cow's frame to the sensor's; `scale`: (3,) what the sensor reads
    of 1 mg on each axis; `offset_mg`: (3,) what it adds. `noise_mg`: mean absolute deviation of the sensor's
    own noise. `noise` rounds crossings up or down, so that their mean is kept.
    """
    gravity, deviation, difference, crossings = turned(cells, rotation)
    gain = np.asarray(scale, np.float32)
    floor = np.float32(noise_mg) ** 2
    out = np.empty((len(cells), 14), np.uint8)
    mean = np.floor((gravity * gain + np.asarray(offset_mg, np.float32)) / _MEAN_STEP_MG + 0.5)
    out[:, :3] = np.clip(mean, -128, 127).astype(np.int8).view(np.uint8)
    out[:, 3:6] = _coded(np.sqrt((deviation * gain) ** 2 + floor))
    out[:, 6:9] = _coded(
        np.sqrt((difference * gain) ** 2 + 2 * floor)
    )  # noise of neighbours differs by root 2
    whole = np.floor(crossings + noise.random(crossings.shape, np.float32))
    out[:, 9:12] = np.clip(whole, 0, _MOST_CROSSINGS)
    out[:, 12:] = np.floor(np.clip(cells.bands, 0.0, 1.0) * 255 + 0.5)
    still = ~out[:, 3:9].any(axis=1)
    out[still, 9:] = 0
    return out


def _coded(mg: Floats) -> NDArray[np.uint8]:
    out: NDArray[np.uint8] = _CODES[np.clip(mg + np.float32(0.5), 0, _MOST_MG).astype(np.int32)]
    return out


def decoded(rows: NDArray[np.uint8]) -> Cells:
    """Return what (m, 14) bytes say, in the sensor's axes. Codes stand for their middles; looks are 0."""
    return Cells(
        rows[:, :3].view(np.int8).astype(np.float32) * _MEAN_STEP_MG,
        _MIDDLES[rows[:, 3:6]],
        _MIDDLES[rows[:, 6:9]],
        rows[:, 9:12].astype(np.float32),
        rows[:, 12:14].astype(np.float32) / np.float32(255),
        np.zeros(len(rows), np.uint8),
    )
