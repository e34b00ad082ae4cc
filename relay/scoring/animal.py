"""What is folded of one animal: minutes in order, their labels, the scorers of single minutes, and hours.

One state, one step per arrival of data, one row per part of it in the store. A scorer of single minutes is
found by being in `kinds`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from relay.behaviour import labels, ordering
from relay.behaviour.minutes import MINUTE_MS
from relay.model import ScoredAnimal
from relay.scoring import hourbuild
from relay.scoring.findings import StateError, must_be_version
from relay.scoring.hours import HOUR_MIN
from relay.scoring.kinds import minutely

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from relay.behaviour.labels import LabelledMinute
    from relay.behaviour.minutes import Minute
    from relay.scoring.findings import Found, Limits, Over
    from relay.scoring.hourbuild import Health

AHEAD_MS = 3_600_000  # no right clock gets there: a frame ends at its upload
DAY_MIN = 1440
KEPT_DAYS = 3  # of daily states: what comes two days late may be of the day before
MINUTES = "minutes"  # the name under which waiting minutes are stored
VERSION = 5
_WITH_ROW = 4  # the version before hours: behind an open quarter of an hour and its length, one byte


@dataclass(frozen=True, slots=True)
class AnimalState:
    """Everything remembered of one animal. `minutely`: by kind, of scorers that have seen a minute."""

    waiting: ordering.Waiting = field(default_factory=ordering.Waiting)
    minutely: dict[str, Any] = field(default_factory=dict)
    behaviour: labels.State = field(default_factory=labels.State)
    hours: hourbuild.State = field(default_factory=hourbuild.State)


@dataclass(slots=True)
class Step:
    """What one arrival made of an animal. `labelled`: minutes of it and of what waited, in order.

    `hours`: the records of all that it touched. `snapshots`: (UTC day since 1970, state when it began).
    `late`: the earliest minute that came too late, but not by more than two days. `unlabelled`: why there are
    no labels: the classifier then starts anew, and the alerts are not touched.
    """

    state: AnimalState
    findings: list[Found | Over] = field(default_factory=list)
    labelled: list[LabelledMinute] = field(default_factory=list)
    hours: dict[int, bytes] = field(default_factory=dict)
    snapshots: list[tuple[int, AnimalState]] = field(default_factory=list)
    late_windows: int = 0
    late: int | None = None
    unlabelled: Exception | None = None


def arrive(
    state: AnimalState, parts: Iterable[Minute], limits: Limits, healths: Sequence[Health] = ()
) -> Step:
    """Fold the minute parts and health frames of one arrival, in any order."""
    hours, late = hourbuild.hear(state.hours, healths) if healths else (state.hours, None)
    ordered = ordering.arrive(state.waiting, parts)
    known = [each for each in (late, ordered.late) if each is not None]
    step = Step(replace(state, hours=hours), late_windows=ordered.late_windows, late=min(known, default=None))
    step.hours |= hourbuild.spoken(hours, healths) if healths else {}
    before = state.waiting.next_minute
    for day, minutes in _by_day(ordered.passed):
        if before is not None:
            step.snapshots += _at_midnights(step.state, before, day)
        _fold_day(step, minutes, limits)
        before = minutes[-1].minute + 1
    step.state = replace(step.state, waiting=ordered.waiting)
    return step


def _by_day(passed: Sequence[Minute]) -> Iterator[tuple[int, Sequence[Minute]]]:
    if passed and passed[0].minute // DAY_MIN == passed[-1].minute // DAY_MIN:
        yield passed[0].minute // DAY_MIN, passed
        return
    for day, minutes in groupby(passed, lambda each: each.minute // DAY_MIN):
        yield day, list(minutes)


def _at_midnights(state: AnimalState, next_minute: int, day: int) -> Iterator[tuple[int, AnimalState]]:
    """Yield the state at each of the newest midnights between the minute before `next_minute` and `day`."""
    first = max((next_minute - 1) // DAY_MIN + 1, day + 1 - KEPT_DAYS)
    for each in range(first, day + 1):
        midnight = each * DAY_MIN
        hours = hourbuild.before(state.hours, midnight // HOUR_MIN)
        yield each, replace(state, waiting=ordering.Waiting(midnight), hours=hours)


def _fold_day(step: Step, minutes: Sequence[Minute], limits: Limits) -> None:
    scored = {}
    for scorer in minutely():
        name = scorer.KIND.name
        remembered = step.state.minutely.get(name) or scorer.State()
        scored[name], found = scorer.step_minutes(remembered, minutes, limits)
        step.findings += found
    behaviour, labelled, fault = _labelled(step.state.behaviour, minutes)
    told_until = minutes[-1].minute + 1 if fault else labels.told_until(behaviour)
    hours, records = hourbuild.step(step.state.hours, minutes, labelled, told_until)
    step.state = AnimalState(step.state.waiting, scored, behaviour, hours)
    step.labelled += labelled
    step.hours |= records
    step.unlabelled = fault or step.unlabelled


def _labelled(
    state: labels.State, passed: Sequence[Minute]
) -> tuple[labels.State, list[LabelledMinute], Exception | None]:
    try:
        return *labels.step(state, passed), None
    except Exception as error:  # noqa: BLE001 - no fault of the classifier may cost a warning; the caller logs it
        return labels.State(), [], error


def is_ahead(state: AnimalState, received_ms: int) -> bool:
    """Say whether something of the state is dated far ahead of that time: it came while our clock was wrong.

    Kept, it would make everything late until that time has come.
    """
    newest_ms = [each.minute * MINUTE_MS for each in state.waiting.minutes[-1:]]
    newest_ms += [each.first_ms for each in state.hours.health[-1:]]
    return max(newest_ms, default=received_ms) > received_ms + AHEAD_MS


def to_rows(animal_id: int, state: AnimalState) -> list[ScoredAnimal]:
    """Return what the store keeps.

    Without the classifier's own state, 0.8 kB while the collar is undisturbed and, because windows wait with
    their minute, up to 4.4 kB behind a hole (17 minutes); 8 kB from a collar whose uptime stands still.
    """
    scored = [each for each in minutely() if each.KIND.name in state.minutely]
    return [
        ScoredAnimal(animal_id, MINUTES, VERSION, ordering.encode(state.waiting)),
        *(
            ScoredAnimal(animal_id, each.KIND.name, each.VERSION, each.encode(state.minutely[each.KIND.name]))
            for each in scored
        ),
        ScoredAnimal(animal_id, labels.KIND, labels.VERSION, labels.encode(state.behaviour)),
        ScoredAnimal(animal_id, hourbuild.KIND, hourbuild.VERSION, hourbuild.encode(state.hours)),
    ]


def from_rows(stored: Iterable[ScoredAnimal]) -> dict[int, AnimalState]:
    """Return the states by animal. Raises StateError for a version or bytes that this code cannot read.

    A row of a scorer that is not known is ignored; a scorer without a row starts anew.
    """
    by_animal: dict[int, dict[str, ScoredAnimal]] = {}
    for row in stored:
        by_animal.setdefault(row.animal_id, {})[row.scorer] = row
    return {animal_id: _decoded(animal_id, rows) for animal_id, rows in by_animal.items()}


def _decoded(animal_id: int, rows: dict[str, ScoredAnimal]) -> AnimalState:
    try:
        scored = {
            each.KIND.name: each.decode(rows[each.KIND.name].state, rows[each.KIND.name].version)
            for each in minutely()
            if each.KIND.name in rows
        }
        behaviour, hours = rows[labels.KIND], rows.get(hourbuild.KIND)
        return AnimalState(
            ordering.decode(_minutes(rows[MINUTES])),
            scored,
            labels.decode(behaviour.state, behaviour.version),
            hourbuild.decode(hours.state, hours.version) if hours else hourbuild.State(),
        )
    except KeyError as error:
        raise StateError(f"animal {animal_id}: no state of scorer {error}") from error
    except (struct.error, labels.LabelsError) as error:
        raise StateError(f"animal {animal_id}: damaged state: {error}") from error


def _minutes(row: ScoredAnimal) -> bytes:
    """Return the waiting minutes, also of the version before: the log may hold years to fold anew."""
    if row.version != _WITH_ROW:
        must_be_version(MINUTES, row.version, VERSION)
        return row.state
    return row.state[1 + int.from_bytes(row.state[:1]) :]
