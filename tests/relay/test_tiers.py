"""When each tier is told: at once, after the quiet hours, in the digest; and what keeps what quiet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.alerts.inhibition import table
from relay.alerts.intents import next_ms
from relay.alerts.plan import Channel, plan
from relay.alerts.times import awake_ms, clock_ms, local, next_clock_ms
from relay.model import Farm, Person
from relay.scoring.kinds import all_kinds
from tests.relay.alert_scene import (
    ANNA,
    BELLA,
    FARM,
    HOUR_MS,
    KINDS,
    MINUTE_MS,
    NORA,
    ROSA,
    Telling,
    at,
    event,
    over,
)


def planned(*events, cows=100, farm=FARM, **more):
    return {one.event.id: one for one in plan(events, farm, cows, KINDS, **more)}


def channels(*events, **more):
    made = planned(*events, **more)
    return [made[one.id].channel for one in events]


def test_an_urgent_alert_goes_out_at_any_hour():
    (message,) = Telling().tell("16T03:00", event("no_movement", "16T03:00"))
    assert (message.critical, message.step) == (True, "alert")


def test_a_timely_alert_goes_out_at_once_in_waking_hours():
    (message,) = Telling().tell("16T10:00", event(found="16T10:00"))
    assert (message.critical, message.created_ms) == (False, at("16T10:00"))
    assert message.expires_ms == at("17T06:00")


def test_a_timely_alert_of_the_night_waits_for_the_morning():
    farm = Telling()
    heat = event(found="16T23:30")
    assert farm.tell("16T23:30", heat) == farm.tell("17T05:59", heat) == []
    assert farm.steps("17T06:00", heat) == ["alert"]
    assert farm.tell("17T06:15", heat) == []


def test_a_timely_alert_whose_time_would_be_over_by_morning_goes_out_at_night():
    calving = event("calving", "16T21:30")
    kinds = {**KINDS, "calving": replace(KINDS["calving"], useful_h=6)}
    (held,) = plan([calving], FARM, 100, KINDS)
    (sent,) = plan([calving], FARM, 100, kinds)
    assert (held.channel, held.at_ms) == (Channel.HELD, at("17T06:00"))
    assert (sent.channel, sent.at_ms) == (Channel.NOW, at("16T21:30"))


def test_the_night_is_that_of_the_person_who_is_told():
    boston = Person(2, "Bob", "en", "America/New_York")
    farm = Telling(people=(ANNA, boston))
    heat = event(found="16T11:00")  # five in the morning in Boston
    assert [one.person_id for one in farm.tell("16T11:00", heat)] == [1]
    assert [one.person_id for one in farm.tell("16T12:00", heat)] == [2]


@pytest.mark.parametrize(
    ("now", "wakes"),
    [
        ("2026-03-29T01:30", "2026-03-29T06:00"),  # the clocks go forward at two
        ("2026-10-25T01:30", "2026-10-25T06:00"),  # and back at three
        ("2026-11-16T21:00", "2026-11-17T06:00"),
        ("2026-11-16T20:59", "2026-11-16T20:59"),
        ("2026-11-16T06:00", "2026-11-16T06:00"),
    ],
)
def test_quiet_hours_end_by_the_wall_clock(now, wakes):
    assert awake_ms(at(now), FARM, "Europe/Berlin") == at(wakes)


def test_quiet_hours_that_end_in_a_skipped_or_a_repeated_hour_end_all_the_same():
    farm = replace(FARM, quiet_to_min=150)
    skipped = awake_ms(at("2026-03-29T01:00"), farm, FARM.zone)
    assert local(skipped, FARM.zone).strftime("%H:%M") == "03:30"
    first_ms = at("2026-10-25T00:30", "UTC")  # 02:30 summer time, 02:30 again an hour later
    assert awake_ms(first_ms - MINUTE_MS, farm, FARM.zone) == first_ms
    assert awake_ms(first_ms + HOUR_MS - MINUTE_MS, farm, FARM.zone) == first_ms + HOUR_MS


def test_quiet_hours_in_the_day_or_none_at_all_are_possible():
    siesta = replace(FARM, quiet_from_min=12 * 60, quiet_to_min=15 * 60)
    assert awake_ms(at("16T12:30"), siesta, FARM.zone) == at("16T15:00")
    assert awake_ms(at("16T23:30"), siesta, FARM.zone) == at("16T23:30")
    assert awake_ms(at("16T23:30"), Farm(3, "x"), FARM.zone) == at("16T23:30")


def test_a_clock_time_comes_once_a_day_also_when_days_are_short_or_long():
    for day, hours in (("2026-03-28", 23), ("2026-10-24", 25), ("2026-11-16", 24)):
        first_ms = at(f"{day}T06:00")
        assert next_clock_ms(first_ms, 360, FARM.zone) - first_ms == hours * HOUR_MS
        assert clock_ms(local(first_ms, FARM.zone).date(), 360, FARM.zone) == first_ms


def test_what_belongs_in_the_digest_is_told_once_a_day_at_its_hour():
    farm = Telling()
    loose, weak = event("collar_off", "16T10:00"), event("battery", "16T11:00", NORA)
    assert farm.tell("16T11:00", loose, weak) == farm.tell("17T05:59", loose, weak) == []
    (digest,) = farm.tell("17T06:00", loose, weak)
    assert digest.step == "digest:2026-11-17"
    assert digest.event_id is None
    assert digest.body["template"] == "daily_digest"
    assert digest.body["params"] == {
        "farm": "Hof Lindner",
        "date": "17 November",
        "list": "Bella (12): a collar that is off since 04:00 on 16 November · "
        "Nora (7): a weak battery since 05:00 on 16 November",
    }
    assert farm.tell("17T07:00", loose, weak) == farm.tell("18T06:00", loose, weak) == []


def test_a_day_without_news_has_no_digest():
    assert Telling().tell("17T06:00") == []


def test_a_digest_missed_by_hours_is_told_with_the_next():
    farm, weak = Telling(), event("battery", "16T10:00")
    assert farm.tell("17T08:00", weak) == []
    assert farm.steps("18T06:30", weak) == ["digest:2026-11-18"]


def test_what_comes_after_the_digest_is_told_with_the_next():
    farm = Telling()
    assert farm.steps("17T06:00", event("battery", "16T10:00")) == ["digest:2026-11-17"]
    late = event("battery", "17T06:30", NORA)
    assert farm.tell("17T07:00", late) == []
    assert farm.steps("18T06:00", late) == ["digest:2026-11-18"]


def test_a_message_that_would_come_too_late_is_a_line_of_the_digest():
    farm, heat = Telling(), event(found="15T22:00")
    assert farm.tell("16T18:00", heat) == []
    (digest,) = farm.tell("17T06:00", heat)
    assert digest.body["params"]["list"] == "Bella (12): signs of heat since 16:00 on 15 November"


def test_an_emergency_that_is_over_before_anybody_heard_of_it_wakes_nobody():
    farm, still = Telling(), over(event("no_movement", "16T03:00"), "16T04:00")
    assert farm.tell("16T05:00", still) == []
    assert farm.steps("16T06:00", still) == ["digest:2026-11-16"]


def test_alerts_of_one_night_come_as_one_message_in_the_morning():
    farm = Telling()
    weak = event(found="16T22:00", strength=0.2)
    strong = event("off_feed", "17T02:00", NORA, strength=0.9)
    (bundle,) = farm.tell("17T06:00", weak, strong)
    assert bundle.body["template"] == "several_alerts"
    assert bundle.body["params"] == {
        "farm": "Hof Lindner",
        "count": "2",
        "list": "Nora (7): eating and chewing less; "
        "Bella (12): signs of heat (06:00 to 10:00, until 16:00 at the latest)",
    }
    assert bundle.event_id == strong.id
    assert farm.tell("17T06:05", weak, strong) == []
    assert channels(weak, strong) == [Channel.BUNDLE, Channel.BUNDLE]


def test_three_emergencies_of_one_kind_at_once_are_one_urgent_message():
    still = [event("no_movement", "16T03:00", cow) for cow in (BELLA, NORA, ROSA)]
    assert len(Telling().tell("16T03:00", *still[:2])) == 2
    (message,) = Telling().tell("16T03:00", *still)
    assert message.critical
    assert message.body["params"]["count"] == "3"


def test_a_disturbed_herd_keeps_its_single_animals_quiet_but_for_those_in_danger():
    herd = event("herd_event", "16T10:00", None, after_h=0, state="over", over_ms=at("16T10:30"))
    during, after = event(found="16T11:30"), event("off_feed", "16T11:31", NORA)
    still = event("no_movement", "16T11:00", NORA)
    weak = event("battery", "16T11:00", ROSA)
    before = event("off_feed", "16T09:59", ROSA)
    assert channels(herd, during, after, still, weak, before) == [
        Channel.NOW, Channel.MUTED, Channel.NOW, Channel.NOW, Channel.DIGEST, Channel.NOW,
    ]  # fmt: skip
    assert planned(herd, during)[during.id].why == "herd_event"


def test_a_disturbed_group_says_nothing_of_the_others():
    herd = event("herd_event", "16T10:00", None, after_h=0, evidence={"one_of_them": BELLA.id})
    dry, milking = event(found="16T10:30"), event(found="16T10:40", animal=NORA)
    groups = {BELLA.id: "dry", NORA.id: "milking"}
    assert channels(herd, dry, milking, groups=groups)[1:] == [Channel.MUTED, Channel.NOW]


def test_a_collar_on_the_ground_is_no_dead_cow():
    still = event("no_movement", "16T10:00")
    off = event("collar_off", "16T09:30", after_h=1)
    assert channels(off, still) == [Channel.DIGEST, Channel.MUTED]
    assert channels(event("collar_off", "16T09:30", NORA, after_h=1), still)[1] is Channel.NOW
    assert channels(over(off, "16T09:50"), still)[1] is Channel.NOW


def test_what_is_found_only_later_mutes_nothing():
    still, off = event("no_movement", "16T10:00"), event("collar_off", "16T10:30", after_h=4)
    assert channels(still, off)[0] is Channel.NOW


def test_a_muted_alert_is_never_told():
    farm = Telling()
    off, still = event("collar_off", "16T09:30", after_h=1), event("no_movement", "16T10:00")
    assert farm.tell("16T10:00", off, still) == []
    (digest,) = farm.tell("17T06:00", off, still)
    assert "not moving" not in digest.body["params"]["list"]


def test_the_rules_of_muting_name_kinds_that_exist():
    named = {kind for rule in table() for kind in (rule.by, *rule.only, *rule.all_but)}
    assert named <= set(all_kinds())


def test_the_next_call_is_due_when_somebody_wakes_the_digest_comes_or_calm_has_returned():
    farm = Telling()
    assert next_ms([], farm.setting, at("16T10:00")) == at("17T06:00")
    calm = over(event("no_movement", "16T10:00"), "16T12:00")
    assert next_ms([calm], farm.setting, at("16T12:01")) == at("16T13:00")
    early = Telling(replace(FARM, digest_min=300))
    assert next_ms([], early.setting, at("16T10:00")) == at("17T05:00")


def test_a_disturbed_herd_mutes_no_emergency():
    herd = event("herd_event", "16T10:00", None, after_h=0, state="over", over_ms=at("16T10:30"))
    bloat = event("off_feed", "16T11:00", tier="urgent", stage="acute")
    assert channels(herd, bloat) == [Channel.NOW, Channel.NOW]


def test_what_gets_worse_long_after_it_was_muted_is_told():
    herd = event("herd_event", "16T10:00", None, after_h=0, state="over", over_ms=at("16T10:30"))
    watch = event("calving", "16T11:00")
    farm = Telling()
    farm.tell("16T10:00", herd)
    assert farm.tell("16T11:00", herd, watch) == []
    severe = replace(watch, stage="worse", evidence={"stage_ms": at("16T15:00")})
    assert farm.steps("16T15:00", herd, severe) == ["alert"]


def test_the_end_of_what_was_urgent_once_is_looked_at_too():
    better = over(event("off_feed", "16T10:00"), "16T12:00")
    assert next_ms([better], Telling().setting, at("16T12:01")) == at("16T13:00")
