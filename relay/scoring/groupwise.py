"""One event of the farm from what its groups of animals do: some group is low, and stays so for hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring import episodes, groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Places = NDArray[np.intp]

RUN_H = 6  # feed that comes an hour later than the day before is missing from a day for an hour or two
QUIET_H = 24
REST_H = 72  # what changed stays changed: by then it is what they did all week
MIN_COWS = 5
_MOST_H = 255


class State(NamedTuple):
    """`low_h` (n,): hours in a row in which her group was low. `herd_episode`: the farm's, of one."""

    low_h: NDArray[np.uint8]
    herd_episode: episodes.Episodes


class Stepped(NamedTuple):
    """`found`, `over`: first hour of the farm's episode that became an event, or ended, or None.

    `lasting`: which of the groups have been low for RUN_H.
    """

    state: State
    found: int | None
    over: int | None
    lasting: list[int]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    return State(np.zeros(count, np.uint8), episodes.start(1))


def groups_of(known: NDArray[np.bool_], group: Places) -> list[Places]:
    """Return the places of the animals that are known, by group; no groups of fewer than MIN_COWS."""
    found = (cows[known[cows]] for cows in groups.places(group))
    return [cows for cows in found if cows.size >= MIN_COWS]


def step(state: State, number: int, known: Sequence[Places], is_low: Sequence[bool]) -> Stepped:
    """Go one hour on; nothing begins and nothing ends in one in which no group is known.

    `known`: the places of groups, as of `groups_of`. `is_low`: by group.
    """
    low_h = state.low_h.copy()
    for cows, low in zip(known, is_low, strict=True):
        low_h[cows] = np.minimum(low_h[cows].astype(np.int32) + 1, _MOST_H) if low else 0
    # Of the middle animal, so that one that comes from another group brings nothing along.
    lasting = [at for at, cows in enumerate(known) if is_low[at] and np.median(low_h[cows]) >= RUN_H]
    after = episodes.follow(
        state.herd_episode,
        number,
        np.array([any(is_low)]),
        np.array([bool(lasting)]),
        quiet=QUIET_H,
        rest=REST_H,
        unknown=np.array([not known]),
    )
    found = int(after.onset[0]) if after.found.size else None
    over = int(state.herd_episode.onset[0]) if after.over.size else None
    return Stepped(State(low_h, after.episodes), found, over, lasting)
