"""Heats that are missing: for whom that is told, and for whom it is not."""

import numpy as np
import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import silent_heat
from tests.relay.kinds import scene

COWS = 8
SHE = 3


def _her(value, usual):
    return np.where(np.arange(COWS) == SHE, value, usual)


def _heat():
    loud = scene.some(8, COWS, motion_8th_mg=_her(150 * 8, 60 * 8), ruminate_min=_her(10, 20))
    return loud + scene.some(16, COWS)


def _told(hours, *events, of=SHE):
    findings = scene.through(silent_heat, hours, scene.facts(COWS, events))
    return [each for each in findings if each.animal == of]


def test_a_heat_that_nobody_used_and_none_for_25_days_is_told():
    found, *_ = _told(scene.days(14, COWS) + _heat() + scene.days(30, COWS), scene.life(SHE, "calved", -60))
    assert isinstance(found, Found)
    assert (found.evidence["reason"], found.evidence["days_since"]) == ("overdue", 25)
    assert scene.hours_after(found.at_ms) == pytest.approx((14 + 25) * 24, abs=3)


def test_it_is_over_when_she_comes_into_heat_after_all():
    hours = scene.days(14, COWS) + _heat() + scene.days(27, COWS) + _heat()
    found, over = _told(hours, scene.life(SHE, "calved", -60))
    assert isinstance(over, Over)
    assert over.onset_ms == found.onset_ms


@pytest.mark.parametrize("event", ["inseminated", "pregnant", "sold", "dry"])
def test_a_cow_whose_heat_was_used_or_who_is_not_to_be_bred_is_left_alone(event):
    hours = scene.days(14, COWS) + _heat() + scene.days(30, COWS)
    assert _told(hours, scene.life(SHE, "calved", -60), scene.life(SHE, event, 14.5)) == []


def test_no_heat_by_60_days_in_milk_is_told_if_she_was_watched():
    found, *_ = _told(scene.days(65, COWS), scene.life(SHE, "calved", 1))
    assert found.evidence["reason"] == "none_yet"
    assert found.evidence["days_since"] in (60, 61)
    assert scene.hours_after(found.at_ms) == pytest.approx(61 * 24, abs=36)


def test_a_cow_that_is_60_days_in_milk_is_not_told_of_before_she_was_watched_for_weeks():
    assert _told(scene.days(25, COWS), scene.life(SHE, "calved", -58)) == []


def test_a_cow_whose_collar_was_silent_for_weeks_is_not_told_of():
    blind = scene.days(26, COWS, covered_min=_her(0, 15))
    assert _told(scene.days(14, COWS) + _heat() + blind, scene.life(SHE, "calved", -60)) == []


def test_cows_of_which_nothing_was_recorded_are_not_told_of():
    assert scene.through(silent_heat, scene.days(80, COWS)) == []
