"""Labelled windows of animals, whatever pack they come from, as what a model is fitted to and judged on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.described import Described, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from relay.evaluation.packs import Extract, WindowFeatures

WHOLE = 100  # percent: the whole window under one label


@dataclass(frozen=True, slots=True)
class Classes:
    """What is told apart: names, and the class of each of a pack's labels; other labels are not judged."""

    labels: tuple[str, ...]
    of: Mapping[str, str]
    anchors: tuple[int, ...]  # the classes whose level is a cow's own scale

    def codes(self, labels: NDArray[np.str_]) -> NDArray[np.int64]:
        """Return (n,) places in `labels`, -1 for a label that is not judged."""
        names, place = np.unique(labels, return_inverse=True)
        known = [self.labels.index(self.of[name]) if name in self.of else -1 for name in names.tolist()]
        return np.array(known, dtype=np.int64)[place]


STILL = {"resting": "still", "standing": "still", "ruminating_resting": "still", "grazing": "grazing"}
# Where a pack has few rare labels they are not judged, as published; what they are told does not count.
WASP_3 = Classes(("grazing", "still", "walking"), {**STILL, "walking": "walking"}, (0,))
# What the relay is released with: also what is none of the three.
SHIPPED = Classes(
    ("grazing", "still", "walking", "other"),
    {
        **WASP_3.of,
        "trotting": "walking",
        **dict.fromkeys(
            (
                *("drinking", "licking", "scratching", "shaking", "pitching", "head_nodding"),
                *("lying_down", "rising", "active_mount"),
            ),
            "other",
        ),
    },
    (0,),
)
CSIRO_3 = Classes(
    ("grazing", "ruminating_resting", "other"),
    {
        "grazing": "grazing",
        "ruminating_resting": "ruminating_resting",
        **dict.fromkeys(("walking", "drinking", "other"), "other"),
    },
    (0, 1),
)
CSIRO_5 = Classes(
    ("grazing", "walking", "ruminating_resting", "drinking", "other"),
    {name: name for name in ("grazing", "walking", "ruminating_resting", "drinking", "other")},
    (0, 2),
)
# Whole farm out: one set for both packs, so that every label that is rare in either is judged.
FARM_3 = Classes(
    ("grazing", "still", "walking_or_other"),
    {**dict.fromkeys((*SHIPPED.of, *CSIRO_5.of), "walking_or_other"), **STILL},
    (0, 1),
)


@dataclass(frozen=True, slots=True)
class Examples:
    """n windows of several animals, each animal's (and copy's) in order of time.

    `truth` (n,) codes of `classes`, -1 where not judged. `pure` (n,): the whole window is of one label.
    `copy` 0 as worn, others turned and tilted. `stretch` (n,): number of the labelled segment, -1 for none.
    """

    classes: Classes
    described: Described
    animal: NDArray[np.str_]
    copy: NDArray[np.int64]
    start_ms: NDArray[np.int64]
    truth: NDArray[np.int64]
    pure: NDArray[np.bool_]
    stretch: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.truth)

    def only(self, rows: NDArray[np.bool_]) -> Examples:
        """Return some of the windows."""
        return Examples(
            self.classes,
            self.described[rows],
            self.animal[rows],
            self.copy[rows],
            self.start_ms[rows],
            self.truth[rows],
            self.pure[rows],
            self.stretch[rows],
        )

    @property
    def judged_animals(self) -> list[str]:
        """Names of the animals with at least one window that is judged."""
        return [str(name) for name in np.unique(self.animal[self.truth >= 0])]


def of_extract(extract: Extract, classes: Classes) -> Examples:
    """Return the windows of recordings."""
    return Examples(
        classes,
        describe(extract.records),
        extract.animal,
        extract.copy,
        extract.start_ms,
        classes.codes(extract.label),
        extract.share >= WHOLE,
        extract.segment,
    )


def of_features(windows: WindowFeatures, classes: Classes) -> Examples:
    """Return the windows of a pack of means and spreads.

    It has no clock: the number of a row in its source stands for the time, one window each. Where numbers are
    missing rows were left out; gaps that the source itself hides stay hidden.
    """
    n = len(windows.datapoint)
    return Examples(
        classes,
        Described(windows.mean_mg, windows.spread_mg),
        windows.animal,
        np.zeros(n, dtype=np.int64),
        windows.datapoint * WINDOW_MS,
        classes.codes(windows.label),
        np.ones(n, dtype=np.bool_),
        np.full(n, -1, dtype=np.int64),
    )
