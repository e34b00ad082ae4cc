"""No heat where one was due: a cow that comes into heat without showing it, or does not come into heat.

For cows that may be bred (domain.md 2.2): none for 25 days after a heat that nobody used, or none by 60 days
in milk. A cow that was inseminated and stays quiet is left alone: that is what was hoped for. That she is a
little restless 18 to 24 days after the last time is not told: on simulated herds that was a silent heat in 5
of 210 cases. One alert a cycle. Experimental: no label of a real cow is behind it.

Evidence: reason (overdue, none_yet), days_since (the last heat; for none_yet: days in milk), trace.
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

KIND = Kind("silent_heat", Tier.DIGEST, is_experimental=True, useful_h=24, within_h=24)
VERSION = 1
_HEAT = 2.5  # less than an alert of heat asks: "none was seen" must not overlook one
_HEAT_REST_H = 48
_RUN_H = 2
_OVERDUE_D, _NONE_YET_D = 25.0, 60.0
_USED_WITHIN_D = 2.0  # an insemination so long after a heat began belongs to it
_WATCHED_MOST = 0xFFFF
_MILK_FROM_D = 30.0  # cows come into heat 29 to 34 days after calving (domain.md 6.4)
_ACTIVITY, _RUMINATE = (list(baseline.FEATURES).index(name) for name in ("activity", "ruminate"))


class State(NamedTuple):
    """`heats`: of heats that show. `last` (n,): hour in which the last one began. `due`: what is told.

    `watched_h` (n,): hours with data since then, or since she may be bred.
    """

    heats: episodes.Episodes
    last: NDArray[np.int32]
    watched_h: NDArray[np.uint16]
    due: episodes.Episodes


class _Due(NamedTuple):
    """What is missing in a cow's cycle, arrays by animal. `since_heat`: days, inf without one."""

    overdue: NDArray[np.bool_]
    none_yet: NDArray[np.bool_]
    since_heat: NDArray[np.floating]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    last, watched_h = np.full(count, episodes.NEVER, np.int32), np.zeros(count, np.uint16)
    return State(episodes.start(count), last, watched_h, episodes.start(count))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    bred = _may_be_bred(view)
    score = _score(view)
    heat = bred & (score >= _HEAT)
    heats = episodes.follow(state.heats, view.number, heat, heat, run=_RUN_H, quiet=6, rest=_HEAT_REST_H)
    last = state.last.copy()
    last[heats.found] = heats.onset[heats.found]
    watched_h = np.where(bred, np.minimum(state.watched_h + np.isfinite(score), _WATCHED_MOST), 0)
    watched_h[heats.found] = 0
    due = _due(view, last, watched_h)
    sign = bred & (due.overdue | due.none_yet)
    after = episodes.follow(state.due, view.number, sign, sign)
    found: list[Found | Over] = []
    for at in after.found.tolist():
        onset_ms = start_ms(int(after.onset[at]))
        found.append(Found(KIND.name, onset_ms, view.at_ms, _evidence(view, due, at), view.animals[at]))
    for at in after.over.tolist():
        onset_ms = start_ms(int(state.due.onset[at]))
        found.append(Over(KIND.name, onset_ms, view.at_ms, view.animals[at]))
    return State(heats.episodes, last, watched_h.astype(np.uint16), after.episodes), found


def _score(view: View) -> NDArray[np.floating]:
    """Return the score of domain.md 2.2 without its share of the cycle, which is what is asked here."""
    z = view.told.z_herd
    return 0.8 * z[:, _ACTIVITY] + 0.8 * np.minimum(np.maximum(-z[:, _RUMINATE], -1), 4)


def _may_be_bred(view: View) -> NDArray[np.bool_]:
    cows = view.cows
    return ~(cows.is_pregnant | cows.is_gone | cows.is_dry) & ~(cows.in_milk_d < _MILK_FROM_D)


def _due(view: View, last: NDArray[np.int32], watched_h: NDArray[np.integer]) -> _Due:
    cows = view.cows
    since_heat = np.where(last != episodes.NEVER, (view.number + 1 - last) / 24, np.inf)
    since_heat = np.where(since_heat > cows.in_milk_d, np.inf, since_heat)  # not where it is NaN
    served = cows.since_insemination_d
    since_served = np.where(np.isnan(served), np.inf, served)
    is_open = np.isinf(since_served) | (since_heat + _USED_WITHIN_D < since_served)
    overdue = is_open & np.isfinite(since_heat) & (since_heat >= _OVERDUE_D)
    never = np.isinf(since_heat) & np.isinf(since_served) & (cows.in_milk_d >= _NONE_YET_D)
    seen_d = watched_h / (baseline.COVERAGE * baseline.DAY_H)
    return _Due(overdue & (seen_d >= _OVERDUE_D), never & (seen_d >= _NONE_YET_D - _MILK_FROM_D), since_heat)


def _evidence(view: View, due: _Due, at: int) -> dict[str, Any]:
    reason, days, bound = "none_yet", view.cows.in_milk_d[at], _NONE_YET_D
    if due.overdue[at]:
        reason, days, bound = "overdue", due.since_heat[at], _OVERDUE_D
    trace = [["days", round(float(days), 1), bound]]
    return {"reason": reason, "days_since": int(days), "trace": trace}
