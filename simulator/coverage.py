"""When a collar's access point is in reach: one table for firmware, herd and alert benchmarks alike.

    always    whenever it asks
    parlour   milking twice a day: from about 05:00 and 16:30, 12 minutes each; the times wander by a quarter
              of an hour
    barn      indoors from 19:00 to 05:00
    outages   always but for three days (72 hours) of every week, which begin in its first four days
    stations  always there, but it lets in no more than 16 collars of 50 at a time; which ones is drawn anew
              every quarter of an hour

Times are virtual us since midnight, Monday, as a simulation begins. A name, a seed and a collar are one list.
An access point that is gone (outages) or full (stations) is so for all collars of a seed together.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from collar.schedule import spread_s
from simulator.herdfile import HerdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

Interval = tuple[int, int]

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
WEEK_US = 7 * DAY_US
QUARTER_US = 15 * MINUTE_US

VISIT_US = 12 * MINUTE_US
_VISITS_US = (5 * HOUR_US, 16 * HOUR_US + 30 * MINUTE_US)
_WANDERS_MIN = 15
_BARN_US = (19 * HOUR_US, 29 * HOUR_US)


@dataclass(frozen=True, slots=True)
class Site:
    """A farm's radio. `stations`: how many of its `collars` an access point lets in at once."""

    collars: int = 50
    stations: int = 16
    visit_us: int = VISIT_US
    gone_us: int = 3 * DAY_US

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("collars", self.collars, 1, 1 << 20),
            ("stations", self.stations, 1, 1 << 20),
            ("visit_us", self.visit_us, 1, 12 * HOUR_US - 2 * _WANDERS_MIN * MINUTE_US),
            ("gone_us", self.gone_us, 0, WEEK_US),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name}={value}: want {low}..{high}")


DEFAULT_SITE = Site()


@dataclass(frozen=True, slots=True)
class _Ask:
    seed: int
    days: int
    collar: int
    site: Site

    def draw(self, name: str, *, own: bool = False) -> random.Random:
        """Return the chance of a profile, that of the farm or (`own`) the collar's."""
        whose = f" {self.collar}" if own and self.collar else ""
        return random.Random(f"coverage {name} {self.seed}{whose}")  # noqa: S311 - a simulation is repeatable


def _always(ask: _Ask) -> Iterator[Interval]:
    yield 0, ask.days * DAY_US


def _parlour(ask: _Ask) -> Iterator[Interval]:
    draw = ask.draw("parlour", own=True)
    for day in range(ask.days):
        for visit_us in _VISITS_US:
            from_us = day * DAY_US + visit_us + int(draw.uniform(-_WANDERS_MIN, _WANDERS_MIN) * MINUTE_US)
            yield from_us, from_us + ask.site.visit_us


def _barn(ask: _Ask) -> Iterator[Interval]:
    for day in range(-1, ask.days):
        yield max(0, day * DAY_US + _BARN_US[0]), min(ask.days * DAY_US, day * DAY_US + _BARN_US[1])


def _outages(ask: _Ask) -> Iterator[Interval]:
    draw = ask.draw("outages")
    back_us = 0
    for week_us in range(0, ask.days * DAY_US, WEEK_US):
        gone_us = week_us + int(draw.uniform(0, WEEK_US - ask.site.gone_us))
        yield back_us, gone_us
        back_us = gone_us + ask.site.gone_us
    yield back_us, ask.days * DAY_US


def _stations(ask: _Ask) -> Iterator[Interval]:
    site = ask.site
    if not 0 <= ask.collar < site.collars:
        raise ValueError(f"collar={ask.collar}: want 0..{site.collars - 1}, the collars of the site")
    since_us: int | None = None
    for day in range(ask.days):
        inside = _let_in(ask.seed, day, site.collars, site.stations)[:, ask.collar]
        for quarter, near in enumerate(inside.tolist()):
            now_us = day * DAY_US + quarter * QUARTER_US
            if near and since_us is None:
                since_us = now_us
            elif not near and since_us is not None:
                yield since_us, now_us
                since_us = None
    if since_us is not None:
        yield since_us, ask.days * DAY_US


