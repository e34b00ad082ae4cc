"""The collar's model and its tables: small, whole, blind to how the collar sits, learning it as it goes."""

from __future__ import annotations

from array import array
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herdcore import behaviour, tables
from herdcore.vocabulary import BEHAVIOUR_COUNT, BEHAVIOURS
from tests.core import behaviour_vectors
from tests.core.strategies import examples

ROWS = [
    tables.WEIGHTS[at : at + behaviour.FEATURES] for at in range(0, len(tables.WEIGHTS), behaviour.FEATURES)
]
STILL = bytes([10, 252, 61, 60, 55, 60, 60, 60, 60, 20, 20, 20, 40, 20])
GRAZING = bytes([40, 252, 44, 110, 106, 112, 118, 114, 120, 24, 26, 24, 40, 60])


def unknown():
    return array("h", bytes(behaviour.FRAME_BYTES))


def told(window, frame=None):
    return behaviour.classify(window, 0, unknown() if frame is None else frame)


def test_the_tables_are_a_row_of_weights_for_each_class():
    assert [BEHAVIOURS[code] for code in tables.CLASSES] == ["rest", "graze", "walk", "other"]
    assert [len(row) for row in ROWS] == [behaviour.FEATURES] * len(tables.CLASSES)
    assert len(BEHAVIOURS) == BEHAVIOUR_COUNT


def test_no_score_can_leave_what_a_board_keeps_in_a_small_int():
    most = max(255 * sum(map(abs, row)) for row in ROWS)
    assert 2 * most < 1 << 30  # a lead is the difference of two


def test_the_tables_name_the_data_they_come_from_and_what_they_cannot_tell():
    for words in ("wasp-cow-collar", "10.3389/fvets.2025.1630083", "`ruminate` is never given", "balanced"):
        assert words in tables.__doc__


def test_the_golden_behaviour_is_current():
    assert behaviour_vectors.FILE.read_text(encoding="utf-8") == behaviour_vectors.text()


def turned(window, order):
    """Return the window of a collar whose axes have changed places."""
    return bytes(window[3 * block + axis] for block in range(4) for axis in order) + window[12:]


@examples(200)
@given(
    st.binary(min_size=14, max_size=14),
    st.lists(st.integers(-8192, 8128), min_size=6, max_size=6),
    st.booleans(),
)
def test_a_collar_that_sits_another_way_round_gives_the_same_class(window, places, is_known):
    if len(set(window[3:6])) < 3:  # two axes that move alike: which of them is the strongest is chance
        return
    count = tables.LEAST if is_known else 0
    wanted = told(window, array("h", [*places[:3], count, *places[3:], count]))
    for order in permutations(range(3)):
        up, down = ([places[at + axis] for axis in order] for at in (0, 3))
        assert told(turned(window, order), array("h", [*up, count, *down, count])) == wanted


@examples(200)
@given(st.binary(min_size=14, max_size=14))
def test_features_are_what_they_are_called(window):
    out = bytearray(behaviour.FEATURES)
    behaviour.describe_into(window, 0, out)
    mad, diff, crossings = sorted(window[3:6]), sorted(window[6:9]), window[9:12]
    mean, strongest = sum(mad) // 3, window[3:6].index(mad[2])
    assert list(out[:4]) == [mad[2], mean, diff[2], sum(diff) // 3]
    assert list(out[4:8]) == [crossings[strongest], min(sum(crossings), 255), window[12], window[13]]
    assert list(out[8:]) == [min((mean - 90) ** 2 // 32, 63), mad[0], 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        (bytes(14), "rest"),
        (bytes([0, 0, 61] + [8] * 6 + [30] * 5), "rest"),
        (STILL, "rest"),
        (GRAZING, "graze"),
    ],
)
def test_a_collar_that_hardly_moves_rests_and_one_that_moves_as_grazing_does_grazes(window, wanted):
    assert BEHAVIOURS[told(window) >> 5] == wanted


def test_a_collar_learns_where_the_head_is_up_and_down_from_windows_that_are_clear():
    frame = unknown()
    for _ in range(40):
        told(STILL, frame)
        told(GRAZING, frame)
    assert [value >> 6 for value in frame[:3]] == [10, -4, 61]
    assert [value >> 6 for value in frame[4:7]] == [40, -4, 44]
    assert (frame[3], frame[7]) == (32, 32)


def test_posture_counts_only_when_both_places_are_known():
    one_sided = array("h", [640, 0, 3904, 32, 0, 0, 0, tables.LEAST - 1])
    unclear = bytes([40, 252, 44, 95, 90, 97, 95, 90, 97, 20, 22, 20, 60, 60])
    assert told(unclear, one_sided) == told(unclear)
    assert one_sided[7] == tables.LEAST - 1  # it was not clear enough to be learned from


def test_the_head_down_makes_grazing_likelier_than_the_head_up():
    frame = array("h", [640, -256, 3904, 32, 2560, -256, 2816, 32])
    lively = bytes([98, 93, 100, 98, 93, 100, 20, 22, 20, 60, 60])

    def lead(mean):
        told(bytes(mean) + lively, array("h", frame))
        return behaviour._scores[1] - behaviour._scores[0]

    assert lead((40, 252, 44)) > lead((10, 252, 61))


def test_a_collar_that_slips_is_learned_anew():
    frame = unknown()
    for _ in range(50):
        told(STILL, frame)
    slipped = turned(STILL, (2, 0, 1))
    for _ in range(250):
        told(slipped, frame)
    assert [abs((value >> 6) - mean) <= 1 for value, mean in zip(frame[:3], (61, 10, -4), strict=True)] == [
        True
    ] * 3
