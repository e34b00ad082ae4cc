"""What pulls at the cows of a herd, and so how fast their clocks run and what they turn to.

A pull is the logarithm of a multiplier. What does not hang on the hour's company or on what a cow has missed
is worked out for a whole day at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.plan.bouts import FREE
from simulator.plan.routine import TICK_MIN, TICKS
from simulator.plan.states import DRINK, EAT, LIE, LIE_RUMINATE, LIES, STAND_RUMINATE, WALK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.plan.living import Company, Cows

    Floats = NDArray[np.float64]

DRIVES = ("lie", "ruminate", "eat", "walk", "drink")
_LIE, _RUMINATE, _EAT, _WALK, _DRINK, _NONE = range(len(DRIVES) + 1)
NEEDS = len(DRIVES) + 1  # the last is of states that nothing drives, always 0
_DRIVE_OF = np.array([_NONE, _RUMINATE, _NONE, _RUMINATE, _EAT, _WALK, _DRINK])
_LINGERS = np.isin(np.arange(FREE), (LIE_RUMINATE, STAND_RUMINATE, EAT, WALK))
# Columns of what `influence` gives (simulator/lives/influence.py).
_ON_LIE, _ON_RUMINATE, _ON_EAT, _ON_WALK, _ON_TRANSITIONS, _ON_STRENGTH = range(6)
_LYING = LIE_RUMINATE + 1  # states before this one are lying
_SHOWS = np.array([LIES[:FREE], np.arange(FREE) == EAT], float)  # what herd mates see: she lies, she eats


class Pulls:
    """The pulls of day `number` on `cows`, whose restlessness and mood are brought to its end."""

    def __init__(self, company: Company, number: int, cows: Cows, draw: np.random.Generator) -> None:
        self._company, self._cows = company, cows
        self._drive, self._house = company.drive, company.house
        n = company.cows
        # Some days are odder than a normal variable knows: Student's t.
        odd = np.clip(draw.standard_t(self._drive["day_freedom"], n), -6, 6)
        keep = self._drive["day_memory"]
        cows.mood = keep * cows.mood + np.sqrt(1 - keep**2) * self._drive["day_restless_sd"] * odd
        wanted_min = self._wanted_min(draw)
        restless = self._drive["restless_sd"], self._drive["restless_tau_min"]
        shown, cows.restless = _drift(draw, cows.restless, *restless)
        group = self._house["group_sd"], self._drive["group_tau_min"]
        together, cows.group_pull = _drift(draw, cows.group_pull, *group)
        self._bend(number, wanted_min, shown + cows.mood, together[:, :, company.group])

    def _wanted_min(self, draw: np.random.Generator) -> Floats:
        """Return (DRIVES, n) minutes of this day."""
        drive = self._drive
        sd = [drive["day_lie_sd"], drive["day_ruminate_sd"], drive["day_eat_sd"], drive["day_walk_sd"], 0.1]
        herd = drive["herd_day_sd"] * draw.normal(size=(len(DRIVES), 1))
        herd[_LIE] *= 0.3
        own = draw.normal(size=self._company.wanted_h.shape)
        return np.asarray(60 * self._company.wanted_h * np.exp(np.array(sd)[:, None] * own + herd))

    def _bend(self, number: int, wanted_min: Floats, restless: Floats, together: Floats) -> None:
        """Work out what stands for the day; `restless` is (TICKS, n), `together` (TICKS, 2, n)."""
        company, drive = self._company, self._drive
        on = company.influence.day(number).astype(np.float64).transpose(2, 0, 1)
        appetite = company.routine.appetite(number)[:, None]
        hunger = drive["hunger_gain"] * np.log(appetite)
        self.strength = (on[_ON_STRENGTH] * np.exp(drive["strength_gain"] * restless)).astype(np.float32)
        self.aims_min = np.zeros((TICKS, NEEDS, company.cows))
        self._usual = np.zeros((TICKS, NEEDS, company.cows))
        for at, column in ((_LIE, _ON_LIE), (_RUMINATE, _ON_RUMINATE), (_EAT, _ON_EAT), (_WALK, _ON_WALK)):
            self.aims_min[:, at] = wanted_min[at] * on[column] * (TICK_MIN / 1440)
            self._usual[:, at] = np.log(on[column])
        self.aims_min[:, _DRINK] = wanted_min[_DRINK] * (TICK_MIN / 1440)
        self.aims_min[:, _EAT] *= appetite
        # Herds are half-and-half on the whole: what they do beyond that draws.
        alone = 0.5 * self._house["synchrony"]
        self._usual[:, _EAT] += together[:, 1] - alone + hunger
        self._usual[:, _WALK] += restless
        night = company.routine.night(number)[:, None]
        self._common = together[:, 0] - alone + drive["night_lie"] * night - hunger
        self._haste = np.log(on[_ON_TRANSITIONS])

    def at(self, tick: int) -> tuple[Floats, Floats]:
        """Return (n, FREE) the weight of every state, and (2, FREE, n) how fast clocks run in it.

        The first clock is of what she does, the second of her lying or standing.
        """
        drive, company = self._drive, self._company
        most = drive["need_most"]
        pull = _within(self._cows.need_min * (1 / drive["need_min"]), most)
        pull += self._usual[tick]
        seen = np.add.reduceat(_SHOWS.take(self._cows.state, axis=1), company.group_begins, axis=1)
        seen = (seen * (self._house["synchrony"] / company.group_sizes)).take(company.group, axis=1)
        pull[_EAT] += seen[1]
        common = _within(seen[0] + self._common[tick], 2.0)
        want = _within(pull[_LIE] - 0.5 * pull[_EAT], 2.5)
        by_state = pull.take(_DRIVE_OF, axis=0)
        weight = np.exp(np.ascontiguousarray(by_state.T))
        speed = np.empty((2, FREE, company.cows))
        np.exp(_within(by_state, 2.0) * company.lingers, out=speed[0])
        haste = self._haste[tick]
        speed[1, :_LYING] = np.exp(haste - drive["lying_gain"] * want - self._house["rise_together"] * common)
        speed[1, _LYING:] = np.exp(haste + drive["standing_gain"] * (want + common))
        return weight, speed

    def miss(self, tick: int, spent_min: Floats) -> None:
        """Let what was wanted and not had, (FREE, n) minutes, be missed; what was missed long ago fades."""
        need = self._cows.need_min
        need += self.aims_min[tick]
        need[_LIE] -= spent_min[LIE]
        need[_RUMINATE] -= spent_min[STAND_RUMINATE]
        need[: _RUMINATE + 1] -= spent_min[LIE_RUMINATE]
        need[_EAT : _DRINK + 1] -= spent_min[EAT : DRINK + 1]
        need *= self._company.remembers


def lingering(gain: float) -> Floats:
    """Return (FREE, 1) what a pull towards a state does to the clock of doing it."""
    return np.where(_LINGERS, -gain, 0.0)[:, None]


def _within(values: Floats, most: float) -> Floats:
    """Bring `values` into -most..most, in place."""
    np.maximum(values, -most, out=values)
    return np.minimum(values, most, out=values)


def _drift(draw: np.random.Generator, last: Floats, sd: float, tau_min: float) -> tuple[Floats, Floats]:
    """Return (TICKS, ...) of a day and its last: Ornstein-Uhlenbeck, going on from `last`."""
    keep = np.exp(-TICK_MIN / tau_min)
    path = sd * np.sqrt(1 - keep**2) * draw.standard_normal((TICKS, *last.shape))
    for tick in range(TICKS):
        path[tick] += keep * last
        last = path[tick]
    return path, last.copy()
