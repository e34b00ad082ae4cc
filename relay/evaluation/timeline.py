"""A day's time on a picture's x axis: what nothing is known of is cut out if it is most of the day."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MINUTE_MS = 60_000
_WHOLE_FROM = 0.6  # a day covered by this share is drawn whole
_CUT_FROM_MIN = (1, 2, 5, 10, 20, 30, 60, 120, 240)
_MAX_STRETCHES = 9  # more clock times do not fit below the axis
_CUT_WIDTH = 0.03  # of the axis
_NARROWEST = 0.02  # of the axis, so that a stretch of seconds is seen and its clock time fits
_TICK_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360)
_TICK_ROOM = 0.05  # of the axis, for one clock time


class Stretch(NamedTuple):
    """Time without a cut: from `start_ms` to `end_ms`, drawn from `left` at the axis' scale, in a `room`."""

    start_ms: int
    end_ms: int
    left: float
    room: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Milliseconds to places 0..1 on the axis; `scale` is places per ms, the same in every stretch."""

    stretches: tuple[Stretch, ...]
    scale: float

    def place(self, time_ms: int) -> float:
        """Return where a time of a stretch stands on the axis."""
        at = bisect_right(self.stretches, time_ms, key=lambda stretch: stretch.start_ms) - 1
        stretch = self.stretches[max(at, 0)]
        return stretch.left + (time_ms - stretch.start_ms) * self.scale

    def cuts(self) -> list[tuple[float, int]]:
        """Return (middle, length in ms) of what is cut out."""
        return [
            ((one.left + one.room + following.left) / 2, following.start_ms - one.end_ms)
            for one, following in pairwise(self.stretches)
        ]

    def ticks(self) -> list[tuple[float, str]]:
        """Return (place, clock time): where each stretch starts if there are cuts, and round times."""
        step_ms = _MINUTE_MS * next(
            (step for step in _TICK_STEPS_MIN if step * _MINUTE_MS * self.scale >= _TICK_ROOM),
            _TICK_STEPS_MIN[-1],
        )
        if len(self.stretches) == 1:
            return self._round_times(self.stretches[0], step_ms)
        ends = [following.left for following in self.stretches[1:]] + [1 + _TICK_ROOM]
        out: list[tuple[float, str]] = []
        for stretch, end in zip(self.stretches, ends, strict=True):
            rounds = self._round_times(stretch, step_ms)
            low, high = stretch.left + _TICK_ROOM, end - _TICK_ROOM
            out += [
                (stretch.left, clock(stretch.start_ms)),
                *(tick for tick in rounds if low <= tick[0] <= high),
            ]
        return out

    def _round_times(self, stretch: Stretch, step_ms: int) -> list[tuple[float, str]]:
        first = -(-stretch.start_ms // step_ms) * step_ms
        return [(self.place(time), clock(time)) for time in range(first, stretch.end_ms + 1, step_ms)]


def lay_out(spans: Iterable[tuple[int, int]]) -> Timeline:
    """Return the axis for all (start_ms, end_ms). Raises ValueError if there is none, or none of length."""
    joined = _union(spans)
    if not joined:
        raise ValueError("there is nothing to draw: no span of time")
    known_ms = sum(end - start for start, end in joined)
    if known_ms >= _WHOLE_FROM * (joined[-1][1] - joined[0][0]):
        return _placed([(joined[0][0], joined[-1][1])])
    for minutes in _CUT_FROM_MIN:
        stretches = _closed(joined, minutes * _MINUTE_MS)
        if len(stretches) <= _MAX_STRETCHES:
            return _placed(stretches)
    return _placed([(joined[0][0], joined[-1][1])])


def clock(time_ms: int) -> str:
    """Return local time, taken as if UTC, as hours and minutes."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%H:%M")


def _union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    ordered = sorted(spans)
    for start, end in ordered:
        if end <= start:
            raise ValueError(f"a span from {start} to {end} ms has no length")
    return _closed(ordered, 0)


def _closed(spans: Sequence[tuple[int, int]], gap_ms: int) -> list[tuple[int, int]]:
    """Return sorted spans joined over gaps of at most `gap_ms`."""
    out: list[tuple[int, int]] = []
    for start, end in spans:
        if out and start - out[-1][1] <= gap_ms:
            out[-1] = out[-1][0], max(out[-1][1], end)
        else:
            out.append((start, end))
    return out


def _placed(stretches: list[tuple[int, int]]) -> Timeline:
    free = 1 - _CUT_WIDTH * (len(stretches) - 1)
    lengths = [end - start for start, end in stretches]
    scale = free / sum(lengths)
    for _ in stretches:  # a room that is widened takes from the others; as many rounds settle it
        narrow = [length for length in lengths if length * scale < _NARROWEST]
        scale = (free - _NARROWEST * len(narrow)) / (sum(lengths) - sum(narrow))
    placed, left = [], 0.0
    for (start, end), length in zip(stretches, lengths, strict=True):
        placed.append(Stretch(start, end, left, max(length * scale, _NARROWEST)))
        left += placed[-1].room + _CUT_WIDTH
    return Timeline(tuple(placed), scale)
