"""What belongs to one story: an event, and those of the same animal and kind soon after it.

Of a story only the first event is told; then what becomes of it. For urgent kinds "soon" is the hour in which
nobody has yet been told that all is well: a cow that goes down again after that is told again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.alerts.times import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from relay.model import Event
    from relay.scoring.kind import Kind

OPEN, OVER, WITHDRAWN = "open", "over", "withdrawn"
URGENT, TIMELY, DIGEST = "urgent", "timely", "digest"
SAME_MS = 24 * HOUR_MS
CALM_MS = HOUR_MS  # so long an urgent event must be over before that is told


@dataclass(slots=True)
class Thread:
    """One story. `root` is told first; `events` are all of it, the root too, in the order they joined."""

    root: Event
    events: list[Event] = field(default_factory=list)

    @property
    def standing(self) -> list[Event]:
        """Those that are not withdrawn, oldest detection first."""
        return sorted((event for event in self.events if event.state != WITHDRAWN), key=_order)

    @property
    def newest(self) -> Event | None:
        """The one that says how things are; None if all were withdrawn."""
        return self.standing[-1] if self.standing else None


def end_ms(event: Event, kinds: Mapping[str, Kind]) -> int:
    """Return when an event ended, or when a message about it would be of no use any more."""
    if event.over_ms is not None:
        return event.over_ms
    return event.detected_ms + useful_ms(event, kinds)


def useful_ms(event: Event, kinds: Mapping[str, Kind]) -> int:
    """Return how long after its detection an event is worth a message. KeyError for an unknown kind."""
    return round(kinds[event.kind].useful_h * HOUR_MS)


def known_ms(event: Event) -> int:
    """Return when the event became what it is: its detection, or that of its stage (evidence stage_ms)."""
    stage_ms = event.evidence.get("stage_ms")
    return max(event.detected_ms, stage_ms) if isinstance(stage_ms, int) else event.detected_ms


def threads(
    events: Iterable[Event], kinds: Mapping[str, Kind], told: Collection[str] = frozenset()
) -> list[Thread]:
    """Return the stories that the events make. told: ids of those that somebody heard of: they come first.

    What was withdrawn before anybody heard of it is no part of any.
    """
    known = [event for event in events if event.state != WITHDRAWN or event.id in told]
    found: dict[tuple[int | None, str], list[Thread]] = {}
    for event in sorted(known, key=lambda one: (one.id not in told, *_order(one))):
        mine = found.setdefault((event.animal_id, event.kind), [])
        thread = next((one for one in reversed(mine) if _belongs(event, one, kinds)), None)
        if thread is None:
            thread = Thread(event)
            mine.append(thread)
        thread.events.append(event)
    return [thread for mine in found.values() for thread in mine]


def _belongs(event: Event, thread: Thread, kinds: Mapping[str, Kind]) -> bool:
    if event.thread == thread.root.id:
        return True
    return any(_near(event, other, kinds) for other in thread.events)


def _near(event: Event, other: Event, kinds: Mapping[str, Kind]) -> bool:
    """Whether the later of two begins, or if urgent is found, soon enough after the end of the earlier."""
    first, second = sorted((event, other), key=_order)
    if second.tier == URGENT:
        return second.detected_ms <= end_ms(first, kinds) + CALM_MS
    return second.onset_ms <= end_ms(first, kinds) + SAME_MS


def _order(event: Event) -> tuple[int, str]:
    return event.detected_ms, event.id
