"""What is imposed on cows, laid over what they would do."""

import numpy as np
import pytest

from simulator.plan.imposed import free_min, impose, stretches
from simulator.plan.routine import DAY_MS, HOUR_MS, TICKS, Forced
from simulator.plan.states import EAT, LIE, MILK, SIDE, STAND, STATES, WALK


def forced(cow, from_h, to_h, state, day=0):
    start_ms = day * DAY_MS
    return Forced(cow, start_ms + round(from_h * HOUR_MS), start_ms + round(to_h * HOUR_MS), state)


def laid(*imposed):
    """Return (hour, state) by cow of two who lie to six, eat to twelve and stand, once all is laid over."""
    key = np.array([cow * DAY_MS + hour * HOUR_MS for cow in (0, 1) for hour in (0, 6, 12)])
    keys, states = impose(key, np.array([LIE, EAT, STAND] * 2, np.uint8), 2, stretches(imposed, 0))
    return [
        [
            (float(at % DAY_MS) / HOUR_MS, int(state))
            for at, state in zip(keys, states, strict=True)
            if at // DAY_MS == cow
        ]
        for cow in (0, 1)
    ]


PLAIN = [(0, LIE), (6, EAT), (12, STAND)]


@pytest.mark.parametrize(
    ("imposed", "hers"),
    [
        ([(2, 3, "side")], [(0, LIE), (2, SIDE), (3, LIE), (6, EAT), (12, STAND)]),
        ([(2, 7, "side")], [(0, LIE), (2, SIDE), (7, EAT), (12, STAND)]),
        ([(2, 6, "side")], [(0, LIE), (2, SIDE), (6, EAT), (12, STAND)]),
        ([(5, 13, "side")], [(0, LIE), (5, SIDE), (13, STAND)]),
        ([(0, 24, "side")], [(0, SIDE)]),
        ([(20, 24, "side")], [*PLAIN, (20, SIDE)]),
        ([(2, 3, "walk"), (3, 4, "milk")], [(0, LIE), (2, WALK), (3, MILK), (4, LIE), (6, EAT), (12, STAND)]),
        ([(2, 5, "walk"), (3, 4, "milk")], [(0, LIE), (2, WALK), (3, MILK), (4, LIE), (6, EAT), (12, STAND)]),
    ],
)
def test_a_stretch_takes_its_time_and_she_goes_on_with_what_she_would_do(imposed, hers):
    first, second = laid(*(forced(1, *each) for each in imposed))
    assert first == PLAIN
    assert second == hers


def test_two_cows_are_imposed_upon_in_one_pass():
    first, second = laid(forced(1, 0, 2, "side"), forced(0, 22, 24, "gone"))
    assert first == [*PLAIN, (22, STATES.index("gone"))]
    assert second == [(0, SIDE), (2, LIE), *PLAIN[1:]]


def test_where_nothing_is_imposed_nothing_changes():
    assert laid() == [PLAIN, PLAIN]


def test_a_stretch_is_cut_where_the_day_begins_and_ends():
    found = stretches(
        [forced(0, -1, 1, "walk", 3), forced(0, 23, 26, "milk", 3), forced(1, 25, 26, "walk", 3)], 3 * DAY_MS
    )
    assert found.cow.tolist() == [0, 0]
    assert found.from_ms.tolist() == [0, 23 * HOUR_MS]
    assert found.to_ms.tolist() == [HOUR_MS, DAY_MS]


def test_she_has_the_choice_of_what_is_left_of_every_ten_minutes():
    free = free_min(
        2, stretches([forced(1, 1, 2 + 4 / 60, "walk")], 0), stretches([forced(1, 1.5, 2, "side")], 0)
    )
    assert free.shape == (TICKS, 2)
    assert (free[:, 0] == 10).all()
    assert (free[6:12, 1] == 0).all()
    assert free[12, 1] == pytest.approx(6)
    assert free[:, 1].sum() == pytest.approx(24 * 60 - 64)
