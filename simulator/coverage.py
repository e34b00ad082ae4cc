"""When a collar's access point is in reach: one table for firmware, herd and alert benchmarks alike.

    always    whenever it asks
    parlour   milking twice a day: from about 05:00 and 16:30, 12 minutes each; the times wander by a quarter
              of an hour
    barn      indoors from 19:00 to 05:00
    outages   always but for three days (72 hours) of every week, which begin in its first four days

Times are virtual us since midnight, Monday, as a simulation begins. A name and a seed are one list.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

Interval = tuple[int, int]

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
WEEK_US = 7 * DAY_US

VISIT_US = 12 * MINUTE_US
_VISITS_US = (5 * HOUR_US, 16 * HOUR_US + 30 * MINUTE_US)
_WANDERS_MIN = 15
_BARN_US = (19 * HOUR_US, 29 * HOUR_US)
_GONE_US = 3 * DAY_US


def _always(_draw: Random, days: int) -> Iterator[Interval]:
    yield 0, days * DAY_US


def _parlour(draw: Random, days: int) -> Iterator[Interval]:
    for day in range(days):
        for visit_us in _VISITS_US:
            from_us = day * DAY_US + visit_us + int(draw.uniform(-_WANDERS_MIN, _WANDERS_MIN) * MINUTE_US)
            yield from_us, from_us + VISIT_US


def _barn(_draw: Random, days: int) -> Iterator[Interval]:
    for day in range(-1, days):
        yield max(0, day * DAY_US + _BARN_US[0]), min(days * DAY_US, day * DAY_US + _BARN_US[1])


def _outages(draw: Random, days: int) -> Iterator[Interval]:
    back_us = 0
    for week_us in range(0, days * DAY_US, WEEK_US):
        gone_us = week_us + int(draw.uniform(0, WEEK_US - _GONE_US))
        yield back_us, gone_us
        back_us = gone_us + _GONE_US
    yield back_us, days * DAY_US


_PROFILES: dict[str, Callable[[Random, int], Iterator[Interval]]] = {
    "always": _always,
    "parlour": _parlour,
    "barn": _barn,
    "outages": _outages,
}
COVERAGES = tuple(_PROFILES)


def coverage(name: str, seed: int, days: int) -> list[Interval]:
    """Return the (from_us, to_us) in which the network is near, in order, within the first `days` days.

    Raises ValueError for a name that is not in COVERAGES.
    """
    if name not in _PROFILES:
        raise ValueError(f"coverage={name!r} is not one of {', '.join(COVERAGES)}")
    draw = random.Random(f"coverage {name} {seed}")  # noqa: S311 - a simulation is repeatable
    end_us = days * DAY_US
    cut = ((from_us, min(to_us, end_us)) for from_us, to_us in _PROFILES[name](draw, days))
    return [(from_us, to_us) for from_us, to_us in cut if from_us < to_us]


def is_near(intervals: list[Interval], now_us: int) -> bool:
    """Return whether the network is in reach at a time."""
    return any(from_us <= now_us < to_us for from_us, to_us in intervals)
