"""Our heat alerts' measure of activity on series in blocks: the baseline of a relay, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from relay.evaluation import heat_activity, injection, rules
from relay.scoring import baseline, hours
from tests.relay.test_rules import herd, near, with_heat

KINDS = ("raw", "index")
ACTIVITY = list(baseline.FEATURES).index("activity")


def given(activity, kind, block_h=2):
    """Raw activity, or the index that a maker's collar would give of it."""
    return activity if kind == "raw" else rules.activity_change(activity, block_h)


def told(activity, kind="raw", block_h=2, threshold=None):
    scored = heat_activity.score(kind, given(activity, kind, block_h), block_h)
    return heat_activity.heat_alerts(scored, threshold or heat_activity.DEFAULT_THRESHOLDS[kind], block_h)


def test_the_score_is_what_the_baseline_of_a_relay_says_of_the_same_hours():
    mg = np.rint(with_heat(herd(days=9), day=7) * 4)
    mg *= 110 / np.median(mg[:, : 5 * 12])  # its usual count is 110 mg already: counts stand for themselves
    usual, rows = baseline.start(8), hours.nothing(8)
    rows["covered_min"] = 15
    said = []
    for number in range(9 * 24):
        rows["motion_8th_mg"] = np.rint(8 * mg[:, number // 2])[:, None]
        usual, of_hour = baseline.step(usual, number, rows, np.zeros(8, np.intp))
        said.append(of_hour.z_herd[:, ACTIVITY])
    scored = heat_activity.score("raw", mg, 2)
    assert np.isfinite(scored[:, 6 * 12 :]).all()
    assert np.array_equal(scored, np.array(said[1::2]).T, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_no_score_depends_on_what_comes_later(kind):
    values = given(with_heat(herd()), kind)
    whole = heat_activity.score(kind, values, 2)
    values[:, 180:] = 80.0
    assert np.isfinite(whole[:, :180]).any()
    assert np.array_equal(heat_activity.score(kind, values, 2)[:, :180], whole[:, :180], equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_known_is_nothing_told_and_gaps_do_no_harm(kind):
    assert np.isnan(heat_activity.score(kind, np.full((3, 12 * 12), np.nan), 2)).all()
    holed = given(herd(), kind)
    holed[:, 3::7] = np.nan
    holed[1, :150] = np.nan
    holed[4] = 0.0
    assert not np.isinf(heat_activity.score(kind, holed, 2)).any()


def test_the_unit_of_counts_does_not_matter():
    activity = with_heat(herd()) * 40.0
    one, other = (heat_activity.score("raw", scale * activity, 2) for scale in (1.0, 25.0))
    assert np.nanmax(np.abs(one - other)) < 0.05


def test_a_motion_beyond_what_a_record_holds_is_the_most_it_holds():
    activity = herd()
    activity[2, 15 * 12] = 1e9
    scored = heat_activity.score("raw", activity, 2)
    assert 10 < scored[2, 15 * 12] < 1000


@pytest.mark.parametrize("block_h", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_strong_heat_is_told_once_and_not_of_a_herd_mate(kind, block_h):
    alerts = told(with_heat(herd(block_h=block_h), block_h=block_h), kind, block_h)
    assert len(near(alerts[2], 15, 24 // block_h)) == 1
    assert near(alerts[3], 15, 24 // block_h) == []


def test_what_the_whole_herd_does_is_nobodys_heat():
    activity = herd(cows=12)
    activity[:, 15 * 12 : 15 * 12 + 5] *= 2.5
    assert [each for cow in told(activity) for each in near(cow, 15)] == []
    alone = told(with_heat(herd(cows=12), size=2.5))
    assert len(near(alone[2], 15)) == 1


def test_a_heat_does_not_become_usual():
    alerts = told(with_heat(with_heat(herd(days=24), day=14), day=19))
    assert len(near(alerts[2], 14)) == 1
    assert len(near(alerts[2], 19)) == 1


def test_a_cow_alone_is_scored_without_a_herd():
    assert len(near(told(with_heat(herd(cows=1), cow=0))[0], 15)) == 1


def test_an_index_is_not_averaged_over_its_own_hours_again():
    """It is a mean of 10 h: one that stays as it is, is told in the block it comes."""
    index = np.zeros((8, 20 * 12))
    index[2, 15 * 12 + 3 :] = 60.0
    scored = heat_activity.score("index", index, 2)
    assert near(heat_activity.heat_alerts(scored, 2.9, 2)[2], 15) == [183]


def test_what_an_index_stands_for_is_lifted_as_activity_is():
    times = np.ones((1, 24))
    times[0, 10:] = 1.5
    lifted = injection.lift_index(np.zeros((1, 24)), times, 2)
    assert injection.times_of_index(lifted)[0, -1] == pytest.approx(1.5)
    assert injection.times_of_index(np.array([-1000.0])) >= 0.05
