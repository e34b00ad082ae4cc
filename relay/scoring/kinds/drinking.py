"""A group is seen to drink far less than it did all week: look at the trough.

A visit to the water hardly fills the minute in which behaviour is told, and a cow's few minutes differ by
half from day to day; so only a group is judged, by the mean of its cows. What counts are the minutes told to
be neither rest, chewing, eating nor walking: drinking is among them, and so is licking. Half of the usual day
(ours) for six hours in a row. Experimental: domain.md 2.2 knows three recordings, and no farm has run dry for
us.

Evidence: water_less_percent, cows (in the group), one_of_them (animal id, to tell which group),
days_compared, trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring import groupwise
from relay.scoring.baseline import COVERAGE, DAY_H
from relay.scoring.findings import Found, Over
from relay.scoring.groups import middle
from relay.scoring.hours import HOUR_MIN, start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

KIND = Kind("drinking", Tier.DIGEST, is_experimental=True, is_herd=True, useful_h=24, within_h=24)
VERSION = 1
_LESS = 0.5
_DAYS = 7
_USUAL_MIN = 3.0  # a day and cow: with less there is nothing to fall


class State(NamedTuple):
    """`ring` (n, 24): such minutes of the last hours; `covered`: minutes with data.

    `days` (n, 7): such minutes of whole days to UTC midnight, newest first.
    """

    ring: NDArray[np.uint8]
    covered: NDArray[np.uint8]
    days: NDArray[np.float32]
    groups: groupwise.State


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    ring = np.zeros((count, DAY_H), np.uint8)
    return State(ring, ring.copy(), np.full((count, _DAYS), np.nan, np.float32), groupwise.start(count))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    slot = view.number % DAY_H
    ring, covered = state.ring.copy(), state.covered.copy()
    ring[:, slot] = view.rows["other_min"]
    covered[:, slot] = view.covered
    today = _day(ring, covered)
    known = np.isfinite(today) & np.isfinite(state.days).all(axis=1) & ~view.cows.is_gone
    groups = groupwise.groups_of(known, view.group)
    less = [_less(today[cows], state.days[cows]) for cows in groups]
    after = groupwise.step(state.groups, view.number, groups, [each >= _LESS for each in less])
    days = state.days
    if slot == DAY_H - 1:
        days = np.concatenate([today[:, None], state.days[:, :-1]], axis=1)
    found: list[Found | Over] = []
    if after.found is not None:
        at = max(after.lasting, key=lambda each: less[each])
        evidence = _evidence(view, groups[at], less[at])
        found.append(Found(KIND.name, start_ms(after.found), view.at_ms, evidence))
    if after.over is not None:
        found.append(Over(KIND.name, start_ms(after.over), view.at_ms))
    return State(ring, covered, days, after.state), found


def _day(ring: NDArray[np.uint8], covered: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return minutes of the last 24 h, made whole for what is missing; NaN where too much is."""
    minutes = covered.sum(axis=1, dtype=np.float32)
    whole = ring.sum(axis=1, dtype=np.float32) * (DAY_H * HOUR_MIN) / np.maximum(minutes, 1)
    return np.where(minutes >= COVERAGE * DAY_H * HOUR_MIN, whole, np.nan).astype(np.float32)


def _less(today: NDArray[np.float32], days: NDArray[np.float32]) -> float:
    """Return by which share a group's day is below the median of its week."""
    usual = float(middle(days.mean(axis=0)))
    return 1 - float(today.mean()) / usual if usual >= _USUAL_MIN else 0.0


def _evidence(view: View, cows: NDArray[np.intp], less: float) -> dict[str, Any]:
    return {
        "water_less_percent": round(100 * less),
        "cows": int(cows.size),
        "one_of_them": view.animals[int(cows[0])],
        "days_compared": _DAYS,
        "trace": [["water_less_percent", round(100 * less, 1), 100 * _LESS]],
    }
