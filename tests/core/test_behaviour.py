"""The tree and its tables: small, whole, blind to how the collar sits."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herdcore import behaviour, tables
from herdcore.vocabulary import BEHAVIOURS
from tests.core import behaviour_vectors
from tests.core.strategies import examples

LEAF = 0xFF


def reached(node=0):
    """Return the nodes of the tree that can be come to, each once."""
    if tables.FEATURE[node] == LEAF:
        return [node]
    assert tables.RIGHT[node] > node + 1
    return [node, *reached(node + 1), *reached(tables.RIGHT[node])]


def test_the_tables_are_one_tree_of_at_most_63_nodes():
    size = len(tables.FEATURE)
    assert len(tables.VALUE) == len(tables.RIGHT) == size <= 63
    assert sorted(reached()) == list(range(size))
    inner = [f for f in tables.FEATURE if f != LEAF]
    assert max(inner) < behaviour.FEATURES
    assert len(inner) == size // 2


def test_every_leaf_gives_a_class_that_there_is():
    leaves = [v for f, v in zip(tables.FEATURE, tables.VALUE, strict=True) if f == LEAF]
    given_classes = {BEHAVIOURS[leaf >> 5] for leaf in leaves}
    assert given_classes == {"rest", "graze", "walk", "other"}


def test_the_tables_name_the_data_they_come_from_and_what_they_cannot_tell():
    for words in ("wasp-cow-collar", "10.3389/fvets.2025.1630083", "`ruminate` is never given", "balanced"):
        assert words in tables.__doc__


def test_the_golden_behaviour_is_current():
    assert behaviour_vectors.FILE.read_text(encoding="utf-8") == behaviour_vectors.text()


@examples(200)
@given(st.binary(min_size=14, max_size=14), st.binary(min_size=3, max_size=3))
def test_a_collar_that_sits_another_way_round_gives_the_same_class(window, posture):
    if len(set(window[3:6])) < 3:  # two axes that move alike: which of them is the strongest is chance
        return
    wanted = behaviour.classify(window, 0)
    for order in permutations(range(3)):
        turned = bytes(window[3 * block + axis] for block in range(4) for axis in order) + window[12:]
        assert behaviour.classify(posture + turned[3:], 0) == wanted


@examples(200)
@given(st.binary(min_size=14, max_size=14))
def test_features_are_what_they_are_called(window):
    out = bytearray(behaviour.FEATURES)
    behaviour.describe_into(window, 0, out)
    mad, diff, crossings = sorted(window[3:6]), sorted(window[6:9]), window[9:12]
    strongest = window[3:6].index(mad[2])
    assert list(out[:6]) == [mad[2], mad[0], sum(mad) // 3, diff[2], diff[0], sum(diff) // 3]
    assert list(out[6:10]) == [crossings[strongest], min(sum(crossings), 255), window[12], window[13]]
    assert [out[10], out[11]] == [
        min(max(128 + out[5] - out[2], 0), 255),
        min(max(128 + diff[2] - mad[2], 0), 255),
    ]


@pytest.mark.parametrize(
    ("window", "wanted"), [(bytes(14), "rest"), (bytes([0, 0, 61] + [8] * 6 + [30] * 5), "rest")]
)
def test_a_collar_that_hardly_moves_rests(window, wanted):
    assert BEHAVIOURS[behaviour.classify(window, 0) >> 5] == wanted
