"""Who is told when nobody answers an urgent alert, until when, and what stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.model import Person
from tests.relay.alert_scene import (
    ANNA,
    BELLA,
    BEN,
    FARM,
    MINUTE_MS,
    NORA,
    ROSA,
    Telling,
    at,
    event,
    over,
    withdrawn,
)

NOON = replace(FARM, digest_min=12 * 60)
CLEO = Person(3, "Cleo", "en", "Europe/Berlin", "owner", rung=2)
EVA = Person(4, "Dr. Eva", "en", "Europe/Berlin", "vet", rung=2)
VET = Person(5, "Dr. Max", "en", "Europe/Berlin", "vet")
SMITH = Person(6, "Smith", "en", "Europe/Berlin", "technician", rung=1)
EVERYBODY = (ANNA, BEN, CLEO, EVA, VET, SMITH)


def down(found="16T02:00", animal=BELLA, **fields):
    return event("no_movement", found, animal, **fields)


def night(farm=NOON, people=EVERYBODY):
    """A cow is found not moving at two in the morning, and the first rung is told."""
    telling, still = Telling(farm, people), down()
    telling.tell("16T02:00", still)
    return telling, still


def test_the_first_rung_is_told_at_once_and_nobody_else():
    farm, still = Telling(people=EVERYBODY), down()
    assert farm.told("16T02:00", still) == [(ANNA.id, "alert")]
    assert farm.told("16T02:14", still) == []


def test_while_nobody_answers_rung_after_rung_is_told_once_also_at_night():
    farm, still = night()
    assert farm.told("16T02:15", still) == [(BEN.id, "escalation:0")]
    assert farm.told("16T02:29", still) == []
    assert farm.told("16T02:30", still) == [(CLEO.id, "escalation:1"), (EVA.id, "escalation:1")]
    assert farm.told("16T05:00", still) == []


def test_who_is_told_later_reads_that_nobody_answered_and_can_answer():
    farm, still = night()
    (message,) = farm.tell("16T02:15", still)
    assert (message.critical, message.event_id) == (True, still.id)
    assert message.body["template"] == "escalation"
    assert message.body["params"] == {
        "animal": "Bella (12)", "farm": "Hof Lindner", "since": "20:00 on 15 November",
        "sign": "not moving (dead or very ill, or her collar lies on the ground)",
    }  # fmt: skip
    assert message.body["text"].startswith("Nobody has answered since 02:00.\nNOT MOVING: Bella (12)\n")
    assert message.body["buttons"] == ["ack", "snz", "fp"]


@pytest.mark.parametrize("verdict", ["acknowledged", "snoozed", "false_alarm", "right", "wrong"])
@pytest.mark.parametrize("person", [ANNA, CLEO])
def test_an_answer_by_anyone_stops_it(verdict, person):
    farm, still = night()
    farm.answer(still, verdict, "16T02:10", person)
    assert farm.told("16T02:15", still) == farm.told("16T02:31", still) == []


def test_an_answer_in_the_same_second_counts_though_it_is_dated_before_the_alert():
    farm = Telling(NOON, people=(ANNA, BEN))
    still = down(at("16T02:00") + 700)
    farm.tell(at("16T02:00") + 700, still)
    farm.answer(still, "acknowledged", "16T02:00")
    assert farm.told("16T02:16", still) == []


def test_an_answer_between_two_rungs_spares_the_second():
    farm, still = night()
    farm.tell("16T02:15", still)
    farm.answer(still, "acknowledged", "16T02:20", BEN)
    assert farm.told("16T02:30", still) == []


@pytest.mark.parametrize("ended", [lambda one: over(one, "16T02:10"), withdrawn])
def test_what_is_over_or_withdrawn_goes_no_further(ended):
    farm, still = night()
    assert farm.told("16T02:15", ended(still)) == farm.told("16T02:31", ended(still)) == []


def test_an_answer_to_what_was_only_timely_does_not_count_once_it_is_urgent():
    farm = Telling(people=(ANNA, BEN))
    watch = event("calving", "16T18:00")
    farm.tell("16T18:00", watch)
    farm.answer(watch, "acknowledged", "16T18:05")
    labour = replace(watch, tier="urgent", stage="labour", evidence={"stage_ms": at("17T02:00")})
    assert farm.told("17T02:00", labour) == [(ANNA.id, "stage:labour")]
    assert farm.told("17T02:15", labour) == [(BEN.id, "escalation:0:labour")]


def test_a_worse_stage_of_an_answered_alert_begins_a_ladder_of_its_own():
    farm, still = night(people=(ANNA, BEN))
    farm.tell("16T02:15", still)
    farm.answer(still, "acknowledged", "16T02:20")
    worse = replace(still, stage="worse")
    assert farm.told("16T03:00", worse) == [(ANNA.id, "stage:worse"), (BEN.id, "stage:worse")]
    third = replace(farm.setting, people=(ANNA, BEN, CLEO))
    farm.setting = third
    assert farm.told("16T03:30", worse) == [(CLEO.id, "escalation:1:worse")]


def test_an_answer_lasts_four_hours_then_the_first_rung_is_told_once_more():
    farm, still = night()
    farm.answer(still, "acknowledged", "16T02:10", CLEO)
    assert farm.told("16T06:09", still) == []
    (message,) = farm.tell("16T06:10", still)
    assert (message.person_id, message.step, message.critical) == (ANNA.id, "again", True)
    assert message.body["template"] == "health_alert"
    assert message.body["text"].startswith("Cleo took this over at 02:10, and it goes on.\nNOT MOVING")
    assert farm.told("16T06:10", still) == farm.told("16T23:00", still) == []


def test_the_four_hours_count_from_the_last_who_said_that_they_go():
    farm, still = night()
    farm.answer(still, "acknowledged", "16T02:05", BEN)
    farm.answer(still, "acknowledged", "16T02:10")
    assert farm.told("16T06:09", still) == []
    assert farm.told("16T06:10", still) == [(ANNA.id, "again")]


@pytest.mark.parametrize("after", ["snoozed", "false_alarm", "right"])
def test_nobody_is_told_again_who_has_said_more_than_that_they_go(after):
    farm, still = night()
    farm.answer(still, "acknowledged", "16T02:10")
    farm.answer(still, after, "16T03:00")
    assert farm.told("16T06:10", still) == []


def test_what_ended_within_the_four_hours_is_told_no_more_but_for_its_end():
    farm, still = night()
    farm.tell("16T02:15", still)
    farm.answer(still, "acknowledged", "16T02:20")
    ended = over(still, "16T05:00")
    assert farm.told("16T06:20", ended) == [(ANNA.id, "over"), (BEN.id, "over")]


def test_a_vet_who_was_called_is_told_that_all_is_well_and_gets_no_digest():
    farm, still = night()
    farm.tell("16T02:30", still)
    ended = over(still, "16T03:00")
    assert (EVA.id, "over") in farm.told("16T04:00", ended)
    weak = event("battery", "16T10:00", NORA)
    assert {one for one, _ in farm.told("17T12:00", ended, weak)} == {ANNA.id, BEN.id, CLEO.id}


def test_who_was_not_told_in_time_is_told_with_the_step_that_is_reached():
    farm, still = night()
    assert farm.told("16T02:40", still) == [
        (BEN.id, "escalation:1"), (CLEO.id, "escalation:1"), (EVA.id, "escalation:1"),
    ]  # fmt: skip


def test_the_last_step_leaves_nobody_out():
    far = replace(CLEO, rung=9)
    farm, still = night(people=(ANNA, BEN, far))
    assert farm.told("16T02:15", still) == [(BEN.id, "escalation:0")]
    assert farm.told("16T02:30", still) == [(far.id, "escalation:1")]


def test_times_are_the_farms_own_and_never_means_never():
    farm, still = night(replace(NOON, escalate_min=(5, 10, 60)))
    assert farm.told("16T02:05", still) == [(BEN.id, "escalation:0")]
    never, still = night(replace(NOON, escalate_min=()))
    assert never.told("16T04:00", still) == []


def test_without_a_first_rung_the_lowest_is_told_at_once():
    gone = replace(ANNA, opted_out_ms=1)
    for people in ((BEN, CLEO), (gone, BEN, CLEO)):
        farm, still = Telling(people=people), down()
        assert (BEN.id, "alert") in farm.told("16T02:00", still)
        assert farm.told("16T02:30", still) == [(CLEO.id, "escalation:1")]


def test_who_wants_no_messages_is_not_called():
    farm, still = night(people=(ANNA, replace(BEN, opted_out_ms=1)))
    assert farm.told("16T03:00", still) == []


def test_who_has_muted_the_animal_is_not_called():
    farm, still = night()
    farm.mute("20T00:00", BELLA, person=BEN)
    assert farm.told("16T02:15", still) == []


def test_a_storm_goes_on_as_one_message_with_those_that_are_left():
    farm = Telling(people=(ANNA, BEN))
    still = [down(animal=cow) for cow in (BELLA, NORA, ROSA)]
    farm.tell("16T02:00", *still)
    farm.answer(still[0], "acknowledged", "16T02:05")
    (message,) = farm.tell("16T02:15", *still)
    assert (message.person_id, message.step, message.critical) == (BEN.id, "escalation:0", True)
    assert message.body["params"]["animal"] == "2 alerts"
    assert message.body["params"]["sign"] == "Rosa (4): not moving; Nora (7): not moving"
    assert [entry[:2] for entry in message.body["about"]] == [
        [still[2].id, "escalation:0"],
        [still[1].id, "escalation:0"],
    ]
    assert farm.told("16T02:30", *still) == []


def test_answers_to_a_storm_run_out_as_one_message():
    farm = Telling(NOON, people=(ANNA, BEN))
    still = [down(animal=cow) for cow in (BELLA, NORA, ROSA)]
    farm.tell("16T02:00", *still)
    for one in still:
        farm.answer(one, "acknowledged", "16T02:05")
    (message,) = farm.tell("16T06:05", *still)
    assert (message.step, message.body["template"], len(message.body["about"])) == (
        "again", "several_alerts", 3,
    )  # fmt: skip
    assert farm.told("16T06:06", *still) == []


def test_a_disturbed_herd_is_escalated_like_an_animal():
    farm = Telling(people=(ANNA, BEN))
    herd = event("herd_event", "16T02:00", None, after_h=0)
    farm.tell("16T02:00", herd)
    (message,) = farm.tell("16T02:15", herd)
    assert message.body["params"]["animal"] == "the herd"
    assert "picture" not in message.body


def test_who_is_not_of_the_first_rung_reads_the_rest_in_the_digest():
    farm = Telling(people=(ANNA, BEN))
    weak = event("off_feed", "16T10:00")
    assert farm.told("16T10:00", weak) == [(ANNA.id, "alert")]
    (digest,) = farm.tell("17T06:00", weak)
    assert (digest.person_id, digest.body["params"]["list"]) == (
        BEN.id, "Bella (12): eating and chewing less since 04:00 on 16 November",
    )  # fmt: skip


def test_what_the_digest_told_a_backup_is_still_escalated_to_them():
    farm = Telling(people=(ANNA, BEN))
    still = down("17T05:55")
    farm.tell("17T05:55", still)
    (digest,) = [
        one for one in farm.tell("17T06:00", still, event("battery", "16T09:00")) if one.person_id == 2
    ]
    assert digest.step == "digest:2026-11-17"
    assert farm.told("17T06:10", still) == [(BEN.id, "escalation:0")]


def test_what_a_backup_read_in_the_digest_comes_by_the_ladder_once_it_is_urgent():
    farm, watch = Telling(people=(ANNA, BEN)), event("calving", "16T02:00")
    assert (BEN.id, "digest:2026-11-16") in farm.told("16T06:00", watch)
    labour = replace(watch, tier="urgent", stage="labour", evidence={"stage_ms": at("16T08:00")})
    assert farm.told("16T08:00", labour) == [(ANNA.id, "stage:labour")]
    assert farm.told("16T08:15", labour) == [(BEN.id, "escalation:0:labour")]


def test_what_gets_worse_and_is_not_urgent_a_backup_reads_in_the_next_digest():
    farm = Telling(people=(ANNA, BEN))
    hot = event("heat_stress", "16T02:00", None, after_h=1, stage="moderate")
    farm.tell("16T06:00", hot)
    severe = replace(hot, stage="severe", evidence={"level": "severe"})
    (digest,) = [one for one in farm.tell("17T06:00", severe) if one.person_id == BEN.id]
    assert "severe" in digest.body["params"]["list"]


def test_a_relapse_after_all_was_said_to_be_well_climbs_from_the_start():
    farm, still = night(people=(ANNA, BEN))
    farm.tell("16T02:15", still)
    ended = over(still, "16T03:00")
    assert [step for _, step in farm.told("16T04:00", ended)] == ["over", "over"]
    late = down("16T03:50", after_h=0.5)
    assert farm.told("16T04:10", ended, late) == [(ANNA.id, "alert")]
    assert farm.told("16T04:24", ended, late) == []
    (message,) = farm.tell("16T04:25", ended, late)
    assert (message.person_id, message.step, message.event_id) == (BEN.id, "escalation:0", late.id)
    assert message.id not in {one.id for one in farm.sent[:-1]}


def test_timely_alerts_have_no_ladder():
    farm = Telling(people=(ANNA, BEN))
    farm.tell("16T10:00", event("off_feed", "16T10:00"))
    assert farm.told("16T11:00", event("off_feed", "16T10:00")) == []


def test_it_wakes_for_the_next_rung_and_for_the_end_of_an_answer_and_for_nothing_else():
    farm, still = night()
    first_ms = at("16T02:00")
    assert farm.wakes("16T02:00", still) == first_ms + 15 * MINUTE_MS
    assert farm.wakes("16T02:15", still) == first_ms + 30 * MINUTE_MS
    assert farm.wakes("16T02:30", still) == at("16T06:00")
    farm.answer(still, "acknowledged", "16T01:59")
    assert farm.wakes("16T02:00", still) == first_ms + 15 * MINUTE_MS, "it was given before"
    farm.answer(still, "acknowledged", "16T02:01")
    assert farm.wakes("16T06:00", still) == at("16T06:01")
    assert farm.wakes("16T02:10", over(still, "16T02:05")) == at("16T03:05")


def test_a_clock_that_was_set_back_calls_nobody_twice():
    farm, still = night()
    farm.tell("16T02:15", still)
    assert farm.told("16T01:10", still) == []
    assert farm.told("16T02:15", still) == []
    assert farm.told("16T02:30", still) == [(CLEO.id, "escalation:1"), (EVA.id, "escalation:1")]
