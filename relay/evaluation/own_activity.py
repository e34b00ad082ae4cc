"""Our own measure of activity (logarithm, own hours, pooled scale): pure functions, past only.

`activity`: (cows, blocks) float from a midnight on, blocks of 1 or 2 h, NaN where nothing is known; the
cows of one herd. `heat_score` takes raw activity, `heat_score_of_index` a maker's index of change where raw
is not kept. No days in milk, no lactation, and no cycle prior: it would make the 18-24 days it is judged
by.

The form (scale halfway to the herd's, an index not scaled twice, how many blocks) was compared on bovheat-scr
itself, by injected episodes at equal load: its recovery there is a little flattered, thresholds are not.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from relay.evaluation.rules import DAY_H, alerts, excess_of, trailing_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]

MIN_BLOCKS = {"raw": 2, "index": 1}  # consecutive; an index is a mean of many hours already
# Until others' cows have chosen: a guess for raw activity, the maker's 35 for its index.
DEFAULT_THRESHOLDS = {"raw": 4.0, "index": 4.7}
_TRAILING_H = 6
_CLEAN_DAYS, _MIN_DAYS, _LOOK_BACK_DAYS = 10, 5, 21
_UNCLEAN = 4.0
_SCALE_FACTOR, _SCALE_MIN = 1.15 * 1.4826, 0.08
_INDEX_SCALE = 0.4  # the maker has scaled it by the cow's own spread: done twice, weak heats are lost
_HERD_MIN_OTHERS = 5


def heat_score(activity: Floats, block_h: int) -> Floats:
    """Return z' of the last 6 h: log against own same hours, one scale for the day, less the herd's own.

    A cow's scale of ten days is itself uncertain: it stands halfway to the herd's median, where 5 others
    have one.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(trailing_mean(activity, _TRAILING_H // block_h) + 1.0)
    return _less_herd(_standardised(logs, DAY_H // block_h, None))


def heat_score_of_index(index: Floats, block_h: int) -> Floats:
    """Return the same from a maker's index, whose bent scale is straightened first."""
    return _less_herd(_standardised(excess_of(index), DAY_H // block_h, _INDEX_SCALE))


def heat_alerts(score: Floats, threshold: float | Floats, block_h: int, kind: str = "raw") -> list[list[int]]:
    """Return for each cow the blocks in which heats are told; `threshold`: one, or (cows, 1)."""
    return alerts(score >= threshold, block_h, MIN_BLOCKS[kind])


def _standardised(values: Floats, per_day: int, given_scale: float | None) -> Floats:
    """Return each day against the cow's own clean days before it; day by day, as it would have come."""
    cows, blocks = values.shape
    days = values.reshape(cows, -1, per_day)
    z = np.full(days.shape, np.nan)
    unclean = np.zeros(days.shape[:2], dtype=bool)
    for day in range(1, days.shape[1]):
        first = max(0, day - _LOOK_BACK_DAYS)
        known = np.asarray(np.isfinite(days[:, first:day]).any(axis=2))
        use = _last_clean(known, unclean[:, first:day])
        usual = _median(np.where(use[:, :, None], days[:, first:day], np.nan), 1)
        enough = use.sum(1) >= _MIN_DAYS
        if given_scale is None:
            past = np.where(use[:, :, None], days[:, first:day] - usual[:, None], np.nan)
            scale = _scale(past.reshape(cows, -1), enough)
        else:
            scale = np.full(cows, given_scale)
        z[:, day] = np.where(enough[:, None], (days[:, day] - usual) / scale[:, None], np.nan)
        hot = (z[:, day] >= _UNCLEAN).any(1)
        unclean[:, day - 1] |= hot
        unclean[:, day] |= hot
        if day + 1 < days.shape[1]:
            unclean[:, day + 1] |= hot
    return z.reshape(cows, blocks)


def _scale(past: Floats, enough: Flags) -> Floats:
    """Return each cow's scale from her residuals of all hours together, halfway to the herd's median."""
    own = np.maximum(_SCALE_FACTOR * _median(np.abs(past), 1), _SCALE_MIN)
    if enough.sum() <= _HERD_MIN_OTHERS:
        return own
    halfway: Floats = (own + np.nanmedian(own[enough])) / 2.0
    return halfway


def _last_clean(known: Flags, unclean: Flags) -> Flags:
    """Return which days make the baseline: the last 10 clean ones; all, if fewer than 5 are clean."""
    clean: Flags = known & ~unclean
    few = clean.sum(1) < _MIN_DAYS
    clean[few] = known[few]
    after = np.cumsum(clean[:, ::-1], axis=1)[:, ::-1]
    kept: Flags = clean & (after <= _CLEAN_DAYS)
    return kept


def _less_herd(z: Floats) -> Floats:
    """Take off what the other cows do in the same block, where there are 5 others and they do more."""
    known = np.isfinite(z)
    others = known.sum(0) - 1
    if not (others >= _HERD_MIN_OTHERS).any():
        return z
    herd = np.where(others >= _HERD_MIN_OTHERS, _median(z, 0), 0.0)
    less: Floats = z - np.maximum(np.nan_to_num(herd), 0.0)
    return less


def _median(values: Floats, axis: int) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        middle: Floats = np.nanmedian(values, axis=axis)
    return middle
