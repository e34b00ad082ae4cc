"""Packs as windows to learn from and to judge: as worn, or with every collar turned and tilted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.behaviour.unknown import is_unknown
from relay.evaluation.packs import WAVEFORM, Extract, read_extract, read_window_features, run_extract
from relay.evaluation.protocol import Windows
from relay.training.examples import CSIRO_3, CSIRO_5, WASP_3, of_extract, of_features

if TYPE_CHECKING:
    from pathlib import Path

    from relay.behaviour.described import Floats
    from relay.evaluation.packs import PackFolder, WindowFeatures
    from relay.training.examples import Classes

CLASS_SETS = {
    "waveform": {"grazing_still_walking": WASP_3},
    "window_features": {"three": CSIRO_3, "five": CSIRO_5},
}
SPREAD_TURNED = (
    "A turned mean is exact. Spread per axis was turned as if the axes moved independently, the root of "
    "R^2 s^2: the recording's own samples are not in the pack."
)


class Sits(NamedTuple):
    """How the judged collars sit beside how they were worn: turned about z, then tilted about x; degrees.

    `seed` decides the noise of the chips that waveforms go through.
    """

    turn_deg: float = 0.0
    tilt_deg: float = 0.0
    seed: int = 1

    @property
    def as_worn(self) -> bool:
        """Say whether nothing is turned."""
        return self.turn_deg == 0 and self.tilt_deg == 0

    def in_words(self) -> str:
        """Return what stands in a title; empty as worn."""
        named = (("turned", self.turn_deg), ("tilted", self.tilt_deg))
        return " and ".join(f"{what} {deg:g} degrees" for what, deg in named if deg)


class Source(NamedTuple):
    """A pack that was read."""

    folder: PackFolder
    rows: Extract | WindowFeatures

    def windows(self, classes: Classes) -> Windows:
        """Return the windows with what they are to be told as."""
        rows = self.rows
        if isinstance(rows, Extract):
            return Windows(self.folder.name, of_extract(rows, classes), is_unknown(rows.records))
        examples = of_features(rows, classes)
        return Windows(self.folder.name, examples, np.zeros(len(examples), dtype=np.bool_), has_clock=False)


def read(folder: PackFolder, sits: Sits, work: Path, copies: int = 0) -> Source:
    """Read a pack; waveforms go through chip and firmware into a file in `work`.

    `copies`: turned and tilted collars beside each, to learn from.

    Raises relay.evaluation.packs.ExtractError and relay.evaluation.tables.PackError.
    """
    if folder.kind != WAVEFORM:
        return Source(folder, turned(read_window_features(folder.path), sits))
    out = work / f"{folder.name}-{sits.turn_deg:g}-{sits.tilt_deg:g}-{copies}.csv.gz"
    run_extract(
        folder.path, out, turn_deg=sits.turn_deg, tilt_deg=sits.tilt_deg, copies=copies, seed=sits.seed
    )
    return Source(folder, read_extract(out))


def turned(windows: WindowFeatures, sits: Sits) -> WindowFeatures:
    """Return windows of features as collars would give them that sit so; see SPREAD_TURNED."""
    if sits.as_worn:
        return windows
    rotation = rotation_of(sits)
    spread = np.sqrt(np.square(windows.spread_mg) @ np.square(rotation).T)
    return replace(windows, mean_mg=windows.mean_mg @ rotation.T, spread_mg=spread)


def rotation_of(sits: Sits) -> Floats:
    """Return the (3, 3) that takes a reading of the collar as worn to one of the collar as it sits.

    As the simulator: turned by 90 degrees about z a collar reads (0, -1000, 0) where it read (1000, 0, 0).
    """
    turn, tilt = math.radians(-sits.turn_deg), math.radians(-sits.tilt_deg)
    about_z = np.array(
        ((math.cos(turn), -math.sin(turn), 0), (math.sin(turn), math.cos(turn), 0), (0, 0, 1)),
        dtype=np.float64,
    )
    about_x = np.array(
        ((1, 0, 0), (0, math.cos(tilt), -math.sin(tilt)), (0, math.sin(tilt), math.cos(tilt))),
        dtype=np.float64,
    )
    out: Floats = about_x @ about_z
    return out
