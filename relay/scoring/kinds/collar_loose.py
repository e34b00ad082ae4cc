"""Her collar is loose: it turns again and again. For the digest.

Rule: domain.md 2.2 ("Collar off / loose / rotated"), nearly: several turns in days. A turn is a change of
gravity at rest by more than `pose.TURN_DEG`, and not back to where the collar belongs; smaller ones cannot be
told from lying and standing. `TURNS` of them within `WITHIN_H` are an event: a strap that is tight slips once
in three weeks. It is over after `QUIET_H` without a turn.

Of the smaller turns and of the swinging of a loose box (domain.md 6.6) an hour's record tells nothing, so
about half of the loose collars of virtual herds are not seen in time.

evidence: turns; hours (within which); trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring import pose
from relay.scoring.findings import Found, Over
from relay.scoring.hours import start_ms
from relay.scoring.kind import Kind, Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

KIND = Kind("collar_loose", Tier.DIGEST, useful_h=168, within_h=72)
VERSION = 1
TURNS, WITHIN_H = 2, 48
QUIET_H = 168
_NEVER = -1


class State(NamedTuple):
    """`since`: hour of the first turn of the event that is open, _NEVER if none is."""

    pose: pose.Pose
    since: NDArray[np.int32]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    return State(pose.start(count), np.full(count, _NEVER, np.int32))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    after, seen = pose.follow(state.pose, view.number, view.resting)
    is_open = state.since != _NEVER
    first = after.turns[:, TURNS - 1]
    found = seen.turned & ~is_open & (view.number - first <= WITHIN_H) & ~view.cows.is_gone
    over = is_open & (view.number - after.turns[:, 0] >= QUIET_H)
    out: list[Found | Over] = [
        Over(KIND.name, start_ms(int(state.since[at])), view.at_ms, view.animals[at])
        for at in np.flatnonzero(over).tolist()
    ]
    for at in np.flatnonzero(found).tolist():
        within_h = int(view.number - first[at])
        evidence = {
            "turns": TURNS,
            "hours": within_h,
            "trace": [["turns", TURNS, TURNS], ["hours", within_h, WITHIN_H]],
        }
        out.append(Found(KIND.name, start_ms(int(first[at])), view.at_ms, evidence, view.animals[at]))
    since = np.where(found, first, np.where(over, _NEVER, state.since)).astype(np.int32)
    return State(after, since), out
