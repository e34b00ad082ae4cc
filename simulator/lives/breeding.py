"""The reproductive life of one cow: heats until she is pregnant, a dry period, a calf, and round again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.lives.happening import STREAMS, Happening, LifeEvent, lognormal, normal, stream
from simulator.plan.routine import DAY_MS, HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from simulator.herdfile import Section
    from simulator.lives.weather import Weather

TAG = 0xC0
_CALVING = STREAMS.index("calving")
_HEAT = STREAMS.index("heat")
_PERSON = STREAMS.index("person")
_CYCLES_BEFORE = (
    2  # calving intervals lived through before the start: the herd has then forgotten how it began
)


class Burdens(NamedTuple):
    """What weakens a heat: the weather, and her lame stretches (from_ms, to_ms)."""

    weather: Weather
    lame: tuple[tuple[int, int], ...]


@dataclass
class Breeding:
    """`calved_ms` holds every calving, those before the start too; the last of them begins her lactation."""

    parity: int
    calved_ms: list[int] = field(default_factory=list)
    life_events: list[LifeEvent] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)

    def days_in_milk(self, t_ms: int) -> float:
        """Return the days since she last calved at `t_ms`; she does not stop counting when dry."""
        return (t_ms - max(each for each in self.calved_ms if each <= t_ms)) / DAY_MS


def breed(model: Section, seed: int, cow: int, until_ms: int, burdens: Burdens) -> Breeding:
    """Return her reproductive life from the calving before the start up to `until_ms`."""
    return _Life(model, seed, cow, until_ms, burdens).lived()


class _Life:
    def __init__(self, model: Section, seed: int, cow: int, until_ms: int, burdens: Burdens) -> None:
        self._breeding, self._event = model["breeding"], model["event"]
        self._rng = stream(seed, TAG, cow, _HEAT)
        self._births = stream(seed, TAG, cow, _CALVING)
        self._until_ms, self._burdens = until_ms, burdens
        shares = np.cumsum(model["life"]["parity_share"])
        luck = stream(seed, TAG, cow, _PERSON).random() * shares[-1]
        self._all = Breeding(parity=1 + int(np.searchsorted(shares, luck, side="right")))

    def lived(self) -> Breeding:
        found = self._all
        # Without calves the last calving stays the last: it must not lie years back.
        cycles = _CYCLES_BEFORE + self._rng.random() if self._breeding["bred"] else self._rng.random()
        calved_ms: int | None = -int(cycles * self._breeding["interval_day"] * DAY_MS)
        while calved_ms is not None and calved_ms < self._until_ms:
            found.calved_ms.append(calved_ms)
            found.life_events.append(LifeEvent("calved", calved_ms))
            calved_ms = self._next_calving_ms(calved_ms)
        fresh = LifeEvent("calved", max(each for each in found.calved_ms if each <= 0))
        found.life_events = found.life_events[found.life_events.index(fresh) :]
        found.happenings = [each for each in found.happenings if 0 <= each.onset_ms < self._until_ms]
        return found

    def _next_calving_ms(self, calved_ms: int) -> int | None:
        conceived_ms = self._conceived_ms(calved_ms)
        if conceived_ms is None:
            return None
        note = self._all.life_events.append
        gestation = self._breeding["gestation_day"]
        due_ms = conceived_ms + int(gestation[0] * DAY_MS)
        note(LifeEvent("due", due_ms))
        dry_ms = due_ms - int(self._breeding["dry_day"] * DAY_MS)
        if dry_ms < self._until_ms:
            note(LifeEvent("dry", dry_ms))
        birth_ms = conceived_ms + int(
            normal(self._births, gestation[0], gestation[1], gestation[2:]) * DAY_MS
        )
        self._give_birth(birth_ms)
        return birth_ms

    def _conceived_ms(self, calved_ms: int) -> int | None:
        """Live through her heats until an insemination takes; None if that is beyond the end."""
        mean, sd, low, high = self._breeding["first_heat_day"]
        at_ms = self._begin_ms(calved_ms, mean, sd, (low, high))
        cycle = self._breeding["cycle_day"]
        while at_ms < self._until_ms:
            heat = self._heat(at_ms, self._parity_at(at_ms))
            self._all.happenings.append(heat)
            inseminated_ms = self._inseminated_ms(heat, calved_ms)
            if inseminated_ms is not None:
                self._all.life_events.append(LifeEvent("inseminated", inseminated_ms))
                if self._rng.random() < self._breeding["conception_share"]:
                    return inseminated_ms
            at_ms = self._begin_ms(at_ms, cycle[0], cycle[1], cycle[2:])
        return None

    def _begin_ms(self, from_ms: int, mean: float, sd: float, bounds: tuple[float, float]) -> int:
        """Draw the next onset, again by day more often than by night: that makes the excess of nights."""
        day_share = self._event["heat"]["day_share"]
        while True:
            at_ms = from_ms + int(normal(self._rng, mean, sd, bounds) * DAY_MS)
            by_day = 6 <= self._burdens.weather.sun_hour(at_ms) < 18
            if self._rng.random() < (day_share if by_day else 1.0):
                return at_ms

    def _parity_at(self, t_ms: int) -> int:
        return self._all.parity + sum(0 < each <= t_ms for each in self._all.calved_ms)

    def _heat(self, onset_ms: int, parity: int) -> Happening:
        model = self._event["heat"]
        median_h = model["duration_h"][1 if parity == 1 else 0]
        hours = lognormal(self._rng, median_h, model["duration_log_sd"], model["duration_range_h"])
        intensity = self._intensity(onset_ms)
        typical = math.log(model["intensity"][0])
        return Happening(
            "heat",
            onset_ms,
            onset_ms + int(hours * HOUR_MS),
            severity=math.log(intensity) / typical,
            expressed=intensity >= model["silent_intensity"][1],
            detail={"intensity": round(intensity, 3)},
        )

    def _intensity(self, onset_ms: int) -> float:
        model = self._event["heat"]
        luck = self._rng.random()
        median, log_sd, low, high = model["intensity"]
        loud = lognormal(self._rng, median, log_sd, (low, high))
        if luck < model["silent_share"]:
            low, high = model["silent_intensity"]
            loud = low + (high - low) * luck / model["silent_share"]
        if any(begin <= onset_ms < end for begin, end in self._burdens.lame):
            loud *= model["lame_factor"]
        if onset_ms >= 0 and self._burdens.weather.thi(onset_ms) >= model["hot_thi"]:
            loud *= model["hot_factor"]
        return max(loud, 1.0)

    def _inseminated_ms(self, heat: Happening, calved_ms: int) -> int | None:
        model = self._breeding
        share = model["inseminated_share"] if heat.expressed else model["inseminated_silent_share"]
        noticed = self._rng.random() < share
        low, high = model["inseminated_after_h"]
        after_h = low + (high - low) * self._rng.random()
        waits = heat.onset_ms - calved_ms < model["voluntary_wait_day"] * DAY_MS
        return heat.onset_ms + int(after_h * HOUR_MS) if model["bred"] and noticed and not waits else None

    def _give_birth(self, birth_ms: int) -> None:
        """Note a calving, `end_ms` being the birth, and one in twenty times that it was hard."""
        rng, model, hard = self._births, self._event["calving"], self._event["dystocia"]
        labour_h = rng.uniform(*model["labour_h"])
        is_hard = rng.random() < hard["share"]
        hard_h = rng.uniform(*hard["labour_h"])
        easy_spells = self._easy_spells(birth_ms)
        hard_ms = birth_ms - int(hard_h * HOUR_MS)
        onset_ms = min(birth_ms - int(labour_h * HOUR_MS), hard_ms if is_hard else birth_ms)
        detail = {} if is_hard else {"spells": easy_spells}
        self._all.happenings.append(Happening("calving", onset_ms, birth_ms, detail=detail))
        if is_hard:
            spells = self._hard_spells(hard_ms, birth_ms)
            self._all.happenings.append(Happening("dystocia", hard_ms, birth_ms, detail={"spells": spells}))

    def _easy_spells(self, birth_ms: int) -> tuple[tuple[int, int], ...]:
        rng, model = self._births, self._event["calving"]
        low, high = model["side_spells"]
        starts = (
            birth_ms - np.sort(rng.integers(5, 90, size=int(rng.integers(low, high + 1))))[::-1] * MINUTE_MS
        )
        spells = [(int(each), int(each + rng.uniform(*model["side_min"]) * MINUTE_MS)) for each in starts]
        return tuple((begin, min(end, birth_ms)) for begin, end in spells)

    def _hard_spells(self, from_ms: int, birth_ms: int) -> tuple[tuple[int, int], ...]:
        rng, model = self._births, self._event["dystocia"]
        spells: list[tuple[int, int]] = []
        at_ms = from_ms + int(rng.uniform(*model["gap_min"]) * MINUTE_MS)
        while at_ms < birth_ms:
            end_ms = min(at_ms + int(rng.uniform(*model["spell_min"]) * MINUTE_MS), birth_ms)
            spells.append((at_ms, end_ms))
            at_ms = end_ms + int(rng.uniform(*model["gap_min"]) * MINUTE_MS)
        return tuple(spells)
