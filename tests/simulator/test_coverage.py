"""Where the access point is in reach: five farms, one table for firmware, herd and alerts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import energy_runs
from simulator.board_commands import energy_command
from simulator.coverage import (
    COVERAGES,
    DAY_US,
    HOUR_US,
    MINUTE_US,
    QUARTER_US,
    VISIT_US,
    WEEK_US,
    Site,
    arrival_ms,
    coverage,
    farm_coverage,
    is_near,
    upload_offset_ms,
    without,
)
from simulator.herdfile import HerdError, load_herd
from tests.collar.radio_scene import RadioScene


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
    with pytest.raises(
        ValueError, match="coverage='moon' is not one of always, parlour, barn, outages, stations"
    ):
        coverage("moon", 1, 1)


# stations


def near_at(seed, days, site, quarter):
    """Return which collars of a site are let in at the middle of a quarter of an hour."""
    now_us = quarter * QUARTER_US + QUARTER_US // 2
    return {
        collar
        for collar in range(site.collars)
        if is_near(coverage("stations", seed, days, collar=collar, site=site), now_us)
    }


@given(st.integers(0, 20), st.integers(1, 12), st.integers(1, 9), st.integers(0, 95))
def test_never_more_collars_than_stations_are_let_in_at_once(seed, collars, stations, quarter):
    site = Site(collars=collars, stations=stations)
    assert len(near_at(seed, 1, site, quarter)) == min(collars, stations)


def test_every_collar_gets_its_share_of_the_quarters_and_others_in_the_next():
    shares = [near_us(coverage("stations", 4, 14, collar=collar)) / (14 * DAY_US) for collar in range(50)]
    assert sum(shares) == pytest.approx(16)
    assert all(0.25 < share < 0.39 for share in shares)
    assert near_at(4, 1, Site(), 0) != near_at(4, 1, Site(), 1)


def test_a_collar_that_the_site_has_not_got_is_refused():
    with pytest.raises(ValueError, match=r"collar=50: want 0..49"):
        coverage("stations", 1, 1, collar=50)
    with pytest.raises(ValueError, match=r"stations=0: want 1.."):
        Site(stations=0)


def test_cows_go_through_the_parlour_one_by_one_but_lose_the_network_together():
    assert coverage("parlour", 1, 7, collar=1) != coverage("parlour", 1, 7)
    assert coverage("outages", 1, 7, collar=1) == coverage("outages", 1, 7)


# when data arrive


def model(**said):
    """Return the herd file with another farm's coverage."""
    ours = load_herd()
    return ours | {"coverage": ours["coverage"] | said}


def test_data_go_with_the_first_upload_inside_coverage_and_not_before_they_are_made():
    near = [(0, 30 * MINUTE_US), (120 * MINUTE_US, 150 * MINUTE_US)]
    made_min = np.array([[0, 5, 6], [20, 21, 140]])
    arrived = arrival_ms(made_min * 60_000, near, 900, 5 * 60_000)
    assert (arrived // 60_000).tolist() == [[5, 5, 20], [20, 125, 140]]
    assert arrival_ms(np.array([141 * 60_000]), near, 900, 5 * 60_000).tolist() == [-1]


@given(st.sampled_from(COVERAGES), st.integers(0, 899_999), st.integers(60, 7200))
def test_data_arrive_within_the_intervals_on_the_collars_own_beat(name, offset_ms, upload_s):
    near = coverage(name, 3, 4)
    made_ms = np.arange(0, 4 * 86_400_000, 3_333_333)
    arrived = arrival_ms(made_ms, near, upload_s, offset_ms)
    there = arrived >= 0
    assert (arrived[there] >= made_ms[there]).all()
    assert ((arrived[there] - offset_ms) % (upload_s * 1000) == 0).all()
    assert all(is_near(near, at_ms * 1000) for at_ms in arrived[there][::7].tolist())


def test_nothing_arrives_where_the_network_never_is():
    assert arrival_ms(np.array([0, 5]), [], 900).tolist() == [-1, -1]
    with pytest.raises(ValueError, match="upload_s=0"):
        arrival_ms(np.array([0]), [], 0)


def test_a_power_cut_takes_the_network_away_for_its_time():
    assert without([(0, 10), (20, 30)], [(5, 22), (25, 26)]) == [(0, 5), (22, 25), (26, 30)]
    assert without([(0, 10)], []) == [(0, 10)]


def test_a_farm_says_in_its_herd_file_how_it_is_covered():
    full = model(profile="stations", stations=2)
    at_once = [farm_coverage(full, 7, 3, 2, cow) for cow in range(3)]
    assert sum(near_us(each) for each in at_once) == 2 * 2 * DAY_US
    longer = farm_coverage(model(profile="parlour", visit_min=20.0), 7, 3, 1, 0)
    assert {to_us - from_us for from_us, to_us in longer} == {20 * MINUTE_US}
    cut = farm_coverage(model(), 7, 3, 1, 0, gone=[(HOUR_US, 2 * HOUR_US)])
    assert near_us(cut) == 23 * HOUR_US
    with pytest.raises(HerdError, match="coverage: collar=3"):
        farm_coverage(full, 7, 3, 2, 3)


def test_collars_of_a_herd_upload_at_their_own_moments_of_the_period():
    offsets_ms = {upload_offset_ms(load_herd(), cow) for cow in range(50)}
    assert len(offsets_ms) > 40
    assert all(0 <= each < 900_000 for each in offsets_ms)


# one table


@pytest.mark.parametrize("name", COVERAGES)
def test_every_profile_is_known_to_energy_runs_the_radio_bench_and_the_farm(name):
    assert name in energy_runs.DAYS
    assert name in energy_runs.FIRST_DAYS
    choice = next(each for each in energy_command.params if each.name == "coverage")
    assert name in choice.type.choices
    scene = RadioScene(coverage=coverage(name, 1, 2))
    scene.live(1)
    assert scene.contacts_us
    near = farm_coverage(model(profile=name), 1, 50, 7, 7)
    assert arrival_ms(np.array([0]), near, 900, upload_offset_ms(load_herd(), 7))[0] >= 0


def test_the_herd_file_offers_the_profiles_that_there_are(tmp_path):
    for name in COVERAGES:
        path = tmp_path / f"{name}.toml"
        path.write_text(f'[coverage]\nprofile = "{name}"\n')
        assert load_herd(path)["coverage"]["profile"] == name
    (tmp_path / "moon.toml").write_text('[coverage]\nprofile = "moon"\n')
    with pytest.raises(HerdError, match=f"want one of {', '.join(COVERAGES)}"):
        load_herd(tmp_path / "moon.toml")
