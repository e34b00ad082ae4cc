"""One event is one story: told once, updated when it gets worse, closed when it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.alerts.ids import message_id
from relay.alerts.plan import Channel, plan
from relay.alerts.threads import threads
from relay.model import Person
from tests.relay.alert_scene import (
    ANNA,
    BELLA,
    FARM,
    KINDS,
    NORA,
    Telling,
    at,
    event,
    over,
    withdrawn,
)


def labour(watch, when):
    return replace(watch, tier="urgent", stage="labour", evidence={"stage_ms": at(when)})


def test_an_event_that_gets_urgent_is_told_again_at_once_and_once():
    farm, watch = Telling(), event("calving", "16T18:00", tier="timely")
    assert farm.steps("16T18:00", watch) == ["alert"]
    (update,) = farm.tell("17T02:00", labour(watch, "17T02:00"))
    assert (update.step, update.critical, update.event_id) == ("stage:labour", True, watch.id)
    assert update.id == message_id(watch.id, ANNA.id, "stage:labour")
    assert update.body["params"]["sign"] == "labour"
    assert update.expires_ms == at("17T14:00")
    assert farm.tell("17T02:15", labour(watch, "17T02:00")) == []


def test_an_event_that_got_urgent_while_it_was_held_is_told_as_what_it_is():
    farm, watch = Telling(), event("calving", "16T22:00")
    assert farm.tell("16T22:00", watch) == []
    (alert,) = farm.tell("17T02:00", labour(watch, "17T02:00"))
    assert (alert.step, alert.critical) == ("alert", True)
    assert farm.tell("17T06:00", labour(watch, "17T02:00")) == []


def test_an_event_that_got_urgent_long_after_it_was_found_is_not_too_late():
    watch = event("calving", "15T10:00")
    assert Telling().steps("16T10:00", labour(watch, "16T10:00")) == ["alert"]


def test_a_timely_event_that_gets_worse_is_told_again_but_not_at_night():
    farm = Telling()
    hot = event("heat_stress", "16T12:00", None, after_h=1, stage="moderate")
    farm.tell("16T12:00", hot)
    severe = replace(hot, stage="severe")
    assert farm.tell("16T23:00", severe) == []
    assert farm.steps("16T15:00", severe) == ["stage:severe"]
    assert farm.tell("16T15:15", severe) == []


def test_a_matter_of_the_digest_that_goes_further_is_a_line_again():
    farm, soon = Telling(), event("battery", "16T10:00", stage="soon", evidence={"days_left": 13})
    farm.tell("17T06:00", soon)
    now = replace(soon, stage="now", evidence={"days_left": 2})
    (digest,) = farm.tell("18T06:00", now)
    assert "days left: 2" in digest.body["params"]["list"]
    assert farm.tell("19T06:00", now) == []


def test_an_event_that_gets_better_is_not_told_again():
    farm, watch = Telling(), event("calving", "16T18:00")
    farm.tell("16T18:00", labour(watch, "16T18:00"))
    assert farm.tell("16T19:00", watch) == []


def test_the_end_of_an_emergency_is_a_message_once_it_has_lasted_an_hour():
    farm, still = Telling(), event("no_movement", "16T10:00")
    farm.tell("16T10:00", still)
    calm = over(still, "16T11:00")
    assert farm.tell("16T11:59", calm) == []
    (message,) = farm.tell("16T12:00", calm)
    assert (message.step, message.critical, message.event_id) == ("over", False, None)
    assert message.body["template"] == "back_to_normal"
    assert message.body["text"] == "Bella (12) is back to normal"
    assert message.body["params"]["since"] == "11:00"
    assert farm.tell("16T12:15", calm) == []
    assert farm.tell("17T06:00", calm) == []


def test_the_end_of_an_emergency_wakes_nobody_but_who_has_just_been_woken():
    evening, night = event("no_movement", "16T20:00"), event("no_movement", "17T02:00", NORA)
    farm = Telling()
    farm.tell("16T20:00", evening)
    farm.tell("17T02:00", evening, night)
    ended = [over(evening, "17T02:30"), over(night, "17T02:30")]
    assert [one.body["params"]["animal"] for one in farm.tell("17T03:30", *ended)] == ["Nora (7)"]
    assert [one.body["params"]["animal"] for one in farm.tell("17T06:00", *ended)] == ["Bella (12)"]


def test_the_end_of_anything_else_is_a_line_of_the_digest():
    farm, weak = Telling(), event("off_feed", "16T10:00")
    farm.tell("16T10:00", weak)
    better = over(weak, "16T20:00")
    assert farm.tell("16T20:00", better) == []
    (digest,) = farm.tell("17T06:00", better)
    assert digest.body["params"]["list"] == "Bella (12): back to normal (eating and chewing less)"
    assert farm.tell("18T06:00", better) == []


def test_that_a_heat_is_over_is_no_news():
    farm, heat = Telling(), event(found="16T10:00")
    farm.tell("16T10:00", heat)
    assert farm.tell("17T06:00", over(heat, "16T18:00")) == []


def test_a_heat_that_is_over_is_still_told_while_there_is_time_to_inseminate():
    assert Telling().steps("17T06:00", over(event(found="16T22:00"), "17T04:00")) == ["alert"]


def test_the_same_again_within_a_day_of_its_end_is_not_told_again():
    first = over(event("off_feed", "16T10:00"), "16T16:00")
    again, later = event("off_feed", "17T15:00", after_h=0), event("off_feed", "17T17:00", after_h=0)
    for second, channel in ((again, Channel.SAME), (later, Channel.NOW)):
        assert [one.channel for one in plan([first, second], FARM, 100, KINDS)] == [Channel.NOW, channel]
    farm = Telling()
    assert farm.steps("16T10:00", first) == ["alert"]
    assert farm.tell("17T15:00", first, again) == []


def test_another_animal_or_another_kind_is_another_story():
    events = [
        event("off_feed", "16T10:00"),
        event("off_feed", "16T10:00", NORA),
        event("heat", "16T10:00"),
    ]
    assert len(threads(events, KINDS)) == 3


def test_a_cow_that_is_still_again_after_all_was_well_is_told_again():
    farm = Telling()
    first = event("no_movement", "16T10:00")
    farm.tell("16T10:00", first)
    first = over(first, "16T11:00")
    twitch = event("no_movement", "16T11:50", after_h=0.5)
    assert farm.tell("16T11:50", first, twitch) == []
    assert farm.steps("16T12:00", first, over(twitch, "16T12:00")) == []
    assert farm.steps("16T13:00", first, over(twitch, "16T12:00")) == ["over"]
    relapse = event("no_movement", "16T15:00")
    assert farm.steps("16T15:00", first, over(twitch, "16T12:00"), relapse) == ["alert"]


def test_an_alert_that_was_withdrawn_is_taken_back_in_the_digest_if_it_was_told():
    farm, told, untold = Telling(), event("off_feed", "16T10:00"), event("battery", "16T11:00", NORA)
    farm.tell("16T10:00", told, untold)
    (digest,) = farm.tell("17T06:00", withdrawn(told), withdrawn(untold))
    assert digest.body["params"]["list"] == (
        "the alert about Bella (12) at 10:00 on 16 November was made on incomplete data: please ignore it"
    )
    assert farm.tell("18T06:00", withdrawn(told)) == []


def test_what_takes_the_place_of_a_withdrawn_alert_goes_on_in_its_story():
    farm, still = Telling(), event("no_movement", "16T10:00")
    farm.tell("16T10:00", still)
    better_dated = event("no_movement", "16T10:00", after_h=7, name="better dated")
    both = withdrawn(still), better_dated
    assert farm.tell("16T10:30", *both) == []
    (message,) = farm.tell("16T13:00", withdrawn(still), over(better_dated, "16T12:00"))
    assert (message.step, message.id) == ("over", message_id(still.id, ANNA.id, "over"))
    assert farm.tell("17T06:00", *both) == []


def test_a_story_that_the_store_knows_is_kept_together():
    first = over(event("off_feed", "10T10:00"), "10T16:00")
    second = event("off_feed", "16T10:00", thread=first.id)
    assert len(threads([first, second], KINDS)) == 1


def test_what_late_data_put_before_a_told_event_joins_it():
    farm, told = Telling(), event("off_feed", "16T12:00")
    farm.tell("16T12:00", told)
    before = over(event("off_feed", "16T03:00"), "16T05:00")
    assert farm.tell("16T12:30", before, told) == []


def test_everybody_has_a_story_of_their_own():
    farm, weak = Telling(), event("off_feed", "16T10:00")
    farm.tell("16T10:00", weak)
    worker = Person(2, "Ben", "en", "Europe/Berlin", "worker")
    farm.setting = replace(farm.setting, people=(ANNA, worker))
    assert [one.person_id for one in farm.tell("16T11:00", weak)] == [2]
    assert {one.person_id for one in farm.tell("17T06:00", over(weak, "16T20:00"))} == {1, 2}


@pytest.mark.parametrize("gone", [{"animal": replace(BELLA, id=99)}, {"kind": "battery"}])
def test_an_animal_or_a_kind_that_is_not_there_any_more_is_told_by_nobody(gone):
    farm, lost = Telling(), event(**{"kind": "off_feed", **gone})
    kinds = {name: kind for name, kind in KINDS.items() if name != "battery"}
    farm.setting = replace(farm.setting, kinds=kinds)
    assert farm.tell("16T10:00", lost) == farm.tell("17T06:00", lost) == []


def test_an_emergency_whose_data_came_after_all_was_said_to_be_well_is_told_and_closed_again():
    farm, first = Telling(), event("no_movement", "16T10:00")
    farm.tell("16T10:00", first)
    first = over(first, "16T11:00")
    assert farm.steps("16T12:00", first) == ["over"]
    late = event("no_movement", "16T11:50", after_h=0.5)
    (alert,) = farm.tell("16T12:10", first, late)
    assert (alert.step, alert.critical, alert.event_id) == ("alert", True, late.id)
    assert farm.tell("16T12:15", first, late) == []
    (end,) = farm.tell("16T14:00", first, over(late, "16T13:00"))
    assert end.id == message_id(late.id, ANNA.id, "over")
    assert farm.tell("16T14:15", first, over(late, "16T13:00")) == []


def test_who_is_ill_again_after_the_digest_said_she_is_well_is_a_line_of_the_next():
    farm, first = Telling(), event("off_feed", "16T10:00")
    farm.tell("16T10:00", first)
    first, again = over(first, "16T20:00"), event("off_feed", "17T12:00", after_h=1)
    farm.tell("17T06:00", first)
    assert farm.tell("17T12:00", first, again) == []
    (digest,) = farm.tell("18T06:00", first, again)
    assert digest.body["params"]["list"].startswith("Bella (12): eating and chewing less since 11:00")
    (digest,) = farm.tell("19T06:00", first, over(again, "18T12:00"))
    assert digest.body["params"]["list"] == "Bella (12): back to normal (eating and chewing less)"
    assert farm.tell("20T06:00", first, over(again, "18T12:00")) == []


def test_the_end_of_a_collars_trouble_is_said_in_its_own_words():
    farm, weak = Telling(), event("battery", "16T10:00", stage="soon", evidence={"days_left": 13})
    farm.tell("17T06:00", weak)
    (digest,) = farm.tell("18T06:00", over(weak, "17T12:00"))
    assert digest.body["params"]["list"] == "Bella (12): battery is full again (a weak battery)"
