"""Whole farm out: a model fitted on one farm's collars tells what the cows of another do, whatever the make.

Only mean and spread by axis are used, because that is what collars of two makes have in common. Each cow is
brought into her own frame and onto her own scale without a label (`farmstart`); twelve numbers of a window
and of its neighbours go through a multinomial logistic regression and the smoother of the relay. How collars
sit cannot matter: of gravity nothing is used but its direction in her frame, of spread nothing but its
length. (The length of a mean absolute deviation moves a little when a collar turns by odd angles, that of a
standard deviation does not.)

The form of the recipe was designed with both packs in view: a third farm would be a clean test. What is
fitted to a farm, the smoother's constants too, is fitted to the training farm alone. "Design" beside a
constant means: chosen by hand, after figures of both packs, those of one farm told by the other among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour import smoother
from relay.behaviour.smoother import Smoothing
from relay.training import farmstart
from relay.training.farmstart import DRAWN, GRAZING, OTHER, Farm, Start
from relay.training.fit import Settings, TooLittleError, fit_layers, macro_f1, smoothed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.behaviour.described import Described, Floats
    from relay.behaviour.model import Layers
    from relay.training.examples import Examples

_LABELS = 3
_SETTINGS = Settings(hidden=0, c=0.1, doubt=0.0, rarity=0.0, crowd=0.0)  # design: the plainest, ridge of 10
_LOG_BOUND = 5.0  # design: no class is surer than e^5 by its angle and liveliness
_EFFORT_BOUND = (
    -0.2,
    0.7,
)  # design: 0 still, 1 her grazing; liveliness above says no more: it differs by make
_LEAST_RISE = 1.2  # design: log2 units from still to grazing, the least that is believed
_ANGLE_BOUND_DEG = (-5.0, 75.0)  # physics, roughly: a neck hangs no further
_ANGLE_UNIT_DEG = 50.0  # scale only
_SIDE_FREE_DEG, _SIDE_WIDTH_DEG = 12.0, 12.0  # design: a head turned aside, as in lying, is not head down
_OVER_DEG, _OVER_WIDTH_DEG = 78.0, 3.0  # physics, roughly: further round than a neck goes is a head laid back
_NEIGHBOURS = 2  # the smoother's look ahead: what may be known later
_NEAR_MS = (_NEIGHBOURS + 0.6) * WINDOW_MS  # a window further away is behind a gap
_STAYS, _TRUSTS = (0.5, 0.7, 0.8, 0.9, 0.95), (0.4, 0.6, 0.8, 1.0)  # inner folds of the training farm choose
# Design: another farm's budget of time is not known, so no class is taken for commoner than another.
_COMMON = (1 / _LABELS,) * _LABELS


@dataclass(frozen=True, slots=True)
class FarmModel:
    """What was learned from a farm: its labels' levels and angles, the regression, the smoothing."""

    farm: Farm
    layers: Layers
    smoothing: Smoothing


def fit(examples: Examples) -> FarmModel:
    """Return a model fitted to the judged windows of copy 0; all of an animal's windows give its frame.

    Raises TooLittleError for other than three classes or fewer than three animals.
    """
    if len(examples.classes.labels) != _LABELS or len(examples.judged_animals) < 3:
        raise TooLittleError(
            f"labels={examples.classes.labels!r}, animals={examples.judged_animals!r}: "
            "want grazing, still and walking or other, of three animals or more"
        )
    worn = examples.only(examples.copy == 0)
    farm, layers = _learn(worn)
    return FarmModel(farm, layers, _choose_smoothing(worn))


def tell(model: FarmModel, hers: Examples) -> tuple[Floats, Floats]:
    """Return (n, 3) probabilities of the windows alone and (n, 3) smoothed, of one collar's windows in order.

    `hers.truth` is not read. Raises ValueError for several collars, or windows that are not in order of time.
    """
    collars = set(zip(hers.animal.tolist(), hers.copy.tolist(), strict=True))
    if len(collars) != 1:
        raise ValueError(f"collars={sorted(collars)!r}: want the windows of one")
    if np.any(np.diff(hers.start_ms) <= 0):
        raise ValueError(f"animal={hers.animal[0]}: start_ms does not rise throughout")
    windows = _windows(model.farm, model.layers, hers)
    return windows, smoother.batch(model.smoothing, hers.start_ms, windows)


