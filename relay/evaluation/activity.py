"""Judge oestrus scorers on real series without a gold standard: load, return, calving day, injection.

Every scorer is judged on the blocks in which both it and the maker's index have a figure, so that the
difference from the maker's threshold is paired. Alerts per cow and 21 days: 20-200 days in milk. Intervals
between successive alerts of a cow: from 10 days in milk on, every day between with a figure; a true heat
returns after 18-24 days. Calving day: daily maximum of the score on the day against the days -10..-2, as an
AUC. Intervals of 95 % draw whole cows again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from relay.evaluation import heat_activity, injection, rules
from relay.evaluation.series import BLOCK_H, PER_DAY, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]

VENDOR, OURS = "vendor_35", "ours"
LOAD_DIM, CYCLE_DIM = (20.0, 200.0), 10.0
RETURN_DAYS = (18.0, 24.0)
CALVING_BEFORE = range(-10, -1)
PER_DAYS = 21.0
DRAWS = 1000
PASSES = 4
MIN_CALVING_BLOCKS = PER_DAY // 2


class Figure(NamedTuple):
    """A figure and its 95 % interval over cows; None where it cannot be measured."""

    value: float | None
    low: float | None
    high: float | None

    def as_json(self) -> dict[str, float | None]:
        """Return what stands in the JSON."""
        return {
            name: None if each is None else round(each, 4)
            for name, each in zip(("value", "low", "high"), self, strict=True)
        }


@dataclass(frozen=True, slots=True)
class Scored:
    """A scorer on one herd: its figure in each block, and what it tells.

    `lifted`: gives the alerts of the same scorer with episodes of these factors in the series; `plain`:
    what it gives without one. That is `alerts`, but where the maker's index is computed again from raw
    activity. `told`: (cows, blocks), above the threshold.
    """

    series: Series
    score: Floats
    alerts: list[list[int]]
    lifted: Callable[[Floats], list[list[int]]]
    plain: list[list[int]]
    told: Flags
    daily: bool = False


@dataclass(slots=True)
class CowSums:
    """What a scorer did, by cow; the rows of all arrays are the cows of all herds in order."""

    days: list[float] = field(default_factory=list)
    alerts: list[float] = field(default_factory=list)
    told_days: list[float] = field(default_factory=list)
    whole_days: list[float] = field(default_factory=list)
    gaps: list[list[float]] = field(default_factory=list)
    calved: list[list[float]] = field(default_factory=list)
    quiet: list[list[float]] = field(default_factory=list)
    found: list[list[tuple[int, bool]]] = field(default_factory=list)  # size's place, told


def vendor(series: Series) -> Scored:
    """Return the maker's threshold: on its own index, or on one computed from raw where the file has none."""
    again = rules.Rule(VENDOR, rules.activity_change, rules.VENDOR_THRESHOLD)
    if not series.has_index:
        return _ruled(series, again, "raw")
    own = _ruled(series, rules.Rule(VENDOR, rules.vendor_index, rules.VENDOR_THRESHOLD), "index")
    if not series.has_raw:
        return own
    from_raw = _ruled(series, again, "raw")
    return replace(own, lifted=from_raw.lifted, plain=from_raw.alerts)


def ours(series: Series, thresholds: Mapping[str, Sequence[float]]) -> Scored:
    """Return our heat alerts' measure of activity; `thresholds`: for "raw" and "index" one for each cow."""
    kind = kind_of(series)
    limit = np.asarray(thresholds[kind], dtype=np.float64)[:, None]

    def told(values: Floats) -> tuple[Floats, list[list[int]]]:
        score = heat_activity.score(kind, values, BLOCK_H)
        return score, heat_activity.heat_alerts(score, limit, BLOCK_H)

    values = series.raw if kind == "raw" else series.chg
    score, alerts = told(values)
    flags: Flags = score >= limit
    return Scored(series, score, alerts, lambda times: told(_lift(kind, values, times))[1], alerts, flags)


def kind_of(series: Series) -> str:
    """Say what our scorer takes: raw activity where there is some, the maker's index otherwise."""
    return "raw" if series.has_raw else "index"


def ruled(series: Series, rule: rules.Rule) -> Scored | None:
    """Return a published rule on raw activity, None where there is none."""
    return _ruled(series, rule, "raw") if series.has_raw else None


def _ruled(series: Series, rule: rules.Rule, kind: str) -> Scored:
    values = series.raw if kind == "raw" else series.chg
    alerts = rule.alerts(values, BLOCK_H)

    def lifted(times: Floats) -> list[list[int]]:
        return rule.alerts(_lift(kind, values, times), BLOCK_H)

    flags = rule.flags(values, BLOCK_H)
    return Scored(series, rule.score(values, BLOCK_H), alerts, lifted, alerts, flags, rule.daily)


def _lift(kind: str, values: Floats, times: Floats) -> Floats:
    if kind == "raw":
        return injection.lift_raw(values, times)
    return injection.lift_index(values, times, BLOCK_H)


