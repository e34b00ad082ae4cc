"""The events of a farm: the same once all hours are in, whatever the way they came."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from relay.model import HourRecord
from relay.scoring import farm, hours, kinds
from relay.scoring.animal import DAY_MIN
from relay.scoring.farm import Farm, News, advance, is_lost, restored, to_states
from relay.scoring.findings import Found, Over, StateError
from relay.scoring.reopen import Base
from relay.storage.ports import OPEN, OVER, WITHDRAWN
from tests.relay.kinds import scene
from tests.relay.test_herd_fold import COWS, SAID, STORY

FARM = 3
ROWS = {
    (animal, scene.FIRST + at): rows[animal : animal + 1].tobytes()
    for at, rows in enumerate(STORY)
    for animal in range(COWS)
}
LAST = scene.FIRST + len(STORY)
MINUTE_MS = hours.HOUR_MS // hours.HOUR_MIN


class Said:
    """Facts that are the same in every hour."""

    def __init__(self, off=frozenset()):
        self.off = off

    def at(self, _number):
        return replace(SAID, off=self.off)


class Fold:
    """A farm and what the store has of it."""

    def __init__(self, known=None):
        self.farm, self.known = Farm(FARM), known or Said()
        self.rows, self.states, self.events, self.changes = {}, {}, {}, []

    def take(self, rows, until=None, received=None, **more):
        """Take hours, by (animal, hour); all that are here are told to the end of the newest."""
        by_animal = {}
        for (animal, hour), row in rows.items():
            by_animal.setdefault(animal, {})[hour] = row
        until = until or max(hour for _, hour in rows) + 1
        told = dict.fromkeys(by_animal, until * hours.HOUR_MIN)
        received_ms = hours.start_ms(received or until)
        before = self.farm
        self.farm, self.changes = advance(before, News(received_ms, by_animal, told, **more), self.known)
        self.rows |= rows
        self.states |= {each.hour: each for each in to_states(self.farm, before)}
        self.events |= {each.id: each for each in self.changes}
        newest = self.farm.next_hour or 0
        kept = {each.number + 1 for each in self.farm.kept}
        self.states = {hour: each for hour, each in self.states.items() if hour in kept and hour <= newest}
        return self

    def restart(self):
        records = [HourRecord(animal, hour, row) for (animal, hour), row in self.rows.items()]
        self.farm = restored(FARM, self.states.values(), records, self.events.values())

    def standing(self):
        return {name: each.state for name, each in self.events.items() if each.state != WITHDRAWN}


def span(begin, end, animals=range(COWS)):
    """The hours of the story from `begin` to `end`, counted from its first."""
    return {
        (animal, scene.FIRST + at): ROWS[animal, scene.FIRST + at]
        for animal in animals
        for at in range(begin, end)
    }


def in_order(step_h=1, known=None):
    fold = Fold(known)
    for at in range(0, len(STORY), step_h):
        fold.take(span(at, min(at + step_h, len(STORY))))
    return fold


@pytest.fixture(scope="module")
def expected():
    return in_order()


def test_the_story_has_events_that_stand_and_some_that_are_over(expected):
    assert {OPEN, OVER} <= set(expected.standing().values())
    assert {each.animal_id for each in expected.events.values()} >= {3, None}


@pytest.mark.parametrize("step_h", [7, 400])
def test_many_hours_at_once_make_the_same_events(expected, step_h):
    assert in_order(step_h).standing() == expected.standing()


@pytest.mark.parametrize("seed", [1, 2])
def test_hours_that_come_up_to_two_days_late_make_the_same_events(expected, seed):
    random = Random(seed)
    due = {each: each[1] + (random.randrange(48) if random.random() < 0.05 else 0) for each in ROWS}
    fold = Fold()
    for now in range(scene.FIRST, LAST + 48, 8):
        rows = {each: ROWS[each] for each, at in due.items() if now <= at < now + 8}
        if rows:
            fold.take(rows, until=min(now + 8, LAST))
    assert fold.standing() == expected.standing()


def test_a_restart_makes_the_same_events(expected):
    fold = Fold()
    for at in range(0, len(STORY), 9):
        fold.take(span(at, min(at + 9, len(STORY))))
        if at > len(STORY) - 80:
            fold.restart()
    assert fold.standing() == expected.standing()


def test_an_hour_waits_for_who_was_there_before_but_not_for_more_than_twenty_minutes():
    fold = Fold().take(span(0, 2))
    fold.take(span(2, 3, animals=[0]))
    assert fold.farm.next_hour == scene.FIRST + 2, "the others may still come"
    late = {0: (scene.FIRST + 3) * hours.HOUR_MIN + farm.WAIT_MIN}
    now_ms = hours.start_ms(scene.FIRST + 4)
    waited, _ = advance(fold.farm, News(now_ms, told_until=late), fold.known)
    assert waited.next_hour == scene.FIRST + 3
    told, _ = advance(
        fold.farm, News(now_ms, told_until=dict.fromkeys(range(COWS), late[0] - 20)), fold.known
    )
    assert told.next_hour == scene.FIRST + 3


def test_the_same_rows_again_change_nothing():
    fold = Fold().take(span(0, 60))
    kept = fold.farm.kept
    fold.take(span(0, 60))
    assert fold.farm.kept == kept
    assert fold.changes == []


def test_late_rows_go_back_to_the_state_before_them():
    fold = Fold().take(span(0, 100))
    before = {each.number for each in fold.farm.kept}
    assert before == {scene.FIRST + at - 1 for at in (48, 72, 94, 95, 96, 97, 98, 99, 100)}
    state = fold.farm.kept[0]
    fold.take({(1, scene.FIRST + 60): hours.nothing(1).tobytes()}, until=scene.FIRST + 100)
    assert {each.number for each in fold.farm.kept} == before
    assert fold.farm.kept[0] is state
    assert fold.farm.kept[1] is not state


def test_before_a_day_is_over_rows_from_before_the_first_begin_the_farm_anew():
    fold = Fold().take(span(10, 20))
    fold.take(span(4, 10), until=scene.FIRST + 20)
    assert fold.farm.first == scene.FIRST + 4
    assert Fold().take(span(4, 20)).farm.kept[-1].number == fold.farm.kept[-1].number


def test_what_is_not_found_any_more_is_withdrawn_and_stands_again_once_it_is(expected):
    fold = Fold()
    for at in range(14 * 24):
        fold.take(span(at, at + 1))
    lively = [each for each in fold.events.values() if each.animal_id == 3 and each.state != WITHDRAWN]
    assert lively
    told = span(13 * 24, 14 * 24, animals=[3])
    calm = {(3, hour): ROWS[4, hour] for _, hour in told}
    fold.take(calm, until=scene.FIRST + 14 * 24)
    gone = {each.id for each in fold.changes if each.state == WITHDRAWN}
    assert gone <= {each.id for each in lively}
    assert gone
    fold.take(told, until=scene.FIRST + 14 * 24)
    assert {each.id for each in fold.changes} >= gone
    assert all(fold.events[name].state != WITHDRAWN for name in gone)


def test_rows_dated_ahead_of_what_arrives_wait_and_are_gone_back_over():
    fold = Fold().take(span(0, 100))
    ahead = {(animal, scene.FIRST + 130): ROWS[animal, scene.FIRST] for animal in range(COWS)}
    fold.take(ahead, until=scene.FIRST + 131, received=scene.FIRST + 100)
    assert fold.farm.next_hour == scene.FIRST + 101, "no right clock is further"
    fold.take(ahead, until=scene.FIRST + 131, received=scene.FIRST + 131)
    assert fold.farm.next_hour == scene.FIRST + 130
    nothing = dict.fromkeys(ahead, hours.nothing(1).tobytes())
    fold.take(nothing, until=scene.FIRST + 100, received=scene.FIRST + 100)
    assert fold.farm.next_hour == scene.FIRST + 100
    assert not is_lost(fold.farm)


def test_a_clock_that_was_weeks_ahead_leaves_no_state_to_go_back_to():
    fold = Fold().take(span(0, 100))
    fold.take({(0, scene.FIRST + 500): ROWS[0, scene.FIRST]}, until=scene.FIRST + 501)
    heard = farm.hear(fold.farm, News(hours.start_ms(scene.FIRST + 100)))
    assert is_lost(heard)
    assert not is_lost(fold.farm)


@pytest.mark.parametrize(("silent_h", "first"), [(100, 0), (farm.SILENT_H + 1, 50 + farm.SILENT_H + 1)])
def test_a_silence_is_stepped_over_and_a_very_long_one_is_a_new_beginning(silent_h, first):
    fold = Fold().take(span(0, 50))
    hour = scene.FIRST + 50 + silent_h
    fold.take({(0, hour + at): ROWS[0, scene.FIRST] for at in range(2)})
    assert (fold.farm.first, fold.farm.next_hour) == (scene.FIRST + first, hour + 2)


def still(at_min, over_min=None):
    """What single minutes say of animal 2, counted from the story's first."""
    onset_ms = hours.start_ms(scene.FIRST) + at_min * MINUTE_MS
    found = Found("no_movement", onset_ms, onset_ms + 90 * MINUTE_MS, {"still_min": 90}, 2)
    over = Over("no_movement", onset_ms, onset_ms + (over_min or 0) * MINUTE_MS, 2)
    return [found, over] if over_min else [found]


