"""What is usual for a cow at an hour, and how far the last hours are from it. Arrays by animal; pure.

Own baseline of every hour of the day (UTC), in a domain where noise adds (activity in logarithms, shares as
they are; "vigour": how much she moves beyond what she was told to be doing); a mean of about ten days held
against outliers; one scale for all hours (a scale of each hour is the trap of domain.md 2.1), halfway to the
herd's, because a cow's own is itself uncertain; what herd-mates do at the same time taken off; a new cow is
told by her group until she has days of her own. An hour is learned a day late and only if nothing was odd
within a day on either side of it. Hours of which less than half was seen are neither judged nor learned; what
says that she does less asks for 80 % (COVERAGE).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring import groups
from relay.scoring.hours import MOTION_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from relay.scoring.hours import Hours

    Singles = NDArray[np.float32]

DAY_H = 24
COLUMNS = ("covered", "motion", "eat", "ruminate", "walk", "changes", "quiet")
COVERED, MOTION, EAT, RUMINATE, WALK, CHANGES, QUIET = range(len(COLUMNS))
# A quarter below it is one of lying or standing still: the median minute of resting and chewing cows has 42
# to 71 mg, of eating ones over 200 (domain.md 6.5, herd.toml).
QUIET_MG = 60
# What a minute of any kind moves her, and one of eating or walking more than that, mg: medians over the
# virtual herd, whose windows are those of real cows (herd.toml). A cow's own are in her usual vigour.
_IDLE_MG, _EAT_MG, _WALK_MG = 70, 290, 220
# What herd-mates excuse, by feature: that she does less, and that she does more. Of her restlessness only
# more of it: a herd at rest makes nobody restless. When all eat, all eat: either way.
_EXCUSES_LESS = np.array([0, -np.inf, -np.inf, 0, 0, -np.inf, 0], np.float32)
_EXCUSES_MORE = np.array([np.inf, 0, np.inf, np.inf, np.inf, np.inf, np.inf], np.float32)
_FLOORS = np.array([0.08, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03], np.float32)
COVERAGE = 0.8  # of the minutes, for what says that she does less
_SEEN = 0.5  # for what is told of hours at all
KEPT_DAYS = 28
_MEAN_DAYS, _SCALE_HOURS = 10, 240
_COLD_DAYS, _GROUP_WEIGHT = 5, 3.0
_CLIP = 2.5  # an hour further off than this many scales moves the mean no more than one that far
_SCALE_OF_MEAN = 1.15 * 1.2533
_ODD, _ODD_DAYS_MOST = 3.0, 5
_MIN_OTHERS = 5


def _share(column: int) -> Callable[[Singles], NDArray[Any]]:
    """Return what gives a column's share of the minutes seen, from (n, COLUMNS) sums."""
    return lambda sums: sums[:, column] / np.maximum(sums[:, COVERED], 1)


def _activity(sums: Singles) -> NDArray[Any]:
    return np.asarray(np.log1p(_share(MOTION)(sums)))


def _vigour(sums: Singles) -> NDArray[Any]:
    """Return how much more she moves than what she was told to be doing moves a cow, as a logarithm."""
    expected = _IDLE_MG * sums[:, COVERED] + _EAT_MG * sums[:, EAT] + _WALK_MG * sums[:, WALK]
    return np.asarray(np.log((sums[:, MOTION] + _IDLE_MG) / (expected + _IDLE_MG)))


# What is judged: over how many hours, and how (in a domain where noise adds).
FEATURES: dict[str, tuple[int, Callable[[Singles], NDArray[Any]]]] = {
    "activity": (6, _activity),
    "ruminate": (8, _share(RUMINATE)),
    "eat": (6, _share(EAT)),
    "walk": (6, lambda sums: np.sqrt(_share(WALK)(sums))),
    "changes": (6, lambda sums: np.sqrt(_share(CHANGES)(sums))),
    "quiet": (6, _share(QUIET)),
    "vigour": (6, _vigour),
}


class Usual(NamedTuple):
    """The state. `ring` (n, 24, COLUMNS): sums of the last day's hours; `seen` (n, 24, FEATURES): its values.

    `mean` (n, 24, FEATURES) over `days` (n, 24) days; `scale` (n, FEATURES) over `scaled` (n,) hours.
    `totals` (n, KEPT_DAYS, COLUMNS): whole days to UTC midnight, newest first, NaN where too little is known.
    """

    ring: Singles
    seen: Singles
    mean: Singles
    days: NDArray[np.uint8]
    scale: Singles
    scaled: NDArray[np.uint16]
    totals: Singles
    odd: NDArray[np.int32]  # hours since the newest odd hour, up to a bound
    odd_run: NDArray[np.int32]  # odd hours less those that were not, since there were as many


