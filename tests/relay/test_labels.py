"""Windows to labelled minutes: a cow of numbers, in any portions, with everything that may go wrong."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herdcore.vocabulary import BEHAVIOURS, WINDOW_MS
from relay.behaviour import labels
from relay.behaviour.labels import VERSION, LabelsError, State, decode, encode, step
from relay.behaviour.minutes import MINUTE_MS, RECORDS, Minute
from tests.relay import cow_windows as cow

UNKNOWN, REST, RUMINATE, GRAZE, WALK, OTHER = range(6)
CHUNK = 600  # windows, 51 minutes
FROZEN = np.array([0, 0, 61, *[0] * 11], dtype=np.uint8)


def behaves(kinds, seed=0, first_ms=cow.START_MS, turn=cow.SEATED):
    """The minutes of a cow that does these without a gap."""
    return cow.minutes(cow.starts(len(kinds), first_ms), cow.records(kinds, seed, turn))


def told(minutes, state=None):
    after, out = step(state or State(), minutes, using=cow.model())
    return after, out


def in_portions(minutes, cuts, between=lambda state: state):
    state, out = State(), []
    for first, end in itertools.pairwise([0, *sorted(cuts), len(minutes)]):
        state, some = told(minutes[first:end], state)
        state = between(state)
        out += some
    return state, out


@st.composite
def streams(draw):
    """Minutes with gaps, doubted windows, coarse minutes and two boots at a time."""
    out, at = [], cow.START_MS
    for seed in draw(st.lists(st.integers(0, 50), min_size=1, max_size=4)):
        at += draw(st.sampled_from((0, 6_000, 70_000, 700_000, 86_400_000)))
        at = max(at, (out[-1].minute + 1) * MINUTE_MS if out else 0)
        windows = draw(st.sampled_from((3, 40, 150, 300)))
        rows, times = cow.records(cow.day(windows, seed, 40), seed), cow.starts(windows, at)
        frozen = draw(st.sampled_from((0, 0, 1, 20, 140)))
        rows[10 : 10 + frozen] = FROZEN
        if draw(st.booleans()):  # a second boot's windows between the others
            rows, times = np.repeat(rows, 2, axis=0), np.repeat(times, 2) + np.tile((0, 700), windows)
        out += cow.minutes(times, rows)
        at = int(times[-1]) + WINDOW_MS
        if draw(st.booleans()):
            at = (at // MINUTE_MS + 1) * MINUTE_MS
            coarse = at // MINUTE_MS
            code = draw(st.sampled_from((0, 3 << 5 | 20)))
            out.append(Minute(coarse, 12, 0, 56_000, 500, 90, 500, 0, 0, 700, RECORDS, b"", code))
            at += MINUTE_MS
    return out


def same_each(state):
    assert decode(encode(state), VERSION) == state
    return decode(encode(state), VERSION)


@settings(max_examples=25, deadline=None)
@given(streams(), st.lists(st.integers(0, 80), max_size=10))
def test_in_any_portions_and_stored_between_them_it_says_the_same(minutes, cuts):
    whole, at_once = told(minutes)
    some, by_and_by = in_portions(minutes, [min(cut, len(minutes)) for cut in cuts], same_each)
    assert by_and_by == at_once
    assert encode(some) == encode(whole)


def test_minute_by_minute_it_says_the_same():
    minutes = behaves(cow.day(CHUNK, 3, 50), 3)
    assert in_portions(minutes, range(1, len(minutes)), same_each) == told(minutes)


def test_a_cow_is_told_as_what_she_does():
    kinds = np.repeat((cow.GRAZING, cow.STILL, cow.WALKING, cow.GRAZING), CHUNK // 4)
    _, out = told(behaves(kinds))
    wanted = np.select([kinds == cow.GRAZING, kinds == cow.STILL], [GRAZE, REST], WALK)
    middle = wanted[(np.array([each.minute for each in out]) * MINUTE_MS - cow.START_MS) // WINDOW_MS + 6]
    right = np.mean([each.behaviour == want for each, want in zip(out, middle.tolist(), strict=True)])
    assert right > 0.9
    assert np.median([each.confidence for each in out]) > 80


def test_a_collar_that_sits_the_other_way_round_tells_the_same_after_a_while():
    kinds = cow.day(3000, 5, 100)
    straight, turned = (told(behaves(kinds, 5, turn=turn))[1][100:] for turn in (cow.SEATED, cow.AROUND_Y))
    same = [one.behaviour == other.behaviour for one, other in zip(straight, turned, strict=True)]
    assert np.mean(same) > 0.97


def test_the_last_windows_wait_for_what_comes_after_them():
    minutes = behaves([cow.STILL] * 40)
    state, out = told(minutes)
    assert [each.minute for each in out] == [each.minute for each in minutes[:-1]]
    assert [each.minute for each in state.open] == [minutes[-1].minute]
    more = behaves([cow.STILL] * 40, 1, (minutes[-1].minute + 1) * MINUTE_MS)
    assert told(more, state)[1][0].minute == minutes[-1].minute


def test_every_minute_is_told_once_and_in_order():
    minutes = behaves(cow.day(CHUNK))
    _, out = in_portions(minutes, range(0, len(minutes), 15))
    assert [each.minute for each in out] == [each.minute for each in minutes[:-1]]
    assert [each.windows for each in out] == [each.windows for each in minutes[:-1]]


def test_confidence_and_behaviour_keep_to_their_bounds():
    for each in told(behaves(cow.day(CHUNK)))[1]:
        assert 0 <= each.behaviour < len(BEHAVIOURS)
        assert 0 <= each.confidence <= 100
        assert -1 <= each.lying <= 100
        assert 0 <= each.ruminating <= each.windows


def test_a_minute_of_half_doubted_windows_is_unknown_and_of_fewer_is_not():
    times, rows = cow.starts(36), cow.records([cow.STILL] * 36)
    rows[0:6] = FROZEN  # 6 of the first minute's 12
    rows[13:18] = FROZEN  # 5 of the second's
    _, out = told(cow.minutes(times, rows))
    assert [(each.behaviour, each.windows) for each in out] == [(UNKNOWN, 12), (REST, 12)]
    assert out[0][2:] == (100, 12, 0, -1)


def test_a_sensor_that_froze_is_told_as_unknown_minute_by_minute_and_nothing_piles_up():
    minutes = behaves([cow.STILL] * 60)
    rows = np.tile(FROZEN, (5000, 1))
    frozen = cow.minutes(cow.starts(5000, (minutes[-1].minute + 1) * MINUTE_MS), rows)
    state, out = told(minutes)
    sizes = []
    for first in range(0, len(frozen), 15):
        state, some = told(frozen[first : first + 15], state)
        out += some
        sizes.append(len(encode(state)))
    assert max(sizes) < 3000
    assert [each.minute for each in out] == [each.minute for each in (*minutes, *frozen)]
    assert {each.behaviour for each in out[6:]} == {UNKNOWN}


def test_only_doubted_windows_from_the_first_day_on_are_unknown():
    minutes = cow.minutes(cow.starts(100), np.tile(FROZEN, (100, 1)))
    state, out = told(minutes)
    assert [each.behaviour for each in out] == [UNKNOWN] * len(minutes)
    assert state.open == ()
    assert state.sitting.sums() is None


def test_after_a_gap_what_was_before_is_told_and_does_not_colour_what_comes():
    before = behaves([cow.GRAZING] * 64)
    after = behaves([cow.STILL] * 64, 1, cow.START_MS + 86_400_000)
    _, out = told([*before, *after])
    assert [each.minute for each in out] == [each.minute for each in [*before, *after][:-1]]
    assert {each.behaviour for each in out[len(before) :]} == {REST}


def test_windows_of_two_boots_at_the_same_time_make_one_minute_of_all_that_are_later():
    rows = cow.records([cow.GRAZING] * 60)
    times = np.repeat(cow.starts(30), 2)
    times[1::4] += 700  # the other pairs start at one and the same moment
    _, out = told(cow.minutes(times, rows))
    assert [each.windows for each in out] == [18, 18]


def test_minutes_that_were_seen_before_or_go_backward_are_left_out():
    minutes = behaves([cow.GRAZING] * 60)
    state, _ = told(minutes)
    assert told(minutes, state) == (state, [])
    older = behaves([cow.STILL] * 30, 1, cow.START_MS - 20 * MINUTE_MS)
    assert told([*older, *minutes[1:3]], state) == (state, [])


def coarse(number, name="ruminate", of_32=24):
    """A minute record after that many minutes, with the class and confidence that the collar gave it."""
    code = BEHAVIOURS.index(name) << 5 | of_32
    first = cow.START_MS // 60_000
    return Minute(first + number, 12, 0, 56_000, 500, 90, 500, 0, 0, 700, RECORDS, b"", code)


def test_a_minute_record_has_the_label_that_the_collar_gave_it():
    _, out = told([coarse(0), coarse(1, "walk", 31), coarse(2, "graze", 16)])
    first = cow.START_MS // 60_000
    assert out == [
        (first, RUMINATE, 75, 12, 0, -1),
        (first + 1, BEHAVIOURS.index("walk"), 97, 12, 0, -1),
        (first + 2, GRAZE, 50, 12, 0, -1),
    ]


def test_a_coarse_minute_of_which_the_collar_told_nothing_has_no_label():
    assert told([coarse(n, "unknown", 0) for n in range(5)])[1] == []


def test_coarse_minutes_take_their_place_among_those_of_windows_in_any_portions():
    windows = behaves(cow.day(360, 3))
    last = windows[-1].minute - cow.START_MS // 60_000
    back = behaves([cow.GRAZING] * 60, 5, cow.START_MS + (last + 20) * 60_000)
    minutes = [*windows[:-1], *[coarse(last + n) for n in range(16)], *back]
    state, out = told(minutes)
    assert [each.minute for each in out] == [each.minute for each in minutes[: len(out)]]
    assert len(out) >= len(minutes) - 2
    for size in (1, 3, 11):
        parted, each = in_portions(
            minutes, range(0, len(minutes), size), lambda s: decode(encode(s), VERSION)
        )
        assert each == out
        assert same_each(parted) == same_each(state)


def test_a_collar_that_goes_over_to_coarse_minutes_for_good_leaves_nothing_waiting():
    windows = behaves([cow.STILL] * 100)
    last = windows[-1].minute - cow.START_MS // 60_000
    state, before = told(windows)
    state, out = told([coarse(last + n) for n in range(1, 40)], state)
    assert len(before) + len(out) == len(windows) + 39
    assert state.open == ()
    state, out = told([coarse(last + 39), coarse(last + 40)], state)
    assert [each.minute - cow.START_MS // 60_000 for each in out] == [last + 40]


def test_nothing_changes_nothing():
    state, _ = told(behaves([cow.STILL] * 30))
    assert told([]) == (State(), [])
    assert told([], state) == (state, [])


def test_lying_is_not_known_of_a_cow_that_was_never_on_foot():
    _, out = told(behaves([cow.STILL] * 100))
    assert {each.lying for each in out} == {-1}


def test_a_cow_on_foot_hardly_lies_and_how_sure_that_is_fades():
    _, out = told(behaves([cow.GRAZING] * 100 + [cow.STILL] * 500))
    lying = [each.lying for each in out]
    assert lying[1:8] == [5] * 7  # 0.9 of confidence is 95 percent
    assert lying[12:] == sorted(lying[12:])
    assert 15 < lying[-1] < 50


def test_a_still_cow_with_a_chewing_line_ruminates():
    rows, times = cow.records([cow.STILL] * 400), cow.starts(400)
    rows[:, 9:12] = 27
    rows[:, 13] = 120
    rows[:, 3:9] += 10
    rows[::10, 13] = 20  # a pause between two boli
    _, out = told(cow.minutes(times, rows))
    later = [each.behaviour for each in out[5:]]
    assert later.count(RUMINATE) > 0.8 * len(later)


def test_the_state_of_a_collar_that_sends_every_window_has_the_size_that_is_promised():
    state, sizes = State(), []
    minutes = behaves(cow.day(4000, 1))
    for first in range(0, len(minutes), 15):
        state, _ = told(minutes[first : first + 15], state)
        sizes.append(len(encode(state)))
    assert max(sizes) <= 1_800


def test_a_state_of_another_version_is_refused():
    with pytest.raises(LabelsError, match=f"version {VERSION + 1}: known is {VERSION}"):
        decode(encode(State()), VERSION + 1)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"\0", lambda _: b"\x01"])
def test_a_damaged_state_is_refused(damage):
    state, _ = told(behaves([cow.STILL] * 100))
    with pytest.raises(LabelsError, match="damaged behaviour state of"):
        decode(damage(encode(state)), VERSION)


def test_a_new_state_comes_back_as_it_was():
    assert decode(encode(State()), VERSION) == State()


def test_every_class_of_the_model_has_a_place_on_the_wire():
    assert {BEHAVIOURS[code] for code in labels.CODES.values()} == {"graze", "rest", "walk", "other"}
