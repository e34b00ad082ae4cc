"""How a collar sits, over days of a cow of numbers whose collar is turned, or whose head moves."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.behaviour import frame, sitting
from relay.behaviour.described import describe
from relay.behaviour.sitting import QUARTER_MS, TURNS_TOLD, Sitting, keeps_turning
from tests.relay import cow_windows as cow

DAY = 16_875  # windows
QUARTER = 176
FIRST = cow.START_MS // QUARTER_MS
TURNS = {"x": np.diag((1.0, -1.0, -1.0)), "y": cow.AROUND_Y, "z": np.diag((-1.0, -1.0, 1.0))}
ANCHORS = (cow.GRAZING, cow.STILL)


def tilted(degrees):
    """A collar tilted about y, or a neck held so much lower."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([(c, 0, s), (0, 1, 0), (-s, 0, c)])


@functools.cache
def quarters(turn_name="", seed=0, days=2):
    """Sums of each quarter of an hour, as the relay's first model sees a collar that sits so."""
    n = days * DAY
    described = describe(cow.records(cow.day(n, seed, bout=300), seed, TURNS.get(turn_name, cow.SEATED)))
    posterior = cow.model().at_sight(described)
    return [
        frame.sums_of(posterior[at : at + QUARTER], described[at : at + QUARTER])
        for at in range(0, n - QUARTER, QUARTER)
    ]


def worn(known, sums, first=FIRST):
    """The sitting after these quarters."""
    for number, each in enumerate(sums):
        known = sitting.add(sitting.at(known, first + number), each)
    return sitting.at(known, first + len(sums))


def away_deg(known, turn):
    """How far the learned frame is from what takes the collar's readings back into the cow's."""
    found = frame.rotation(known.sums(), cow.model().herd.templates)
    return np.degrees(np.arccos(np.clip((np.trace(found @ turn) - 1) / 2, -1, 1)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 600), max_size=12), st.integers(0, 100))
def test_in_any_portions_the_same_is_known_to_the_last_bit(cuts, seed):
    described = describe(cow.records(cow.day(600, seed), seed))
    posterior, of = cow.model().at_sight(described), cow.starts(600) // QUARTER_MS
    edges = sorted({0, *cuts, *(np.flatnonzero(np.diff(of)) + 1).tolist(), 600})
    some = whole = Sitting()
    for first, end in itertools.pairwise(edges):
        part = slice(first, end)
        some = sitting.at(some, int(of[first]))
        some = sitting.add(some, frame.sums_of(posterior[part], described[part]))
    for quarter in np.unique(of).tolist():
        part = of == quarter
        whole = sitting.at(whole, quarter)
        whole = sitting.add(whole, frame.sums_of(posterior[part], described[part]))
    assert some == whole


def test_nothing_is_known_of_a_new_collar_until_a_quarter_of_an_hour_is_over():
    known = sitting.add(sitting.at(Sitting(), FIRST), quarters()[0])
    assert known.sums() is None
    assert known.believed(ANCHORS) is None
    assert sitting.at(known, FIRST).sums() is None
    assert sitting.at(known, FIRST + 1).sums() is not None


def test_a_frame_is_believed_after_a_minute_or_five_of_grazing_and_of_rest():
    grazed = np.zeros((4, frame.COLUMNS))
    grazed[cow.GRAZING, 3] = 100
    rested = np.zeros((4, frame.COLUMNS))
    rested[cow.STILL, 3] = 100
    assert worn(Sitting(), [grazed, grazed]).believed(ANCHORS) is None
    assert worn(Sitting(), [grazed, rested]).believed(ANCHORS) is not None


def check_turn(turn, seed, hours):
    end = 96 + 4 * hours
    before = worn(Sitting(), quarters("", seed)[:96])
    after = worn(before, quarters(turn, seed)[96:end], FIRST + 96)
    assert len(after.turned_ms) == 1
    assert (FIRST + 96) * QUARTER_MS < after.turned_ms[0] <= (FIRST + end) * QUARTER_MS
    assert after.believed(ANCHORS) is not None
    assert away_deg(after, TURNS[turn]) < 5
    later = worn(after, quarters(turn, seed)[end:], FIRST + end)
    assert later.turned_ms == after.turned_ms


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("turn", ["x", "y"])
def test_a_collar_turned_by_half_round_is_found_once_and_learned_anew_within_6_hours(turn, seed):
    check_turn(turn, seed, 6)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_turn_about_gravity_itself_shows_only_when_she_grazes_and_takes_half_a_day(seed):
    check_turn("z", seed, 12)


@pytest.mark.parametrize("degrees", [7, 24])
def test_a_cow_that_lies_and_stands_has_not_turned_her_collar(degrees):
    known = Sitting()
    for bout in range(24):  # 2 hours each
        lies = bout % 2
        described = describe(cow.records(cow.day(1408, bout, bout=300), bout, tilted(degrees * lies)))
        posterior = cow.model().at_sight(described)
        sums = [
            frame.sums_of(posterior[at : at + QUARTER], described[at : at + QUARTER])
            for at in range(0, 1408, QUARTER)
        ]
        known = worn(known, sums, FIRST + 8 * bout)
    assert known.turned_ms == ()


@pytest.mark.parametrize("seed", range(4))
def test_a_collar_that_stays_as_it_is_is_never_found_turned(seed):
    assert worn(Sitting(), quarters("", seed)).turned_ms == ()


def test_a_collar_keeps_turning_from_the_third_time_in_a_week_on():
    day_ms = 86_400_000
    turns = tuple(cow.START_MS + n * day_ms for n in (0, 2, 4))
    assert not keeps_turning(Sitting(turned_ms=turns[:2]), turns[1])
    assert keeps_turning(Sitting(turned_ms=turns), turns[2])
    assert not keeps_turning(Sitting(turned_ms=turns), turns[0] + 7 * day_ms)


def test_only_the_last_turns_are_remembered():
    known = worn(Sitting(), quarters()[:30])
    for number in range(6):
        sat = quarters("y" if number % 2 == 0 else "")[30:54]
        known = worn(known, sat, FIRST + 30 + 24 * number)
    assert len(known.turned_ms) == TURNS_TOLD
    assert list(known.turned_ms) == sorted(known.turned_ms)
    assert keeps_turning(known, known.turned_ms[-1])


def test_of_what_is_not_renewed_half_fades_in_3_days_and_all_in_time():
    known = worn(Sitting(), quarters()[:96])
    nothing = np.zeros((4, frame.COLUMNS))
    later = sitting.at(sitting.add(known, nothing), known.quarter + 288)
    assert later.sums() == pytest.approx(known.sums() / 2, rel=1e-5, abs=1e-2)
    gone = sitting.at(sitting.add(known, nothing), known.quarter + 288 * 40)
    assert not gone.sums().any()
    assert gone.believed(ANCHORS) is None


def test_an_earlier_quarter_changes_nothing():
    known = sitting.add(worn(Sitting(), quarters()[:3]), quarters()[3])
    assert sitting.at(known, known.quarter - 5) == known


def test_what_is_remembered_does_not_grow():
    short, long = (worn(Sitting(), quarters()[:n]) for n in (2, 180))
    sizes = [[len(each) for each in (known.days, known.hours, known.open)] for known in (short, long)]
    assert sizes[0] == sizes[1]
    assert replace(long, turned_ms=()) != short
