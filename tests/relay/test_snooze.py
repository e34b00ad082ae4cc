"""What a person asks not to hear: snoozed, muted, "fewer alerts". It comes later or in the digest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.alerts.plan import Channel, plan
from relay.model import Animal, Mute
from tests.relay.alert_scene import (
    ANNA,
    BELLA,
    BEN,
    FARM,
    HOUR_MS,
    KINDS,
    NORA,
    ROSA,
    Telling,
    at,
    event,
    over,
    withdrawn,
)

BEN_TOO = replace(BEN, rung=0)
CLEO = replace(BEN, id=3, name="Cleo", rung=2)
NOON = replace(FARM, digest_min=12 * 60)
FEWER = replace(ANNA, fewer=True)


def list_of(message):
    return message.body["params"]["list"]


def snoozed(kind="off_feed", found="16T08:00", farm=NOON, **fields):
    """Anna is told of something and snoozes it five minutes later."""
    telling, one = Telling(farm), event(kind, found, **fields)
    telling.tell(found, one)
    telling.answer(one, "snoozed", f"{found[:-2]}05")
    return telling, one


# snooze


def test_what_is_snoozed_is_told_once_more_after_twelve_hours_if_it_still_stands():
    farm, weak = snoozed()
    assert farm.tell("16T20:04", weak) == []
    (message,) = farm.tell("16T20:05", weak)
    assert message.step == f"snoozed:{at('16T08:05')}"
    assert message.event_id == weak.id
    assert message.body["text"].startswith("You put this off for 12 hours, and it goes on.\nOFF FEED: Bella")
    assert message.expires_ms == at("16T20:05") + 24 * HOUR_MS
    assert farm.tell("16T20:10", weak) == farm.tell("17T08:10", weak) == []


@pytest.mark.parametrize("ended", [lambda one: over(one, "16T15:00"), withdrawn])
def test_what_ended_while_it_was_snoozed_is_not_told_again(ended):
    farm, weak = snoozed()
    assert farm.tell("16T20:05", ended(weak)) == []
    (digest,) = farm.tell("17T12:00", ended(weak))
    assert digest.body["about"][0][0] == weak.id


def test_a_timely_alert_whose_snooze_ends_at_night_comes_in_the_morning_and_an_urgent_one_at_once():
    farm, weak = snoozed(found="16T14:00")
    assert farm.tell("17T02:05", weak) == []
    assert farm.steps("17T06:00", weak) == [f"snoozed:{at('16T14:05')}"]
    farm, still = snoozed("no_movement", found="16T14:00")
    assert farm.steps("17T02:05", still) == [f"snoozed:{at('16T14:05')}"]


def test_a_heat_that_is_over_is_told_again_while_there_is_time_to_inseminate():
    farm, heat = snoozed("heat", after_h=2)
    ended = over(heat, "16T18:00")
    assert farm.steps("16T20:05", ended) == [f"snoozed:{at('16T08:05')}"]
    farm, heat = snoozed("heat", after_h=14)
    assert farm.tell("16T20:05", over(heat, "16T18:00")) == []


def test_while_it_is_snoozed_only_a_worse_stage_that_is_urgent_is_told():
    farm, hot = snoozed("heat_stress", animal=None, after_h=1, stage="moderate")
    assert farm.tell("16T11:00", replace(hot, stage="severe")) == []
    urgent = replace(hot, stage="emergency", tier="urgent")
    assert farm.steps("16T11:30", urgent) == ["stage:emergency"]


def test_the_end_of_what_is_snoozed_is_no_message_before_the_snooze_is_over():
    farm, still = snoozed("no_movement")
    ended = over(still, "16T10:00")
    assert farm.tell("16T11:00", ended) == []
    assert farm.steps("16T20:05", ended) == ["over"]


def test_a_snooze_holds_for_who_asked_and_for_that_story_only():
    farm, weak = snoozed("no_movement")
    farm.setting = replace(farm.setting, people=(ANNA, BEN_TOO))
    assert farm.told("16T09:00", weak) == [(BEN_TOO.id, "alert")]
    other = event("no_movement", "16T09:00", NORA)
    assert [one for one, _ in farm.told("16T09:00", weak, other)] == [ANNA.id, BEN_TOO.id]


def test_what_goes_on_from_a_snoozed_event_is_snoozed_with_it():
    farm, still = snoozed("no_movement")
    better_dated = event("no_movement", "16T08:00", after_h=7, name="better dated")
    both = withdrawn(still), better_dated
    assert farm.tell("16T09:00", *both) == []
    (message,) = farm.tell("16T20:05", *both)
    assert message.event_id == better_dated.id


def test_another_answer_takes_the_place_of_a_snooze():
    farm, weak = snoozed()
    farm.answer(weak, "false_alarm", "16T09:00")
    assert farm.tell("16T20:05", weak) == []


def test_who_snoozes_again_is_told_again():
    farm, weak = snoozed()
    farm.tell("16T20:05", weak)
    farm.answer(weak, "snoozed", "16T20:30")
    assert farm.tell("17T07:00", weak) == []
    assert farm.steps("17T08:30", weak) == [f"snoozed:{at('16T20:30')}"]


def test_a_snoozed_bundle_comes_again_as_one_message():
    farm = Telling(NOON)
    night = event(found="16T22:00"), event("off_feed", "17T02:00", NORA, strength=0.9)
    (bundle,) = farm.tell("17T06:00", *night)
    for one in night:
        farm.answer(one, "snoozed", "17T06:10")
    (message,) = farm.tell("17T18:10", *night)
    assert message.body["template"] == "several_alerts"
    assert {entry[0] for entry in message.body["about"]} == {one.id for one in night}
    assert message.id != bundle.id
    assert farm.tell("17T18:20", *night) == []


def test_what_was_snoozed_in_a_list_before_it_was_told_waits():
    farm, heat = Telling(NOON), event(found="16T23:00", after_h=0)
    farm.answer(heat, "snoozed", "17T01:00")
    assert farm.tell("17T06:00", heat) == []
    assert farm.steps("17T13:00", heat) == ["alert"]
    assert farm.tell("17T13:15", heat) == []


def test_it_wakes_when_a_snooze_or_a_mute_ends():
    farm, weak = snoozed(farm=replace(FARM, quiet_from_min=None, quiet_to_min=None))
    assert farm.wakes("16T08:10", weak) == at("16T20:05")
    farm.mute("16T15:00", NORA)
    assert farm.wakes("16T08:10", weak) == at("16T15:00")
    assert farm.wakes("16T15:00", weak) == at("16T20:05")


# mute


def test_what_is_muted_is_a_line_of_the_digest():
    farm = Telling()
    farm.mute("18T10:00", BELLA)
    heat, other = event(), event("off_feed", "16T10:00", NORA)
    assert [one.event_id for one in farm.tell("16T10:00", heat, other)] == [other.id]
    (digest,) = farm.tell("17T06:00", heat, other)
    assert list_of(digest).startswith("Bella (12): signs of heat since 04:00 on 16 November")
    assert farm.tell("18T06:00", heat, other) == []


def test_what_is_still_of_use_when_a_mute_ends_is_told_then_unless_the_digest_did():
    farm = Telling(NOON)
    farm.mute("16T11:00", BELLA)
    heat = event()
    assert farm.tell("16T10:59", heat) == []
    assert farm.steps("16T11:00", heat) == ["alert"]
    farm = Telling(NOON)
    farm.mute("16T13:00", BELLA)
    assert farm.steps("16T12:00", heat) == ["digest:2026-11-16"]
    assert farm.tell("16T13:00", heat) == []


@pytest.mark.parametrize(
    ("animal", "kind", "is_told"),
    [
        (BELLA, "", False), (NORA, "", True), (None, "no_movement", False), (None, "heat", True),
        (BELLA, "heat", True), (None, "", True),
    ],
)  # fmt: skip
def test_a_mute_holds_back_an_emergency_only_if_it_names_the_animal_or_the_kind(animal, kind, is_told):
    farm = Telling()
    farm.mute("18T10:00", animal, kind)
    assert len(farm.tell("16T10:00", event("no_movement"))) == is_told


def test_a_mute_of_everything_holds_back_all_but_emergencies():
    farm = Telling()
    farm.mute("18T10:00")
    assert farm.tell("16T10:00", event("off_feed"), event(animal=NORA)) == []


def test_a_mute_is_of_the_person_who_asked():
    farm = Telling(people=(ANNA, BEN_TOO))
    farm.mute("18T10:00", BELLA)
    assert farm.told("16T10:00", event()) == [(BEN_TOO.id, "alert")]


def test_of_what_was_told_before_it_was_muted_the_digest_tells_the_rest():
    farm, still = Telling(), event("no_movement", "16T10:00")
    farm.tell("16T10:00", still)
    farm.mute("18T10:00", BELLA)
    worse, ended = replace(still, stage="worse"), over(still, "17T02:00")
    assert farm.tell("16T11:00", worse) == []
    assert farm.tell("17T03:00", ended) == []
    (digest,) = farm.tell("17T06:00", ended)
    assert list_of(digest) == "Bella (12): back to normal (not moving)"
    assert farm.tell("17T06:10", ended) == []


def test_that_a_muted_matter_stands_on_is_not_said_every_day():
    farm, weak = Telling(), event("off_feed", "16T10:00")
    farm.tell("16T10:00", weak)
    farm.mute("20T10:00", BELLA)
    (digest,) = farm.tell("17T06:00", weak, event("battery", "16T11:00", NORA))
    assert "Bella" not in list_of(digest)


def test_a_herds_alert_is_muted_by_its_kind():
    farm = Telling()
    hot = event("heat_stress", animal=None, after_h=1)
    farm.mute("18T10:00", None, "heat_stress")
    assert farm.tell("16T10:00", hot) == []
    farm.mute("18T10:00", BELLA)
    assert list_of(farm.tell("17T06:00", hot)[0]).startswith("the herd: heat stress")


# fewer


def test_for_who_wants_fewer_alerts_what_is_timely_goes_to_the_digest():
    farm = Telling(people=(FEWER,))
    weak, still = event("off_feed", "16T10:00"), event("no_movement", "16T10:00", NORA)
    assert [one.event_id for one in farm.tell("16T10:00", weak, still)] == [still.id]
    (digest,) = farm.tell("17T06:00", weak, still)
    assert list_of(digest).split(" · ") == [
        "Bella (12): eating and chewing less since 04:00 on 16 November",
        "Nora (7): not moving since 04:00 on 16 November, not over yet",
    ]


def test_what_turns_urgent_is_told_at_once_to_who_wants_fewer():
    farm, watch = Telling(people=(FEWER,)), event("calving", "16T18:00")
    assert farm.tell("16T18:00", watch) == []
    labour = replace(watch, tier="urgent", stage="labour", evidence={"stage_ms": at("17T02:00")})
    assert farm.steps("17T02:00", labour) == ["alert"]
    farm = Telling(people=(FEWER,))
    early = event("calving", "16T02:00")
    assert farm.steps("16T06:00", early) == ["digest:2026-11-16"]
    late = replace(early, tier="urgent", stage="labour", evidence={"stage_ms": at("16T08:00")})
    assert farm.steps("16T08:00", late) == ["stage:labour"]


def test_a_worse_stage_that_is_timely_is_a_line_for_who_wants_fewer():
    farm = Telling(people=(FEWER,))
    hot = event("heat_stress", "16T02:00", None, after_h=1, stage="moderate")
    farm.tell("16T06:00", hot)
    severe = replace(hot, stage="severe", evidence={"level": "severe"})
    assert farm.tell("16T10:00", severe) == []
    (digest,) = farm.tell("17T06:00", severe)
    assert "severe" in list_of(digest)


def test_what_began_and_ended_before_the_digest_is_one_line_of_it():
    farm = Telling(people=(FEWER,))
    brief = over(event("off_feed", "16T10:00"), "16T15:00")
    (digest,) = farm.tell("17T06:00", brief)
    assert list_of(digest) == "Bella (12): back to normal (eating and chewing less)"
    assert farm.tell("18T06:00", brief) == []


def test_the_plan_says_why_an_event_is_in_the_digest():
    (one,) = plan([event()], FARM, 100, KINDS, instead=lambda _: "mute")
    assert (one.channel, one.why, one.at_ms) == (Channel.DIGEST, "mute", at("17T06:00"))
    off, still = event("collar_off", "16T09:30", after_h=1), event("no_movement", "16T10:00")
    planned = plan([off, still], FARM, 100, KINDS, instead=lambda _: "mute")
    assert [one.channel for one in planned if one.event is still] == [Channel.MUTED]


def test_what_others_ask_for_changes_nothing_of_the_budget():
    farm = Telling()
    farm.mute("18T10:00", BELLA)
    events = [
        event(found=f"16T{hour:02}:00", animal=cow) for hour, cow in ((8, BELLA), (9, NORA), (10, ROSA))
    ]
    assert [len(farm.tell(f"16T{hour:02}:00", *events)) for hour in (8, 9, 10)] == [0, 1, 1]


# whatever is asked for

COWS = [Animal(number, 3, str(number), "") for number in range(20, 26)]
HOURS = st.integers(0, 30)
asked = st.lists(st.tuples(HOURS, st.sampled_from([*COWS, None]), st.sampled_from(["", "heat", "off_feed"]),
                           st.integers(1, 60)), max_size=4)  # fmt: skip
finds = st.lists(st.tuples(HOURS, st.sampled_from(["heat", "off_feed", "no_movement", "battery"])),
                 min_size=1, max_size=6)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(finds, asked, st.sets(st.integers(0, 5)), st.booleans())
def test_nothing_is_lost_and_nothing_has_the_name_of_something_else(finds, asked, snoozes, fewer):
    farm = Telling(people=(replace(ANNA, fewer=fewer), BEN), animals=COWS)
    start_ms = at("16T00:00")
    events = [
        event(kind, start_ms + hour * HOUR_MS, COWS[number], name=f"e{number}")
        for number, (hour, kind) in enumerate(finds)
    ]
    mutes = [Mute(1, cow and cow.id, kind, start_ms + (hour + hours) * HOUR_MS)
             for hour, cow, kind, hours in asked]  # fmt: skip
    for hour in range(0, 96, 2):
        now_ms = start_ms + hour * HOUR_MS
        farm.setting = replace(farm.setting, mutes=[one for one in mutes if one.until_ms > now_ms])
        for message in farm.tell(now_ms, *(one for one in events if one.detected_ms <= now_ms)):
            for number, one in enumerate(events):
                if message.event_id == one.id and number in snoozes:
                    farm.answer(one, "snoozed", now_ms)
    for person in farm.setting.people:
        told = {entry[0] for one in farm.sent if one.person_id == person.id for entry in one.body["about"]}
        assert told == {one.id for one in events}
    assert len({one.id for one in farm.sent}) == len(farm.sent)


def test_an_emergency_that_all_of_the_first_rung_muted_rings_the_next_at_once():
    farm = Telling(people=(ANNA, BEN, CLEO))
    farm.mute("20T00:00", BELLA)
    still = event("no_movement", "16T02:00")
    assert farm.told("16T02:00", still) == [(BEN.id, "alert")]
    assert farm.told("16T02:30", still) == [(CLEO.id, "escalation:1")]


def test_a_mute_of_one_of_the_first_rung_wakes_nobody_of_the_next():
    farm = Telling(people=(ANNA, BEN_TOO, replace(CLEO, rung=1)))
    farm.mute("20T00:00", BELLA)
    assert farm.told("16T14:00", event("no_movement", "16T14:00")) == [(BEN_TOO.id, "alert")]


def test_what_is_not_urgent_and_muted_by_the_first_rung_is_no_message_to_the_next():
    farm = Telling(people=(ANNA, BEN))
    farm.mute("20T00:00", BELLA)
    assert farm.told("16T10:00", event("off_feed", "16T10:00")) == []
