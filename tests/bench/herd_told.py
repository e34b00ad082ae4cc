"""What the relay tells the minutes of a virtual herd to be: windows, frames, minutes, order, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from herdcore import wire
from herdcore.vocabulary import BEHAVIOURS, SCHEMA_WINDOWS
from relay.behaviour import labels, ordering
from relay.behaviour.minutes import minute_parts
from relay.model import LoggedFrame
from simulator.clock import START_UTC_MS
from simulator.neck.look_model import CELL_MS
from simulator.plan.routine import DAY_MS, MINUTE_MS
from simulator.plan.states import STATES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.virtual_herd import VirtualHerd

_FRAME_WINDOWS = 88
_KIND = wire.frame_kind(SCHEMA_WINDOWS)


def labelled(start_ms: NDArray[np.int64], records: NDArray[np.uint8]) -> dict[int, labels.LabelledMinute]:
    """Return what the relay tells of a cow's windows, by minute since the start of the simulation.

    `start_ms` (n,) since the start, consecutive; `records` (n, 14).
    """
    waiting, state = ordering.Waiting(), labels.State()
    out: dict[int, labels.LabelledMinute] = {}
    first = START_UTC_MS // MINUTE_MS
    for at in range(0, len(records), _FRAME_WINDOWS):
        first_ms = START_UTC_MS + int(start_ms[at])
        part = records[at : at + _FRAME_WINDOWS].tobytes()
        frame = LoggedFrame(at, 7, 1, 1, _KIND, 1, at, 0, first_ms, first_ms + DAY_MS, part)
        ordered = ordering.arrive(waiting, [each for parts in minute_parts([frame]) for each in parts])
        waiting = ordered.waiting
        state, done = labels.step(state, ordered.passed)
        out |= {each.minute - first: each for each in done}
    return out


def confusion(herd: VirtualHerd, cows: int, days: int) -> NDArray[np.float64]:
    """Return (states, behaviours) shares of the minutes after the first day, NaN where a state has none.

    A minute's state is that of its middle, and counts if it lasts the whole minute.
    """
    counts = np.zeros((len(STATES), len(BEHAVIOURS)))
    for cow in range(cows):
        records = np.concatenate([herd.windows(cow, day) for day in range(days)])
        told = labelled(np.arange(len(records)) * CELL_MS, records)
        for day in range(1, days):
            start_ms, state = herd.day(day).of(cow)
            begin_ms = day * DAY_MS + np.arange(1440) * MINUTE_MS
            first, last = (np.searchsorted(start_ms, begin_ms + ms, "right") - 1 for ms in (0, MINUTE_MS - 1))
            for minute in np.flatnonzero(first == last).tolist():
                known = told.get(day * 1440 + minute)
                if known is not None:
                    counts[state[first[minute]], known.behaviour] += 1
    with np.errstate(invalid="ignore"):
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))
