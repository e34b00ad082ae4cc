"""Off feed: who is told of, when, and who is not."""

import numpy as np
import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import off_feed

from . import scene

ILL = {"ruminate_min": 11, "eat_min": 6, "motion_8th_mg": 50 * 8}
WEAK = {"ruminate_min": 15, "eat_min": 10, "motion_8th_mg": 57 * 8}
HEALTHY_D = 7


def told(after, said=None):
    return scene.through(off_feed, scene.days(HEALTHY_D) + after, said)


def falls(findings):
    return [each for each in findings if isinstance(each, Found)]


def test_a_cow_as_she_always_is_is_not_told_of():
    assert not told(scene.days(5))


def test_a_cow_that_chews_and_eats_by_half_is_told_of_within_a_day():
    (found,) = falls(told(scene.days(1, **ILL)))
    assert 8 <= scene.hours_after(found.at_ms) - HEALTHY_D * 24 <= 22
    assert HEALTHY_D * 24 <= scene.hours_after(found.onset_ms) < scene.hours_after(found.at_ms)


def test_the_farmer_reads_how_much_less_and_against_how_many_days():
    (found,) = falls(told(scene.days(1, **ILL)))
    evidence = found.evidence
    assert evidence["stage"] == "fall"
    assert 15 <= evidence["chew_less_percent"] <= 45
    assert evidence["health_index"] < 90
    assert (evidence["days_compared"], evidence["mates"]) == (7, 0)
    name, score, bound = evidence["trace"][0]
    assert (name, bound) == ("score", pytest.approx(off_feed.THRESHOLD, abs=0.05))
    assert score >= bound


def test_less_than_that_for_days_is_told_as_slow():
    (found,) = falls(told(scene.days(6, **WEAK)))
    assert found.evidence["stage"] == "slow"


def test_less_than_that_for_a_day_is_not():
    assert not told(scene.days(1, **WEAK) + scene.days(4))


def test_a_cow_in_heat_chews_less_but_moves_more_and_is_not_told_of():
    restless = {"ruminate_min": 12, "motion_8th_mg": 110 * 8}
    assert not told(scene.some(10, **restless) + scene.days(2))


def test_chewing_alone_that_is_not_seen_is_not_hunger():
    assert not told(scene.days(1, ruminate_min=0) + scene.days(1))


def test_when_the_whole_herd_chews_less_no_cow_is_ill():
    herd = scene.days(HEALTHY_D, 8) + scene.days(2, 8, **ILL)
    assert not scene.through(off_feed, herd)


def test_it_is_over_when_she_is_herself_again():
    findings = told(scene.days(1, **ILL) + scene.days(3))
    found, over = findings
    assert isinstance(over, Over)
    assert over.onset_ms == found.onset_ms


def test_no_chewing_and_no_eating_at_all_is_urgent():
    none = {"ruminate_min": 0, "eat_min": 0, "rest_min": 56}
    first, *rest = falls(told(scene.some(16, **none)))
    acute = [each for each in (first, *rest) if each.evidence["stage"] == "acute"]
    assert len(acute) == 1
    assert acute[0].evidence["tier"] == "urgent"
    assert acute[0].evidence["chewed_min"] < 10
    assert acute[0].onset_ms == first.onset_ms


def test_what_goes_further_is_an_update_of_what_was_told():
    none = {"ruminate_min": 0, "eat_min": 0}
    found, acute = falls(told(scene.days(1, **ILL) + scene.some(12, **none)))
    assert (found.is_update, acute.is_update) == (False, True)


def test_at_an_hour_when_she_never_eats_nothing_is_acute():
    night, day = scene.some(12, eat_min=0), scene.some(12)
    findings = scene.through(off_feed, (night + day) * 10 + scene.some(9, eat_min=0, ruminate_min=0))
    assert all(each.evidence["stage"] != "acute" for each in falls(findings))


def test_missing_data_are_not_hunger():
    assert not told(scene.days(1, covered_min=7, **ILL))


def test_a_collar_on_the_ground_is_not_hunger():
    lost = {"ruminate_min": 0, "eat_min": 0, "motion_8th_mg": 8 * 3}
    assert not told(scene.days(2, **lost))


@pytest.mark.parametrize(
    "event", [scene.life(0, "due", 10, noted=0), scene.life(0, "calved", 6.8), scene.life(0, "sold", 6)]
)
def test_around_calving_and_once_sold_it_is_silent(event):
    assert not told(scene.some(30, **ILL), scene.facts(events=[event]))


def test_a_new_animal_without_days_of_her_own_is_not_told_of():
    assert not scene.through(off_feed, scene.days(3, **ILL))


def test_what_a_farmer_taught_moves_the_threshold():
    strict = scene.facts(offsets={"off_feed": np.array([30.0])})
    assert not told(scene.some(20, **ILL), strict)


def test_the_health_index_is_that_of_the_published_formula():
    assert off_feed.health_index({"chew": 40, "eat": 30, "move": 20}) == 76
    assert off_feed.health_index({"chew": 5, "eat": -20, "move": 10}) == 100
