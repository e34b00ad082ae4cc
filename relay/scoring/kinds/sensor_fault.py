"""Her collar's sensor cannot be trusted: wrong scale, stuck axis, or faults it counts itself. For the digest.

Rule: domain.md 2.2 ("sensor fault"): gravity at rest outside 0.85 to 1.15 g (real collars read 0.90 to 1.12,
domain.md 6.6), or an axis that stays the same while the others change; ours: the collar's own counter of bus
faults. For gravity and the axes it takes a day, so that nothing passing is told.

evidence: gravity_g; stuck_axis ("" or "x", "y", "z"); faults; trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from relay.scoring.findings import Found, Over
from relay.scoring.hours import GRAVITY_STEP_MG, MOTION_STEPS, start_ms
from relay.scoring.kind import Kind, Tier
from relay.scoring.pose import KNOWN_MIN, REST_MG

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from relay.scoring.view import View

    Flags = NDArray[np.bool_]
    Bytes = NDArray[np.uint8]

KIND = Kind("sensor_fault", Tier.DIGEST, useful_h=168, within_h=72)
VERSION = 1
LOWEST_G, HIGHEST_G = 0.85, 1.15
LASTS_H = 24
_QUARTERS_LEAST = 2
_MOST = 255


class State(NamedTuple):
    """`last` (n, 3): gravity of the newest quarter. `same` (n, 3): hours in which an axis has not changed.

    `wrong`: hours at rest in a row outside the bounds. `since`: hour of the event that is open, -1 if none.
    `well`: hours without a sign of it.
    """

    last: NDArray[np.int8]
    same: Bytes
    wrong: Bytes
    well: Bytes
    since: NDArray[np.int32]


def start(count: int) -> State:
    """Return the state of animals of which nothing is known."""
    axes = np.zeros((count, 3), np.int8), np.zeros((count, 3), np.uint8)
    return State(*axes, np.zeros(count, np.uint8), np.zeros(count, np.uint8), np.full(count, -1, np.int32))


def step(state: State, view: View) -> tuple[State, list[Found | Over]]:
    """Take in an hour."""
    rows = view.rows
    gravity_g, rests = _at_rest(view)
    is_wrong = rests & ((gravity_g < LOWEST_G) | (gravity_g > HIGHEST_G))
    wrong = _counted(state.wrong, is_wrong, rests & ~is_wrong)
    last, same = _axes(state, view)
    stuck: Flags = (same >= LASTS_H) & (same.min(axis=1) < LASTS_H)[:, None]
    faults = rows["sensor_faults"]
    bad = (wrong >= LASTS_H) | stuck.any(axis=1) | (faults > 0)
    is_open = state.since >= 0
    well = _counted(state.well, ~bad & rests, bad)
    over = is_open & (well >= LASTS_H)
    found = bad & ~is_open & ~view.cows.is_gone
    since = np.where(found, view.number, np.where(over, -1, state.since)).astype(np.int32)
    out: list[Found | Over] = [
        Over(KIND.name, start_ms(int(state.since[at])), view.at_ms, view.animals[at])
        for at in np.flatnonzero(over).tolist()
    ]
    for at in np.flatnonzero(found).tolist():
        evidence = _evidence(float(gravity_g[at]), stuck[at], int(faults[at]))
        out.append(Found(KIND.name, start_ms(view.number), view.at_ms, evidence, view.animals[at]))
    return State(last, same, wrong, well, since), out


def _counted(hours: Bytes, more: Flags, ends: Flags) -> Bytes:
    return np.where(ends, 0, np.minimum(hours.astype(np.int64) + more, _MOST)).astype(np.uint8)


def _at_rest(view: View) -> tuple[NDArray[np.float32], Flags]:
    """Return the median of the quarters' gravity at rest, g, and where two of them or more tell."""
    rows = view.rows
    known = (rows["covered_min"] >= KNOWN_MIN) & (rows["motion_8th_mg"] < REST_MG * MOTION_STEPS)
    gravity = rows["gravity_16mg"].astype(np.float32)
    length = np.sqrt(np.einsum("nqa,nqa->nq", gravity, gravity)) * (GRAVITY_STEP_MG / 1000)
    ordered = np.sort(np.where(known, length, np.inf), axis=1)
    count = known.sum(axis=1)
    middle = ordered[np.arange(len(ordered)), np.maximum(count - 1, 0) // 2]
    is_known = (count >= _QUARTERS_LEAST) & view.is_moved
    return np.where(is_known, middle, 1.0).astype(np.float32), is_known


def _axes(state: State, view: View) -> tuple[NDArray[np.int8], Bytes]:
    """Return the newest gravity and for how long each of its axes has been the same."""
    known = (view.rows["covered_min"] >= KNOWN_MIN).all(axis=1) & view.is_moved
    gravity = view.rows["gravity_16mg"]
    alike = (gravity == state.last[:, None]).all(axis=1)
    same = np.where(alike, np.minimum(state.same.astype(np.int64) + 1, _MOST), 0)
    return (
        np.where(known[:, None], gravity[:, -1], state.last).astype(np.int8),
        np.where(known[:, None], same, state.same).astype(np.uint8),
    )


def _evidence(gravity_g: float, stuck: Flags, faults: int) -> dict[str, object]:
    axis = "".join(name for name, is_stuck in zip("xyz", stuck.tolist(), strict=True) if is_stuck)
    return {
        "gravity_g": round(gravity_g, 2),
        "stuck_axis": axis,
        "faults": faults,
        "trace": [
            ["gravity at rest, g", round(gravity_g, 2), HIGHEST_G if gravity_g > 1 else LOWEST_G],
            ["faults counted", faults, 1],
        ],
    }
