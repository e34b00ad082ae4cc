"""The note that a collar has turned, and what is learned without a word. Source: domain.md 2.2."""

import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import collar_turned
from tests.relay.kinds.poses import gravity
from tests.relay.kinds.scene import facts, hour, hours_after, life, some, through

DAY = 24


def worn(days, *degrees):
    return some(round(days * DAY), gravity_16mg=gravity(*degrees))


def of(*parts, said=None):
    return through(collar_turned, [each for part in parts for each in part], said)


@pytest.mark.parametrize("degrees", [90, -110, 180])
def test_a_turn_that_stays_is_told_once_within_a_day(degrees):
    (found,) = of(worn(3, 0, 15), worn(5, degrees))
    assert isinstance(found, Found)
    assert hours_after(found.onset_ms) == 3 * DAY
    assert hours_after(found.at_ms) == 3 * DAY + collar_turned.STAYS_H
    assert found.evidence["turned_deg"] >= collar_turned.TURNED_DEG


def test_when_it_is_put_right_that_is_said():
    found, over = of(worn(3, 0), worn(4, 180), worn(2, 10))
    assert isinstance(over, Over)
    assert over.onset_ms == found.onset_ms
    assert hours_after(over.at_ms) == 7 * DAY + 1


@pytest.mark.parametrize("degrees", [20, 50, 65])
def test_a_smaller_one_is_learned_without_a_word(degrees):
    assert of(worn(10, 0), worn(30, degrees), worn(5, 0)) == []


def test_small_turns_do_not_add_up_once_they_are_learned():
    assert of(worn(10, 0), worn(40, 50), worn(10, 100)) == []


def test_one_that_turns_back_within_hours_is_none():
    assert of(worn(3, 0), worn(5 / DAY, 180), worn(3, 0)) == []


def test_a_head_down_to_eat_is_no_turn():
    eats = some(12, gravity_16mg=gravity(90), motion_8th_mg=8 * 330)
    assert of(worn(3, 0), eats, worn(1, 0)) == []


def test_a_collar_that_nothing_moves_is_no_turn():
    assert of(worn(3, 0), some(20, gravity_16mg=gravity(120), still_min=60)) == []


def test_turns_again_and_again_are_a_loose_collar():
    assert of(worn(3, 0), worn(0.5, 60), worn(2, 130)) == []


def test_after_six_weeks_it_belongs_where_it_is():
    found, again = of(worn(3, 0), worn(43, 180), worn(3, 0))
    assert isinstance(again, Found)
    assert hours_after(again.onset_ms) == 46 * DAY
    assert found.onset_ms < again.onset_ms


def test_hours_without_data_or_of_a_sold_cow_say_nothing():
    gap = [hour(covered_min=0, gravity_16mg=0)] * 30
    assert of(worn(3, 0), gap, worn(2, 0)) == []
    assert of(worn(3, 0), worn(3, 180), said=facts(1, [life(0, "sold", 1)])) == []
