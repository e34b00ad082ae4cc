"""The fold of a partition: what batching, order, faults and gaps may and may not change."""

from __future__ import annotations

import struct
from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herdcore.vocabulary import SCHEMA_HEALTH, WINDOW_MS
from relay.alerts.ids import event_id
from relay.behaviour import labels
from relay.behaviour.ordering import HOLE_MS
from relay.scoring import animal
from relay.scoring.animal import from_rows, to_rows
from relay.scoring.findings import Found, Limits, Over, StateError
from relay.scoring.kind import Kind, Tier
from relay.scoring.partition import fold, whole_arrivals
from tests.relay.scoring_frames import (
    BELLA,
    DEAD,
    FARM,
    GRAZING,
    MINUTE_MS,
    MONDAY_MS,
    RESTING,
    but_for_sums,
    frame,
    frames_of,
    health_frame,
    window,
    windows_of,
)

LIMITS = Limits(no_movement_min=90)
LONA = 8
HOUR = 60


def found(folded):
    """What is reported of all animals in this batch."""
    return [each for some in folded.findings.values() for each in some if isinstance(each, Found)]


def fold_with_labels(batches):
    """Fold batch after batch; return states, events, windows that came too late, labels as they come."""
    states, events, late, told = {}, [], 0, []
    for batch in batches:
        folded = fold(batch, states, LIMITS)
        states.update(folded.states)
        events += found(folded)
        late += folded.late_windows
        told += [(animal_id, *label) for animal_id, some in folded.labels.items() for label in some]
        assert folded.failures == {}
    return states, events, late, told


def fold_all(batches):
    """Fold batch after batch; return the states, the events and the windows that came too late."""
    return fold_with_labels(batches)[:3]


def labels_of(batches):
    """Fold batch after batch; return the labelled minutes of all animals as they come."""
    return fold_with_labels(batches)[3]


def story(sizes=(88,)):
    """Two hours of rest, two of death, a bump, two more hours; a quarter of an hour is uploaded at once."""
    records = [
        *windows_of(2 * HOUR, RESTING),
        *windows_of(2 * HOUR, DEAD),
        window(GRAZING),
        *windows_of(2 * HOUR, DEAD),
    ]
    return frames_of(records, MONDAY_MS + 12_345, sizes)


def ids(events):
    return [event_id(FARM, event.animal, event.kind, event.onset_ms) for event in events]


_, EVENTS, _, EXPECTED_LABELS = fold_with_labels([story()])
EXPECTED = ids(EVENTS)


def test_a_dead_cow_is_found_with_her_onset_and_the_time_at_which_it_is_sure():
    _, events, _ = fold_all([frames_of([*windows_of(30), *windows_of(2 * HOUR, DEAD)])])
    (event,) = events
    assert event.onset_ms == MONDAY_MS + 30 * MINUTE_MS
    assert event.at_ms == event.onset_ms + 90 * MINUTE_MS
    assert (event.animal, event.kind) == (BELLA, "no_movement")


def test_the_event_comes_with_the_frame_that_completes_the_ninety_minutes():
    frames = frames_of([*windows_of(30), *windows_of(3 * HOUR, DEAD)])
    states, at = {}, None
    for number, one in enumerate(frames):
        folded = fold([one], states, LIMITS)
        states.update(folded.states)
        if found(folded):
            at = number
    assert at == next(
        i for i, f in enumerate(frames) if f.received_ms - WINDOW_MS >= MONDAY_MS + 120 * MINUTE_MS + HOLE_MS
    )


