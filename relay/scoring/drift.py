"""How far a cow has drifted from her own usual days, and what to make of it. Arrays by animal; pure.

The last 24 hours hold every hour of the day once, so they need no clock; a cow's own days and her herd-mates'
last 24 hours are what they are compared with. EWMA and CUSUM after domain.md 2.1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring import baseline, groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

    Singles = NDArray[np.float32]
    Floats = NDArray[np.floating]
    Flags = NDArray[np.bool_]

COMPARED = [baseline.MOTION, baseline.EAT, baseline.RUMINATE]  # a day with the usual one
_MIN_OTHERS = 5
_LOST_MG = 10  # mean motion of an hour: simulated cows stay above 14, a collar on the ground below 4
_KNOWN_MIN = 30
_DAYS_KEPT = 32  # medians: those of a few farms at a time
_MOST = 1.0  # of a logarithm: what is less than 37 % of usual says no more


class Change(NamedTuple):
    """`log` (n,): logarithm of her last 24 h by her usual day, NaN where too little is known.

    `mates` (n,): how many herd-mates' change was taken off.
    """

    log: Singles
    mates: NDArray[np.intp]

    def less_percent(self, at: int) -> int:
        """Return by how many percent an animal is below her usual, negative if above."""
        return round(100 * (1 - float(np.exp(self.log[at]))))


def day_change(view: View, column: int, days: int = 7, skip: int = 0) -> Change:
    """Compare the last 24 h with the median of `days` days before the newest `skip`, less herd-mates.

    `column`: one of COMPARED.
    """
    changes, mates = _day_changes(view, days, skip)
    at = COMPARED.index(column)
    return Change(changes[:, at], mates[:, at])


@lru_cache(maxsize=4)  # of an hour, every column is asked for
def _day_changes(view: View, days: int, skip: int) -> tuple[Singles, NDArray[np.intp]]:
    usual = _usual_days(groups.Same(view.usual.totals), days, skip)
    now = view.day[:, COMPARED]
    hers, mates = less_mates(np.log(np.maximum(now, 1) / np.maximum(usual, 1)), view.group)
    return np.minimum(np.maximum(hers, -_MOST), _MOST).astype(np.float32), mates


def usual_day(view: View, column: int, days: int = 7, skip: int = 0) -> Singles:
    """Return the median of the last whole `days` days (after `skip`); NaN with fewer than half of them.

    `column`: one of COMPARED. It changes at midnight only, so it is worked out once for all hours of a day.
    """
    return _usual_days(groups.Same(view.usual.totals), days, skip)[:, COMPARED.index(column)]


@lru_cache(maxsize=_DAYS_KEPT)
def _usual_days(totals: groups.Same, days: int, skip: int) -> Singles:
    usual = baseline.start(0)._replace(totals=totals.array)
    return np.stack([baseline.usual_day(usual, column, days, skip) for column in COMPARED], axis=1)


def less_mates(values: Floats, group: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """Return `values` (n,) or (n, k) less the median of the group, where 5 others are known, and how many."""
    out, mates = values.copy(), np.zeros(values.shape, np.intp)
    for mine in groups.places(group):
        hers = values[mine]
        known = np.isfinite(hers).sum(axis=0)
        enough = known > _MIN_OTHERS
        out[mine] = np.where(enough, hers - groups.middle(hers, known), hers)
        mates[mine] = np.where(enough, known - 1, 0)
    return out, mates


@lru_cache(maxsize=1)  # of an hour, several kinds ask it
def is_worn(view: View) -> Flags:
    """Return whose collar moved like a living cow's in every hour of the last day that has data."""
    covered, motion = (view.usual.ring[:, :, column] for column in (baseline.COVERED, baseline.MOTION))
    return np.asarray(~((covered >= _KNOWN_MIN) & (motion < _LOST_MG * covered)).any(axis=1))


def ewma(mean: Singles, value: Floats, weight: float | Floats) -> Singles:
    """Move a mean towards `value` by `weight` of the way; it stays where `value` is NaN."""
    return np.where(np.isfinite(value), mean + weight * (value - mean), mean).astype(np.float32)


def cusum(total: Singles, value: Floats, allowance: float, *, share: float = 1.0, most: float) -> Singles:
    """Add `share` of what `value` is above `allowance`: never below 0 nor above `most`; NaN adds nothing.

    One-sided (domain.md 2.1). `share` of a day makes it the same whether it is stepped by hours or by days.
    """
    more = value - allowance
    added = total + np.where(np.isnan(more), 0, more) * share
    return np.asarray(np.minimum(np.maximum(added, 0), most), np.float32)
