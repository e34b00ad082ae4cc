"""What the relay counts. One registry per application: two in one process do not share their numbers."""

from __future__ import annotations

import time
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# What became of a frame. Listed so that every one shows as 0 before it first happens.
FRAME_RESULTS = (
    "stored",
    "duplicate",
    "conflict",
    "unknown_collar",
    "wrong_tag",
    "size",
    "shape",
    "version",
    "schema",
    "range",
    "records",
)
REQUEST_REFUSALS = ("body", "too_large", "encoding", "content_type", "timeout", "busy")


class _Counts(Collector):
    """A counter with one label for the hot path: prometheus_client's own takes a lock for every value."""

    def __init__(self, name: str, about: str, label: str, values: Iterable[str]) -> None:
        self._name, self._about, self._label = name, about, label
        self.of = dict.fromkeys(values, 0)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Hand prometheus_client the numbers."""
        family = CounterMetricFamily(self._name, self._about, labels=[self._label])
        for value, number in self.of.items():
            family.add_metric([value], number)
        yield family


class _Histogram(Collector):
    """A histogram for the hot path, likewise."""

    _BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, float("inf"))

    def __init__(self, name: str, about: str) -> None:
        self._name, self._about = name, about
        self._counts = [0] * len(self._BOUNDS_S)
        self._sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one value; from the event loop only."""
        self._counts[bisect_left(self._BOUNDS_S, seconds)] += 1
        self._sum_s += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Hand prometheus_client the cumulative counts."""
        bounds = [*map(str, self._BOUNDS_S[:-1]), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._about, buckets, self._sum_s)


class Metrics:
    """The counters of one relay; others may add theirs to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._committed_s: float | None = None
        self._frames = _Counts("herdbell_frames", "Frames by what became of them.", "result", FRAME_RESULTS)
        self._requests = _Counts(
            "herdbell_requests_refused",
            "POST /v1/frames refused whole, by reason.",
            "reason",
            REQUEST_REFUSALS,
        )
        self._acks = _Histogram(
            "herdbell_ack_seconds", "Time from a request's arrival until its frames were on the disk."
        )
        for collector in (self._frames, self._requests, self._acks):
            self.registry.register(collector)

    def count_frames(self, outcomes: Iterable[str], refusals: Iterable[str]) -> None:
        """Add frames by result; KeyError for one that is not in FRAME_RESULTS."""
        for result in outcomes:
            self._frames.of[result] += 1
        for result in refusals:
            self._frames.of[result] += 1

    def note_commit(self, started_s: float) -> None:
        """Record an acknowledged request that began at `started_s` on the monotonic clock."""
        now_s = time.monotonic()
        self._committed_s = now_s
        self._acks.observe(now_s - started_s)

    def commit_age_s(self) -> float | None:
        """Seconds since frames last came onto the disk, None before the first."""
        return None if self._committed_s is None else time.monotonic() - self._committed_s

    def count_refused_request(self, reason: str) -> None:
        """Count a request whose frames were not looked at; KeyError unless in REQUEST_REFUSALS."""
        self._requests.of[reason] += 1

    def gauge(self, name: str, about: str, read: Callable[[], float]) -> None:
        """Show `read()` under `name` whenever somebody asks for the metrics."""
        Gauge(name, about, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        """Return all of it in the Prometheus text format."""
        return generate_latest(self.registry)
