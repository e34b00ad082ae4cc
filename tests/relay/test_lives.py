"""What was known of an animal's life at an hour."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.scoring import hours
from relay.scoring.lives import Lives
from tests.relay.kinds import scene


def _at(day, *events, animals=(0, 1)):
    return Lives(animals, events).at(hours.start_ms(scene.FIRST + day * 24))


def test_nothing_recorded_is_nothing_known():
    cows = _at(5)
    assert np.isnan(cows.in_milk_d).all()
    assert np.isnan(cows.to_due_d).all()
    assert not (cows.is_dry | cows.is_pregnant | cows.is_gone).any()


def test_days_count_from_what_was_recorded_last_for_each_animal():
    cows = _at(
        40, scene.life(0, "calved", -400), scene.life(0, "calved", 10), scene.life(1, "inseminated", 38.5)
    )
    assert cows.in_milk_d[0] == 30
    assert cows.since_insemination_d[1] == 1.5
    assert np.isnan(cows.in_milk_d[1])


@pytest.mark.parametrize("kind", ["inseminated", "dry", "pregnant"])
def test_a_calving_ends_what_belongs_to_the_pregnancy_before_it(kind):
    events = [scene.life(0, "calved", -400), scene.life(0, kind, 1)]
    before, after = _at(5, *events), _at(12, *events, scene.life(0, "calved", 10))
    told = {"inseminated": "since_insemination_d", "dry": "is_dry", "pregnant": "is_pregnant"}[kind]
    assert getattr(before, told)[0]
    assert not np.nan_to_num(np.asarray(getattr(after, told), float))[0]


def test_a_due_date_lies_ahead_and_says_that_she_is_pregnant():
    cows = _at(10, scene.life(0, "due", 25, noted=5))
    assert cows.to_due_d[0] == 15
    assert cows.is_pregnant.tolist() == [True, False]
    assert _at(30, scene.life(0, "due", 25, noted=5)).to_due_d[0] == -5


@pytest.mark.parametrize("right", [20, 30])
def test_a_due_date_that_is_put_right_counts_from_then_on_also_if_it_is_earlier(right):
    said = scene.life(0, "due", right, noted=8), scene.life(0, "due", 25, noted=5)
    assert _at(7, *said).to_due_d[0] == 18
    assert _at(10, *said).to_due_d[0] == right - 10


@pytest.mark.parametrize("said", [scene.life(0, "pregnant", 5), scene.life(0, "due", 250, noted=5)])
def test_a_cow_that_is_inseminated_after_she_was_said_to_be_pregnant_may_be_in_heat_again(said):
    conceived, again = scene.life(0, "inseminated", -30), scene.life(0, "inseminated", 20)
    assert _at(19, conceived, said, again).is_pregnant[0]
    assert not _at(21, conceived, said, again).is_pregnant[0]
    assert _at(56, conceived, said, again, scene.life(0, "pregnant", 55)).is_pregnant[0]


def test_a_due_date_is_done_with_when_she_has_calved_early():
    cows = _at(22, scene.life(0, "due", 25, noted=5), scene.life(0, "calved", 20))
    assert np.isnan(cows.to_due_d[0])
    assert not cows.is_pregnant[0]


def test_only_what_was_noted_by_then_counts():
    late = scene.life(0, "calved", 3, noted=6)
    assert np.isnan(_at(5, late).in_milk_d[0])
    assert _at(7, late).in_milk_d[0] == 4


def test_an_animal_that_was_sold_is_gone_from_then_on():
    sold = scene.life(1, "sold", 4)
    assert _at(3, sold).is_gone.tolist() == [False, False]
    assert _at(5, sold).is_gone.tolist() == [False, True]


def test_events_of_animals_that_are_not_asked_about_are_left_aside():
    assert np.isnan(_at(5, scene.life(7, "calved", 1)).in_milk_d).all()


@given(st.lists(st.integers(-2, 60), min_size=1, max_size=12))
def test_what_is_known_does_not_depend_on_what_was_asked_before(days):
    events = [
        scene.life(0, "due", 30, noted=3),
        scene.life(0, "calved", 28, noted=31),
        scene.life(1, "inseminated", 10),
        scene.life(1, "pregnant", 45),
        scene.life(0, "sold", 50),
    ]
    asked = Lives((0, 1), events)
    for day in days:
        now_ms = hours.start_ms(scene.FIRST + day * 24)
        for one, other in zip(asked.at(now_ms), Lives((0, 1), events).at(now_ms), strict=True):
            np.testing.assert_array_equal(one, other)