class Told(NamedTuple):
    """How an hour stands against what is usual, by animal. NaN where too little is known.

    `value`, `usual` (n, FEATURES); `z`: in scales, own baseline; `z_herd`: less what herd-mates do.
    `known_days` (n,): days with this hour behind the baseline. `others` (n,): herd-mates compared with.
    """

    value: Singles
    usual: Singles
    z: Singles
    z_herd: Singles
    known_days: NDArray[np.uint8]
    others: NDArray[np.intp]


def start(count: int) -> Usual:
    """Return the state of animals of which nothing is known."""
    features = len(FEATURES)
    return Usual(
        np.zeros((count, DAY_H, len(COLUMNS)), np.float32),
        np.full((count, DAY_H, features), np.nan, np.float32),
        np.zeros((count, DAY_H, features), np.float32),
        np.zeros((count, DAY_H), np.uint8),
        np.zeros((count, features), np.float32),
        np.zeros(count, np.uint16),
        np.full((count, KEPT_DAYS, len(COLUMNS)), np.nan, np.float32),
        np.full(count, 1 << 20, np.int32),
        np.zeros(count, np.int32),
    )


def sums_of(rows: Hours) -> Singles:
    """Return (n, COLUMNS) of an hour's records."""
    covered = rows["covered_min"].astype(np.float32)
    motion = (rows["motion_8th_mg"] * covered).sum(axis=1) / MOTION_STEPS
    minutes = [rows[name].astype(np.float32) for name in ("eat_min", "ruminate_min", "walk_min", "changes")]
    quiet = np.where(rows["motion_8th_mg"] < QUIET_MG * MOTION_STEPS, covered, 0).sum(axis=1)
    return np.stack([covered.sum(axis=1), motion, *minutes, quiet], axis=1, dtype=np.float32)


def step(usual: Usual, number: int, rows: Hours, group: NDArray[np.intp]) -> tuple[Usual, Told]:
    """Take in hour `number` (since 1970, each once, none left out). `group` (n,): who lives with whom."""
    slot = number % DAY_H
    learned = _learned(usual, slot)
    ring = usual.ring.copy()
    ring[:, slot] = sums_of(rows)
    value = _values(ring, slot)
    usual_now, scale = _expected(learned, slot, group)
    z = (value - usual_now) / scale
    z_herd, others = _less_herd(z, group)
    seen = learned.seen.copy()
    seen[:, slot] = value
    odd = (np.abs(np.nan_to_num(z_herd[:, :2])) >= _ODD).any(axis=1)
    odd_run = np.where(odd, learned.odd_run + 1, np.maximum(learned.odd_run - 1, 0)).astype(np.int32)
    since = np.where(odd & (odd_run <= _ODD_DAYS_MOST * DAY_H), 0, np.minimum(learned.odd + 1, 1 << 20))
    totals = _with_day(learned.totals, ring) if slot == DAY_H - 1 else learned.totals
    after = learned._replace(ring=ring, seen=seen, totals=totals, odd=since.astype(np.int32), odd_run=odd_run)
    return after, Told(value, usual_now, z, z_herd, learned.days[:, slot], others)


def trailing(usual: Usual, number: int, column: int, hours: int) -> tuple[Singles, Singles]:
    """Return sum and covered minutes of a column over the last `hours` (to 24) up to hour `number`."""
    at = (number - np.arange(hours)) % DAY_H
    return usual.ring[:, at, column].sum(axis=1), usual.ring[:, at, COVERED].sum(axis=1)


def day_rate(usual: Usual, column: int) -> Singles:
    """Return a column's sum over the last 24 h, made whole for minutes that are missing; NaN below 80 %."""
    covered = usual.ring[:, :, COVERED].sum(axis=1)
    total = usual.ring[:, :, column].sum(axis=1) * (DAY_H * 60) / np.maximum(covered, 1)
    return np.where(covered >= COVERAGE * DAY_H * 60, total, np.nan).astype(np.float32)


