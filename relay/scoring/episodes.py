"""From "this hour is odd" to one event with a beginning and an end, for all animals at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

NEVER = -1
_NOBODY = np.empty(0, np.intp)


class Episodes(NamedTuple):
    """Per animal: `onset`: first hour of the run that is open, or NEVER; `fired`: hours in a row that fired.

    `told`: it became an event. `quiet`: hours in a row without a sign of it, since. `ended`: when the last
    one was over.
    """

    onset: NDArray[np.int32]
    fired: NDArray[np.uint8]
    told: Flags
    quiet: NDArray[np.uint8]
    ended: NDArray[np.int32]


class Followed(NamedTuple):
    """`found`, `over`: places of animals whose episode became an event, or is over; `onset` (n,) hours."""

    episodes: Episodes
    found: NDArray[np.intp]
    over: NDArray[np.intp]
    onset: NDArray[np.int32]


def start(count: int) -> Episodes:
    """Return no episodes."""
    return Episodes(
        np.full(count, NEVER, np.int32),
        np.zeros(count, np.uint8),
        np.zeros(count, np.bool_),
        np.zeros(count, np.uint8),
        np.full(count, NEVER, np.int32),
    )


def follow(
    episodes: Episodes,
    number: int,
    begins: Flags,
    fires: Flags,
    *,
    run: int = 1,
    quiet: int = 3,
    rest: int = 0,
    unknown: Flags | None = None,
) -> Followed:
    """Go one hour on. `begins`: a sign of it; an episode lasts while there is one. `fires`: a sure sign.

    It is an event after `run` hours in a row that fire, and over after `quiet` hours without a sign; for
    `rest` hours after that none begins. In hours that are `unknown` nothing begins, and nothing ends.
    """
    if not ((episodes.onset != NEVER) | begins | fires).any():  # nearly every hour of nearly every kind
        return Followed(episodes, _NOBODY, _NOBODY, episodes.onset)
    known = np.ones(len(begins), np.bool_) if unknown is None else ~unknown
    rests = (episodes.ended != NEVER) & (number - episodes.ended < rest) & ~episodes.told
    sign = (begins | fires) & known & ~rests
    fires = fires & known & ~rests
    fired = np.where(known, np.where(fires, np.minimum(episodes.fired + 1, 255), 0), episodes.fired)
    onset = np.where(sign & (episodes.onset == NEVER), number, episodes.onset)
    without = np.where(sign, 0, np.minimum(episodes.quiet + known, 255))
    found = ~episodes.told & (fired >= run)
    told = episodes.told | found
    over = told & (without >= quiet)
    closed = over | (~told & known & ~sign)
    return Followed(
        Episodes(
            np.where(closed, NEVER, onset).astype(np.int32, copy=False),
            np.where(closed, 0, fired).astype(np.uint8, copy=False),
            told & ~over,
            np.where(closed, 0, without).astype(np.uint8, copy=False),
            np.where(over, number, episodes.ended).astype(np.int32, copy=False),
        ),
        np.flatnonzero(found),
        np.flatnonzero(over),
        onset.astype(np.int32, copy=False),
    )
