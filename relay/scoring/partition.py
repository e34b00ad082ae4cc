"""The fold of a partition: frames in, new states, events and labels out. Pure: no clock, no store, no logger.

What is guaranteed, as long as no window comes more than 15 minutes (event time) behind the newest one of its
animal:

- Batching does not matter. The same log cut into other batches gives the same states, the same event ids and
  the same labels: what is classified live is what a replay classifies.
- Order does not matter. The frames of an animal in another order give the same event ids and labels: minutes
  are exact sums with their windows in order, and wait for their place (`behaviour.ordering`). One exception:
  a frame of fewer than 7 windows (one drain of the FIFO) that comes after its neighbours may be taken for the
  dating's imprecision, and its windows then count as late.
- Form does not matter for what is counted: a minute that comes as windows and as a minute record counts once,
  as windows, and codes give way to both (`behaviour.minutes.add`), in whatever order they come.
- Frames of one request (same animal, same `received_ms`, one batch) are folded as one arrival, so the backlog
  of a collar that drains newest first is put in order however long it is. `whole_arrivals` keeps a batch from
  cutting one.

If a state lies over an hour ahead of what arrives, the relay's clock was wrong when it was made: it starts
anew, so that one bad hour does not make the next day late.

Frames dated more than 60 days before they came are not dated at all: the collar did not know their age. They
are counted and left out; they stay in the log, like windows later than the watermark. Reopening a state from
a daily snapshot and refolding, for data up to 48 h late, is not part of this module yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.alerts.ids import event_id
from relay.behaviour.coarse import parts_of
from relay.behaviour.minutes import holds_motion, is_whole
from relay.model import Event
from relay.scoring.animal import AnimalState, arrive, without_future
from relay.scoring.findings import Found, Over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.behaviour.labels import LabelledMinute
    from relay.behaviour.minutes import Minute
    from relay.model import LoggedFrame
    from relay.scoring.findings import Limits

# Twice the 30 days that a collar's log reaches back. Without an ack since its boot a collar does not know the
# date and tells an age since 1970.
OLDEST_MS = 60 * 86_400_000


@dataclass(frozen=True, slots=True)
class Ended:
    """An event whose episode is over."""

    event_id: str
    kind: str
    at_ms: int


@dataclass(slots=True)
class Folded:
    """What a batch changed. `states` holds the animals that had data but those in `failures`.

    `labels` holds those of which minutes were labelled, oldest first; `unlabelled` those whose classifier
    failed and started anew.
    """

    states: dict[int, AnimalState] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    labels: dict[int, list[LabelledMinute]] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    failures: dict[int, Exception] = field(default_factory=dict)
    unlabelled: dict[int, Exception] = field(default_factory=dict)
    windows: int = 0
    late_windows: int = 0
    unassigned_frames: int = 0
    malformed_frames: int = 0
    undated_frames: int = 0


@dataclass(slots=True)
class _Arrival:
    received_ms: int
    farm_id: int
    parts: list[Minute]


def fold(frames: Sequence[LoggedFrame], states: Mapping[int, AnimalState], limits: Limits) -> Folded:
    """Fold a batch in the order of its cursors. An animal without a state starts with a new one."""
    folded = Folded()
    for animal_id, arrivals in _arrivals(frames, folded).items():
        try:
            _fold_animal(animal_id, states.get(animal_id, AnimalState()), arrivals, limits, folded)
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


def _arrivals(frames: Sequence[LoggedFrame], folded: Folded) -> dict[int, list[_Arrival]]:
    """Group the minutes of the frames by animal and, within it, by arrival; count what cannot be used."""
    moving = [frame for frame in frames if holds_motion(frame)]
    usable = [(frame.animal_id, frame) for frame in moving if frame.received_ms - frame.first_ms <= OLDEST_MS]
    owned = [(animal_id, frame) for animal_id, frame in usable if animal_id is not None]
    whole = [(animal_id, frame) for animal_id, frame in owned if is_whole(frame)]
    folded.undated_frames = len(moving) - len(usable)
    folded.unassigned_frames = len(usable) - len(owned)
    folded.malformed_frames = len(owned) - len(whole)
    by_animal: dict[int, list[_Arrival]] = {}
    for (animal_id, frame), parts in zip(whole, parts_of([frame for _, frame in whole]), strict=True):
        arrivals = by_animal.setdefault(animal_id, [])
        if arrivals and arrivals[-1].received_ms == frame.received_ms:
            arrivals[-1].parts.extend(parts)
        else:
            arrivals.append(_Arrival(frame.received_ms, frame.farm_id, parts))
    return by_animal


def _fold_animal(
    animal_id: int, state: AnimalState, arrivals: list[_Arrival], limits: Limits, folded: Folded
) -> None:
    events: list[Event] = []
    ended: list[Ended] = []
    labels: list[LabelledMinute] = []
    windows = late = 0
    for arrival in arrivals:
        step = arrive(without_future(state, arrival.received_ms), arrival.parts, limits)
        state = step.state
        windows += sum(part.windows for part in arrival.parts)
        late += step.late_windows
        _extend(labels, step.labelled)
        if step.unlabelled:
            folded.unlabelled[animal_id] = step.unlabelled
        for finding in step.findings:
            name = event_id(arrival.farm_id, animal_id, finding.kind, finding.onset_ms)
            if isinstance(finding, Found):
                events.append(_event(name, arrival.farm_id, animal_id, finding))
            else:
                ended.append(_ended(name, finding))
    folded.states[animal_id] = state
    folded.events += events
    folded.ended += ended
    if labels:
        folded.labels[animal_id] = labels
    folded.windows += windows
    folded.late_windows += late


def _extend(labels: list[LabelledMinute], more: list[LabelledMinute]) -> None:
    """Append minutes. Those at or after one that is appended are of a clock that was ahead, and go."""
    for label in more:
        while labels and labels[-1].minute >= label.minute:
            labels.pop()
        labels.append(label)


def _event(name: str, farm_id: int, animal_id: int, found: Found) -> Event:
    return Event(name, farm_id, animal_id, found.kind, found.onset_ms, found.at_ms, found.evidence)


def _ended(name: str, over: Over) -> Ended:
    return Ended(name, over.kind, over.at_ms)
