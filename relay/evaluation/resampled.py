"""Figures of a scorer with 95 % intervals: whole cows drawn again, the same draws for every scorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from relay.evaluation.activity import DRAWS, PER_DAYS, RETURN_DAYS, CowSums, Figure
from relay.evaluation.injection import SIZES

if TYPE_CHECKING:
    from collections.abc import Container

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

LEAST_COWS = 3  # one or two cows with a calving, drawn again, give an interval of no width
FIGURES = ("alerts_per_cow_21d", "share_18_24d", "intervals", "calving_auc", "told_day_share", "found")


def draws(cows: int, seed: int) -> Floats:
    """Return (1 + DRAWS, cows): how often each cow counts; the first row is every cow once."""
    random = np.random.default_rng((seed, 0xB007))
    again = (
        random.multinomial(cows, np.full(cows, 1.0 / cows), size=DRAWS) if cows > 1 else np.ones((0, cows))
    )
    return np.concatenate((np.ones((1, cows)), again)).astype(np.float64)


def values(sums: CowSums, drawn: Floats) -> dict[str, Floats]:
    """Return each of FIGURES in every draw; NaN where a draw has nothing to measure it on.

    A figure that fewer than LEAST_COWS have is given of all cows only, the first row.
    """
    inside = np.array([sum(RETURN_DAYS[0] <= gap <= RETURN_DAYS[1] for gap in each) for each in sums.gaps])
    gaps = np.array([len(each) for each in sums.gaps])
    return {
        "alerts_per_cow_21d": PER_DAYS * share(drawn, np.array(sums.alerts), np.array(sums.days)),
        "share_18_24d": share(drawn, inside, gaps),
        "intervals": _held(drawn @ gaps, len(gaps)),
        "calving_auc": _auc(sums, drawn),
        "told_day_share": share(drawn, np.array(sums.told_days), np.array(sums.whole_days)),
        "found": _found(sums, drawn, range(len(SIZES)))[0],
    }


def found_shares(sums: CowSums, drawn: Floats) -> tuple[list[Floats], list[int]]:
    """Return for each of SIZES the share of episodes found in every draw, and how many there were."""
    each = [_found(sums, drawn, (number,)) for number in range(len(SIZES))]
    return [shares for shares, _ in each], [count for _, count in each]


def _found(sums: CowSums, drawn: Floats, sizes: Container[int]) -> tuple[Floats, int]:
    of = np.array([sum(size in sizes for size, _ in each) for each in sums.found])
    hits = np.array([sum(hit for size, hit in each if size in sizes) for each in sums.found])
    return share(drawn, hits, of), int(of.sum())


def figure(drawn_values: Floats) -> Figure:
    """Return the figure of all cows and the interval of the draws; none where too few draws have one."""
    value = float(drawn_values[0])
    if not np.isfinite(value):
        return Figure(None, None, None)
    good = drawn_values[1:][np.isfinite(drawn_values[1:])]
    if len(good) < DRAWS // 2:
        return Figure(value, None, None)
    low, high = np.quantile(good, (0.025, 0.975))
    return Figure(value, float(low), float(high))


def share(drawn: Floats, over: Floats, under: Floats) -> Floats:
    """Return the ratio of what the cows have together, in every draw; `over`, `under`: one for each cow."""
    return _held(_ratio(drawn @ over, drawn @ under), int((under > 0).sum()))


def _held(drawn_values: Floats, cows: int) -> Floats:
    if cows < LEAST_COWS:
        drawn_values[1:] = np.nan
    return drawn_values


def _ratio(over: Floats, under: Floats) -> Floats:
    return np.where(under > 0, over / np.where(under > 0, under, 1.0), np.nan)


def _auc(sums: CowSums, drawn: Floats) -> Floats:
    """Return how often a calving day lies above a quiet one, ties half; a cow drawn twice counts twice."""
    calved = [cow for cow, each in enumerate(sums.calved) if each]
    quiet = [cow for cow, each in enumerate(sums.quiet) if each]
    if not calved or not quiet:
        return np.full(len(drawn), np.nan)
    above = np.array([[_above(sums.calved[one], sums.quiet[other]) for other in quiet] for one in calved])
    left, right = drawn[:, calved], drawn[:, quiet]
    pairs = (left @ np.array([len(sums.calved[cow]) for cow in calved])) * (
        right @ np.array([len(sums.quiet[cow]) for cow in quiet])
    )
    return _held(_ratio(((left @ above) * right).sum(1), pairs), min(len(calved), len(quiet)))


def _above(calved: list[float], quiet: list[float]) -> float:
    over = np.subtract.outer(np.array(calved), np.array(quiet))
    return float((over > 0).sum() + 0.5 * (over == 0).sum())
