"""Windows smoothed as a stream; the judge adds up every path that a short chain can take."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour import smoother
from relay.behaviour.smoother import FORGOTTEN, LOOK_AHEAD, Smoothing, State

SMOOTHING = Smoothing((0.5, 0.3, 0.2), 0.8, 0.75, 0.3)
START_MS = 1_794_787_200_000


def posteriors(n, seed=0):
    return np.random.default_rng(seed).dirichlet((0.5, 0.5, 0.5), size=n)


def starts(gaps):
    """When windows start that lie so many windows apart."""
    return START_MS + WINDOW_MS * np.cumsum(np.array(gaps, dtype=np.int64))


def by_enumeration(start_ms, posterior, told):
    """(k,) probabilities of window `told` given all windows up to LOOK_AHEAD after it, path by path."""
    classes = range(len(SMOOTHING.common))
    end = min(told + LOOK_AHEAD + 1, len(start_ms))
    out = np.zeros(len(SMOOTHING.common))
    for path in itertools.product(classes, repeat=end):
        weight = 1.0
        for t, now in enumerate(path):
            weight *= max(posterior[t][now], 1e-4) ** 0.75 / SMOOTHING.common[now] ** 0.3
            if t == 0:
                weight *= SMOOTHING.common[now]
            else:
                stay = 0.8 ** round((start_ms[t] - start_ms[t - 1]) / WINDOW_MS)
                weight *= stay * (now == path[t - 1]) + (1 - stay) * SMOOTHING.common[now]
        out[path[told]] += weight
    return out / out.sum()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from((1, 1, 1, 2, 30)), min_size=1, max_size=6), st.integers(0, 10_000))
def test_it_says_what_the_sum_over_all_paths_says(gaps, seed):
    start_ms, posterior = starts(gaps), posteriors(len(gaps), seed)
    told = smoother.batch(SMOOTHING, start_ms, posterior)
    judged = [by_enumeration(start_ms, posterior, t) for t in range(len(gaps))]
    assert told == pytest.approx(np.array(judged), abs=1e-12)


GAPS = st.lists(st.sampled_from((1, 1, 1, 1, 2, 40, FORGOTTEN, FORGOTTEN + 1, 5000)), max_size=40)


def in_portions(start_ms, posterior, cuts):
    """What is told of a stream that comes in portions, asked between them whether anything is overdue."""
    state, times, told = State(), [], []
    edges = [0, *sorted(cuts), len(start_ms)]
    for first, end in itertools.pairwise(edges):
        now = smoother.step(state, SMOOTHING, start_ms[first:end], posterior[first:end])
        parts = [now]
        if end < len(start_ms):
            parts.append(smoother.overdue(now.state, SMOOTHING, int(start_ms[end]) - 1000))
        for each in parts:
            times += each.start_ms.tolist()
            told += each.posterior.tolist()
        state = parts[-1].state
        assert len(state.forward) == len(state.evidence) == len(state.start_ms) <= LOOK_AHEAD + 1
    last = smoother.flush(state, SMOOTHING)
    return times + last.start_ms.tolist(), told + last.posterior.tolist()


@settings(max_examples=60, deadline=None)
@given(GAPS, st.lists(st.integers(0, 40), max_size=8), st.integers(0, 10_000))
def test_in_any_portions_it_says_the_same_to_the_last_bit(gaps, cuts, seed):
    start_ms, posterior = starts(gaps), posteriors(len(gaps), seed)
    times, told = in_portions(start_ms, posterior, [min(cut, len(gaps)) for cut in cuts])
    assert times == start_ms.tolist()
    assert told == smoother.batch(SMOOTHING, start_ms, posterior).tolist()


@pytest.mark.parametrize("far", [3, 4, 10])
def test_a_window_more_than_two_later_changes_nothing(far):
    start_ms, posterior = starts([1] * 30), posteriors(30)
    other = posterior.copy()
    other[10 + far] = (0.0, 0.0, 1.0)
    one, two = (smoother.batch(SMOOTHING, start_ms, each) for each in (posterior, other))
    assert np.array_equal(one[:11], two[:11])
    assert not np.array_equal(one[10 + far], two[10 + far])


@pytest.mark.parametrize("near", [1, 2])
def test_the_two_windows_that_follow_do_tell_of_a_window(near):
    start_ms, posterior = starts([1] * 30), posteriors(30)
    posterior[10 + near] = (0.0, 0.0, 1.0)
    before = posterior.copy()
    before[10 + near] = (1.0, 0.0, 0.0)
    one, two = (smoother.batch(SMOOTHING, start_ms, each) for each in (posterior, before))
    assert one[10, 2] > two[10, 2] + 0.01


def test_neighbours_outvote_one_odd_window():
    posterior = np.tile((0.9, 0.05, 0.05), (9, 1))
    posterior[4] = (0.25, 0.4, 0.35)
    assert smoother.batch(SMOOTHING, starts([1] * 9), posterior)[4].argmax() == 0


def test_a_gap_forgets():
    sure, open_ = np.tile((0.02, 0.96, 0.02), (5, 1)), np.array([SMOOTHING.common])
    away = []
    for gap in (1, 3, 10, 100, FORGOTTEN + 1):
        told = smoother.batch(SMOOTHING, starts([1] * 5 + [gap]), np.concatenate((sure, open_)))
        alone = smoother.batch(SMOOTHING, starts([1]), open_)
        away.append(float(np.abs(told[-1] - alone[0]).max()))
    assert away == sorted(away, reverse=True)
    assert away[0] > 0.2
    assert away[-1] == 0.0


def test_what_waits_is_overdue_only_when_nothing_can_tell_of_it_any_more():
    state = smoother.step(State(), SMOOTHING, starts([1] * 5), posteriors(5)).state
    last_ms = state.start_ms[-1]
    early = smoother.overdue(state, SMOOTHING, last_ms + FORGOTTEN * WINDOW_MS)
    assert (len(early.start_ms), early.state) == (0, state)
    late = smoother.overdue(state, SMOOTHING, last_ms + (FORGOTTEN + 1) * WINDOW_MS)
    assert len(late.start_ms) == LOOK_AHEAD
    assert late.state.waiting == 0
    assert smoother.overdue(late.state, SMOOTHING, last_ms + 10**9).state == late.state


def test_a_probability_of_nothing_is_not_believed():
    posterior = np.tile((1.0, 0.0, 0.0), (60, 1))
    posterior[50:] = (0.0, 0.0, 1.0)
    with np.errstate(all="raise"):
        told = smoother.batch(SMOOTHING, starts([1] * 60), posterior)
    assert np.isfinite(told).all()
    assert told.sum(axis=1) == pytest.approx(np.ones(60))
    assert told[[40, 55]].argmax(axis=1).tolist() == [0, 2]


def test_a_day_of_sure_windows_neither_overflows_nor_vanishes():
    told = smoother.batch(SMOOTHING, starts([1] * 20_000), np.tile((0.999, 0.001, 0.0), (20_000, 1)))
    assert told[-10:-2] == pytest.approx(np.tile(told[10_000], (8, 1)))


def test_more_classes_than_the_loop_has_room_for_are_refused():
    with pytest.raises(ValueError, match="common: 6 classes, at most 5"):
        Smoothing((0.1,) * 6, 0.8, 0.75, 0.3)


@pytest.mark.parametrize("more", [1, 2])
def test_a_class_that_never_occurs_changes_nothing(more):
    start_ms, posterior = starts([1] * 30), posteriors(30)
    wide = Smoothing((*SMOOTHING.common, *[1e-300] * more), 0.8, 0.75, 0.0)
    beside = smoother.batch(wide, start_ms, np.pad(posterior, ((0, 0), (0, more))))
    plain = Smoothing(SMOOTHING.common, 0.8, 0.75, 0.0)
    assert beside[:, :3] == pytest.approx(smoother.batch(plain, start_ms, posterior), abs=1e-12)
    assert beside[:, 3:].max() < 1e-12


def test_no_windows_tell_nothing():
    assert smoother.batch(SMOOTHING, starts([]), np.empty((0, 3))).shape == (0, 3)
    assert smoother.flush(State(), SMOOTHING).state == State()


def test_the_smoothing_comes_back_from_json():
    assert Smoothing.from_json(SMOOTHING.to_json()) == SMOOTHING
