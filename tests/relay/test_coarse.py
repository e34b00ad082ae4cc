"""Minute records and hourly codes: what they become, and what they may not do."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herdcore.behaviour import classify
from herdcore.features import window_into
from herdcore.records import MINUTE_Z_NEGATIVE, Minute, pack_minute
from herdcore.vocabulary import BEHAVIOURS, SCHEMA_MINUTES
from relay.alerts.ids import event_id
from relay.behaviour.coarse import parts_of
from relay.behaviour.minutes import CODES, RECORDS, WINDOWS, add, is_whole, minute_parts
from relay.scoring.findings import Found, Limits, Over
from relay.scoring.hours import STILL_MG
from relay.scoring.kinds.no_movement import State, step_minutes
from relay.scoring.partition import OLDEST_MS, fold
from tests.relay.kinds.test_no_movement import resting_segments
from tests.relay.scoring_frames import (
    BELLA,
    DEAD,
    FARM,
    GRAZING,
    MINUTE_MS,
    MONDAY,
    MONDAY_MS,
    RESTING,
    but_for_sums,
    codes_frame,
    frame,
    frames_of,
    minutes_frame,
    minutes_frames_of,
    window,
    windows_of,
)

LIMITS = Limits(no_movement_min=90)
HOUR = 60


def found_in(frames):
    """Fold the frames one by one; return the events and the ends of episodes."""
    states, events, ended = {}, [], []
    for each in frames:
        folded = fold([each], states, LIMITS)
        states.update(folded.states)
        told = folded.findings.get(BELLA, [])
        events += [each for each in told if isinstance(each, Found)]
        ended += [each for each in told if isinstance(each, Over)]
        assert folded.failures == {}
    return events, ended


def ids(frames):
    return [event_id(FARM, BELLA, each.kind, each.onset_ms) for each in found_in(frames)[0]]


# minute records


@pytest.mark.parametrize("mad_mg", [RESTING, GRAZING])
def test_a_minute_record_has_about_the_motion_of_its_windows(mad_mg):
    windows = windows_of(5, mad_mg)
    records, exact = parts_of([minutes_frame(windows), frame(windows)])
    for record, minute in zip(records, exact, strict=True):
        assert (record.minute, record.windows, record.form) == (minute.minute, minute.windows, RECORDS)
        assert record.motion_mg == pytest.approx(minute.motion_mg, rel=0.2)
        assert record.gravity_mg == pytest.approx(minute.gravity_mg, abs=48)


def test_the_motion_of_real_minutes_is_within_a_fifth_of_their_windows_for_most(data_folder):
    ratios, quietest = [], math.inf
    for records in recorded_minutes(data_folder):
        (record, *_), (minute, *_) = parts_of([minutes_frame(records), frame(records)])
        ratios.append(record.motion_mg / minute.motion_mg)
        quietest = min(quietest, record.motion_max_mg)
    ratios.sort()
    tenth = len(ratios) // 10
    assert len(ratios) > 50
    assert 0.8 < ratios[tenth] < ratios[-tenth] < 1.25
    assert quietest > STILL_MG, "the minute record of a living cow must not read as still"


def recorded_minutes(data_folder):
    """The windows of every whole minute in which a real cow rests or stands."""
    for samples in resting_segments(data_folder / "wasp-cow-collar"):
        packed = bytearray(14)
        records = []
        for at in range(len(samples) // 192):
            window_into(samples, 64 * at, packed, 0)
            records.append(bytes(packed))
        yield from (records[at : at + 12] for at in range(0, len(records) - 11, 12))


def test_the_z_sign_says_which_way_the_collar_hangs():
    down = pack_minute(Minute(32, 20, 20, 0, 0, 30, 0, 12 << 4 | MINUTE_Z_NEGATIVE))
    up = pack_minute(Minute(32, 20, 20, 0, 0, 30, 0, 12 << 4))
    ((one, other),) = parts_of([frame([down, up], kind=0x10 + SCHEMA_MINUTES)])
    assert one.gravity_mg[2] == -other.gravity_mg[2] == pytest.approx(-877, abs=16)
    assert one.gravity_mg[:2] == (0, 480)


def test_a_burst_in_a_minute_of_noise_is_movement():
    calm, struck = windows_of(1, DEAD), [*windows_of(1, DEAD)[:-1], window((300, 2, 2))]
    (one,), (other,) = parts_of([minutes_frame(calm), minutes_frame(struck)])
    assert one.motion_max_mg <= STILL_MG < other.motion_max_mg


@given(st.integers(-MINUTE_MS, MINUTE_MS))
def test_consecutive_records_are_consecutive_minutes_wherever_the_collars_minutes_begin(offset_ms):
    (parts,) = parts_of([minutes_frame(windows_of(20), MONDAY_MS + offset_ms)])
    assert all(after.minute - before.minute == 1 for before, after in pairwise(parts))
    assert abs(parts[0].minute * MINUTE_MS - MONDAY_MS - offset_ms) <= MINUTE_MS // 2


def test_a_record_without_windows_is_no_minute():
    empty = pack_minute(Minute(0, 0, 0, 0, 0, 0, 0, 0))
    assert parts_of([frame([empty], kind=0x10 + SCHEMA_MINUTES)]) == [[]]


def test_a_dead_cow_is_reported_from_minute_records_with_the_same_name_of_the_event():
    story = [*windows_of(30), *windows_of(3 * HOUR, DEAD)]
    assert ids(minutes_frames_of(story)) == ids(frames_of(story)) != []


def test_a_cow_that_rests_all_day_is_not_reported_from_minute_records():
    assert found_in(minutes_frames_of(windows_of(24 * HOUR)))[0] == []


def test_a_dead_cow_is_one_event_when_her_collar_changes_to_minutes_and_back():
    windows = windows_of(5 * HOUR, DEAD)
    cut = [round(minutes * MINUTE_MS / 5120) for minutes in (60, 180)]
    for tilt in ((0, 0, 61), (60, 12, 5), (44, 44, 2)):
        windows = [window(DEAD, tilt)] * len(windows)
        mixed = [
            *frames_of(windows[: cut[0]]),
            *minutes_frames_of(windows[cut[0] : cut[1]], MONDAY_MS + 60 * MINUTE_MS),
            *frames_of(windows[cut[1] :], MONDAY_MS + cut[1] * 5120),
        ]
        (event,), ended = found_in(mixed)
        assert (event.onset_ms, ended) == (MONDAY_MS, []), tilt


def test_a_cow_that_turned_over_is_seen_in_minute_records():
    for second in ((0, 0, -61), (61, 0, 0)):
        story = [*windows_of(80, DEAD), *([window(DEAD, second)] * round(80 * MINUTE_MS / 5120))]
        assert found_in(minutes_frames_of(story))[0] == [], second


# which form counts


def forms_of_one_minute():
    windows = windows_of(1)
    whole = parts_of([frame(windows)])[0][0]
    record = parts_of([minutes_frame(windows)])[0][0]
    return [*(each[0] for each in minute_parts([frame([one]) for one in windows[:3]])), record, record,
            parts_of([codes_frame(["graze"])])[0][0], whole._replace(windows=2, motion_sum_mg=5)]  # fmt: skip


@given(st.permutations(forms_of_one_minute()), st.integers(1, 6))
def test_a_minute_in_several_forms_is_the_same_minute_in_whatever_order_they_come(parts, cut):
    def joined(some):
        first, *rest = some
        for each in rest:
            first = add(first, each)
        return first

    expected = joined(forms_of_one_minute())
    assert expected.form == WINDOWS
    assert expected.windows == 5, "the windows alone, once"
    assert joined(parts) == add(joined(parts[:cut]), joined(parts[cut:])) == expected


def test_windows_that_follow_a_minute_record_of_the_same_time_do_not_count_twice():
    windows = windows_of(HOUR)
    both = [minutes_frame(windows, received_ms=1 + MONDAY_MS), *frames_of(windows, received_ms=1 + MONDAY_MS)]
    for order in (both, both[::-1]):
        folded = fold(order, {}, LIMITS)
        assert folded.states == fold(frames_of(windows, received_ms=1 + MONDAY_MS), {}, LIMITS).states
        assert folded.late_windows == 0


# order and batches


def mixed_story():
    """Windows, half an hour of which comes as minutes too; then minutes alone, codes, and windows again."""
    windows = [*windows_of(90), *windows_of(4 * HOUR, DEAD), *windows_of(60, GRAZING)]
    at = [round(minutes * MINUTE_MS / 5120) for minutes in (0, 120, 150, 240)]
    return [
        *frames_of(windows[: at[2]]),
        *minutes_frames_of(windows[at[1] : at[3]], MONDAY_MS + 120 * MINUTE_MS, 7, boot=2),
        codes_frame(["rest"] * 7, MONDAY_MS + 240 * MINUTE_MS, boot=3),
        *frames_of(windows[at[3] :], MONDAY_MS + at[3] * 5120, boot=4),
    ]


def fold_all(batches):
    states, events = {}, []
    for batch in batches:
        folded = fold(batch, states, LIMITS)
        states.update(folded.states)
        events += folded.findings.get(BELLA, [])
    return but_for_sums(states), events


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_neither_order_nor_batching_of_mixed_schemas_changes_events_or_states(sizes, random):
    frames = sorted(mixed_story(), key=lambda one: one.received_ms)
    # 7.5 minutes of their own and up to 7 minutes after their turn are within the watermark.
    order = sorted(frames, key=lambda one: one.received_ms + random.choice((0, 0, 200_000, 400_000)))
    batches, at = [], 0
    while at < len(order):
        size = sizes[len(batches) % len(sizes)]
        batches.append(order[at : at + size])
        at += size
    states, events = fold_all([frames])
    assert fold_all(batches) == (states, events)
    assert [type(each) for each in events] == [Found, Over]


# codes


def minutes_from(classes, at_min):
    return parts_of([codes_frame(classes, MONDAY_MS + at_min * MINUTE_MS)])[0]


def still(at_min, count):
    """Minutes of noise, made from windows."""
    return parts_of([frame(windows_of(count, DEAD), MONDAY_MS + at_min * MINUTE_MS)])[0][:count]


def stepped(minutes, state=None):
    return step_minutes(state or State(), minutes, LIMITS)


@pytest.mark.parametrize("name", ["unknown", "rest", "ruminate", "other", "graze", "walk"])
def test_codes_alone_never_say_that_a_cow_does_not_move(name):
    day = [codes_frame([name] * 60, MONDAY_MS + hour * HOUR * MINUTE_MS) for hour in range(24)]
    assert found_in(day) == ([], [])


@pytest.mark.parametrize("name", ["unknown", "rest", "ruminate", "other"])
def test_a_code_that_a_still_cow_could_have_neither_adds_to_her_stillness_nor_ends_it(name):
    _, found = stepped([*still(0, 50), *minutes_from([name] * 10, 50), *still(60, 50)])
    assert [each.at_ms for each in found] == [MONDAY_MS + 100 * MINUTE_MS]
    assert found[0].evidence["missing_min"] == 10


@pytest.mark.parametrize("name", ["graze", "walk"])
def test_a_code_of_a_moving_class_ends_stillness_and_is_never_part_of_it(name):
    assert stepped([*still(0, 50), *minutes_from([name], 50), *still(51, 60)])[1] == []
    state, found = stepped(still(0, 100))
    assert [type(each) for each in found] == [Found]
    after, found = stepped(minutes_from([name], 100), state)
    assert [type(each) for each in found] == [Over]
    assert after.moved == MONDAY + 100


def test_an_hour_of_rest_codes_is_a_gap_that_starts_the_count_anew():
    assert stepped([*still(0, 60), *minutes_from(["rest"] * 60, 60), *still(120, 60)])[1] == []


def test_codes_have_their_own_form():
    assert {each.form for each in minutes_from(["graze", "rest"], 0)} == {CODES}


# frames that are not scored


@pytest.mark.parametrize(
    ("kind", "records"),
    [(0x12, bytes(7)), (0x12, b"\xff" * 8), (0x13, b"\xff"), (0x13, bytes(16)), (0x12, b"")],
)
def test_records_that_cannot_be_are_counted_as_malformed(kind, records):
    one = frame([records], kind=kind)
    assert not is_whole(one)
    assert fold([one], {}, LIMITS).malformed_frames == 1


@pytest.mark.parametrize("make", [minutes_frame, lambda windows, **f: frames_of(windows, **f)[0]])
def test_a_frame_of_more_than_sixty_days_is_undated_and_not_scored(make):
    old, young = (make(windows_of(5), received_ms=MONDAY_MS + OLDEST_MS + late) for late in (1, 0))
    assert (fold([old], {}, LIMITS).undated_frames, fold([old], {}, LIMITS).states) == (1, {})
    assert (fold([young], {}, LIMITS).undated_frames, list(fold([young], {}, LIMITS).states)) == (0, [BELLA])


def test_an_undated_frame_is_not_taken_for_one_that_nobody_wore():
    lost = minutes_frame(windows_of(5), received_ms=MONDAY_MS + OLDEST_MS + 1, animal_id=None)
    folded = fold([lost], {}, LIMITS)
    assert (folded.undated_frames, folded.unassigned_frames) == (1, 0)


@pytest.mark.parametrize("noise_mg", [0.3, 1.0, 1.8, 4.0])
def test_the_collars_model_never_says_that_a_still_collar_grazes_or_walks(noise_mg):
    random = Random(7)
    for gravity in ((0, 0, 1000), (700, 700, 0), (1000, 0, 30)):
        for _ in range(40):
            samples = array("h", [round(random.gauss(gravity[at % 3], noise_mg)) for at in range(192)])
            packed = bytearray(14)
            window_into(samples, 0, packed, 0)
            assert BEHAVIOURS[classify(packed, 0, array("h", bytes(16))) >> 5] not in ("graze", "walk")


# labels


def labelled(frames):
    """Fold the frames at once; return what each minute was told as, by the minute since Monday."""
    folded = fold(frames, {}, LIMITS)
    assert (folded.failures, folded.unlabelled) == ({}, {})
    return {each.minute - MONDAY: each for each in folded.labels.get(BELLA, [])}


def test_minutes_of_a_collar_that_is_short_of_space_have_the_labels_it_gave_them():
    windows = windows_of(HOUR, GRAZING)
    told = labelled(minutes_frames_of(windows))
    (record, *_), *_ = parts_of(minutes_frames_of(windows))
    assert list(told) == list(range(len(told)))
    assert len(told) >= HOUR - 17  # the others may yet come as windows
    assert {(each.behaviour, each.windows, each.lying) for each in told.values()} <= {
        (record.told >> 5, windows, -1) for windows in (11, 12)
    }


def test_codes_are_labels_that_are_as_sure_as_a_class_must_be_to_be_the_likeliest():
    told = labelled([codes_frame(["graze"] * 20 + ["unknown"] * 5 + ["ruminate"] * 30)])
    assert [BEHAVIOURS[told[at].behaviour] for at in (0, 19, 25, 38)] == ["graze"] * 2 + ["ruminate"] * 2
    assert not set(told) & set(range(20, 25))
    assert {each.confidence for each in told.values()} == {50}


def test_a_minute_that_comes_in_two_forms_is_labelled_once_as_its_windows_say():
    windows = windows_of(HOUR, RESTING)
    both = [*minutes_frames_of(windows), *frames_of(windows)]
    both = [replace(one, received_ms=MONDAY_MS + HOUR * MINUTE_MS) for one in both]
    only = [replace(one, received_ms=MONDAY_MS + HOUR * MINUTE_MS) for one in frames_of(windows)]
    together, alone = labelled(both), labelled(only)
    assert all(together[at] == alone[at] for at in range(min(len(together), len(alone)) - 1))
