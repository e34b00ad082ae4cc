"""Hours are built from what comes as they would be from all of it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herdcore.vocabulary import BEHAVIOURS
from relay.behaviour.labels import LabelledMinute
from relay.behaviour.minutes import RECORDS, WINDOWS, Minute, add, minute_parts
from relay.scoring import hourbuild, hours
from relay.scoring.findings import Limits, StateError
from relay.scoring.hourbuild import Health, State, decode, encode, health_of, hear, step
from relay.scoring.hours import HOUR, HOUR_MS, NO_DAYS_LEFT, NO_TEMPERATURE, of_minutes
from relay.scoring.partition import fold
from tests.relay.scoring_frames import (
    BELLA,
    DEAD,
    GRAZING,
    MINUTE_MS,
    MONDAY,
    MONDAY_MS,
    codes_frame,
    frames_of,
    health_frame,
    minute,
    windows_of,
)

LIMITS = Limits(no_movement_min=90)
HOURS = 3
MISSING = 0.15  # of the minutes
FIRST = MONDAY // 60
HEALTH = ["days_left", "temperature_c", "sensor_faults"]


@st.composite
def some_minutes(draw):
    """Minutes of a few hours with holes, of any motion and form, and what each was told to be."""
    random = draw(st.randoms(use_true_random=False))
    minutes, told = [], []
    for number in range(MONDAY, MONDAY + 60 * HOURS):
        if random.random() < MISSING:
            continue
        windows = random.choice((1, 5, 6, 11, 12, 12, 24))
        motion = random.choice((9, 11, 12, 70, 299, 300, 60_000)) * windows + random.randrange(windows)
        axes = [random.randint(-128 * windows, 127 * windows) for _ in range(3)]
        peak = motion // windows + random.choice((0, 1, 100))
        form = random.choice((WINDOWS, WINDOWS, RECORDS))
        minutes.append(Minute(number, windows, 0, 50_000, motion, peak, motion, *axes, form))
        if random.random() < 0.9:
            told.append(LabelledMinute(number, random.randrange(len(BEHAVIOURS)), 90, windows, 0, -1))
    return minutes, told


def whole(minutes, told):
    """The records of HOURS hours, from arrays of every minute."""
    count = 60 * HOURS
    fields = {name: np.zeros(count, np.int64) for name in ("told", "windows", "motion", "peak")}
    gravity = np.zeros((count, 3))
    for each in minutes:
        at = each.minute - MONDAY
        fields["windows"][at], fields["motion"][at] = each.windows, each.motion_mg
        fields["peak"][at], gravity[at] = each.motion_max_mg, each.gravity_mg
    for each in told:
        fields["told"][each.minute - MONDAY] = each.behaviour
    rows = {name: values[None] for name, values in fields.items()}
    told_as = rows["told"].astype(np.uint8)
    return of_minutes(told_as, rows["windows"].astype(np.uint8), rows["motion"], rows["peak"], gravity[None])[
        0
    ]


def built(minutes, told, cuts, lag=7):
    """The records as they stand after arrivals cut at these minutes, labels `lag` minutes behind."""
    state, records, at = State(), {}, MONDAY
    for until in [*sorted(cuts), MONDAY + 60 * HOURS, MONDAY + 60 * HOURS + lag]:
        some = [each for each in minutes if at <= each.minute < until]
        sure = [each for each in told if state.told_until <= each.minute < until - lag]
        state, more = step(state, some, sure, max(until - lag, 0))
        state = decode(encode(state), hourbuild.VERSION)
        records |= more
        at = until
    return state, records


@settings(max_examples=40, deadline=None)
@given(some_minutes(), st.sets(st.integers(MONDAY, MONDAY + 60 * HOURS), max_size=40), st.integers(1, 70))
def test_hours_built_as_data_come_equal_those_of_all_minutes_at_once(data, cuts, lag):
    minutes, told = data
    expected = whole(minutes, told)
    state, records = built(minutes, told, cuts, lag)
    for number, row in records.items():
        assert np.frombuffer(row, HOUR)[0] == expected[number - FIRST]
    empty = set(range(FIRST, FIRST + HOURS)) - set(records)
    assert all(expected[number - FIRST] == hours.nothing(1)[0] for number in empty)
    assert state.open == ()


def test_the_fold_of_frames_gives_the_records_of_its_own_minutes_and_labels():
    frames = frames_of([*windows_of(50), *windows_of(45, GRAZING), *windows_of(85, DEAD)])
    folded = fold(frames, {}, LIMITS)
    parts = {}
    for part in (part for some in minute_parts(frames) for part in some):
        parts[part.minute] = add(parts[part.minute], part) if part.minute in parts else part
    expected = whole(parts.values(), folded.labels[BELLA])
    for hour in (0, 1):
        assert np.frombuffer(folded.hours[BELLA][FIRST + hour], HOUR)[0] == expected[hour]
    assert expected[0]["motion_8th_mg"].tolist()[:3] == [8 * 71] * 3
    assert folded.told_until[BELLA] == folded.labels[BELLA][-1].minute + 1


def test_an_hour_leaves_once_it_is_told_and_takes_nothing_more():
    minutes = [minute(MONDAY + at) for at in range(60)]
    label = LabelledMinute(MONDAY + 59, 1, 90, 12, 0, -1)
    state, _ = step(State(), minutes, [], MONDAY + 59)
    assert [each.number for each in state.open] == [FIRST]
    state, records = step(state, [minute(MONDAY + 60)], [label], MONDAY + 60)
    assert [each.number for each in state.open] == [FIRST + 1]
    assert set(records) == {FIRST, FIRST + 1}
    assert set(step(state, [], [label], MONDAY + 60)[1]) == set()


def test_a_change_over_the_full_hour_is_counted_in_the_later_one():
    told = [
        LabelledMinute(MONDAY + at, kind, 90, 12, 0, -1) for at, kind in ((59, 1), (60, 3), (61, 3), (63, 1))
    ]
    _, records = step(State(), [minute(each.minute) for each in told], told, MONDAY + 64)
    changes = [np.frombuffer(records[FIRST + at], HOUR)["changes"][0] for at in (0, 1)]
    assert changes == [0, 1], "after a missing minute nobody knows"


def test_codes_cover_nothing():
    folded = fold([codes_frame(["graze"] * 60)], {}, LIMITS)
    row = np.frombuffer(folded.hours[BELLA][FIRST], HOUR)[0]
    assert row == hours.nothing(1)[0]


def test_codes_of_nothing_known_let_hours_leave():
    states = {}
    for hour in range(12):
        lost = codes_frame(["unknown"] * 60, MONDAY_MS + hour * HOUR_MS)
        states |= fold([lost], states, LIMITS).states
        assert len(states[BELLA].hours.open) <= 2


def test_a_classifier_that_fails_lets_hours_leave_without_what_was_not_told(monkeypatch):
    def broken(*_):
        raise ValueError("no such class")

    monkeypatch.setattr("relay.behaviour.labels.step", broken)
    folded = fold(frames_of(windows_of(130)), {}, LIMITS)
    row = np.frombuffer(folded.hours[BELLA][FIRST], HOUR)[0]
    assert (row["covered_min"].sum(), row["rest_min"]) == (60, 0)
    assert [each.number for each in folded.states[BELLA].hours.open] == [FIRST + 2]
    assert folded.told_until[BELLA] > MONDAY + 120


# health


def said(record):
    return [np.frombuffer(record, HOUR)[0][name].item() for name in HEALTH]


def test_the_newest_health_frame_of_an_hour_stands_in_its_record():
    healths = [health_frame(MONDAY_MS + at, 90 + at, 20) for at in (5, 9, 7)]
    folded = fold([*frames_of(windows_of(30)), *healths], {}, LIMITS)
    assert said(folded.hours[BELLA][FIRST]) == [99, 20, 0]


def test_of_the_faults_that_health_frames_of_an_hour_tell_the_most_kinds_stand_in_its_record():
    healths = [
        health_frame(MONDAY_MS + at, sensor_faults=256 * kinds + 7)
        for at, kinds in enumerate((0b1, 0b1101, 0))
    ]
    folded = fold([*frames_of(windows_of(30)), *healths], {}, LIMITS)
    assert said(folded.hours[BELLA][FIRST]) == [200, 12, 3]


def test_without_a_health_frame_nothing_is_known_of_the_collar():
    folded = fold(frames_of(windows_of(30)), {}, LIMITS)
    assert said(folded.hours[BELLA][FIRST]) == [NO_DAYS_LEFT, NO_TEMPERATURE, 0]


def test_health_alone_makes_a_record_and_keeps_no_more_than_two_days():
    states = {}
    for hour in range(100):
        folded = fold([health_frame(MONDAY_MS + hour * HOUR_MS)], states, LIMITS)
        states |= folded.states
        assert said(folded.hours[BELLA][FIRST + hour]) == [200, 12, 0]
    assert len(states[BELLA].hours.health) == hourbuild.HEALTH_HOURS


def test_health_that_comes_before_the_minutes_of_its_hour_waits_for_them():
    early = fold([health_frame(MONDAY_MS + 5 * MINUTE_MS)], {}, LIMITS)
    folded = fold(frames_of(windows_of(30)), early.states, LIMITS)
    assert said(folded.hours[BELLA][FIRST]) == [200, 12, 0]


def test_health_of_an_hour_that_has_left_is_late_data():
    gone = fold(frames_of(windows_of(130)), {}, LIMITS).states
    late = health_frame(MONDAY_MS + 5 * MINUTE_MS, received_ms=MONDAY_MS + 3 * HOUR_MS)
    folded = fold([late], gone, LIMITS)
    assert (folded.late, folded.hours) == ({BELLA: MONDAY}, {})


def test_the_order_of_health_frames_does_not_matter():
    said = [
        health_of(health_frame(MONDAY_MS + at, days)) for at, days in ((0, 5), (0, 9), (7, 4), (HOUR_MS, 1))
    ]
    assert hear(State(), said) == hear(State(), said[::-1])


# the store


COUNTS = st.integers(0, 60)
FAR = st.integers(0, 1 << 40)
HEALTHS = st.builds(Health, FAR, st.integers(0, 65535), st.integers(-60, 125), st.integers(0, 255))
SUMS = st.tuples(
    *[st.integers(0, 15), st.integers(0, 10**7), *[st.integers(-30_720, 30_720)] * 3] * 4,
    *[COUNTS] * 7,
    st.integers(0, (1 << 60) - 1),
)
STATES = st.builds(
    State, FAR, st.tuples(st.integers(-1, 1 << 40), st.integers(0, 5)),
    st.lists(st.builds(hourbuild.Open, FAR, SUMS), max_size=3).map(tuple),
    st.lists(HEALTHS, max_size=48).map(tuple),
)  # fmt: skip


@given(STATES)
def test_open_hours_survive_the_store(state):
    assert decode(encode(state), hourbuild.VERSION) == state


def test_damaged_bytes_or_another_version_are_refused():
    data = encode(step(State(), [minute(MONDAY)], [], MONDAY)[0])
    with pytest.raises(struct.error):
        decode(data[:-1], hourbuild.VERSION)
    with pytest.raises(StateError, match="hours: state of version 2, this code reads 1"):
        decode(data, 2)


def test_a_record_has_the_size_of_the_format():
    _, records = step(State(), [minute(MONDAY)], [], MONDAY)
    assert {len(each) for each in records.values()} == {HOUR.itemsize}
