"""How far a cow is from her own usual days."""

import numpy as np
import pytest

from relay.scoring import baseline, drift, hours

from . import scene


def shown(told, group=None):
    """Return the view of the last of `told` hours."""
    *_, last = scene.views(told, scene.facts(len(told[0]), group=group))
    return last


def test_a_day_like_all_others_is_no_change():
    change = drift.day_change(shown(scene.days(9)), baseline.RUMINATE)
    assert change.log == pytest.approx(0)
    assert change.less_percent(0) == 0


def test_a_day_with_half_the_chewing_is_half_less():
    told = scene.days(8) + scene.days(1, ruminate_min=10)
    assert drift.day_change(shown(told), baseline.RUMINATE).less_percent(0) == 50


def test_more_than_usual_is_a_negative_percentage():
    told = scene.days(8) + scene.days(1, ruminate_min=30)
    assert drift.day_change(shown(told), baseline.RUMINATE).less_percent(0) == -50


def test_what_all_herd_mates_do_is_not_hers():
    less = [10] * 7 + [5]
    told = scene.days(8, 8) + scene.days(1, 8, ruminate_min=less)
    change = drift.day_change(shown(told), baseline.RUMINATE)
    assert [change.less_percent(at) for at in (0, 7)] == [0, 50]
    assert change.mates[7] == 7


def test_another_groups_change_is_no_excuse():
    told = scene.days(8, 12) + scene.days(1, 12, ruminate_min=[20] * 6 + [10] * 6)
    change = drift.day_change(shown(told, group=[0] * 5 + [1] * 7), baseline.RUMINATE)
    assert change.less_percent(0) == 0
    assert change.mates[0] == 0


def test_days_that_are_skipped_are_not_what_she_is_compared_with():
    told = scene.days(7) + scene.days(4, ruminate_min=10)
    assert drift.day_change(shown(told), baseline.RUMINATE, skip=4).less_percent(0) == 50
    assert drift.day_change(shown(told), baseline.RUMINATE).less_percent(0) == 0


def test_without_days_of_her_own_nothing_is_said():
    assert np.isnan(drift.day_change(shown(scene.days(2)), baseline.RUMINATE).log[0])


def test_with_a_third_of_the_day_missing_nothing_is_said():
    told = scene.days(8) + scene.some(16) + scene.some(8, covered_min=0)
    assert np.isnan(drift.day_change(shown(told), baseline.RUMINATE).log[0])


def test_a_collar_that_lies_on_the_ground_is_not_worn_for_a_day():
    lost = scene.days(2) + scene.some(1, motion_8th_mg=3 * hours.MOTION_STEPS)
    assert not drift.is_worn(shown(lost))[0]
    assert not drift.is_worn(shown(lost + scene.some(23)))[0]
    assert drift.is_worn(shown(lost + scene.some(24)))[0]


def test_a_collar_out_of_radio_cover_is_not_called_lost():
    assert drift.is_worn(shown(scene.days(2) + scene.some(5, covered_min=0, motion_8th_mg=0)))[0]


def test_an_average_goes_part_of_the_way_and_waits_while_nothing_is_known():
    mean = drift.ewma(np.float32([2, 2]), np.array([4, np.nan]), 0.25)
    assert mean.tolist() == [2.5, 2.0]


def test_a_sum_grows_by_what_exceeds_the_allowance_and_never_below_zero():
    total = np.zeros(3, np.float32)
    for _ in range(3):
        total = drift.cusum(total, np.array([1.5, 0.2, np.nan]), 0.5, most=99)
    assert total.tolist() == [3.0, 0.0, 0.0]


def test_a_sum_has_a_bound_from_which_it_comes_back():
    total = drift.cusum(np.float32([0]), np.array([50.0]), 0.5, most=8)
    assert total[0] == 8
    assert drift.cusum(total, np.array([0.0]), 0.5, most=8)[0] == 7.5


def test_hours_add_up_to_what_a_day_would():
    total = np.zeros(1, np.float32)
    for _ in range(24):
        total = drift.cusum(total, np.array([2.0]), 0.5, share=1 / 24, most=99)
    assert total[0] == pytest.approx(1.5)