@lru_cache(maxsize=4096)
def _let_in(seed: int, day: int, collars: int, stations: int) -> NDArray[np.bool_]:
    """Return (96, collars): who is let in by the quarter of a day."""
    bits = random.Random(f"coverage stations {seed} {day}").getrandbits(64)  # noqa: S311 - repeatable
    chance = np.random.default_rng(bits).random((DAY_US // QUARTER_US, collars))
    return np.asarray(chance.argsort(axis=1).argsort(axis=1) < stations)


_PROFILES: dict[str, Callable[[_Ask], Iterator[Interval]]] = {
    "always": _always,
    "parlour": _parlour,
    "barn": _barn,
    "outages": _outages,
    "stations": _stations,
}
COVERAGES = tuple(_PROFILES)


def coverage(
    name: str, seed: int, days: int, *, collar: int = 0, site: Site = DEFAULT_SITE
) -> list[Interval]:
    """Return the (from_us, to_us) of the first `days` days in which the network lets a collar in, in order.

    `collar`: its place in the herd, from 0. Raises ValueError for a name that is not in COVERAGES, and for a
    collar that the site has not got.
    """
    if name not in _PROFILES:
        raise ValueError(f"coverage={name!r} is not one of {', '.join(COVERAGES)}")
    end_us = days * DAY_US
    found = _PROFILES[name](_Ask(seed, days, collar, site))
    cut = ((from_us, min(to_us, end_us)) for from_us, to_us in found)
    return [(from_us, to_us) for from_us, to_us in cut if from_us < to_us]


def is_near(intervals: list[Interval], now_us: int) -> bool:
    """Return whether the network is in reach at a time."""
    return any(from_us <= now_us < to_us for from_us, to_us in intervals)


def without(intervals: Iterable[Interval], gone: Iterable[Interval]) -> list[Interval]:
    """Return what is left of intervals when the network is gone for a while now and then."""
    left = list(intervals)
    for gone_from_us, gone_to_us in gone:
        pieces = (
            piece
            for from_us, to_us in left
            for piece in ((from_us, min(to_us, gone_from_us)), (max(from_us, gone_to_us), to_us))
        )
        left = sorted({(from_us, to_us) for from_us, to_us in pieces if from_us < to_us})
    return left


def farm_coverage(
    model: dict[str, Any], seed: int, cows: int, days: int, cow: int, gone: Iterable[Interval] = ()
) -> list[Interval]:
    """Return when cow `cow` (from 0) of `cows` has the network that [coverage] of a herd file tells of.

    `gone`: (from_us, to_us) of power cuts and the like, the truth's `outage`. Raises HerdError.
    """
    said = model["coverage"]
    visit_us, gone_us = round(said["visit_min"] * MINUTE_US), round(said["outage_h"] * HOUR_US)
    try:
        site = Site(cows, said["stations"], visit_us, gone_us)
        near = coverage(said["profile"], seed, days, collar=cow, site=site)
    except ValueError as error:
        raise HerdError(f"coverage: {error}") from error
    return without(near, gone)


def upload_offset_ms(model: dict[str, Any], cow: int) -> int:
    """Return a collar's place in its upload period, ms: as its firmware computes it from the device id."""
    return 1000 * spread_s(model["herd"]["first_device"] + cow, model["coverage"]["upload_s"])


def arrival_ms(
    made_ms: NDArray[np.int64], intervals: Iterable[Interval], upload_s: int, offset_ms: int = 0
) -> NDArray[np.int64]:
    """Return when data made at `made_ms` (any shape) reach the relay, -1 where they never do.

    A collar tries at `offset_ms` and every `upload_s` seconds after; data go with the first try not before
    them that falls into one of the `intervals` (us, as `coverage` gives them). All times since the start, ms.
    """
    period_ms = upload_s * 1000
    if period_ms <= 0:
        raise ValueError(f"upload_s={upload_s}: want more than 0")
    tries = []
    for from_us, to_us in intervals:
        period = max(0, -((offset_ms - -(-from_us // 1000)) // period_ms))
        tries.append(np.arange(offset_ms + period * period_ms, -(-to_us // 1000), period_ms))
    at_ms = np.concatenate([np.empty(0, np.int64), *tries]).astype(np.int64)
    place = np.searchsorted(at_ms, made_ms)
    return np.asarray(np.append(at_ms, -1)[place])
