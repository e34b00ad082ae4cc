"""What batteries of the virtual herd say of themselves."""

from functools import cache

import numpy as np

from simulator.battery import FULL_DAYS, HEALTH_EVERY_H, NOT_KNOWN, days_left
from simulator.lives.happening import Happening
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.virtual_herd import VirtualHerd

FLAT_DAY, CHARGED_DAY, DAYS = 30, 33, 60
COWS = 2


@cache
def herd():
    flat = Happening("battery", FLAT_DAY * DAY_MS, CHARGED_DAY * DAY_MS)
    return VirtualHerd(seed=4, cows=COWS, days=DAYS, eventful=False, scripted={1: [flat]})


def told(cow, first_day, last_day):
    """Day and days left of what is told from one day to another."""
    hours = range(first_day * 24, last_day * 24)
    said = [(hour * HOUR_MS / DAY_MS, days_left(herd(), cow, hour)) for hour in hours]
    return [(day, left) for day, left in said if left != NOT_KNOWN]


def test_they_fall_to_nothing_at_the_moment_it_runs_flat():
    day, left = np.array(told(1, 5, FLAT_DAY)).T
    assert np.abs(left - (FLAT_DAY - day)).max() < 8
    assert np.corrcoef(day, left)[0, 1] < -0.95
    assert left[-1] == 0


def test_a_flat_battery_says_nothing_and_a_charged_one_is_full():
    assert told(1, FLAT_DAY, CHARGED_DAY + 2) == []
    assert min(left for _, left in told(1, CHARGED_DAY + 2, DAYS)) > FULL_DAYS / 2


def test_those_of_other_cows_are_far_from_it():
    assert min(left for _, left in told(0, 2, DAYS)) > FULL_DAYS / 2


def test_a_health_frame_comes_every_six_hours():
    assert len(told(0, 10, 20)) == 10 * 24 // HEALTH_EVERY_H


def test_it_is_the_same_whenever_it_is_asked():
    assert told(1, 10, 12) == told(1, 10, 12)
