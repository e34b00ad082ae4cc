"""Lying and standing from how gravity changes. Made windows: this does not say how well it works on a cow."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herdcore.features import log_code
from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.chewing import vedba_mg
from relay.behaviour.posture import (
    BETA,
    LYING,
    STANDING,
    UNKNOWN,
    VERSION,
    PostureError,
    State,
    Transition,
    decode,
    encode,
    follow,
    step,
)

START_MS = 1_700_000_000_000
MINUTE = 12  # windows, near enough
REST, GRAZE, OTHER, STIR, JOLT = "rest", "graze", "other", "stir", "jolt"
MOTION_MG = {REST: 35, GRAZE: 200, OTHER: 220, STIR: 100, JOLT: 220}


def lean(deg):
    """Gravity of a collar leaning so far to the side, in steps of 16 mg."""
    return 0, round(62.5 * np.sin(np.radians(deg))), -round(62.5 * np.cos(np.radians(deg)))


def stream(*parts):
    """Windows of (how many, what, lean in degrees), one part after the other: records, rest, on foot."""
    records, told = [], []
    for count, what, deg in parts:
        code = log_code(round(MOTION_MG[what] / 3**0.5))
        row = [each & 0xFF for each in lean(deg)] + [code] * 6 + [24, 24, 24, 20, 50]
        records += [row] * count
        told += [what] * count
    told = np.array(told)
    return np.array(records, dtype=np.uint8).reshape(-1, 14), np.isin(told, (REST, JOLT)), told == GRAZE


GRAZING, UPRIGHT = (20, GRAZE, 40), (2 * MINUTE, REST, 0)
DOWN = (1, OTHER, 30)
LAIN = (10 * MINUTE, REST, 18)
DOWN_AT = 20 + 2 * MINUTE


def times(n):
    return START_MS + WINDOW_MS * np.arange(n, dtype=np.int64)


def fold(*parts, state=None, start_ms=None):
    """Step over the parts at once; return the state and the transitions as (window, to)."""
    records, rest, on_foot = stream(*parts)
    start_ms = times(len(records)) if start_ms is None else start_ms
    state, found = step(state or State(), records, start_ms, rest, on_foot)
    return state, [((each.at_ms - START_MS) // WINDOW_MS, each.to) for each in found]


def test_a_standing_cow_that_turns_and_stays_so_has_lain_down():
    state, found = fold(GRAZING, UPRIGHT, DOWN, LAIN)
    assert found == [(DOWN_AT, LYING)]
    assert state.posture == LYING


def test_it_is_told_after_four_minutes_and_not_before():
    before = 4 * 60_000 // WINDOW_MS
    assert fold(GRAZING, UPRIGHT, DOWN, (before - 1, REST, 18))[1] == []
    assert fold(GRAZING, UPRIGHT, DOWN, (before + 1, REST, 18))[1] == [(DOWN_AT, LYING)]


def test_a_lying_cow_that_grazes_has_risen():
    state, found = fold(GRAZING, UPRIGHT, DOWN, LAIN, GRAZING)
    assert found == [(DOWN_AT, LYING), (DOWN_AT + 1 + LAIN[0], STANDING)]
    assert state.posture == STANDING


def test_a_lying_cow_that_turns_back_to_how_she_stood_has_risen():
    _, found = fold(GRAZING, UPRIGHT, DOWN, LAIN, DOWN, (3 * MINUTE, REST, 2))
    assert found == [(DOWN_AT, LYING), (DOWN_AT + 1 + LAIN[0], STANDING)]


def test_a_lying_cow_that_turns_her_head_away_still_lies():
    state, found = fold(GRAZING, UPRIGHT, DOWN, LAIN, DOWN, (3 * MINUTE, REST, 40))
    assert found == [(DOWN_AT, LYING)]
    assert state.posture == LYING


@pytest.mark.parametrize("back", [(5, GRAZE, 40), (2 * MINUTE, REST, 0)])
def test_lying_of_less_than_four_minutes_is_none(back):
    turned = (2 * MINUTE, REST, 18)
    rise = () if back[1] == GRAZE else (DOWN,)
    state, found = fold(GRAZING, UPRIGHT, DOWN, turned, *rise, back, (10 * MINUTE, REST, 0))
    assert found == []
    assert state.posture == STANDING


@pytest.mark.parametrize("deg", [0, 4, 75])
def test_too_small_a_turn_is_her_head_and_too_great_a_one_the_collar(deg):
    assert fold(GRAZING, UPRIGHT, DOWN, (10 * MINUTE, REST, deg))[1] == []


def test_a_turn_without_a_burst_is_no_transition():
    assert fold(GRAZING, UPRIGHT, LAIN)[1] == []


def test_a_weak_movement_is_no_burst():
    assert fold(GRAZING, UPRIGHT, (1, STIR, 30), LAIN)[1] == []


def test_a_burst_counts_even_if_it_was_told_as_rest():
    assert fold(GRAZING, UPRIGHT, (1, JOLT, 30), LAIN)[1] == [(DOWN_AT, LYING)]


def test_half_a_minute_of_scratching_is_no_burst():
    assert fold(GRAZING, UPRIGHT, (6, OTHER, 30), LAIN)[1] == []


def test_a_turn_that_does_not_last_a_minute_is_none():
    assert fold(GRAZING, UPRIGHT, DOWN, (6, REST, 18), (10 * MINUTE, REST, 0))[1] == []


def test_two_windows_on_foot_are_a_mistake_and_not_walking():
    state, found = fold((2, GRAZE, 0), UPRIGHT)
    assert (state.posture, found) == (UNKNOWN, [])


def test_nothing_is_said_of_a_cow_that_was_never_on_foot():
    state, found = fold(UPRIGHT, DOWN, LAIN)
    assert (state.posture, found) == (UNKNOWN, [])
    assert state.sure_at(START_MS) == 0.5


def test_after_four_minutes_without_windows_nothing_is_known():
    records, rest, on_foot = stream(GRAZING, UPRIGHT, DOWN, LAIN)
    start_ms = times(len(records))
    start_ms[-5:] += 4 * 60_000
    state, _ = step(State(), records, start_ms, rest, on_foot)
    assert state.posture == UNKNOWN


def test_a_lying_down_with_a_hole_right_behind_it_is_not_told():
    records, rest, on_foot = stream(GRAZING, UPRIGHT, DOWN, LAIN)
    start_ms = times(len(records))
    start_ms[DOWN_AT + 20 :] += 5 * 60_000
    assert step(State(), records, start_ms, rest, on_foot)[1] == []


def test_the_greater_the_turn_the_surer_up_to_seven_tenths():
    sure = []
    for deg in (9, 15, 24, 50):
        records, rest, on_foot = stream(GRAZING, UPRIGHT, DOWN, (10 * MINUTE, REST, deg))
        [told] = step(State(), records, times(len(records)), rest, on_foot)[1]
        sure.append(told.confidence)
    assert sure == sorted(sure)
    assert 0.3 <= sure[0] < sure[1] < sure[2]
    assert sure[2:] == pytest.approx([0.7, 0.7], abs=0.03)


def test_a_posture_not_confirmed_fades():
    state, _ = fold(GRAZING)
    at = [state.sure_at(state.since_ms + minutes * 60_000) for minutes in (0, 30, 600)]
    assert at[0] == pytest.approx(0.95)
    assert at[0] > at[1] > at[2]
    assert at[2] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("turn", [(1, -1, -1), (-1, 1, -1), (-1, -1, 1)])
def test_a_collar_the_wrong_way_round_tells_the_same(turn):
    records, rest, on_foot = stream(GRAZING, UPRIGHT, DOWN, LAIN, GRAZING)
    turned = records.copy()
    turned[:, :3] = (records[:, :3].view(np.int8) * np.array(turn, dtype=np.int8)).view(np.uint8)
    told = [step(State(), each, times(len(records)), rest, on_foot)[1] for each in (records, turned)]
    assert told[0] == told[1]
    assert len(told[0]) == 2


DAY = stream(
    GRAZING, UPRIGHT, DOWN, LAIN, DOWN, (3 * MINUTE, REST, 2), DOWN, (5 * MINUTE, REST, 20), GRAZING, UPRIGHT
)


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(0, len(DAY[0])), max_size=12),
    holes=st.lists(st.tuples(st.integers(1, len(DAY[0]) - 1), st.integers(1, 400_000)), max_size=3),
    odd=st.sets(st.integers(0, len(DAY[0]) - 1), max_size=20),
)
def test_any_batching_of_a_stream_tells_the_same(cuts, holes, odd):
    records, rest, on_foot = (each.copy() for each in DAY)
    start_ms = times(len(records))
    rest[list(odd)] ^= True
    for at, ms in holes:
        start_ms[at:] += ms
    whole_state, whole = step(State(), records, start_ms, rest, on_foot)
    state, found = State(), []
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(records)], strict=True):
        part = slice(begin, end)
        state = decode(encode(state), VERSION)
        state, told = step(state, records[part], start_ms[part], rest[part], on_foot[part])
        found += told
    assert found == whole
    assert state == whole_state


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, len(DAY[0])), max_size=12), st.sets(st.integers(0, len(DAY[0]) - 1), max_size=20)
)
def test_how_likely_she_lies_is_the_same_in_any_portions(cuts, odd):
    records, rest, on_foot = (each.copy() for each in DAY)
    rest[list(odd)] ^= True
    start_ms = times(len(records))
    _, _, whole = follow(State(), records, start_ms, rest, on_foot)
    state, told = State(), []
    for begin, end in itertools.pairwise([0, *sorted(cuts), len(records)]):
        part = slice(begin, end)
        state, _, lying = follow(state, records[part], start_ms[part], rest[part], on_foot[part])
        told += lying.tolist()
    # A lying down is told late: until then, and in another portion, she is thought to stand.
    differ = np.flatnonzero(np.array(told) != whole)
    assert not len(differ)


def test_a_grazing_cow_stands_as_surely_in_every_window():
    records, rest, on_foot = stream(GRAZING, (3, REST, 0), GRAZING)
    _, _, lying = follow(State(), records, times(len(records)), rest, on_foot)
    assert lying.tolist()[:2] == [-1, -1]
    assert set(lying[2:20].tolist()) == {5}
    assert set(lying[25:].tolist()) == {5}


def test_motion_that_is_known_already_tells_the_same():
    records, rest, on_foot = DAY
    told = [
        follow(State(), records, times(len(records)), rest, on_foot, motion_mg)[:2]
        for motion_mg in (None, vedba_mg(records))
    ]
    assert told[0] == told[1]


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=14 * 60, max_size=14 * 60), st.integers(0, 2**60 - 1))
def test_no_bytes_of_a_collar_break_it(data, bits):
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, 14)
    told = np.array([bits >> i & 1 for i in range(60)], dtype=bool)
    state, found = step(State(), records, times(60), told, ~told)
    assert all(0 <= each.confidence <= 1 for each in found)
    assert len(encode(state)) <= 978


def test_windows_that_do_not_follow_are_refused():
    records, rest, on_foot = stream(UPRIGHT)
    state, _ = step(State(), records, times(24), rest, on_foot)
    with pytest.raises(PostureError, match=f"start_ms {START_MS} after"):
        step(state, records, times(24), rest, on_foot)
    with pytest.raises(PostureError, match="23 windows"):
        step(State(), records, times(23), rest, on_foot)


def test_a_state_comes_back_as_it_was_written():
    state, _ = fold(GRAZING, UPRIGHT, DOWN, (2 * MINUTE, REST, 18))
    assert isinstance(state.pending, Transition)
    assert decode(encode(state), VERSION) == state
    assert len(encode(state)) <= 586


@pytest.mark.parametrize(
    ("data", "version"), [(encode(State()), VERSION + 1), (b"", VERSION), (encode(State()) + b"x", VERSION)]
)
def test_a_state_of_another_version_or_shape_is_refused(data, version):
    with pytest.raises(PostureError, match="posture state of version"):
        decode(data, version)


def test_a_posture_that_does_not_exist_is_refused():
    with pytest.raises(PostureError, match="posture 9"):
        decode(b"\x09" + encode(State())[1:], VERSION)


def test_it_says_that_it_is_beta():
    assert "beta" in BETA