def sums(
    scored: Sequence[Scored], beside: Sequence[Scored], chosen_places: Sequence[list[list[injection.Place]]]
) -> CowSums:
    """Add up what a scorer did on the blocks that it shares with `beside` (same herds, same order)."""
    total = CowSums()
    for one, other, placed in zip(scored, beside, chosen_places, strict=True):
        rows = common(one.series, one.score, other.score)
        _add_alerts(total, one, rows)
        _add_calvings(total, one, rows)
        _add_found(total, one, placed)
    return total


def _add_alerts(total: CowSums, one: Scored, rows: Flags) -> None:
    load = rows & within(one.series, LOAD_DIM)
    cycle = rows & (one.series.dim >= CYCLE_DIM)
    total.days += (load.sum(1) / PER_DAY).tolist()
    load, cycle = _spoken(one, load), _spoken(one, cycle)
    total.alerts += in_rows(one.alerts, load).tolist()
    total.told_days += _days(one.told & load).tolist()
    total.whole_days += _days(load & np.isfinite(one.score)).tolist()
    total.gaps += [_gaps(alerts, row) for alerts, row in zip(one.alerts, cycle, strict=True)]


def _spoken(one: Scored, rows: Flags) -> Flags:
    """Return where a figure counts: a daily rule's last block stands for the day, a row in it or not."""
    if not one.daily:
        return rows
    by_day = rows.reshape(len(rows), -1, PER_DAY).any(2)
    return np.repeat(by_day, PER_DAY, axis=1)


def _gaps(alerts: Sequence[int], rows: Flags) -> list[float]:
    """Return a cow's intervals in days: none over a day without rows, in which an alert could be missing."""
    seen = np.asarray(rows.reshape(-1, PER_DAY).any(axis=1))
    return [
        (last - first) / PER_DAY
        for first, last in pairwise(alerts)
        if rows[first] and rows[last] and seen[first // PER_DAY : last // PER_DAY + 1].all()
    ]


def _add_calvings(total: CowSums, one: Scored, rows: Flags) -> None:
    by_day = np.where(_spoken(one, rows), one.score, np.nan).reshape(len(rows), -1, PER_DAY)
    known = np.isfinite(by_day).sum(2)
    need = min(MIN_CALVING_BLOCKS, int(known.max(initial=0)))  # one figure a day is all that a daily rule has
    highest = np.where(known >= max(1, need), np.nan_to_num(by_day, nan=-np.inf).max(2), np.nan)
    calved: list[list[float]] = [[] for _ in rows]
    quiet: list[list[float]] = [[] for _ in rows]
    for cow, day in one.series.calvings:
        calved[cow] += _finite(highest[cow], [day])
        quiet[cow] += _finite(highest[cow], [day + back for back in CALVING_BEFORE])
    total.calved += calved
    total.quiet += quiet


def _add_found(total: CowSums, one: Scored, placed: list[list[injection.Place]]) -> None:
    told: list[list[tuple[int, bool]]] = [[] for _ in one.series.cows]
    for number, size in enumerate(injection.SIZES):
        for chosen_ in placed:
            if not chosen_:
                continue
            lifted = one.lifted(injection.factors(one.score.shape, chosen_, size, BLOCK_H))
            for place in chosen_:
                hit = injection.found(
                    place, lifted[place.cow], one.plain[place.cow], BLOCK_H, daily=one.daily
                )
                told[place.cow].append((number, hit))
    total.found += told


def placed_in(series: Series, theirs: Scored, seed: int) -> list[list[injection.Place]]:
    """Return where episodes go: the same for every scorer and size, away from the maker's alerts."""
    values = series.raw if series.has_raw else series.chg
    taken = [[block // PER_DAY for block in alerts] for alerts in theirs.alerts]
    for cow, day in series.calvings:
        taken[cow].append(day)
    may = injection.allowed_days(np.isfinite(values), taken, PER_DAY)
    return injection.places(may, PASSES, seed)


def within(series: Series, limits: tuple[float, float]) -> Flags:
    """Return (cows, blocks): days in milk in these limits."""
    flags: Flags = (series.dim >= limits[0]) & (series.dim <= limits[1])
    return flags


def common(series: Series, one: Floats, other: Floats) -> Flags:
    """Return the rows in which both have a figure; those of the whole day if one has at most one a day."""
    known = [np.isfinite(score).reshape(len(score), -1, PER_DAY) for score in (one, other)]
    if min(int(each.sum(2).max(initial=0)) for each in known) <= 1:
        known = [np.broadcast_to(each.any(2, keepdims=True), each.shape) for each in known]
    both: Flags = series.rows & (known[0] & known[1]).reshape(one.shape)
    return both


def _days(rows: Flags) -> Floats:
    """Return how many days of each cow have one of these blocks."""
    days: Floats = rows.reshape(len(rows), -1, PER_DAY).any(2).sum(1).astype(np.float64)
    return days


def in_rows(alerts: list[list[int]], rows: Flags) -> Floats:
    """Return for each cow how many of her alerts lie in these blocks."""
    return np.array(
        [float(sum(bool(row[block]) for block in each)) for each, row in zip(alerts, rows, strict=True)]
    )


def _finite(values: Floats, days: Sequence[int]) -> list[float]:
    return [float(values[day]) for day in days if 0 <= day < len(values) and np.isfinite(values[day])]
