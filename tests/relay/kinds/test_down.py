"""The alert for a cow that is down. Rule: domain.md 2.2, bouts: 6.2."""

import pytest

from relay.scoring import herd, hours
from relay.scoring.findings import Found, Over
from relay.scoring.kinds import down
from tests.relay.kinds.poses import gravity
from tests.relay.kinds.scene import FIRST, days, facts, hour, hours_after, life, some, through

UPRIGHT = {"gravity_16mg": gravity(0)}
LIES = {"gravity_16mg": gravity(15), "eat_min": 0, "walk_min": 0, "ruminate_min": 0, "rest_min": 60}
WELL = days(7, **UPRIGHT)


def of(*parts):
    return through(down, [*WELL, *(each for part in parts for each in part)])


def test_a_cow_that_lies_for_six_hours_and_does_not_chew_is_told_once():
    (found,) = of(some(12, **LIES))
    assert isinstance(found, Found)
    assert hours_after(found.at_ms) - hours_after(found.onset_ms) == down.LYING_H
    assert hours_after(found.onset_ms) == 7 * 24
    assert found.evidence["lying_h"] == 6
    assert found.evidence["rumination_less_percent"] == 100


def test_she_is_back_to_normal_when_she_eats():
    found, over = of(some(9, **LIES), some(3, **UPRIGHT))
    assert isinstance(over, Over)
    assert (over.onset_ms, hours_after(over.at_ms)) == (found.onset_ms, 7 * 24 + 10)


def test_the_quarters_of_the_hour_in_which_she_lay_down_count():
    began = hour(**LIES | {"gravity_16mg": gravity(0, 15, 15, 15), "eat_min": 12})
    found = of([began], some(6, **LIES))[0]
    assert hours_after(found.onset_ms) == pytest.approx(7 * 24 + 0.25)
    assert hours_after(found.at_ms) == 7 * 24 + 7


def test_a_long_rest_with_chewing_is_none():
    assert of(some(12, **LIES | {"ruminate_min": 25, "rest_min": 35})) == []


def test_a_healthy_bout_of_five_hours_is_none():
    assert of(some(5, **LIES), some(5, **UPRIGHT)) == []


def test_who_rises_between_is_not_down_though_she_neither_eats_nor_walks():
    stands = LIES | {"gravity_16mg": gravity(15, 30, 30, 15)}
    assert of(*[[*some(3, **LIES), hour(**stands)] for _ in range(4)]) == []


def test_a_head_that_moves_by_some_degrees_does_not_hide_her():
    restless = [hour(**LIES | {"gravity_16mg": gravity(15, 19, 12, 17)}) for _ in range(8)]
    assert len(of(restless)) == 1


def test_a_few_minutes_wrongly_told_to_be_walking_do_not_hide_her():
    assert len(of(some(8, **LIES | {"walk_min": 8}))) == 1


def test_a_collar_that_nothing_moves_is_told_by_another_kind():
    assert of(some(12, **LIES | {"still_min": 60})) == []


def test_without_data_nobody_is_down():
    gap = {"covered_min": 0, "gravity_16mg": 0, "rest_min": 0, "ruminate_min": 0, "eat_min": 0, "walk_min": 0}
    assert of(some(12, **gap)) == []
    assert of(some(2, **LIES), some(4, **gap), some(2, **LIES)) == []


def test_a_gap_of_one_hour_does_not_hide_her():
    gap = LIES | {"covered_min": 0, "rest_min": 0, "gravity_16mg": 0}
    assert len(of(some(4, **LIES), some(1, **gap), some(5, **LIES))) == 1


def test_a_new_cow_that_lies_down_on_her_first_day_is_told():
    assert len(through(down, some(8, **LIES))) == 1


def test_a_cow_that_was_sold_is_not():
    said = facts(1, [life(0, "sold", 1)])
    assert through(down, [*WELL, *some(12, **LIES)], said) == []


def test_the_state_goes_with_its_animal():
    state, found = herd.start((0, 1), FIRST), []
    less = herd.Facts((1,), facts(1).group, facts(1).lives)
    for said in (facts(2),) * 5 + (less,) * 2:
        state, each = herd.step(state, hour(len(said.animals), **LIES), said)
        found += each
    (told,) = (each for each in found if each.kind == "down")
    assert (told.animal, told.onset_ms) == (1, hours.start_ms(FIRST))
