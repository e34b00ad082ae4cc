"""Where the access point is in reach: four farms, one table."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.coverage import (
    COVERAGES,
    DAY_US,
    HOUR_US,
    MINUTE_US,
    VISIT_US,
    WEEK_US,
    coverage,
    is_near,
)


def near_us(intervals):
    """Return how long the network is near."""
    return sum(to_us - from_us for from_us, to_us in intervals)


@given(st.sampled_from(COVERAGES), st.integers(0, 99), st.integers(1, 30))
def test_the_times_are_in_order_apart_and_within_the_run(name, seed, days):
    edges = [edge for interval in coverage(name, seed, days) for edge in interval]
    assert edges == sorted(set(edges))
    assert edges[0] >= 0
    assert edges[-1] <= days * DAY_US


@pytest.mark.parametrize("name", COVERAGES)
def test_one_seed_is_one_list_however_long_the_run(name):
    month = coverage(name, 5, 30)
    assert coverage(name, 5, 30) == month
    week = coverage(name, 5, 7)
    assert week == [(f, min(t, WEEK_US)) for f, t in month if f < WEEK_US]


def test_another_farm_milks_at_other_minutes():
    assert coverage("parlour", 1, 7) != coverage("parlour", 2, 7)


def test_a_cow_visits_the_parlour_twice_a_day_for_twelve_minutes():
    visits = coverage("parlour", 1, 30)
    assert len(visits) == 60
    assert {to_us - from_us for from_us, to_us in visits} == {VISIT_US}
    starts_us = [from_us % DAY_US for from_us, _ in visits]
    for usual_us, of_day in ((5 * HOUR_US, starts_us[::2]), (16.5 * HOUR_US, starts_us[1::2])):
        assert all(abs(start_us - usual_us) <= 15 * MINUTE_US for start_us in of_day)
        assert len(set(of_day)) > 25


def test_the_barn_is_ten_hours_of_every_night():
    nights = coverage("barn", 1, 7)
    assert near_us(nights) == 7 * 10 * HOUR_US
    assert is_near(nights, 4 * HOUR_US)
    assert not is_near(nights, 5 * HOUR_US)
    assert is_near(nights, 19 * HOUR_US)


@given(st.integers(0, 99))
def test_an_outage_takes_three_whole_days_of_every_week(seed):
    intervals = coverage("outages", seed, 14)
    for week_us in (0, WEEK_US):
        inside = [(max(f, week_us), min(t, week_us + WEEK_US)) for f, t in intervals]
        assert near_us([(f, t) for f, t in inside if f < t]) == 4 * DAY_US
    gaps_us = [later[0] - sooner[1] for sooner, later in pairwise(intervals)]
    assert gaps_us[-1] >= 3 * DAY_US


def test_a_coverage_nobody_knows_is_named():
    with pytest.raises(ValueError, match="coverage='moon' is not one of always, parlour, barn, outages"):
        coverage("moon", 1, 1)
