"""The plan: what every cow of a herd does when, bout by bout; a day after the other, all cows at once.

A cow has two clocks. One says how long she lies or stands (log-normal; standing is a mixture of short and
long), the other how long she does what she does there. When the second runs out she does something else,
drawn from weights; when the first does, she rises or lies down. What she has missed pulls (a leaky sum of
what she wanted minus what she got), so do the others (synchrony), the time of day, her own restlessness, and
whatever `influence` says of events and weather. Pulls change every TICK_MIN minutes.

A day depends on the herd file, the seed and the days before it. Every cow is the same cow in a herd of
another size, but she has other company.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.plan.living import Company, OneDay

if TYPE_CHECKING:
    from simulator.plan.living import Day, Influence
    from simulator.plan.routine import Routine

_KEPT_DAYS = 4


class Plan:
    """The days of `cows` cows of a herd file (`load_herd`) and a seed, in any order, cheapest in theirs."""

    def __init__(
        self, model: dict[str, Any], seed: int, cows: int, routine: Routine, influence: Influence
    ) -> None:
        self.cows = cows
        self._company = Company(model, seed, cows, routine, influence)
        self._begins = [self._company.first_cows()]
        self._days: dict[int, Day] = {}

    def day(self, number: int) -> Day:
        """Return a day, counted from 0."""
        while number >= len(self._begins):
            self._live(len(self._begins) - 1)
        return self._days.get(number) or self._live(number)

    def _live(self, number: int) -> Day:
        """Live through a day whose beginning is known."""
        cows = self._begins[number].copy()
        day = OneDay(self._company, number, cows).live()
        if number + 1 == len(self._begins):
            self._begins.append(cows)
        self._days[number] = day
        if len(self._days) > _KEPT_DAYS:
            del self._days[next(iter(self._days))]
        return day
