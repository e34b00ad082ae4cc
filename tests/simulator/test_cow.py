"""A cow as the box under her neck feels her: a function of time, and one that a collar can tell apart.

What her cells hold is tested in test_looks.py, that samples have what the cells hold in test_cellwave.py.
"""

import numpy as np
import pytest

from simulator.cow import Cow
from simulator.lives.happening import Happening
from simulator.plan.states import EAT, GONE, LIE, LIE_RUMINATE, STATES
from simulator.recorded_windows import windows_of
from simulator.virtual_herd import VirtualHerd

DAY_MS, HOUR_MS, CELL_MS = 86_400_000, 3_600_000, 5120
DAY_US, HOUR_US, CELL_US = 1000 * DAY_MS, 1000 * HOUR_MS, 1000 * CELL_MS
SAMPLE_US = 80_000
TURNED_MS, DEAD_MS = 10 * HOUR_MS, 2 * HOUR_MS
# 8 mg RMS shared evenly by three axes, as the sum of their mean deviations: a collar on nothing alive.
STILL_MG = 11


def herd_of(seed=3, **scripted):
    """Return two cows to whom nothing happens but what is said of the first."""
    happenings = {0: [Happening(kind, *each) for kind, each in scripted.items()]}
    return VirtualHerd(seed=seed, cows=2, days=4, eventful=False, scripted=happenings)


@pytest.fixture(scope="module")
def herd():
    return herd_of()


@pytest.fixture(scope="module")
def cow(herd):
    return Cow(herd, 0)


def stretch_us(from_us, length_us, every_us=SAMPLE_US):
    return np.arange(from_us, from_us + length_us, every_us)


def longest(herd, state):
    """Return (start, end) in us of the longest bout of the first cow's first day, without its outer cells."""
    day = herd.day(0)
    start_ms, states = day.of(0)
    length_ms = np.where(states == state, day.lengths_ms()[: len(states)], 0)
    at = int(np.argmax(length_ms))
    assert length_ms[at] > 6 * CELL_MS, STATES[state]
    return 1000 * (start_ms[at] + 2 * CELL_MS), 1000 * (start_ms[at] + length_ms[at] - 2 * CELL_MS)


