"""Her collar has turned and stays so: the box no longer hangs below. For the digest.

Rule: domain.md 2.2 ("Collar off / loose / rotated"): gravity at rest that moves by more than 25 degrees and
stays is learned anew without a word (pose.py), a bigger turn is told. The bound is `TURNED_DEG`, not the 60
degrees proposed there: collars that fit slip by up to 90 degrees now and then, and to tell those would cost
more than a message per cow-year; half turns, which matter most, read 125 degrees and more. It must stay for
`STAYS_H` of hours at rest, and not be one of several turns, which are a loose collar's. When it is back where
it was, that is said; after six weeks it is taken to belong where it is, without a word.

evidence: turned_deg; rest_h (hours at rest that agree); trace.
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

KIND = Kind("collar_turned", Tier.DIGEST, useful_h=72, within_h=24)
VERSION = 1
TURNED_DEG = 80.0
BACK_DEG = 45.0
STAYS_H = 6
_LEARNED_H = 42 * 24
_SINGLE_H = 72  # within which a turn before makes it a loose collar's
_NEVER = -1


class State(NamedTuple):
    """`since`: hour in which it turned, _NEVER if it sits as usual. `agree`: hours at rest that show it.

    `told`: it became an event.
    """

    pose: pose.Pose
    since: NDArray[np.int32]
    agree: NDArray[np.uint8]
    told: NDArray[np.bool_]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    none = np.full(count, _NEVER, np.int32)
    return State(pose.start(count), none, np.zeros(count, np.uint8), np.zeros(count, np.bool_))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    after, seen = pose.follow(state.pose, view.number, view.resting, learns=state.since == _NEVER)
    turned = seen.away_deg >= TURNED_DEG
    anew = turned & ((state.since == _NEVER) | (seen.turned & ~state.told))
    back = seen.away_deg < np.where(state.told, BACK_DEG, TURNED_DEG)
    since = np.where(anew, view.number, np.where(back, _NEVER, state.since)).astype(np.int32)
    agree = np.where(anew, 1, np.where(back, 0, np.minimum(state.agree + turned, 255))).astype(np.uint8)
    is_single = view.number - after.turns[:, 1] > _SINGLE_H
    found = turned & ~state.told & (agree >= STAYS_H) & is_single & ~view.cows.is_gone
    over = state.told & back
    out = [_found(view, seen, since, agree, at) for at in np.flatnonzero(found).tolist()]
    out += [
        Over(KIND.name, start_ms(int(state.since[at])), view.at_ms, view.animals[at])
        for at in np.flatnonzero(over).tolist()
    ]
    learned = (since != _NEVER) & (view.number - since >= _LEARNED_H)
    if learned.any():
        after = after._replace(home=np.where(learned[:, None], after.last, after.home))
        since = np.where(learned, _NEVER, since).astype(np.int32)
    return State(after, since, agree, (state.told | found) & ~back & ~learned), out


def _found(
    view: View, seen: pose.Seen, since: NDArray[np.int32], agree: NDArray[np.uint8], at: int
) -> Found | Over:
    degrees = round(float(seen.away_deg[at]))
    evidence = {
        "turned_deg": degrees,
        "rest_h": int(agree[at]),
        "trace": [["turned, degrees", degrees, TURNED_DEG], ["hours at rest", int(agree[at]), STAYS_H]],
    }
    return Found(KIND.name, start_ms(int(since[at])), view.at_ms, evidence, view.animals[at])
