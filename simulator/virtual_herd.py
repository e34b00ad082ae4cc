"""A virtual herd: lives, weather, routine and plan from one seed, at three resolutions.

`Cow` (simulator/cow.py) gives samples for a chip model, `windows` what a collar would send, `minutes` what a
relay would know. All three follow the same plan; the truth is beside them and goes to no relay. Days may be
asked for in any order; the first time, each is lived after those before it, once more when it is not among
the last few.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.herdfile import HerdError, load_herd
from simulator.lives.happening import ENDS, EVENTS, HERD_EVENTS
from simulator.lives.influence import Influences
from simulator.lives.life import herd_wide, histories
from simulator.lives.weather import Weather
from simulator.minutes import MINUTES, MinuteMaker
from simulator.neck.look_model import CELL_MS, CELLS_A_DAY
from simulator.neck.looks import CowLooks
from simulator.neck.windows import records
from simulator.plan.ethogram import Plan
from simulator.plan.routine import DAY_MS, MINUTE_MS, TICK_MIN, Routine
from simulator.reach import is_flat
from simulator.truth import TruthRow
from simulator.wear import Wear

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from simulator.lives.happening import Happening, History
    from simulator.minutes import Minutes
    from simulator.neck.look_model import Cells
    from simulator.plan.living import Day

MOST_COWS, MOST_DAYS = 100_000, 3660
_TAG_NOISE = 0xA01


class VirtualHerd:
    """`cows` cows over `days` days of a herd file (None: the package's own), from one seed.

    Cows and days are counted from 0. `eventful` False: nothing happens to them but what `scripted` says, by
    the index of the cow; else that comes on top. Raises HerdError naming argument, value and bound.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        seed: int,
        cows: int,
        days: int,
        eventful: bool = True,
        scripted: Mapping[int, Sequence[Happening]] | None = None,
    ) -> None:
        for name, value, most in (("cows", cows, MOST_COWS), ("days", days, MOST_DAYS)):
            if not 1 <= value <= most:
                raise HerdError(f"{name}={value}: want 1..{most}")
        if seed < 0:
            raise HerdError(f"seed={seed}: want 0 or more")
        for cow in scripted or ():
            if not 0 <= cow < cows:
                raise HerdError(f"scripted: cow {cow}: want 0..{cows - 1}")
        self.model: dict[str, Any] = load_herd(path)
        self.seed, self.cows, self.days = seed, cows, days
        self.weather = Weather(self.model, seed, days)
        self.histories = self._lives(scripted or {}, eventful=eventful)
        self.herd_wide = herd_wide(self.model, seed, cows, days, self.weather) if eventful else ()
        self.influence = Influences(self.model, self.histories, self.weather)
        self.routine = Routine(self.model, seed, cows, self.weather.sun)
        self.plan = Plan(self.model, seed, cows, self.routine, self.influence)
        self.wears = [
            Wear(self.model, seed, history.cow, days, history.happenings) for history in self.histories
        ]
        self._looks = lru_cache(maxsize=None)(lambda cow: CowLooks(self.model, seed, cow))

    def number(self, cow: int) -> str:
        """Return the number on a cow's ear tag."""
        return str(self.model["herd"]["first_number"] + cow)

    def day(self, day: int) -> Day:
        """Return what all cows do on a day. Raises HerdError for a day that they do not live."""
        if not 0 <= day < self.days:
            raise HerdError(f"day={day}: want 0..{self.days - 1}")
        return self.plan.day(day)

    def cells(self, cow: int, day: int) -> Cells:
        """Return how a cow looks to her collar on a day, cell by cell, in her own frame.

        What a box does that hangs loose is in it.
        """
        plan = self.day(day)
        strength = _by_cell(plan.strength[:, cow])
        cells = self._looks(cow).cells(day, *plan.of(cow), strength)
        return self.wears[cow].swung(cells, _cell_starts_ms(day))

    def windows(self, cow: int, day: int) -> NDArray[np.uint8]:
        """Return (16875, 14): the records of a collar whose windows begin with the day."""
        cells, wear = self.cells(cow, day), self.wears[cow]
        start_ms = _cell_starts_ms(day)
        sits = wear.rotations(start_ms[:1])[0]  # on most days all day, and that is cheaper than cell by cell
        if len(wear.changes_ms(int(start_ms[0]), int(start_ms[-1]) + 1)):
            sits = wear.rotations(start_ms)
        noise = np.random.default_rng((self.seed, _TAG_NOISE, cow, day))
        return records(cells, sits, wear.scale, wear.offset_mg, noise)

    def minutes(self, day: int) -> Minutes:
        """Return the minutes of all cows on a day; while a battery is flat there are none."""
        made = self._minute_maker.day(self.day(day))
        at_ms = day * DAY_MS + np.arange(MINUTES) * MINUTE_MS
        for history, wear in zip(self.histories, self.wears, strict=True):
            if any(each.kind in ("battery", "collar_loose") for each in history.happenings):
                for motion_mg in (made.motion_mg, made.motion_max_mg):
                    wear.swung_motion_mg(motion_mg[history.cow], at_ms)
                made.windows[history.cow, is_flat(history, at_ms)] = 0
        return made

    @cached_property
    def _minute_maker(self) -> MinuteMaker:
        return MinuteMaker(self.model, self.seed, self.wears)

    @property
    def truth(self) -> list[TruthRow]:
        """What truly happens within the days, by time."""
        rows = [
            _row(self.number(history.cow), each)
            for history in self.histories
            for each in history.happenings
            if each.kind in EVENTS and each.kind not in HERD_EVENTS
        ]
        rows += [_row("", each) for each in self.herd_wide if each.kind in EVENTS]
        end_ms = self.days * DAY_MS
        return sorted(
            (row for row in rows if row.onset_ms < end_ms), key=lambda row: (row.onset_ms, row.animal)
        )

    def _lives(self, scripted: Mapping[int, Sequence[Happening]], *, eventful: bool) -> tuple[History, ...]:
        lives = histories(self.model, self.seed, self.cows, self.days, self.weather)
        own = (each.happenings if eventful else () for each in lives)
        whole = (sorted((*hers, *scripted.get(cow, ())), key=_onset) for cow, hers in enumerate(own))
        return tuple(replace(each, happenings=tuple(hers)) for each, hers in zip(lives, whole, strict=True))


def _onset(each: Happening) -> int:
    return each.onset_ms


def _row(animal: str, each: Happening) -> TruthRow:
    end_ms = None if each.kind in ENDS else each.end_ms
    return TruthRow(animal, each.kind, each.onset_ms, end_ms, each.expressed, each.detail.get("peak_ms"))


def _cell_starts_ms(day: int) -> NDArray[np.int64]:
    return np.asarray(day * DAY_MS + np.arange(CELLS_A_DAY, dtype=np.int64) * CELL_MS)


def _by_cell(by_tick: NDArray[np.float32]) -> NDArray[np.float32]:
    tick = (np.arange(CELLS_A_DAY) * CELL_MS + CELL_MS // 2) // (TICK_MIN * MINUTE_MS)
    return np.asarray(by_tick[tick])
