"""The note that a collar is off, and how far it is told from a dead cow. Source: domain.md 2.2."""

import numpy as np

from relay.scoring.findings import Found, Over
from relay.scoring.hours import NO_TEMPERATURE
from relay.scoring.kinds import collar_off
from tests.relay.kinds.poses import gravity
from tests.relay.kinds.scene import facts, hour, hours_after, life, some, through

WORN = some(24, gravity_16mg=gravity(0, 20))
STILL = {"still_min": 60, "motion_8th_mg": 24, "eat_min": 0, "ruminate_min": 0, "walk_min": 0, "rest_min": 60}
GROUND = STILL | {"gravity_16mg": gravity(80)}


def of(*parts, said=None):
    return through(collar_off, [*WORN, *(each for part in parts for each in part)], said)


def test_a_collar_on_the_ground_is_told_once_and_when_it_is_on_again():
    found, over = of(some(30, **GROUND), some(2))
    assert isinstance(found, Found)
    assert hours_after(found.onset_ms) == 24
    assert hours_after(found.at_ms) == 26
    assert found.evidence["still_min"] == 120
    assert found.evidence["moved_deg"] > 60
    assert isinstance(over, Over)
    assert over.onset_ms == found.onset_ms


def test_a_dead_cow_keeps_the_pose_she_died_in_and_is_not_told_here():
    assert of(some(30, **STILL | {"gravity_16mg": gravity(20)})) == []


def test_still_minutes_of_the_hour_in_which_it_came_off_count():
    late = hour(still_min=40, gravity_16mg=gravity(0, 80, 80, 80))
    (found,) = of([late], some(2, **GROUND))
    assert round(60 * (hours_after(found.onset_ms) - 24)) == 20
    assert hours_after(found.at_ms) == 26


def test_a_cow_that_lies_quietly_moves_it():
    assert of(some(12, still_min=20, gravity_16mg=gravity(80))) == []


def test_a_collar_that_grows_colder_than_the_others_is_told_in_any_pose():
    cows = 8
    worn = some(24, cows, gravity_16mg=gravity(0), temperature_c=25)
    cold = hour(cows, gravity_16mg=gravity(0), temperature_c=np.array([12, *[25] * 7]))
    for name, value in STILL.items():
        cold[name][0] = value
    (found,) = through(collar_off, [*worn, cold, cold])
    assert found.animal == 0
    assert found.evidence["temperature_c"] == 12


def test_a_cold_night_for_all_is_no_sign():
    cows = 8
    cold = hour(cows, gravity_16mg=gravity(0), temperature_c=2)
    cold["still_min"][0] = 60
    assert through(collar_off, [*some(24, cows, gravity_16mg=gravity(0)), cold, cold]) == []


def test_without_a_temperature_there_is_none_in_the_evidence():
    (found,) = of(some(2, **GROUND, temperature_c=NO_TEMPERATURE))
    assert "temperature_c" not in found.evidence


def test_missing_data_are_not_stillness():
    assert of(some(30, covered_min=0, still_min=0, gravity_16mg=0)) == []


def test_a_gap_while_it_lies_there_changes_nothing():
    gap = some(3, covered_min=0, still_min=0, gravity_16mg=0)
    assert len(of(some(1, **GROUND), gap, some(9, **GROUND))) == 1


def test_a_collar_that_was_never_worn_is_not_told():
    assert through(collar_off, some(30, **GROUND)) == []


def test_the_collar_of_a_cow_that_was_sold_is_not_told():
    assert of(some(30, **GROUND), said=facts(1, [life(0, "sold", 0.5)])) == []
