"""Data that come late: whatever the way they came, in the end everything is as if they had come in order."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.behaviour import labels
from relay.scoring.animal import AnimalState, from_rows, to_rows
from relay.scoring.findings import Found, Limits, Over, StateError
from relay.scoring.partition import Folded, fold, put
from relay.scoring.reopen import WITHOUT_DAYS, base_before, reopen
from tests.relay.scoring_frames import (
    BELLA,
    DEAD,
    GRAZING,
    MINUTE_MS,
    MONDAY_MS,
    RESTING,
    but_for_sums,
    frame,
    frames_of,
    health_frame,
    minutes_frame,
    windows_of,
)

LIMITS = Limits(no_movement_min=90)
HOUR_MS, HOUR_MIN = 3_600_000, 60
DAY_MS, DAY_MIN = 24 * HOUR_MS, 24 * 60
LONA = 8


def stretch(from_h, until_h, mad_mg):
    """A frame of 2 minutes every quarter of an hour."""
    starts = range(round(4 * from_h), round(4 * until_h))
    return [frame(windows_of(2, mad_mg), MONDAY_MS + at * HOUR_MS // 4 + 7_777) for at in starts]


def numbered(frames):
    """The frames with places in the collar's log; received when their last window is over."""
    frames = sorted(frames, key=lambda each: each.first_ms)
    return [replace(each, seq=at, cursor=at + 1) for at, each in enumerate(frames)]


# From 20:00 on Monday to noon on Wednesday; over the midnight to Tuesday the collar is as still as on a dead
# cow.
STORY = numbered(
    [
        *stretch(20, 23, RESTING),
        *frames_of(windows_of(110, DEAD), MONDAY_MS + 23 * HOUR_MS + 12_345),
        *stretch(25, 46, GRAZING),
        minutes_frame(windows_of(120, RESTING), MONDAY_MS + 46 * HOUR_MS),
        *stretch(48, 60, RESTING),
        *[health_frame(MONDAY_MS + at * HOUR_MS + 5, 200 - at) for at in (21, 27, 33, 39, 47, 51, 57)],
    ]
)


class Relay:
    """The log and the store of one animal, which the relay reads anew before every request."""

    def __init__(self):
        self.log, self.rows, self.snapshots = {}, [], {}
        self.findings, self.labels, self.hours, self.reopened = [], {}, {}, 0

    def deliver(self, frames):
        """Take a request; what is known already is not logged again."""
        new = {}
        for each in frames:
            name = each.device, each.boot, each.seq
            if name not in self.log:
                self.log[name] = new[name] = replace(each, cursor=len(self.log) + 1)
        folded = fold(list(new.values()), from_rows(self.rows), LIMITS)
        assert (folded.failures, folded.unlabelled) == ({}, {})
        since = None
        if BELLA in folded.late:
            since = self._reopen(folded)
        self._store(folded, since)

    def _reopen(self, folded):
        stored = [row for rows in self.snapshots.values() for row in rows]
        base = base_before(stored, folded.late[BELLA])
        frames = [each for each in self.log.values() if each.first_ms + 4 * HOUR_MS >= base.read_from_ms]
        put(folded, reopen(base, BELLA, [*frames, *frames[:3]], LIMITS, len(self.log)))
        self.reopened += 1
        return base

    def _store(self, folded, since):
        if since is not None:
            day = since.day
            self.snapshots = {at: rows for at, rows in self.snapshots.items() if at <= day}
            self.hours = {at: row for at, row in self.hours.items() if at < 24 * day}
            self.labels = {at: told for at, told in self.labels.items() if at < DAY_MIN * day}
            self.findings = [each for each in self.findings if since.covers(each)]
        for state in folded.states.values():
            self.rows = to_rows(BELLA, state)
        for row in folded.snapshots.get(BELLA, []):
            self.snapshots[row.day] = [
                *(each for each in self.snapshots.get(row.day, []) if each.scorer != row.scorer),
                row,
            ]
        self.findings += folded.findings.get(BELLA, [])
        self.labels |= {each.minute: each for each in folded.labels.get(BELLA, [])}
        self.hours |= folded.hours.get(BELLA, {})

    def outcome(self):
        """All that must not depend on how the data came; the classifier's own sums may, by a last digit."""
        snapshots = {
            (day, row.scorer): row.state
            for day, rows in self.snapshots.items()
            for row in rows
            if row.scorer != labels.KIND
        }
        return but_for_sums(from_rows(self.rows)), self.findings, self.labels, self.hours, snapshots


