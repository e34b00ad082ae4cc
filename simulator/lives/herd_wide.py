"""What happens to the whole farm at once, and which cows it takes along."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.lives.breeding import TAG
from simulator.lives.happening import HERD_EVENTS, STREAMS, Happening, normal, poisson_times_ms, stream
from simulator.lives.illness import hours_ms
from simulator.plan.routine import DAY_MS, HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.herdfile import Section
    from simulator.lives.weather import Weather

_HERD_TAG = 0x4E4D
_BY_CHANCE = ("feed_change", "herd_shock", "vet_day", "trimming", "outage", "herd_event")


def farm_wide(model: Section, seed: int, days: int, weather: Weather, groups: int) -> tuple[Happening, ...]:
    """Return what happens to the farm, by onset: HERD_EVENTS (rows of truth) and disturbances.

    `detail`: share (how much of the herd it takes), group (herd_event only: of `groups`), thi_highest
    (heat_stress).
    """
    until_ms = days * DAY_MS
    found = [*_hot_days(model["event"]["heat_stress"], weather)]
    if model["herd"]["housing"] == "pasture":
        found += _wet_spells(weather)
    for kind in _BY_CHANCE:
        found += _by_chance(kind, model, seed, until_ms, weather, groups)
    return tuple(sorted(found, key=lambda each: (each.onset_ms, each.kind)))


def her_part(
    model: Section, seed: int, cow: int, group: int, wide: tuple[Happening, ...]
) -> Iterator[Happening]:
    """Yield what of it touches one cow, as she feels it; outages and heat reach her by other ways."""
    for happening in wide:
        kind = happening.kind
        if kind in HERD_EVENTS and kind != "herd_event":
            continue
        if kind in ("rain", "feed_change"):
            yield happening
            continue
        rng = stream(seed, TAG, cow, STREAMS.index(kind), happening.onset_ms)
        joins = rng.random() < happening.detail["share"]
        if joins and happening.detail.get("group", group) == group:
            yield _felt(model["event"][kind], rng, happening)


def _felt(table: Section, rng: np.random.Generator, happening: Happening) -> Happening:
    if happening.kind == "herd_event":
        late_ms = int(rng.uniform(0, table["spread_s"]) * 1000)
        onset_ms, run_end_ms = happening.onset_ms + late_ms, happening.detail["run_end_ms"] + late_ms
        end_ms = happening.end_ms + late_ms
        return replace(happening, onset_ms=onset_ms, end_ms=end_ms, detail={"run_end_ms": run_end_ms})
    if "severity" in table:
        mean, sd, low, high = table["severity"]
        return replace(happening, severity=normal(rng, mean, sd, (low, high)))
    return happening


def _by_chance(
    kind: str, model: Section, seed: int, until_ms: int, weather: Weather, groups: int
) -> Iterator[Happening]:
    table = model["event"][kind]
    tag = STREAMS.index(kind)
    free_ms = 0  # none of a kind begins before the last one is over
    for number, at_ms in enumerate(
        poisson_times_ms(stream(seed, _HERD_TAG, tag), table["per_farm_year"], until_ms)
    ):
        rng = stream(seed, _HERD_TAG, tag, number + 1)
        onset_ms = at_ms
        if "from_h" in table:
            onset_ms += int((rng.uniform(*table["from_h"]) - weather.sun_hour(at_ms)) % 24 * HOUR_MS)
        if free_ms <= onset_ms < until_ms:
            made = _made(kind, model["event"][kind], rng, onset_ms, groups)
            free_ms = made.end_ms
            yield made


def _made(kind: str, table: Section, rng: np.random.Generator, onset_ms: int, groups: int) -> Happening:
    if kind == "herd_event":
        run_end_ms = onset_ms + int(rng.uniform(*table["run_min"]) * MINUTE_MS)
        detail = {
            "run_end_ms": run_end_ms,
            "share": rng.uniform(*table["share"]),
            "group": int(rng.integers(groups)),
        }
        end_ms = run_end_ms + int(table["calm_min"] * MINUTE_MS)
        return Happening(kind, onset_ms, end_ms, detail=detail)
    share = rng.uniform(*table["share"]) if "share" in table else 1.0
    return Happening(kind, onset_ms, onset_ms + hours_ms(table["hours"], rng), detail={"share": share})


def _hot_days(table: Section, weather: Weather) -> Iterator[Happening]:
    """Yield one row for every day that reaches the threshold, from its first hour above to its last."""
    for day in range(weather.days):
        by_hour = weather.thi_by_hour(day)
        above = np.flatnonzero(by_hour >= table["truth_thi"])
        if above.size:
            detail = {"share": 1.0, "thi_highest": round(float(by_hour.max()), 1)}
            begin_ms = day * DAY_MS + int(above[0]) * HOUR_MS
            yield Happening(
                "heat_stress", begin_ms, day * DAY_MS + (int(above[-1]) + 1) * HOUR_MS, detail=detail
            )


def _wet_spells(weather: Weather) -> Iterator[Happening]:
    for begin_ms, end_ms in weather.rain.tolist():
        if begin_ms >= 0:
            yield Happening("rain", begin_ms, end_ms, detail={"share": 1.0})
