"""Much more restless than she usually is at this hour: heat, labour, pain, a hole in the fence. Thin version.

Own baseline in the log domain: a mean per hour of day and one deviation pooled over all hours (a deviation
per hour is the trap of domain.md 2.1 and 2.3: pooling removes 78 % of false alerts at equal sensitivity). It
knows no herd, no chewing and no cycle, so it says "very restless" and never "in heat"; the heat scorer takes
its place. Hours are UTC: where clocks change, a cow's routine moves one hour against them twice a year and
the deviation absorbs it.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from relay.scoring.findings import Found, Over, must_be_version
from relay.scoring.rows import ROW_MS

if TYPE_CHECKING:
    from relay.scoring.findings import Limits
    from relay.scoring.rows import Row

KIND = "unusual_activity"
VERSION = 1

WARM_UP_DAYS = 3  # earlier days with this hour in them
MIN_COVERED_MIN = 12  # 80 % of a row (domain.md 2.1, coverage gate)
RUN_ROWS = 4  # an hour: a dog that chases her for minutes does not fire (DeLaval, domain.md 1a)
# 3 mean absolute deviations are 2.4 standard deviations of noise, four times in a row. High on purpose: with
# Kamphuis 2012 (domain.md 0.6) specificity decides trust, and BouMatic's trial had its best with a long
# baseline and 3 sd.
DEVIATIONS = 3.0
MIN_RATIO = 1.5
MIN_DEVIATION = 0.08  # domain.md 2.1: a very regular cow has no smaller one
RELEARN_ROWS = 96  # after a day of it there is a new usual (another group, another pasture)
_MEAN_ROWS = 40  # memory of an hour's mean: 10 days of 4 rows
_DEVIATION_ROWS = 960  # memory of the pooled deviation: 10 days of 96 rows
_HOURS, _HOUR_ROWS, _DAY_ROWS = 24, 4, 96

_HEAD = struct.Struct("<dHqqHd?")
_HOUR = struct.Struct("<dHHi")
_NEVER = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Hour:
    """What is usual in one hour of the day; `motion_log` is the mean of ln(1 + mg)."""

    motion_log: float = 0.0
    rows: int = 0
    days: int = 0
    last_day: int = -1


@dataclass(frozen=True, slots=True)
class State:
    """The baseline and the run of restless rows that is open, if any."""

    hours: tuple[Hour, ...] = field(default=(Hour(),) * _HOURS)
    deviation: float = 0.0
    deviation_rows: int = 0
    onset: int | None = None  # number of the run's first row
    newest: int | None = None  # and of its newest
    run_rows: int = 0
    excess: float = 0.0  # sum over the run of how far above the usual, in logs
    raised: bool = False


def step(state: State, row: Row, _limits: Limits) -> tuple[State, Found | Over | None]:
    """Fold one closed row, later than all before; report a run of `RUN_ROWS` restless rows, and its end."""
    if row.covered_min < MIN_COVERED_MIN:
        return (state if state.raised else _calm(state)), None
    hour = state.hours[_hour_of(row)]
    excess = math.log1p(row.motion_mg) - hour.motion_log
    threshold = max(DEVIATIONS * max(state.deviation, MIN_DEVIATION), math.log(MIN_RATIO))
    if _full_days(hour, row) < WARM_UP_DAYS or excess <= threshold:
        return _ended(_learned(state, row), row)
    return _restless(state, row, excess)


def _hour_of(row: Row) -> int:
    return row.number // _HOUR_ROWS % _HOURS


def _full_days(hour: Hour, row: Row) -> int:
    return hour.days - (hour.last_day == row.number // _DAY_ROWS)


def _calm(state: State) -> State:
    return replace(state, onset=None, newest=None, run_rows=0, excess=0.0, raised=False)


def _ended(state: State, row: Row) -> tuple[State, Over | None]:
    over = None
    if state.raised and state.onset is not None:
        over = Over(KIND, state.onset * ROW_MS, row.start_ms)
    return _calm(state), over


def _learned(state: State, row: Row) -> State:
    """Return the state with `row` in its baseline."""
    at, day = _hour_of(row), row.number // _DAY_ROWS
    hour, motion_log = state.hours[at], math.log1p(row.motion_mg)
    if _full_days(hour, row):
        count = min(state.deviation_rows + 1, _DEVIATION_ROWS)
        away = abs(motion_log - hour.motion_log)
        state = replace(
            state, deviation=state.deviation + (away - state.deviation) / count, deviation_rows=count
        )
    rows = min(hour.rows + 1, _MEAN_ROWS)
    days = min(hour.days + (hour.last_day != day), _MEAN_ROWS)
    learned = Hour(hour.motion_log + (motion_log - hour.motion_log) / rows, rows, days, day)
    return replace(state, hours=(*state.hours[:at], learned, *state.hours[at + 1 :]))


def _restless(state: State, row: Row, excess: float) -> tuple[State, Found | Over | None]:
    if not state.raised and state.newest != row.number - 1:
        state = replace(_calm(state), onset=row.number)
    run_rows = state.run_rows + 1
    if run_rows == RELEARN_ROWS:
        return State(), _ended(state, row)[1]
    state = replace(state, newest=row.number, run_rows=run_rows, excess=state.excess + excess)
    if state.raised or run_rows < RUN_ROWS or state.onset is None:
        return state, None
    evidence = _evidence(state, row)
    return replace(state, raised=True), Found(KIND, state.onset * ROW_MS, row.start_ms + ROW_MS, evidence)


def _evidence(state: State, row: Row) -> dict[str, int]:
    hour = state.hours[_hour_of(row)]
    return {
        "restless_min": state.run_rows * 15,
        "ratio_percent": round(100 * math.exp(state.excess / state.run_rows)),
        "motion_mg": round(row.motion_mg),
        "usual_motion_mg": round(math.expm1(hour.motion_log)),
        "days_learned": _full_days(hour, row),
    }


def encode(state: State) -> bytes:
    """Return 421 bytes."""
    onset, newest = (_NEVER if value is None else value for value in (state.onset, state.newest))
    run = (onset, newest, state.run_rows, state.excess, state.raised)
    head = _HEAD.pack(state.deviation, state.deviation_rows, *run)
    return head + b"".join(_HOUR.pack(h.motion_log, h.rows, h.days, h.last_day) for h in state.hours)


def decode(data: bytes, version: int) -> State:
    """Return what `encode` was given. Raises StateError for another version, struct.error for other bytes."""
    must_be_version(KIND, version, VERSION)
    head, rows = struct.unpack(f"<{_HEAD.size}s{_HOURS * _HOUR.size}s", data)
    deviation, deviation_rows, onset, newest, run_rows, excess, raised = _HEAD.unpack(head)
    onset, newest = (None if value == _NEVER else value for value in (onset, newest))
    hours = tuple(Hour(*values) for values in _HOUR.iter_unpack(rows))
    return State(hours, deviation, deviation_rows, onset, newest, run_rows, excess, raised)