def delivered(requests):
    relay = Relay()
    for request in requests:
        relay.deliver(request)
    return relay


def in_order(frames):
    return delivered([[each] for each in sorted(frames, key=lambda each: each.received_ms)])


EXPECTED = in_order(STORY)


def test_in_order_nothing_is_reopened_and_the_story_is_told():
    assert EXPECTED.reopened == 0
    assert [type(each).__name__ for each in EXPECTED.findings] == ["Found", "Over"]
    assert sorted(EXPECTED.snapshots) == [MONDAY_MS // DAY_MS + day for day in (1, 2)]
    assert len(EXPECTED.hours) == 40
    assert len(EXPECTED.labels) > 300


def arrivals(seed, late_share):
    """The story in requests of any size, some frames up to two days late, some more than once."""
    random = Random(seed)
    sent = []
    for each in STORY:
        for _ in range(1 + (random.random() < 0.05)):
            late_ms = random.randrange(47 * HOUR_MS) if random.random() < late_share else 0
            sent.append((each.received_ms + late_ms, each))
    sent.sort(key=lambda pair: pair[0])
    requests = []
    while sent:
        size = random.choice((1, 1, 2, 5, 30, 64))
        now_ms = sent[min(size, len(sent)) - 1][0]
        requests.append([replace(each, received_ms=now_ms) for _, each in sent[:size]])
        del sent[:size]
    return requests


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from((0.01, 0.1, 0.5)))
def test_frames_up_to_two_days_late_in_any_order_and_twice_make_no_difference(seed, late_share):
    assert delivered(arrivals(seed, late_share)).outcome() == EXPECTED.outcome()


@pytest.mark.parametrize("size", [5, 16])
def test_a_day_of_outage_drained_newest_first_makes_no_difference(size):
    begin, end = len(STORY) // 4, len(STORY) * 3 // 4
    now_ms = STORY[end].received_ms
    backlog = [replace(each, received_ms=now_ms) for each in STORY[begin:end][::-1]]
    drained = [
        [replace(each, received_ms=now_ms + at) for each in backlog[at : at + size]]
        for at in range(0, len(backlog), size)
    ]
    relay = delivered([[each] for each in STORY[:begin]] + [STORY[end : end + 1], *drained, STORY[end + 1 :]])
    assert relay.reopened >= len(drained) - 1
    assert relay.outcome() == EXPECTED.outcome()


@pytest.mark.parametrize(
    ("begin", "end", "ahead_ms"),
    [(5, 9, 3 * HOUR_MS), (20, 60, DAY_MS), (60, 130, DAY_MS), (100, 110, 30 * DAY_MS)],
)
def test_what_was_dated_by_a_clock_that_was_ahead_is_as_if_it_had_not_come(begin, end, ahead_ms):
    wrong = [
        replace(each, first_ms=each.first_ms + ahead_ms, received_ms=each.received_ms + ahead_ms)
        for each in STORY[begin:end]
    ]
    relay = delivered([[each] for each in (*STORY[:begin], *wrong, *STORY[end:])])
    assert relay.reopened > 0
    assert relay.outcome() == in_order(STORY[:begin] + STORY[end:]).outcome()


def test_data_that_a_clock_half_an_hour_behind_has_dated_twice_over_are_the_same_in_any_order():
    behind = [
        replace(each, first_ms=each.first_ms - 30 * MINUTE_MS, received_ms=each.received_ms - 30 * MINUTE_MS)
        for each in STORY[40:60]
    ]
    late = [replace(each, received_ms=STORY[-1].received_ms) for each in (*STORY[30:40], *behind)]
    as_it_was = delivered([[each] for each in (*STORY[:40], *behind, *STORY[60:])])
    at_last = delivered([*[[each] for each in (*STORY[:30], *STORY[60:])], late[::-1]])
    assert (as_it_was.reopened > 0, at_last.reopened) == (True, 1)
    assert as_it_was.outcome() == at_last.outcome()


def test_what_is_more_than_two_days_late_is_counted_and_changes_nothing():
    old = replace(STORY[3], first_ms=MONDAY_MS - HOUR_MS, boot=9, received_ms=STORY[-1].received_ms)
    relay = delivered([*[[each] for each in STORY], [old]])
    assert (relay.reopened, relay.outcome()) == (0, EXPECTED.outcome())
    folded = fold([replace(old, first_ms=STORY[3].first_ms)], from_rows(relay.rows), LIMITS)
    assert list(folded.late) == [BELLA]


