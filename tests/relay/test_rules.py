"""Published oestrus rules: what each of them tells, and that none of them looks ahead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relay.evaluation import rules, series

GOLDEN = Path(__file__).resolve().parents[1] / "golden/bovheat"
SHAPE_2H = np.array([28, 24, 22, 35, 38, 33, 32, 36, 44, 38, 32, 34], dtype=float)
SCORERS = {rule.name: rule.score for rule in rules.RULES}


def herd(cows=8, days=20, block_h=2, noise=0.15, seed=3):
    """Activity with the day's shape and noise, without a heat."""
    random = np.random.default_rng(seed)
    shape = SHAPE_2H if block_h == 2 else np.repeat(SHAPE_2H / 2, 2)
    levels = random.lognormal(0, 0.15, (cows, 1))
    return np.tile(shape, days) * levels * random.lognormal(0, noise, (cows, days * len(shape)))


def with_heat(activity, cow=2, day=15, hour=6, hours=10, size=3.0, block_h=2):
    lifted = activity.copy()
    first = (day * 24 + hour) // block_h
    lifted[cow, first : first + hours // block_h] *= size
    return lifted


def near(alerts, day, per_day=12):
    return [block for block in alerts if (day - 1) * per_day <= block < (day + 2) * per_day]


@pytest.mark.parametrize("block_h", [1, 2])
@pytest.mark.parametrize("name", ["bovheat_35", "six_hours_two_days", "cowtrakker_10d_3sd"])
def test_a_rule_tells_a_strong_heat_once_in_blocks_of_one_and_two_hours(name, block_h):
    rule = next(each for each in rules.RULES if each.name == name)
    told = rule.alerts(with_heat(herd(block_h=block_h), block_h=block_h), block_h)
    assert len(near(told[2], 15, 24 // block_h)) == 1
    assert near(told[3], 15, 24 // block_h) == []


@pytest.mark.parametrize("name", SCORERS)
def test_no_score_depends_on_what_comes_later(name):
    score = SCORERS[name]
    activity = with_heat(herd())
    whole = score(activity, 2)
    until = 15 * 12  # midnight: a daily rule has spoken
    later = activity.copy()
    later[:, until:] = 500.0
    assert np.isfinite(whole[:, :until]).any()
    assert np.array_equal(score(later, 2)[:, :until], whole[:, :until], equal_nan=True)


@pytest.mark.parametrize("name", SCORERS)
def test_nothing_known_is_nothing_told_and_gaps_do_no_harm(name):
    score = SCORERS[name]
    empty = np.full((3, 12 * 12), np.nan)
    assert np.isnan(score(empty, 2)).all()
    holed = herd()
    holed[:, 3::7] = np.nan
    holed[1, :150] = np.nan
    holed[4] = 0.0
    assert not np.isinf(score(holed, 2)).any()


@pytest.mark.parametrize("name", SCORERS)
def test_the_unit_of_activity_does_not_matter(name):
    activity = with_heat(herd()) * 40.0
    one, other = (SCORERS[name](scale * activity, 2) for scale in (1.0, 25.0))
    assert np.nanmax(np.abs(one - other)) < 0.05


def test_alerts_of_one_heat_are_one_and_known_in_the_last_block_they_need():
    flags = np.zeros((2, 60), dtype=bool)
    flags[0, [5, 10, 11, 12, 30, 31]] = True
    assert rules.alerts(flags, 2) == [[5, 30], []]
    assert rules.alerts(flags, 2, min_blocks=2) == [[11, 31], []]
    assert rules.alerts(flags, 2, merge_h=8) == [[5, 10, 30], []]
    assert rules.alerts(flags, 2, merge_h=10) == [[5, 30], []]


def test_runs_too_short_to_count_do_not_hide_the_heat_behind_them():
    flags = np.zeros((1, 40), dtype=bool)
    flags[0, [3, 8, 9]] = True
    assert rules.alerts(flags, 2, min_blocks=2) == [[9]]


def test_the_index_from_raw_agrees_with_the_makers_own():
    real = next(each for each in series.read(GOLDEN) if each.has_raw)
    made = rules.activity_change(real.raw)
    both = np.isfinite(made) & np.isfinite(real.chg)
    both[:, :120] = False
    theirs, ours = real.chg[both], made[both]
    assert np.corrcoef(theirs, ours)[0, 1] > 0.94
    assert abs((theirs >= 35).sum() - (ours >= 35).sum()) <= 0.25 * (theirs >= 35).sum()


def test_the_bent_line_can_be_straightened_again():
    over = np.linspace(-3, 6, 50)
    assert np.allclose(rules.excess_of(rules.index_of(over)), over)
    assert rules.index_of(np.array([9.0])) == 100.0
    assert np.isnan(rules.index_of(np.array([np.nan]))).all()


def test_a_day_rule_speaks_once_a_day_against_the_days_before():
    activity = np.tile(SHAPE_2H, 12)[None] * np.repeat(
        [1, 1.1, 0.9, 1, 1.1, 0.9, 1, 1.1, 0.9, 1, 1.1, 1.5], 12
    )
    score = rules.daily_excess(3)(activity, 2).reshape(12, 12)
    assert np.isnan(score[:, :-1]).all()
    assert score[11, -1] == pytest.approx((1.5 - 1.0) / 0.1)
    assert np.isnan(score[:2, -1]).all()


def test_one_sd_tells_whatever_three_sd_tell():
    activity = herd(cows=20, days=30, noise=0.3)
    for days in (3, 10):
        low, high = (
            next(each for each in rules.RULES if each.name == f"cowtrakker_{days}d_{sd}sd") for sd in (1, 3)
        )
        assert not (high.flags(activity, 2) & ~low.flags(activity, 2)).any()


def test_a_published_figure_that_cannot_be_says_why_it_is_not_compared():
    named = {each.name for each in rules.RULES} | {"collar_ao"}
    for each in rules.PUBLISHED:
        assert each.rule in named
        assert each.source
        assert each.why_not or (each.compare_sensitivity and each.compare_specificity)
        assert each.sensitivity is not None or not each.compare_sensitivity


def test_the_published_false_alerts_follow_from_the_daily_specificity():
    figures = {each.rule: each for each in rules.PUBLISHED}
    assert figures["collar_ar"].false_per_cow_year == pytest.approx(2.19)
    assert figures["cowtrakker_3d_1sd"].false_per_cow_year == pytest.approx(120.085)
    assert figures["bovheat_35"].false_per_cow_year is None
