"""Calving: which cow to watch tonight, when labour is told, and who is left alone."""

import numpy as np
import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kind import Tier
from relay.scoring.kinds import calving

from . import scene

BEFORE_D = 7
RESTLESS = {"ruminate_min": 16, "eat_min": 9, "changes": 10}
LABOUR = {"ruminate_min": 8, "eat_min": 3, "changes": 18}


def due(day, noted=0.0):
    return scene.facts(events=[scene.life(0, "due", day, noted=noted)])


def told(after, said=None):
    return scene.through(calving, scene.days(BEFORE_D) + after, said or due(BEFORE_D + 1))


def watches(findings):
    return [each for each in findings if isinstance(each, Found) and not each.is_update]


def test_a_restless_cow_near_her_date_is_to_be_watched_tonight():
    (watch,) = watches(told(scene.some(14, **RESTLESS)))
    assert watch.evidence["stage"] == "watch"
    assert "tier" not in watch.evidence
    assert calving.KIND.tier is Tier.TIMELY


def test_the_farmer_reads_why_and_never_a_countdown():
    (watch,) = watches(told(scene.some(14, **RESTLESS)))
    evidence = watch.evidence
    assert 5 <= evidence["chew_less_percent"] <= 15
    assert 5 <= evidence["eat_less_percent"] <= 20
    assert 10 <= evidence["changes_more_percent"] <= 30
    assert evidence["due_days"] in (0, 1)
    assert not any("hours" in name or name.endswith("_h") for name in evidence)
    name, score, bound = evidence["trace"][0]
    assert (name, bound) == ("score", calving.THRESHOLD)
    assert score >= bound


def test_a_quiet_cow_near_her_date_is_left_alone():
    assert not told(scene.days(2))


def test_one_restless_hour_is_not_enough():
    assert not told(scene.some(1, ruminate_min=0, eat_min=0, changes=30) + scene.days(1))


@pytest.mark.parametrize("said", [scene.facts(), due(BEFORE_D + 16), due(BEFORE_D - 11)])
def test_without_a_date_or_far_from_it_nothing_is_said(said):
    assert not told(scene.some(24, **LABOUR), said)


def test_a_date_that_nobody_had_noted_yet_is_not_known():
    assert not told(scene.some(20, **LABOUR), due(BEFORE_D + 1, noted=BEFORE_D + 5))


def test_the_nearer_the_date_the_sooner_she_is_watched():
    near, far = (watches(told(scene.some(30, **LABOUR), due(BEFORE_D + ahead)))[0].at_ms for ahead in (1, 13))
    assert near < far


def test_labour_goes_on_from_the_watch_and_is_urgent():
    findings = told(scene.some(13, **RESTLESS) + scene.some(8, **LABOUR))
    watch, labour = (each for each in findings if isinstance(each, Found))
    assert (watch.is_update, labour.is_update) == (False, True)
    assert labour.onset_ms == watch.onset_ms
    assert (labour.evidence["stage"], labour.evidence["tier"]) == ("labour", "urgent")


def test_labour_is_told_once():
    findings = told(scene.some(18, **LABOUR))
    assert sum(each.evidence["stage"] == "labour" for each in findings if isinstance(each, Found)) == 1


def test_a_watch_lasts_a_night_and_then_another_may_follow():
    findings = told(scene.some(48, **RESTLESS))
    first, second = watches(findings)[:2]
    assert (second.at_ms - first.at_ms) / 3_600_000 >= 20
    assert any(isinstance(each, Over) and each.onset_ms == first.onset_ms for each in findings)


def test_the_birth_ends_the_watch():
    at_birth = BEFORE_D + 0.75
    said = scene.facts(
        events=[scene.life(0, "due", BEFORE_D + 1, noted=0), scene.life(0, "calved", at_birth)]
    )
    findings = told(scene.some(30, **LABOUR), said)
    (over,) = (each for each in findings if isinstance(each, Over))
    assert scene.hours_after(over.at_ms) == pytest.approx(24 * at_birth, abs=1)
    assert len(watches(findings)) == 1


def test_missing_data_and_a_lost_collar_are_no_birth():
    assert not told(scene.some(24, covered_min=8, **LABOUR))
    assert not told(scene.some(24, motion_8th_mg=16, **LABOUR))


def test_when_the_whole_herd_is_upset_nobody_is_to_be_watched():
    said = scene.facts(8, [scene.life(0, "due", BEFORE_D + 1, noted=0)])
    herd = scene.days(BEFORE_D, 8) + scene.some(24, 8, **RESTLESS)
    assert not scene.through(calving, herd, said)


def test_what_a_farmer_taught_moves_the_threshold():
    said = scene.facts(
        events=[scene.life(0, "due", BEFORE_D + 1, noted=0)], offsets={"calving": np.array([9.0])}
    )
    assert not told(scene.some(14, **RESTLESS), said)
