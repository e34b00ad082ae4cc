"""How a virtual herd spends its days beside what is published and measured of real ones.

No event happens to these herds: this is the usual day. A row holds if the herd's figure lies in the stated
spread. What is stated as a mean with a spread between cows is held to that spread.
"""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.herdfile import load_herd
from simulator.plan.routine import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.plan.states import DRINK, EAT, LIE, LIE_RUMINATE, MILK, STAND, STAND_RUMINATE, WALK
from simulator.virtual_herd import VirtualHerd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

COWS, DAYS = 50, 14
_FIRST_DAY = 2  # the first days remember how the simulation began
_LYING_GAP_MS = 4 * MINUTE_MS  # Tolkamp 2010: a shorter stand is none
_GRAZING_GAP_MS = 20 * MINUTE_MS
_GRAZING_LEAST_MS = 10 * MINUTE_MS
_RUMINATING_GAP_MS = 150_000
_RUMINATING_LEAST_MS = 2 * MINUTE_MS


class Lived(NamedTuple):
    """Days of a herd without midnights: (start_ms, end_ms, state) of each cow's bouts; sunrise and sunset."""

    bouts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]]
    rise_h: float
    set_h: float

    def hours(self, *states: int) -> NDArray[np.float64]:
        """Return (cows,) hours of a day spent so."""
        days = DAYS - _FIRST_DAY
        return np.array(
            [(end - start)[np.isin(state, states)].sum() / HOUR_MS / days for start, end, state in self.bouts]
        )

    def runs_min(self, states: tuple[int, ...], gap_ms: int, least_ms: int = 0) -> list[NDArray[np.float64]]:
        """Return for each cow the lengths of her bouts of these states, gaps up to `gap_ms` closed."""
        return [
            _runs(start, end, np.isin(state, states), gap_ms, least_ms) for start, end, state in self.bouts
        ]

    def by_minute(self, states: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return (cows, minutes): doing so."""
        at_ms = np.arange(_FIRST_DAY * DAY_MS, DAYS * DAY_MS, MINUTE_MS)
        return np.stack(
            [
                np.isin(state[np.searchsorted(start, at_ms, "right") - 1], states)
                for start, _, state in self.bouts
            ]
        )


def _runs(
    start: NDArray[np.int64], end: NDArray[np.int64], inside: NDArray[np.bool_], gap_ms: int, least_ms: int
) -> NDArray[np.float64]:
    begins, ends = start[inside], end[inside]
    apart = np.flatnonzero(begins[1:] - ends[:-1] > gap_ms)
    firsts = begins[np.concatenate(([0], apart + 1))]
    lasts = ends[np.concatenate((apart, [len(ends) - 1]))]
    lengths = (lasts - firsts)[(lasts - firsts) >= least_ms]
    return np.asarray(lengths / MINUTE_MS)


@cache
def lived(housing: Path | None, seed: int) -> Lived:
    """Return a herd's days; `housing`: a herd file."""
    herd = VirtualHerd(housing, seed=seed, cows=COWS, days=DAYS, eventful=False)
    parts: list[list[tuple[NDArray[np.int64], NDArray[np.uint8]]]] = [[] for _ in range(COWS)]
    for number in range(_FIRST_DAY, DAYS):
        day = herd.day(number)
        for cow in range(COWS):
            parts[cow].append(day.of(cow))
    rise_h, set_h = herd.weather.sun(DAYS // 2)
    return Lived([_joined(each) for each in parts], rise_h, set_h)


def _joined(
    days: list[tuple[NDArray[np.int64], NDArray[np.uint8]]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    start = np.concatenate([each[0] for each in days])
    state = np.concatenate([each[1] for each in days])
    keep = np.concatenate(([True], state[1:] != state[:-1]))
    start, state = start[keep], state[keep]
    return start, np.append(start[1:], DAYS * DAY_MS), state


class Stated(NamedTuple):
    """One line: `low` to `high` is the stated spread."""

    housing: str
    what: str
    measure: str
    low: float
    high: float
    source: str


_RUMINATING, _LYING = (LIE_RUMINATE, STAND_RUMINATE), (LIE, LIE_RUMINATE)


def _mean(*states: int) -> Callable[[Lived], float]:
    return lambda lived: float(lived.hours(*states).mean())


def _between(*states: int) -> Callable[[Lived], float]:
    return lambda lived: float(lived.hours(*states).std(ddof=1))


def _median_run(states: tuple[int, ...], gap_ms: int, least_ms: int = 0) -> Callable[[Lived], float]:
    return lambda lived: float(np.median(np.concatenate(lived.runs_min(states, gap_ms, least_ms))))


def _runs_a_day(states: tuple[int, ...], gap_ms: int, least_ms: int = 0) -> Callable[[Lived], float]:
    days = DAYS - _FIRST_DAY
    return lambda lived: float(
        np.mean([len(each) / days for each in lived.runs_min(states, gap_ms, least_ms)])
    )


def _lying_share_of_rumination(lived: Lived) -> float:
    return float(lived.hours(LIE_RUMINATE).sum() / lived.hours(*_RUMINATING).sum())


def _walking(lived: Lived) -> float:
    shares = load_herd()["state"]["eat"]
    steps = sum(
        share
        for look, share in zip(shares["looks"], shares["shares"], strict=True)
        if look in ("walk", "amble")
    )
    return float((lived.hours(WALK) + steps * lived.hours(EAT)).mean())


def alike(lived: Lived) -> float:
    """Return the share of time in which at least 70 % of the herd lie, or stand."""
    share = lived.by_minute(_LYING).mean(axis=0)
    return float((np.maximum(share, 1 - share) >= 0.7).mean())


def _eating_after_feed(lived: Lived) -> float:
    """Return how many more eat in the hour after delivery than at three in the night."""
    by_hour = lived.by_minute((EAT,)).mean(axis=0).reshape(-1, 24, 60).mean(axis=(0, 2))
    return float(by_hour[8] / by_hour[3])


def _peak_h(lived: Lived, low_h: float, high_h: float) -> float:
    """Return when most of them eat, between two hours of the day."""
    halves = lived.by_minute((EAT,)).mean(axis=0).reshape(-1, 48, 30).mean(axis=(0, 2))
    first = int(low_h * 2)
    return (first + int(np.argmax(halves[first : int(high_h * 2)]))) / 2 + 0.25


def _night_share(lived: Lived) -> float:
    """Return how much of all grazing lies between sunset and sunrise, twilight of an hour apart."""
    by_minute = lived.by_minute((EAT,)).mean(axis=0).reshape(-1, 1440).mean(axis=0)
    hour = np.arange(1440) / 60
    night = (hour < lived.rise_h - 1) | (hour >= lived.set_h + 1)
    return float(by_minute[night].sum() / by_minute.sum())


MEASURES: dict[str, Callable[[Lived], float]] = {
    "eating": _mean(EAT),
    "eating_sd": _between(EAT),
    "ruminating": _mean(*_RUMINATING),
    "ruminating_sd": _between(*_RUMINATING),
    "lying": _mean(*_LYING),
    "lying_sd": _between(*_LYING),
    "standing": _mean(STAND, STAND_RUMINATE),
    "milking": _mean(MILK, WALK),
    "walking": _mean(WALK),
    "walking_and_steps": _walking,
    "drinking": _mean(DRINK),
    "drinking_visits": _runs_a_day((DRINK,), 0),
    "lying_bouts": _runs_a_day(_LYING, _LYING_GAP_MS),
    "lying_bout_median": _median_run(_LYING, _LYING_GAP_MS),
    "rumination_bouts": _runs_a_day(_RUMINATING, _RUMINATING_GAP_MS, _RUMINATING_LEAST_MS),
    "rumination_bout_median": _median_run(_RUMINATING, _RUMINATING_GAP_MS, _RUMINATING_LEAST_MS),
    "lying_share_of_rumination": _lying_share_of_rumination,
    "meals": _runs_a_day((EAT,), _GRAZING_GAP_MS),
    "eating_after_feed": _eating_after_feed,
    "grazing_bouts": _runs_a_day((EAT,), _GRAZING_GAP_MS, _GRAZING_LEAST_MS),
    "grazing_bout_median": _median_run((EAT,), _GRAZING_GAP_MS, _GRAZING_LEAST_MS),
    "alike": alike,
    "morning_peak": lambda lived: _peak_h(lived, 4, 11) - lived.rise_h,
    "evening_peak": lambda lived: lived.set_h - _peak_h(lived, 13, 20),
    "night_share": _night_share,
}
TABLE = tuple(
    Stated(**row)
    for row in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["row"]
)


def judged(herds: dict[str, Path | None], seed: int) -> Iterator[tuple[Stated, float, bool]]:
    """Yield every line with what the herd does and whether that lies in the spread."""
    for stated in TABLE:
        measured = MEASURES[stated.measure](lived(herds[stated.housing], seed))
        yield stated, measured, stated.low <= measured <= stated.high


def lines(rows: list[tuple[Stated, float, bool]]) -> Iterator[str]:
    """Yield the table for a terminal."""
    for before, (stated, measured, holds) in pairwise([None, *rows]):
        if before is None or before[0].housing != stated.housing:
            yield f"  {stated.housing}"
        said = "" if holds else "   OUTSIDE"
        spread = f"{stated.low:g} to {stated.high:g}"
        yield f"    {stated.what:<46} {measured:7.2f}   {spread}   {stated.source}{said}"
