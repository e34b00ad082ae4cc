"""What a collar's battery says of itself, hour by hour: the forecast of a health frame.

A pure addition to the truth: it follows the batteries that run flat (`battery` happenings) and draws from a
stream of its own, so nothing else of the herd changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.plan.routine import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from simulator.virtual_herd import VirtualHerd

NOT_KNOWN = 0xFFFF
HEALTH_EVERY_H = 6  # as the firmware sends them
FULL_DAYS = 300
_LEARNS_DAYS = 2  # the firmware's line needs two days
_NOISE = 0.08  # log sd: the line goes through eight coarse readings
_TAG = 0xBA7


def days_left(herd: VirtualHerd, cow: int, hour: int) -> int:
    """Return the days left that the health frame of an hour (since the start) tells; NOT_KNOWN without one.

    They fall to 0 at the onset of `battery`; while it is flat nothing is said, then the battery is full. One
    that does not run flat within the herd's days stays far from it.
    """
    if hour % HEALTH_EVERY_H != cow % HEALTH_EVERY_H:
        return NOT_KNOWN
    at_ms = hour * HOUR_MS
    charged_ms, flat_ms = 0, None
    for each in herd.histories[cow].happenings:
        if each.kind != "battery":
            continue
        if each.onset_ms <= at_ms < each.end_ms:
            return NOT_KNOWN
        if each.onset_ms > at_ms:
            flat_ms = each.onset_ms
            break
        charged_ms = each.end_ms
    if at_ms - charged_ms < _LEARNS_DAYS * DAY_MS:
        return NOT_KNOWN
    true_days = FULL_DAYS if flat_ms is None else min((flat_ms - at_ms) / DAY_MS, FULL_DAYS)
    noise = np.random.default_rng((herd.seed, _TAG, cow, hour)).standard_normal()
    return int(true_days * np.exp(_NOISE * noise))
