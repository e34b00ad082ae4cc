"""The events of a farm: whole hours are stepped, late ones reopen, what changed is told. Pure.

An hour is stepped when every animal that had data the hour before is told to its end, or when the newest
animal is 20 minutes past it: by event time alone. States are kept by the hour for 6 h and at UTC midnights
for 3 days; rows that change reopen the farm at the newest of them before, and the hours since are stepped
again. All events are made from what was found since the oldest kept state, on top of those before (`base`),
so once all data are in, the same events stand, whatever the way they came.

A clock that was ahead: hours that end over an hour after what arrives wait, and those stepped already are
gone back over. Without a kept state so far back the farm `is_lost`, and is folded anew from stored hours.

An event of a kind that is switched off stays as it is, and so does what is older than can be reopened.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Protocol

import numpy as np

from relay.behaviour.minutes import MINUTE_MS
from relay.model import FarmState
from relay.scoring import herd, hours, standing
from relay.scoring.animal import AHEAD_MS
from relay.scoring.findings import Found, StateError, must_be_version
from relay.scoring.hours import HOUR_MIN, HOUR_MS
from relay.storage.ports import OPEN, WITHDRAWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.model import Event, HourRecord
    from relay.scoring.herd import Facts, HerdState
    from relay.scoring.hours import Hours
    from relay.scoring.reopen import Base
    from relay.scoring.standing import Finding

VERSION = 1
WAIT_MIN = 20  # so long after an hour by the newest animal's data nobody is waited for
EACH_KEPT_H, DAYS_KEPT_H = 6, 72  # as storage/history.py keeps them
ROWS_H = 96  # rows in memory, behind the newest: two days late, the day of that, and one of slack
SILENT_H = 40 * 24  # a longer silence is a new beginning
_FIRST = struct.Struct("<q")
_NOTHING = hours.nothing(1).tobytes()


class Known(Protocol):
    """What is known of a farm besides its collars, hour by hour (facts.py)."""

    @property
    def off(self) -> frozenset[str]:
        """The kinds that are switched off."""

    def at(self, number: int) -> Facts:
        """Return the facts for an hour."""


@dataclass(frozen=True, slots=True)
class News:
    """What a batch brought of a farm's animals.

    `rows`: by animal and hour. `told_until`: minutes, of all animals of the farm. `findings`: of single
    minutes. `reopened`: from which daily state on those of an animal take the place of all before.
    `received_ms`: when the newest of it came.
    """

    received_ms: int
    rows: Mapping[int, Mapping[int, bytes]] = field(default_factory=dict)
    told_until: Mapping[int, int] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    reopened: Mapping[int, Base] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Farm:
    """A farm between two batches.

    `first`: the hour its fold began with. `kept`: states, oldest first, the last is the newest. `rows`: by
    hour and animal. `found`: by stepped hour, since the oldest state. `peeked`: of the open hour. `minutely`:
    of single minutes, since the oldest state. `base`: events as they were then. `told`: as they stand in the
    store. `dirty`: the earliest hour whose rows changed. `told_until`, `received_ms`: as in `News`.
    `faults`: why kinds were left out of hours that were stepped last, by kind the first of each.
    """

    farm_id: int
    first: int = 0
    kept: tuple[HerdState, ...] = ()
    rows: Mapping[int, Mapping[int, bytes]] = field(default_factory=dict)
    found: Mapping[int, Sequence[Finding]] = field(default_factory=dict)
    peeked: Sequence[Finding] = ()
    minutely: Sequence[Finding] = ()
    base: Mapping[str, Event] = field(default_factory=dict)
    told: Mapping[str, Event] = field(default_factory=dict)
    dirty: int | None = None
    told_until: Mapping[int, int] = field(default_factory=dict)
    received_ms: int = 0
    faults: Mapping[str, Exception] = field(default_factory=dict)

    @property
    def next_hour(self) -> int | None:
        """The hour to step next, None before the first."""
        return self.kept[-1].number + 1 if self.kept else None


def advance(farm: Farm, news: News, known: Known) -> tuple[Farm, list[Event]]:
    """Take in what came, step what is whole; return the events that are new or have changed."""
    return tell(step_on(hear(farm, news), known), known.off)


def hear(farm: Farm, news: News) -> Farm:
    """Take in what came, and step nothing yet."""
    rows, dirty = dict(farm.rows), farm.dirty
    for animal, by_hour in news.rows.items():
        for number, row in by_hour.items():
            if rows.get(number, {}).get(animal, _NOTHING) != row:
                rows[number] = {**rows.get(number, {}), animal: row}
                dirty = number if dirty is None else min(number, dirty)
    since = news.reopened
    stay = [each for each in farm.minutely if _covers(since, each)]
    return replace(
        farm,
        rows=rows,
        dirty=dirty,
        minutely=[*stay, *news.findings],
        base=_reopened(farm.base, since) if since else farm.base,
        told_until={**farm.told_until, **news.told_until},
        received_ms=news.received_ms,
    )


def _covers(since: Mapping[int, Base], each: Finding) -> bool:
    base = None if each.animal is None else since.get(each.animal)
    return base is None or base.covers(each)


def _reopened(base: Mapping[str, Event], since: Mapping[int, Base]) -> dict[str, Event]:
    """Return the events without what single minutes told of these animals since then."""
    names, out = standing.minute_kinds(), {}
    for name, event in base.items():
        if event.kind in names and event.animal_id in since:
            found, over = standing.findings_of(event)
            if not _covers(since, found):
                continue
            is_open = over is not None and not _covers(since, over)
            out[name] = replace(event, state=OPEN, over_ms=None) if is_open else event
        else:
            out[name] = event
    return out


def is_lost(farm: Farm) -> bool:
    """Say whether a clock was so far ahead that no kept state is left to go back to."""
    return bool(farm.kept) and farm.kept[0].number >= _latest(farm)


def _latest(farm: Farm) -> int:
    """Return the first hour that a right clock cannot have finished yet."""
    return (farm.received_ms + AHEAD_MS) // HOUR_MS


def step_on(farm: Farm, known: Known) -> Farm:
    """Go back where rows changed, and step every hour that is whole; look at the one that is open."""
    whole_until = _whole_until(farm)
    faults: dict[str, Exception] = {}
    farm = _begun(_gone_back(farm), known, whole_until)
    if farm.kept:
        farm = _stepped(farm, known, whole_until, faults)
        state = farm.kept[-1]
        open_hour = farm.rows.get(state.number + 1)
        facts = known.at(state.number + 1)
        peeked = herd.peek(state, _array(open_hour, facts), facts, faults) if open_hour else []
        farm = replace(farm, peeked=[each for each in peeked if isinstance(each, Found)])
    return replace(farm, dirty=None, faults=faults)


def _gone_back(farm: Farm) -> Farm:
    """Return the farm as it was before the earliest hour that changed or that a wrong clock has stepped."""
    state = farm.kept[-1] if farm.kept else None
    until = min(_latest(farm), state.number + 1 if state else 0)
    until = until if farm.dirty is None else min(until, farm.dirty)
    if state is None or until > state.number:
        return farm
    kept = tuple(each for each in farm.kept if each.number < until)
    if not kept and farm.first > state.number - ROWS_H:  # all of its rows are still here: begin again
        base = {name: each for name, each in farm.base.items() if not _is_since(each, farm.first)}
        return replace(farm, kept=(), found={}, base=base)
    kept = kept or farm.kept[:1]
    return replace(
        farm, kept=kept, found={at: each for at, each in farm.found.items() if at <= kept[-1].number}
    )


def _is_since(event: Event, first: int) -> bool:
    return event.kind not in standing.minute_kinds() and event.detected_ms > hours.start_ms(first)


def _begun(farm: Farm, known: Known, whole_until: int) -> Farm:
    """Return the farm with a state to go on from: a new one at first, and after a long silence."""
    there = [
        number for number, by_animal in farm.rows.items() if number < whole_until and _has_any(by_animal)
    ]
    if not there:
        return farm
    newest = farm.next_hour
    after = min((each for each in there if newest is None or each >= newest), default=None)
    if after is None or (newest is not None and after - newest <= SILENT_H):
        return farm
    state = herd.start(known.at(after).animals, after)
    before = {
        name: each
        for name, each in farm.told.items()
        if each.state != WITHDRAWN and each.detected_ms <= hours.start_ms(after)
    }
    return replace(farm, first=after, kept=(state,), found={}, base={**farm.base, **before})


def _has_any(by_animal: Mapping[int, bytes]) -> bool:
    return any(row != _NOTHING for row in by_animal.values())


def _whole_until(farm: Farm) -> int:
    """Return the first hour that is not whole yet, as far as the clock that dated it can be believed."""
    believed = (farm.received_ms + AHEAD_MS) // MINUTE_MS
    told = {animal: min(minute, believed) for animal, minute in farm.told_until.items()}
    newest = max(told.values(), default=0)
    whole = (newest - WAIT_MIN) // HOUR_MIN
    while whole < newest // HOUR_MIN and _all_told(farm, told, whole):
        whole += 1
    return min(whole, _latest(farm))


def _all_told(farm: Farm, told: Mapping[int, int], number: int) -> bool:
    there = [animal for animal, row in farm.rows.get(number - 1, {}).items() if row != _NOTHING]
    return bool(there) and all(told.get(animal, 0) >= (number + 1) * HOUR_MIN for animal in there)


def _stepped(farm: Farm, known: Known, whole_until: int, faults: herd.Faults) -> Farm:
    kept, found = list(farm.kept), dict(farm.found)
    for number in range(kept[-1].number + 1, whole_until):
        facts = known.at(number)
        rows = _array(farm.rows.get(number, {}), facts)
        state, found[number] = herd.step(kept[-1], rows, facts, faults)
        kept = _thinned([*kept, state])
    if kept[-1] is farm.kept[-1]:
        return farm
    return _settled(replace(farm, kept=tuple(kept), found=found))


def _array(by_animal: Mapping[int, bytes], facts: Facts) -> Hours:
    packed = b"".join(by_animal.get(animal, _NOTHING) for animal in facts.animals)
    return np.frombuffer(packed, hours.HOUR).copy()


def _thinned(kept: list[HerdState]) -> list[HerdState]:
    newest = kept[-1].number + 1
    return [
        each
        for each in kept
        if each.number + 1 >= newest - (DAYS_KEPT_H if (each.number + 1) % 24 == 0 else EACH_KEPT_H)
    ]


def _settled(farm: Farm) -> Farm:
    """Move what was found before the oldest kept state to the base; forget old rows and events."""
    since = farm.kept[0].number + 1
    since_ms = hours.start_ms(since)
    old = [each for at, some in farm.found.items() if at < since for each in some]
    old += [each for each in farm.minutely if each.at_ms <= since_ms]
    base = standing.after(farm.farm_id, farm.base, old) if old else farm.base
    base = {name: each for name, each in base.items() if standing.is_kept(each, since_ms)}
    return replace(
        farm,
        found={at: each for at, each in farm.found.items() if at >= since},
        minutely=[each for each in farm.minutely if each.at_ms > since_ms],
        base=base,
        told={n: each for n, each in farm.told.items() if n in base or standing.is_kept(each, since_ms)},
        rows={at: each for at, each in farm.rows.items() if at >= farm.kept[-1].number - ROWS_H},
    )


def tell(farm: Farm, off: frozenset[str]) -> tuple[Farm, list[Event]]:
    """Return the events that changed since this was asked last, and the farm that knows them as told."""
    found = [*chain.from_iterable(farm.found.values()), *farm.minutely]
    stand = standing.after(farm.farm_id, farm.base, [*found, *farm.peeked])
    now = [_as_detected(event, farm.told.get(name)) for name, event in stand.items()]
    changes = [event for event in now if event != farm.told.get(event.id)]
    changes += [
        replace(event, state=WITHDRAWN)
        for name, event in farm.told.items()
        if name not in stand and event.state != WITHDRAWN and _may_go(farm, event)
    ]
    changes = [event for event in changes if event.kind not in off]
    return replace(farm, told={**farm.told, **{event.id: event for event in changes}}), changes


def _as_detected(event: Event, before: Event | None) -> Event:
    """An event keeps the time at which it was found first."""
    return replace(event, detected_ms=before.detected_ms) if before else event


def _may_go(farm: Farm, event: Event) -> bool:
    """Say whether what is known goes back far enough to find the event again, if it stood."""
    since = farm.kept[0].number + 1 if farm.kept else farm.first
    return (
        event.kind in standing.minute_kinds() or event.detected_ms > hours.start_ms(since) - standing.ENDED_MS
    )


def to_states(farm: Farm, before: Farm) -> list[FarmState]:
    """Return the states to store: those that `before` has not; the newest also if it went back to it."""
    if not farm.kept or farm.kept == before.kept:
        return []
    known = {id(each) for each in before.kept}
    new = [each for each in farm.kept if id(each) not in known]
    return [
        FarmState(farm.farm_id, each.number + 1, VERSION, _FIRST.pack(farm.first) + herd.encode(each))
        for each in new or farm.kept[-1:]
    ]


def restored(
    farm_id: int, states: Iterable[FarmState], records: Iterable[HourRecord], events: Iterable[Event]
) -> Farm:
    """Return a farm as the store has it: it goes on from the oldest state, and steps the rest again.

    events: of the last standing.OPEN_MS, also those withdrawn. Raises StateError for a state that this code
    cannot read.
    """
    first, oldest = 0, None
    for each in sorted(states, key=lambda one: one.hour)[:1]:
        must_be_version("farm", each.version, VERSION)
        if len(each.state) < _FIRST.size:
            raise StateError(f"farm {farm_id}: state of {len(each.state)} bytes")
        (first,), oldest = _FIRST.unpack_from(each.state), herd.decode(each.state[_FIRST.size :])
    rows: dict[int, dict[int, bytes]] = {}
    for record in records:
        rows.setdefault(record.hour, {})[record.animal_id] = record.row
    since_ms = hours.start_ms(oldest.number + 1) if oldest else 0
    told = {event.id: event for event in events}
    base, minutely = standing.split(told.values(), since_ms)
    return Farm(farm_id, first, (oldest,) if oldest else (), rows, {}, (), minutely, base, told)
