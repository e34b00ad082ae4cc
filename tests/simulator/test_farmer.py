"""The simulated farmer answers as people do."""

from __future__ import annotations

import pytest

from simulator.farmer import Farmer, Verdict

AT_MS = 1_794_787_200_000
HOUR_MS = 3_600_000
MANY = 4000


def answers(farmer, *, was_right):
    return [farmer.answer(f"{at:016x}", AT_MS, was_right=was_right) for at in range(MANY)]


@pytest.mark.parametrize("was_right", [True, False])
def test_he_is_wrong_silent_or_late_thirty_per_cent_of_the_time(was_right):
    given = answers(Farmer(7), was_right=was_right)
    true = Verdict.RIGHT if was_right else Verdict.WRONG
    said = [one for one in given if one]
    shares = [
        given.count(None) / MANY,
        sum(verdict is not true for verdict, _ in said) / MANY,
        sum(at_ms - AT_MS > 2 * HOUR_MS for _, at_ms in said) / MANY,
    ]
    assert shares == pytest.approx([0.1, 0.1, 0.1], abs=0.02)


def test_he_answers_after_the_alert_and_never_later_than_two_days():
    delays = [one[1] - AT_MS for one in answers(Farmer(7), was_right=True) if one]
    assert min(delays) >= 60_000
    assert max(delays) <= 48 * HOUR_MS
    assert not any(90 * 60_000 < delay < 8 * HOUR_MS for delay in delays)


def test_the_same_alert_gets_the_same_answer_and_another_farmer_answers_otherwise():
    assert answers(Farmer(7), was_right=True) == answers(Farmer(7), was_right=True)
    assert answers(Farmer(7), was_right=True) != answers(Farmer(8), was_right=True)


def test_a_perfect_farmer_says_what_is_true_of_every_alert():
    perfect = Farmer(7, wrong=0, silent=0, late=0)
    assert {verdict for verdict, _ in answers(perfect, was_right=False)} == {Verdict.WRONG}


@pytest.mark.parametrize("shares", [{"wrong": -0.1}, {"silent": 0.9}])
def test_shares_that_make_no_sense_are_refused(shares):
    with pytest.raises(ValueError, match="at most 1"):
        Farmer(7, **shares)
