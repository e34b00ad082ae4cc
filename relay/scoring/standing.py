"""Events as they stand: made of what scorers found, on top of events before. Pure.

Here numbers of numpy become plain ones, so an event is the same before it is stored and after, and no kind
can make one that the store refuses.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from relay.alerts.ids import event_id
from relay.model import Event
from relay.scoring import kinds
from relay.scoring.findings import Found, Over
from relay.storage.ports import OPEN, OVER, WITHDRAWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DAY_MS = 86_400_000
OPEN_MS = 60 * DAY_MS  # an event without an end is remembered for so long
ENDED_MS = 7 * DAY_MS  # and one that ended: it may be the base of what is reopened

Finding = Found | Over


def after(farm_id: int, base: Mapping[str, Event], findings: Iterable[Finding]) -> dict[str, Event]:
    """Return the events after these findings, by id."""
    events = dict(base)
    for each in sorted(map(_plain_times, findings), key=lambda one: one.at_ms):
        name = event_id(farm_id, each.animal, each.kind, each.onset_ms)
        known = events.get(name)
        if isinstance(each, Over):
            if known:
                events[name] = replace(known, state=OVER, over_ms=each.at_ms)
        elif known is None:
            events[name] = _event(farm_id, name, each)
        elif each.is_update:
            evidence = {**plain(each.evidence), "stage_ms": each.at_ms}
            events[name] = replace(known, evidence=evidence, tier=_tier(each), stage=_stage(each))
    return events


def plain(value: Any) -> Any:
    """Return a value as it comes back from JSON: None for what JSON cannot say, NaN and infinity too."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else None


def _plain_times(each: Finding) -> Finding:
    if type(each.onset_ms) is type(each.at_ms) is int and type(each.animal) in {int, type(None)}:
        return each  # nearly all
    animal = None if each.animal is None else int(each.animal)
    return replace(each, onset_ms=int(each.onset_ms), at_ms=int(each.at_ms), animal=animal)


def _event(farm_id: int, name: str, found: Found) -> Event:
    return Event(
        name,
        farm_id,
        found.animal,
        found.kind,
        found.onset_ms,
        found.at_ms,
        plain(found.evidence),
        tier=_tier(found),
        stage=_stage(found),
    )


def _tier(found: Found) -> str:
    return str(found.evidence.get("tier") or kinds.all_kinds()[found.kind].tier)


def _stage(found: Found) -> str:
    return str(found.evidence.get("stage", ""))


def minute_kinds() -> frozenset[str]:
    """Return the kinds that are found in single minutes."""
    return frozenset(each.KIND.name for each in kinds.minutely())


def findings_of(event: Event) -> tuple[Found, Over | None]:
    """Return what an event without updates was made of."""
    found = Found(event.kind, event.onset_ms, event.detected_ms, event.evidence, event.animal_id)
    over_ms = event.over_ms
    over = None if over_ms is None else Over(event.kind, event.onset_ms, over_ms, event.animal_id)
    return found, over


def split(events: Iterable[Event], since_ms: int) -> tuple[dict[str, Event], list[Finding]]:
    """Return the events as they were then, and what single minutes told since."""
    names, base = minute_kinds(), {}
    minutely: list[Finding] = []
    for event in events:
        if event.state == WITHDRAWN:
            continue
        found, over = findings_of(event)
        if found.at_ms <= since_ms:
            base[event.id] = event
            if over and over.at_ms > since_ms:
                base[event.id] = replace(event, state=OPEN, over_ms=None)
        elif event.kind in names:
            minutely.append(found)
        if over and over.at_ms > since_ms and event.kind in names:
            minutely.append(over)
    return base, minutely


def is_kept(event: Event, since_ms: int) -> bool:
    """Say whether an event is remembered by a farm whose oldest state is of that time."""
    last_ms = max(event.detected_ms, event.over_ms or 0)
    return last_ms >= since_ms - (OPEN_MS if event.state == OPEN else ENDED_MS)
