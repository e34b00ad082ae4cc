"""The activity measure of our heat alerts on series in blocks: the product's own baseline, nothing beside it.

`activity`: (cows, blocks) float from a midnight on, blocks of 1 or 2 h, NaN where nothing is known; the
cows of one herd. Every block becomes records of its hours, and relay/scoring/baseline.py is stepped over
them as in a relay: the score is its z of activity, the last 6 h against the cow's own same hours, herd-mates
taken off. Heats are told as the product tells them, in the first block over a threshold. What else it goes by
(walking, rumination, vigour for what she does, quiet quarters, the cycle) no counts tell, and a cycle would
make the 18-24 days that it is judged by; days in milk are not seen.

How an index is taken was compared on bovheat-scr itself, by injected episodes at equal load: its recovery
there is a little flattered, raw activity's and the thresholds are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from relay.evaluation.injection import times_of_index
from relay.evaluation.rules import DAY_H, alerts
from relay.scoring import baseline, hours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.hours import Hours

    Floats: TypeAlias = NDArray[np.float64]

# Until others' cows have chosen: a guess for raw activity, the maker's 35 for its index.
DEFAULT_THRESHOLDS = {"raw": 3.5, "index": 2.9}
_ACTIVITY = list(baseline.FEATURES).index("activity")
_USUAL_MG = 110.0  # what a herd's usual count stands for: the median two hours of the virtual herd
_UNIT_DAYS = 5  # a unit is known before anything is told
_MOST = np.iinfo(hours.HOUR["motion_8th_mg"].base).max


def score(kind: str, activity: Floats, block_h: int) -> Floats:
    """Return z of `activity`, raw or a maker's index (`kind`), in each block as it ends."""
    if kind == "raw":
        return _stepped(activity * _unit_mg(activity, block_h), block_h, is_mean=False)
    # The maker has divided by the cow's own spread: twice, and the weak heats of a lively cow are lost. The
    # root makes what is left smaller than the least scale of the baseline, which is then everyone's.
    return _stepped(_USUAL_MG * np.sqrt(times_of_index(activity)), block_h, is_mean=True)


def heat_alerts(scored: Floats, threshold: float | Floats, block_h: int) -> list[list[int]]:
    """Return for each cow the blocks in which heats are told; `threshold`: one, or (cows, 1)."""
    return alerts(scored >= threshold, block_h)


def _stepped(motion_mg: Floats, block_h: int, *, is_mean: bool) -> Floats:
    """Step the baseline over the hours. `is_mean`: a block is a mean of many hours already, take no other."""
    out = np.full(motion_mg.shape, np.nan)
    usual = baseline.start(len(motion_mg))
    together = np.zeros(len(motion_mg), np.intp)
    for block, each in enumerate(motion_mg.T):
        rows = _hour(each)
        for number in range(block * block_h, (block + 1) * block_h):
            if is_mean:
                before = np.repeat(baseline.sums_of(rows)[:, None], DAY_H, axis=1)
                usual = usual._replace(ring=before)
            usual, told = baseline.step(usual, number, rows, together)
            out[:, block] = told.z_herd[:, _ACTIVITY]  # the block's last hour stays
    return out


def _hour(motion_mg: Floats) -> Hours:
    """Return the records of an hour in which all that is known of cows is how much they moved."""
    rows = hours.nothing(len(motion_mg))
    known = np.isfinite(motion_mg)
    steps = np.rint(np.where(known, motion_mg, 0.0) * hours.MOTION_STEPS)
    rows["covered_min"] = np.where(known, hours.QUARTER_MIN, 0)[:, None]
    rows["motion_8th_mg"] = np.minimum(steps, _MOST)[:, None]
    return rows


def _unit_mg(activity: Floats, block_h: int) -> float:
    """Return what a count is worth, from the herd's first days with any: makers do not say."""
    days = activity.reshape(len(activity), -1, DAY_H // block_h)
    first = np.flatnonzero(np.isfinite(days).any(axis=(0, 2)))[:_UNIT_DAYS]
    early = days[:, first]
    usual = float(np.median(early[np.isfinite(early)])) if len(first) else 0.0
    return _USUAL_MG / usual if usual > 0 else 1.0
