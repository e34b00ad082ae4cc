"""All scorers of one animal: one state, one step per arrival of data, one row per scorer in the store."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.behaviour import labels, ordering
from relay.behaviour.minutes import MINUTE_MS
from relay.model import ScoredAnimal
from relay.scoring import no_movement, rows, unusual_activity
from relay.scoring.findings import StateError, must_be_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.behaviour.labels import LabelledMinute
    from relay.behaviour.minutes import Minute
    from relay.scoring.findings import Found, Limits, Over
    from relay.scoring.rows import Row

AHEAD_MS = 3_600_000  # no right clock gets there: a frame ends at its upload
MINUTES = "minutes"  # the name under which waiting minutes and the open row are stored
_MINUTES_VERSION = ordering.VERSION
_SPLIT = struct.Struct("<B")


@dataclass(frozen=True, slots=True)
class AnimalState:
    """Everything the scorers remember of one animal."""

    waiting: ordering.Waiting = field(default_factory=ordering.Waiting)
    open_row: Row | None = None
    no_movement: no_movement.State = field(default_factory=no_movement.State)
    unusual_activity: unusual_activity.State = field(default_factory=unusual_activity.State)
    behaviour: labels.State = field(default_factory=labels.State)


@dataclass(frozen=True, slots=True)
class Step:
    """What one arrival made of an animal. `labelled`: minutes of it and of what waited, in order.

    `unlabelled`: why there are none. The classifier then starts anew, and the alerts are not touched.
    """

    state: AnimalState
    findings: list[Found | Over]
    labelled: list[LabelledMinute]
    late_windows: int
    unlabelled: Exception | None = None


def arrive(state: AnimalState, parts: Iterable[Minute], limits: Limits) -> Step:
    """Fold the minute parts of one arrival, in any order."""
    ordered = ordering.arrive(state.waiting, parts)
    findings: list[Found | Over | None] = []
    still, restless, open_row = state.no_movement, state.unusual_activity, state.open_row
    for minute in ordered.passed:
        still, finding = no_movement.step(still, minute, limits)
        findings.append(finding)
        open_row, closed = rows.add(open_row, minute)
        if closed is not None:
            restless, finding = unusual_activity.step(restless, closed, limits)
            findings.append(finding)
    behaviour, labelled, fault = _labelled(state.behaviour, ordered.passed)
    after = AnimalState(ordered.waiting, open_row, still, restless, behaviour)
    found = [each for each in findings if each is not None]
    return Step(after, found, labelled, ordered.late_windows, fault)


def _labelled(
    state: labels.State, passed: Sequence[Minute]
) -> tuple[labels.State, list[LabelledMinute], Exception | None]:
    try:
        return *labels.step(state, passed), None
    except Exception as error:  # noqa: BLE001 - no fault of the classifier may cost a warning; the caller logs it
        return labels.State(), [], error


def without_future(state: AnimalState, received_ms: int) -> AnimalState:
    """Return the state for data received then: what is dated far ahead of it came while our clock was wrong.

    Kept, it would make everything late until that time has come. An alert that is out stays out, and so does
    the baseline; how her collar sits is learned anew, within hours.
    """
    newest = state.waiting.minutes[-1:]
    if not newest or newest[0].minute * MINUTE_MS <= received_ms + AHEAD_MS:
        return state
    still = state.no_movement if state.no_movement.raised else no_movement.State()
    return AnimalState(no_movement=still, unusual_activity=state.unusual_activity)


def to_rows(animal_id: int, state: AnimalState) -> list[ScoredAnimal]:
    """Return what the store keeps.

    Without the classifier's own state, 0.8 kB while the collar is undisturbed and, because windows wait with
    their minute, up to 4.4 kB behind a hole (17 minutes); 8 kB from a collar whose uptime stands still.
    """
    row = rows.encode(state.open_row)
    minutes = _SPLIT.pack(len(row)) + row + ordering.encode(state.waiting)
    still, restless, behaviour = no_movement, unusual_activity, labels.encode(state.behaviour)
    return [
        ScoredAnimal(animal_id, MINUTES, _MINUTES_VERSION, minutes),
        ScoredAnimal(animal_id, still.KIND, still.VERSION, still.encode(state.no_movement)),
        ScoredAnimal(animal_id, restless.KIND, restless.VERSION, restless.encode(state.unusual_activity)),
        ScoredAnimal(animal_id, labels.KIND, labels.VERSION, behaviour),
    ]


def from_rows(stored: Sequence[ScoredAnimal]) -> dict[int, AnimalState]:
    """Return the states by animal. Raises StateError for a version or bytes that this code cannot read."""
    by_animal: dict[int, dict[str, ScoredAnimal]] = {}
    for row in stored:
        by_animal.setdefault(row.animal_id, {})[row.scorer] = row
    return {animal_id: _decoded(animal_id, scorers) for animal_id, scorers in by_animal.items()}


def _decoded(animal_id: int, scorers: dict[str, ScoredAnimal]) -> AnimalState:
    try:
        minutes, still, restless = (
            scorers[name] for name in (MINUTES, no_movement.KIND, unusual_activity.KIND)
        )
        if not ordering.is_known(minutes.version):
            must_be_version(MINUTES, minutes.version, _MINUTES_VERSION)
        cut = _SPLIT.size + _SPLIT.unpack_from(minutes.state)[0]
        return AnimalState(
            ordering.decode(minutes.state[cut:], minutes.version),
            rows.decode(minutes.state[_SPLIT.size : cut]),
            no_movement.decode(still.state, still.version),
            unusual_activity.decode(restless.state, restless.version),
            _behaviour(scorers, minutes.version),
        )
    except KeyError as error:
        raise StateError(f"animal {animal_id}: no state of scorer {error}") from error
    except (struct.error, labels.LabelsError) as error:
        raise StateError(f"animal {animal_id}: damaged state: {error}") from error


def _behaviour(scorers: dict[str, ScoredAnimal], minutes_version: int) -> labels.State:
    """Return the classifier's state; a new one for an animal that was scored before there was any.

    Such states are read rather than folded anew: the log may hold years, and nobody is warned meanwhile.
    """
    if labels.KIND not in scorers and minutes_version != _MINUTES_VERSION:
        return labels.State()
    behaviour = scorers[labels.KIND]
    return labels.decode(behaviour.state, behaviour.version)
