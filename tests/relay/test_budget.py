"""A farm is told so much a day and no more, and the scorers are held back when there is more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.alerts.budget import MOST, allowed, tightening
from relay.alerts.plan import Channel, plan
from relay.model import Animal
from tests.relay.alert_scene import BELLA, FARM, HOUR_MS, KINDS, NORA, ROSA, Telling, at, event

COWS = [Animal(number, 3, str(number), "") for number in range(20, 60)]
FROM_MS = at("16T07:00")
finds = st.lists(
    st.tuples(
        st.integers(0, 10 * 24 * 6), st.sampled_from(COWS), st.sampled_from(["heat", "off_feed", "battery"]),
        st.sampled_from([None, 0.1, 0.6, 0.9]),
    ),
    max_size=60,
)  # fmt: skip


def made(found):
    return [
        event(kind, FROM_MS + slot * 600_000, cow, strength=strength, name=f"{at_} {kind}")
        for at_, (slot, cow, kind, strength) in enumerate(found)
    ]


@pytest.mark.parametrize(("cows", "most"), [(10, 2), (100, 2), (150, 3), (500, 10)])
def test_a_hundred_cows_may_send_two_messages_a_day_and_a_small_farm_too(cows, most):
    assert allowed(cows) == most


def test_what_is_beyond_the_budget_goes_to_the_digest_and_the_digest_says_so():
    farm = Telling(tightened=0.25)
    events = [
        event(found=f"16T{hour:02}:00", animal=cow) for hour, cow in ((8, BELLA), (9, NORA), (10, ROSA))
    ]
    assert [len(farm.tell(f"16T{hour:02}:00", *events)) for hour in (8, 9, 10)] == [1, 1, 0]
    (digest,) = farm.tell("17T06:00", *events)
    assert digest.body["text"].splitlines()[1:] == [
        "1 weaker sign was kept for this report: you get at most 2 messages a day",
        "I have become stricter because there were many alerts",
    ]
    assert digest.body["text"].startswith("Rosa (4): signs of heat since 04:00 on 16 November")


def test_urgent_alerts_do_not_count():
    events = [
        event("no_movement", "16T08:00"),
        event("no_movement", "16T08:30", NORA),
        event(found="16T09:00"),
        event(found="16T10:00", animal=NORA),
    ]
    assert {one.channel for one in plan(events, FARM, 100, KINDS)} == {Channel.NOW}


def test_the_last_message_of_the_day_is_kept_for_what_is_not_weak():
    first, weak = event(found="16T08:00"), event(found="16T09:00", animal=NORA, strength=0.3)
    strong = event(found="16T10:00", animal=ROSA, strength=0.9)
    made_ = {one.event.id: one for one in plan([first, weak, strong], FARM, 100, KINDS)}
    assert [made_[one.id].channel for one in (first, weak, strong)] == [
        Channel.NOW, Channel.DIGEST, Channel.NOW,
    ]  # fmt: skip
    assert (made_[weak.id].why, made_[weak.id].at_ms) == ("budget", at("17T06:00"))


def test_a_bundle_counts_once_and_names_six_the_strongest():
    night = [
        event(found="16T23:00", animal=cow, strength=share / 10)
        for share, cow in enumerate(COWS[:8], start=2)
    ]
    later = event(found="17T09:00", animal=BELLA)
    planned = plan([*night, later], FARM, 100, KINDS)
    bundled = [one.event for one in planned if one.channel is Channel.BUNDLE]
    assert sorted(one.evidence["strength"] for one in bundled) == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert [one.channel for one in planned if one.event is later] == [Channel.NOW]


def test_what_was_told_keeps_its_place_when_late_data_bring_more():
    farm = Telling()
    told = [event(found="16T09:00", animal=NORA), event(found="16T10:00", animal=ROSA)]
    farm.tell("16T09:00", *told)
    farm.tell("16T10:00", *told)
    late = event(found="16T08:00")
    assert farm.tell("16T10:30", late, *told) == []
    assert farm.steps("17T06:00", late, *told) == ["digest:2026-11-17"]


@settings(deadline=None)
@given(finds)
def test_no_farm_day_has_more_messages_than_its_budget(found):
    days = {}
    for one in plan(made(found), FARM, 100, KINDS):
        if one.is_message:
            days.setdefault((one.at_ms + HOUR_MS) // (24 * HOUR_MS), set()).add(one.at_ms)
    assert all(len(times) <= 2 for times in days.values())


@settings(deadline=None)
@given(finds, st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_in_which_events_are_given(found, random):
    events = made(found)
    shuffled = random.sample(events, len(events))
    ways = [
        [(one.event.id, one.channel, one.at_ms) for one in plan(given, FARM, 100, KINDS)]
        for given in (events, shuffled)
    ]
    assert ways[0] == ways[1]


@settings(deadline=None)
@given(finds)
def test_every_event_is_planned_once_and_no_message_comes_before_it_is_known(found):
    events = made(found)
    planned = plan(events, FARM, 100, KINDS)
    assert sorted(one.event.id for one in planned) == sorted(one.id for one in events)
    assert all(one.at_ms >= one.event.detected_ms for one in planned)


def test_many_alerts_tighten_the_thresholds_and_quiet_days_loosen_them_again():
    assert tightening([0, 2, 1, 2], 100) == 0
    assert tightening([4], 100) == pytest.approx(0.25)
    assert tightening([3], 100) == pytest.approx(0.125)
    assert tightening([4, 0], 100) == pytest.approx(0.225)
    assert tightening([4, *[0] * 7], 100) < 0.125
    assert tightening([4], 300) == 0


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000)), st.integers(1, 2000))
def test_the_tightening_is_bounded(counts, cows):
    assert 0 <= tightening(counts, cows) <= MOST


def test_a_backlog_that_comes_one_by_one_stays_within_the_budget_of_the_day_it_comes():
    farm, told = Telling(), []
    events = [event(found=f"15T{18 + at_}:00", animal=cow) for at_, cow in enumerate((BELLA, NORA, ROSA))]
    for count in (1, 2, 3):
        told += farm.steps(f"16T07:{10 * count}", *events[:count])
    assert told == ["alert", "alert"]
    still = event("no_movement", "15T23:00", ROSA)
    assert farm.steps("16T07:50", *events, still) == ["alert"]
    (digest,) = farm.tell("17T06:00", *events)
    assert digest.body["params"]["list"].startswith("Rosa (4): signs of heat")
