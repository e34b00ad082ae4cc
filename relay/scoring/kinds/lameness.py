"""Walks, eats and moves less for a week than in the weeks before; her herd-mates do not: look at her feet.

Once a day: the median of her last 7 days against the 21 before them (domain.md 2.2), less what the herd does,
in units of how much cows of this herd differ. Of the signs of domain.md 2.2 these three tell lame cows of the
simulation best; lying bouts are not seen well enough at the neck. Five of seven such days make an alert.
Not before the days compared all lie in one lactation. Experimental: no label of a real cow is behind it.

Evidence: walk_less_percent, eat_less_percent, move_less_percent (negative: more), days (of the last seven),
days_compared, mates, trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring import baseline, episodes
from relay.scoring.findings import Found, Over
from relay.scoring.hours import start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

KIND = Kind("lameness", Tier.DIGEST, is_experimental=True, useful_h=72, within_h=48, learns=True)
VERSION = 1
THRESHOLD = 2.5
_SIGNS = {"walk": baseline.WALK, "eat": baseline.EAT, "move": baseline.MOTION}
_RECENT_D, _BEFORE_D = 7, 21
_DAYS_OF_WEEK = 5
_QUIET_D = 7
_REST_H = 28 * 24  # until then the lame days are among those compared with
_CALM_D = _RECENT_D + _BEFORE_D + 7  # days in milk: no comparison with the days around a calving
_MIN_MATES = 5
_MOST = 4.0
_NOT_HERS = np.log(0.4)  # who moves so much less has lost her collar, or her life
_FLOOR = 0.02


class State(NamedTuple):
    """`week` (n,): bit k is set if she showed it k days ago; `days` count in `episodes`, not hours."""

    week: NDArray[np.uint8]
    episodes: episodes.Episodes


class _Signs(NamedTuple):
    """`score` (n,): NaN where too little is known. `change` (n, 3): logarithm of recent by before."""

    score: NDArray[np.floating]
    change: NDArray[np.floating]
    mates: NDArray[np.intp]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    return State(np.zeros(count, np.uint8), episodes.start(count))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour; the last of a day (UTC) decides."""
    if view.number % baseline.DAY_H != baseline.DAY_H - 1:
        return state, []
    signs = _signs(view)
    known = np.isfinite(signs.score) & ~view.cows.is_gone & ~(view.cows.in_milk_d < _CALM_D)
    shows = known & (signs.score >= THRESHOLD + view.offset(KIND.name))
    week = ((state.week << 1) & ((1 << _RECENT_D) - 1) | shows).astype(np.uint8)
    days = np.unpackbits(week[:, None], axis=1).sum(axis=1)
    sure = shows & (days >= _DAYS_OF_WEEK)
    after = episodes.follow(
        state.episodes, view.number, shows, sure, quiet=_QUIET_D, rest=_REST_H, unknown=~known
    )
    found: list[Found | Over] = []
    for at in after.found.tolist():
        evidence = _evidence(signs, at, int(days[at]))
        onset_ms = start_ms(int(after.onset[at]))
        found.append(Found(KIND.name, onset_ms, view.at_ms, evidence, view.animals[at]))
    for at in after.over.tolist():
        onset_ms = start_ms(int(state.episodes.onset[at]))
        found.append(Over(KIND.name, onset_ms, view.at_ms, view.animals[at]))
    return State(week, after.episodes), found


def _signs(view: View) -> _Signs:
    change = np.stack([_change(view, column) for column in _SIGNS.values()], axis=1)
    score = np.full(len(change), np.nan)
    mates = np.zeros(len(change), np.intp)
    known = np.isfinite(change).all(axis=1) & (change > _NOT_HERS).all(axis=1) & ~view.cows.is_gone
    for each in np.unique(view.group):
        cows = np.flatnonzero(known & (view.group == each))
        if cows.size <= _MIN_MATES:
            continue
        away = change[cows] - np.median(change[cows], axis=0)
        scale = np.maximum(1.4826 * np.median(np.abs(away), axis=0), _FLOOR)
        score[cows] = -np.clip(away / scale, -_MOST, _MOST).sum(axis=1) / np.sqrt(len(_SIGNS))
        mates[cows] = cows.size - 1
    return _Signs(score, change, mates)


def _change(view: View, column: int) -> NDArray[np.floating]:
    recent = baseline.usual_day(view.usual, column, _RECENT_D)
    before = baseline.usual_day(view.usual, column, _BEFORE_D, _RECENT_D)
    return np.log(np.maximum(recent, 1) / np.maximum(before, 1))


def _evidence(signs: _Signs, at: int, days: int) -> dict[str, Any]:
    less = np.rint(100 * (1 - np.exp(signs.change[at]))).astype(int).tolist()
    return {
        **{f"{name}_less_percent": percent for name, percent in zip(_SIGNS, less, strict=True)},
        "days": days,
        "days_compared": _BEFORE_D,
        "mates": int(signs.mates[at]),
        "trace": [
            ["score", round(float(signs.score[at]), 1), THRESHOLD],
            ["days", days, _DAYS_OF_WEEK],
        ],
    }
