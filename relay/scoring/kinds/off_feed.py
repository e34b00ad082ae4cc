"""Off feed: chews, eats and moves less than on her usual days, and her herd-mates do not.

Score (ours): 16, 7 and 8 times the logarithms by which her last 24 h of rumination, eating and motion lie
below the median of 7 whole days (two days back, so that what creeps in is not among them), less what
the herd does. The weights are those of a logistic regression on virtual cows, rounded; motion is in it
mostly because a cow in heat chews less too, but moves more. Of chewing no more than a third counts: without
less eating or moving it is rather the box that did not see it. Averaged over two hours or so. An alert is:
  fall   the score reaches THRESHOLD (chews and eats some 30 % less)
  slow   less than that for days: CUSUM of the score (domain.md 2.1); virtual cows hardly ever need it
  acute  R < 10 min in 8 h and E < 10 min in 6 h, at a time when she usually eats (domain.md 2.2); urgent
The health index of domain.md 2.2 is told beside it. Silent around calving, when every cow eats less, and on
a collar that lies on the ground. What it says of a cow it says of mastitis too.

Evidence: stage (fall, slow, acute; tier "urgent" with acute), chew_less_percent, eat_less_percent,
move_less_percent (negative: more), health_index, days_compared, mates, chewed_min (8 h) and ate_min (6 h)
with acute, trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring import baseline, drift, episodes
from relay.scoring.findings import Found, Over
from relay.scoring.hours import HOUR_MIN, start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.drift import Change
    from relay.scoring.view import View

    Floats = NDArray[np.floating]
    Flags = NDArray[np.bool_]

KIND = Kind("off_feed", Tier.TIMELY, useful_h=48, within_h=24, learns=True)
VERSION = 1
THRESHOLD = 7.8
_WEIGHTS = {"chew": 16.0, "eat": 7.0, "move": 8.0}
_CHEW_MOST = 6.0  # a third less: chewing alone does not make it, a box that swings hides it too
_COLUMNS = {"chew": baseline.RUMINATE, "eat": baseline.EAT, "move": baseline.MOTION}
_HEALTH = {"chew": 0.6, "eat": 0.25, "move": 0.15}
_HEALTH_FREE = 0.1
_DAYS, _SKIP_D = 7, 2
_SMOOTH = 0.5  # EWMA weight of an hour
_ALLOWANCE, _SLOW, _SLOW_MOST = 4.0, 8.0, 12.0  # CUSUM, score x days
_SIGN = 0.5  # of the threshold: an episode begins there and lasts till then
_QUIET_H = 12
_ACUTE_MIN, _CHEW_H, _EAT_H = 10, 8, 6
_USUALLY_EATS_MIN = 30
_BEFORE_BIRTH_D, _OVERDUE_D, _AFTER_BIRTH_D = 7.0, -12.0, 1.5
_EAT_FEATURE = list(baseline.FEATURES).index("eat")


class State(NamedTuple):
    """`level`: score, averaged over hours. `slow`: its CUSUM. `is_acute`: told to be, in the open episode."""

    episodes: episodes.Episodes
    level: NDArray[np.float32]
    slow: NDArray[np.float32]
    is_acute: Flags


class _Signs(NamedTuple):
    """By animal. `score`: NaN where too little is known. `chewed`, `ate`: minutes of 8 h and 6 h."""

    changes: dict[str, Change]
    score: Floats
    is_acute: Flags
    chewed: Floats
    ate: Floats


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    zero = np.zeros(count, np.float32)
    return State(episodes.start(count), zero, zero.copy(), np.zeros(count, np.bool_))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    signs, able = _signs(view), _eligible(view)
    known = able & (np.isfinite(signs.score) | signs.is_acute)
    level = np.where(able, drift.ewma(state.level, signs.score, _SMOOTH), 0).astype(np.float32)
    slow = drift.cusum(state.slow, signs.score, _ALLOWANCE, share=1 / baseline.DAY_H, most=_SLOW_MOST)
    slow = np.where(able, slow, 0).astype(np.float32)
    threshold = THRESHOLD + view.offset(KIND.name)
    is_acute = signs.is_acute & able
    fires = (level >= threshold) | (slow >= _SLOW + threshold - THRESHOLD) | is_acute
    sign = (level >= _SIGN * threshold) & np.isfinite(signs.score)
    after = episodes.follow(state.episodes, view.number, sign, fires, quiet=_QUIET_H, unknown=~known)
    worse = is_acute & after.episodes.told & ~state.is_acute
    found = _found(after, worse, signs, level, slow, view)
    for at in after.over.tolist():
        onset_ms = start_ms(int(state.episodes.onset[at]))
        found.append(Over(KIND.name, onset_ms, view.at_ms, view.animals[at]))
        slow[at] = 0
    return State(after.episodes, level, slow, (state.is_acute | worse) & after.episodes.told), found


def _signs(view: View) -> _Signs:
    changes = {name: drift.day_change(view, column, _DAYS, _SKIP_D) for name, column in _COLUMNS.items()}
    parts = {name: -weight * changes[name].log for name, weight in _WEIGHTS.items()}
    score = np.minimum(parts["chew"], _CHEW_MOST) + parts["eat"] + parts["move"]
    chewed, chewed_of = baseline.trailing(view.usual, view.number, baseline.RUMINATE, _CHEW_H)
    ate, ate_of = baseline.trailing(view.usual, view.number, baseline.EAT, _EAT_H)
    seen = (chewed_of >= baseline.COVERAGE * HOUR_MIN * _CHEW_H) & (
        ate_of >= baseline.COVERAGE * HOUR_MIN * _EAT_H
    )
    usually = view.told.usual[:, _EAT_FEATURE] * HOUR_MIN * _EAT_H >= _USUALLY_EATS_MIN
    is_acute = seen & usually & (chewed < _ACUTE_MIN) & (ate < _ACUTE_MIN)
    return _Signs(changes, np.asarray(score), is_acute, chewed, ate)


def _eligible(view: View) -> Flags:
    cows = view.cows
    near = (cows.to_due_d <= _BEFORE_BIRTH_D) & (cows.to_due_d >= _OVERDUE_D)
    return np.asarray(~(cows.is_gone | near | (cows.in_milk_d < _AFTER_BIRTH_D)) & drift.is_worn(view))


def _found(
    after: episodes.Followed, worse: Flags, signs: _Signs, level: Floats, slow: Floats, view: View
) -> list[Found | Over]:
    out: list[Found | Over] = []
    new = np.zeros(len(level), np.bool_)
    new[after.found] = True
    for at in np.flatnonzero(new | worse).tolist():
        stage = "acute" if worse[at] else "slow" if slow[at] >= _SLOW else "fall"
        evidence = _evidence(signs, at, stage)
        bound = THRESHOLD + float(view.offset(KIND.name)[at])
        evidence["trace"] = [
            ["score", round(float(level[at]), 1), round(bound, 1)],
            ["score x days", round(float(slow[at]), 1), _SLOW],
        ]
        onset_ms = start_ms(int(after.onset[at]))
        out.append(
            Found(KIND.name, onset_ms, view.at_ms, evidence, view.animals[at], is_update=not bool(new[at]))
        )
    return out


def _evidence(signs: _Signs, at: int, stage: str) -> dict[str, Any]:
    told: dict[str, Any] = {"stage": stage}
    if stage == "acute":
        told |= {"tier": Tier.URGENT.value}
        told |= {"chewed_min": round(float(signs.chewed[at])), "ate_min": round(float(signs.ate[at]))}
    if np.isfinite(signs.score[at]):
        less = {name: change.less_percent(at) for name, change in signs.changes.items()}
        told |= {f"{name}_less_percent": percent for name, percent in less.items()}
        told["health_index"] = health_index(less)
    return told | {"days_compared": _DAYS, "mates": int(signs.changes["chew"].mates[at])}


def health_index(less_percent: dict[str, int]) -> int:
    """Return 100 less the weighted deficits beyond 10 % of "chew", "eat" and "move" (domain.md 2.2)."""
    lost = sum(weight * max(less_percent[name] / 100 - _HEALTH_FREE, 0) for name, weight in _HEALTH.items())
    return round(100 - 100 * lost)