def _windows(farm: Farm, layers: Layers, hers: Examples) -> Floats:
    return layers.posterior(features(hers.described, hers.start_ms, farm))


def _learn(worn: Examples) -> tuple[Farm, Layers]:
    farm = farmstart.learn(worn)
    each = [worn.only(worn.animal == name) for name in worn.judged_animals]
    inputs = np.concatenate([features(cow.described, cow.start_ms, farm) for cow in each])
    truth, animal = (np.concatenate([getattr(cow, name) for cow in each]) for name in ("truth", "animal"))
    judged = truth >= 0
    return farm, fit_layers(inputs[judged], truth[judged], animal[judged], _SETTINGS, _LABELS)


def out_of_fold(worn: Examples) -> Floats:
    """Return (n, 3) probabilities of windows, each by a fit that saw none of its animal."""
    out = np.full((len(worn), _LABELS), np.nan)
    for name in worn.judged_animals:
        hers = worn.animal == name
        out[hers] = _windows(*_learn(worn.only(~hers)), worn.only(hers))
    return out


def _choose_smoothing(worn: Examples) -> Smoothing:
    """Return the smoothing with the best macro F1, each animal of the training farm left out in turn."""
    windows = out_of_fold(worn)
    choices = [Smoothing(_COMMON, stay, trust, 0.0) for stay, trust in product(_STAYS, _TRUSTS)]
    return max(choices, key=lambda each: macro_f1(worn, smoothed(worn, windows, each)))


def features(described: Described, start_ms: NDArray[np.int64], farm: Farm) -> Floats:
    """Return (n, 12) features of one collar's windows in order of time."""
    start = farmstart.begin(described, farm)
    angle, effort = _angle(described, start), _effort(start, farm)
    near = _nearby(np.column_stack((angle, effort, start.classes[:, :OTHER])), start_ms)
    against = np.clip(start.logs[:, :OTHER] - start.logs[:, OTHER:], -_LOG_BOUND, _LOG_BOUND)
    own = (angle, effort, angle * angle, effort * effort, angle * effort)
    return np.column_stack((against, *own, near[:, :2], near[:, 0] * near[:, 1], near[:, 2:]))


def _angle(described: Described, start: Start) -> Floats:
    """Return (n,) how far the head hangs, 1 for 50 degrees, less where it lies aside or back."""
    angle, own = farmstart.head(described, start.turn)
    aside = np.abs(np.degrees(np.arcsin(np.clip(own[:, 1], -1.0, 1.0))))
    straight = np.exp(-np.square(np.maximum(aside - _SIDE_FREE_DEG, 0.0) / _SIDE_WIDTH_DEG))
    possible = 1.0 / (1.0 + np.exp((np.abs(angle) - _OVER_DEG) / _OVER_WIDTH_DEG))
    out: Floats = np.clip(angle, *_ANGLE_BOUND_DEG) / _ANGLE_UNIT_DEG * straight * possible
    return out


def _effort(start: Start, farm: Farm) -> Floats:
    """Return (n,) her liveliness on her own scale."""
    grazing = start.classes[:, GRAZING]
    level = (grazing @ start.loud + DRAWN * farm.levels[GRAZING, 0]) / (grazing.sum() + DRAWN)
    rise = max(level - start.still, _LEAST_RISE)
    out: Floats = np.clip((start.loud - start.still) / rise, *_EFFORT_BOUND)
    return out


def _nearby(values: Floats, start_ms: NDArray[np.int64]) -> Floats:
    """Return (n, m) means of each window and its neighbours that are not behind a gap."""
    total, count = values.copy(), np.ones((len(values), 1))
    for away in range(1, _NEIGHBOURS + 1):
        near = (start_ms[away:] - start_ms[:-away] < _NEAR_MS)[:, None]
        total[away:] += values[:-away] * near
        total[:-away] += values[away:] * near
        count[away:] += near
        count[:-away] += near
    out: Floats = total / count
    return out
