"""What is usual for a cow, and how far from it she is."""

import numpy as np
import pytest

from relay.scoring import baseline
from tests.relay.kinds import scene

COWS = 8
ACTIVITY, RUMINATE = (list(baseline.FEATURES).index(name) for name in ("activity", "ruminate"))
TOGETHER = np.zeros(COWS, np.intp)


def _day(cows=COWS, day=0, **fields):
    """A day with a rhythm, in which no two cows and no two days are quite alike."""
    own = np.arange(cows)
    out = []
    for hour in range(scene.DAY_H):
        lively = 40 + 30 * (6 <= hour < 20) + own % 3 + (day * 5 + hour * 3 + own) % 7
        chews = 20 + (day * 3 + hour + own * 5) % 5
        out.append(scene.hour(cows, **({"motion_8th_mg": 8 * lively, "ruminate_min": chews} | fields)))
    return out


def _days(count, cows=COWS, **fields):
    return [hour for day in range(count) for hour in _day(cows, day, **fields)]


def _all(hours, group=None, usual=None, first=scene.FIRST):
    """The state after these hours, and how each of them stood."""
    cows = len(hours[0])
    usual = usual or baseline.start(cows)
    group = np.zeros(cows, np.intp) if group is None else np.array(group)
    stood = []
    for number, rows in enumerate(hours, first):
        usual, told = baseline.step(usual, number, rows, group)
        stood.append(told)
    return usual, stood


def _her(cow, value, usual, cows=COWS):
    return np.where(np.arange(cows) == cow, value, usual)


def _same(left, right):
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(left, right, strict=True))


def test_nothing_is_judged_before_there_are_days_to_compare_with():
    _, stood = _all(_days(3))
    assert np.isnan(stood[-1].z).all()


def test_an_ordinary_day_is_near_what_is_usual_at_every_hour():
    _, stood = _all(_days(20))
    assert all(np.abs(each.z[:, :2]).max() < 3 for each in stood[-24:])


def test_a_cow_that_is_restless_for_hours_stands_out_and_nobody_else_does():
    loud = scene.some(6, COWS, motion_8th_mg=_her(2, 8 * 220, 8 * 70))
    _, stood = _all(_days(14) + _day()[:10] + loud)
    z = stood[-1].z_herd[:, ACTIVITY]
    assert z[2] > 4
    assert np.abs(np.delete(z, 2)).max() < 3
    assert stood[-1].known_days[2] >= 5


def test_the_order_of_animals_does_not_matter():
    shuffled = np.array([5, 2, 7, 0, 1, 6, 4, 3])
    hours = _days(12) + scene.some(6, COWS, motion_8th_mg=_her(2, 8 * 220, 8 * 70))
    _, straight = _all(hours)
    _, turned = _all([hour[shuffled] for hour in hours])
    assert np.allclose(straight[-1].z_herd[shuffled], turned[-1].z_herd, equal_nan=True)


def test_what_all_herd_mates_do_excuses_her():
    hours = _days(14) + _day()[:10]
    alone = _all(hours + scene.some(6, COWS, motion_8th_mg=_her(2, 1600, 560)))[1][-1]
    together = _all(hours + scene.some(6, COWS, motion_8th_mg=1600))[1][-1]
    assert together.z[2, ACTIVITY] > 4, "against herself she is restless in both"
    assert together.z_herd[2, ACTIVITY] < 2 < alone.z_herd[2, ACTIVITY]
    assert together.others[2] == COWS - 1


def test_quiet_herd_mates_do_not_make_her_restless():
    hours = _days(14) + _day()[:10]
    calm = _all(hours + scene.some(6, COWS, motion_8th_mg=_her(2, 560, 160)))[1][-1]
    assert calm.z_herd[2, ACTIVITY] == pytest.approx(calm.z[2, ACTIVITY])


def test_the_other_group_excuses_nobody():
    group = [0] * 7 + [1] * 7
    loud = scene.some(6, 14, motion_8th_mg=np.array([560] * 6 + [1600] + [1600] * 7))
    stood = _all(_days(14, 14) + _day(14)[:10] + loud, group)[1][-1]
    assert stood.z_herd[6, ACTIVITY] > 4
    assert stood.z_herd[7, ACTIVITY] < 2


def test_too_few_herd_mates_excuse_nothing():
    stood = _all(_days(14, 3) + _day(3)[:10] + scene.some(6, 3, motion_8th_mg=1600))[1][-1]
    assert stood.z_herd[0, ACTIVITY] == pytest.approx(stood.z[0, ACTIVITY])


