"""Who lives with whom, and the middle of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.scoring import groups

VALUES = st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=60)


@given(VALUES)
def test_the_middle_is_the_median_of_numpy_to_the_bit(values):
    array = np.array(values, np.float32)
    assert groups.middle(array) == np.median(array)
    assert groups.middle(array).dtype == np.float32


@given(VALUES, st.integers(0, 9))
def test_values_that_are_not_known_are_left_out_of_it(values, missing):
    array = np.array([np.nan] * missing + values, np.float32)
    assert groups.middle(array, len(values)) == np.median(np.array(values, np.float32))


def test_columns_have_their_own_middle_and_their_own_gaps():
    table = np.array([[1, np.nan], [2, 7], [6, 9], [4, np.nan]], np.float32)
    assert groups.middle(table, np.array([4, 2])).tolist() == [3, 8]
    assert groups.middle(table[1:3]).tolist() == [4, 8]


def test_places_are_by_the_number_of_the_group():
    first, second = groups.places(np.array([7, 2, 7]))
    assert (first.tolist(), second.tolist()) == ([1], [0, 2])


@pytest.mark.parametrize("other", [[0, 0], [0, 1]])
def test_another_farm_has_its_own_places(other):
    groups.places(np.array([0, 1]))
    assert len(groups.places(np.array(other))) == len(set(other))


def test_an_array_as_a_key_is_itself_only():
    array = np.zeros(2)
    assert groups.Same(array) == groups.Same(array)
    assert groups.Same(array) != groups.Same(array.copy())
    assert groups.Same(array) != array.tobytes()
