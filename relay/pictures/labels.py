"""The words of a picture, in the farmer's language; all of them come from the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from babel.dates import get_day_names

from relay.alerts.times import local
from relay.alerts.words import is_right_to_left, isolate, words
from relay.pictures.data import ACTIVITY, PANELS, SHOWN_H, traces
from relay.pictures.timeaxis import time_axis
from relay.scoring.hours import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from relay.alerts.words import Words
    from relay.model import Animal, Event, Farm, HourRecord
    from relay.pictures.data import Traces
    from relay.pictures.timeaxis import TimeAxis

_NUMBER_MAX, _NAME_MAX = 20, 24


class Asked(NamedTuple):
    """What a picture is made from. `kind`: for the title where there is no event of it; "": none.

    records: of this animal, data.READ_H hours up to `until_ms` or more.
    """

    farm: Farm
    animal: Animal
    records: Sequence[HourRecord]
    event: Event | None
    kind: str
    until_ms: int
    language: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn. `since` and `onset_x` (hours from the left) are empty without an event.

    `days` stand at the places of `axis.days`; `notes` explain the colours.
    """

    traces: Traces
    axis: TimeAxis
    number: str
    name: str
    title: str
    since: str
    onset_x: float | None
    panels: dict[str, str]
    days: tuple[str, ...]
    notes: tuple[str, ...]
    is_right_to_left: bool


def picture(asked: Asked) -> Picture | None:
    """Return what is drawn; None if she was not heard in all that time."""
    farm, animal, event, until_ms = asked.farm, asked.animal, asked.event, asked.until_ms
    found = traces(asked.records, until_ms, farm.zone, _span(asked))
    if found is None:
        return None
    catalogue = words(asked.language)
    axis = time_axis(found.first_hour, SHOWN_H, farm.zone)
    panels = {name: catalogue.say("picture", name) for name in PANELS}
    if not found.is_usual_known:
        panels[ACTIVITY] = catalogue.say("picture", "activity_alone")
    onset_x = (event.onset_ms / HOUR_MS - found.first_hour) if event else -1.0
    return Picture(
        found, axis, _cut(animal.number, _NUMBER_MAX), _cut(animal.name, _NAME_MAX), _title(catalogue, asked),
        _since(catalogue, farm, event, until_ms) if event else "",
        onset_x if 0 <= onset_x < SHOWN_H else None,
        panels, tuple(_day(catalogue.language, day) for _, day in axis.days), _notes(catalogue, found),
        is_right_to_left(catalogue.language),
    )  # fmt: skip


def _span(asked: Asked) -> tuple[int, int] | None:
    event = asked.event
    return (event.onset_ms, event.over_ms or asked.until_ms) if event else None


def _title(catalogue: Words, asked: Asked) -> str:
    kind, stage = (asked.event.kind, asked.event.stage) if asked.event else (asked.kind, "")
    return str(catalogue.kind(kind, stage)["title"]) if kind in catalogue.table["kinds"] else ""


def _since(catalogue: Words, farm: Farm, event: Event, until_ms: int) -> str:
    since = catalogue.moment(local(event.onset_ms, farm.zone), local(until_ms, farm.zone))
    return catalogue.say("message", "since", since=since)


def _day(language: str, day: date) -> str:
    name = str(get_day_names("abbreviated", locale=language)[day.weekday()])
    return f"{name} {isolate(str(day.day)) if is_right_to_left(language) else day.day}"


def _notes(catalogue: Words, traces: Traces) -> tuple[str, ...]:
    known = traces.is_usual_known
    notes = [catalogue.count("picture", "usual" if known else "too_new", traces.days)]
    panels = traces.panels.values()
    if any(panel.odd.any() for panel in panels):
        notes.append(catalogue.say("picture", "unusual"))
    if any(not np.isfinite(panel.value).all() for panel in panels):
        notes.append(catalogue.say("picture", "unheard"))
    return tuple(notes)


def _cut(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