def test_a_new_cow_is_told_by_her_group_until_she_has_days_of_her_own():
    before = [
        scene.hour(COWS, covered_min=_her(1, 0, 15), motion_8th_mg=h["motion_8th_mg"]) for h in _days(12)
    ]
    usual, stood = _all(before + _day()[:12])
    assert stood[-1].known_days[1] == 0
    group = np.median(np.delete(stood[-1].usual[:, ACTIVITY], 1))
    assert stood[-1].usual[1, ACTIVITY] == pytest.approx(group, rel=0.05)
    assert np.isfinite(stood[-1].z[1, ACTIVITY])
    own = _all(_day()[12:] + _days(12), usual=usual, first=scene.FIRST + 12 * 24 + 12)[1][-1]
    assert own.known_days[1] >= 5


@pytest.mark.parametrize(("covered_min", "is_judged"), [(15, True), (8, True), (7, False), (0, False)])
def test_hours_of_which_less_than_half_was_seen_are_not_judged(covered_min, is_judged):
    _, stood = _all(_days(14) + scene.some(8, COWS, covered_min=_her(4, covered_min, 15)))
    assert np.isfinite(stood[-1].z[4, ACTIVITY]) == is_judged
    assert np.isfinite(stood[-1].z[3, ACTIVITY])


def test_hours_with_too_little_data_teach_nothing():
    poor = _days(10, covered_min=_her(4, 5, 15), ruminate_min=_her(4, 1, 20))
    usual, stood = _all(_days(14) + poor + _day())
    assert stood[-1].usual[4, RUMINATE] == pytest.approx(stood[14 * 24 - 1].usual[4, RUMINATE], abs=0.03)
    assert np.isnan(baseline.usual_day(usual, baseline.RUMINATE)[4])


def test_nothing_is_learned_from_an_odd_day_nor_from_the_day_beside_it():
    odd = _day()[:8] + scene.some(8, COWS, motion_8th_mg=_her(2, 1600, 560)) + _day()[16:]
    calm, _ = _all(_days(16))
    shaken, _ = _all(_days(14) + odd + _day(day=15))
    later = [_all(_days(1), usual=state, first=scene.FIRST + 16 * 24)[1] for state in (calm, shaken)]
    told = [np.array([each.usual[2, ACTIVITY] for each in hours]) for hours in later]
    assert np.allclose(*told, atol=0.08), "eight hours three times as lively are not usual now"


def test_a_new_way_of_life_becomes_usual():
    livelier = _days(30)
    for rows in livelier:
        rows["motion_8th_mg"][2] = rows["motion_8th_mg"][2] // 2 * 3
    _, stood = _all(_days(14) + livelier)
    assert stood[15 * 24].z[2, ACTIVITY] > 4
    assert stood[-1].z[2, ACTIVITY] < 0.75 * stood[15 * 24].z[2, ACTIVITY]


def test_what_comes_after_does_not_depend_on_the_state_being_kept_whole_or_in_parts():
    hours = _days(9)
    whole, _ = _all(hours)
    half, _ = _all(hours[:100])
    again, _ = _all(hours[100:], usual=half, first=scene.FIRST + 100)
    assert _same(whole, again)


def test_a_step_leaves_the_state_before_it_as_it_was():
    before, _ = _all(_days(6))
    kept = type(before)(*(each.copy() for each in before))
    baseline.step(before, scene.FIRST + 6 * 24, scene.hour(COWS, motion_8th_mg=4000), TOGETHER)
    assert _same(before, kept)


def test_day_and_week_are_made_whole_for_minutes_that_are_missing():
    usual, _ = _all(scene.days(7, 2, covered_min=13, ruminate_min=18))
    assert baseline.day_rate(usual, baseline.RUMINATE) == pytest.approx(18 * 24 * 60 / 52, rel=0.01)
    assert baseline.usual_day(usual, baseline.RUMINATE) == pytest.approx(18 * 24 * 60 / 52, rel=0.01)


def test_the_usual_day_is_the_middle_of_the_week_and_may_skip_the_last_days():
    weeks = (
        scene.days(7, 1, ruminate_min=20)
        + scene.days(6, 1, ruminate_min=16)
        + scene.days(1, 1, ruminate_min=1)
    )
    usual, _ = _all(weeks)
    assert baseline.usual_day(usual, baseline.RUMINATE) == pytest.approx(16 * 24)
    assert baseline.usual_day(usual, baseline.RUMINATE, 7, 7) == pytest.approx(20 * 24)
