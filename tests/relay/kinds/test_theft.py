"""The experimental alert for a cow that walks out of reach. Source: domain.md 2.2."""

import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import theft
from tests.relay.kinds.scene import hour, hours_after, peeked, some, through

COWS = 10
NIGHT = some(8, COWS, walk_min=0, eat_min=0, other_min=0)


def leaves(quarters=2, *, mates=15, mates_walk=0, **hers):
    """An hour of which cow 0 is heard for so many quarters, walking."""
    made = hour(COWS, covered_min=mates, walk_min=mates_walk, eat_min=0, other_min=0)
    for name, value in ({"walk_min": 20, "motion_8th_mg": 8 * 200} | hers).items():
        made[name][0] = value
    made["covered_min"][0] = [15] * quarters + [0] * (4 - quarters)
    return made


def test_a_walk_and_then_silence_is_told_and_that_she_is_heard_again():
    found, over = through(theft, [*NIGHT, leaves(), *NIGHT])
    assert isinstance(found, Found)
    assert found.animal == 0
    assert hours_after(found.onset_ms) == pytest.approx(8.5)
    assert hours_after(found.at_ms) == 9
    assert found.evidence["walking_min"] == 20
    assert isinstance(over, Over)


def test_the_open_hour_says_the_same():
    assert peeked(theft, [*NIGHT, leaves()]) == through(theft, [*NIGHT, leaves()])


def test_silence_goes_on_over_the_full_hour():
    (found,) = through(theft, [*NIGHT, leaves(3), leaves(0, walk_min=0)])
    assert hours_after(found.onset_ms) == pytest.approx(8.75)


@pytest.mark.parametrize(
    "hour_of",
    [
        pytest.param(leaves(3), id="a quarter of an hour"),
        pytest.param(leaves(walk_min=3), id="no walk"),
        pytest.param(leaves(motion_8th_mg=8 * 40), id="lay down before"),
        pytest.param(leaves(mates=0), id="nobody is heard"),
        pytest.param(leaves(mates_walk=12), id="the herd walks too"),
    ],
)
def test_less_is_none(hour_of):
    assert through(theft, [*NIGHT, hour_of]) == []


def test_it_is_off_until_a_farms_gaps_are_known():
    assert theft.KIND.is_experimental
