"""The note that a sensor cannot be trusted. Bounds: domain.md 2.2 and 6.6."""

import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import sensor_fault
from tests.relay.kinds.poses import gravity
from tests.relay.kinds.scene import facts, hour, hours_after, life, some, through


def alive(count, norm_mg=1000):
    """Hours of a collar that moves on all axes."""
    return [
        hour(gravity_16mg=gravity(at % 7, 20, 9, 11 + at % 5, norm_mg=norm_mg) + at % 3)
        for at in range(count)
    ]


def of(*parts, said=None):
    return through(sensor_fault, [each for part in parts for each in part], said)


@pytest.mark.parametrize("norm_mg", [820, 1200, 1900])
def test_a_wrong_scale_is_told_after_a_day(norm_mg):
    (found,) = of(alive(48), alive(48, norm_mg))
    assert isinstance(found, Found)
    assert hours_after(found.at_ms) == 48 + sensor_fault.LASTS_H
    assert found.evidence["gravity_g"] == pytest.approx(norm_mg / 1000, abs=0.05)


@pytest.mark.parametrize("norm_mg", [900, 1000, 1120])
def test_what_real_collars_read_is_well(norm_mg):
    assert of(alive(96, norm_mg)) == []


def test_a_stuck_axis_is_told():
    stuck = alive(40)
    for each in stuck:
        each["gravity_16mg"][..., 1] = 30
    (found,) = of(alive(24), stuck)
    assert found.evidence["stuck_axis"] == "y"
    assert hours_after(found.at_ms) == 24 + 1 + sensor_fault.LASTS_H


def test_a_collar_that_lies_still_has_no_stuck_axis():
    assert of(alive(24), some(72, gravity_16mg=gravity(40), still_min=60)) == []


def test_faults_that_the_collar_counts_are_told_at_once_and_are_over_after_a_day_without():
    found, over = of(alive(24), some(1, sensor_faults=3), alive(30))
    assert found.evidence["faults"] == 3
    assert hours_after(found.at_ms) == 25
    assert isinstance(over, Over)
    assert hours_after(over.at_ms) == 25 + sensor_fault.LASTS_H


def test_missing_data_and_sold_cows_say_nothing():
    assert of(alive(24), some(72, covered_min=0, gravity_16mg=0)) == []
    assert of(alive(24), alive(72, 1900), said=facts(1, [life(0, "sold", 0.5)])) == []
