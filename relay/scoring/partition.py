"""The fold of a partition: frames in; new states, findings, labels and hours out. Pure: no clock, no store.

What is guaranteed, as long as no window comes more than 15 minutes (event time) behind the newest one of its
animal:

- Batching does not matter. The same log cut into other batches gives the same states, findings, labels and
  hours: what is classified live is what a replay classifies.
- Order does not matter. The frames of an animal in another order give the same: minutes are exact sums with
  their windows in order, and wait for their place (`behaviour.ordering`).
- Form does not matter for what is counted: a minute that comes as windows and as a minute record counts once,
  as windows, and codes give way to both (`behaviour.minutes.add`), in whatever order they come.
- Frames of one request (same animal, same `received_ms`, one batch) are folded as one arrival, so the backlog
  of a collar that drains newest first is put in order however long it is. `whole_arrivals` keeps a batch from
  cutting one.

What comes later than that is left out here and named in `Folded.late`, up to two days; `reopen` then folds
the animal's last days anew, and the guarantees hold for it too. So does an animal whose state lies over an
hour ahead of what arrives: the relay's clock was wrong when it was made. It starts anew until it is reopened.

Frames dated more than 60 days before they came are not dated at all: the collar did not know their age. They
are counted and left out; they stay in the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from herdcore.vocabulary import SCHEMA_HEALTH
from relay.behaviour.coarse import parts_of
from relay.behaviour.minutes import MINUTE_MS, holds_motion, is_whole, schema_of
from relay.model import AnimalSnapshot
from relay.scoring.animal import AnimalState, arrive, is_ahead, to_rows
from relay.scoring.hourbuild import health_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.behaviour.labels import LabelledMinute
    from relay.behaviour.minutes import Minute
    from relay.model import LoggedFrame
    from relay.scoring.animal import Step
    from relay.scoring.findings import Found, Limits, Over
    from relay.scoring.hourbuild import Health

# Twice the 30 days that a collar's log reaches back. Without an ack since its boot a collar does not know the
# date and tells an age since 1970.
OLDEST_MS = 60 * 86_400_000


@dataclass(slots=True)
class Folded:
    """What a batch changed, by animal. `states` holds the animals that had data but those in `failures`.

    `findings`: of the scorers of single minutes, in order. `labels`: those of which minutes were labelled,
    oldest first. `hours`: by number since 1970 the record of each hour touched, whole as far as known.
    `told_until`: the minute since 1970 before which the animal is told. `snapshots`: its state at UTC
    midnights. `late`: the earliest minute of what came too late, if not more than two days: call `reopen`.
    `unlabelled`: whose classifier failed and started anew.
    """

    states: dict[int, AnimalState] = field(default_factory=dict)
    farms: dict[int, int] = field(default_factory=dict)
    findings: dict[int, list[Found | Over]] = field(default_factory=dict)
    labels: dict[int, list[LabelledMinute]] = field(default_factory=dict)
    hours: dict[int, dict[int, bytes]] = field(default_factory=dict)
    told_until: dict[int, int] = field(default_factory=dict)
    snapshots: dict[int, list[AnimalSnapshot]] = field(default_factory=dict)
    late: dict[int, int] = field(default_factory=dict)
    failures: dict[int, Exception] = field(default_factory=dict)
    unlabelled: dict[int, Exception] = field(default_factory=dict)
    windows: int = 0
    late_windows: int = 0
    unassigned_frames: int = 0
    malformed_frames: int = 0
    undated_frames: int = 0


@dataclass(slots=True)
class Arrival:
    """What one request brought of one animal."""

    received_ms: int
    farm_id: int
    parts: list[Minute] = field(default_factory=list)
    healths: list[Health] = field(default_factory=list)


def fold(frames: Sequence[LoggedFrame], states: Mapping[int, AnimalState], limits: Limits) -> Folded:
    """Fold a batch in the order of its cursors. An animal without a state starts with a new one."""
    folded = Folded()
    for animal_id, arrivals in _arrivals(frames, folded).items():
        try:
            fold_animal(animal_id, states.get(animal_id, AnimalState()), arrivals, limits, folded)
        except Exception as error:  # noqa: BLE001 - one animal's fault must not stop the herd; the caller logs it
            folded.failures[animal_id] = error
    return folded


def whole_arrivals(frames: Sequence[LoggedFrame], limit: int) -> Sequence[LoggedFrame]:
    """Return a full batch without its last arrival, which may go on beyond it; a shorter batch as it is."""
    if len(frames) < limit:
        return frames
    last_ms = frames[-1].received_ms
    end = len(frames)
    while end and frames[end - 1].received_ms == last_ms:
        end -= 1
    return frames[:end] if end else frames


def usable(frames: Iterable[LoggedFrame], folded: Folded) -> list[tuple[int, LoggedFrame]]:
    """Return the frames that can be scored and whose they are; count the others by reason."""
    scored = [frame for frame in frames if holds_motion(frame) or _is_health(frame)]
    dated = [(frame.animal_id, frame) for frame in scored if frame.received_ms - frame.first_ms <= OLDEST_MS]
    owned = [(animal_id, frame) for animal_id, frame in dated if animal_id is not None]
    whole = [(animal_id, frame) for animal_id, frame in owned if is_whole(frame)]
    folded.undated_frames += len(scored) - len(dated)
    folded.unassigned_frames += len(dated) - len(owned)
    folded.malformed_frames += len(owned) - len(whole)
    return whole


def measured(frames: Sequence[LoggedFrame]) -> list[tuple[list[Minute], list[Health]]]:
    """Return the minutes or the health record of each of these frames, all of which are `usable`."""
    parts = iter(parts_of([frame for frame in frames if not _is_health(frame)]))
    return [([], [health_of(frame)]) if _is_health(frame) else (next(parts), []) for frame in frames]


def _is_health(frame: LoggedFrame) -> bool:
    return schema_of(frame) == SCHEMA_HEALTH


def _arrivals(frames: Sequence[LoggedFrame], folded: Folded) -> dict[int, list[Arrival]]:
    """Group what the frames tell by animal and, within it, by arrival."""
    whole = usable(frames, folded)
    by_animal: dict[int, list[Arrival]] = {}
    for (animal_id, frame), (parts, healths) in zip(
        whole, measured([frame for _, frame in whole]), strict=True
    ):
        arrivals = by_animal.setdefault(animal_id, [])
        if not arrivals or arrivals[-1].received_ms != frame.received_ms:
            arrivals.append(Arrival(frame.received_ms, frame.farm_id))
        arrivals[-1].parts += parts
        arrivals[-1].healths += healths
    return by_animal


def fold_animal(
    animal_id: int, state: AnimalState, arrivals: Iterable[Arrival], limits: Limits, folded: Folded
) -> None:
    """Fold the arrivals of one animal in order and add what comes of it; if it fails nothing is added."""
    made = Folded()
    for arrival in arrivals:
        if is_ahead(state, arrival.received_ms):
            state = AnimalState()
            _call_for_refold(made, animal_id, _first_minute(arrival))
        step = arrive(state, arrival.parts, limits, arrival.healths)
        state = step.state
        made.farms[animal_id] = arrival.farm_id
        made.windows += sum(part.windows for part in arrival.parts)
        _note(made, animal_id, step)
    made.states[animal_id] = state
    made.told_until[animal_id] = state.hours.told_until
    folded.windows += made.windows
    folded.late_windows += made.late_windows
    put(folded, made)


def put(folded: Folded, made: Folded) -> None:
    """Put what was made of an animal in the place of what `folded` has of it."""
    for animal_id in made.states:
        for whole, part in zip(_by_animal(folded), _by_animal(made), strict=True):
            whole.pop(animal_id, None)
            whole.update({animal_id: part[animal_id]} if animal_id in part else {})


def _by_animal(folded: Folded) -> tuple[dict[int, object], ...]:
    names = (
        "states",
        "farms",
        "findings",
        "labels",
        "hours",
        "told_until",
        "snapshots",
        "late",
        "unlabelled",
    )
    return tuple(getattr(folded, name) for name in names)


def _first_minute(arrival: Arrival) -> int:
    return min([each.minute for each in arrival.parts], default=arrival.received_ms // MINUTE_MS)


def _call_for_refold(made: Folded, animal_id: int, minute: int) -> None:
    made.late[animal_id] = min(minute, made.late.get(animal_id, minute))


def _note(made: Folded, animal_id: int, step: Step) -> None:
    made.late_windows += step.late_windows
    if step.late is not None:
        _call_for_refold(made, animal_id, step.late)
    if step.unlabelled:
        made.unlabelled[animal_id] = step.unlabelled
    if step.findings:
        known = made.findings.setdefault(animal_id, [])
        known += [replace(each, animal=animal_id) for each in step.findings]
    if step.labelled:
        _extend(made.labels.setdefault(animal_id, []), step.labelled)
    if step.hours:
        made.hours.setdefault(animal_id, {}).update(step.hours)
    if step.snapshots:
        made.snapshots.setdefault(animal_id, []).extend(_stored(animal_id, step))


def _stored(animal_id: int, step: Step) -> list[AnimalSnapshot]:
    return [
        AnimalSnapshot(animal_id, day, row.scorer, row.version, row.state)
        for day, state in step.snapshots
        for row in to_rows(animal_id, state)
    ]


def _extend(labels: list[LabelledMinute], more: list[LabelledMinute]) -> None:
    """Append minutes. Those at or after one that is appended are of a clock that was ahead, and go."""
    for label in more:
        while labels and labels[-1].minute >= label.minute:
            labels.pop()
        labels.append(label)
