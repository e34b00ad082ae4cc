"""The digest as a page: one screen, in order, once a day; what has no room is counted and not lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.alerts.herdday import HerdDay
from relay.alerts.intents import wants_digest
from relay.alerts.learning import monthly
from relay.alerts.words import LANGUAGES, words
from relay.model import Animal, Judged
from tests.relay.alert_scene import (
    ANNA,
    BELLA,
    BEN,
    FARM,
    HOUR_MS,
    MINUTE_MS,
    NORA,
    ROSA,
    Telling,
    at,
    event,
    over,
)

COWS = [Animal(number, 3, str(number), "Prinzessin Rosamunde") for number in range(20, 60)]
HERD = HerdDay(47, 48, 100)
SCREEN = 900
ALWAYS = replace(FARM, quiet_from_min=None, quiet_to_min=None)


def lines(message):
    return message.body["text"].splitlines()


def judged(when, *, is_right=True):
    return Judged(f"e{when}", BELLA.id, "heat", is_right, "", at(when))


def test_it_begins_with_what_is_open_then_what_ended_the_herd_collars_and_last_the_cost():
    farm = Telling(
        herd=replace(HERD, due=(ROSA.id,)), cost=lambda _: "12 messages this month: 0.34 USD",
        judged=[judged("10T10:00")],
    )  # fmt: skip
    ill, well = event("off_feed", "20T20:00"), event("off_feed", "20T10:00", NORA)
    farm.tell("20T20:00", ill, well)
    weak = event("battery", "21T10:00", ROSA)
    lame = event("lameness", "21T10:00", ROSA)
    (digest,) = farm.tell("22T06:00", weak, over(well, "21T10:00"), ill, lame)
    assert lines(digest) == [
        "Rosa (4): signs of lameness since 04:00 on 21 November",
        "Bella (12): eating and chewing less since 14:00 on 20 November, not over yet",
        "Nora (7): back to normal (eating and chewing less)",
        "47 of 48 cows heard in the last 24 hours, the herd chews as usual",
        "to calve within 7 days: Rosa (4)",
        "Rosa (4): a weak battery since 04:00 on 21 November",
        "in November I was right 1 of 1 times",
        "12 messages this month: 0.34 USD",
    ]
    assert digest.body["params"]["list"] == " · ".join(lines(digest))


def test_a_heat_that_is_over_is_an_open_matter_while_there_is_time_to_inseminate():
    farm = Telling(people=(replace(ANNA, fewer=True),))
    ended = over(event("off_feed", "17T01:00", NORA), "17T03:00")
    (digest,) = farm.tell("17T06:00", ended, over(event("heat", "17T02:00", after_h=2), "17T04:00"))
    assert [line.partition(":")[0] for line in lines(digest)] == ["Bella (12)", "Nora (7)"]


def test_what_the_herd_does_or_costs_is_no_reason_for_a_message():
    farm = Telling(herd=HERD, cost=lambda _: "12 messages this month: 0.34 USD", judged=[judged("10T10:00")])
    farm.sent = Telling().tell("02T06:00", event("battery", "01T10:00"))  # this month had its first
    assert farm.tell("22T06:00") == []


def test_what_stands_on_is_said_again_only_beside_news():
    farm, weak = Telling(), event("battery", "16T10:00")
    farm.tell("17T06:00", weak)
    assert farm.tell("18T06:00", weak) == []
    (digest,) = farm.tell("19T06:00", weak, event("battery", "18T10:00", NORA))
    assert lines(digest)[1] == "Bella (12): a weak battery since 04:00 on 16 November, not over yet"
    assert [entry[0] for entry in digest.body["about"]] == [f"battery 7 {at('18T10:00')}"]


@pytest.mark.parametrize(
    ("percent", "said"),
    [
        (100, "the herd chews as usual"), (95, "the herd chews as usual"),
        (94, "the herd chews 6 % less than usual"), (130, "the herd chews 30 % more than usual"),
    ],
)  # fmt: skip
def test_the_herds_chewing_is_said_in_words(percent, said):
    farm = Telling(herd=replace(HERD, chewing_percent=percent))
    (digest,) = farm.tell("17T06:00", event("battery", "16T10:00"))
    assert lines(digest)[0] == f"47 of 48 cows heard in the last 24 hours, {said}"


def test_of_chewing_that_nobody_knows_nothing_is_said():
    farm = Telling(herd=replace(HERD, chewing_percent=None))
    (digest,) = farm.tell("17T06:00", event("battery", "16T10:00"))
    assert lines(digest)[0] == "47 of 48 cows heard in the last 24 hours"


def test_cows_in_heat_are_named_while_they_are_and_only_some_of_many():
    farm = Telling(ALWAYS, animals=COWS, herd=replace(HERD, due=tuple(cow.id for cow in COWS[:8])))
    heats = [event("heat", "17T02:00", cow) for cow in COWS[:2]]
    past = event("heat", "16T02:00", COWS[2]), over(event("heat", "17T03:00", COWS[3]), "17T05:00")
    (digest,) = farm.tell("17T06:00", *heats, *past, event("battery", "16T10:00", COWS[4]))[-1:]
    assert "in heat: Prinzessin Rosamunde (20), Prinzessin Rosamunde (21)" in lines(digest)
    (due,) = [line for line in lines(digest) if line.startswith("to calve")]
    assert due.endswith("Prinzessin Rosamunde (24) and 3 more")


def test_on_sundays_and_in_the_first_digest_of_a_month_it_says_how_often_it_was_right():
    said = [judged("10T10:00"), judged("11T10:00", is_right=False), judged("2026-10-05T10:00")]
    farm, told = Telling(judged=said), []
    for day in (1, 2, 14, 15, 16, 22):  # the 1st, 15th and 22nd are Sundays
        weak = event("battery", at(f"{day:02}T05:00"), (BELLA, NORA)[day % 2], name=str(day))
        (digest,) = farm.tell(f"{day:02}T06:00", weak)
        told += [(day, line) for line in lines(digest) if "right" in line]
    assert told == [
        (1, "in October I was right 1 of 1 times"),
        (15, "in November I was right 1 of 2 times"),
        (22, "in November I was right 1 of 2 times"),
    ]
    assert monthly(said, at("01T00:00"), at("15T00:00")) == (1, 2)


def many(count=40):
    return [event("battery", "16T10:00", cow) for cow in COWS[:count]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_fits_one_screen_and_the_rest_is_counted_and_comes_the_next_days(language):
    catalogue = words(language)
    sign = catalogue.kind("battery")["sign"]
    herd = HerdDay(40, 40, 70, tuple(cow.id for cow in COWS[:9]))
    anna = replace(ANNA, language=language)
    farm = Telling(animals=COWS, people=(anna,), herd=herd, cost=lambda _: "12 messages: 0.34 USD")
    told = set()
    for day in (17, 18, 19):
        (digest,) = farm.tell(f"{day}T06:00", *many())
        about = {entry[0] for entry in digest.body["about"]}
        assert about
        assert not about & told
        told |= about
        assert len(digest.body["text"]) <= SCREEN
        assert len(digest.body["params"]["list"]) <= 800
        shown = sum(sign in line for line in lines(digest))
        assert catalogue.count("message", "more", 40 - shown) in lines(digest)


def test_what_is_new_has_room_before_what_stands_on():
    farm = Telling(animals=COWS)
    ill = [event("off_feed", "16T05:00", cow) for cow in COWS[:30]]
    weak = event("battery", "16T20:00", COWS[30])
    for day in ("16", "17", "18", "19"):
        farm.tell(f"{day}T06:00", *ill)
    (digest,) = farm.tell("20T06:00", *ill, replace(weak, detected_ms=at("19T20:00")))
    assert [entry[0] for entry in digest.body["about"]] == [weak.id]
    assert any("not over yet" in line for line in lines(digest))
    assert lines(digest)[-1].endswith("write LIST")


def test_what_does_not_fit_is_counted_on_the_page():
    (digest,) = Telling(animals=COWS).tell("17T06:00", *many())
    shown = len(digest.body["about"])
    assert lines(digest)[-1] == f"and {40 - shown} more: write LIST"
    assert len(lines(digest)) == shown + 1


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(0, 200))
def test_no_line_is_lost_for_lack_of_room(count, longer):
    farm = Telling(replace(FARM, name="x" * longer), animals=COWS)
    weak = many(count)
    told = [entry[0] for day in (17, 18, 19) for one in farm.tell(f"{day}T06:00", *weak)
            for entry in one.body["about"]]  # fmt: skip
    assert len(told) == len(set(told))
    (first, *_) = farm.sent
    counted = [line for line in lines(first) if line.endswith("write LIST")]
    assert len(first.body["about"]) + int(counted[0].split()[1] if counted else 0) == count
    assert len(first.body["params"]["list"]) + longer <= 840


def test_a_line_that_is_too_long_is_cut():
    long = Animal(12, 3, "12", "B" * 400)
    (digest,) = Telling(animals=(long,)).tell("17T06:00", event("battery", "16T10:00", long))
    assert len(lines(digest)[0]) == 240
    assert lines(digest)[0].endswith("…")


def test_an_emergency_that_came_and_went_unheard_is_told_with_its_end():
    farm, still = Telling(), over(event("no_movement", "16T03:00"), "16T04:00")
    (digest,) = farm.tell("16T06:00", still)
    assert lines(digest) == ["Bella (12): back to normal (not moving)"]
    relapse = event("no_movement", "16T04:50", after_h=0.5)
    assert farm.steps("16T06:10", still, relapse) == ["alert"]


# once a day


@pytest.mark.parametrize("digest_min", [360, 150, 180, 0, 1_319])
@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24", "2026-11-16"])
def test_it_goes_out_exactly_once_a_day_also_when_days_have_23_or_25_hours(day, digest_min):
    farm = Telling(replace(ALWAYS, digest_min=digest_min), animals=COWS)
    days = [date.fromisoformat(day) + timedelta(days=more) for more in range(4)]
    begin_ms, end_ms = at(f"{days[0]}T00:00"), at(f"{days[3]}T00:00")
    weak = [
        event("battery", begin_ms + (number - 1) * 6 * HOUR_MS, cow) for number, cow in enumerate(COWS[:14])
    ]
    made = []
    for now_ms in range(begin_ms + 19 * MINUTE_MS, end_ms, 20 * MINUTE_MS):  # the last of a day is 23:59
        made += farm.steps(now_ms, *(one for one in weak if one.detected_ms <= now_ms))
    assert made == [f"digest:{each}" for each in days[:3]]


def test_a_digest_late_in_the_evening_may_come_past_midnight():
    farm = Telling(replace(ALWAYS, digest_min=23 * 60 + 30))
    weak = event("battery", "16T10:00")
    (digest,) = farm.tell("17T00:15", weak)
    assert digest.step == "digest:2026-11-16"
    assert digest.body["params"]["date"] == "16 November"
    assert farm.tell("17T00:20", weak) == []


def test_a_clock_that_is_set_back_makes_no_second_digest_and_tells_nothing_twice():
    farm = Telling()
    weak, heat = event("battery", "16T10:00"), event("heat", "16T23:00", NORA)
    assert [one.step for one in farm.tell("17T06:00", weak, heat)] == ["alert", "digest:2026-11-17"]
    for now in ("17T05:30", "17T06:00", "17T06:30"):
        assert farm.tell(now, weak, heat) == []


def test_a_clock_that_jumps_over_the_morning_holds_back_nothing():
    farm, heat = Telling(), event("heat", "16T23:00")
    assert farm.tell("16T23:30", heat) == []
    assert farm.steps("17T10:00", heat) == ["alert"]


def test_a_heat_stress_of_the_night_comes_at_once_if_it_would_be_too_late_by_morning():
    farm = Telling()
    hot = event("heat_stress", "16T22:00", None, after_h=0)
    assert farm.steps("16T22:00", hot) == ["alert"], "of use for 6 hours, the night has 8"
    evening = event("heat_stress", "17T04:00", None, after_h=0)
    assert farm.tell("17T04:00", evening) == []
    assert farm.steps("17T06:00", evening) == ["alert"]


def test_quiet_hours_of_a_long_and_a_short_night_end_by_the_wall_clock():
    for found, night_h in (("2026-03-28T22:00", 7), ("2026-10-24T22:00", 9)):
        farm, heat = Telling(), event("heat", found)
        morning_ms = at(found) + night_h * HOUR_MS
        assert farm.tell(morning_ms - MINUTE_MS, heat) == []
        assert farm.steps(morning_ms, heat) == ["alert"]


def test_the_herds_day_is_asked_for_only_while_somebody_lacks_a_digest_that_is_due():
    farm, weak = Telling(people=(ANNA, replace(BEN, role="vet"))), event("battery", "16T10:00")
    assert not wants_digest(farm.setting, farm.sent, at("17T05:59"))
    assert wants_digest(farm.setting, farm.sent, at("17T06:00"))
    farm.tell("17T06:00", weak)
    assert not wants_digest(farm.setting, farm.sent, at("17T06:10"))