def test_a_death_that_comes_late_is_found_and_one_that_was_none_is_found_no_more():
    bump = replace(frame(windows_of(1, GRAZING), MONDAY_MS + 24 * HOUR_MS), boot=3)
    bump = replace(bump, received_ms=STORY[-1].received_ms)
    assert delivered([*[[each] for each in STORY], [bump]]).findings == []
    without = [
        each for each in STORY if not MONDAY_MS + 23 * HOUR_MS <= each.first_ms < MONDAY_MS + 25 * HOUR_MS
    ]
    dead = [each for each in STORY if each not in without]
    late = [replace(each, received_ms=STORY[-1].received_ms) for each in dead]
    assert delivered([without, late]).findings == EXPECTED.findings


def test_the_daily_state_is_the_newest_before_the_late_minute():
    tuesday, wednesday = sorted(EXPECTED.snapshots)
    stored = [row for rows in EXPECTED.snapshots.values() for row in rows]
    assert base_before(stored, wednesday * DAY_MIN + 5).day == wednesday
    base = base_before(stored, wednesday * DAY_MIN - 1)
    assert (base.day, base.start_ms) == (tuesday, tuesday * DAY_MS)
    assert base.read_from_ms == tuesday * DAY_MS - 12 * HOUR_MS
    assert base.state.waiting.next_minute == tuesday * DAY_MIN


def test_a_daily_state_covers_what_was_found_in_the_minutes_before_it():
    base = base_before([], MONDAY_MS // MINUTE_MS)
    at_midnight = base.start_ms
    assert base.covers(Found("no_movement", 0, at_midnight, {})), "sure at the end of the last minute"
    assert not base.covers(Over("no_movement", 0, at_midnight)), "she moved in the first minute"
    assert base.covers(Over("no_movement", 0, at_midnight - MINUTE_MS))
    assert not base.covers(Found("no_movement", 0, at_midnight + MINUTE_MS, {}))


def test_without_a_daily_state_an_empty_one_far_back_is_taken():
    base = base_before([], MONDAY_MS // MINUTE_MS)
    assert (base.day, base.state) == (MONDAY_MS // DAY_MS - WITHOUT_DAYS, AnimalState())


def test_a_daily_state_that_cannot_be_read_is_refused():
    (stored, *_) = EXPECTED.snapshots.values()
    damaged = [replace(each, state=b"?") for each in stored]
    with pytest.raises(StateError, match="animal 7: damaged state"):
        base_before(damaged, STORY[-1].first_ms // MINUTE_MS)


def test_frames_behind_the_cursor_of_the_batch_and_of_other_animals_wait_for_their_turn():
    base = base_before([], STORY[0].first_ms // MINUTE_MS)
    other = [replace(each, animal_id=LONA, boot=5) for each in STORY[:20]]
    folded = reopen(base, BELLA, [*STORY, *other], LIMITS, STORY[30].cursor)
    assert folded.states == reopen(base, BELLA, STORY[:31], LIMITS, STORY[30].cursor).states
    assert reopen(base, LONA, STORY, LIMITS, 1000).states == {}


def test_of_a_batch_only_the_reopened_animal_is_replaced():
    hers = [replace(each, animal_id=LONA, device=5) for each in STORY[:8]]
    batch = fold([*STORY[:3], *STORY[9:12], STORY[5], *hers], {}, LIMITS)
    kept = {name: getattr(batch, name)[LONA] for name in ("states", "labels", "hours", "told_until")}
    assert list(batch.late) == [BELLA]
    made = Folded(states={BELLA: AnimalState()}, hours={BELLA: {1: b"?"}})
    put(batch, made)
    assert (batch.late, BELLA in batch.labels, batch.hours[BELLA]) == ({}, False, {1: b"?"})
    assert kept == {name: getattr(batch, name)[LONA] for name in kept}


def test_a_silence_of_days_leaves_a_daily_state_for_each_of_the_last_three():
    later = [replace(each, first_ms=each.first_ms + 9 * DAY_MS) for each in STORY[:8]]
    made = fold([replace(each, received_ms=later[-1].first_ms) for each in (*STORY[:8], *later)], {}, LIMITS)
    days = sorted({row.day for row in made.snapshots[BELLA]})
    assert days == [MONDAY_MS // DAY_MS + day for day in (7, 8, 9)]
