"""Rare events: found, and false windows per labelled hour."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.evaluation.events import EventScores, Stretch, score_events, total

W = 5120
HOUR = 3_600_000


def scored(flags, events=(), otherwise=(), animal="7"):
    """Scores of one animal's flagged windows, given by their starts."""
    found = score_events([animal] * len(flags), flags, [True] * len(flags), events, otherwise)
    return found.get(animal)


@pytest.mark.parametrize(
    ("start", "found"),
    [(10_000 - W, 0), (10_000 - W + 1, 1), (10_000, 1), (11_000, 1), (12_999, 1), (13_000, 0)],
)
def test_an_event_is_found_if_a_flagged_window_overlaps_it_and_not_if_it_only_touches(start, found):
    assert scored([start], [Stretch("7", 10_000, 13_000)]).found == found


def test_an_event_that_many_windows_flag_is_one_event_and_one_window_may_find_two():
    assert scored([9_000, 10_000, 11_000], [Stretch("7", 10_000, 20_000)]).found == 1
    assert scored([0], [Stretch("7", 100, 200), Stretch("7", 300, 400)]).found == 2


def test_a_window_that_was_not_flagged_finds_nothing_and_is_never_false():
    found = score_events(["7"], [0], [False], [Stretch("7", 0, W)], [Stretch("7", W, HOUR + W)])
    assert found == {"7": EventScores(1, 0, 0, 1.0)}


def test_a_flagged_window_where_something_else_is_labelled_is_false():
    found = scored([0, W, 2 * HOUR], [], [Stretch("7", 0, HOUR)])
    assert (found.false_windows, found.labelled_hours, found.false_per_hour) == (2, 1.0, 2.0)


def test_a_flagged_window_across_the_edge_of_an_event_is_not_false():
    found = scored([8_000], [Stretch("7", 10_000, 13_000)], [Stretch("7", 0, 10_000)])
    assert (found.found, found.false_windows) == (1, 0)


def test_a_flagged_window_where_nothing_is_labelled_counts_for_nothing():
    assert scored([HOUR], [Stretch("7", 0, 1000)], [Stretch("7", 2000, 3000)]).false_windows == 0


def test_another_animals_windows_find_nothing():
    found = score_events(["8"], [10_000], [True], [Stretch("7", 10_000, 13_000)], [Stretch("8", 0, HOUR)])
    assert found == {"7": EventScores(1, 0, 0, 0.0), "8": EventScores(0, 0, 1, 1.0)}


def test_an_hour_that_stretches_share_counts_once():
    found = scored(
        [], [], [Stretch("7", 0, HOUR), Stretch("7", HOUR // 2, HOUR), Stretch("7", HOUR // 4, 2 * HOUR)]
    )
    assert found.labelled_hours == 2.0


def test_the_total_adds_animals_and_says_both_shares():
    whole = total([EventScores(14, 9, 1, 0.5), EventScores(1, 0, 5, 1.5)])
    assert whole.as_json() == {
        "events": 15,
        "found": 9,
        "false_windows": 6,
        "labelled_hours": 2.0,
        "found_share": 0.6,
        "false_per_hour": 3.0,
    }


def test_without_events_or_hours_the_shares_are_nought():
    assert (total([]).found_share, total([]).false_per_hour) == (0.0, 0.0)


SPANS = st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 20_000)), max_size=8)


@settings(deadline=None)
@given(st.lists(st.integers(-W, 80_000), max_size=8), SPANS, SPANS)
def test_counts_are_those_of_comparing_every_window_with_every_stretch(starts, events, otherwise):
    true, other = ([Stretch("7", a, a + n) for a, n in spans] for spans in (events, otherwise))

    def meets(start, stretch):
        return start < stretch.end_ms and stretch.start_ms < start + W

    found = scored(starts, true, other) or EventScores(0, 0, 0, 0.0)
    assert found.events == len(events)
    assert found.found == sum(any(meets(start, each) for start in starts) for each in true)
    assert found.false_windows == sum(
        any(meets(start, each) for each in other) and not any(meets(start, each) for each in true)
        for start in starts
    )
    covered = {ms for each in other for ms in range(each.start_ms, each.end_ms)}
    assert found.labelled_hours == len(covered) / HOUR


def test_stretches_without_length_and_unequal_columns_are_refused():
    with pytest.raises(ValueError, match=r"events: .* ends before it has begun"):
        scored([], [Stretch("7", 5, 5)])
    with pytest.raises(ValueError, match="otherwise: "):
        scored([], [], [Stretch("7", 5, 4)])
    with pytest.raises(ValueError, match="have shapes"):
        score_events(["7"], [0, 1], [True, True], [], [])
