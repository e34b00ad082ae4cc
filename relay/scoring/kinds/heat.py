"""In heat: moves more than what she does would move her, walks more and chews less; her herd-mates do not.

Score, hour by hour, of the last 6 h (rumination: 8 h) against her own same hours, less what the herd does
(baseline.py): vigour + walking + quiet quarters + activity - rumination, each in scales of its own, and a
little for the cycle: 17 to 25 days after her last heat or insemination it is likelier, before that and until
35 days unlikely. Vigour takes off what she moves because she eats: at pasture that is most of it; quiet
quarters tell bouts of restlessness from a day that is livelier throughout. The weights are those of a
logistic regression on virtual cows in barn and pasture (seeds that no benchmark judges), scaled so that the
threshold is about 4, as in domain.md 2.2; the cycle is held back, because a heat that was told wrongly would
hide the next (domain.md 2.3, "a strong prior costs more than it gives"). Not before 25 days in milk, nor once
she is known to be pregnant.

Evidence: activity_ratio, eat_more_percent, chew_less_percent, since_heat_days, since_insemination_days,
days_compared, mates, strength, trace.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring import baseline, episodes
from relay.scoring.findings import Found, Over
from relay.scoring.hours import start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

    Floats = NDArray[np.floating]
    Flags = NDArray[np.bool_]

KIND = Kind("heat", Tier.TIMELY, useful_h=20, within_h=72, learns=True)
VERSION = 1

THRESHOLD = 4.1
WEIGHTS = {"vigour": 1.05, "walk": 0.55, "quiet": 0.5, "activity": 0.3, "ruminate": -0.45}
# Days since her last heat or insemination, and what is added from then on.
CYCLE = ((1.0, -1.2), (15.0, -0.5), (17.0, 0.5), (25.5, -0.8), (35.0, 0.0))
MILK_FROM_D = 25
_SIGN = 1.5  # of the score: she has begun
_QUIET_H = 6
_REST_H = 36  # a heat is not told twice
_BEFORE_INSEMINATION_D = 0.6  # a cow is inseminated half a day or so after her heat began
_NAMES = list(baseline.FEATURES)
_WEIGHT = np.array([WEIGHTS.get(name, 0.0) for name in _NAMES], np.float32)
_USED = _WEIGHT != 0
_ACTIVITY, _EAT, _RUMINATE = (_NAMES.index(name) for name in ("activity", "eat", "ruminate"))
_CYCLE_D, _CYCLE_ADDS = (np.array([0.0, *column]) for column in zip(*CYCLE, strict=True))


class State(NamedTuple):
    """`last` (n,): hour in which the last heat that was told began."""

    episodes: episodes.Episodes
    last: NDArray[np.int32]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    return State(episodes.start(count), np.full(count, episodes.NEVER, np.int32))


def eligible(view: View) -> Flags:
    """Return which cows may be in heat, as far as the farm has told, (n,)."""
    cows = view.cows
    return ~(cows.is_pregnant | cows.is_gone) & ~(cows.in_milk_d < MILK_FROM_D)


def score(view: View, last: NDArray[np.int32]) -> Floats:
    """Return the score, (n,); NaN where too little is known. `last`: as in State."""
    return activity_score(view.told.z_herd) + _cycle(since_heat_d(view, last))


def activity_score(z_herd: Floats) -> Floats:
    """Return what of the score the collar tells, without the cycle; `z_herd` (n, FEATURES)."""
    return np.asarray(z_herd[:, _USED] @ _WEIGHT[_USED])


def since_heat_d(view: View, last: NDArray[np.int32]) -> Floats:
    """Return the days since her last known heat, (n,), NaN without one."""
    told = np.where(last != episodes.NEVER, (view.number - last) / baseline.DAY_H, np.nan)
    return np.fmin(told, view.cows.since_insemination_d + _BEFORE_INSEMINATION_D)


def _cycle(since_d: Floats) -> Floats:
    place = np.searchsorted(_CYCLE_D, since_d, side="right") - 1
    return np.asarray(np.where(np.isfinite(since_d), _CYCLE_ADDS[np.clip(place, 0, None)], 0.0))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    scored = score(view, state.last)
    unknown = ~np.isfinite(scored)
    able = eligible(view) & ~unknown
    bound = THRESHOLD + view.offset(KIND.name)
    after = episodes.follow(
        state.episodes,
        view.number,
        able & (scored >= _SIGN),
        able & (scored >= bound),
        quiet=_QUIET_H,
        rest=_REST_H,
        unknown=unknown,
    )
    last = state.last.copy()
    last[after.found] = after.onset[after.found]
    findings: list[Found | Over] = []
    since_d = since_heat_d(view, state.last)
    for at in after.found.tolist():
        evidence = _evidence(view, at, float(since_d[at]), float(scored[at]), float(bound[at]))
        onset_ms = start_ms(int(after.onset[at]))
        findings.append(Found(KIND.name, onset_ms, view.at_ms, evidence, view.animals[at]))
    for at in after.over.tolist():
        onset_ms = start_ms(int(state.episodes.onset[at]))
        findings.append(Over(KIND.name, onset_ms, view.at_ms, view.animals[at]))
    return State(after.episodes, last), findings


def _evidence(view: View, at: int, since_d: float, scored: float, bound: float) -> dict[str, Any]:
    value, usual = view.told.value[at], view.told.usual[at]
    terms = [[name, round(float(view.told.z_herd[at, _NAMES.index(name)]), 1), None] for name in WEIGHTS]
    return {
        "activity_ratio": round(math.expm1(value[_ACTIVITY]) / max(math.expm1(usual[_ACTIVITY]), 1.0), 1),
        "eat_more_percent": _percent(value[_EAT], usual[_EAT]),
        "chew_less_percent": -_percent(value[_RUMINATE], usual[_RUMINATE]),
        "since_heat_days": round(since_d) if math.isfinite(since_d) else None,
        "since_insemination_days": _days(view.cows.since_insemination_d[at]),
        "days_compared": int(view.told.known_days[at]),
        "mates": int(view.told.others[at]),
        "strength": round(
            min(0.5 + (scored - bound) / (2 * THRESHOLD), 1.0), 2
        ),  # from .5, as of other kinds
        "trace": [["score", round(scored, 1), round(bound, 1)], *terms],
    }


def _percent(value: float, usual: float) -> int:
    return round(100 * float(value - usual) / max(float(usual), 0.01))


def _days(value: float) -> int | None:
    return round(float(value)) if math.isfinite(value) else None
