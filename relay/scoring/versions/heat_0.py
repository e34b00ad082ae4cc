"""Heat by the rule of domain.md 2.2 as it stands there: what the live scorer has to be better than.

Activity of 6 h and rumination of 8 h against her own same hours, less what the herd does, and a little for
the cycle; 4 for two hours in a row.

Evidence: trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring import baseline, episodes
from relay.scoring.findings import Found, Over
from relay.scoring.hours import start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

KIND = Kind("heat", Tier.TIMELY)
VERSION = 0
_THRESHOLD, _SIGN = 4.0, 1.5
_MILK_FROM_D = 20
_ACTIVITY, _RUMINATE = (list(baseline.FEATURES).index(name) for name in ("activity", "ruminate"))


class State(NamedTuple):
    """`last` (n,): hour in which the last heat began."""

    episodes: episodes.Episodes
    last: NDArray[np.int32]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    return State(episodes.start(count), np.full(count, episodes.NEVER, np.int32))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    score = _score(view, state.last)
    cows = view.cows
    able = ~(cows.is_pregnant | cows.is_gone) & ~(cows.in_milk_d < _MILK_FROM_D)
    after = episodes.follow(
        state.episodes, view.number, able & (score >= _SIGN), able & (score >= _THRESHOLD), run=2, quiet=6
    )
    last = state.last.copy()
    last[after.found] = after.onset[after.found]
    found: list[Found | Over] = []
    for at in after.found.tolist():
        evidence = {"trace": [["score", round(float(score[at]), 1), _THRESHOLD]]}
        onset_ms = start_ms(int(after.onset[at]))
        found.append(Found(KIND.name, onset_ms, view.at_ms, evidence, view.animals[at]))
    return State(after.episodes, last), found


def _score(view: View, last: NDArray[np.int32]) -> NDArray[np.floating]:
    z = view.told.z_herd
    score = 0.8 * z[:, _ACTIVITY] + 0.8 * np.clip(-z[:, _RUMINATE], -1, 4)
    days = np.where(last != episodes.NEVER, (view.number - last) / 24, np.nan)
    is_due = (days >= 18) & (days <= 24)
    is_early = (days < 16) | ((days >= 26) & (days <= 36))
    cycle = np.where(is_due, 0.7, 0.0) - np.where(is_early, 0.7, 0.0)
    whole: NDArray[np.floating] = score + cycle
    return whole
