"""A cow's own frame, from unit gravity by class seen through a collar that sits any way round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.behaviour import frame
from relay.behaviour.described import describe
from tests.relay import cow_windows as cow

TEMPLATES = frame.directions(np.array([(0.75, 0.1, -0.65), (0.1, 0.1, -1.0), (0.4, -0.3, -0.9)]))
HERD = frame.Herd(TEMPLATES, np.array([(8.0, 7.0), (5.0, 4.0), (7.0, 6.0)]), (0, 1))
EVEN = (100.0, 100.0, 100.0)


@st.composite
def turns(draw):
    """Any proper rotation: a unit quaternion as a matrix."""
    parts = draw(
        st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.hypot.reduce(q) > 0.1)
    )
    w, x, y, z = np.array(parts) / np.hypot.reduce(parts)
    return np.array(
        [
            (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
        ]
    )


def sums(directions, count=EVEN, loud=((8.0, 7.0), (5.0, 4.0), (7.0, 6.0))):
    """Sums of so many windows of each class, all alike."""
    means = np.column_stack((directions, np.ones(len(directions)), loud))
    return means * np.array(count)[:, None]


@given(turns())
def test_the_rotation_of_any_collar_is_recovered(turn):
    # A collar that is turned reads v @ turn; her frame is what turns that back.
    assert frame.rotation(sums(TEMPLATES @ turn), TEMPLATES) == pytest.approx(turn, abs=1e-9)


@given(turns())
def test_two_classes_are_enough_for_the_whole_rotation(turn):
    few = sums(TEMPLATES @ turn, (100.0, 100.0, 0.0))
    assert frame.rotation(few, TEMPLATES) == pytest.approx(turn, abs=1e-9)


@given(turns(), st.sampled_from([(100.0, 0.0, 0.0), (0.0, 7.0, 0.0)]))
def test_one_class_alone_is_laid_on_its_template_and_leaves_the_turn_about_it_open(turn, count):
    found = frame.rotation(sums(TEMPLATES @ turn, count), TEMPLATES)
    only = int(np.argmax(count))
    assert found @ (TEMPLATES @ turn)[only] == pytest.approx(TEMPLATES[only], abs=1e-9)


@given(turns(), st.tuples(*[st.floats(0, 500)] * 3))
def test_a_rotation_is_never_a_mirror(turn, count):
    found = frame.rotation(sums(TEMPLATES @ turn, count), TEMPLATES)
    assert found @ found.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(found) == pytest.approx(1.0)


def test_no_windows_turn_nothing_into_a_number_that_is_none():
    nothing = np.zeros((3, frame.COLUMNS))
    found = frame.rotation(nothing, TEMPLATES)
    assert np.linalg.det(found) == pytest.approx(1.0)
    assert frame.levels(nothing, HERD) == pytest.approx(HERD.levels[[0, 1]])


def test_levels_are_the_herds_while_little_is_known_and_her_own_later():
    loud = ((9.0, 9.0), (6.0, 6.0), (0.0, 0.0))
    away = [
        np.abs(frame.levels(sums(TEMPLATES, (n, n, n), loud), HERD) - np.array(loud[:2])).max()
        for n in (0.0, 1.0, 20.0, 1000.0)
    ]
    assert away == sorted(away, reverse=True)
    assert away[0] == pytest.approx(2.0)
    assert away[2] == pytest.approx(1.0)  # as many windows as the herd counts for
    assert away[3] < 0.05


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 176), st.integers(0, 1000))
def test_the_sums_of_parts_are_those_of_the_whole_to_the_last_bit(cut, seed):
    kinds = cow.day(176, seed)
    described = describe(cow.records(kinds, seed))
    posterior = np.random.default_rng(seed).dirichlet(np.ones(4), size=176)
    parts = [frame.sums_of(posterior[some], described[some]) for some in (slice(cut), slice(cut, None))]
    whole = frame.sums_of(posterior, described)
    assert np.array_equal(parts[0] + parts[1], whole)
    assert whole[:, 3].sum() == pytest.approx(176, abs=0.01)


def test_a_row_is_the_same_to_the_last_bit_whatever_rows_stand_beside_it():
    random = np.random.default_rng(5)
    rows, matrix = random.normal(size=(90, 24)), random.normal(size=(24, 64))
    whole = frame.times(rows, matrix)
    for size in (1, 2, 3, 5, 12, 89):
        parts = [frame.times(rows[at : at + size], matrix) for at in range(0, 90, size)]
        assert np.array_equal(np.concatenate(parts), whole)


def test_gravity_of_nothing_has_no_direction():
    assert frame.directions(np.zeros((2, 3))).tolist() == [[0, 0, 0]] * 2


def test_frames_of_several_collars_at_once_are_those_of_each():
    every = np.array([sums(TEMPLATES), sums(TEMPLATES @ cow.AROUND_Y), sums(-TEMPLATES), 0 * sums(TEMPLATES)])
    turns_of, levels_of = frame.rotation(every, TEMPLATES), frame.levels(every, HERD)
    for each, turn, level in zip(every, turns_of, levels_of, strict=True):
        assert np.array_equal(turn, frame.rotation(each, TEMPLATES))
        assert np.array_equal(level, frame.levels(each, HERD))
        assert np.linalg.det(turn) == pytest.approx(1.0)


def test_sums_by_stretch_are_the_sums_of_each_stretch():
    described = describe(cow.records(cow.day(100), 3))
    posterior = np.random.default_rng(1).dirichlet((1, 1, 1), 100)
    by = frame.sums_by(posterior, described, (0, 30, 31, 100))
    for part, each in zip((slice(0, 30), slice(30, 31), slice(31, 100)), by, strict=True):
        assert np.array_equal(each, frame.sums_of(posterior[part], described[part]))


def angles(templates):
    return templates @ templates.T


@settings(max_examples=30, deadline=None)
@given(st.lists(turns(), min_size=4, max_size=4))
def test_what_is_learned_of_a_herd_does_not_depend_on_how_the_collars_sat(sat):
    own = [TEMPLATES + 0.03 * np.random.default_rng(i).normal(size=(3, 3)) for i in range(4)]
    straight = frame.learn_herd([sums(each) for each in own], (0, 1))
    turned = frame.learn_herd([sums(each @ turn) for each, turn in zip(own, sat, strict=True)], (0, 1))
    assert angles(turned.templates) == pytest.approx(angles(straight.templates), abs=1e-6)
    assert turned.levels == pytest.approx(straight.levels)


def test_a_cow_that_was_hardly_seen_in_a_class_has_no_say_in_it():
    odd = TEMPLATES.copy()
    odd[2] = -odd[2]
    herd = frame.learn_herd([sums(TEMPLATES), sums(odd, (100.0, 100.0, 2.0))], (0, 1))
    assert angles(herd.templates) == pytest.approx(angles(TEMPLATES), abs=1e-9)


def test_a_class_that_no_cow_was_seen_in_pulls_at_nothing():
    herd = frame.learn_herd([sums(TEMPLATES, (100.0, 100.0, 0.0))] * 3, (0, 1))
    assert herd.templates[2].tolist() == [0, 0, 0]
    assert herd.levels[2].tolist() == [0, 0]
    turn = cow.AROUND_Y
    assert frame.rotation(sums(TEMPLATES @ turn), herd.templates) == pytest.approx(turn, abs=1e-9)
