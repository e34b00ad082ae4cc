"""The alert for a cow far more restless than usual."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.scoring import rows
from relay.scoring.findings import Found, Limits, Over, StateError
from relay.scoring.rows import ROW_MS, Row
from relay.scoring.unusual_activity import KIND, VERSION, State, decode, encode, step
from tests.relay.scoring_frames import MONDAY, MONDAY_MS, minute

FIRST_ROW = MONDAY_MS // ROW_MS
DAY_ROWS = 96
NIGHT_MG, DAY_MG = 71, 418  # a resting and a grazing cow, datasets.md 4.7


def row(number, motion_mg, covered_min=15):
    """A row, numbered from Monday."""
    return Row(FIRST_ROW + number, covered_min, 176, motion_mg * 176)


def routine(number):
    """What she does on every day: she grazes from 6 to 18 and rests at night."""
    return DAY_MG if 24 <= number % DAY_ROWS < 72 else NIGHT_MG


def fold(some_rows, state=None):
    """Fold rows; return the state and what was found."""
    state, found = state or State(), []
    for each in some_rows:
        state, finding = step(state, each, Limits())
        found += [finding] if finding else []
    return state, found


def days(count, factor=1.0, start=0):
    """Whole days of routine, times a factor."""
    numbers = range(start * DAY_ROWS, (start + count) * DAY_ROWS)
    return [row(number, round(factor * routine(number))) for number in numbers]


def learned():
    """A cow known for five days."""
    return fold(days(5))[0]


def restless(count, factor, start=5 * DAY_ROWS + 4):
    return [row(number, round(factor * routine(number))) for number in range(start, start + count)]


def test_a_cow_that_keeps_her_routine_is_never_reported():
    assert fold(days(30))[1] == []


def test_nothing_is_said_in_the_first_three_days():
    assert fold(days(1) + days(1, 3.0, 1) + days(1, 9.0, 2))[1] == []


def test_from_the_fourth_day_on_it_is():
    found = fold(days(3) + restless(4, 3.0, 3 * DAY_ROWS))[1]
    assert [each.kind for each in found] == [KIND]


def test_four_restless_rows_are_one_alert_from_the_first_of_them():
    _, found = fold(restless(12, 2.2), learned())
    assert [type(each) for each in found] == [Found]
    start_ms = MONDAY_MS + (5 * DAY_ROWS + 4) * ROW_MS
    assert (found[0].onset_ms, found[0].at_ms) == (start_ms, start_ms + 4 * ROW_MS)


def test_three_are_none_so_a_dog_that_chases_her_does_not_fire():
    calm = row(5 * DAY_ROWS + 7, NIGHT_MG)
    assert fold([*restless(3, 9.0), calm, *restless(3, 9.0, 5 * DAY_ROWS + 8)], learned())[1] == []


def test_less_than_half_as_much_again_is_never_enough():
    assert fold(restless(40, 1.45), learned())[1] == []


def test_an_irregular_cow_needs_more_than_a_regular_one():
    uneven = [row(n, round(routine(n) * (0.5 if n * 7 % 5 < 2 else 1.5))) for n in range(5 * DAY_ROWS)]
    state, found = fold(uneven)
    assert found == []
    assert fold(restless(12, 2.2), state)[1] == []
    assert len(fold(restless(12, 9.0), state)[1]) == 1


@pytest.mark.parametrize("broken", [[], [row(5 * DAY_ROWS + 7, 900, covered_min=11)]])
def test_a_row_that_is_missing_or_has_gaps_breaks_the_run(broken):
    rows_with_hole = [*restless(3, 3.0), *broken, *restless(3, 3.0, 5 * DAY_ROWS + 8)]
    assert fold(rows_with_hole, learned())[1] == []


def test_a_row_with_gaps_does_not_end_an_alert_and_a_calm_one_does():
    start = 5 * DAY_ROWS + 4
    hole, calm = row(start + 5, 1, covered_min=3), row(start + 7, NIGHT_MG)
    _, found = fold([*restless(5, 3.0), hole, *restless(1, 3.0, start + 6), calm], learned())
    assert [type(each) for each in found] == [Found, Over]
    assert found[1].at_ms == MONDAY_MS + (start + 7) * ROW_MS


def test_after_a_day_of_it_she_is_learned_anew():
    state, found = fold(days(20, 3.0, 5), learned())
    assert [type(each) for each in found] == [Found, Over]
    assert found[1].at_ms - found[0].onset_ms == (DAY_ROWS - 1) * ROW_MS
    assert len(fold(restless(4, 9.0, 25 * DAY_ROWS), state)[1]) == 1, "and what is unusual now is found"


def test_the_evidence_is_what_she_did_against_what_she_does():
    _, found = fold(restless(4, 3.0), learned())
    assert found[0].evidence == {
        "restless_min": 60,
        "ratio_percent": pytest.approx(300, abs=5),
        "motion_mg": 3 * NIGHT_MG,
        "usual_motion_mg": NIGHT_MG,
        "days_learned": 5,
    }


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 15)), min_size=1, max_size=200))
def test_storing_the_state_after_every_row_changes_nothing(story):
    some = [row(number, motion, covered) for number, (motion, covered) in enumerate(story, 5 * DAY_ROWS)]
    kept, found = fold(some, learned())
    stored, found_stored = learned(), []
    for each in some:
        stored, more = fold([each], decode(encode(stored), VERSION))
        found_stored += more
    assert (stored, found_stored) == (kept, found)


def test_a_state_of_another_version_is_refused():
    with pytest.raises(StateError, match="unusual_activity: state of version 2, this code reads 1"):
        decode(encode(State()), 2)


def test_a_row_collects_its_quarter_of_an_hour_and_the_next_one_closes_it():
    open_row = None
    for at in range(15):
        open_row, closed = rows.add(open_row, minute(MONDAY + at, windows=12 if at else 7))
        assert closed is None
    open_row, closed = rows.add(open_row, minute(MONDAY + 47))
    assert closed == Row(FIRST_ROW, 14, 7 + 14 * 12, 71 * (7 + 14 * 12))
    assert closed.motion_mg == 71
    assert open_row.number == FIRST_ROW + 3


@pytest.mark.parametrize("open_row", [None, Row(FIRST_ROW, 14, 170, 12_000)])
def test_an_open_row_survives_the_store(open_row):
    assert rows.decode(rows.encode(open_row)) == open_row
