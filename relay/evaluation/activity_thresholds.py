"""Which threshold our scorer takes: never one that the judged cow's alerts had a say in.

Within one herd she still had a part in the herd's median, which the scores of her herdmates are less by.

It tells as often as the maker's threshold does on the same blocks of other cows; a threshold for raw
activity and one for the maker's index, because their scores are not the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from relay.evaluation import heat_activity
from relay.evaluation.activity import LOAD_DIM, common, in_rows, kind_of, vendor, within
from relay.evaluation.series import BLOCK_H, PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from relay.evaluation.series import Series

    Floats: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]

_FOLDS = 5
_GRID = np.round(np.geomspace(1.5, 40.0, 120), 3)
_SAME_COW_SHARE = 0.2


def chosen(
    judged: Sequence[Series], train: Sequence[Series] | None, seed: int
) -> list[dict[str, list[float]]]:
    """Return for each herd the thresholds of our scorer, one for each cow, chosen on other cows.

    At the alarm load of the maker's threshold on the same blocks: of all cows of `train`, or of the four
    fifths of the judged cows that a cow does not belong to. A cow of `train` that is also judged is left
    out.
    """
    if train is not None:
        others = [_loads(each, ~_same_cows(each, judged)) for each in train]
        limits = _limits(others)
        return [{kind: [limit] * len(each.cows) for kind, limit in limits.items()} for each in judged]
    random = np.random.default_rng((seed, 0xF01D))
    folds = [random.permutation(len(each.cows)) % _FOLDS for each in judged]
    made = [_loads(each, np.ones(len(each.cows), dtype=bool)) for each in judged]
    by_fold = [
        _limits([one.of(of != left_out) for one, of in zip(made, folds, strict=True)])
        for left_out in range(_FOLDS)
    ]
    return [
        {kind: [by_fold[number][kind] for number in fold] for kind in heat_activity.DEFAULT_THRESHOLDS}
        for fold in folds
    ]


def _limits(loads: Sequence[_Loads]) -> dict[str, float]:
    return {kind: _limit(kind, loads) for kind in heat_activity.DEFAULT_THRESHOLDS}


@dataclass(frozen=True, slots=True)
class _Loads:
    """By cow: the maker's alerts, and ours for every threshold of the grid."""

    kind: str
    vendor: Floats
    own: Floats  # (cows, thresholds)

    def of(self, cows: Flags) -> _Loads:
        return _Loads(self.kind, self.vendor[cows], self.own[cows])


def _loads(series: Series, cows: Flags) -> _Loads:
    kind = kind_of(series)
    score = heat_activity.score(kind, series.raw if kind == "raw" else series.chg, BLOCK_H)
    theirs = vendor(series)
    rows = common(series, score, theirs.score) & within(series, LOAD_DIM)
    own = np.array(
        [
            in_rows(heat_activity.heat_alerts(score, float(limit), BLOCK_H), rows)
            for limit in _GRID
        ]
    ).T  # fmt: skip
    return _Loads(kind, in_rows(theirs.alerts, rows)[cows], own[cows])


def _limit(kind: str, loads: Iterable[_Loads]) -> float:
    """Return the lowest threshold from which on upwards none tells more than the maker's.

    From above: far below it alerts run together and are fewer again.
    """
    each = [one for one in loads if one.kind == kind]
    theirs = sum(float(one.vendor.sum()) for one in each)
    if not theirs:  # nothing to go by
        return heat_activity.DEFAULT_THRESHOLDS[kind]
    more = np.flatnonzero(np.sum([one.own.sum(0) for one in each], axis=0) > theirs)
    lowest = int(more[-1]) + 1 if len(more) else 0
    return float(_GRID[min(lowest, len(_GRID) - 1)])


def _same_cows(train: Series, judged: Sequence[Series]) -> Flags:
    """Say which cows of `train` are judged too, whatever their names.

    That is: a fifth of the days of the shorter of two series is the same, in raw activity or in the index. A
    cow without a whole day counts as judged, since nobody can tell.
    """
    known = [prints for each in judged for cow in range(len(each.cows)) for prints in _prints(each, cow)]
    same = np.ones(len(train.cows), dtype=bool)
    for cow in range(len(train.cows)):
        own = _prints(train, cow)
        if any(own):
            same[cow] = any(_overlap(one, other) for one in own for other in known)
    return same


def _overlap(one: set[bytes], other: set[bytes]) -> bool:
    return len(one & other) >= max(1.0, _SAME_COW_SHARE * min(len(one), len(other)))


def _prints(series: Series, cow: int) -> tuple[set[bytes], set[bytes]]:
    """Return what tells a cow's days apart, of those with most of their blocks: raw activity, index."""
    raw, index = (_days(values[cow].reshape(-1, PER_DAY)) for values in (series.raw, series.chg))
    return raw, index


def _days(days: Floats) -> set[bytes]:
    full = (np.isfinite(days).mean(1) >= 0.8) & (np.std(np.nan_to_num(days), axis=1) > 0)
    return {np.nan_to_num(day, nan=-999.0).tobytes() for day in days[full]}


def trained_cows(train: Sequence[Series], judged: Sequence[Series]) -> tuple[int, int]:
    """Return how many cows of `train` were used, and how many left out as `_same_cows` says."""
    same = [_same_cows(each, judged) for each in train]
    return sum(int((~one).sum()) for one in same), sum(int(one.sum()) for one in same)
