"""What befalls one cow by chance: illness, mishaps, her collar's troubles, and days when she is just odd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.herdfile import Section
from simulator.lives.breeding import TAG, Breeding
from simulator.lives.happening import STREAMS, Happening, lognormal, normal, poisson_times_ms, stream
from simulator.plan.routine import DAY_MS, HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from simulator.lives.weather import Weather

_Rng = np.random.Generator
_Make = Callable[[Section, _Rng, int, int], Happening]  # its table, draws, onset, end of the simulation


def lameness(model: Section, seed: int, cow: int, until_ms: int) -> list[Happening]:
    """Return her bouts of lameness; they come before the heats that they weaken."""
    return _by_chance("lameness", model, seed, cow, until_ms)


def misfortunes(
    model: Section, seed: int, cow: int, until_ms: int, breeding: Breeding, weather: Weather
) -> list[Happening]:
    """Return everything else that befalls her alone, in no order."""
    found: list[Happening] = []
    for kind in _MAKERS:
        if kind != "lameness":
            found += _by_chance(kind, model, seed, cow, until_ms, breeding)
    return found + list(_thefts(model["event"]["theft"], seed, cow, until_ms, weather))


def _by_chance(
    kind: str, model: Section, seed: int, cow: int, until_ms: int, breeding: Breeding | None = None
) -> list[Happening]:
    table = model["event"][kind]
    rng = stream(seed, TAG, cow, STREAMS.index(kind))
    if "early_share" in table and breeding is not None:
        times = _after_calving(table, model["breeding"]["interval_day"], rng, until_ms, breeding)
    else:
        times = poisson_times_ms(rng, table["per_cow_year"], until_ms)
    found: list[Happening] = []
    for number, onset_ms in enumerate(times):
        own = stream(seed, TAG, cow, STREAMS.index(kind), number + 1)
        if not found or onset_ms >= found[-1].end_ms:
            found.append(_MAKERS[kind](table, own, onset_ms, until_ms))
    return found


def _after_calving(
    table: Section, interval_day: float, rng: _Rng, until_ms: int, breeding: Breeding
) -> Iterator[int]:
    """Yield onsets with the yearly rate of the table, `early_share` of them in the first days in milk."""
    early = table["early_day"] / interval_day
    weights = (table["early_share"] / early, (1 - table["early_share"]) / (1 - early))
    highest = max(weights)
    for at_ms in poisson_times_ms(rng, table["per_cow_year"] * highest, until_ms):
        weight = weights[0 if breeding.days_in_milk(at_ms) < table["early_day"] else 1]
        if rng.random() * highest < weight:
            yield at_ms


def _after(onset_ms: int, days: float) -> int:
    return onset_ms + int(days * DAY_MS)


def _severity(table: Section, rng: _Rng) -> float:
    mean, sd, low, high = table["severity"]
    return normal(rng, mean, sd, (low, high))


def _ramped(kind: str) -> _Make:
    """Return the maker of what grows for days up to its worst moment and then passes."""

    def make(table: Section, rng: _Rng, onset_ms: int, _until_ms: int) -> Happening:
        peak_ms = _after(onset_ms, rng.uniform(*table["ramp_day"]))
        end_ms = _after(peak_ms, rng.uniform(*table["recovery_day"]))
        return Happening(kind, onset_ms, end_ms, _severity(table, rng), detail={"peak_ms": peak_ms})

    return make


def _mastitis(table: Section, rng: _Rng, onset_ms: int, _until_ms: int) -> Happening:
    abrupt, seen = rng.random() < table["abrupt_share"], rng.random() < table["mild_seen_share"]
    peak_ms = onset_ms + int(rng.uniform(*table["ramp_h"]) * HOUR_MS)
    end_ms = _after(peak_ms, rng.uniform(*table["recovery_day"]))
    severity = _severity(table, rng) if abrupt else rng.uniform(*table["mild_severity"])
    detail = {"peak_ms": peak_ms, "type": "e_coli" if abrupt else "gram_positive"}
    return Happening("mastitis", onset_ms, end_ms, severity, bool(abrupt or seen), detail)


def _cast(table: Section, rng: _Rng, onset_ms: int, _until_ms: int) -> Happening:
    median, log_sd, low, high = table["found_after_h"]
    end_ms = onset_ms + int(lognormal(rng, median, log_sd, (low, high)) * HOUR_MS)
    return Happening("cast", onset_ms, end_ms, detail={"spells": ((onset_ms, end_ms),)})


def _dead(_table: Section, _rng: _Rng, onset_ms: int, until_ms: int) -> Happening:
    return Happening("dead", onset_ms, until_ms)


def _for_hours(kind: str, *, expressed: bool = True) -> _Make:
    """Return the maker of what lasts for hours drawn evenly (two numbers) or lognormally (four)."""

    def make(table: Section, rng: _Rng, onset_ms: int, _until_ms: int) -> Happening:
        severity = _severity(table, rng) if "severity" in table else 1.0
        return Happening(kind, onset_ms, onset_ms + hours_ms(table["hours"], rng), severity, expressed)

    return make


def _turned(table: Section, rng: _Rng, onset_ms: int, _until_ms: int) -> Happening:
    """Turn a collar about the neck by an angle until somebody, or she, turns it back."""
    angle_deg = rng.uniform(*table["angle_deg"]) * (1 if rng.random() < 0.5 else -1)
    if rng.random() < table["half_turn_share"]:
        angle_deg = 180.0
    detail: dict[str, Any] = {"axis": "y", "angle_deg": round(float(angle_deg), 1)}
    return Happening("collar_turned", onset_ms, onset_ms + hours_ms(table["hours"], rng), detail=detail)


def hours_ms(hours: tuple[float, ...], rng: _Rng) -> int:
    """Draw a length in ms: even between two numbers, or lognormal by median, log sd and bounds."""
    if len(hours) == 2:
        return int(rng.uniform(*hours) * HOUR_MS)
    return int(lognormal(rng, hours[0], hours[1], (hours[2], hours[3])) * HOUR_MS)


def _thefts(table: Section, seed: int, cow: int, until_ms: int, weather: Weather) -> Iterator[Happening]:
    """Yield nights on which she is led away: a long walk, then no radio, to the end."""
    rng = stream(seed, TAG, cow, STREAMS.index("theft"))
    for at_ms in poisson_times_ms(rng, table["per_cow_year"], until_ms):
        ahead_h = (rng.uniform(*table["from_h"]) - weather.sun_hour(at_ms)) % 24
        onset_ms = at_ms + int(ahead_h * HOUR_MS)
        away_ms = onset_ms + int(rng.uniform(*table["walk_min"]) * MINUTE_MS)
        if away_ms < until_ms:
            detail = {"walk_end_ms": away_ms, "out_of_cover_ms": away_ms}
            yield Happening("theft", onset_ms, until_ms, detail=detail)


_MAKERS: dict[str, _Make] = {
    "off_feed": _ramped("off_feed"),
    "mastitis": _mastitis,
    "lameness": _ramped("lameness"),
    "cast": _cast,
    "down": _for_hours("down"),
    "dead": _dead,
    "collar_off": _for_hours("collar_off"),
    "collar_loose": _for_hours("collar_loose"),
    "collar_turned": _turned,
    "battery": _for_hours("battery"),
    "group_move": _for_hours("group_move"),
    "odd_day": _for_hours("odd_day"),
}