def own(herd, times_us, read_mg):
    """Return what the sensor of the first cow read, in her own frame: her collar put straight."""
    wear = herd.wears[0]
    turns = wear.rotations(times_us // 1000)
    return np.einsum("nji,nj->ni", turns, (read_mg - wear.offset_mg) / wear.scale)


def felt(herd, cow, state):
    """Return mean (3,), and summed mean deviation of 5 s, while she does something."""
    start_us, end_us = longest(herd, state)
    times_us = stretch_us(start_us, end_us - start_us)
    times_us = times_us[: len(times_us) // 64 * 64]
    cells = own(herd, times_us, cow.at(times_us)).reshape(-1, 64, 3)
    mean = cells.mean(axis=1)
    return np.median(mean, axis=0), np.median(np.abs(cells - mean[:, None]).mean(axis=1).sum(axis=1))


class Later:
    """Another motion, that begins at a moment of it."""

    def __init__(self, motion, start_us):
        self._motion, self._start_us = motion, start_us

    def at(self, times_us):
        return self._motion.at(times_us + self._start_us)


def told(cow, start_us, length_us):
    """Return (m, 14): what a chip, its driver and the window kernel make of a stretch."""
    packed = b"".join(row for _, row in windows_of(Later(cow, start_us), length_us, seed=1))
    return np.frombuffer(packed, np.uint8).reshape(-1, 14)


def motion_mg(rows):
    """Return (m,) the sum over the axes of the mean deviation that windows tell."""
    return (np.exp2(rows[:, 3:6] / 16) - 1).sum(axis=1)


# a function of time


def test_the_signal_does_not_depend_on_how_it_is_asked_for(herd, cow):
    times_us = stretch_us(DAY_US - 60 * CELL_US, 120 * CELL_US)
    again = Cow(herd, 0)
    backwards = [again.at(part) for part in np.array_split(times_us, 7)[::-1]]
    np.testing.assert_allclose(np.concatenate(backwards[::-1]), cow.at(times_us), atol=0.01)


@pytest.mark.parametrize(("seed", "index"), [(3, 1), (4, 0)])
def test_another_seed_or_index_is_another_cow(cow, seed, index):
    times_us = stretch_us(9 * HOUR_US, HOUR_US)
    assert np.abs(Cow(herd_of(seed), index).at(times_us) - cow.at(times_us)).max() > 5


def test_one_seed_is_one_cow_whose_later_days_can_be_asked_for_first(cow):
    cow.at(np.array([0, DAY_US]))
    times_us = stretch_us(2 * DAY_US + HOUR_US, HOUR_US)
    assert (Cow(herd_of(), 0).at(times_us) == cow.at(times_us)).all()


def test_nothing_asked_for_gives_nothing(cow):
    assert cow.at(np.array([], dtype=np.int64)).shape == (0, 3)


def test_midnight_is_no_more_of_a_jolt_than_any_other_moment(cow):
    midnight_us = 2 * DAY_US
    assert np.abs(np.diff(cow.at(midnight_us + np.array([-1, 0])), axis=0)).max() < 0.1
    quick_mg = np.abs(np.diff(cow.at(stretch_us(midnight_us - 20 * CELL_US, 40 * CELL_US, 10_000)), axis=0))
    about = slice(len(quick_mg) // 2 - 5, len(quick_mg) // 2 + 105)
    assert quick_mg[about].max() < 2 * np.delete(quick_mg, about, axis=0).max()


# what she does


def test_she_carries_one_g(herd, cow):
    times_us = stretch_us(0, DAY_US, HOUR_US // 4)
    means = [own(herd, at_us, cow.at(at_us)).mean(axis=0) for at_us in
             (stretch_us(start_us, CELL_US) for start_us in times_us)]  # fmt: skip
    assert np.median(np.linalg.norm(means, axis=1)) == pytest.approx(1000, abs=40)


def test_a_cow_at_rest_is_quiet_and_one_that_eats_is_loud_with_her_head_down(herd, cow):
    at_rest, quiet_mg = felt(herd, cow, LIE)
    eating, loud_mg = felt(herd, cow, EAT)
    assert STILL_MG < quiet_mg < 0.35 * loud_mg
    assert eating[1] < at_rest[1] - 200  # the nose is at negative y


def test_chewing_stands_as_a_line_in_the_windows_of_a_collar(herd, cow):
    shares = []
    for state in (LIE_RUMINATE, LIE):
        start_us, end_us = longest(herd, state)
        shares.append(np.median(told(cow, start_us, end_us - start_us)[:, 13]) / 255)  # 2.0 to 3.2 Hz
    chewing, resting = shares
    assert chewing > 0.5
    assert resting < 0.6 * chewing


# what happens to her and to her collar


def test_a_collar_that_is_turned_reads_the_other_sign_from_its_moment_on(herd, cow):
    turned = herd_of(collar_turned=(TURNED_MS, 4 * DAY_MS, 1.0, True, {"axis": "z", "angle_deg": 180.0}))
    times_us = TURNED_MS * 1000 + np.arange(-750, 750) * SAMPLE_US
    offset_mg = herd.wears[0].offset_mg
    straight, other = cow.at(times_us) - offset_mg, Cow(turned, 0).at(times_us) - offset_mg
    np.testing.assert_allclose(other[:750], straight[:750], atol=0.01)
    scale = herd.wears[0].scale
    after = (straight[750:] / scale) * np.array((-1.0, -1.0, 1.0)) * scale
    np.testing.assert_allclose(other[750:], after, atol=0.01)


@pytest.fixture(scope="module")
def dead():
    return Cow(herd_of(dead=(DEAD_MS, 4 * DAY_MS)), 0)


def test_a_dead_cow_is_stiller_than_any_that_lives(cow, dead):
    still_mg, live_mg = (motion_mg(told(each, DEAD_MS * 1000 + 2 * CELL_US, HOUR_US)) for each in (dead, cow))
    assert len(still_mg) > 690
    assert still_mg.max() < STILL_MG < np.quantile(live_mg, 0.1)


def test_a_dead_cow_keeps_her_posture_and_her_weight(dead):
    hours = np.array([dead.at(stretch_us(hour * HOUR_US, CELL_US)).mean(axis=0) for hour in range(3, 24)])
    assert np.ptp(hours, axis=0).max() < 50
    assert np.linalg.norm(hours.mean(axis=0)) == pytest.approx(1000, abs=150)


def test_until_her_hour_she_does_what_she_would_have_done(herd):
    dying = herd_of(dead=(DEAD_MS, 4 * DAY_MS))
    lived, would = ([bout for bout in zip(*each.day(0).of(0), strict=True) if bout[0] < DEAD_MS]
                    for each in (dying, herd))  # fmt: skip
    assert lived == would
    assert dying.day(0).of(0)[1][-1] == GONE
