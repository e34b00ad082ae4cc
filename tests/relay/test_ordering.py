"""Minutes wait for their place."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.behaviour.minutes import CODES, MAX_WINDOWS, ROW_BYTES, Minute, minute_parts
from relay.behaviour.ordering import REOPEN_MIN, WATERMARK_MIN, Waiting, arrive, decode, encode
from tests.relay.scoring_frames import MONDAY, MONDAY_MS, frames_of, minute, windows_of


def arrivals(*frames):
    """Let the frames arrive one by one; return what waits, the minutes passed on and the late windows."""
    waiting, passed, late = Waiting(), [], 0
    for each in frames:
        ordered = arrive(waiting, minute_parts([each])[0])
        waiting, late = ordered.waiting, late + ordered.late_windows
        passed += ordered.passed
    return waiting, passed, late


def numbers(minutes):
    return [each.minute - MONDAY for each in minutes]


def settled(frames):
    """A collar's state once its first quarter of an hour is over, and the rest of its frames."""
    waiting, passed, _ = arrivals(*frames[:4])
    assert numbers(passed) == list(range(29)), "two uploads of a quarter of an hour"
    return waiting, frames[4:]


FRAMES = frames_of(windows_of(90))  # 12 frames of 7.5 minutes


def test_the_first_minutes_wait_for_what_may_lie_before_them():
    _, passed, _ = arrivals(*FRAMES[:2])
    assert passed == []


def test_an_undisturbed_collars_minutes_pass_as_soon_as_the_next_one_is_under_way():
    waiting, rest = settled(FRAMES)
    ordered = arrive(waiting, minute_parts(rest[:1])[0])
    assert numbers(ordered.passed) == list(range(29, 37))
    assert numbers(ordered.waiting.minutes) == [37]


def test_minutes_behind_a_missing_frame_wait_for_it():
    waiting, rest = settled(FRAMES)
    behind = arrive(waiting, minute_parts(rest[1:2])[0])
    assert behind.passed == []
    filled = arrive(behind.waiting, minute_parts(rest[:1])[0])
    assert numbers(filled.passed) == list(range(29, 44))


def test_a_frame_that_never_comes_holds_up_the_others_no_longer_than_the_watermark():
    waiting, rest = settled(FRAMES)
    passed = []
    for each in rest[1:5]:
        ordered = arrive(waiting, minute_parts([each])[0])
        waiting = ordered.waiting
        passed += numbers(ordered.passed)
    assert passed == [29, *range(37, 67)], "only what the lost frame held is missing"


def test_what_comes_after_its_minute_has_passed_is_counted_and_left_out():
    *_, late = arrivals(*FRAMES[:1], *FRAMES[3:8], FRAMES[1])
    assert late == 88


def test_the_earliest_minute_that_came_too_late_is_named_up_to_two_days():
    ahead = Waiting(MONDAY + REOPEN_MIN - 5, (minute(MONDAY + REOPEN_MIN),))
    late = [minute(MONDAY + at) for at in (3, -1, 7)]
    assert arrive(ahead, late[:1] + late[2:]).late == MONDAY + 3
    assert arrive(ahead, late).late == MONDAY + 3, "the one before is too old"
    assert arrive(ahead, late[1:2]).late is None
    assert arrive(ahead, late).late_windows == 36


def test_a_code_of_no_windows_that_comes_too_late_is_named_too():
    code = minute(MONDAY)._replace(windows=0, form=CODES)
    ordered = arrive(Waiting(MONDAY + 60, (minute(MONDAY + 60),)), [code])
    assert (ordered.late, ordered.late_windows) == (MONDAY, 0)


def dated_by(chip_ms):
    """Six frames of 88 windows from a chip that takes so long for them; they are dated as taking 450 s."""
    return [frames_of(windows_of(7.5), MONDAY_MS + at * chip_ms)[0] for at in range(6)]


def test_the_imprecise_dates_of_a_slow_chip_hold_nothing_up():
    waiting, passed, _ = arrivals(*dated_by(463_500))  # 3 % slow
    assert len(waiting.minutes) <= 2
    assert len(passed) > 40


def test_the_imprecise_dates_of_a_fast_chip_make_nothing_late():
    waiting, passed, late = arrivals(*dated_by(437_000))  # 3 % fast: a frame seems to reach into the next one
    assert (late, len(waiting.minutes) <= 2) == (0, True)
    assert sum(each.windows for each in (*passed, *waiting.minutes)) == 6 * 88


def test_no_more_than_the_watermark_waits_however_long_the_backlog():
    newest_first = [part for parts in minute_parts(FRAMES)[::-1] for part in parts]
    ordered = arrive(Waiting(), newest_first)
    assert numbers(ordered.passed) == list(range(89))
    holes = [minute(MONDAY + at) for at in range(0, 90, 2)]
    assert len(arrive(Waiting(), holes).waiting.minutes) <= WATERMARK_MIN + 1


FIELD = st.integers(0, 59_999)
MINUTES = st.builds(
    Minute, st.integers(-(10**9), 10**9), st.integers(1, 255), FIELD, FIELD, FIELD, FIELD, FIELD,
    *[st.integers(-32_640, 32_385)] * 3, st.integers(0, 2),
    st.integers(0, MAX_WINDOWS).flatmap(lambda rows: st.binary(min_size=16 * rows, max_size=16 * rows)),
    st.integers(0, 191),
)  # fmt: skip


@given(st.none() | st.integers(0, 10**9), st.lists(MINUTES, max_size=16))
def test_what_waits_survives_the_store(next_minute, minutes):
    waiting = Waiting(next_minute, tuple(minutes))
    assert decode(encode(waiting)) == waiting


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"?", lambda data: data[:30]])
def test_damaged_bytes_are_refused(damage):
    (with_rows, *_), *_ = minute_parts(FRAMES[:1])
    with pytest.raises(struct.error):
        decode(damage(encode(Waiting(5, (minute(5), with_rows)))))


def test_what_waits_of_an_undisturbed_collar_takes_a_third_of_a_kilobyte():
    waiting, rest = settled(FRAMES)
    sizes = []
    for each in rest:
        waiting = arrive(waiting, minute_parts([each])[0]).waiting
        sizes.append(len(encode(waiting)))
    assert max(sizes) <= 9 + 2 * 34 + (12 + 4) * ROW_BYTES


def test_what_waits_behind_a_hole_takes_at_most_four_kilobytes():
    waiting, rest = settled(frames_of(windows_of(60)))
    sizes = []
    for each in rest[1:]:
        waiting = arrive(waiting, minute_parts([each])[0]).waiting
        sizes.append(len(encode(waiting)))
    assert 1_500 < max(sizes) <= 9 + 17 * (34 + 12 * ROW_BYTES) < 4_000
