"""How a collar sits: which way is down while she rests, and when that changed. Arrays by animal; pure.

Only quarters of an hour in which she rests or chews tell (her head is up or down while she walks and eats),
and only hours in which two of them agree; a collar that nothing moves tells nothing. Her own gravity of lying
and standing differs by 7 to 24 degrees (domain.md 0.4), so less than `TURN_DEG` is no turn; smaller moves are
learned without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring.hours import MOTION_STEPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.hours import Hours

    Singles = NDArray[np.float32]
    Flags = NDArray[np.bool_]

REST_MG = 150  # mean motion of a quarter below which she neither eats nor walks: eating begins at 166 mg
KNOWN_MIN = 8  # of 15: more than half of a quarter
TURN_DEG = (
    30.0  # of 110,000 hours of virtual cows 1 in 1,000 is 29 degrees from the one before without a turn
)
TURNS_KEPT = 3
_AGREE = 0.9  # length of the mean of unit vectors: quarters that lie within 25 degrees of each other
_QUARTERS = 2
_HOME_WEIGHT = 1 / 200  # what stays is home after some two weeks of rest
_LAST_WEIGHT = 0.5
_NEVER = np.iinfo(np.int32).min // 2


class Pose(NamedTuple):
    """`home`, `last` (n, 3): where down usually is, and lately was; zero: not known. `turns` (n, TURNS_KEPT):
    hours in which it turned, newest first.
    """

    home: Singles
    last: Singles
    turns: NDArray[np.int32]


class Seen(NamedTuple):
    """This hour, (n,): `direction` (n, 3), `is_known`, `away_deg` from home (NaN if not known), `turned`."""

    direction: Singles
    is_known: Flags
    away_deg: Singles
    turned: Flags


def start(count: int) -> Pose:
    """Return the state of collars of which nothing is known."""
    blank = np.zeros((count, 3), np.float32)
    return Pose(blank, blank.copy(), np.full((count, TURNS_KEPT), _NEVER, np.int32))


def follow(
    pose: Pose, number: int, rests: tuple[Singles, Flags], *, learns: Flags | bool = True
) -> tuple[Pose, Seen]:
    """Take in `resting` of hour `number`; `learns`: whose home may follow where down is now."""
    direction, is_known = rests
    both = np.stack((pose.home, pose.last))
    (from_home, from_last), known = degrees(direction, both), np.any(both, axis=2)
    has_home, has_last = known[0], known[1]
    away = np.where(is_known & has_home, from_home, np.float32(np.nan))
    lately = has_last & is_known & (from_last > TURN_DEG)
    turned = lately & ~(away < TURN_DEG)  # back to where it belongs is no turn
    turns = pose.turns
    if turned.any():
        turns = np.where(turned[:, None], np.roll(turns, 1, axis=1), turns)
        turns[turned, 0] = number
    weights = np.stack(
        (
            np.where(is_known & learns, _HOME_WEIGHT, 0.0),
            np.where(lately, 1.0, np.where(is_known, _LAST_WEIGHT, 0.0)),
        )
    )
    weights[0, is_known & ~has_home] = 1.0
    weights[1, is_known & ~has_last] = 1.0
    home, last = _unit(both + weights[:, :, None] * (direction - both))
    return Pose(home, last, turns), Seen(direction, is_known, away, turned)


def resting(rows: Hours, ways: Singles) -> tuple[Singles, Flags]:
    """Return (n, 3) where down is at rest, unit vectors, and (n,) where the hour tells.

    `ways`: `directions` of the hour.
    """
    rests = (rows["covered_min"] >= KNOWN_MIN) & (rows["motion_8th_mg"] < REST_MG * MOTION_STEPS)
    total = np.einsum("nqa,nq->na", ways, rests.astype(np.float32))
    count = rests.sum(axis=1)
    length = np.sqrt(np.einsum("na,na->n", total, total))
    return _unit(total), (count >= _QUARTERS) & (length >= _AGREE * count) & is_worn(rows)


def is_worn(rows: Hours) -> Flags:
    """Return whose collar is moved in more than half of the hour's minutes."""
    return np.asarray(2 * rows["still_min"] < rows["covered_min"].sum(axis=1))


def directions(rows: Hours) -> Singles:
    """Return (n, QUARTERS, 3) unit vectors of gravity by quarter; zero where nothing is known."""
    return _unit(rows["gravity_16mg"].astype(np.float32))


def degrees(one: Singles, other: Singles) -> Singles:
    """Return the angles between (..., 3) unit vectors; 90 where one is zero."""
    dot = np.einsum("...a,...a->...", one, other)
    return np.asarray(np.degrees(np.arccos(np.minimum(np.maximum(dot, -1), 1))), np.float32)


def _unit(vectors: NDArray[np.floating]) -> Singles:
    length = np.sqrt(np.einsum("...a,...a->...", vectors, vectors))
    return np.asarray(vectors / np.maximum(length, 1e-6)[..., None], np.float32)
