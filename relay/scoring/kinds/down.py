"""Down: lies for 6 hours without rising and hardly chews. Urgent.

Rule: domain.md 2.2 ("Down"): longer than 6 h without a change of posture, rumination below half. That she
does not rise is seen by three things: no hour with eating or walking in it, and gravity by quarters of an
hour that stays where it was. Rising and lying down again turn a real cow's collar by 7 to 24 degrees (0.4);
less than `TURN_DEG` allows for a head that moves as she lies. The longest healthy bout measured is 121
minutes, but a collar whose pose hardly tells lying from standing sees longer ones, so what she chews decides:
below half of usual makes 0.2 false alerts per cow-year of virtual cows, below `CHEWS_LEAST` few. A collar
that nothing moves is `no_movement`'s.

evidence: lying_h; rumination_less_percent; usual_percent (share of time she usually chews); trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring.baseline import FEATURES, RUMINATE, trailing
from relay.scoring.findings import Found, Over
from relay.scoring.hours import HOUR_MS, QUARTERS
from relay.scoring.kind import Kind, Tier
from relay.scoring.pose import KNOWN_MIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.hours import Hours
    from relay.scoring.view import View

    Flags = NDArray[np.bool_]
    Counts = NDArray[np.uint16]

KIND = Kind("down", Tier.URGENT, useful_h=12, within_h=4)
VERSION = 1
LYING_H = 6
TURN_DEG = 6.0
CHEWS_LEAST = 0.3  # of what is usual
_NEAR = np.float32(np.cos(np.radians(TURN_DEG)))
# Minutes of an hour told to be eating or walking: one stretch of four, or two, may be wrongly told.
_EAT_MIN, _WALK_MIN = 5, 9
_STILL_MIN = 50  # a breathing cow has no such hour
_USUAL_SHARE = 0.33  # of time spent chewing, before she or her group has told: 8 of 24 h
_COVERAGE = 0.8
_MOST = 1 << 15
_CHEWS = list(FEATURES).index("ruminate")
_QUARTER_MS = HOUR_MS // QUARTERS


class State(NamedTuple):
    """`down` (n, 3): gravity when she lay down. `quarters`: since then; `known` of them with data.

    `since`: onset of what was told, in quarters since 1970, -1 if nothing is open.
    """

    down: NDArray[np.float32]
    quarters: Counts
    known: Counts
    since: NDArray[np.int32]


class Lying(NamedTuple):
    """An hour (n,): `lead`: quarters from its start in which she lies as before, `whole`: all of them.

    `tail`: quarters at its end that are alike; `known`: quarters with data; `up`: she certainly rose.
    """

    lead: NDArray[np.intp]
    whole: Flags
    tail: NDArray[np.intp]
    known: NDArray[np.intp]
    up: Flags


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    none = np.zeros(count, np.uint16)
    return State(np.zeros((count, 3), np.float32), none, none.copy(), np.full(count, -1, np.int32))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    ways = view.directions
    hour = _lying(state, view.rows, ways)
    lies = state.quarters + hour.lead
    found = np.flatnonzero((lies >= LYING_H * QUARTERS) & (state.since < 0) & (state.quarters > 0))
    found = np.array([at for at in found.tolist() if _is_ill(state, view, at)], np.intp)
    over = np.flatnonzero((state.since >= 0) & hour.up)
    since = state.since.copy()
    since[over] = -1
    since[found] = view.number * QUARTERS - state.quarters[found].astype(np.int32)
    told: list[Found | Over] = [
        Over(KIND.name, int(state.since[at]) * _QUARTER_MS, view.at_ms, view.animals[at])
        for at in over.tolist()
    ]
    for at in found.tolist():
        evidence = _evidence(view, at, int(lies[at]) / QUARTERS)
        told.append(Found(KIND.name, int(since[at]) * _QUARTER_MS, view.at_ms, evidence, view.animals[at]))
    return _followed(state, ways, hour)._replace(since=since), told


def _lying(state: State, rows: Hours, ways: NDArray[np.float32]) -> Lying:
    known = rows["covered_min"] >= KNOWN_MIN
    near = ~known | (np.einsum("nqa,na->nq", ways, state.down) >= _NEAR)
    alike = known & (np.einsum("nqa,na->nq", ways, ways[:, -1]) >= _NEAR)
    up = (rows["eat_min"] > _EAT_MIN) | (rows["walk_min"] > _WALK_MIN)
    lead = np.cumprod(near, axis=1).sum(axis=1)
    all_alike = lead == QUARTERS
    whole = all_alike & ~up & (rows["still_min"] < _STILL_MIN)
    tail = np.cumprod(alike[:, ::-1], axis=1).sum(axis=1)
    return Lying(lead, whole, np.where(all_alike & ~whole, 0, tail), known.sum(axis=1), up)


def _followed(state: State, ways: NDArray[np.float32], hour: Lying) -> State:
    quarters = np.where(hour.whole, np.minimum(state.quarters + QUARTERS, _MOST), hour.tail)
    known = np.where(hour.whole, np.minimum(state.known + hour.known, _MOST), hour.tail)
    down = np.where(hour.whole[:, None], state.down, ways[:, -1])
    return State(down, quarters.astype(np.uint16), known.astype(np.uint16), state.since)


def _is_ill(state: State, view: View, at: int) -> bool:
    """Tell whether who lies so long chews little, and enough is known of it."""
    seen = state.known[at] >= _COVERAGE * state.quarters[at]
    chewed, usual = _chewing(view, at)
    return bool(seen and chewed < CHEWS_LEAST * usual and not view.cows.is_gone[at])


def _chewing(view: View, at: int) -> tuple[float, float]:
    """Return the share of time in which she chewed and usually does; 1 where nothing is known."""
    chewed, covered = (each[at] for each in trailing(view.usual, view.number, RUMINATE, LYING_H))
    usual = float(view.told.usual[at, _CHEWS])
    share = float(chewed / covered) if covered >= _COVERAGE * 60 * LYING_H else 1.0
    return share, usual if np.isfinite(usual) else _USUAL_SHARE


def _evidence(view: View, at: int, lying_h: float) -> dict[str, object]:
    chewed, usual = _chewing(view, at)
    less = round(100 * (1 - chewed / max(usual, 0.01)))
    return {
        "lying_h": lying_h,
        "rumination_less_percent": less,
        "usual_percent": round(100 * usual),
        "trace": [
            ["hours without rising", lying_h, LYING_H],
            ["chews less, %", less, round(100 * (1 - CHEWS_LEAST))],
        ],
    }
