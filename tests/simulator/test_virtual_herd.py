"""The whole herd from one seed: lives, truth, plan, windows and minutes that tell one story."""

from functools import cache

import numpy as np
import pytest

from simulator.herdfile import HerdError
from simulator.lives.happening import DISTURBANCES, Happening
from simulator.neck.windows import decoded
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.plan.states import GONE, LIE, MILK, STATES
from simulator.virtual_herd import MOST_COWS, MOST_DAYS, VirtualHerd

COWS, DAYS = 5, 8
DIES_MS = 3 * DAY_MS + 9 * HOUR_MS
SCRIPT = {
    1: [
        Happening("heat", 2 * DAY_MS, 2 * DAY_MS + 10 * HOUR_MS, detail={"peak_ms": 2 * DAY_MS + 4 * HOUR_MS})
    ],
    2: [Happening("dead", DIES_MS, DAYS * DAY_MS)],
    3: [
        Happening("odd_day", DAY_MS, 2 * DAY_MS),
        Happening("lameness", DAYS * DAY_MS + HOUR_MS, (DAYS + 3) * DAY_MS),
    ],
}


@cache
def scripted():
    return VirtualHerd(seed=4, cows=COWS, days=DAYS, eventful=False, scripted=SCRIPT)


@cache
def eventful():
    return VirtualHerd(seed=4, cows=30, days=120)


def test_what_is_scripted_happens_and_nothing_else():
    truth = scripted().truth
    assert [(row.animal, row.kind) for row in truth] == [
        (scripted().number(1), "heat"),
        (scripted().number(2), "dead"),
    ]
    assert truth[0].onset_ms == 2 * DAY_MS
    assert truth[0].peak_ms == 2 * DAY_MS + 4 * HOUR_MS


def test_truth_keeps_silent_of_what_is_no_event_and_of_what_comes_later():
    assert not {row.kind for row in eventful().truth} & set(DISTURBANCES)
    assert all(row.onset_ms < 120 * DAY_MS for row in eventful().truth)


def test_truth_comes_by_time_and_names_cows_of_the_herd_or_the_whole_farm():
    truth = eventful().truth
    assert len(truth) > 30
    assert [row.onset_ms for row in truth] == sorted(row.onset_ms for row in truth)
    numbers = {eventful().number(cow) for cow in range(30)}
    assert {row.animal for row in truth} <= numbers | {""}
    assert all(row.end_ms is None or row.end_ms >= row.onset_ms for row in truth)


def test_scripts_come_on_top_of_what_happens_anyway():
    both = VirtualHerd(seed=4, cows=30, days=120, scripted=SCRIPT)
    assert {row for row in both.truth if row.animal == both.number(2)} > {
        row for row in eventful().truth if row.animal == both.number(2)
    }


def test_ear_tags_count_on_from_the_herd_file():
    first = scripted().model["herd"]["first_number"]
    assert [scripted().number(cow) for cow in range(3)] == [str(first), str(first + 1), str(first + 2)]


def test_a_cow_that_dies_moves_no_more_at_any_resolution():
    day = DIES_MS // DAY_MS
    start_ms, state = scripted().day(day).of(2)
    assert (start_ms[-1], state[-1]) == (DIES_MS, GONE)
    motion = decoded(scripted().windows(2, day)).deviation_mg.sum(axis=1)
    after = np.arange(len(motion)) * 5120 > DIES_MS - day * DAY_MS
    assert motion[after].max() < np.median(motion[~after])
    minutes = scripted().minutes(day)
    assert (minutes.state[2, 9 * 60 :] == GONE).all()
    assert (minutes.state[2, : 9 * 60] != GONE).all()
    assert scripted().day(day + 2).of(2)[1].tolist() == [GONE]


def test_a_cow_in_heat_moves_more_than_she_does_on_other_days():
    by_day = np.stack([scripted().minutes(day).motion_mg.mean(axis=1) for day in (0, 1, 2, 4)])
    ratio = by_day[2] / by_day[[0, 1, 3]].mean(axis=0)
    assert ratio[1] == ratio.max() > 1.1


def test_windows_rest_where_the_plan_rests():
    start_ms, state = scripted().day(1).of(0)
    motion = decoded(scripted().windows(0, 1)).deviation_mg.sum(axis=1)
    now = state[np.searchsorted(start_ms, DAY_MS + np.arange(len(motion)) * 5120, "right") - 1]
    assert np.median(motion[now == LIE]) < 0.5 * np.median(motion[now == STATES.index("eat")])
    assert (now == MILK).any()


def test_days_may_be_asked_for_in_any_order():
    late, early = scripted().windows(0, 6), scripted().windows(0, 1)
    again = VirtualHerd(seed=4, cows=COWS, days=DAYS, eventful=False, scripted=SCRIPT)
    assert (again.windows(0, 1) == early).all()
    assert (again.windows(0, 6) == late).all()


def test_another_seed_is_another_herd():
    other = VirtualHerd(seed=5, cows=30, days=120)
    assert other.truth != eventful().truth


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"cows": 0}, rf"cows=0: want 1\.\.{MOST_COWS}"),
        ({"cows": MOST_COWS + 1}, rf"cows={MOST_COWS + 1}: want 1\.\.{MOST_COWS}"),
        ({"days": 0}, rf"days=0: want 1\.\.{MOST_DAYS}"),
        ({"seed": -1}, "seed=-1: want 0 or more"),
        ({"scripted": {3: []}}, r"scripted: cow 3: want 0\.\.2"),
    ],
)
def test_a_herd_that_cannot_be_is_refused_by_name(wrong, complaint):
    with pytest.raises(HerdError, match=complaint):
        VirtualHerd(**({"seed": 1, "cows": 3, "days": 2} | wrong))


@pytest.mark.parametrize("day", [-1, DAYS])
def test_a_day_that_they_do_not_live_is_refused(day):
    for asked in (scripted().day, scripted().minutes, lambda day: scripted().windows(0, day)):
        with pytest.raises(HerdError, match=rf"day={day}: want 0\.\.{DAYS - 1}"):
            asked(day)


def test_minutes_of_a_flat_battery_are_not_there():
    flat = Happening("battery", HOUR_MS, 3 * HOUR_MS)
    made = VirtualHerd(seed=2, cows=3, days=1, eventful=False, scripted={1: (flat,)}).minutes(0)
    assert not made.windows[1, 60:180].any()
    assert made.windows[1, :60].any()
    assert made.windows[2, 60:180].any()


def test_a_loose_box_shows_in_windows_and_minutes_of_a_cow_that_moves():
    loose = Happening("collar_loose", 0, DAY_MS)
    calm, swings = (
        VirtualHerd(seed=2, cows=2, days=1, eventful=False, scripted=scripted)
        for scripted in ({}, {0: (loose,)})
    )
    assert swings.minutes(0).motion_mg[0].mean() > 1.03 * calm.minutes(0).motion_mg[0].mean()
    minutes = swings.minutes(0)
    assert (minutes.motion_max_mg[0] >= minutes.motion_mg[0]).mean() > 0.99
    assert swings.cells(0, 0).deviation_mg.mean() > 1.03 * calm.cells(0, 0).deviation_mg.mean()
