"""What people and the sun do to a herd's day: milkings, feeding, and when grass tastes best.

Clocks of people keep local time, daylight saving included; grazing keeps the sun's. A milking takes every cow
away from what she was doing: the walk there, the parlour and its yard, the walk back, in an order that hardly
changes from day to day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from simulator.clock import START_UTC_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
TICK_MIN = 10  # drives are constant so long
TICKS = 24 * 60 // TICK_MIN
_MIDDLE_H = (np.arange(TICKS) + 0.5) * TICK_MIN / 60
_TAG = 0x207


class Forced(NamedTuple):
    """A stretch in which a cow has no choice; ms since the start of the simulation, `state` of STATES."""

    cow: int
    from_ms: int
    to_ms: int
    state: str


class Routine:
    """The day of a farm whose herd file is `model`; `sun(day)` gives sunrise and sunset in hours of UTC."""

    def __init__(
        self, model: dict[str, Any], seed: int, cows: int, sun: Callable[[int], tuple[float, float]]
    ) -> None:
        self.housing: str = model["herd"]["housing"]
        self._house = model["housing"][self.housing]
        self._zone = ZoneInfo(model["herd"]["zone"])
        self._seed, self._cows, self._sun = seed, cows, sun
        self._place = np.random.default_rng((seed, _TAG)).permutation(cows) / max(1, cows - 1)

    def appetite(self, day: int) -> NDArray[np.float64]:
        """Return (TICKS,) how much food calls at each time of the day, mean 1."""
        shape = self._house["eat_base"] + np.zeros(TICKS)
        for centre_h, height, rise_h, fall_h in self._calls(day):
            after_h = (_MIDDLE_H - centre_h + 12) % 24 - 12  # the sun does not stop at midnight
            width_h = np.where(after_h < 0, rise_h, fall_h)
            shape += height * np.exp(-0.5 * (after_h / width_h) ** 2)
        return np.asarray(shape / shape.mean())

    def _calls(self, day: int) -> Iterator[tuple[float, float, float, float]]:
        """Yield (hour of the day, height, rise and fall in hours) of what makes a herd eat."""
        house = self._house
        for name in ("feed", "push_up"):
            for at_ms in self._local(day, house[f"{name}_h"]):
                yield _hour(at_ms, day), house[f"{name}_call"], 0.25, house["call_fall_h"]
        for at_ms in self._local(day, house["milking_h"]):
            back_h = _hour(at_ms, day) + house["milking_min"] / 60
            yield back_h, house["milking_call"], 0.25, house["call_fall_h"]
        rise_h, set_h = self._sun(day)
        noon_h = (rise_h + set_h) / 2
        width_h = house["graze_width_h"]
        yield rise_h + house["after_sunrise_h"], house["sunrise_call"], width_h, width_h
        yield set_h - house["before_sunset_h"], house["sunset_call"], width_h, width_h
        yield noon_h, house["noon_call"], width_h, width_h

    def night(self, day: int) -> NDArray[np.float64]:
        """Return (TICKS,) 1 between sunset and sunrise, 0 by day."""
        rise_h, set_h = self._sun(day)
        return ((_MIDDLE_H - rise_h) % 24 >= set_h - rise_h).astype(float)

    def milkings(self, day: int) -> list[Forced]:
        """Return where milking takes the cows on a day of the simulation, by cow and time.

        Stretches are whole: some may reach over a midnight, and both days have them.
        """
        house = self._house
        found = []
        for at_ms in (*self._over_midnight(day), *self._local(day, house["milking_h"])):
            draw = np.random.default_rng((self._seed, _TAG, at_ms // MINUTE_MS))
            late = draw.normal(0.0, house["milking_jitter_min"], self._cows)
            walk_min = house["milking_walk_min"]
            for cow in range(self._cows):
                share = house["milking_spread"]
                stay_min = house["milking_min"] * (1 - share + share * float(self._place[cow]) * 2)
                from_ms = at_ms + int(abs(late[cow]) * MINUTE_MS)
                there_ms = from_ms + int(walk_min * MINUTE_MS)
                away_ms = there_ms + int(max(8.0, stay_min - 2 * walk_min) * MINUTE_MS)
                home_ms = away_ms + int(walk_min * MINUTE_MS)
                found += [
                    Forced(cow, from_ms, there_ms, "walk"),
                    Forced(cow, there_ms, away_ms, "milk"),
                    Forced(cow, away_ms, home_ms, "walk"),
                ]
        return sorted(each for each in found if each.to_ms > day * DAY_MS)

    def _over_midnight(self, day: int) -> list[int]:
        """Return which milkings of the day before may last into a day; before day 0 there are none."""
        house = self._house
        jitter_min = 10 * house["milking_jitter_min"]  # more than chance gives
        lasts_min = 2 * (house["milking_min"] + house["milking_walk_min"]) + jitter_min
        starts_ms = self._local(day - 1, house["milking_h"]) if day else []
        return [at_ms for at_ms in starts_ms if at_ms + lasts_min * MINUTE_MS > day * DAY_MS]

    def _local(self, day: int, hours: tuple[float, ...]) -> list[int]:
        """Return the ms since the start at which local clocks show these hours within a day."""
        start_ms = day * DAY_MS
        first = (datetime.fromtimestamp((START_UTC_MS + start_ms) / 1000, UTC) - timedelta(days=2)).date()
        found = (self._at(first + timedelta(days=more), hour) for more in range(5) for hour in hours)
        return sorted(at_ms for at_ms in found if start_ms <= at_ms < start_ms + DAY_MS)

    def _at(self, local: date, hour: float) -> int:
        shift_h = self._house["weekend_shift_h"] if local.weekday() >= 5 else 0.0
        days, minute = divmod(round((hour + shift_h) * 60), 24 * 60)
        clock = time(minute // 60, minute % 60)
        moment = datetime.combine(local + timedelta(days=days), clock, self._zone)
        return int(moment.timestamp() * 1000) - START_UTC_MS


def _hour(at_ms: int, day: int) -> float:
    return (at_ms - day * DAY_MS) / HOUR_MS
