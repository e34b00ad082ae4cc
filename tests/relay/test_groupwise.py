"""Groups that are low for hours, and the one event of the farm that comes of it."""

import numpy as np

from relay.scoring import groupwise

EAST, WEST = np.arange(5), np.arange(5, 10)


def _through(hours, state=None):
    """Follow hours of (groups, flags); return what was found and what was over, by hour."""
    state, found, over = state or groupwise.start(10), [], []
    for number, (groups, is_low) in enumerate(hours, 100):
        after = groupwise.step(state, number, groups, is_low)
        state = after.state
        found += [(number, after.found, after.lasting)] if after.found is not None else []
        over += [(number, after.over)] if after.over is not None else []
    return found, over


def _both(east, west):
    return [EAST, WEST], [east, west]


def test_one_group_that_is_low_for_hours_is_an_event_of_the_farm():
    found, _ = _through([_both(False, False)] * 3 + [_both(False, True)] * groupwise.RUN_H)
    assert found == [(100 + 3 + groupwise.RUN_H - 1, 103, [1])]


def test_groups_that_are_low_in_turns_are_no_event():
    assert _through([_both(True, False), _both(False, True)] * 12) == ([], [])


def test_a_second_group_that_gets_low_belongs_to_the_event():
    found, _ = _through([_both(True, False)] * 8 + [_both(True, True)] * 12)
    assert len(found) == 1


def test_it_is_over_after_a_day_in_which_no_group_was_low():
    low, fine = [_both(True, False)] * 8, [_both(False, False)] * groupwise.QUIET_H
    assert _through(low + fine)[1] == [(107 + groupwise.QUIET_H, 100)]


def test_hours_in_which_no_group_is_known_count_for_nothing():
    low = [_both(True, False)] * groupwise.RUN_H
    assert _through(low + [([], [])] * 48)[1] == []


def test_animals_that_come_from_a_low_group_bring_nothing_along():
    low = [_both(True, False)] * (groupwise.RUN_H - 1)
    moved = [np.arange(2, 5), np.array([0, 1, *range(5, 10)])]
    assert _through([*low, (moved, [False, True])]) == ([], [])


def test_small_groups_and_animals_of_which_too_little_is_known_are_left_out():
    known = np.array([True] * 5 + [False] + [True] * 4)
    (only,) = groupwise.groups_of(known, np.array([7] * 5 + [9] * 5))
    assert only.tolist() == EAST.tolist()
