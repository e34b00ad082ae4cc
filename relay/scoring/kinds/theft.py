"""She walks away and is not heard any more, while the others rest. Urgent, experimental.

Rule after domain.md 2.2 ("Escape / theft"): `WALK_MIN` minutes of walking, then no data for two quarters of
an hour in which her herd-mates are heard; her group itself hardly walks. No collar knows where it is, and a
gap in the data after a walk looks the same, so this stays off until a farm's own gaps are known. It can serve
only where collars are always within reach.

evidence: walking_min; silent_min; mates (heard); trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring.findings import Found, Over
from relay.scoring.hours import HOUR_MS, MOTION_STEPS, QUARTER_MIN, QUARTERS
from relay.scoring.kind import Kind, Tier
from relay.scoring.pose import KNOWN_MIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.hours import Hours
    from relay.scoring.view import View

    Flags = NDArray[np.bool_]

KIND = Kind("theft", Tier.URGENT, is_experimental=True, useful_h=12, within_h=1)
VERSION = 1
WALK_MIN = 8
SILENT_QUARTERS = 2
_GROUP_WALKS_MIN = 6  # the middle one of her group, in the hour
_EATS_MIN = 15
_BRISK_MG = 120  # mean motion of the last quarter heard
_MATES_SHARE = 0.5
_QUARTER_MS = HOUR_MS // QUARTERS


class State(NamedTuple):
    """`walked`: minutes in the hour before. `silent`: quarters without her, in a row. `brisk`: before these.

    `since`: quarter since 1970 from which she was missed, -1: she is not.
    """

    walked: NDArray[np.uint8]
    silent: NDArray[np.uint8]
    brisk: Flags
    since: NDArray[np.int32]


class Silence(NamedTuple):
    """(n, QUARTERS): for how many quarters she has been silent, and whether she moved briskly before."""

    quarters: NDArray[np.uint8]
    brisk: Flags


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    return State(
        np.zeros(count, np.uint8),
        np.full(count, SILENT_QUARTERS, np.uint8),
        np.zeros(count, np.bool_),
        np.full(count, -1, np.int32),
    )


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    rows = view.rows
    silence = _silence(state, view)
    places, out = _missed(state, view, silence)
    since = state.since.copy()
    since[places] = [each.onset_ms // _QUARTER_MS for each in out]
    over = (state.since >= 0) & (rows["covered_min"] > 0).any(axis=1)
    out += [
        Over(KIND.name, int(state.since[at]) * _QUARTER_MS, view.at_ms, view.animals[at])
        for at in np.flatnonzero(over).tolist()
    ]
    since = np.where(over, -1, since).astype(np.int32)
    return State(_walked(rows).astype(np.uint8), silence.quarters[:, -1], silence.brisk[:, -1], since), out


def peek(state: State, view: View) -> list[Found | Over]:
    """Look at the hour that is open, as far as her herd-mates have told of it."""
    return _missed(state, view, _silence(state, view))[1]


def _walked(rows: Hours) -> NDArray[np.int64]:
    return np.asarray(rows["walk_min"].astype(np.int64) + rows["other_min"])


def _silence(state: State, view: View) -> Silence:
    covered = view.rows["covered_min"]
    moves = view.rows["motion_8th_mg"] >= _BRISK_MG * MOTION_STEPS
    heard = covered > 0
    if heard.all():
        return Silence(np.zeros(covered.shape, np.uint8), moves)
    known = _heard_share(view) >= _MATES_SHARE
    run, brisk = state.silent, state.brisk
    quarters, briskly = np.empty(covered.shape, np.uint8), np.empty(covered.shape, np.bool_)
    for at in range(QUARTERS):
        more = np.minimum(run.astype(np.int64) + known[:, at], 255)
        run = np.where(heard[:, at], 0, more).astype(np.uint8)
        brisk = np.where(heard[:, at], moves[:, at], brisk)
        quarters[:, at], briskly[:, at] = run, brisk
    return Silence(quarters, briskly)


def _heard_share(view: View) -> NDArray[np.float64]:
    """Return (n, QUARTERS) the share of her group that is heard."""
    heard = view.rows["covered_min"] >= KNOWN_MIN
    shares = np.zeros(heard.shape)
    for each in np.unique(view.group):
        mine = view.group == each
        shares[mine] = heard[mine].mean(axis=0)
    return shares


def _missed(state: State, view: View, silence: Silence) -> tuple[list[int], list[Found | Over]]:
    """Return the places of animals that left, and what to say of them."""
    fires = (silence.quarters == SILENT_QUARTERS) & silence.brisk
    walked = state.walked + _walked(view.rows)
    wanders = (walked >= WALK_MIN) & (view.rows["eat_min"] <= _EATS_MIN)
    found = fires.any(axis=1) & wanders & (state.since < 0) & ~view.cows.is_gone
    places = [at for at in np.flatnonzero(found).tolist() if _group_rests(view, at)]
    return places, [_found(view, at, int(fires[at].argmax()), int(walked[at])) for at in places]


def _group_rests(view: View, at: int) -> bool:
    mates = view.rows[view.group == view.group[at]]
    return bool(np.median(mates["walk_min"]) <= _GROUP_WALKS_MIN)


def _found(view: View, at: int, quarter: int, walked: int) -> Found:
    end = view.number * QUARTERS + quarter + 1
    silent = SILENT_QUARTERS * QUARTER_MIN
    mates = int((view.rows["covered_min"][view.group == view.group[at], quarter] > 0).sum())
    evidence = {
        "walking_min": walked,
        "silent_min": silent,
        "mates": mates,
        "trace": [["walked, minutes", walked, WALK_MIN], ["silent, minutes", silent, silent]],
    }
    onset = end - SILENT_QUARTERS
    return Found(KIND.name, onset * _QUARTER_MS, end * _QUARTER_MS, evidence, view.animals[at])
