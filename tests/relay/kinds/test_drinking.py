"""A group that is hardly seen at the water."""

import numpy as np

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import drinking
from tests.relay.kinds import scene

COWS = 6
WEEK = scene.days(8, COWS, other_min=1)


def test_a_dry_trough_is_told_within_a_day_as_one_event_of_the_farm():
    (found,) = scene.through(drinking, WEEK + scene.days(2, COWS, other_min=0))
    assert isinstance(found, Found)
    assert found.animal is None
    assert scene.hours_after(found.at_ms) <= 9 * 24
    assert found.evidence["water_less_percent"] >= 50
    assert (found.evidence["cows"], found.evidence["one_of_them"]) == (COWS, 0)


def test_it_is_over_when_they_drink_again():
    found, over = scene.through(
        drinking, WEEK + scene.days(1, COWS, other_min=0) + scene.days(3, COWS, other_min=1)
    )
    assert isinstance(over, Over)
    assert over.onset_ms == found.onset_ms


def test_one_cow_that_does_not_drink_is_not_told():
    one = np.where(np.arange(COWS) == 2, 0, 1)
    assert scene.through(drinking, WEEK + scene.days(2, COWS, other_min=one)) == []


def test_hours_without_data_are_not_taken_for_hours_without_water():
    silent = scene.days(2, COWS, other_min=0, covered_min=0)
    assert scene.through(drinking, WEEK + silent + scene.days(1, COWS, other_min=1)) == []


def test_where_hardly_any_drinking_is_ever_seen_nothing_is_told():
    rare = [scene.hour(COWS, other_min=int(at % 24 == 9)) for at in range(8 * 24)]
    assert scene.through(drinking, rare + scene.days(2, COWS, other_min=0)) == []


def test_before_there_is_a_week_nothing_is_told():
    assert scene.through(drinking, scene.days(5, COWS, other_min=1) + scene.days(1, COWS, other_min=0)) == []
