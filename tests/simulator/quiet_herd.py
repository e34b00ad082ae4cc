"""A plan to which nothing happens, for tests of the plan alone."""

import numpy as np

from simulator.herdfile import load_herd
from simulator.plan.ethogram import Plan
from simulator.plan.routine import TICKS, Routine


class Nothing:
    """No events, no weather; `on` may hold multipliers (6,) for cows, `stretches` what is imposed."""

    def __init__(self, cows, on=None, stretches=()):
        self._on = np.ones((TICKS, cows, 6), np.float32)
        for cow, column, factor in on or ():
            self._on[:, cow, column] = factor
        self._stretches = stretches

    def day(self, _day):
        return self._on

    def forced(self, day):
        return [each for each in self._stretches if each.from_ms // 86_400_000 == day]


def model(**housing):
    """Return the herd file with a few values of another kind."""
    ours = load_herd()
    return ours | {"herd": ours["herd"] | housing}


def plan(cows, seed=1, influence=None, **housing):
    """Return a plan of cows in a freestall, or as said."""
    numbers = model(**housing)
    routine = Routine(numbers, seed, cows, lambda _day: (6.5, 17.8))
    return Plan(numbers, seed, cows, routine, influence or Nothing(cows))
