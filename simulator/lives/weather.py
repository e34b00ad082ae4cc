"""Weather of the farm, hour by hour, and the sun: what heat, rain and daylight do to a herd starts here."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from simulator.clock import START_UTC_MS
from simulator.lives.happening import stream
from simulator.plan.routine import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from simulator.herdfile import Section

_TAG = 0x5EA
_DAY_OF_YEAR = datetime.fromtimestamp(START_UTC_MS / 1000, UTC).timetuple().tm_yday
_START_DAY = (START_UTC_MS - 946_728_000_000) / DAY_MS  # since noon of 1 January 2000, as almanacs count


def thi(air_c: ArrayLike, humidity_percent: ArrayLike) -> NDArray[np.float64]:
    """Return the temperature-humidity index (NRC 1971 form) of degrees Celsius and relative humidity, %."""
    air_f = 1.8 * np.asarray(air_c, dtype=np.float64) + 32
    humidity = np.asarray(humidity_percent, dtype=np.float64)
    return air_f - (0.55 - 0.0055 * humidity) * (air_f - 58)


class Weather:
    """`air_c`, `humidity_percent` (days * 24,) at full hours; `rain` (days, 2) from, to, ms, or -1 if dry.

    Days are days of UTC from the start; the same seed gives the same days, however many there are.
    """

    def __init__(self, model: Section, seed: int, days: int) -> None:
        if days < 1:
            raise ValueError(f"days={days}: want at least 1")
        self._model = model["weather"]
        self.days = days
        self.rain = self._rain(seed)
        self.air_c = self._air(seed)
        self.humidity_percent = self._humidity(seed)
        self._thi = thi(self.air_c, self.humidity_percent)
        self._hour_ms = np.arange(days * 24) * float(HOUR_MS)

    def thi(self, t_ms: ArrayLike) -> NDArray[np.float64]:
        """Return the index at `t_ms`, between the hours on a line; outside the days the nearest hour's."""
        return np.asarray(np.interp(np.asarray(t_ms, dtype=np.float64), self._hour_ms, self._thi))

    def thi_by_hour(self, day: int) -> NDArray[np.float64]:
        """Return the index at the 24 hours of a day."""
        return self._thi[day * 24 : day * 24 + 24]

    def sun(self, day: int) -> tuple[float, float]:
        """Return sunrise and sunset of a day in hours of UTC; where it does not set, twelve hours from noon.

        Mean sun: the equation of time, a quarter of an hour at most, is left out.
        Far east one comes before 0, far west one after 24.
        """
        noon_h = 12 - self._model["longitude_deg"] / 15
        declination = _declination(_START_DAY + day)
        latitude = math.radians(self._model["latitude_deg"])
        below = math.sin(math.radians(-0.833))  # refraction and the sun's own radius
        cosine = (below - math.sin(latitude) * math.sin(declination)) / (
            math.cos(latitude) * math.cos(declination)
        )
        half_h = math.degrees(math.acos(min(max(cosine, -1.0), 1.0))) / 15
        return noon_h - half_h, noon_h + half_h

    def sun_hour(self, t_ms: float) -> float:
        """Return the hour of the sun's day, 0..24, noon at 12."""
        return float((t_ms / HOUR_MS + self._model["longitude_deg"] / 15) % 24)

    def _warmth(self) -> NDArray[np.float64]:
        """Return how far into summer every day is, -1..1; latitude decides when summer is."""
        day = np.arange(self.days + 1) + _DAY_OF_YEAR - self._model["warmest_day"]
        season = np.cos(2 * np.pi * day / 365.25)
        return np.asarray(season if self._model["latitude_deg"] >= 0 else -season)

    def _rain(self, seed: int) -> NDArray[np.int64]:
        """Draw one wet spell for every rain day; wet days follow wet days."""
        draws = stream(seed, _TAG, 0).random((self.days, 3))
        share, stays = self._model["rain_share"], self._model["rain_stays"]
        after_dry = min(share * (1 - stays) / (1 - share), 1.0)
        spells = np.full((self.days, 2), -1, dtype=np.int64)
        wet = False
        for day, (luck, begin, length) in enumerate(draws):
            wet = bool(luck < (stays if wet else after_dry))
            if wet:
                low, high = self._model["rain_h"]
                start_h = begin * (24 - low)
                spells[day] = (
                    day * DAY_MS + int(start_h * HOUR_MS),
                    day * DAY_MS + int(min(start_h + low + length * (high - low), 24) * HOUR_MS),
                )
        return spells

    def _air(self, seed: int) -> NDArray[np.float64]:
        model = self._model
        slow = _first_order(stream(seed, _TAG, 1).standard_normal(self.days + 1), model["day_memory"])
        wet = self.rain[:, 0] >= 0
        middle = model["mean_c"] + model["season_c"] * self._warmth() + model["day_sd_c"] * slow
        swing = model["swing_c"] * np.where(wet, model["wet_swing"], 1.0)
        hour = np.arange(self.days * 24)  # a line from noon to noon, or midnight would be a step
        drift = np.interp(hour, np.arange(self.days + 1) * 24 + 12, middle)
        return np.asarray(drift + np.repeat(swing, 24) * self._daily(hour))

    def _daily(self, hour: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the daily wave, -1..1, highest in the middle of the afternoon by the sun."""
        sun_h = hour + self._model["longitude_deg"] / 15
        return np.asarray(np.cos(2 * np.pi * (sun_h - self._model["warmest_h"]) / 24))

    def _humidity(self, seed: int) -> NDArray[np.float64]:
        model = self._model
        noise = stream(seed, _TAG, 2).standard_normal(self.days)
        wet = self.rain[:, 0] >= 0
        level = model["humidity"] + model["humidity_sd"] * noise + np.where(wet, model["wet_humidity"], 0.0)
        wave = model["humidity_swing"] * self._daily(np.arange(self.days * 24))
        return np.asarray(np.clip(np.repeat(level, 24) - wave, *model["humidity_range"]))


def _declination(days: float) -> float:
    """Return how far north of the equator the sun stands, rad (low precision formula of the Almanac)."""
    anomaly = math.radians(357.529 + 0.98560028 * days)
    longitude_deg = 280.459 + 0.98564736 * days + 1.915 * math.sin(anomaly) + 0.02 * math.sin(2 * anomaly)
    return math.asin(math.sin(math.radians(23.44)) * math.sin(math.radians(longitude_deg)))


def _first_order(noise: NDArray[np.float64], memory: float) -> NDArray[np.float64]:
    """Return an autoregressive series of unit variance."""
    fresh = math.sqrt(1 - memory * memory)
    series = np.empty_like(noise)
    last = float(noise[0])
    for at, each in enumerate(noise):
        last = memory * last + fresh * float(each)
        series[at] = last
    return series
