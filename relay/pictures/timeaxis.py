"""The farm's clock under a picture: where days, hours and nights lie. Pure; x counts hours from the left."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from relay.alerts.times import clock_ms, local
from relay.scoring.hours import HOUR_MS

_NIGHT_FROM_MIN, _NIGHT_TO_MIN = 20 * 60, 6 * 60
_MARKED_H = (6, 12, 18)
_ROOM_H = 7  # a name of a day needs as much


class TimeAxis(NamedTuple):
    """nights: (from, to); midnights: x; hours: (x, hour of the clock); days: (x of the middle, date)."""

    nights: tuple[tuple[float, float], ...]
    midnights: tuple[float, ...]
    hours: tuple[tuple[float, int], ...]
    days: tuple[tuple[float, date], ...]


def time_axis(first_hour: int, count: int, zone: str) -> TimeAxis:
    """Return the axis of `count` hours from UTC hour `first_hour` (since 1970) on."""
    begin_ms = first_hour * HOUR_MS

    def at(day: date, minute: int) -> float:
        return (clock_ms(day, minute, zone) - begin_ms) / HOUR_MS

    first = local(begin_ms, zone).date() - timedelta(days=1)
    days = [first + timedelta(days=number) for number in range(count // 24 + 4)]
    nights = [(at(day, _NIGHT_FROM_MIN), at(day + timedelta(days=1), _NIGHT_TO_MIN)) for day in days]
    spans = [(max(at(day, 0), 0.0), min(at(day + timedelta(days=1), 0), float(count)), day) for day in days]
    hours = [(at(day, 60 * hour), hour) for day in days for hour in _MARKED_H]
    return TimeAxis(
        tuple((max(a, 0.0), min(b, float(count))) for a, b in nights if a < count and b > 0),
        tuple(x for x in (at(day, 0) for day in days) if 0 < x < count),
        tuple((x, hour) for x, hour in hours if 0 < x < count),
        tuple(((a + b) / 2, day) for a, b, day in spans if b - a >= _ROOM_H),
    )
