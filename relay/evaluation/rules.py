"""Published oestrus rules on activity in blocks, each a scorer of its own, and what was published of them.

`activity`: (cows, blocks) float, any unit that is proportional to movement, blocks of 1 or 2 hours of
whole days from a midnight on, NaN where nothing is known. A score is of the same shape, NaN where none can be
given, and looks at its own block and the past only. A heat is told while `score >= threshold`; `alerts`
merges the blocks of one heat and returns the first. Nothing here is ours: that is in heat_activity.py.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]

DAY_H = 24
VENDOR_THRESHOLD = 35.0
MERGE_H = 24  # a heat lasts 10-20 h: what comes back within a day belongs to it
_RECENT_H, _HISTORY_DAYS, _HISTORY_MIN_DAYS = 10, 9, 4
_MEAN_SHARE = 0.2
_FROM = (-3.0, -1.0, 0.0, 1.0, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)
_TO = (-60.0, -22.0, 0.0, 12.5, 20.0, 29.0, 41.0, 54.0, 66.0, 84.0, 91.0, 100.0)
_SIX_H = 6


@dataclass(frozen=True, slots=True)
class Rule:
    """A scorer with its threshold. `merge_h`: alerts no further apart than this are one.

    `daily`: judged once a day, at its last block.
    """

    name: str
    score: Callable[[Floats, int], Floats]
    threshold: float
    min_blocks: int = 1
    merge_h: int = MERGE_H
    daily: bool = False

    def flags(self, activity: Floats, block_h: int) -> Flags:
        """Return (cows, blocks): told in this block."""
        flags: Flags = self.score(activity, block_h) >= self.threshold
        return flags

    def alerts(self, activity: Floats, block_h: int) -> list[list[int]]:
        """Return for each cow the first block of every heat told."""
        return alerts(self.flags(activity, block_h), block_h, self.min_blocks, self.merge_h)


def alerts(flags: Flags, block_h: int, min_blocks: int = 1, merge_h: int = MERGE_H) -> list[list[int]]:
    """Return for each cow the block in which each alert is known, in order.

    Runs shorter than `min_blocks` do not count; an alert is known in the last block it needs. Runs are one
    alert if at most `merge_h` lie between the last block of one and the first of the next.
    """
    return [_alerts_of(row, block_h, min_blocks, merge_h) for row in flags]


def _alerts_of(row: Flags, block_h: int, min_blocks: int, merge_h: int) -> list[int]:
    edges = np.flatnonzero(np.diff(np.r_[0, row.astype(np.int8), 0]))
    known: list[int] = []
    last = -(10**9)
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - start < min_blocks:
            continue
        if (start - last) * block_h > merge_h:
            known.append(start + min_blocks - 1)
        last = end - 1
    return known


def activity_change(raw: Floats, block_h: int = 2) -> Floats:
    """Return an index like the "Activity Change" of SCR Heatime, from raw activity.

    Mean of the last 10 h against the same 10 h on the 9 days before: u = (now - mean) / (sd + 0.2 mean),
    then a bent line, at most 100. Fitted by us on bovheat-scr, the maker has not published it. Measured on
    herd B, blocks after the first 10 days: r = 0.963, N = 184 values >= 35 by the maker, 169 told, 192 told
    in all (12,008 blocks). Needs 4 days; from day 5 on r = 0.95.
    """
    return index_of(excess(raw, block_h))


def excess(raw: Floats, block_h: int = 2) -> Floats:
    """Return u of `activity_change`: the last 10 h against the 9 days before, before the line is bent."""
    now = trailing_mean(raw, _RECENT_H // block_h)
    mean, spread = _days_before(now, DAY_H // block_h, _HISTORY_DAYS, _HISTORY_MIN_DAYS)
    below = spread + _MEAN_SHARE * mean
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, (now - mean) / below, np.nan)


def index_of(over: Floats) -> Floats:
    """Bend u into the maker's index."""
    return np.interp(over, _FROM, _TO).astype(np.float64)


def excess_of(index: Floats) -> Floats:
    """Return u from the maker's index; what lies beyond the line's ends is its end."""
    return np.interp(index, _TO, _FROM).astype(np.float64)


