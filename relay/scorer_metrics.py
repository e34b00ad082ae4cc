"""What the scoring task counts, under /metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter

from relay.storage.ports import OVER, WITHDRAWN

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from relay.model import Event
    from relay.scoring.partition import Folded


class ScorerMetrics:
    """Counters of one app."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._windows = Counter(
            "herdbell_scorer_windows", "Windows that reached the scorer, by what became of them.", ["result"],
            registry=registry,
        )  # fmt: skip
        self._skipped = Counter(
            "herdbell_scorer_frames_skipped",
            "Frames of windows, minutes or codes that were not scored, by reason.",
            ["reason"],
            registry=registry,
        )
        self._faults = Counter(
            "herdbell_scorer_faults", "Faults while scoring, by place.", ["place"], registry=registry
        )
        self._events = Counter("herdbell_events", "Events found, by kind.", ["kind"], registry=registry)
        self._ended = Counter(
            "herdbell_events_ended", "Events that ended by themselves, by kind.", ["kind"], registry=registry
        )
        self._withdrawn = Counter(
            "herdbell_events_withdrawn", "Events that do not stand once more data are in, by kind.", ["kind"],
            registry=registry,
        )  # fmt: skip

    def fault(self, place: str, number: int = 1) -> None:
        """Count faults: of an animal, its labels, a farm, a kind, the words, a stale lease, the store."""
        self._faults.labels(place).inc(number)

    def committed(self, folded: Folded) -> None:
        """Count a batch that is stored."""
        self._windows.labels("scored").inc(folded.windows - folded.late_windows)
        self._windows.labels("late").inc(folded.late_windows)
        self._skipped.labels("unassigned").inc(folded.unassigned_frames)
        self._skipped.labels("malformed").inc(folded.malformed_frames)
        self._skipped.labels("undated").inc(folded.undated_frames)

    def event(self, event: Event, before: Event | None) -> None:
        """Count what became of an event that is stored. before: as it stood, None if it is new."""
        known = before.state if before else None
        if before is None:
            self._events.labels(event.kind).inc()
        if event.state != known and event.state == OVER:
            self._ended.labels(event.kind).inc()
        if event.state != known and event.state == WITHDRAWN:
            self._withdrawn.labels(event.kind).inc()
