"""One day of a herd, all cows at once: pulls every TICK_MIN minutes, clocks that run out in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from simulator.plan.bouts import FREE, Bouts, Dice
from simulator.plan.imposed import free_min, impose, stretches
from simulator.plan.pulls import DRIVES, NEEDS, Pulls, lingering
from simulator.plan.routine import DAY_MS, MINUTE_MS, TICK_MIN, TICKS
from simulator.plan.states import LIE, LIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.plan.routine import Forced, Routine

    Floats = NDArray[np.float64]

_TAG_COW, _TAG_DAY = 0xC0, 0xDA
_LIES = np.array(LIES[:FREE])


class Influence(Protocol):
    """What happens to a herd, as multipliers."""

    def day(self, day: int) -> NDArray[np.float32]:
        """Return (TICKS, cows, 6)."""

    def forced(self, day: int) -> list[Forced]:
        """Return the stretches of a day without choice, by cow and time, none over another."""


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """What n cows do on a day: bouts by cow and time; the first of a cow begins with the day.

    `start_ms` (m,) since the start of the simulation, `state` (m,) places in STATES; those of cow i are
    `first[i]` to `first[i + 1]`. `strength` (TICKS, n): amplitude of motion, 1 as usual.
    """

    number: int
    start_ms: NDArray[np.int64]
    state: NDArray[np.uint8]
    first: NDArray[np.int64]
    strength: NDArray[np.float32]

    def of(self, cow: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the starts and states of one cow's bouts."""
        hers = slice(self.first[cow], self.first[cow + 1])
        return self.start_ms[hers], self.state[hers]

    def lengths_ms(self) -> NDArray[np.int64]:
        """Return (m,) how long the bouts last, cut at the end of the day."""
        ends = np.append(self.start_ms[1:], 0)
        ends[self.first[1:] - 1] = (self.number + 1) * DAY_MS
        return np.asarray(ends - self.start_ms)


@dataclass(slots=True, eq=False)
class Cows:
    """Everything a day hands to the next, of n cows."""

    state: NDArray[np.int64]  # (n,)
    left_min: Floats  # (2, n) of what she does, of her lying or standing
    need_min: Floats  # (NEEDS, n) what she has missed
    restless: Floats  # (n,)
    mood: Floats  # (n,) the same, of a whole day
    group_pull: Floats  # (2, groups): to lie, to eat

    def copy(self) -> Cows:
        """Return cows that live on by themselves."""
        return Cows(*(getattr(self, name).copy() for name in self.__slots__))


class Company:
    """What stays from day to day: `cows` cows in groups, what each is made for, and where they live."""

    def __init__(
        self, model: dict[str, Any], seed: int, cows: int, routine: Routine, influence: Influence
    ) -> None:
        self.seed, self.cows, self.routine, self.influence = seed, cows, routine, influence
        self.house: dict[str, Any] = model["housing"][routine.housing]
        self.drive: dict[str, Any] = model["drive"]
        self.bouts = Bouts(model, self.house["eat_bout_min"])
        self.group = np.arange(cows) // model["herd"]["group_cows"]
        self.group_sizes = np.bincount(self.group)
        self.group_begins = np.searchsorted(self.group, np.arange(len(self.group_sizes)))
        self.wanted_h = np.stack([self._wants(cow) for cow in range(cows)], axis=1)
        self.lingers = lingering(self.drive["doing_gain"])
        self.remembers = float(np.exp(-TICK_MIN / (60 * self.drive["need_tau_h"])))

    def _wants(self, cow: int) -> Floats:
        """Return (DRIVES,) the hours of a day that one cow is made for."""
        draw = np.random.default_rng((self.seed, _TAG_COW, cow))
        mean = np.array([self.house[f"{name}_h"] for name in DRIVES])
        sd = np.array([self.house.get(f"{name}_sd_h", 0.0) for name in DRIVES])
        return np.asarray(np.maximum(mean + sd * np.clip(draw.normal(size=len(DRIVES)), -2, 2), 0.1))

    def first_cows(self) -> Cows:
        """Return the herd at the first midnight: asleep, for all that is known."""
        draw = np.random.default_rng((self.seed, _TAG_DAY))
        return Cows(
            state=np.full(self.cows, LIE),
            left_min=np.stack([draw.uniform(0, 20, self.cows), draw.uniform(5, 90, self.cows)]),
            need_min=np.zeros((NEEDS, self.cows)),
            restless=draw.normal(size=self.cows) * self.drive["restless_sd"],
            mood=np.zeros(self.cows),
            group_pull=np.zeros((2, len(self.group_sizes))),
        )


