"""Judgements move thresholds: as far as they should, and no urgent kind's."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.alerts.learning import HIGHEST, LOWEST, answer_key, monthly, offsets
from relay.alerts.words import LANGUAGES, words
from relay.model import Judged
from relay.scoring.kind import Kind, Tier
from tests.relay.alert_scene import BELLA, KINDS, NORA, Telling, at, event


def said(is_right, when=0, *, animal=12, kind="heat", reason=""):
    return Judged(f"{kind} {animal} {when}", animal, kind, is_right, reason, when)


def offset(*judged, kind="heat", animal=None, at_ms=10**15):
    return offsets(judged, KINDS, at_ms).of(kind, animal)


def test_wrong_raises_the_threshold_and_right_lowers_it_by_the_published_steps():
    assert offset(said(is_right=False)) == pytest.approx(0.17)
    assert offset(said(is_right=True)) == pytest.approx(-0.03)


def test_the_animal_itself_moves_by_half_as_much_more():
    one = said(is_right=False)
    assert offset(one, animal=12) == pytest.approx(0.255)
    assert offset(one, animal=7) == pytest.approx(0.17)


def test_a_wrong_alert_with_a_reason_counts_half():
    assert offset(said(is_right=False, reason="mating_season")) == pytest.approx(0.085)


def test_the_farmer_chooses_how_many_alerts_shall_be_right():
    given_ = [said(is_right=False)]
    assert offsets(given_, KINDS, 1, target=0.5).of("heat", None) == pytest.approx(0.1)


@pytest.mark.parametrize("kind", ["no_movement", "battery", "gone"])
def test_a_kind_that_is_urgent_does_not_learn_or_is_not_known_stays_as_it_is(kind):
    assert offset(said(is_right=False, kind=kind), kind=kind, animal=12) == 0


def test_one_kind_does_not_learn_from_another():
    assert offset(said(is_right=False, kind="off_feed")) == 0


def test_a_judgement_counts_from_the_moment_it_was_given():
    late = said(is_right=False, when=1000)
    assert offset(late, at_ms=999) == 0
    assert offset(late, at_ms=1000) == pytest.approx(0.17)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50), st.sampled_from([7, 12]))))
def test_offsets_are_bounded_and_do_not_depend_on_the_order_of_the_records(given_):
    judged = [said(right, when, animal=cow) for right, when, cow in dict.fromkeys(given_)]
    found = offsets(judged, KINDS, 100)
    assert found == offsets(judged[::-1], KINDS, 100) or len({one.event_id for one in judged}) < len(judged)
    assert all(LOWEST <= found.of("heat", cow) <= HIGHEST for cow in (7, 12))


def test_a_hundred_wrong_alerts_stop_at_the_bound_and_are_forgotten_step_by_step():
    wrong = [said(is_right=False, when=when) for when in range(100)]
    right = [said(is_right=True, when=100 + when) for when in range(10)]
    assert offset(*wrong) == HIGHEST
    assert offset(*wrong, *right) == pytest.approx(HIGHEST - 0.3)
    assert offset(*[said(is_right=True, when=when) for when in range(100)]) == LOWEST


def test_the_threshold_settles_where_the_wanted_share_of_alerts_is_right():
    draw, judged = random.Random(6), []
    right = []
    for when in range(4000):
        theta = offsets(judged[-400:], KINDS, when).of("heat", None)
        # true alerts score higher than false ones; at the scorer's own threshold half are wrong
        is_right = draw.random() < 0.5 + 0.25 * theta
        right.append(is_right)
        judged.append(said(is_right, when, animal=None))
    assert sum(right[1000:]) / len(right[1000:]) == pytest.approx(0.85, abs=0.03)


def test_of_a_months_judgements_the_right_ones_are_counted():
    judged = [said(is_right=True, when=at("31T23:59".replace("31", "30")))] + [
        said(is_right=number < 17, when=at("2026-10-05T10:00") + number) for number in range(20)
    ]
    assert monthly(judged, at("2026-10-01T00:00"), at("2026-11-01T00:00")) == (17, 20)
    assert monthly([], 0, 1) == (0, 0)


def test_the_first_digest_of_a_month_says_how_often_last_months_alerts_were_right():
    judged = [said(is_right=number < 17, when=at("2026-10-05T10:00") + number) for number in range(20)]
    farm = Telling(judged=judged)
    weak = event("battery", "2026-11-01T10:00", NORA)
    line = "in October I was right 17 of 20 times"
    (first,) = farm.tell("2026-11-02T06:00", weak)
    assert first.body["text"].splitlines()[-1] == line
    (second,) = farm.tell("2026-11-03T06:00", weak, event("battery", "2026-11-02T10:00", BELLA))
    assert line not in second.body["text"]


def test_a_month_is_summed_up_even_if_nothing_else_is_told():
    farm = Telling(judged=[said(is_right=True, when=at("2026-10-05T10:00"))])
    assert farm.steps("2026-11-01T06:00") == ["digest:2026-11-01"]
    assert farm.tell("2026-11-02T06:00") == []


@pytest.mark.parametrize(
    ("name", "is_right", "key"),
    [("heat", True, "right"), ("heat", False, "stricter"), ("no_movement", False, "fp")],
)
def test_the_answer_promises_to_be_stricter_only_where_that_will_be_so(name, is_right, key):
    assert answer_key(KINDS[name], is_right=is_right) == key
    assert all("12" in words(code).say("answers", key, animal="12") for code in LANGUAGES)


def test_the_answer_names_the_cow():
    assert words("en").say("answers", "stricter", animal="cow 12").endswith("I will be stricter with cow 12.")


def test_an_urgent_kind_that_learns_cannot_be_declared():
    with pytest.raises(ValueError, match="does not learn"):
        Kind("down", Tier.URGENT, learns=True)
