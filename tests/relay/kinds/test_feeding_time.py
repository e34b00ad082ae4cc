"""A group that takes less feed, or chews less of it, than it did all week."""

import numpy as np
import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import feeding_time
from tests.relay.kinds import scene

COWS = 6
WEEK = scene.days(8, COWS)


def _first(findings):
    return next(each for each in findings if isinstance(each, Found))


@pytest.mark.parametrize(("field", "usual", "now"), [("eat_min", 12, 9), ("ruminate_min", 20, 17)])
def test_a_group_that_takes_less_for_a_day_is_told_once_as_one_event_of_the_farm(field, usual, now):
    findings = scene.through(feeding_time, WEEK + scene.days(2, COWS, **{field: now}))
    found = _first(findings)
    assert sum(isinstance(each, Found) for each in findings) == 1
    assert found.animal is None
    assert found.evidence[f"{field.removesuffix('_min')}_less_percent"] >= 11
    assert found.evidence["cows"] == COWS
    assert 8 * 24 < scene.hours_after(found.onset_ms) < scene.hours_after(found.at_ms) <= 9 * 24 + 6


def test_it_is_over_when_she_eats_as_she_did_all_week():
    findings = scene.through(feeding_time, WEEK + scene.days(1, COWS, eat_min=9) + scene.days(3, COWS))
    found, over = findings
    assert isinstance(over, Over)
    assert over.onset_ms == found.onset_ms


def test_feed_that_comes_an_hour_late_is_not_told():
    fed = [scene.hour(COWS, eat_min=60 if at % 24 == 8 else 5) for at in range(8 * 24)]
    late = [scene.hour(COWS, eat_min=60 if at % 24 == 9 else 5) for at in range(2 * 24)]
    assert scene.through(feeding_time, fed + late) == []


def test_a_few_cows_that_eat_less_are_no_matter_of_the_group():
    some = scene.days(2, COWS, eat_min=np.array([4, 4, 12, 12, 12, 12]))
    assert scene.through(feeding_time, WEEK + some) == []


def test_hours_without_data_are_not_taken_for_hours_without_feed():
    gone = scene.days(2, COWS, covered_min=0, eat_min=0, ruminate_min=0)
    assert scene.through(feeding_time, WEEK + gone + scene.days(1, COWS)) == []


def test_one_group_that_is_fed_badly_is_told_though_the_other_is_not():
    said = scene.facts(12, group=[0] * 6 + [1] * 6)
    bad = scene.days(2, 12, eat_min=np.array([12] * 6 + [8] * 6))
    found = _first(scene.through(feeding_time, scene.days(8, 12) + bad, said))
    assert found.evidence["cows"] == 6
    assert found.evidence["one_of_them"] == 6


def test_a_group_of_four_says_nothing():
    assert scene.through(feeding_time, scene.days(8, 4) + scene.days(2, 4, eat_min=6)) == []
