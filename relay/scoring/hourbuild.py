"""Minutes and labels as they come to the records of `hours`, the same as of all of them at once.

An hour is open until its minutes are told; then it leaves, and nothing can be added to it. What is kept of an
open hour are whole sums, so the means of its record do not depend on how it came. If the classifier fails,
an hour leaves without what was not told.

A health frame tells of the hour it is dated in; of several, the newest, but with the most faults. It may come
before the hour has any minute, so it is kept for two days, or until its hour leaves.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from herdcore.records import unpack_health
from herdcore.vocabulary import BEHAVIOURS
from relay.scoring.findings import must_be_version
from relay.scoring.hours import (
    GRAVITY_STEP_MG,
    HOUR_MIN,
    HOUR_MS,
    MIN_WINDOWS,
    MOTION_STEPS,
    NO_DAYS_LEFT,
    NO_TEMPERATURE,
    QUARTER_MIN,
    QUARTERS,
    STARTLED_MG,
    STILL_MG,
    TOLD_FIELDS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.behaviour.labels import LabelledMinute
    from relay.behaviour.minutes import Minute
    from relay.model import LoggedFrame

KIND = "hours"
VERSION = 1

HEALTH_HOURS = 48
# Places in the sums of an hour: by quarter covered minutes, motion and gravity x, y, z, all in mg; then
# minutes by what they were told to be, from "rest" on; and the three last.
_OF_QUARTER = 5
_TOLD = QUARTERS * _OF_QUARTER
_CHANGES = _TOLD + len(TOLD_FIELDS)
_STILL, _STARTLED = _CHANGES + 1, _CHANGES + 2
_SUMS = _STARTLED + 1
_BY_PLACE = [BEHAVIOURS.index(name) - 1 + _TOLD for name in TOLD_FIELDS]

_RECORD = struct.Struct("<4B4H12b5BBBQHbB")  # of dtype HOUR
_NOTHING_SAID = (NO_DAYS_LEFT, NO_TEMPERATURE, 0)
_HEAD = struct.Struct("<qqBBB")
_OPEN = struct.Struct("<q" + QUARTERS * "Bi3h" + "5BBBQ")
_HEALTH = struct.Struct("<qHbB")


class Open(NamedTuple):
    """An hour (since 1970) that may still grow, and its sums."""

    number: int
    sums: tuple[int, ...]


class Health(NamedTuple):
    """What a health frame says for the record of its hour. `sensor_faults`: kinds of them, since the last."""

    first_ms: int
    days_left: int
    temperature_c: int
    sensor_faults: int


@dataclass(frozen=True, slots=True)
class State:
    """The open hours of one animal, oldest first.

    All before `told_until` (a minute since 1970) is told; `told` is the newest told minute and what it was
    told to be. `health`: by time, at most one an hour.
    """

    told_until: int = 0
    told: tuple[int, int] = (-1, 0)
    open: tuple[Open, ...] = ()
    health: tuple[Health, ...] = ()


def health_of(frame: LoggedFrame) -> Health:
    """Return what a health frame says. Raises FrameError for one that is not whole."""
    said = unpack_health(frame.records)
    return Health(frame.first_ms, said.days_left, said.temp_c, (said.sensor_faults >> 8).bit_count())


def hear(state: State, healths: Iterable[Health]) -> tuple[State, int | None]:
    """Take in health frames; return the first minute of the earliest of their hours that has left, if any."""
    closed = state.told_until // HOUR_MIN
    newest = {_hour_of(each): each for each in state.health}
    late = None
    for each in sorted(healths):
        hour = _hour_of(each)
        if hour >= closed:
            known = newest.get(hour, each)
            faults = max(each.sensor_faults, known.sensor_faults)
            newest[hour] = max(each, known)._replace(sensor_faults=faults)
        elif late is None:
            late = hour * HOUR_MIN
    since = max(newest, default=0) - HEALTH_HOURS
    return replace(state, health=tuple(newest[hour] for hour in sorted(newest) if hour > since)), late


def before(state: State, hour: int) -> State:
    """Return the state without what health frames say of that hour or a later one."""
    return replace(state, health=tuple(each for each in state.health if _hour_of(each) < hour))


def step(
    state: State, minutes: Sequence[Minute], labelled: Sequence[LabelledMinute], told_until: int
) -> tuple[State, dict[int, bytes]]:
    """Take minutes and what was told, each later than all before.

    `told_until`: before that minute nothing more will be told. Returns the records of the hours touched, as
    far as they are known.
    """
    sums = {each.number: list(each.sums) for each in state.open}
    touched = _measured(sums, minutes)
    told = _tell(sums, touched, state, labelled)
    until = max(state.told_until, told_until)
    said = {_hour_of(each): each for each in state.health}
    records = {number: _record(sums[number], said.get(number)) for number in touched}
    closed = until // HOUR_MIN
    still_open = tuple(Open(number, tuple(sums[number])) for number in sorted(sums) if number >= closed)
    health = tuple(each for each in state.health if _hour_of(each) >= closed)
    return State(until, told, still_open, health), records


def spoken(state: State, healths: Iterable[Health]) -> dict[int, bytes]:
    """Return the records of the hours of these health frames, as far as they are known and have not left."""
    sums = {each.number: each.sums for each in state.open}
    kept = {_hour_of(each): each for each in state.health}
    hours = {_hour_of(each) for each in healths} & set(kept)
    return {hour: _record(sums.get(hour, (0,) * _SUMS), kept[hour]) for hour in hours}


def _hour_of(health: Health) -> int:
    return health.first_ms // HOUR_MS


def _measured(sums: dict[int, list[int]], minutes: Sequence[Minute]) -> set[int]:
    touched: set[int] = set()
    known: int | None = None  # no number: a collar may say anything, times before 1970 too
    hour: list[int] = []
    for minute in minutes:
        number, at = divmod(minute.minute, HOUR_MIN)
        if number != known:
            touched.add(number)
            known, hour = number, sums.setdefault(number, [0] * _SUMS)
        if minute.windows >= MIN_WINDOWS:
            _measure(hour, at, minute)
    return touched


def _measure(sums: list[int], at: int, minute: Minute) -> None:
    place = at // QUARTER_MIN * _OF_QUARTER
    windows = minute.windows  # its properties, written out: a herd makes millions of them
    motion_mg = minute.motion_sum_mg // windows
    sums[place] += 1
    sums[place + 1] += motion_mg
    sums[place + 2] += minute.x * GRAVITY_STEP_MG // windows
    sums[place + 3] += minute.y * GRAVITY_STEP_MG // windows
    sums[place + 4] += minute.z * GRAVITY_STEP_MG // windows
    if minute.motion_max_mg <= STILL_MG:
        sums[_STILL] += 1
    if motion_mg >= STARTLED_MG:
        sums[_STARTLED] |= 1 << at


def _tell(
    sums: dict[int, list[int]], touched: set[int], state: State, labelled: Sequence[LabelledMinute]
) -> tuple[int, int]:
    """Count what is told of hours that have not left; return the newest minute told, and as what."""
    closed = state.told_until // HOUR_MIN
    newest, was = state.told
    told: int | None = None
    hour: list[int] = []
    for minute, behaviour, _, windows, *_ in labelled:
        number = minute // HOUR_MIN
        known = behaviour if windows else 0  # a code's minute is told, but not covered
        if number >= closed:
            if number != told:
                touched.add(number)
                told, hour = number, sums.setdefault(number, [0] * _SUMS)
            if known:
                hour[_TOLD - 1 + known] += 1
                if was and known != was and minute == newest + 1:
                    hour[_CHANGES] += 1
        newest, was = minute, known
    return newest, was


def _record(sums: Sequence[int], health: Health | None) -> bytes:
    counts = sums[0:_TOLD:_OF_QUARTER]
    motion: list[int] = []
    gravity: list[int] = []
    for quarter, count in enumerate(counts):
        if not count:
            motion.append(0)
            gravity += (0, 0, 0)
            continue
        place = quarter * _OF_QUARTER
        motion.append(min(round(sums[place + 1] / count * MOTION_STEPS), 0xFFFF))
        for total in sums[place + 2 : place + _OF_QUARTER]:
            mean = round(total / count / GRAVITY_STEP_MG)
            gravity.append(mean if -128 <= mean <= 127 else min(max(mean, -128), 127))
    told = [sums[place] for place in _BY_PLACE]
    said = health[1:] if health else _NOTHING_SAID
    return _RECORD.pack(*counts, *motion, *gravity, *told, *sums[_CHANGES:], *said)


def encode(state: State) -> bytes:
    """Return a head of 19 bytes, 67 for each open hour and 12 for each health record."""
    head = _HEAD.pack(state.told_until, *state.told, len(state.open), len(state.health))
    opened = [_OPEN.pack(each.number, *each.sums) for each in state.open]
    return b"".join([head, *opened, *[_HEALTH.pack(*each) for each in state.health]])


def decode(data: bytes, version: int) -> State:
    """Return what `encode` was given. Raises StateError for another version, struct.error for other bytes."""
    must_be_version(KIND, version, VERSION)
    told_until, minute, behaviour, hours, healths = _HEAD.unpack_from(data)
    cut = _HEAD.size + hours * _OPEN.size
    if len(data) != cut + healths * _HEALTH.size:
        raise struct.error(f"{len(data)} bytes for {hours} hours and {healths} health records")
    opened = (Open(number, tuple(sums)) for number, *sums in _OPEN.iter_unpack(data[_HEAD.size : cut]))
    said = (Health(*each) for each in _HEALTH.iter_unpack(data[cut:]))
    return State(told_until, (minute, behaviour), tuple(opened), tuple(said))
