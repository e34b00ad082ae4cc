"""Lives of a herd: who calved when, what happens to her, and what nobody but the simulator knows.

Every cow draws from generators of her own, so cow 7 lives the same life in a herd of ten and of a thousand;
what befalls all draws from the herd's. Only who joins a herd-mate in heat, and to which group a dog comes,
depends on who is there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.herdfile import HerdError
from simulator.lives.breeding import TAG, Breeding, Burdens, breed
from simulator.lives.happening import ENDS, HERD_EVENTS, STREAMS, Happening, History, LifeEvent, stream
from simulator.lives.herd_wide import farm_wide, her_part
from simulator.lives.illness import lameness, misfortunes
from simulator.lives.weather import Weather
from simulator.plan.routine import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from simulator.herdfile import Section

_COACTIVE = STREAMS.index("coactive")


def histories(
    model: Section, seed: int, cows: int, days: int, weather: Weather | None = None
) -> tuple[History, ...]:
    """Return the life of every cow over `days`; `weather` is Weather(model, seed, days) unless given.

    Happenings are sorted by onset and begin within the days; one may end beyond them. Raises ValueError,
    HerdError for numbers that contradict each other.
    """
    if cows < 1 or days < 1:
        raise ValueError(f"cows={cows} days={days}: want at least 1 of each")
    _require_livable(model)
    weather = weather or Weather(model, seed, days)
    wide = farm_wide(model, seed, days, weather, _groups(model, cows))
    lives = [_life(model, seed, cow, days, weather, wide) for cow in range(cows)]
    return tuple(_with_mates(model, seed, lives, days * DAY_MS))


def herd_wide(
    model: Section, seed: int, cows: int, days: int, weather: Weather | None = None
) -> tuple[Happening, ...]:
    """Return the truth about the farm as a whole, by onset: HERD_EVENTS.

    A herd event that makes none of the `cows` run is none. The cows' own shares are in their histories.
    """
    wide = farm_wide(model, seed, days, weather or Weather(model, seed, days), _groups(model, cows))
    group_cows = model["herd"]["group_cows"]
    return tuple(
        each
        for each in wide
        if each.kind in HERD_EVENTS
        and (
            each.kind != "herd_event"
            or any(list(her_part(model, seed, cow, cow // group_cows, (each,))) for cow in range(cows))
        )
    )


def _require_livable(model: Section) -> None:
    """Raise HerdError for numbers, each within its bounds, with which no life comes to an end or begins."""
    intensity, cycle = model["event"]["heat"]["intensity"], model["breeding"]["cycle_day"]
    if intensity[0] <= 1:
        raise HerdError(f"event.heat.intensity[0]={intensity[0]}: want more than 1, what is usual")
    if cycle[2] < 1:
        raise HerdError(f"breeding.cycle_day[2]={cycle[2]}: want at least 1 day")
    low, high = model["event"]["calving"]["side_spells"]
    if low > high:
        raise HerdError(f"event.calving.side_spells={[low, high]}: want the lower bound first")
    if not sum(model["life"]["parity_share"]):
        raise HerdError("life.parity_share is all 0: want one share above 0")


def _groups(model: Section, cows: int) -> int:
    return int(-(-cows // model["herd"]["group_cows"]))


def _life(
    model: Section, seed: int, cow: int, days: int, weather: Weather, wide: tuple[Happening, ...]
) -> History:
    until_ms = days * DAY_MS
    group = cow // model["herd"]["group_cows"]
    lame = lameness(model, seed, cow, until_ms)
    burdens = Burdens(weather, tuple((each.onset_ms, each.end_ms) for each in lame))
    breeding = breed(model, seed, cow, until_ms, burdens)
    found = [*lame, *breeding.happenings, *misfortunes(model, seed, cow, until_ms, breeding, weather)]
    found += (each for each in her_part(model, seed, cow, group, wide) if each.onset_ms < until_ms)
    found.sort(key=lambda each: (each.onset_ms, each.kind))
    end = next((each for each in found if each.kind in ENDS), None)
    return History(
        cow,
        breeding.parity,
        group,
        int(breeding.days_in_milk(0)),
        _noted(breeding, end, int(model["breeding"]["gestation_day"][0] * DAY_MS)),
        tuple(_until(found, end)),
    )


def _noted(breeding: Breeding, end: Happening | None, gestation_ms: int) -> tuple[LifeEvent, ...]:
    """Return what was recorded, without what a dead or stolen cow can no longer do."""
    events = sorted(breeding.life_events, key=lambda each: (each.at_ms, each.kind))
    if end is None:
        return tuple(events)
    known_ms = {"due": gestation_ms}  # a due date is known from the day she conceived
    return tuple(each for each in events if each.at_ms - known_ms.get(each.kind, 0) < end.onset_ms)


def _until(found: list[Happening], end: Happening | None) -> list[Happening]:
    """Return what happens up to and with her end; what lasts longer is cut there, a birth does not happen."""
    if end is None:
        return found
    kept = []
    for each in found:
        if each is end:
            kept.append(each)
        elif each.onset_ms < end.onset_ms and (each.kind != "calving" or each.end_ms <= end.onset_ms):
            kept.append(each if each.end_ms <= end.onset_ms else _cut(each, end.onset_ms))
    return kept


def _cut(happening: Happening, at_ms: int) -> Happening:
    detail = dict(happening.detail)
    for key in ("peak_ms", "run_end_ms"):
        if key in detail:
            detail[key] = min(detail[key], at_ms)
    if "spells" in detail:
        detail["spells"] = tuple((begin, min(end, at_ms)) for begin, end in detail["spells"] if begin < at_ms)
    return replace(happening, end_ms=at_ms, detail=detail)


def _with_mates(model: Section, seed: int, lives: list[History], until_ms: int) -> list[History]:
    """Add herd-mates who join a cow in heat for some hours; their own truth knows nothing of it."""
    joined: list[list[Happening]] = [[] for _ in lives]
    ends = [_end_ms(life) for life in lives]
    groups = np.array([life.group for life in lives])
    for life in lives:
        for heat in (each for each in life.happenings if each.kind == "heat" and each.expressed):
            rng = stream(seed, TAG, life.cow, _COACTIVE, heat.onset_ms)
            share = rng.uniform(*model["event"]["heat"]["mates_share"])
            begin_ms = heat.onset_ms + int(rng.uniform(0.5, 2.0) * HOUR_MS)
            if begin_ms >= min(heat.end_ms, until_ms):
                continue
            end_ms = begin_ms + int(rng.uniform(*model["event"]["coactive"]["hours"]) * HOUR_MS)
            luck = rng.random(len(lives))
            by_luck = np.argsort(luck)
            nearest = by_luck[groups[by_luck] == life.group][: model["event"]["heat"]["mates_most"]]
            for mate in nearest.tolist():
                if luck[mate] < share and mate != life.cow and end_ms <= ends[mate]:
                    joined[mate].append(Happening("coactive", begin_ms, end_ms, detail={"with": life.cow}))
    return [
        replace(life, happenings=tuple(sorted((*life.happenings, *more), key=_by_onset))) if more else life
        for life, more in zip(lives, joined, strict=True)
    ]


def _by_onset(happening: Happening) -> tuple[int, str]:
    return happening.onset_ms, happening.kind


def _end_ms(life: History) -> float:
    ends = [each.onset_ms for each in life.happenings if each.kind in ENDS]
    return min(ends, default=float("inf"))
