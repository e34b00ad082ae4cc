"""What the neck collar of a vendor would count: activity by blocks of hours, for rules that others published.

A model of somebody else's counter ([vendor] of the herd file): every state counts so much a minute, more when
motion is stronger. It is made to spread as real counts do (bovheat-scr), and no scorer of ours reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.plan.routine import DAY_MS, HOUR_MS, MINUTE_MS, TICKS
from simulator.plan.states import STATES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.plan.living import Day

_TAG_COW, _TAG_DAY = 0x4EC, 0x4ED


class Vendor:
    """Counts of `cows` cows in blocks of `block_h` hours, a part of 24. Raises ValueError."""

    def __init__(self, model: dict[str, Any], seed: int, cows: int, block_h: int = 2) -> None:
        if block_h < 1 or 24 % block_h:
            raise ValueError(f"block_h={block_h}: want a part of 24")
        vendor = model["vendor"]
        self._counts = np.array([vendor[name] for name in STATES])
        self._power, self._block_sd = vendor["strength_power"], vendor["block_log_sd"]
        self._seed, self._block_ms = seed, block_h * HOUR_MS
        of_cow = [np.random.default_rng((seed, _TAG_COW, cow)).normal() for cow in range(cows)]
        self._cow = np.exp(vendor["cow_log_sd"] * np.array(of_cow))[:, None]

    def day(self, plan: Day) -> NDArray[np.float64]:
        """Return (cows, blocks) counts of a day."""
        cows, blocks = len(plan.first) - 1, DAY_MS // self._block_ms
        cow = np.repeat(np.arange(cows), np.diff(plan.first))
        begin = plan.start_ms - plan.number * DAY_MS
        end = begin + plan.lengths_ms()
        counts = np.zeros((cows, blocks))
        for block in range(blocks):
            low_ms, high_ms = block * self._block_ms, (block + 1) * self._block_ms
            inside_min = np.clip(np.minimum(end, high_ms) - np.maximum(begin, low_ms), 0, None) / MINUTE_MS
            counts[:, block] = np.bincount(cow, inside_min * self._counts[plan.state], minlength=cows)
        strength = plan.strength.reshape(blocks, TICKS // blocks, cows).mean(axis=1).T
        chance = np.random.default_rng((self._seed, _TAG_DAY, plan.number)).normal(size=counts.shape)
        return np.asarray(self._cow * counts * strength**self._power * np.exp(self._block_sd * chance))