@settings(max_examples=6, deadline=None)
@given(
    st.lists(st.integers(20, 88), min_size=1, max_size=6),
    st.lists(st.integers(1, 12), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_neither_cutting_nor_order_nor_batching_changes_events_or_labels(sizes, batches, random):
    frames = story(sizes)
    # A frame comes up to two places late: 2 x 88 windows are 15 minutes.
    order = sorted(range(len(frames)), key=lambda at: (at + random.choice((0, 0, 1, 1.5)), at))
    mixed, at = [], 0
    while at < len(order):
        size = batches[len(mixed) % len(batches)]
        mixed.append([frames[number] for number in order[at : at + size]])
        at += size
    states, events, late, told = fold_with_labels(mixed)
    assert ids(events) == EXPECTED
    assert late == 0
    assert but_for_sums(states) == but_for_sums(fold_all([story(sizes)])[0])
    assert told == EXPECTED_LABELS


def test_the_story_has_two_events():
    assert len(EXPECTED) == 2


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_a_restart_between_any_two_batches_changes_nothing(size):
    frames = story()
    states, events = {}, []
    for at in range(0, len(frames), size):
        folded = fold(frames[at : at + size], states, LIMITS)
        states.update(folded.states)
        events += found(folded)
        states = from_rows([row for owner, state in states.items() for row in to_rows(owner, state)])
    assert (states, ids(events)) == (fold_all([story()])[0], EXPECTED)


def test_the_backlog_of_a_collar_that_drains_newest_first_is_put_in_order():
    in_one_request = [replace(one, received_ms=MONDAY_MS + 400 * MINUTE_MS) for one in story()[::-1]]
    _, events, late = fold_all([in_one_request])
    assert (ids(events), late) == (EXPECTED, 0)


def test_what_is_later_than_the_watermark_is_counted_and_left_out():
    frames = story()
    states, _, late = fold_all([frames[:2], frames[3:8]])
    assert late == 0
    folded = fold([frames[2]], states, LIMITS)
    assert folded.late_windows == folded.windows == 88
    assert folded.states == {BELLA: states[BELLA]}
    assert folded.late == {BELLA: frames[2].first_ms // MINUTE_MS}


def test_two_cows_do_not_mix():
    dead = frames_of(windows_of(2 * HOUR, DEAD), animal_id=LONA, device=5)
    alive = frames_of(windows_of(2 * HOUR, RESTING))
    _, events, _ = fold_all([[one for pair in zip(dead, alive, strict=True) for one in pair]])
    assert [event.animal for event in events] == [LONA]


def test_data_belong_to_the_cow_that_wore_the_collar():
    frames = frames_of(windows_of(2 * HOUR, DEAD))
    half = len(frames) // 2
    handed_on = frames[:half] + [replace(one, animal_id=LONA) for one in frames[half:]]
    assert fold_all([handed_on])[1] == []


def test_one_cows_fault_does_not_stop_the_others():
    sound = frames_of(windows_of(2 * HOUR, DEAD), animal_id=LONA)
    folded = fold([*story(), *sound], {BELLA: "no state at all"}, LIMITS)
    assert list(folded.failures) == [BELLA]
    assert list(folded.states) == [LONA]
    assert [event.animal for event in found(folded)] == [LONA]


ANY_TIME_MS = st.integers(MONDAY_MS - (1 << 32) * 1000, MONDAY_MS + 10**9) | st.integers(0, 10**7).map(
    lambda offset: MONDAY_MS + offset
)
ANY_FRAME = st.builds(
    lambda records, first_ms, received: frame(records, first_ms, received_ms=received),
    st.lists(st.binary(min_size=14, max_size=14) | st.just(window(DEAD)), min_size=1, max_size=88),
    ANY_TIME_MS,
    st.integers(0, 3),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(ANY_FRAME, max_size=8))
def test_no_rightly_tagged_frame_can_break_the_fold_or_outgrow_the_state(frames):
    states, _, _ = fold_all([[one] for one in frames])
    stored = [row for owner, state in states.items() for row in to_rows(owner, state)]
    assert from_rows(stored) == states
    assert all(sum(sizes(state)) <= 8_000 for state in states.values())


def test_a_collar_that_restarts_goes_on_with_the_same_stillness():
    before = frames_of(windows_of(HOUR, DEAD))
    after = frames_of(windows_of(HOUR, DEAD), MONDAY_MS + (HOUR + 5) * MINUTE_MS, boot=2)
    _, (event,), _ = fold_all([before, after])
    assert event.onset_ms == MONDAY_MS
    assert event.evidence["missing_min"] == 5


def test_a_long_silence_of_the_collar_is_no_stillness_of_the_cow():
    before = frames_of(windows_of(HOUR, DEAD))
    after = frames_of(windows_of(HOUR, DEAD), MONDAY_MS + 5 * HOUR * MINUTE_MS, boot=2)
    assert fold_all([before, after])[1] == []


def test_frames_that_cannot_be_scored_are_counted_by_reason():
    folded = fold(
        [
            frame([window()], animal_id=None),
            frame([window(), b"torn"]),
            frame([bytes(40)], kind=0x10 + SCHEMA_HEALTH),
        ],
        {},
        LIMITS,
    )
    assert (folded.unassigned_frames, folded.malformed_frames, folded.windows) == (1, 2, 0)
    assert folded.states == {}


def test_the_end_of_an_episode_has_the_onset_of_its_beginning():
    records = [*windows_of(2 * HOUR, DEAD), *windows_of(10, RESTING)]
    begun, over = fold(frames_of(records), {}, LIMITS).findings[BELLA]
    assert (type(over), over.animal, over.onset_ms) == (Over, BELLA, begun.onset_ms)


def sizes(state):
    """Bytes that the store keeps of each scorer, the classifier's own state left out."""
    return [len(row.state) for row in to_rows(BELLA, state) if row.scorer != labels.KIND]


def test_what_is_kept_of_an_undisturbed_cow_takes_less_than_800_bytes():
    frames = frames_of(windows_of(8 * HOUR))
    states = fold_all([frames[:8]])[0]
    seen = []
    for one in frames[8:]:
        states |= fold([one], states, LIMITS).states
        seen.append(sum(sizes(states[BELLA])))
    assert max(seen) <= 800


def test_what_is_kept_behind_holes_is_bounded_by_17_minutes_of_windows():
    holes = [one for at, one in enumerate(frames_of(windows_of(8 * HOUR), sizes=(12,))) if at % 2]
    state = fold_all([holes])[0][BELLA]
    assert len(state.waiting.minutes) > 7
    full = max(fold_all([frames_of(windows_of(14))])[0][BELLA].waiting.minutes, key=lambda each: each.windows)
    behind = replace(state, waiting=replace(state.waiting, minutes=(full,) * 17))
    assert sum(sizes(state)) <= sum(sizes(behind)) <= 4_400


def rows_of(state):
    return {row.scorer: row for row in to_rows(BELLA, state)}


def test_a_missing_or_damaged_state_is_refused_with_the_animal_in_the_message():
    stored = rows_of(fold_all([story()[:5]])[0][BELLA])
    rest = list(stored.values())[1:]
    with pytest.raises(StateError, match="animal 7: no state of scorer 'minutes'"):
        from_rows(rest)
    with pytest.raises(StateError, match="animal 7: no state of scorer 'behaviour'"):
        from_rows(stored[name] for name in stored if name != labels.KIND)
    for name in ("minutes", "no_movement", "behaviour", "hours"):
        with pytest.raises(StateError, match="animal 7: damaged state"):
            from_rows((stored | {name: replace(stored[name], state=b"short")}).values())
    with pytest.raises(StateError, match="minutes: state of version 0, this code reads 5"):
        from_rows([replace(stored["minutes"], version=0), *rest])


def test_a_scorer_that_is_not_known_is_ignored_and_one_without_a_row_starts_anew():
    state = fold_all([story()[:5]])[0][BELLA]
    stored = rows_of(state)
    still = stored.pop("no_movement")
    (read,) = from_rows([*stored.values(), replace(still, scorer="of_another_release")]).values()
    assert read == replace(state, minutely={})
    assert set(fold(story()[5:10], {BELLA: read}, LIMITS).states[BELLA].minutely) == set(state.minutely)


def count_up(state, minutes, limits):
    """A scorer of minutes that remembers how many there were and reports each twentieth."""
    numbered = list(enumerate(minutes, state.count + 1))
    found = [
        Found("count", each.minute * MINUTE_MS, each.minute * MINUTE_MS, {})
        for number, each in numbered
        if number % 20 == 0
    ]
    return Count(state.count + len(numbered)), found


class Count(NamedTuple):
    count: int = 0


def test_a_scorer_of_minutes_needs_nothing_but_its_own_module(monkeypatch):
    counting = SimpleNamespace(
        KIND=Kind("count", Tier.DIGEST), VERSION=1, State=Count, step_minutes=count_up,
        encode=lambda state: bytes([state.count]), decode=lambda data, _: Count(data[0]),
    )  # fmt: skip
    monkeypatch.setattr(animal, "minutely", lambda: (counting,))
    folded = fold(story()[:8], {}, LIMITS)
    (each,) = folded.findings[BELLA][:1]
    assert (each.kind, each.animal) == ("count", BELLA)
    (read,) = from_rows(to_rows(BELLA, folded.states[BELLA])).values()
    assert read == folded.states[BELLA]


def of_the_release_before(rows):
    """The rows as they were before there were hours: in front of the minutes a quarter of an hour."""
    kept = {row.scorer: row for row in rows if row.scorer != "hours"}
    row = b"\x15" + struct.pack("<qBIQ", 1, 2, 3, 4)
    minutes = replace(kept["minutes"], version=4, state=row + kept["minutes"].state)
    return [*(kept | {"minutes": minutes}).values(), replace(minutes, scorer="given_up", version=1)]


@pytest.mark.parametrize("at", [5, 14, 20, 30])
def test_an_upgrade_between_any_two_frames_changes_no_event_and_no_label(at):
    frames = story()
    states, events, _, _ = fold_with_labels([frames[:at]])
    states = from_rows(
        [row for one, state in states.items() for row in of_the_release_before(to_rows(one, state))]
    )
    folded = fold(frames[at:], states, LIMITS)
    assert ids(events + found(folded)) == EXPECTED
    assert folded.late_windows == 0
    assert [(BELLA, *label) for label in folded.labels[BELLA]] == EXPECTED_LABELS[
        -len(folded.labels[BELLA]) :
    ]


def test_damaged_minutes_of_the_release_before_are_refused():
    minutes, *rest = of_the_release_before(to_rows(BELLA, fold_all([story()[:5]])[0][BELLA]))
    with pytest.raises(StateError, match="animal 7: damaged state"):
        from_rows([replace(minutes, state=minutes.state[:-1]), *rest])


def test_a_classifier_that_fails_costs_no_warning_and_starts_anew():
    frames = story()
    states, events, _, _ = fold_with_labels([frames[:10]])
    odd = replace(states[BELLA].behaviour.stream, forward=((0.5,) * 7,))
    states[BELLA] = replace(states[BELLA], behaviour=replace(states[BELLA].behaviour, stream=odd))
    folded = fold(frames[10:], states, LIMITS)
    assert ids(events + found(folded)) == EXPECTED
    assert (list(folded.unlabelled), folded.failures) == ([BELLA], {})
    assert len(folded.labels[BELLA]) > 3 * HOUR


def test_every_minute_that_has_passed_is_labelled_once_in_order_but_for_the_last_ones():
    numbers = [label[1] for label in EXPECTED_LABELS]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert MONDAY_MS // MINUTE_MS in numbers[:2]
    assert len(numbers) >= 6 * HOUR - 3


def test_a_restart_between_any_two_frames_changes_no_label():
    states, told = {}, []
    for one in story():
        folded = fold([one], states, LIMITS)
        told += [(BELLA, *label) for label in folded.labels.get(BELLA, [])]
        states = from_rows([row for owner, state in folded.states.items() for row in to_rows(owner, state)])
    assert told == EXPECTED_LABELS


def test_labels_of_two_cows_do_not_mix():
    lona = frames_of(windows_of(2 * HOUR, GRAZING), animal_id=LONA, device=5)
    bella = frames_of(windows_of(2 * HOUR, RESTING))
    together = labels_of([[one for pair in zip(lona, bella, strict=True) for one in pair]])
    assert sorted(together) == sorted(labels_of([lona]) + labels_of([bella]))


def test_a_cow_whose_fold_fails_has_no_labels_of_that_batch():
    assert fold(story(), {BELLA: "no state at all"}, LIMITS).labels == {}


def test_a_full_batch_leaves_out_its_last_request_which_may_go_on():
    frames = [frame([window()], received_ms=at) for at in (10, 10, 20, 20)]
    assert whole_arrivals(frames, 4) == frames[:2]
    assert whole_arrivals(frames, 5) == frames
    assert whole_arrivals(frames[:2], 2) == frames[:2], "a request longer than a batch cannot be kept whole"


DAY_MS = 24 * HOUR * MINUTE_MS


def set_right(before_mg):
    """Two hours dated a day ahead, because the relay's clock was, then a death on the right day."""
    wrong = frames_of(windows_of(2 * HOUR, before_mg), MONDAY_MS + DAY_MS)
    return [wrong, frames_of(windows_of(3 * HOUR, DEAD), MONDAY_MS + 3 * HOUR * MINUTE_MS)]


def test_a_clock_that_was_a_day_ahead_does_not_make_the_right_data_late():
    _, (event,), late = fold_all(set_right(RESTING))
    assert (event.onset_ms, late) == (MONDAY_MS + 3 * HOUR * MINUTE_MS, 0)


def test_a_clock_that_is_set_right_calls_for_a_refold_from_the_right_data_on():
    wrong, right = set_right(RESTING)
    folded = fold(right[:2], fold(wrong, {}, LIMITS).states, LIMITS)
    assert folded.late == {BELLA: MONDAY_MS // MINUTE_MS + 3 * HOUR}


def test_a_health_frame_dated_ahead_does_not_hide_those_of_the_right_time():
    wrong = health_frame(MONDAY_MS + 300 * DAY_MS, days_left=7)
    right = [health_frame(), *frames_of(windows_of(HOUR), MONDAY_MS)]
    folded = fold(right, fold([wrong], {}, LIMITS).states, LIMITS)
    (state,) = folded.states.values()
    assert [each.first_ms for each in state.hours.health] == [MONDAY_MS]
    assert folded.late == {BELLA: MONDAY_MS // MINUTE_MS}


def test_labels_of_a_clock_that_was_ahead_give_way_to_those_of_the_right_time():
    wrong, right = set_right(RESTING)
    told = labels_of([[*wrong, *right]])
    assert told == sorted(told)
    assert told[-1][1] < (MONDAY_MS + DAY_MS) // MINUTE_MS


def test_a_collars_late_upload_is_no_sign_of_a_wrong_clock():
    frames = [replace(one, received_ms=one.first_ms) for one in story()]
    assert ids(fold_all([[one] for one in frames])[1]) == EXPECTED
