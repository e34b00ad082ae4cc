"""A hard birth: a cow that is due lies flat on her side again and again. Urgent.

Rule (ours, after domain.md 2.2): of the last 4 h, four or more quarters of an hour in which gravity at her
collar is 53 degrees or more from where it is when she stands and rests, in three or more spells with her
own place (35 degrees or less) between them. In an easy birth she lies so for a few minutes, three times at
the most; a collar that has turned stays where it is, and if it does, that is learned as her own after three
hours. Only within 20 days of the due date, so a cow without one is not watched. That labour lasts too long
cannot be told from restlessness alone at the neck: easy labour lasts for 6 to 12 h too.

Evidence: side_min, spells, window_h, due_days (negative: overdue), trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relay.scoring import episodes
from relay.scoring.findings import Found, Over
from relay.scoring.hours import QUARTER_MIN, QUARTERS, start_ms
from relay.scoring.kind import Kind, Tier
from relay.scoring.pose import KNOWN_MIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

    Bits = NDArray[np.uint16]

KIND = Kind("dystocia", Tier.URGENT, useful_h=6, within_h=2)
VERSION = 1
SIDE_DEG, OWN_DEG = 53.0, 35.0
_SIDE, _OWN = (np.float32(np.cos(np.radians(degrees))) for degrees in (SIDE_DEG, OWN_DEG))
LEAST_QUARTERS, LEAST_SPELLS = 4, 3
WINDOW_QUARTERS = 16  # bits of a word
_TURNED_QUARTERS = 13  # so many of the window on "her side": it is the collar that turned
_DUE_D = 20.0
_QUIET_H, _REST_H = 4, 8
# How fast her own place follows, by quarter: within days; hardly while on her side; at first at once.
_FOLLOWS, _FOLLOWS_SIDE, _FOLLOWS_FIRST = 1 / 96, 1 / 960, 0.25
_IS_OWN = 0.3  # length of a mean of unit vectors from which on it is a direction


class State(NamedTuple):
    """`own` (n, 3): mean direction of gravity. `side`, `back`: bit k is set if k quarters ago she lay on her
    side, or was back in her own place.
    """

    own: NDArray[np.float32]
    side: Bits
    back: Bits
    episodes: episodes.Episodes


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    none = np.zeros(count, np.uint16)
    return State(np.zeros((count, 3), np.float32), none, none.copy(), episodes.start(count))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    state = _lain(state, view)
    quarters = np.bitwise_count(state.side)
    due = np.abs(view.cows.to_due_d) <= _DUE_D  # false where no date is known
    able = due & ~view.cows.is_gone
    spells = np.zeros(len(quarters), np.intp)
    often = np.flatnonzero(able & (quarters >= LEAST_QUARTERS))
    if often.size:
        spells[often] = _spells(state.side[often], state.back[often])
    after = episodes.follow(
        state.episodes,
        view.number,
        able & (quarters > 0),
        spells >= LEAST_SPELLS,
        quiet=_QUIET_H,
        rest=_REST_H,
    )
    out: list[Found | Over] = []
    for at in after.found.tolist():
        evidence = _evidence(int(quarters[at]), int(spells[at]), float(view.cows.to_due_d[at]))
        onset_ms = start_ms(int(after.onset[at]))
        out.append(Found(KIND.name, onset_ms, view.at_ms, evidence, view.animals[at]))
    for at in after.over.tolist():
        onset_ms = start_ms(int(state.episodes.onset[at]))
        out.append(Over(KIND.name, onset_ms, view.at_ms, view.animals[at]))
    return state._replace(episodes=after.episodes), out


def peek(state: State, view: View) -> list[Found | Over]:
    """Look at the hour that is still open: what `step` would find in it."""
    return [each for each in step(state, view)[1] if isinstance(each, Found)]


def _lain(state: State, view: View) -> State:
    """Return the state with the hour's quarters in it."""
    own, side, back = state.own, state.side.copy(), state.back.copy()
    ways, known = view.directions, view.rows["covered_min"] >= KNOWN_MIN
    for quarter in range(QUARTERS):
        way, seen = ways[:, quarter], known[:, quarter]
        length = np.sqrt(np.add.reduce(own * own, axis=1))
        is_own = length >= _IS_OWN
        near = np.einsum("na,na->n", way, own)  # by its length: cosine
        lies = seen & is_own & (near < _SIDE * length)
        side = side << 1 | lies
        back = back << 1 | (seen & (~is_own | (near > _OWN * length)))
        weight = np.where(is_own, _FOLLOWS, _FOLLOWS_FIRST)
        if lies.any():
            turned = lies & (np.bitwise_count(side) >= _TURNED_QUARTERS)
            side[turned] = 0
            weight = np.where(turned, 1.0, np.where(lies, _FOLLOWS_SIDE, weight))
        weight = np.where(seen, weight, 0.0)
        own = (own + weight[:, None] * (way - own)).astype(np.float32)
    return state._replace(own=own, side=side, back=back)


def _spells(side: Bits, back: Bits) -> NDArray[np.intp]:
    """Return how often she went over to her side from her own place, or was there when the window began."""
    count = np.zeros(len(side), np.intp)
    is_down = np.zeros(len(side), np.bool_)
    for bit in range(WINDOW_QUARTERS - 1, -1, -1):
        down, up = (side >> bit & 1).astype(np.bool_), (back >> bit & 1).astype(np.bool_)
        count += down & ~is_down
        is_down = (is_down | down) & ~up
    return count


def _evidence(quarters: int, spells: int, due_days: float) -> dict[str, Any]:
    return {
        "side_min": quarters * QUARTER_MIN,
        "spells": spells,
        "window_h": WINDOW_QUARTERS // QUARTERS,
        "due_days": round(due_days),
        "trace": [
            ["quarters of an hour on her side", quarters, LEAST_QUARTERS],
            ["spells", spells, LEAST_SPELLS],
        ],
    }