def usual_day(usual: Usual, column: int, days: int = 7, skip: int = 0) -> Singles:
    """Return the median of a column's last whole `days` days (after `skip`); NaN with under half of them."""
    kept = usual.totals[:, skip : skip + days, column]
    known = np.isfinite(kept)
    ordered = np.sort(np.where(known, kept, np.inf), axis=1)
    count = known.sum(axis=1)
    low = np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 2)[:, None], 1)[:, 0]
    high = np.take_along_axis(ordered, (np.maximum(count, 1) // 2)[:, None], 1)[:, 0]
    return np.where(2 * count >= days, (low + np.where(np.isfinite(high), high, low)) / 2, np.nan).astype(
        np.float32
    )


def _values(ring: Singles, slot: int) -> Singles:
    out = np.empty((len(ring), len(FEATURES)), np.float32)
    sums_of_last = {
        hours: ring[:, (slot - np.arange(hours)) % DAY_H].sum(axis=1)
        for hours in {hours for hours, _ in FEATURES.values()}
    }
    for at, (hours, valued) in enumerate(FEATURES.values()):
        sums = sums_of_last[hours]
        out[:, at] = np.where(sums[:, COVERED] >= _SEEN * 60 * hours, valued(sums), np.nan)
    return out


def _learned(usual: Usual, slot: int) -> Usual:
    """Return the state with yesterday's value of this hour in it, where nothing was odd around it."""
    value = usual.seen[:, slot]
    take = np.isfinite(value).all(axis=1) & (usual.odd > 2 * DAY_H)
    if not take.any():
        return usual
    mean, days = usual.mean.copy(), usual.days.copy()
    count = np.minimum(days[:, slot] + 1, _MEAN_DAYS)
    away = np.nan_to_num(value) - mean[:, slot]
    has_scale = (usual.scaled >= DAY_H)[:, None]
    bound = np.where(
        has_scale & (days[:, slot] > 2)[:, None], _CLIP * np.maximum(usual.scale, _FLOORS), np.inf
    )
    moved = np.clip(away, -bound, bound) / count[:, None]
    mean[:, slot] += np.where(take[:, None], moved, 0)
    days[:, slot] = np.where(take, count, days[:, slot])
    old = take & (usual.days[:, slot] > 1)
    scaled = np.where(old, np.minimum(usual.scaled + 1, _SCALE_HOURS), usual.scaled).astype(np.uint16)
    size = np.minimum(np.abs(away) * _SCALE_OF_MEAN, bound * _SCALE_OF_MEAN)
    step_by = np.where(old[:, None], (size - usual.scale) / np.maximum(scaled, 1)[:, None], 0)
    return usual._replace(
        mean=mean, days=days, scale=(usual.scale + step_by).astype(np.float32), scaled=scaled
    )


def _expected(usual: Usual, slot: int, group: NDArray[np.intp]) -> tuple[Singles, Singles]:
    """Return what is usual now, and the scale; NaN where neither she nor her group tells."""
    days = usual.days[:, slot].astype(np.float32)
    own = usual.mean[:, slot]
    scale = np.maximum(usual.scale, _FLOORS)
    is_old = days >= _COLD_DAYS
    known = usual.scaled >= _COLD_DAYS * DAY_H
    out = np.where(is_old[:, None], own, np.nan).astype(np.float32)
    for mine in groups.places(group):
        mates, here = mine[is_old[mine]], mine[~is_old[mine]]
        if here.size and mates.size > _MIN_OTHERS:
            theirs = groups.middle(own[mates])
            n = days[here, None]
            out[here] = (n * own[here] + _GROUP_WEIGHT * theirs) / (n + _GROUP_WEIGHT)
        wise = mine[known[mine]]
        if wise.size > _MIN_OTHERS:
            middle = groups.middle(scale[wise])
            scale[mine] = np.where(known[mine, None], (scale[mine] + middle) / 2, 1.3 * middle)
    return out, scale.astype(np.float32)


def _less_herd(z: Singles, group: NDArray[np.intp]) -> tuple[Singles, NDArray[np.intp]]:
    """Take off the median of what herd-mates do, where five of them are known and it excuses her."""
    out = z.copy()
    others = np.zeros(len(z), np.intp)
    for mine in groups.places(group):
        known = mine[np.isfinite(z[mine]).all(axis=1)]
        count = known.size - 1
        others[mine] = np.maximum(count, 0)
        if count < _MIN_OTHERS:
            continue
        out[mine] -= np.clip(groups.middle(z[known]), _EXCUSES_LESS, _EXCUSES_MORE)
    return out, others


def _with_day(totals: Singles, ring: Singles) -> Singles:
    covered = ring[:, :, COVERED].sum(axis=1)
    whole = ring.sum(axis=1) * ((DAY_H * 60) / np.maximum(covered, 1))[:, None]
    newest = np.where((covered >= COVERAGE * DAY_H * 60)[:, None], whole, np.nan)
    return np.concatenate([newest[:, None], totals[:, :-1]], axis=1).astype(np.float32)