class OneDay:
    """The work of one day; `cows` is brought to the day's end."""

    def __init__(self, company: Company, number: int, cows: Cows) -> None:
        self._company, self._number, self._cows = company, number, cows
        draw = np.random.default_rng((company.seed, _TAG_DAY, number))
        self._pulls = Pulls(company, number, cows, draw)
        self._dice = Dice(company.bouts, draw, company.cows)
        everyone = np.arange(company.cows)
        # Who begins what at which minute of the day, in the order in which it was lived.
        self._bouts = [(everyone, np.zeros(company.cows), cows.state.copy())]

    def live(self) -> Day:
        """Return the day."""
        company, number = self._company, self._number
        imposed = [
            stretches(forced, number * DAY_MS)
            for forced in (company.routine.milkings(number), company.influence.forced(number))
        ]
        choice_min = free_min(company.cows, *imposed)
        for tick in range(TICKS):
            weight, speed = self._pulls.at(tick)
            self._pulls.miss(tick, self._tick(tick, choice_min[tick], weight, speed))
        key, state = self._in_order()
        for each in imposed:
            key, state = impose(key, state, company.cows, each)
        return self._day(key, state)

    def _tick(self, tick: int, choice_min: Floats, weight: Floats, speed: Floats) -> Floats:
        """Let a tick pass; return (FREE, n) minutes spent. A round is one change of all who still have time.

        Her time is up when one of her clocks is, unless the tick ends before. What is imposed on her comes
        first, so what she has the choice of ends with the tick.
        """
        cows, n = self._cows, self._company.cows
        speed = speed.reshape(2, -1)
        spent_min = np.zeros(FREE * n)
        who, state, left_min, clocks_min = self._bouts[0][0], cows.state, choice_min, cows.left_min
        doing_min, posture_min = cows.left_min
        while True:
            place = state * n + who
            runs = speed.take(place, axis=1)
            until_min = clocks_min / runs
            step_min = np.minimum(until_min[0], until_min[1])
            over = (step_min < left_min).nonzero()[0]
            step_min = np.minimum(step_min, left_min)
            spent_min[place] += step_min
            clocks_min -= step_min * runs
            doing_min[who], posture_min[who] = clocks_min
            if not len(over):
                return spent_min.reshape(FREE, n)
            who, left_min = who.take(over), (left_min - step_min).take(over)
            turns = (until_min[1] <= until_min[0]).take(over)
            state, clocks_min = self._change(who, state.take(over) + FREE * turns, turns, weight)
            self._bouts.append((who, (tick + 1) * TICK_MIN - left_min, state))

    def _change(
        self, who: NDArray[np.int64], was: NDArray[np.int64], turns: NDArray[np.bool_], weight: Floats
    ) -> tuple[NDArray[np.int64], Floats]:
        """Give those whose clock has run out something else to do; return it, (k,), and clocks (2, k).

        `was`: rows of `Bouts.weights`. With exponential patience, chances are as the weights.
        """
        bouts, throws = self._company.bouts, self._dice.throw(len(who))
        wants = bouts.weights.take(was, axis=0) * weight.take(who, axis=0)
        state = (wants / throws.patience).argmax(axis=1)
        posture_min = np.where(_LIES.take(state), throws.down_min, throws.up_min)
        clocks_min = np.empty((2, len(who)))
        np.exp(bouts.log_median.take(state) + bouts.log_sd.take(state) * throws.length, out=clocks_min[0])
        clocks_min[1] = np.where(turns, posture_min, self._cows.left_min[1].take(who))
        self._cows.state[who] = state
        return state, clocks_min

    def _in_order(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the bouts by cow and time: cow x DAY_MS + ms since the day began, and states."""
        cow, minute, state = (np.concatenate(each) for each in zip(*self._bouts, strict=True))
        key = cow * DAY_MS + (minute * MINUTE_MS).astype(np.int64)
        order = np.argsort(key, kind="stable")
        return key[order], state[order].astype(np.uint8)

    def _day(self, key: NDArray[np.int64], state: NDArray[np.uint8]) -> Day:
        """Return the day without bouts of no length, and without changes that change nothing."""
        lasts = np.append(key[1:] != key[:-1], [True])
        key, state = key[lasts], state[lasts]
        cow = key // DAY_MS
        news = np.append([True], (state[1:] != state[:-1]) | (cow[1:] != cow[:-1]))
        first = np.searchsorted(cow[news], np.arange(self._company.cows + 1))
        start_ms = (key - cow * DAY_MS)[news] + self._number * DAY_MS
        return Day(self._number, start_ms, state[news], first, self._pulls.strength)
