"""Cows that go slower for a week than in the weeks before."""

import numpy as np
import pytest

from relay.scoring.findings import Found
from relay.scoring.kinds import lameness
from tests.relay.kinds import scene

COWS = 10
SHE = 4
LAME = {"walk_min": (2, 4), "eat_min": (9, 12), "motion_8th_mg": (400, 480)}


def _days(count, **fields):
    """Days in which no two cows do quite the same."""
    own = np.arange(COWS) % 3
    out = []
    for day in range(count):
        plain = {
            "walk_min": 4,
            "eat_min": 12 + (own + day) % 3,
            "motion_8th_mg": 480 + 8 * ((own + 2 * day) % 3),
        }
        out += scene.days(1, COWS, **(plain | fields))
    return out


def _lame(count, **fields):
    at = np.arange(COWS) == SHE
    return _days(count, **{name: np.where(at, hers, usual) for name, (hers, usual) in LAME.items()} | fields)


def _found(hours, *events):
    findings = scene.through(lameness, hours, scene.facts(COWS, events))
    return [each for each in findings if isinstance(each, Found)]


def test_a_cow_that_walks_eats_and_moves_less_is_told_once_after_some_days():
    (found,) = _found(_days(28) + _lame(14))
    assert found.animal == SHE
    assert 28 + 5 <= scene.hours_after(found.at_ms) / 24 <= 28 + 11
    less = {name: found.evidence[f"{name}_less_percent"] for name in ("walk", "eat", "move")}
    assert less["walk"] == pytest.approx(50, abs=2)
    assert less["eat"] > 15
    assert less["move"] > 10
    assert (found.evidence["days"], found.evidence["mates"]) == (5, COWS - 1)


def test_a_herd_that_goes_slower_together_is_not_lame():
    assert _found(_days(28) + _days(14, walk_min=2, eat_min=9, motion_8th_mg=400)) == []


def test_two_slow_days_are_not_told():
    assert _found(_days(28) + _lame(2) + _days(10)) == []


def test_a_cow_that_has_just_calved_is_not_compared_with_the_days_before():
    assert _found(_days(28) + _lame(14), scene.life(SHE, "calved", 20)) == []


def test_a_collar_that_lies_in_the_straw_is_not_a_lame_cow():
    at = np.arange(COWS) == SHE
    off = {name: np.where(at, 0, usual) for name, (_, usual) in LAME.items()}
    assert _found(_days(28) + _days(14, **off)) == []


def test_weeks_without_data_are_not_weeks_without_walking():
    blind = _days(
        14,
        covered_min=np.where(np.arange(COWS) == SHE, 0, 15),
        walk_min=np.where(np.arange(COWS) == SHE, 0, 4),
    )
    assert _found(_days(28) + blind) == []


def test_a_farmer_who_says_it_was_wrong_raises_the_threshold():
    said = scene.facts(COWS, offsets={"lameness": np.full(COWS, 10.0)})
    assert scene.through(lameness, _days(28) + _lame(14), said) == []
