"""How a collar sits, from hours: what tells, what is a turn, what is learned."""

import numpy as np
import pytest

from relay.scoring import pose
from tests.relay.kinds.poses import gravity
from tests.relay.kinds.scene import hour


def rests(**fields):
    """Return what an hour tells of where down is at rest."""
    rows = hour(**fields)
    return pose.resting(rows, pose.directions(rows))


def after(*places):
    """Fold (hours, degrees); return the state and what was seen last."""
    state, number = pose.start(1), 0
    for count, degrees in places:
        for _ in range(count):
            state, seen = pose.follow(state, number, rests(gravity_16mg=gravity(degrees)))
            number += 1
    return state, seen


def test_the_first_hours_make_a_home():
    state, seen = after((3, 20))
    assert seen.is_known[0]
    assert seen.away_deg[0] < 1
    assert state.turns[0, 0] < 0


def test_a_turn_is_noted_once():
    state, _ = after((24, 0), (5, 90))
    assert state.turns[0, 0] == 24
    assert state.turns[0, 1] < 0


def test_home_follows_slowly_what_stays():
    _, seen = after((24, 0), (24, 60))
    assert seen.away_deg[0] > 45
    _, seen = after((24, 0), (24 * 40, 60))
    assert seen.away_deg[0] < 5


def test_who_is_not_to_learn_keeps_her_home():
    state, _ = after((24, 0))
    for number in range(24, 400):
        state, seen = pose.follow(state, number, rests(gravity_16mg=gravity(60)), learns=np.array([False]))
    assert seen.away_deg[0] > 55


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"covered_min": 5}, id="too little of it is known"),
        pytest.param({"motion_8th_mg": 8 * 300}, id="she eats"),
        pytest.param({"still_min": 60}, id="nothing moves it"),
        pytest.param({"gravity_16mg": gravity(0, 90)}, id="it turned in the middle"),
    ],
)
def test_such_an_hour_tells_nothing(fields):
    _, is_known = rests(**{"gravity_16mg": gravity(0)} | fields)
    assert not is_known[0]


def test_angles_are_in_degrees():
    one, other = (pose.directions(hour(gravity_16mg=gravity(at)))[:, 0] for at in (0, 40))
    assert pose.degrees(one, other)[0] == pytest.approx(39, abs=2)
