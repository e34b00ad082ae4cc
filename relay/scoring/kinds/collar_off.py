"""Her collar is off: nothing moves it, and it lies as it never hung on her. For the digest.

Rule: domain.md 2.2 ("Collar off"): still, and the temperature falls to ambient. An hour of stillness alone is
also a dead cow's, which `no_movement` tells at once, whichever it is. What speaks for a collar that is off:
gravity lies more than `AWAY_DEG` from where it was while she still moved it, or the collar has become colder
than those of her herd-mates by `COLDER_C` (only where health frames tell). A dead cow's collar stays in the
pose in which she died and cools over hours. So a collar that happens to fall into her own pose (1 of 7, if
every way up is alike) is told by `no_movement` only, and a cow that falls over as she dies may be told here
as well. One that hangs on a fence in the wind moves, and is not seen.

evidence: still_min; moved_deg (from how it hung); temperature_c (if told); trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.behaviour.minutes import MINUTE_MS
from relay.scoring.findings import Found, Over
from relay.scoring.hours import HOUR_MIN, NO_TEMPERATURE
from relay.scoring.kind import Kind, Tier
from relay.scoring.pose import KNOWN_MIN, degrees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

    Flags = NDArray[np.bool_]

KIND = Kind("collar_off", Tier.DIGEST, useful_h=72, within_h=24)
VERSION = 1
STILL_MIN = 90  # as no_movement: healthy cows have no such span
AWAY_DEG = 45.0  # a standing, lying, eating cow's collar is within that of where it usually hangs
COLDER_C = 8
_STILL_SHARE = 0.9
_MOVED_SHARE = 0.5
_FEWEST_MATES = 5
_MOST_MIN = 1 << 15


class State(NamedTuple):
    """`hung` (n, 3): mean gravity while it moved, zero: never. `still_min`: minutes with data in a row.

    `since`: minute since 1970 from which it is still, -1: it moves. `told`: as off.
    """

    hung: NDArray[np.float32]
    still_min: NDArray[np.uint16]
    since: NDArray[np.int32]
    told: Flags


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    return State(
        np.zeros((count, 3), np.float32),
        np.zeros(count, np.uint16),
        np.full(count, -1, np.int32),
        np.zeros(count, np.bool_),
    )


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    rows = view.rows
    covered = view.covered
    still_min = rows["still_min"].astype(np.int64)
    is_still = (covered > 0) & (still_min >= _STILL_SHARE * covered)
    moves = (covered > 0) & (still_min < _MOVED_SHARE * covered)
    begins = (covered > 0) & ~moves & (state.since < 0)
    end = (view.number + 1) * HOUR_MIN
    since = np.where(moves, -1, np.where(begins, end - still_min, state.since)).astype(np.int32)
    minutes = np.where(moves, 0, np.minimum(state.still_min + still_min, _MOST_MIN)).astype(np.uint16)
    over = state.told & moves
    told = state.told & ~moves
    found = np.flatnonzero(is_still & ~told & (minutes >= STILL_MIN) & ~view.cows.is_gone)
    out: list[Found | Over] = [
        Over(KIND.name, int(state.since[at]) * MINUTE_MS, view.at_ms, view.animals[at])
        for at in np.flatnonzero(over).tolist()
    ]
    for at in found.tolist():
        evidence = _evidence(state, view, at, int(minutes[at]))
        if evidence is not None:
            told[at] = True
            out.append(Found(KIND.name, int(since[at]) * MINUTE_MS, view.at_ms, evidence, view.animals[at]))
    return State(_hung(state.hung, view, moves), minutes, since, told), out


def _hung(hung: NDArray[np.float32], view: View, moves: Flags) -> NDArray[np.float32]:
    """Return how it hangs, with this hour in it: it forgets within a day."""
    now = _mean(view)
    known = moves & now.any(axis=1)
    weight = np.where(hung.any(axis=1), np.float32(1 / 12), np.float32(1))[:, None]
    return np.asarray(np.where(known[:, None], hung + weight * (now - hung), hung), np.float32)


def _mean(view: View) -> NDArray[np.float32]:
    known = (view.rows["covered_min"] >= KNOWN_MIN).astype(np.float32)
    total = np.einsum("nqa,nq->na", view.directions, known)
    return np.asarray(total / np.maximum(known.sum(axis=1), 1)[:, None], np.float32)


def _evidence(state: State, view: View, at: int, still_min: int) -> dict[str, object] | None:
    """Return what speaks for a collar without a cow, None if nothing does."""
    moved = _moved_deg(state.hung[at], view.directions[at, -1])
    colder = _colder_c(view, at)
    if not (moved >= AWAY_DEG or colder >= COLDER_C):
        return None
    evidence: dict[str, object] = {
        "still_min": still_min,
        "moved_deg": round(moved),
        "trace": [
            ["still, minutes", still_min, STILL_MIN],
            ["lies away from how it hung, degrees", round(moved), AWAY_DEG],
            ["colder than the others, C", colder, COLDER_C],
        ],
    }
    told = int(view.rows["temperature_c"][at])
    return evidence | ({} if told == NO_TEMPERATURE else {"temperature_c": told})


def _moved_deg(hung: NDArray[np.float32], now: NDArray[np.float32]) -> float:
    length = float(np.linalg.norm(hung))
    return float(degrees(hung / length, now)) if length > 0 and now.any() else 0.0


def _colder_c(view: View, at: int) -> int:
    """Return how much colder it is than the middle of the herd's, in this hour; 0 if too few tell."""
    told = view.rows["temperature_c"]
    known = told != NO_TEMPERATURE
    mates = known.copy()
    mates[at] = False
    if not known[at] or mates.sum() < _FEWEST_MATES:
        return 0
    return int(np.median(told[mates])) - int(told[at])
