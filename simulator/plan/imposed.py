"""Stretches in which cows have no choice, laid over what they would do: all cows of a day in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.plan.routine import DAY_MS, MINUTE_MS, TICK_MIN, TICKS
from simulator.plan.states import STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.plan.routine import Forced

_PLACE = {name: place for place, name in enumerate(STATES)}
_TICK_MS = TICK_MIN * MINUTE_MS


class Stretches(NamedTuple):
    """Stretches of a day, (k,) by cow and time, none over another; ms since the day began."""

    cow: NDArray[np.int64]
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]
    state: NDArray[np.uint8]


def stretches(forced: Sequence[Forced], start_ms: int) -> Stretches:
    """Return what lies within the day that begins at `start_ms`; where two overlap, the later holds."""
    rows = [(each.cow, each.from_ms, each.to_ms, _PLACE[each.state]) for each in sorted(forced)]
    cow, from_ms, to_ms, state = np.array(rows, np.int64).reshape(-1, 4).T
    from_ms, to_ms = np.maximum(from_ms - start_ms, 0), np.minimum(to_ms - start_ms, DAY_MS)
    follows = cow[1:] == cow[:-1]
    to_ms[:-1][follows] = np.minimum(to_ms[:-1], from_ms[1:])[follows]
    some = to_ms > from_ms
    return Stretches(cow[some], from_ms[some], to_ms[some], state[some].astype(np.uint8))


def free_min(cows: int, *imposed: Stretches) -> NDArray[np.float64]:
    """Return (TICKS, cows) minutes in which she has the choice."""
    taken_ms = np.zeros(cows * TICKS)
    for cow, from_ms, to_ms, _ in imposed:
        first = from_ms // _TICK_MS
        touched = -(-to_ms // _TICK_MS) - first
        # One row for every tick that a stretch touches.
        each = np.repeat(np.arange(len(cow)), touched)
        tick = np.arange(len(each)) - np.repeat(np.cumsum(touched) - touched - first, touched)
        inside_ms = np.minimum(to_ms[each], (tick + 1) * _TICK_MS) - np.maximum(
            from_ms[each], tick * _TICK_MS
        )
        taken_ms += np.bincount(cow[each] * TICKS + tick, inside_ms, cows * TICKS)
    free_ms = np.maximum(_TICK_MS - taken_ms, 0.0)
    return np.ascontiguousarray(free_ms.reshape(cows, TICKS).T / MINUTE_MS)


def impose(
    key: NDArray[np.int64], state: NDArray[np.uint8], cows: int, imposed: Stretches
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the bouts with the stretches laid over them; she then goes on with what she would be doing.

    `key` (m,), ascending: cow x DAY_MS + ms since the day began; every cow has a bout at the day's start.
    """
    if not len(imposed.cow):
        return key, state
    begin, end = imposed.cow * DAY_MS + imposed.from_ms, imposed.cow * DAY_MS + imposed.to_ms
    low, high = np.searchsorted(key, (begin, end))
    depth = np.bincount(low, minlength=len(key) + 1) - np.bincount(high, minlength=len(key) + 1)
    bare = np.cumsum(depth[:-1]) == 0
    follows = np.append(key, cows * DAY_MS)[high] == end
    follows[:-1] |= begin[1:] == end[:-1]
    resumes = ~follows
    keys = np.concatenate((key[bare], begin, end[resumes]))
    states = np.concatenate((state[bare], imposed.state, state[high - 1][resumes]))
    order = np.argsort(keys, kind="stable")
    return keys[order], states[order]
