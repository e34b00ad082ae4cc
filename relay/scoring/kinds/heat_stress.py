"""A hot day: the index of heat and humidity makes cows suffer. One message a day, another if it gets severe.

Bounds of domain.md 2.2: 68 mild, 72 moderate (told), 80 severe (told again), 90 emergency (told again). What
the farm's weather says decides; without it nothing is told, because a day that is moderately hot takes about
20 of 470 minutes of rumination, less than days differ anyway. Cows that chew 15 % less than they usually do,
and less than chance makes them, are named in the evidence.

Evidence: thi, level (moderate, severe, emergency), stage (a level that is told again, else ""), suffering
(animal ids, who suffers most first), compared (cows whose rumination is known), trace.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring.baseline import FEATURES
from relay.scoring.findings import Found, Over
from relay.scoring.hours import start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

KIND = Kind("heat_stress", Tier.TIMELY, is_herd=True, useful_h=6, within_h=12)
VERSION = 1
_LEVELS = ("none", "mild", "moderate", "severe", "emergency")
_BOUNDS = (68, 72, 80, 90)
_MILD, _MODERATE, _SEVERE = 1, 2, 3
_COOL_H = 3  # so long below mild, and the hot day is over
_DAY_H = 21  # after so long it is the next hot day, however warm the night was
_CHEWS_LESS, _BEYOND_CHANCE = 0.15, 2.0  # share of what is usual (domain.md 2.2), and scales
_NAMED_MOST = 5
_NEVER = -1
_RUMINATE = list(FEATURES).index("ruminate")


class State(NamedTuple):
    """Of the farm, (1,): hour in which the day grew warm, and the level told; hours since, and below mild."""

    herd_onset: NDArray[np.int32]
    herd_level: NDArray[np.uint8]
    herd_told_h: NDArray[np.uint8]
    herd_cool_h: NDArray[np.uint8]


def start(_count: int) -> State:
    """Return the state of a farm of which nothing is known."""
    return _state(_NEVER, 0, 0, 0)


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour; one whose weather nobody tells only passes."""
    level = 0 if np.isnan(view.thi) else bisect_right(_BOUNDS, view.thi)
    onset, told, told_h, cool_h = (int(each[0]) for each in state)
    found: list[Found | Over] = []
    if told:
        told_h += 1
        cool_h = cool_h + 1 if level < _MILD else 0
        if cool_h >= _COOL_H or told_h >= _DAY_H:
            found.append(Over(KIND.name, start_ms(onset), view.at_ms))
            onset, told, told_h, cool_h = _NEVER, 0, 0, 0
    if not told and not np.isnan(view.thi):
        onset = _NEVER if level < _MILD else view.number if onset == _NEVER else onset
    if level >= (max(told + 1, _SEVERE) if told else _MODERATE):
        evidence = _evidence(view, level)
        found.append(Found(KIND.name, start_ms(onset), view.at_ms, evidence, is_update=told > 0))
        told = level
    return _state(onset, told, told_h, cool_h), found


def _state(onset: int, level: int, told_h: int, cool_h: int) -> State:
    small = (np.array([each], np.uint8) for each in (level, told_h, cool_h))
    return State(np.array([onset], np.int32), *small)


def _evidence(view: View, level: int) -> dict[str, Any]:
    less = 1 - view.told.value[:, _RUMINATE] / np.maximum(view.told.usual[:, _RUMINATE], 1e-6)
    suffers = (less >= _CHEWS_LESS) & (view.told.z[:, _RUMINATE] <= -_BEYOND_CHANCE) & ~view.cows.is_gone
    worst = sorted(np.flatnonzero(suffers).tolist(), key=lambda at: -less[at])[:_NAMED_MOST]
    return {
        "thi": round(view.thi),
        "level": _LEVELS[level],
        "stage": _LEVELS[level] if level >= _SEVERE else "",
        "suffering": [view.animals[at] for at in worst],
        "compared": int(np.isfinite(less).sum()),
        "trace": [["thi", round(view.thi, 1), _BOUNDS[level - 1]]],
    }
