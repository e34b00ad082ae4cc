"""Injection and recovery: heats of known size put into real series, and how many of them are told.

An episode multiplies activity: up in 2 h, as many times as its size says, down in 2 h; it lasts as
it is published (median 8.1 h in cows, log-normal). Where a file has only the maker's index of change,
the same episode is put on that scale through what was measured on herd B of bovheat-scr (`lift_index`).
Everything else of the series stays: its noise, its gaps, its real heats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from relay.evaluation.rules import DAY_H, excess_of, index_of, trailing_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

SIZES = (1.2, 1.3, 1.5, 1.8, 2.2, 3.0, 4.0)
FOUND_FROM_H, FOUND_TO_H = -4, 12  # an alert this near the onset has found the heat
_LENGTH_MEDIAN_H, _LENGTH_SIGMA, _LENGTH_H = 8.1, 0.35, (4.0, 20.0)
_RISE_H = 2.0
_HISTORY_DAYS, _AFTER_DAYS = 10, 1
_APART_DAYS = 2  # from real alerts and calvings
_RECENT_H = 10
# sd / mean + 0.2 of the last 10 h at the same hour on the 9 days before: median of herd B, bovheat-scr.
_BELOW = 0.31


@dataclass(frozen=True, slots=True)
class Place:
    """An episode: whose, from when (hours since the first midnight), how long."""

    cow: int
    onset_h: float
    length_h: float


def places(allowed: NDArray[np.bool_], passes: int, seed: int) -> list[list[Place]]:
    """Return `passes` lists of episodes, at most one for each cow in a list, at random times.

    `allowed`: (cows, days) in which an episode may begin. One seed, the same places.
    """
    random = np.random.default_rng((seed, 0x1EA7))
    drawn: list[list[Place]] = [[] for _ in range(passes)]
    for cow, row in enumerate(allowed):
        days = np.flatnonzero(row)
        onsets = random.integers(0, max(1, len(days)), passes), random.uniform(0.0, DAY_H, passes)
        lengths = np.exp(random.normal(np.log(_LENGTH_MEDIAN_H), _LENGTH_SIGMA, passes)).clip(*_LENGTH_H)
        if not len(days):
            continue
        for each, day, hour, length in zip(drawn, onsets[0], onsets[1], lengths, strict=True):
            each.append(Place(cow, float(days[day] * DAY_H + hour), float(length)))
    return drawn


def allowed_days(known: NDArray[np.bool_], taken: Sequence[Sequence[int]], per_day: int) -> NDArray[np.bool_]:
    """Return (cows, days) in which an episode may begin.

    `known`: (cows, blocks) with a value: ten days before must have most of theirs, the day and the next
    nearly all. `taken`: each cow's days of real alerts and calvings, from which an episode keeps two days.
    """
    days = known.reshape(len(known), -1, per_day).mean(2)
    may = np.zeros(days.shape, dtype=bool)
    for day in range(_HISTORY_DAYS, days.shape[1] - _AFTER_DAYS):
        before = (days[:, day - _HISTORY_DAYS : day] >= 0.75).mean(1) >= 0.8
        may[:, day] = before & (days[:, day : day + _AFTER_DAYS + 1] >= 0.75).all(1)
    for cow, each in enumerate(taken):
        for day in each:
            may[cow, max(0, day - _APART_DAYS) : max(0, day + _APART_DAYS + 1)] = False
    return may


def factors(shape: tuple[int, int], chosen: Sequence[Place], size: float, block_h: int) -> Floats:
    """Return (cows, blocks): how many times the activity, the mean over each block of the trapezoid."""
    times = np.ones(shape)
    fine = 12  # steps in an hour
    for place in chosen:
        first = int(place.onset_h // block_h)
        last = min(shape[1], int((place.onset_h + place.length_h) // block_h) + 1)
        at = (np.arange((last - first) * block_h * fine) + 0.5) / fine + first * block_h - place.onset_h
        rise = np.minimum(np.clip(at, 0, _RISE_H), np.clip(place.length_h - at, 0, _RISE_H)) / _RISE_H
        times[place.cow, first:last] = 1.0 + (size - 1.0) * rise.reshape(last - first, -1).mean(1)
    return times


def lift_raw(raw: Floats, times: Floats) -> Floats:
    """Return raw activity with the episodes in it, in whole counts where it is lifted."""
    return np.where(times == 1.0, raw, np.rint(raw * times))


def lift_index(index: Floats, times: Floats, block_h: int) -> Floats:
    """Return the maker's index as it would be: its 10 h are lifted by the mean factor of these hours."""
    mean = trailing_mean(times, _RECENT_H // block_h)
    mean = np.where(np.isfinite(mean), mean, 1.0)
    lifted = (mean * (1.0 + _BELOW * excess_of(index)) - 1.0) / _BELOW
    return np.where(mean == 1.0, index, index_of(lifted))


def times_of_index(index: Floats) -> Floats:
    """Return how many times the usual activity of these 10 h an index stands for; at least a twentieth."""
    return np.maximum(1.0 + _BELOW * excess_of(index), 0.05)


def found(
    place: Place, lifted: Sequence[int], before: Sequence[int], block_h: int, *, daily: bool = False
) -> bool:
    """Say whether an alert lies near the onset that is not there without the episode.

    `lifted`, `before`: the cow's alerts (block in which each is known) with and without it; an alert stands
    at the end of its block. `daily`: the rule speaks at midnights, and has until the next one.
    """
    low, high = place.onset_h + FOUND_FROM_H, place.onset_h + FOUND_TO_H
    if daily:
        high = math.ceil(high / DAY_H) * DAY_H

    def near(alerts: Sequence[int]) -> bool:
        return any(low <= (block + 1) * block_h <= high for block in alerts)

    return near(lifted) and not near(before)
