"""Minutes drawn directly: they follow the plan, the herd file, and what windows of the same cow would say."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from herdcore.vocabulary import BEHAVIOURS
from simulator.lives.happening import Happening
from simulator.minutes import MINUTES
from simulator.neck.windows import decoded
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.plan.states import BEHAVIOUR_OF_STATE, EAT, GONE, LIE, LIE_RUMINATE, STAND, STATES, WALK
from simulator.virtual_herd import VirtualHerd

COWS, DAYS = 8, 6
NOON_MS = 2 * DAY_MS + 12 * HOUR_MS
TURNED, LOST = 3, 5
SCRIPT = {
    TURNED: [Happening("collar_turned", NOON_MS, 30 * DAY_MS, detail={"axis": "y", "angle_deg": 180.0})],
    LOST: [Happening("collar_off", NOON_MS, DAYS * DAY_MS)],
}


@cache
def herd(seed=1, cows=COWS):
    return VirtualHerd(seed=seed, cows=cows, days=DAYS, eventful=False, scripted=SCRIPT)


@cache
def again():
    """Return the same herd, which has lived its days backwards."""
    whole = herd.__wrapped__()
    for day in (5, 0):
        whole.minutes(day)
    return whole


@cache
def lived():
    return [herd().minutes(day) for day in range(DAYS)]


def every(name):
    """Return (minutes of all cows and days, ...) of one field."""
    return np.concatenate([getattr(day, name).reshape(COWS * MINUTES, -1).squeeze() for day in lived()])


@pytest.mark.parametrize("cow", [0, LOST])
def test_a_minute_is_of_the_state_that_fills_most_of_it(cow):
    start_ms, state = herd().day(2).of(cow)
    at_ms = 2 * DAY_MS + np.arange(MINUTES * 60) * 1000 + 500
    by_second = state[np.searchsorted(start_ms, at_ms, "right") - 1].reshape(MINUTES, 60)
    shares = np.stack([(by_second == each).mean(axis=1) for each in range(len(STATES))], axis=1)
    clear = shares.max(axis=1) > 0.55
    assert clear.mean() > 0.97
    # But for the few that hold three bouts, of which the middle one is passed over.
    assert (lived()[2].state[cow] == shares.argmax(axis=1))[clear].mean() > 0.99


@pytest.mark.parametrize("state", [LIE, LIE_RUMINATE, STAND, EAT])
def test_they_are_told_as_the_herd_file_says(state):
    told = every("told")[every("state") == state]
    shares = np.bincount(told, minlength=len(BEHAVIOURS)) / len(told)
    assert shares == pytest.approx(herd().model["told"][STATES[state]], abs=0.02)


def test_a_doubtful_stretch_is_told_alike_for_four_minutes():
    told, state = every("told").reshape(-1, 4), every("state").reshape(-1, 4)
    one = (state == state[:, :1]).all(axis=1)
    assert (told[one] == told[one][:, :1]).all()


def test_the_relay_is_surer_where_it_is_right():
    right = every("told") == np.array(BEHAVIOUR_OF_STATE)[every("state")]
    confidence, told = every("confidence").astype(float), herd().model["told"]
    assert confidence[right].mean() == pytest.approx(told["confidence_right"][0], abs=2)
    assert confidence[~right].mean() == pytest.approx(told["confidence_wrong"][0], abs=2)
    assert 34 <= confidence.min() <= confidence.max() == 100


def test_some_minutes_never_arrive_and_the_others_have_eleven_or_twelve_windows():
    often = VirtualHerd(seed=2, cows=5, days=16, eventful=False)
    windows = np.stack([often.minutes(day).windows for day in range(16)])
    missing = windows == 0
    assert 0.2 < missing.mean() / often.model["data"]["missing_share"] < 4
    assert set(np.unique(windows[~missing])) == {11, 12}
    whole = windows[~missing.any(axis=2)]
    assert (whole.sum(axis=1) == 16_875).all()


def test_a_collar_that_turns_at_noon_turns_gravity_from_then_on():
    down = lived()[2].gravity_mg[TURNED]
    stood = lived()[2].state[TURNED] == STAND
    before, after = stood & (np.arange(MINUTES) < 720), stood & (np.arange(MINUTES) > 720)
    half_turn = down[before][0] * [-1, 1, -1]
    assert down[after] == pytest.approx(np.tile(down[after][0], (after.sum(), 1)))
    # About her neck, whose axis is nearly the sensor's.
    cosine = down[after][0] @ half_turn / np.linalg.norm(half_turn) ** 2
    assert cosine > 0.8
    unturned = lived()[2].gravity_mg[TURNED + 1][lived()[2].state[TURNED + 1] == STAND]
    assert unturned == pytest.approx(np.tile(unturned[0], (len(unturned), 1)))


def test_the_next_day_begins_as_the_collar_sits_by_then():
    late, early = (
        day.gravity_mg[TURNED][day.state[TURNED] == LIE][place]
        for day, place in ((lived()[2], -1), (lived()[3], 0))
    )
    slips = herd().wears[TURNED].changes_ms(NOON_MS + 1, 4 * DAY_MS)
    assert len(slips) or late == pytest.approx(early, abs=1)


def test_a_collar_on_the_ground_lies_still_and_still_feels_all_of_gravity():
    gone = lived()[3].state[LOST] == GONE
    assert gone.all()
    assert np.median(lived()[3].motion_mg[LOST]) < 0.2 * np.median(lived()[3].motion_mg[LOST + 1])
    assert np.linalg.norm(lived()[3].gravity_mg[LOST], axis=1) == pytest.approx(1000, abs=30)


def test_eating_moves_a_collar_more_than_rest_and_a_walk_more_than_standing():
    motion, state = every("motion_mg"), every("state")
    rest, stand, eat, walk = (np.median(motion[state == each]) for each in (LIE, STAND, EAT, WALK))
    assert rest < stand < walk
    assert eat > 3 * rest
    assert (every("motion_max_mg") >= motion).all()


def test_a_bout_keeps_its_own_strength():
    """Minutes of one bout are more alike than minutes of a state."""
    within, between = [], []
    for day in lived():
        for cow in range(COWS):
            motion, state = np.log(day.motion_mg[cow]), day.state[cow]
            runs = np.split(np.arange(MINUTES), np.flatnonzero(np.diff(state)) + 1)
            bouts = [motion[run[1:-1]] for run in runs if len(run) > 12 and state[run[0]] == LIE]
            within += [bout.var() for bout in bouts]
            between += [bout.mean() for bout in bouts]
    assert np.var(between) > 2 * np.mean(within) / 10


def test_stronger_motion_shows_in_what_she_does_upright_and_not_in_rest():
    plan = herd().day(1)
    usual = herd()._minute_maker.day(plan)
    strong = herd()._minute_maker.day(replace(plan, strength=2 * plan.strength))
    ratio = strong.motion_mg / usual.motion_mg
    assert ratio[usual.state == EAT] == pytest.approx(2, rel=1e-4)
    assert ratio[usual.state == LIE] == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("cow", [0, 1, 2])
def test_their_median_is_that_of_windows_of_the_same_days(cow):
    of_windows = []
    for day in range(3):
        motion = decoded(herd().windows(cow, day)).deviation_mg.sum(axis=1)
        minute = np.arange(len(motion)) * 5120 // 60_000
        of_windows.append(np.bincount(minute, motion) / np.bincount(minute))
    drawn = np.concatenate([lived()[day].motion_mg[cow] for day in range(3)])
    assert np.median(drawn) == pytest.approx(np.median(of_windows), rel=0.1)
    assert drawn.mean() == pytest.approx(np.mean(of_windows), rel=0.1)


def test_the_same_seed_gives_the_same_minutes_and_another_seed_others():
    same, other = again().minutes(4), herd(seed=2).minutes(4)
    for name in ("told", "confidence", "windows", "motion_mg", "motion_max_mg", "gravity_mg", "state"):
        assert (getattr(same, name) == getattr(lived()[4], name)).all()
    assert (other.motion_mg != same.motion_mg).any()


def test_days_may_be_made_in_any_order():
    for day in (5, 0, 3):
        made = again().minutes(day)
        assert (made.motion_mg == lived()[day].motion_mg).all()
        assert (made.told == lived()[day].told).all()


def test_a_larger_herd_begins_with_cows_of_the_same_ways():
    few, many = herd(cows=6)._minute_maker, herd()._minute_maker
    assert (few._motion == many._motion[: len(few._motion)]).all()
    assert (few._gravity == many._gravity[:6]).all()
