"""Cast: flat on her side and cannot rise. Urgent, experimental, looked for in the open hour.

Rule after domain.md 2.2 ("Cast"): gravity more than `SIDE_DEG` from how the collar lately hung at rest, for
`SIDE_QUARTERS` quarters of an hour, and no more eating, chewing and walking in the hour than fits beside
them. A collar that turns while she rests looks the same, and nobody has published
what a cast cow's collar shows, so this stays off until there are recordings.

evidence: lateral_min; turned_deg; trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring import pose
from relay.scoring.findings import Found, Over
from relay.scoring.hours import HOUR_MS, QUARTER_MIN, QUARTERS
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.hours import Hours
    from relay.scoring.view import View

KIND = Kind("cast", Tier.URGENT, is_experimental=True, useful_h=6, within_h=1)
VERSION = 1
SIDE_DEG = 60.0
SIDE_QUARTERS = 2
_WRONG_MIN = 4  # one stretch of minutes may be wrongly told
_UP_MIN = 10  # of an hour, eating, chewing or walking: she is up
_QUARTER_MS = HOUR_MS // QUARTERS


class State(NamedTuple):
    """`side`: quarters on her side at the end of the hour. `since`: quarter since 1970, -1: not told."""

    pose: pose.Pose
    side: NDArray[np.uint8]
    since: NDArray[np.int32]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    return State(pose.start(count), np.zeros(count, np.uint8), np.full(count, -1, np.int32))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    on_side, away = _on_side(state, view)
    places, found = _cast(state, view, on_side, away)
    since = state.since.copy()
    since[places] = [each.onset_ms // _QUARTER_MS for each in found]
    over = (state.since >= 0) & (_busy_min(view.rows) > _UP_MIN)
    found += [
        Over(KIND.name, int(state.since[at]) * _QUARTER_MS, view.at_ms, view.animals[at])
        for at in np.flatnonzero(over).tolist()
    ]
    side = _run(state.side, on_side)[:, -1]
    after, _ = pose.follow(state.pose, view.number, view.resting)
    return State(after, side, np.where(over, -1, since).astype(np.int32)), found


def peek(state: State, view: View) -> list[Found | Over]:
    """Look at an hour, over or open."""
    return _cast(state, view, *_on_side(state, view))[1]


def _cast(
    state: State, view: View, on_side: NDArray[np.bool_], away: NDArray[np.float32]
) -> tuple[list[int], list[Found | Over]]:
    """Return the places of animals that are cast, and what to say of them."""
    rows = view.rows
    if not on_side.any():
        return [], []
    run = _run(state.side, on_side)
    upright = (rows["covered_min"] * ~on_side).sum(axis=1)
    fires = run == SIDE_QUARTERS
    found = fires.any(axis=1) & (_busy_min(rows) <= upright + _WRONG_MIN) & (state.since < 0)
    places = np.flatnonzero(found & ~view.cows.is_gone).tolist()
    return places, [_found(view, at, int(fires[at].argmax()), round(float(away[at].max()))) for at in places]


def _busy_min(rows: Hours) -> NDArray[np.int64]:
    return np.asarray(rows["eat_min"].astype(np.int64) + rows["ruminate_min"] + rows["walk_min"])


def _found(view: View, at: int, quarter: int, degrees: int) -> Found:
    """Return the event that is sure at the end of `quarter` of the hour."""
    end = view.number * QUARTERS + quarter + 1
    minutes = SIDE_QUARTERS * QUARTER_MIN
    evidence = {
        "lateral_min": minutes,
        "turned_deg": degrees,
        "trace": [
            ["on her side, minutes", minutes, minutes],
            ["degrees", degrees, SIDE_DEG],
        ],
    }
    onset = end - SIDE_QUARTERS
    return Found(KIND.name, onset * _QUARTER_MS, end * _QUARTER_MS, evidence, view.animals[at])


def _on_side(state: State, view: View) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return (n, QUARTERS) whether she lies on her side, and degrees from how it hung; 0 if not known."""
    known = (view.rows["covered_min"] >= pose.KNOWN_MIN) & state.pose.last.any(axis=1, keepdims=True)
    away = np.where(known, pose.degrees(view.directions, state.pose.last[:, None]), np.float32(0))
    on_side = (away >= SIDE_DEG) & view.is_moved[:, None]
    return on_side, away


def _run(before: NDArray[np.uint8], on_side: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return (n, QUARTERS) for how many quarters in a row it has been so."""
    run = np.zeros(on_side.shape, np.uint8)
    if not on_side.any():
        return run
    for at in range(QUARTERS):
        before = np.where(on_side[:, at], np.minimum(before, 254) + np.uint8(1), 0).astype(np.uint8)
        run[:, at] = before
    return run
