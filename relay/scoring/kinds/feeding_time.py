"""A group eats or chews less than it did all week: new feed, late feed, an empty trough. One message a farm.

The middle cow's last 24 hours against the median of her last seven days (domain.md 2.2), for six hours in a
row. Eating: 15 % as published; rumination 11 %, chosen on herds whose rumination falls by 10 % when the feed
changes.

Evidence: eat_less_percent, ruminate_less_percent (negative: more), cows (in the group), one_of_them (animal
id, to tell which group), days_compared, trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring import baseline, drift, groupwise
from relay.scoring.findings import Found, Over
from relay.scoring.groups import middle
from relay.scoring.hours import start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

KIND = Kind("feeding_time", Tier.DIGEST, is_herd=True, useful_h=24, within_h=24)
VERSION = 1
State = groupwise.State
start = groupwise.start
_EAT_LESS, _RUMINATE_LESS = 0.15, 0.11
_DAYS = 7


class _Less(NamedTuple):
    """How much less a group takes, as shares."""

    eat: float
    ruminate: float
    cows: NDArray[np.intp]

    @property
    def size(self) -> float:
        """How much that is of what is told; 1 and more is low."""
        return max(self.eat / _EAT_LESS, self.ruminate / _RUMINATE_LESS)


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    less = _by_group(view)
    after = groupwise.step(
        state, view.number, [each.cows for each in less], [each.size >= 1 for each in less]
    )
    found: list[Found | Over] = []
    if after.found is not None:
        worst = max((less[at] for at in after.lasting), key=lambda each: each.size)
        found.append(Found(KIND.name, start_ms(after.found), view.at_ms, _evidence(view, worst)))
    if after.over is not None:
        found.append(Over(KIND.name, start_ms(after.over), view.at_ms))
    return after.state, found


def _by_group(view: View) -> list[_Less]:
    eat, ruminate = (_less(view, column) for column in (baseline.EAT, baseline.RUMINATE))
    known = np.isfinite(eat) & np.isfinite(ruminate) & ~view.cows.is_gone
    return [
        _Less(float(middle(eat[cows])), float(middle(ruminate[cows])), cows)
        for cows in groupwise.groups_of(known, view.group)
    ]


def _less(view: View, column: int) -> NDArray[np.floating]:
    usual = drift.usual_day(view, column, _DAYS)
    return 1 - view.day[:, column] / np.where(usual > 0, usual, np.nan)


def _evidence(view: View, worst: _Less) -> dict[str, Any]:
    eat, ruminate = 100 * worst.eat, 100 * worst.ruminate
    return {
        "eat_less_percent": round(eat),
        "ruminate_less_percent": round(ruminate),
        "cows": int(worst.cows.size),
        "one_of_them": view.animals[int(worst.cows[0])],
        "days_compared": _DAYS,
        "trace": [
            ["eat_less_percent", round(eat, 1), 100 * _EAT_LESS],
            ["ruminate_less_percent", round(ruminate, 1), 100 * _RUMINATE_LESS],
        ],
    }
