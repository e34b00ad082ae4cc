"""Calving: watch her tonight; and later, if it shows, that labour has begun. Never a countdown.

Only for cows whose due date lies from 10 days back to 14 ahead (domain.md 2.2). Score (ours): the log odds
that the calf comes within 12 hours, by logistic regression on virtual cows; published sizes are in
domain.md 2.2 (rumination -27 %, feeding time -57 % in the last 6 h). It weighs, each against herd-mates:
  9.5 x how much less she chews in 24 h than in her last 7 days, in logarithms
  7.0 x how much less she eats, likewise
  21 x how much less of the last 12 h she eats than she usually does then, as a share of time
  6.5 x how much more often she changes what she does in these 12 h, in logarithms
and 1.6 x how near the due date is, as a normal curve of births about it has it. A watch takes two such hours
and lasts for a night; a new one may follow. Labour is a score few other hours reach: half of all births show
none, so silence says nothing.

Evidence: stage (watch, labour; tier "urgent" with labour), chew_less_percent, eat_less_percent (24 h),
changes_more_percent (12 h), due_days (negative: overdue), days_compared, mates, trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring import baseline, drift
from relay.scoring.findings import Found, Over
from relay.scoring.hours import HOUR_MIN, start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.drift import Change
    from relay.scoring.view import View

    Floats = NDArray[np.floating]
    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int32]

KIND = Kind("calving", Tier.TIMELY, useful_h=12, within_h=6, learns=True)
VERSION = 1
THRESHOLD = 0.0
LABOUR = 2.3
_BIAS = -4.35
_CHEW, _EAT, _EAT_SHARE, _CHANGES, _DUE = 9.5, 7.0, 21.0, 6.5, 1.6
_DUE_SD_D = 5.5  # of births about the date that was reckoned
_DAYS = 7
_AHEAD_D, _OVERDUE_D = 14.0, -10.0
_RUN = 2
_NIGHT_H = 20
_LAG_H = 6  # the baseline's blocks of eating and of changes are 6 h long: two make 12 h
_FEW = 0.005  # changes a minute: one in three hours
_EAT_FEATURE, _CHANGES_FEATURE = (list(baseline.FEATURES).index(name) for name in ("eat", "changes"))
_NEVER = -1


class State(NamedTuple):
    """`run`: hours in a row with a score. `onset`, `told`: when the open watch began and was told, or -1.

    `is_labour`: that was told too.
    """

    run: NDArray[np.uint8]
    onset: Numbers
    told: Numbers
    is_labour: Flags


class _Signs(NamedTuple):
    """By animal: `score` NaN where too little is known, or no calf is due; `changes` of 12 h, a logarithm."""

    chew: Change
    eat: Change
    changes: Floats
    score: Floats


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    never = np.full(count, _NEVER, np.int32)
    return State(np.zeros(count, np.uint8), never, never.copy(), np.zeros(count, np.bool_))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    signs = _signs(view)
    threshold = np.minimum(THRESHOLD + view.offset(KIND.name), LABOUR)  # nobody unlearns labour
    shows = signs.score >= threshold  # false where it is NaN
    run = np.where(shows, np.minimum(state.run + 1, 255), 0).astype(np.uint8)
    is_open = state.told != _NEVER
    over = is_open & ((view.number - state.told >= _NIGHT_H) | np.isnan(view.cows.to_due_d))
    found = ~is_open & (run >= _RUN)
    labour = (signs.score >= LABOUR) & (found | (is_open & ~over)) & ~state.is_labour
    onset = np.where(found, view.number - run.astype(np.int32) + 1, state.onset)
    out: list[Found | Over] = [
        Over(KIND.name, start_ms(int(onset[at])), view.at_ms, view.animals[at])
        for at in np.flatnonzero(over).tolist()
    ]
    for at in np.flatnonzero(found | labour).tolist():
        bound = LABOUR if labour[at] else float(threshold[at])
        evidence = _evidence(signs, view, at, bound, int(run[at]))
        onset_ms = start_ms(int(onset[at]))
        out.append(
            Found(KIND.name, onset_ms, view.at_ms, evidence, view.animals[at], is_update=not bool(found[at]))
        )
    told = np.where(found, view.number, np.where(over, _NEVER, state.told))
    return State(
        np.where(over, 0, run).astype(np.uint8),
        np.where(over, _NEVER, onset).astype(np.int32),
        told.astype(np.int32),
        (state.is_labour | labour) & ~over,
    ), out


def _signs(view: View) -> _Signs:
    cows = view.cows
    chew = drift.day_change(view, baseline.RUMINATE, _DAYS)
    eat = drift.day_change(view, baseline.EAT, _DAYS)
    ate, usually = _half_day(view, _EAT_FEATURE)
    now, usual = _half_day(view, _CHANGES_FEATURE, power=2)  # the baseline holds their root
    more = np.stack((ate - usually, np.log((now + _FEW) / (usual + _FEW))), axis=1)
    share, changes = drift.less_mates(more, view.group)[0].T
    due = cows.to_due_d
    near = -((due / _DUE_SD_D) ** 2) / 2
    score = _BIAS - _CHEW * chew.log - _EAT * eat.log - _EAT_SHARE * share + _CHANGES * changes + _DUE * near
    seen = baseline.trailing(view.usual, view.number, baseline.COVERED, _LAG_H)[1]
    able = (due <= _AHEAD_D) & (due >= _OVERDUE_D) & ~cows.is_gone & drift.is_worn(view)
    able &= seen >= baseline.COVERAGE * HOUR_MIN * _LAG_H
    return _Signs(chew, eat, changes, np.where(able, score, np.nan))


def _half_day(view: View, feature: int, power: int = 1) -> tuple[Floats, Floats]:
    """Return a feature's mean (of its `power`) over the last 12 h, and what is usual then."""
    slot = (view.number - _LAG_H) % baseline.DAY_H
    before = view.usual.seen[:, slot, feature]
    usual_before = np.where(view.usual.days[:, slot] > 0, view.usual.mean[:, slot, feature], np.nan)
    now, usual = view.told.value[:, feature], view.told.usual[:, feature]
    return (now**power + before**power) / 2, (usual**power + usual_before**power) / 2


def _evidence(signs: _Signs, view: View, at: int, bound: float, run: int) -> dict[str, Any]:
    is_labour = bound >= LABOUR
    stage = {"stage": "labour", "tier": Tier.URGENT.value} if is_labour else {"stage": "watch"}
    return {
        **stage,
        "chew_less_percent": signs.chew.less_percent(at),
        "eat_less_percent": signs.eat.less_percent(at),
        "changes_more_percent": round(100 * (float(np.exp(signs.changes[at])) - 1)),
        "due_days": round(float(view.cows.to_due_d[at])),
        "days_compared": _DAYS,
        "mates": int(signs.chew.mates[at]),
        "trace": [
            ["score", round(float(signs.score[at]), 1), round(bound, 1)],
            ["hours in a row", run, _RUN],
        ],
    }
