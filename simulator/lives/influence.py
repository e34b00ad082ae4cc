"""How events and weather bend what a cow does, as multipliers on a grid of ten minutes.

A happening's multipliers are its profile (profiles.py) to the power of its severity; what happens at the
same time is multiplied. Heat follows the index of the hour. Nothing here draws a random number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.lives.forced import forced_by_day
from simulator.lives.profiles import INFLUENCES, Profile, load_profiles
from simulator.plan.routine import DAY_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.herdfile import Section
    from simulator.lives.happening import History
    from simulator.lives.weather import Weather
    from simulator.plan.routine import Forced

STEP_MS = 10 * MINUTE_MS
STEPS_A_DAY = DAY_MS // STEP_MS
_LIE, _RUMINATE = INFLUENCES.index("lie"), INFLUENCES.index("ruminate")
_MOST_LOG = 3.0  # twentyfold: beyond that, several happenings at once add nothing


class _Wave:
    """One course of multipliers and the cows it runs through, each with her own severity."""

    def __init__(self, profile: Profile, moments_ms: tuple[int, ...]) -> None:
        self._profile, self._moments_ms = profile, moments_ms
        self.cows: list[int] = []
        self.severities: list[float] = []

    def add(self, cow: int, severity: float) -> None:
        """Let it run through a cow, after all cows before her; twice through one is once, but stronger."""
        if self.cows and self.cows[-1] == cow:
            self.severities[-1] += severity
        else:
            self.cows.append(cow)
            self.severities.append(severity)

    def add_to(self, log: NDArray[np.float64], day: int) -> None:
        """Add the logarithms of its multipliers to those of a day, (steps, cows, INFLUENCES)."""
        middle_ms = _middles_ms(day)
        low, high = np.searchsorted(middle_ms, (self._moments_ms[0], self._moments_ms[-1]))
        if low < high:
            course = self._profile.log_at(self._moments_ms, middle_ms[low:high])
            log[low:high, self.cows] += course[:, None, :] * np.array(self.severities)[None, :, None]


class Influences:
    """What bends the lives in `histories` (cows 0, 1, ...) under `weather`, day by day."""

    def __init__(self, model: Section, histories: Sequence[History], weather: Weather) -> None:
        self._cows = len(histories)
        self._heat = model["event"]["heat_stress"]
        self._weather = weather
        self._waves = _waves_by_day(load_profiles(model), histories)
        self._forced = forced_by_day(histories)
        self._kept: tuple[int, NDArray[np.float32]] | None = None

    def day(self, day: int) -> NDArray[np.float32]:
        """Return the multipliers of a day, (144, cows, INFLUENCES); row k is the middle of its ten minutes.

        Do not change it: the last day asked for is kept.
        """
        if self._kept is None or self._kept[0] != day:
            self._kept = day, self._computed(day)
        return self._kept[1]

    def forced(self, day: int) -> list[Forced]:
        """Return the stretches of a day in which a state is imposed, by cow and time, without overlaps."""
        return list(self._forced.get(day, ()))

    def _computed(self, day: int) -> NDArray[np.float32]:
        log = np.zeros((STEPS_A_DAY, self._cows, len(INFLUENCES)))
        for wave in self._waves.get(day, ()):
            wave.add_to(log, day)
        log[:, :, (_LIE, _RUMINATE)] += np.log(self._heat_factors(day))[:, None, :]
        np.clip(log, -_MOST_LOG, _MOST_LOG, out=log)
        return np.asarray(np.exp(log, out=log), dtype=np.float32)

    def _heat_factors(self, day: int) -> NDArray[np.float64]:
        """Return what heat leaves of lying and of rumination at every step, (144, 2)."""
        heat = self._heat
        above = np.maximum(self._weather.thi(_middles_ms(day)) - heat["from_thi"], 0.0)
        lie = 1 - above * (heat["lie_h_per_unit"] / heat["usual_lie_h"])
        ruminate = 1 - above * (heat["ruminate_min_per_unit"] / heat["usual_ruminate_min"])
        return np.asarray(np.maximum(np.stack((lie, ruminate), axis=1), heat["lowest"]))


def _middles_ms(day: int) -> NDArray[np.float64]:
    return np.asarray(day * float(DAY_MS) + (np.arange(STEPS_A_DAY) + 0.5) * STEP_MS, dtype=np.float64)


def _waves_by_day(profiles: dict[str, Profile], histories: Sequence[History]) -> dict[int, list[_Wave]]:
    """Return the waves that touch every day; what all cows share at the same time is one wave."""
    waves: dict[tuple[str, tuple[int, ...]], _Wave] = {}
    for history in histories:
        for happening in history.happenings:
            profile = profiles.get(happening.kind)
            if profile is None:
                continue
            key = happening.kind, profile.moments_ms(happening)
            wave = waves.setdefault(key, _Wave(profile, key[1]))
            wave.add(history.cow, happening.severity)
    by_day: dict[int, list[_Wave]] = {}
    for (_, moments_ms), wave in waves.items():
        for day in range(moments_ms[0] // DAY_MS, moments_ms[-1] // DAY_MS + 1):
            by_day.setdefault(day, []).append(wave)
    return by_day
