"""What a message carries for an open window: the whole text, buttons, a picture, and what it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.alerts.digest import COLLAR_KINDS
from relay.alerts.evidence import LONGEST
from relay.alerts.making import PICTURED
from relay.alerts.said import events_of
from relay.alerts.words import LANGUAGES
from relay.model import Animal
from relay.scoring.kinds import all_kinds
from tests.relay.alert_scene import ANNA, BELLA, BEN, FARM, NORA, ROSA, Telling, at, event, over

HEAT = {"activity_ratio": 2.41, "chew_less_percent": 31.2, "days_compared": 10, "strength": 0.9}
COWS = [Animal(number, 3, str(number), "Prinzessin Rosamunde") for number in range(20, 60)]
NOON = replace(FARM, digest_min=12 * 60)


def test_an_alert_carries_what_to_do_the_comparison_the_confidence_its_buttons_and_a_picture():
    (message,) = Telling().tell("16T10:00", event(after_h=3, evidence=HEAT))
    assert message.body["text"].splitlines() == [
        "HEAT: Bella (12)",
        "Since 07:00. Moves 2.4 x normal, chews 31 % less.",
        "Best time to inseminate: 20:00 to 01:00 on 17 November (until 07:00 on 17 November).",
        "Compared with her last 10 normal days. Almost certain.",
    ]
    assert message.body["buttons"] == ["ack", "snz", "fp"]
    assert message.body["picture"] == {"animal_id": BELLA.id, "kind": "heat", "until_ms": at("16T10:00")}


def test_every_kind_has_a_picture_or_is_of_the_herd_of_a_collar_or_of_a_cow_that_is_away():
    single = {name for name, kind in all_kinds().items() if not kind.is_herd}
    assert single == PICTURED | COLLAR_KINDS | {"theft"}
    assert not PICTURED & COLLAR_KINDS


@pytest.mark.parametrize("kind", ["herd_event", "heat_stress"])
def test_the_herd_has_no_picture_but_buttons(kind):
    (message,) = Telling().tell("16T10:00", event(kind, animal=None, after_h=0))
    assert "picture" not in message.body
    assert message.body["buttons"] == ["ack", "snz", "fp"]


def test_who_is_told_later_gets_a_picture_up_to_then():
    farm, still = Telling(people=(ANNA, BEN)), event("no_movement")
    farm.tell("16T10:00", still)
    (message,) = farm.tell("16T10:15", still)
    assert message.body["picture"]["until_ms"] == at("16T10:15")


def test_the_end_of_an_alert_and_the_digest_have_neither_buttons_nor_a_picture():
    farm, still = Telling(), event("no_movement")
    farm.tell("16T10:00", still)
    (end,) = farm.tell("16T12:00", over(still, "16T11:00"))
    (digest,) = farm.tell("17T06:00", event("battery", "16T10:00", NORA))
    for message in (end, digest):
        assert not {"buttons", "picture"} & set(message.body)
        assert message.event_id is None
    assert events_of(end) == [still.id]


def test_a_bundle_has_buttons_for_all_that_it_tells_and_carries_the_first():
    night = event(found="16T22:00", strength=0.2), event("off_feed", "17T02:00", NORA, strength=0.9)
    (bundle,) = Telling().tell("17T06:00", *night)
    assert bundle.body["buttons"] == ["ack", "snz"]
    assert events_of(bundle) == [night[1].id, night[0].id]
    assert bundle.event_id == night[1].id
    assert bundle.body["text"].startswith("OFF FEED: Nora (7)\n")
    assert "\n\nHEAT: Bella (12)\n" in bundle.body["text"]


def test_a_message_that_tells_an_event_twice_is_about_it_once():
    (message,) = Telling().tell("16T10:00", event("no_movement"))
    twice = replace(message, body={**message.body, "about": message.body["about"] * 2})
    assert events_of(twice) == [message.event_id]
    assert events_of(replace(message, body={"text": "an answer"})) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_storm_of_forty_fits_and_says_how_many_more_there_are(language):
    farm = Telling(
        NOON, people=(replace(ANNA, language=language), replace(BEN, language=language)), animals=COWS
    )
    still = [event("no_movement", "16T10:00", cow) for cow in COWS]
    (storm,) = farm.tell("16T10:00", *still)
    (later,) = farm.tell("16T10:15", *still)
    for message, listed in ((storm, "list"), (later, "sign")):
        assert len(message.body["text"]) <= LONGEST
        assert len(message.body["params"][listed]) <= 500
        assert message.body["text"].count(COWS[0].number) == 1
        named = sum(cow.label in message.body["text"] for cow in COWS)
        assert str(40 - named) in message.body["text"].splitlines()[-1]
        assert len(events_of(message)) == 40


def test_the_text_of_a_storm_says_what_to_do_once_and_whose_it_is():
    farm = Telling(NOON, animals=COWS)
    (storm,) = farm.tell("16T10:00", *(event("no_movement", "16T10:00", cow) for cow in COWS[:10]))
    lines = storm.body["text"].splitlines()
    assert lines[0] == "Go and look: she is dead or very ill, or her collar lies on the ground."
    assert lines[1] == "Prinzessin Rosamunde (20): not moving since 04:00"
    assert len(lines) == 11


def test_a_small_bundle_is_told_in_full():
    still = [event("no_movement", "16T10:00", cow, evidence={"still_min": 95}) for cow in (BELLA, NORA, ROSA)]
    (storm,) = Telling().tell("16T10:00", *still)
    assert storm.body["text"].count("Still for 95 min.") == 3


def test_what_goes_on_is_of_use_from_when_it_is_told_again():
    farm = Telling(NOON)
    still = [event("no_movement", "16T10:00", cow) for cow in (BELLA, NORA, ROSA)]
    (storm,) = farm.tell("16T10:00", *still)
    assert storm.expires_ms == at("16T22:00")
    for one in still:
        farm.answer(one, "acknowledged", "16T10:01")
    (again,) = farm.tell("16T14:01", *still)
    assert again.expires_ms == at("17T02:01")
    assert again.body["text"].startswith("Somebody took these over 4 hours ago, and they go on.\n\n")


def test_a_first_answer_of_somebody_who_left_names_nobody():
    farm, still = Telling(NOON), event("no_movement")
    farm.tell("16T10:00", still)
    farm.answer(still, "acknowledged", "16T10:01", BEN)
    (again,) = farm.tell("16T14:01", still)
    assert again.body["text"].startswith("NOT MOVING: Bella (12)\n")
