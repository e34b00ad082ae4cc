"""How long a cow does a thing and what follows: the dice of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.plan.states import DRINK, EAT, LIE, LIE_RUMINATE, LIES, STAND, STAND_RUMINATE, STATES, WALK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FREE = 7  # states that a cow chooses: LIE to DRINK
_BLOCK = 4096  # throws are made so many at a time, or four a cow


class Throws(NamedTuple):
    """What chance says of k changes."""

    patience: Floats  # (k, FREE) exponential: the state with the greatest weight by patience comes next
    length: Floats  # (k,) standard normal
    down_min: Floats  # (k,) how long she lies, should she lie down
    up_min: Floats  # (k,) how long she stands, should she rise


class Bouts:
    """What the herd file says of bouts; `weights` (2 x FREE, FREE) by what was and what comes next.

    The second half of its rows is of those who rise from a state, or lie down.
    """

    def __init__(self, model: dict[str, Any], eat_bout_min: float) -> None:
        free = STATES[:FREE]
        bouts = model["bout"] | {"eat": {"median_min": eat_bout_min, "log_sd": model["bout"]["eat_log_sd"]}}
        self.log_median = np.log([bouts[name]["median_min"] for name in free])
        self.log_sd = np.array([bouts[name]["log_sd"] for name in free])
        after = np.zeros((FREE, FREE))
        lying, standing = [LIE, LIE_RUMINATE], [STAND, STAND_RUMINATE, EAT, WALK, DRINK]
        for state, name in enumerate(free):
            after[state, lying if LIES[state] else standing] = model["next"][name]
        # Who has just got up goes on as if from a walk, who has lain down as if from chewing.
        turned = [after[WALK if LIES[state] else LIE_RUMINATE] for state in range(FREE)]
        self.weights = np.vstack([after, turned])
        posture = model["posture"]
        self._lying = float(np.log(posture["lying_median_min"])), posture["lying_log_sd"]
        self._short = float(np.log(posture["short_stand_median_min"])), posture["short_stand_log_sd"]
        self._long = float(np.log(posture["long_stand_median_min"])), posture["long_stand_log_sd"]
        self._short_share = posture["short_stand_share"]

    def throws(self, draw: np.random.Generator, count: int) -> Throws:
        """Return what chance says of the next `count` changes."""
        patience = draw.standard_exponential((count, FREE))
        length, posture = draw.standard_normal((2, count))
        short = draw.random(count) < self._short_share
        mean, sd = (
            np.where(short, brief, extended) for brief, extended in zip(self._short, self._long, strict=True)
        )
        down_min = np.exp(self._lying[0] + self._lying[1] * posture)
        return Throws(patience, length, down_min, np.exp(mean + sd * posture))


class Dice:
    """Throws of one generator, made in blocks and handed out in their order."""

    def __init__(self, bouts: Bouts, draw: np.random.Generator, cows: int) -> None:
        self._bouts, self._draw, self._size = bouts, draw, max(_BLOCK, 4 * cows)
        self._block, self._used = bouts.throws(draw, self._size), 0

    def throw(self, count: int) -> Throws:
        """Return the next `count` throws, at most one a cow."""
        if self._used + count > self._size:
            self._block, self._used = self._bouts.throws(self._draw, self._size), 0
        here = slice(self._used, self._used + count)
        self._used = here.stop
        patience, length, down_min, up_min = self._block
        return Throws(patience[here], length[here], down_min[here], up_min[here])
