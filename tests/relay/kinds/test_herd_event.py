"""The alert for a herd that runs: many at once, from rest, within minutes."""

import numpy as np
import pytest

from relay.scoring.findings import Found, Over
from relay.scoring.hours import packed
from relay.scoring.kinds import herd_event
from tests.relay.kinds.scene import facts, hour, hours_after, peeked, some, through

COWS = 20
CALM = some(8, COWS)


def startled(animals, minutes, cows=COWS):
    """An hour in which the first `animals` are startled in these minutes."""
    bits = np.zeros((cows, 60), bool)
    bits[:animals, list(minutes)] = True
    return hour(cows, startled=packed(bits))


def test_a_third_of_the_herd_that_runs_is_told_of_the_farm():
    (found,) = through(herd_event, [*CALM, startled(7, range(20, 25))])
    assert isinstance(found, Found)
    assert found.animal is None
    assert hours_after(found.onset_ms) == pytest.approx(8 + 20 / 60)
    assert hours_after(found.at_ms) == pytest.approx(8 + 22 / 60)
    assert found.evidence["animals"] == 7
    assert found.evidence["herd"] == COWS
    assert found.evidence["minute"] == 20


def test_the_open_hour_says_the_same_as_the_closed_one():
    told = [*CALM, startled(9, range(20, 25))]
    assert peeked(herd_event, told) == through(herd_event, told)


def test_it_is_over_when_an_hour_has_passed():
    found, over = through(herd_event, [*CALM, startled(9, range(20, 25)), *some(3, COWS)])
    assert isinstance(over, Over)
    assert over.onset_ms == found.onset_ms


def test_a_run_over_the_full_hour_is_one_event():
    told = [*CALM, startled(9, range(58, 60)), startled(9, range(6)), *some(3, COWS)]
    assert [type(each) for each in through(herd_event, told)] == [Found, Over]


def test_a_run_that_begins_in_the_last_minute_is_seen_in_the_next_hour():
    (found,) = through(herd_event, [*CALM, startled(9, [59]), startled(9, [0, 1])])
    assert hours_after(found.onset_ms) == pytest.approx(8 + 59 / 60)


def test_at_most_one_in_two_hours_is_told():
    runs = [*CALM, startled(9, range(5, 9)), startled(9, range(30, 35)), startled(9, range(40, 45))]
    assert [type(each) for each in through(herd_event, runs)] == [Found, Over, Found]


@pytest.mark.parametrize(
    ("animals", "minutes"),
    [
        pytest.param(2, range(20, 30), id="two of them"),
        pytest.param(9, [20, 28, 36], id="single minutes, as cows that eat have them"),
    ],
)
def test_less_is_none(animals, minutes):
    assert through(herd_event, [*CALM, startled(animals, minutes)]) == []


def test_cows_that_begin_one_after_the_other_are_none():
    bits = np.zeros((COWS, 60), bool)
    for cow in range(COWS):
        bits[cow, 2 * cow : 2 * cow + 20] = True
    assert through(herd_event, [*CALM, hour(COWS, startled=packed(bits))]) == []


def test_cows_that_go_on_eating_are_none():
    bits = np.zeros((COWS, 60), bool)
    for cow in range(COWS):
        bits[cow, 3 * cow :] = True
    eating = startled(COWS, range(0, 60, 2))
    assert through(herd_event, [*CALM, hour(COWS, startled=packed(bits)), eating, eating]) == []


def test_a_herd_that_always_jumps_at_milking_is_learned():
    daily = [*some(23, COWS), startled(4, range(20, 25))] * 30
    found = [each for each in through(herd_event, daily) if isinstance(each, Found)]
    assert 1 <= len(found) <= 8
    assert hours_after(found[-1].at_ms) < 10 * 24


def test_groups_are_counted_apart():
    said = facts(COWS, group=[0, 1] * 10)
    assert through(herd_event, [*CALM, startled(4, range(20, 25))], said) == []
    few = facts(COWS, group=[0] * 8 + [1] * 12)
    (found,) = through(herd_event, [*CALM, startled(4, range(20, 25))], few)
    assert found.evidence["herd"] == 8
    assert few.animals.index(found.evidence["one_of_them"]) < 8


def test_cows_without_data_are_not_of_the_herd():
    away = np.where(np.arange(COWS) < 10, 15, 0)
    calm = some(8, COWS, covered_min=away)
    run = startled(4, range(20, 25))
    run["covered_min"] = away[:, None]
    (found,) = through(herd_event, [*calm, run])
    assert found.evidence["herd"] == 10


def test_a_farm_of_two_cows_has_no_herd():
    assert through(herd_event, [*some(8, 2), startled(2, range(20, 25), cows=2)]) == []
