"""Heats put into series: as large and long as they say, where they may be, found only by what they cause."""

from __future__ import annotations

import numpy as np
import pytest

from relay.evaluation import injection, rules
from relay.evaluation.injection import Place


def test_an_episode_lifts_its_own_hours_by_its_size_and_nothing_else():
    place = Place(cow=1, onset_h=50.0, length_h=10.0)
    times = injection.factors((3, 48), [place], 3.0, 2)
    assert (times[[0, 2]] == 1.0).all()
    assert np.flatnonzero(times[1] != 1.0).tolist() == [25, 26, 27, 28, 29]
    assert times[1, 25:30] == pytest.approx([2.0, 3.0, 3.0, 3.0, 2.0])


def test_an_episode_between_two_blocks_keeps_its_area():
    whole = injection.factors((1, 48), [Place(0, 50.0, 8.0)], 2.0, 2).sum()
    between = injection.factors((1, 48), [Place(0, 50.7, 8.0)], 2.0, 2).sum()
    hourly = injection.factors((1, 96), [Place(0, 50.7, 8.0)], 2.0, 1).sum()
    assert between == pytest.approx(whole, abs=0.02)
    assert hourly - 96 == pytest.approx(2 * (whole - 48), abs=0.04)


def test_an_episode_at_the_end_of_the_series_is_cut():
    assert injection.factors((1, 24), [Place(0, 45.0, 12.0)], 2.0, 2).shape == (1, 24)


def test_raw_counts_stay_counts_and_what_is_missing_stays_missing():
    raw = np.array([[10.0, 7.0, np.nan, 3.0]])
    lifted = injection.lift_raw(raw, np.array([[1.0, 1.5, 2.0, 1.0]]))
    assert lifted[0, [0, 1, 3]].tolist() == [10.0, 10.0, 3.0]
    assert np.isnan(lifted[0, 2])


def test_lifting_the_index_does_what_lifting_raw_activity_does():
    random = np.random.default_rng(4)
    raw = np.rint(40 * random.lognormal(0, 0.25, (60, 16 * 12)))
    chosen = [Place(cow, 12 * 24 + 2.0 * (cow % 12), 9.0) for cow in range(60)]
    for size in (1.5, 2.2, 3.0):
        times = injection.factors(raw.shape, chosen, size, 2)
        through_raw = rules.activity_change(injection.lift_raw(raw, times))
        direct = injection.lift_index(rules.activity_change(raw), times, 2)
        highest = [np.nanmax(each[:, 12 * 12 :], axis=1) for each in (through_raw, direct)]
        assert np.median(highest[1]) == pytest.approx(np.median(highest[0]), abs=12)


def test_the_index_is_untouched_away_from_episodes():
    index = np.array([[5.0, -3.0, 40.0, 7.0] * 6])
    times = injection.factors(index.shape, [Place(0, 10.0, 6.0)], 3.0, 2)
    lifted = injection.lift_index(index, times, 2)
    assert (lifted[0, :5] == index[0, :5]).all()
    assert (lifted[0, 5:10] > index[0, 5:10]).any()
    assert (lifted[0, 13:] == index[0, 13:]).all()


def test_places_are_the_same_for_one_seed_and_lie_where_they_may():
    allowed = np.zeros((4, 30), dtype=bool)
    allowed[0, [12, 20]] = True
    allowed[2, 15] = True
    one = injection.places(allowed, 3, seed=7)
    assert one == injection.places(allowed, 3, seed=7)
    assert one != injection.places(allowed, 3, seed=8)
    assert [len(each) for each in one] == [2, 2, 2]
    assert {(place.cow, int(place.onset_h // 24)) for each in one for place in each} <= {
        (0, 12),
        (0, 20),
        (2, 15),
    }
    assert all(4 <= place.length_h <= 20 for each in one for place in each)


def test_the_median_episode_lasts_as_published():
    lengths = [
        place.length_h for each in injection.places(np.ones((300, 1), dtype=bool), 5, 1) for place in each
    ]
    assert np.median(lengths) == pytest.approx(8.1, abs=0.3)


def test_an_episode_needs_history_and_keeps_away_from_real_alerts():
    known = np.ones((3, 20 * 12), dtype=bool)
    known[1, : 6 * 12] = False
    may = injection.allowed_days(known, [[14], [], []], 12)
    assert np.flatnonzero(may[0]).tolist() == [10, 11, 17, 18]
    assert np.flatnonzero(may[2]).tolist() == list(range(10, 19))
    assert np.flatnonzero(may[1])[0] == 14  # eight of the ten days before


@pytest.mark.parametrize(
    ("lifted", "before", "found"),
    [
        ([27], [], True),  # known at hour 56
        ([22], [], True),  # at 46: four hours early
        ([21], [], False),
        ([30], [], True),  # at 62: twelve hours late
        ([31], [], False),
        ([27], [27], False),  # it would have been there anyway
        ([27, 3], [3], True),
        ([], [], False),
    ],
)
def test_found_is_an_alert_near_the_onset_that_the_episode_caused(lifted, before, found):
    assert injection.found(Place(0, 50.0, 8.0), lifted, before, 2) is found


def test_a_rule_that_speaks_at_midnight_has_until_then():
    place = Place(0, 50.0, 8.0)
    assert not injection.found(place, [35], [], 2)
    assert injection.found(place, [35], [], 2, daily=True)
    assert not injection.found(place, [47], [], 2, daily=True)
