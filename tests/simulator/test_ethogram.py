"""The plan: bouts that follow each other, days that add up, a herd that keeps together."""

from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from simulator.plan.routine import DAY_MS, Forced
from simulator.plan.states import (
    BEHAVIOUR_OF_STATE,
    EAT,
    LIE,
    LIE_RUMINATE,
    LIES,
    MILK,
    STAND_RUMINATE,
    STATES,
    WALK,
)
from tests.simulator.quiet_herd import Nothing, plan

COWS, DAYS = 40, 8
_ON_RUMINATE, _ON_EAT, _ON_WALK, _ON_TRANSITIONS = 1, 2, 3, 4


@cache
def days(housing="freestall", seed=1):
    whole = plan(COWS, seed, housing=housing)
    return [whole.day(number) for number in range(DAYS)]


def hours(lived):
    """Return (days, cows, states)."""
    out = np.zeros((len(lived), COWS, len(STATES)))
    for at, day in enumerate(lived):
        cow = np.repeat(np.arange(COWS), np.diff(day.first))
        np.add.at(out[at], (cow, day.state), day.lengths_ms() / 3_600_000)
    return out


def by_minute(day, cow):
    start_ms, state = day.of(cow)
    return state[np.searchsorted(start_ms, day.number * DAY_MS + np.arange(0, DAY_MS, 60_000), "right") - 1]


def test_the_same_seed_lives_the_same_days_and_another_seed_others():
    again, other = plan(COWS).day(2), plan(COWS, seed=2).day(2)
    assert (again.start_ms == days()[2].start_ms).all()
    assert (again.state == days()[2].state).all()
    assert len(other.state) != len(again.state) or (other.state != again.state).any()


def test_days_may_be_asked_for_in_any_order():
    whole = plan(COWS)
    late = whole.day(7)
    assert (whole.day(1).start_ms == days()[1].start_ms).all()
    assert (whole.day(7).state == late.state).all()


def test_bouts_of_a_cow_fill_the_day_and_each_is_another_thing():
    for day in days()[:3]:
        for cow in range(COWS):
            start_ms, state = day.of(cow)
            assert start_ms[0] == day.number * DAY_MS
            assert (np.diff(start_ms) > 0).all()
            assert all(one != two for one, two in pairwise(state))
        assert day.lengths_ms().sum() == COWS * DAY_MS


@pytest.mark.parametrize(
    ("housing", "states", "low_h", "high_h"),
    [
        ("freestall", (LIE, LIE_RUMINATE), 11.0, 13.2),
        ("freestall", (LIE_RUMINATE, STAND_RUMINATE), 7.4, 9.2),
        ("freestall", (EAT,), 3.6, 5.0),
        ("pasture", (LIE, LIE_RUMINATE), 8.0, 11.4),  # mean of many seeds under this sun: 11.1
        ("pasture", (LIE_RUMINATE, STAND_RUMINATE), 6.6, 8.4),
        ("pasture", (EAT,), 7.5, 9.5),
    ],
)
def test_a_day_is_spent_as_cows_spend_it(housing, states, low_h, high_h):
    spent = hours(days(housing))[1:, :, list(states)].sum(axis=2)
    assert low_h < spent.mean() < high_h


def test_cows_differ_more_from_each_other_than_a_cow_from_day_to_day_in_what_she_eats():
    eaten = hours(days())[1:, :, EAT]
    assert 0.4 < eaten.mean(axis=0).std() < 1.2


def test_everybody_is_milked_twice_a_day_for_about_an_hour():
    for day in days()[1:3]:
        for cow in range(COWS):
            visits = Counter(day.of(cow)[1])[MILK]
            assert visits == 2
    assert 1.5 < hours(days())[:, :, MILK].mean() < 2.7


def test_a_herd_at_pasture_keeps_together_more_than_one_in_a_barn():
    def alike(lived):
        down = np.array([[np.array(LIES)[by_minute(day, cow)] for cow in range(COWS)] for day in lived[1:]])
        share = down.mean(axis=1)
        return (np.maximum(share, 1 - share) >= 0.7).mean()

    assert alike(days("pasture")) > alike(days()) + 0.2


def test_cows_at_pasture_graze_most_after_sunrise_and_little_at_night():
    eats = np.array([[by_minute(day, cow) == EAT for cow in range(COWS)] for day in days("pasture")[1:]])
    by_hour = eats.mean(axis=(0, 1)).reshape(24, 60).mean(axis=1)
    assert by_hour[7:9].mean() > 1.3 * by_hour[11:15].mean()
    assert by_hour[21:].mean() < 0.25 * by_hour[8:10].mean()


def test_in_a_barn_the_feed_wagon_brings_them_to_the_trough():
    eats = np.array([[by_minute(day, cow) == EAT for cow in range(COWS)] for day in days()[1:5]])
    by_hour = eats.mean(axis=(0, 1)).reshape(24, 60).mean(axis=1)
    assert by_hour[8] > 2 * by_hour[2]


@pytest.mark.parametrize(
    ("column", "factor", "states"),
    [(_ON_RUMINATE, 0.5, (LIE_RUMINATE, STAND_RUMINATE)), (_ON_EAT, 0.5, (EAT,)), (_ON_WALK, 4.0, (WALK,))],
)
def test_what_happens_to_a_cow_changes_what_she_does_about_as_much(column, factor, states):
    struck = plan(COWS, influence=Nothing(COWS, [(cow, column, factor) for cow in range(0, COWS, 2)]))
    spent = hours([struck.day(number) for number in range(4)])[1:, :, list(states)].sum(axis=(0, 2))
    imposed_h = 1 / 3 if WALK in states else 0.0  # the ways to milking do not change
    ratio = (spent[::2].mean() / 3 - imposed_h) / (spent[1::2].mean() / 3 - imposed_h)
    assert ratio == pytest.approx(factor, rel=0.35)


def test_a_restless_cow_changes_posture_more_often():
    struck = plan(COWS, influence=Nothing(COWS, [(cow, _ON_TRANSITIONS, 2.5) for cow in range(0, COWS, 2)]))
    changes = np.zeros(COWS)
    for number in range(3):
        day = struck.day(number)
        changes += [np.count_nonzero(np.diff(np.array(LIES)[day.of(cow)[1]])) for cow in range(COWS)]
    assert changes[::2].mean() > 1.5 * changes[1::2].mean()


def test_what_is_imposed_lies_over_what_she_would_do_and_she_goes_on_afterwards():
    hour_ms = 3_600_000
    stretch = Forced(3, 10 * hour_ms, 12 * hour_ms, "side")
    day = plan(COWS, influence=Nothing(COWS, stretches=(stretch,))).day(0)
    minutes = by_minute(day, 3)
    assert (minutes[600:720] == STATES.index("side")).all()
    assert (minutes[:600] != STATES.index("side")).all()
    assert (minutes[720:] != STATES.index("side")).all()


def test_a_cow_wants_the_same_in_a_herd_of_another_size():
    small, large = plan(10), plan(30)
    assert (small._company.wanted_h == large._company.wanted_h[:, :10]).all()


def test_every_state_has_a_name_that_the_wire_knows():
    assert len(BEHAVIOUR_OF_STATE) == len(STATES)