def daily_excess(days: int) -> Callable[[Floats, int], Floats]:
    """Return a scorer: a day's activity against the cow's own mean of the `days` before, in their sd.

    BouMatic CowTrakker, as NZSAP 61:172 (2001) describes it. Known at the last block of a day; a day counts
    with three quarters of its blocks, history with two thirds of its days.
    """

    def score(activity: Floats, block_h: int) -> Floats:
        per_day = DAY_H // block_h
        by_day = activity.reshape(len(activity), -1, per_day)
        day = np.where(np.isfinite(by_day).mean(2) >= 0.75, _mean(by_day, 2), np.nan)
        mean, spread = _days_before(day, 1, days, max(2, -(-2 * days // 3)), ddof=1)
        told = np.full(by_day.shape, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            told[:, :, -1] = np.where(spread > 0, (day - mean) / spread, np.nan)
        return told.reshape(activity.shape)

    return score


def six_hours(activity: Floats, block_h: int) -> Floats:
    """Return the last 6 h against the same 6 h of yesterday and the day before, in what is usual for the cow.

    After DeLaval ALPRO (24 models, one for each hour, 6 h each). The filter's constants are not published:
    here the log ratio to the mean of both days, over 1.48 x its median size in the cow's own 10 days before
    (>= .08).
    """
    per_day = DAY_H // block_h
    now = trailing_mean(activity, _SIX_H // block_h)
    mean, _ = _days_before(now, per_day, 2, 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where((now > 0) & (mean > 0), np.log(now / mean), np.nan)
    usual = _usual_size(ratio, per_day, 10)
    return ratio / np.maximum(1.4826 * usual, 0.08)


def vendor_index(index: Floats, _block_h: int) -> Floats:
    """Return the maker's own index, where the file has it."""
    return index


RULES: tuple[Rule, ...] = (
    Rule("bovheat_35", activity_change, VENDOR_THRESHOLD),
    Rule("cowtrakker_3d_1sd", daily_excess(3), 1.0, daily=True),
    Rule("cowtrakker_3d_3sd", daily_excess(3), 3.0, daily=True),
    Rule("cowtrakker_10d_1sd", daily_excess(10), 1.0, daily=True),
    Rule("cowtrakker_10d_3sd", daily_excess(10), 3.0, daily=True),
    Rule("six_hours_two_days", six_hours, 3.0),
    Rule("collar_ar", activity_change, VENDOR_THRESHOLD),  # Kamphuis judged this make; days, not episodes
)


class Published(NamedTuple):
    """What was published of a rule, per cow and day. None: no figure, or not to be compared (`why_not`)."""

    rule: str
    sensitivity: float | None
    specificity: float | None
    source: str
    compare_sensitivity: bool
    compare_specificity: bool
    why_not: str = ""
    other_reading: float | None = None  # of the sensitivity, if the printed one cannot be

    @property
    def false_per_cow_year(self) -> float | None:
        """Return false alert days for each cow and year."""
        return None if self.specificity is None else (1.0 - self.specificity) * 365.0


_NZSAP = "Verkerk et al., Proc. NZSAP 61 (2001) 172-175, abstract"
_JDS = "Kamphuis et al., J. Dairy Sci. 95 (2012) 3045-3056, abstract"
_ORDER = (
    "as printed sensitivity rises with specificity, but whatever 3 sd tells 1 sd tells too: 12.3 < 46.9 (3 "
    "days) and 62.3 < 81.5 (10 days) cannot be. Nor are they PPV: at one heat in 21 days that needs a "
    "sensitivity of 2.0 and 1.5 for the two in the middle. Only the list read backwards contradicts "
    "nothing (other_reading): a guess"
)
_ONE_SD = (
    "; the specificity neither: of days that differ by chance alone 18 % lie 1 sd above the ten before, of "
    "real ones (bovheat-scr herd B) 17 %, not 4.6 %; exchanged with that of 3 days and 3 sd (chance 6 %, "
    "real 9 %) both would fit"
)
PUBLISHED: tuple[Published, ...] = (
    Published(
        "bovheat_35", None, None, "Plenio et al., Comput. Electron. Agric. 188 (2021) 106323", False, False,
        "validates the program against eyes on the same index; no progesterone, no daily figure",
    ),
    Published("cowtrakker_3d_1sd", 0.123, 0.671, _NZSAP, False, True, _ORDER, 0.815),
    Published("cowtrakker_3d_3sd", 0.469, 0.884, _NZSAP, False, True, _ORDER, 0.623),
    Published("cowtrakker_10d_1sd", 0.623, 0.954, _NZSAP, False, False, _ORDER + _ONE_SD, 0.469),
    Published("cowtrakker_10d_3sd", 0.815, 0.990, _NZSAP, False, True, _ORDER, 0.123),
    Published(
        "six_hours_two_days", None, None, "DeLaval ALPRO, maker's description", False, False,
        "no independent figure of sensitivity or specificity found; its threshold is not published",
    ),
    Published(
        "collar_ar", 0.769, 0.994, f"{_JDS}: activity of an activity and rumination collar; PPV .824, and "
        ".825"
        "from these figures with its 835 heats and 22,660 other days", True, True,
    ),
    Published("collar_ao", 0.624, 0.993, f"{_JDS}: activity collar; PPV .766", False, False,
              "the other collar's filter is not published and not built here"),
)  # fmt: skip


def trailing_mean(values: Floats, blocks: int) -> Floats:
    """Return the mean of each block and those before it, `blocks` in all; one of them may be missing."""
    ahead = np.full((len(values), blocks - 1), np.nan)
    windows = sliding_window_view(np.concatenate((ahead, values), axis=1), blocks, axis=1)
    enough = np.isfinite(windows).sum(2) >= max(1, blocks - 1)
    return np.where(enough, _mean(windows, 2), np.nan)


def _days_before(
    values: Floats, per_day: int, days: int, min_days: int, ddof: int = 0
) -> tuple[Floats, Floats]:
    """Return mean and sd of the same block on the days before; NaN with fewer than `min_days` of them."""
    before = _same_block_before(values, per_day, days)
    enough = np.isfinite(before).sum(2) >= min_days
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        spread = np.nanstd(before, axis=2, ddof=ddof)
    return np.where(enough, _mean(before, 2), np.nan), np.where(enough, spread, np.nan)


def _same_block_before(values: Floats, per_day: int, days: int) -> Floats:
    ahead = np.full((len(values), days * per_day), np.nan)
    padded = np.concatenate((ahead, values), axis=1)
    wide = values.shape[1]
    return np.stack([padded[:, k * per_day : k * per_day + wide] for k in range(days)], axis=2)


def _usual_size(values: Floats, per_day: int, days: int) -> Floats:
    """Return for each block the median size of all the cow's values in the days before its own."""
    usual = np.full(values.shape, np.nan)
    size = np.abs(values)
    for first in range(per_day, values.shape[1], per_day):
        past = size[:, max(0, first - days * per_day) : first]
        enough = np.isfinite(past).sum(1) >= 2 * per_day
        if enough.any():
            usual[enough, first : first + per_day] = np.nanmedian(past[enough], axis=1)[:, None]
    return usual


def _mean(values: Floats, axis: int) -> Floats:
    known = np.isfinite(values)
    count = known.sum(axis)
    total = np.where(known, values, 0.0).sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
