"""The alert for a cow that no longer moves. Numbers: domain.md 2.2 and 6.6, datasets.md 4.7."""

from __future__ import annotations

import csv
import gzip
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herdcore.features import window_into
from relay.behaviour.minutes import minute_parts
from relay.scoring.findings import Found, Limits, Over, StateError
from relay.scoring.hours import STILL_MG
from relay.scoring.kinds.no_movement import KIND, VERSION, State, decode, encode, step_minutes
from tests.relay.scoring_frames import DEAD, GRAZING, MINUTE_MS, MONDAY, RESTING, frame, minute

LIMITS = Limits(no_movement_min=90)


def fold(minutes, state=None):
    """Fold minutes; return the state and what was found."""
    return step_minutes(state or State(), minutes, LIMITS)


def run(start, count, mad_mg=DEAD, **fields):
    """Consecutive equal minutes, numbered from Monday."""
    return [minute(MONDAY + start + at, mad_mg, **fields) for at in range(count)]


def test_a_dead_cow_is_reported_once_at_ninety_minutes():
    _, found = fold(run(0, 60, RESTING) + run(60, 1000))
    assert [type(each) for each in found] == [Found]
    assert found[0].kind == KIND.name
    assert found[0].onset_ms == (MONDAY + 60) * MINUTE_MS
    assert found[0].at_ms == (MONDAY + 150) * MINUTE_MS


def test_eighty_nine_minutes_are_not_enough():
    assert fold(run(0, 89))[1] == []


def test_a_farm_may_choose_another_limit():
    (finding,) = step_minutes(State(), run(0, 15), Limits(no_movement_min=15))[1]
    assert isinstance(finding, Found)


def test_a_cow_that_rests_all_day_is_never_reported():
    assert fold(run(0, 1440, RESTING))[1] == []


@pytest.mark.parametrize("quietest", [(19, 0, 0), (0, 19, 0), (11, 11, 11)])
def test_not_even_the_quietest_tenth_of_real_resting_windows_is_still(quietest):
    # 24 mg RMS as mean absolute deviation (x 0.80): all on one axis, or 14 mg on each of three
    assert fold(run(0, 1440, quietest))[1] == []


def resting_segments(folder):
    """The samples of every segment in which a real cow rests or stands: interleaved x, y, z in mg."""
    with (folder / "segments.csv").open() as lines:
        quiet = {row["seg"] for row in csv.DictReader(lines) if row["label"] in ("resting", "standing")}
    segments = {seg: array("h") for seg in quiet}
    with gzip.open(folder / "samples.csv.gz", "rt") as lines:
        for row in csv.reader(lines):
            if row[0] in quiet:
                segments[row[0]].extend(int(value) for value in row[1:4])
    return segments.values()


def test_no_minute_of_a_real_resting_cow_is_still(data_folder):
    minutes = []
    for samples in resting_segments(data_folder / "wasp-cow-collar"):
        count = len(samples) // 192
        records = bytearray(14 * count)
        for at in range(count):
            window_into(samples, 64 * at, records, 14 * at)
        minutes += (
            [each for each in minute_parts([frame([records])])[0] if each.windows > 10] if count else []
        )
    assert len(minutes) > 50
    quietest = min(minutes, key=lambda each: each.motion_max_mg)
    assert quietest.motion_max_mg > 2 * STILL_MG


def test_one_movement_starts_the_count_anew():
    _, found = fold(run(0, 80) + run(80, 1, GRAZING) + run(81, 90))
    assert [each.onset_ms for each in found] == [(MONDAY + 81) * MINUTE_MS]


def test_a_change_of_posture_starts_the_count_anew():
    lying = run(
        80, 120, gravity_16mg=(0, 8, 60)
    )  # 7.6 degrees over: the least that lying and standing differ
    _, found = fold(run(0, 80) + lying)
    assert [each.onset_ms for each in found] == [(MONDAY + 81) * MINUTE_MS]


def test_a_carcass_whose_collar_slips_is_told_once():
    slipped = run(120, 200, gravity_16mg=(0, 40, 47))
    assert len(fold(run(0, 120) + slipped)[1]) == 1


def test_a_zero_that_drifts_as_the_carcass_cools_is_no_posture():
    cooling = run(80, 10, gravity_16mg=(1, -1, 62))
    assert len(fold(run(0, 80) + cooling)[1]) == 1


def test_missing_minutes_do_not_count_as_still():
    _, found = fold(run(0, 50) + run(65, 60))
    assert found[0].at_ms == (MONDAY + 105) * MINUTE_MS
    assert found[0].onset_ms == MONDAY * MINUTE_MS
    assert found[0].evidence["missing_min"] == 15


def test_minutes_with_too_few_windows_do_not_count_either():
    _, found = fold(run(0, 50) + run(50, 10, windows=7) + run(60, 60))
    assert found[0].evidence["still_min"] == 90
    assert found[0].evidence["missing_min"] == 10


def test_a_movement_in_a_minute_with_few_windows_counts_as_movement():
    assert fold(run(0, 89) + run(89, 1, GRAZING, windows=1) + run(90, 89))[1] == []


def test_a_gap_longer_than_one_upload_starts_the_count_anew():
    _, found = fold(run(0, 50) + run(66, 90))
    assert [each.onset_ms for each in found] == [(MONDAY + 66) * MINUTE_MS]


def test_a_carcass_with_bad_radio_is_reported_once():
    minutes = run(0, 100) + run(400, 100) + run(800, 300)
    assert len(fold(minutes)[1]) == 1


def test_movement_ends_the_episode_and_the_next_one_is_another():
    _, found = fold(run(0, 100) + run(100, 1, RESTING) + run(101, 100))
    assert [type(each) for each in found] == [Found, Over, Found]
    assert found[1] == Over(KIND.name, MONDAY * MINUTE_MS, (MONDAY + 100) * MINUTE_MS)
    assert found[2].onset_ms == (MONDAY + 101) * MINUTE_MS


def test_the_evidence_says_how_long_and_when_she_last_moved():
    _, found = fold(run(0, 30, RESTING) + run(30, 30, GRAZING) + run(60, 90))
    assert found[0].evidence == {
        "still_min": 90,
        "missing_min": 0,
        "limit_mg": 11,
        "last_movement_ms": (MONDAY + 59) * MINUTE_MS,
        "trace": [["minutes with data, all still", 90, 90]],
    }


def test_a_cow_that_was_never_seen_moving_has_no_last_movement():
    assert fold(run(0, 90))[1][0].evidence["last_movement_ms"] is None


MOTION = st.sampled_from([DEAD, RESTING, GRAZING])


@given(st.lists(st.tuples(st.integers(1, 40), MOTION, st.integers(1, 120)), max_size=8))
def test_storing_the_state_after_every_minute_changes_nothing(story):
    minutes, at = [], 0
    for gap, motion, count in story:
        minutes += run(at + gap, count, motion)
        at += gap + count
    assert all(one.minute < next_one.minute for one, next_one in pairwise(minutes))
    kept, found = fold(minutes)
    stored, found_stored = State(), []
    for each in minutes:
        stored, some = fold([each], decode(encode(stored), VERSION))
        found_stored += some
    assert (stored, found_stored) == (kept, found)


def test_a_state_of_another_version_is_refused():
    with pytest.raises(StateError, match="no_movement: state of version 9, this code reads 3"):
        decode(encode(State()), 9)


def test_a_state_of_the_version_before_is_read_without_what_was_usual():
    state, _ = fold(run(0, 3, RESTING) + run(3, 20))
    assert decode(encode(state) + bytes(10), 2) == state
