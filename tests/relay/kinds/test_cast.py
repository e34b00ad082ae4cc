"""The experimental alert for a cow on her side. Source: domain.md 2.2."""

import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import cast
from tests.relay.kinds.poses import gravity
from tests.relay.kinds.scene import hour, hours_after, peeked, some, through

WORN = some(24, gravity_16mg=gravity(0, 15))
DOES_NOTHING = {"eat_min": 0, "ruminate_min": 0, "walk_min": 0, "rest_min": 60}


def side(*degrees, **fields):
    return hour(gravity_16mg=gravity(*degrees), **DOES_NOTHING | fields)


def test_half_an_hour_on_her_side_is_told_and_that_she_is_up_again():
    found, over = through(
        cast, [*WORN, side(0, 80, 80, 80, ruminate_min=15), *some(2, gravity_16mg=gravity(0))]
    )
    assert isinstance(found, Found)
    assert hours_after(found.onset_ms) == pytest.approx(24.25)
    assert hours_after(found.at_ms) == pytest.approx(24.75)
    assert found.evidence["lateral_min"] == 30
    assert isinstance(over, Over)


def test_the_open_hour_says_the_same():
    told = [*WORN, side(0, 80, 80, 80, ruminate_min=15)]
    assert peeked(cast, told) == through(cast, told)


def test_it_goes_on_over_the_full_hour():
    (found,) = through(cast, [*WORN, side(0, 0, 0, 80), side(80)])
    assert hours_after(found.onset_ms) == pytest.approx(24.75)


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param([side(0, 0, 80, 0)], id="a quarter of an hour"),
        pytest.param([side(45)], id="lies as cows lie"),
        pytest.param([side(80, eat_min=40)], id="a turned collar on a cow that eats"),
        pytest.param([side(80, still_min=60)], id="a collar on the ground"),
        pytest.param([side(0, covered_min=0)], id="nothing known"),
    ],
)
def test_less_is_none(hours):
    assert through(cast, [*WORN, *hours]) == []


def test_it_is_off_until_there_are_recordings():
    assert cast.KIND.is_experimental