def only(fold):
    return [each for each in fold.events.values() if each.kind == "no_movement"]


def test_what_single_minutes_say_is_told_at_once_and_ends():
    fold = Fold().take(span(0, 3), findings=still(60))
    (event,) = only(fold)
    assert (event.state, event.tier, event.animal_id) == (OPEN, "urgent", 2)
    fold.take(span(3, 200))
    fold.take(span(200, 201), findings=still(60, 201 * 60)[1:])
    (event,) = only(fold)
    assert (event.state, event.over_ms) == (OVER, event.onset_ms + 201 * 60 * MINUTE_MS)


def test_a_reopened_animal_has_only_what_it_said_then():
    fold = Fold().take(span(0, 30), findings=still(25 * 60))
    base = Base(scene.FIRST // 24 + 1)
    assert base.day * DAY_MIN == (scene.FIRST + 24) * 60
    fold.take(span(30, 31), findings=still(26 * 60), reopened={2: base})
    assert sorted((each.onset_ms, each.state) for each in only(fold)) == [
        (still(25 * 60)[0].onset_ms, WITHDRAWN),
        (still(26 * 60)[0].onset_ms, OPEN),
    ]
    fold.take(span(31, 32), reopened={1: base})
    assert fold.changes == []


def test_a_reopened_animal_may_have_moved_earlier_or_not_at_all_long_after_it_was_found():
    fold = Fold().take(span(0, 30), findings=still(60, 20 * 60))
    fold.take(span(30, 150))
    assert [each.state for each in only(fold)] == [OVER]
    fold.take(span(150, 151), reopened={2: Base(scene.FIRST // 24)})
    assert [each.state for each in only(fold)] == [WITHDRAWN]


def test_a_kind_that_is_off_says_nothing_and_what_it_said_stays():
    off = Said(frozenset(kinds.all_kinds()))
    assert in_order(100, off).events == {}
    fold = Fold().take(span(0, 3), findings=still(60))
    fold.known = off
    fold.take(span(3, 4), reopened={2: Base(scene.FIRST // 24)})
    assert [each.state for each in only(fold)] == [OPEN]


def test_an_update_raises_the_event_and_says_when():
    watch = Found(
        "calving", hours.start_ms(scene.FIRST), hours.start_ms(scene.FIRST + 1), {"stage": "watch"}, 2
    )
    labour = replace(
        watch,
        at_ms=watch.at_ms + 5 * MINUTE_MS,
        evidence={"stage": "labour", "tier": "urgent"},
        is_update=True,
    )
    fold = Fold().take(span(0, 2), findings=[watch])
    fold.take(span(2, 3), findings=[labour])
    (event,) = (each for each in fold.events.values() if each.kind == "calving")
    assert (event.stage, event.tier, event.detected_ms) == ("labour", "urgent", watch.at_ms)
    assert event.evidence["stage_ms"] == labour.at_ms


def test_a_stored_state_of_another_version_is_refused():
    fold = Fold().take(span(0, 3))
    newest = max(fold.states.values(), key=lambda each: each.hour)
    for bad in (replace(newest, version=99), replace(newest, state=b"?")):
        with pytest.raises(StateError):
            restored(FARM, [bad], [], [])
