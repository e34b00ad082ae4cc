"""How fast our number and each person may be written to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relay.whatsapp import pacing
from relay.whatsapp.pacing import SLOW_MS, Bucket, NumberPace, PeoplePace
from tests.relay.whatsapp_scene import NOW_MS

DAY_MS = 86_400_000
BOB, EVE = 1, 2


def sent_in(pace, now_ms, span_ms):
    """Return when messages go if there is always another one: at each ms of a span."""
    times = []
    for at_ms in range(now_ms, now_ms + span_ms):
        while pace.free(at_ms):
            pace.take(at_ms)
            times.append(at_ms)
    return times


def test_a_burst_is_a_quarter_of_a_second_and_then_it_is_one_by_one():
    times = sent_in(NumberPace(60), NOW_MS, 2000)
    assert times.count(NOW_MS) == 15
    assert len(times) == 15 + 2 * 60 - 1
    worst = max(sum(start <= at < start + 1000 for at in times) for start in times)
    assert worst <= 75


def test_it_says_when_the_next_one_may_go():
    pace = NumberPace(60)
    for _ in range(15):
        pace.take(NOW_MS)
    assert pace.free(NOW_MS) == 0
    opens_ms = pace.opens_ms(NOW_MS)
    assert opens_ms == NOW_MS + 17
    assert (pace.free(opens_ms - 1), pace.free(opens_ms)) == (0, 1)


def test_too_fast_for_meta_means_half_the_speed_for_ten_minutes():
    pace = NumberPace(60)
    pace.slow(NOW_MS)
    assert len(sent_in(pace, NOW_MS, 1000)) == 15 + 29
    pace.slow(NOW_MS)
    later_ms = NOW_MS + 10_000
    assert len(sent_in(pace, later_ms, 1000)) == 15 + 14
    assert len(sent_in(pace, NOW_MS + SLOW_MS, 1000)) == 15 + 59


def test_a_clock_that_is_set_back_a_day_stops_neither_number_nor_people():
    number, people = NumberPace(60), PeoplePace(6_000, 3)
    sent_in(number, NOW_MS, 100)
    number.slow(NOW_MS)
    people.hold(BOB, NOW_MS, 6, 4)
    people.shun(EVE, NOW_MS, 60)
    before_ms = NOW_MS - DAY_MS
    assert number.opens_ms(before_ms) == before_ms
    assert number.free(before_ms) == 15
    assert people.turn_ms(BOB, before_ms) == before_ms
    assert not people.is_shunned(EVE, before_ms, None)


@given(st.integers(1, 50), st.integers(1, 20), st.lists(st.integers(0, 200), max_size=60))
def test_no_span_ever_holds_more_than_its_share_and_the_burst(interval, burst, steps):
    bucket, now, taken = Bucket(interval, burst), 0, []
    for step in steps:
        now += step
        while bucket.free(now):
            bucket.take(now)
            taken.append(now)
        assert bucket.opens(now) > now
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = taken[last] - taken[first]
            assert last - first + 1 <= burst + span // interval


def test_a_person_gets_three_at_once_and_then_one_in_six_seconds_while_others_go_on():
    people = PeoplePace(6_000, 3)
    turns = [people.turn_ms(BOB, NOW_MS) - NOW_MS for _ in range(6)]
    assert turns == [0, 0, 0, 6_000, 12_000, 18_000]
    assert people.turn_ms(EVE, NOW_MS) == NOW_MS
    assert people.turn_ms(BOB, NOW_MS + 6_000) == NOW_MS + 6_000


def test_a_critical_message_takes_the_first_turn_that_comes():
    people = PeoplePace(6_000, 3)
    for _ in range(6):
        people.turn_ms(BOB, NOW_MS)
    assert people.turn_ms(BOB, NOW_MS, critical=True) == NOW_MS + 6_000


def test_refusals_for_one_person_hold_longer_each_time_until_one_passes():
    people = PeoplePace(6_000, 3)
    now_ms, waits = NOW_MS, []
    for _ in range(4):
        until_ms = people.hold(BOB, now_ms, 6, 4)
        assert people.hold(BOB, now_ms, 6, 4) == until_ms  # one that was under way at the same time
        assert people.turn_ms(BOB, until_ms - 1, critical=True) == until_ms
        waits.append(until_ms - now_ms)
        now_ms = until_ms
    assert waits == [6_000, 24_000, 96_000, 96_000]
    people.passed(BOB)
    assert people.hold(BOB, now_ms, 6, 4) == now_ms + 6_000


def test_who_cannot_be_reached_is_tried_again_once_they_write_or_the_time_is_over():
    people = PeoplePace(6_000, 3)
    people.shun(BOB, NOW_MS, 60)
    assert people.is_shunned(BOB, NOW_MS + 59_000, None)
    assert people.is_shunned(BOB, NOW_MS + 59_000, NOW_MS - 1)
    assert not people.is_shunned(BOB, NOW_MS + 59_000, NOW_MS + 1)
    assert not people.is_shunned(BOB, NOW_MS + 60_000, None)
    assert not people.is_shunned(EVE, NOW_MS, None)


def test_people_who_are_as_if_nothing_had_been_sent_are_forgotten(monkeypatch):
    monkeypatch.setattr(pacing, "_PEOPLE_KEPT", 10)
    people = PeoplePace(6_000, 3)
    for who in range(10):
        people.turn_ms(who, NOW_MS)
    people.shun(3, NOW_MS, 600)
    for who in range(10, 20):
        people.turn_ms(who, NOW_MS + 60_000)
    assert people.is_shunned(3, NOW_MS + 60_000, None)
    assert len(people._people) <= 11
