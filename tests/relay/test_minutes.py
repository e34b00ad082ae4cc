"""Windows to minutes."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herdcore.features import log_mg
from herdcore.vocabulary import WINDOW_MS
from herdcore.wire import unpack_windows
from relay.behaviour.minutes import (
    MAX_WINDOWS,
    ROW_BYTES,
    WINDOWS,
    Minute,
    add,
    holds_motion,
    is_whole,
    minute_parts,
)
from tests.relay.scoring_frames import (
    GRAZING,
    MONDAY,
    MONDAY_MS,
    RESTING,
    frame,
    frames_of,
    window,
    windows_of,
)

RECORDS = st.lists(st.binary(min_size=14, max_size=14), min_size=1, max_size=40)


def in_plain_python(one):
    """The minutes of a frame, computed window by window from the wire's own decoder."""
    minutes = {}
    for i, each in enumerate(unpack_windows(one.records)):
        record = one.records[14 * i : 14 * i + 14]
        number, offset = divmod(one.first_ms + i * WINDOW_MS, 60_000)
        motion = sum(log_mg(code) for code in each[3:6])
        change = sum(log_mg(code) for code in each[6:9])
        row = offset.to_bytes(2, "little") + record
        part = Minute(number, 1, offset, offset, motion, motion, change, *each[:3], WINDOWS, row)
        minutes[number] = add(minutes[number], part) if number in minutes else part
    return list(minutes.values())


def merged(frames):
    """All minutes of the frames, by number."""
    minutes = {}
    for part in (part for parts in minute_parts(frames) for part in parts):
        minutes[part.minute] = add(minutes[part.minute], part) if part.minute in minutes else part
    return minutes


@given(st.lists(st.tuples(RECORDS, st.integers(0, 10**7)), max_size=5))
def test_the_batch_gives_what_plain_python_gives_window_by_window(content):
    frames = [frame(records, MONDAY_MS + offset) for records, offset in content]
    assert minute_parts(frames) == [in_plain_python(one) for one in frames]


@settings(max_examples=50)
@given(RECORDS, st.lists(st.integers(1, 20), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_minutes_do_not_depend_on_how_windows_are_cut_into_frames(records, sizes, random):
    pieces = frames_of(records, sizes=sizes)
    random.shuffle(pieces)
    assert merged(pieces) == merged([frame(records)])


def test_a_window_belongs_to_the_minute_it_starts_in():
    (parts,) = minute_parts([frame([window()] * 24)])
    assert [(part.minute - MONDAY, part.windows, part.first_ms, part.last_ms) for part in parts] == [
        (0, 12, 0, 56_320),
        (1, 12, 1_440, 57_760),
    ]


def test_a_resting_cow_has_the_motion_of_her_three_axes_together():
    (parts,) = minute_parts([frame(windows_of(1, RESTING))])
    # 31 + 24 + 16 mg; a code's step is 4.4 %, and decoding takes its lower edge
    assert parts[0].motion_mg == pytest.approx(71, rel=0.05)
    assert parts[0].motion_max_mg == parts[0].motion_mg


def test_one_restless_window_shows_in_the_maximum():
    (parts,) = minute_parts([frame([window(RESTING)] * 10 + [window(GRAZING)])])
    assert parts[0].motion_max_mg == pytest.approx(418, rel=0.05)
    assert parts[0].motion_mg < 110


def test_gravity_is_the_mean_of_the_windows_in_mg():
    records = [window(gravity_16mg=(-128, 10, 60))] * 6 + [window(gravity_16mg=(127, 10, 62))] * 5
    (parts,) = minute_parts([frame(records)])
    assert parts[0].gravity_mg == ((-128 * 6 + 127 * 5) * 16 // 11, 160, (360 + 310) * 16 // 11)


def test_no_frames_have_no_minutes():
    assert minute_parts([]) == []


def test_only_frames_of_motion_and_of_whole_records_are_taken():
    assert [holds_motion(frame([window()], kind=kind)) for kind in range(0x11, 0x16)] == [
        True, True, True, False, False
    ]  # fmt: skip
    assert is_whole(frame([window()]))
    assert not is_whole(frame([window(), b"half"]))
    assert not is_whole(frame([]))


def test_a_collar_whose_uptime_stands_still_cannot_fill_a_minute_without_end():
    full = reduce(add, [minute_parts([frame([window()] * 12)])[0][0]] * 50)
    assert full.windows == MAX_WINDOWS
    assert len(full.rows) == MAX_WINDOWS * ROW_BYTES


def times(rows):
    """Where in the minute each row's window starts, ms."""
    return [int.from_bytes(rows[at : at + 2], "little") for at in range(0, len(rows), ROW_BYTES)]


def test_the_windows_ride_along_with_the_time_they_start_at():
    records = [window(GRAZING), *windows_of(1, RESTING)]
    first, second = minute_parts([frame(records, MONDAY_MS + 5_000)])[0]
    assert times(first.rows) == [5_000 + at * WINDOW_MS for at in range(11)]
    assert times(second.rows) == [1_320, 6_440]
    assert first.rows[2:ROW_BYTES] == records[0]


def test_windows_of_two_boots_that_overlap_stand_in_the_order_of_time_whichever_came_first():
    one, other = (
        minute_parts([frame([window(mg)] * 6, MONDAY_MS + at)])[0][0]
        for mg, at in ((RESTING, 0), (GRAZING, 700))
    )
    both = add(one, other)
    assert times(both.rows) == [at * WINDOW_MS + late for at in range(6) for late in (0, 700)]
    assert add(other, one) == both


@settings(max_examples=50)
@given(
    st.lists(st.tuples(RECORDS.map(lambda rows: rows[:3]), st.integers(0, 40_000)), min_size=2, max_size=6)
)
def test_parts_of_a_minute_make_the_same_minute_in_any_order(content):
    parts = [minute_parts([frame(records, MONDAY_MS + at)])[0][0] for records, at in content]
    there = reduce(add, parts)
    assert reduce(add, parts[::-1]) == there
    assert times(there.rows) == sorted(times(there.rows))
