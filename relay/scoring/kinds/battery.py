"""Her collar's battery runs low: told when it has two weeks left, and again at three days. For the digest.

Rule: domain.md 2.2 ("Low battery"). The collar itself forecasts the days (the line through its last eight,
firmware/lib/collar/power.py) and says so in its health frames; it is believed when a day's frames agree. Once
each: it has to be charged, to more than `CHARGED_D`, before it is told anew.

evidence: days_left; stage ("soon", "now"); trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring.findings import Found, Over
from relay.scoring.hours import NO_DAYS_LEFT, start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

KIND = Kind("battery", Tier.DIGEST, useful_h=72, within_h=48)
VERSION = 1
# Fewer days than that: the collar counts whole days.
SOON_D, NOW_D = 14, 3
CHARGED_D = 30
_FRAMES = 4  # in a row: one every six hours, and a forecast wavers by a tenth
_STAGES = ("", "soon", "now")


class State(NamedTuple):
    """Health frames in a row, up to _FRAMES: `soon`, `now`: below SOON_D, NOW_D; `charged`: above CHARGED_D.

    `stage`: the last one told, 0: none. `since`: hour in which the first was.
    """

    soon: Bytes
    now: Bytes
    charged: Bytes
    stage: Bytes
    since: NDArray[np.int32]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    counts = (np.zeros(count, np.uint8) for _ in range(4))
    soon, now, charged, stage = counts
    return State(soon, now, charged, stage, np.full(count, -1, np.int32))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    days = view.rows["days_left"]
    said = days != NO_DAYS_LEFT
    if not said.any():
        return state, []
    soon = _counted(state.soon, said, days < SOON_D)
    now = _counted(state.now, said, days < NOW_D)
    charged = _counted(state.charged, said, days > CHARGED_D)
    stage = np.where(view.cows.is_gone, 0, np.maximum(soon >= _FRAMES, 2 * (now >= _FRAMES)))
    over = (charged >= _FRAMES) & (state.stage > 0)
    found = said & (stage > state.stage)
    since = np.where(found & (state.stage == 0), view.number, state.since).astype(np.int32)
    out: list[Found | Over] = [
        Over(KIND.name, start_ms(int(state.since[at])), view.at_ms, view.animals[at])
        for at in np.flatnonzero(over).tolist()
    ]
    out += [
        _found(view, at, int(stage[at]), int(since[at]), is_update=bool(state.stage[at]))
        for at in np.flatnonzero(found).tolist()
    ]
    told = np.where(over, 0, np.maximum(state.stage, stage)).astype(np.uint8)
    return State(soon, now, charged, told, since), out


def _counted(frames: Bytes, said: Flags, more: Flags) -> Bytes:
    counted = np.where(more, np.minimum(frames + np.uint8(1), _FRAMES), 0)
    return np.where(said, counted, frames).astype(np.uint8)


def _found(view: View, at: int, stage: int, since: int, *, is_update: bool) -> Found:
    days = int(view.rows["days_left"][at])
    bound = (SOON_D, NOW_D)[stage - 1]
    evidence = {"days_left": days, "stage": _STAGES[stage], "trace": [["days left", days, bound]]}
    return Found(KIND.name, start_ms(since), view.at_ms, evidence, view.animals[at], is_update)
