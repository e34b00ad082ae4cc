"""Hot days: what a farmer is told of them, and how often."""

import numpy as np
import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.kinds import heat_stress
from tests.relay.kinds import scene

ONE_DAY = [60] * 8 + [66, 69, 71, 73, 75, 76, 76, 75, 73, 70] + [64] * 6


def _told(indices, told=None, n=6):
    said = scene.facts(n, thi={at: each for at, each in enumerate(indices) if each is not None})
    return scene.through(heat_stress, told or scene.some(len(indices), n), said)


def _found(findings):
    return [each for each in findings if isinstance(each, Found)]


def test_a_hot_day_is_told_once_in_the_hour_in_which_it_gets_hot_and_ends_when_it_is_cool():
    found, over = _told(ONE_DAY)
    assert (found.animal, found.is_update) == (None, False)
    assert scene.hours_after(found.at_ms) == 12
    assert scene.hours_after(found.onset_ms) == 9, "it began when it grew warm"
    assert (found.evidence["thi"], found.evidence["level"]) == (73, "moderate")
    assert isinstance(over, Over)
    assert over.onset_ms == found.onset_ms
    assert scene.hours_after(over.at_ms) == 21, "three cool hours"


def test_a_warm_day_is_not_told():
    assert _told([60] * 8 + [70, 71, 71.9, 71] + [60] * 12) == []


def test_every_hot_day_is_told_however_warm_the_nights():
    found = _found(_told([*ONE_DAY[:12], *[73] * 60]))
    assert [scene.hours_after(each.at_ms) for each in found] == [12, 33, 54]
    assert len({each.onset_ms for each in found}) == 3


@pytest.mark.parametrize(("peak", "level"), [(80, "severe"), (90, "emergency")])
def test_the_day_is_told_again_when_it_gets_dangerous(peak, level):
    first, second = _found(_told([66, 70, 73, 76, peak, peak, 70, 60]))
    assert (second.is_update, second.onset_ms) == (True, first.onset_ms)
    assert (second.evidence["level"], second.evidence["stage"]) == (level, level)
    assert second.evidence["trace"] == [["thi", peak, peak]]


def test_a_day_that_is_severe_at_once_is_told_once():
    found = _found(_told([66, 85, 85, 79, 85, 60, 60, 60]))
    assert [(each.is_update, each.evidence["level"]) for each in found] == [(False, "severe")]


def test_nothing_is_told_without_weather():
    assert _told([None] * 48, scene.days(1) + scene.days(1, ruminate_min=5), n=1) == []


def test_an_hour_whose_weather_is_missing_neither_begins_nor_ends_a_hot_day():
    found, _ = _told([70, 73, None, None, 74, 74, 60, 60, 60])
    assert scene.hours_after(found.at_ms) == 2


def test_cows_that_chew_less_than_usual_are_named_who_suffers_most_first():
    quiet = scene.days(12, 8)
    hot = scene.some(10, 8, ruminate_min=np.array([20, 12, 20, 20, 6, 20, 20, 20]))
    (found,) = _told([60] * 12 * 24 + [71] * 9 + [73], quiet + hot, n=8)
    assert found.evidence["suffering"] == [4, 1]
    assert found.evidence["compared"] == 8
