"""How much a farm is told, and how the scorers are held back when there is more.

`allowed` is the limit that plan.py keeps: what comes beyond it goes to the digest. `tightening` is for the
fold of the farm: it adds to the threshold of every kind that learns, so that less comes in the first place.
Both are pure. Handed counts by event time, the same data give the same thresholds at every replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST = 2
PER_100_COWS = 2
STEP = 0.25  # of a scorer's score, for a day with twice what is allowed
MOST = 1.0
KEPT = 0.9  # of it the day after a day within the limit: half is gone in a week


def allowed(cows: int) -> float:
    """Return how many messages outside the digest a farm may get a day; urgent ones do not count."""
    return max(LEAST, PER_100_COWS * cows / 100)


def tightening(wanted_per_day: Iterable[int], cows: int) -> float:
    """Return what to add to the thresholds, 0..MOST, in units of the scorers' scores.

    wanted_per_day: how many timely events were found on each farm-day, oldest first, days without any as 0;
    found, not told: what is told never passes the limit. 60 days are enough: a day older weighs below 0.2 %.
    """
    limit, added = allowed(cows), 0.0
    for wanted in wanted_per_day:
        excess = max(0.0, wanted - limit) / limit
        added = min(MOST, added + STEP * min(excess, 2.0)) if excess else added * KEPT
    return added
