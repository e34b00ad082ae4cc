"""Who is told what about an event."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import relay
from herdcore.vocabulary import ALERT_KINDS
from relay.alerts.ids import message_id
from relay.alerts.intents import RULES, messages
from relay.alerts.words import words, zone
from relay.model import Animal, Event, Farm, Person

BERLIN = Farm(3, "Hof Lindner", zone="Europe/Berlin")
BELLA = Animal(7, 3, "12", "Bella")
ANNA = Person(1, "Anna", "en", "Europe/Berlin", "owner")
HOUR_MS = 3_600_000


def utc_ms(text, zone_name="UTC"):
    """A local time as UTC milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone_name)).timestamp()) * 1000


def event(onset_ms, kind="no_movement"):
    return Event("00112233445566aa", 3, 7, kind, onset_ms, onset_ms + 90 * 60_000, {"still_min": 90})


def told(onset, now, farm=BERLIN, person=ANNA, kind="no_movement"):
    """The only message about an event; times are local ones of the farm."""
    happened = event(utc_ms(onset, farm.zone), kind)
    (message,) = messages(happened, farm, BELLA, [person], utc_ms(now, farm.zone))
    return message


def test_a_cow_that_does_not_move_is_a_critical_health_alert():
    message = told("2026-11-16T03:10", "2026-11-16T04:45")
    assert message.critical
    assert message.body == {
        "template": "health_alert",
        "version": 1,
        "language": "en",
        "params": {"animal": "Bella (12)", "farm": "Hof Lindner", "sign": "not moving", "since": "03:10"},
    }


def test_a_restless_cow_is_no_critical_one():
    message = told("2026-11-16T03:10", "2026-11-16T04:45", kind="unusual_activity")
    assert not message.critical
    assert message.body["params"]["sign"] == "very restless"


def test_a_message_lives_twelve_hours_from_the_moment_the_event_was_certain():
    message = told("2026-11-16T03:10", "2026-11-16T04:45")
    assert message.created_ms == utc_ms("2026-11-16T04:45", "Europe/Berlin")
    assert message.expires_ms == utc_ms("2026-11-16T16:40", "Europe/Berlin")


def test_what_nobody_can_act_on_any_more_is_not_told():
    happened = event(utc_ms("2026-11-16T03:10"))
    assert messages(happened, BERLIN, BELLA, [ANNA], happened.detected_ms + 12 * HOUR_MS) == []
    assert len(messages(happened, BERLIN, BELLA, [ANNA], happened.detected_ms + 12 * HOUR_MS - 1)) == 1


def test_owners_and_workers_are_told_each_once_and_nobody_else():
    people = [
        Person(at, "", "en", "UTC", role) for at, role in enumerate(("owner", "worker", "vet", "technician"))
    ]
    happened = event(utc_ms("2026-11-16T03:10"))
    told_to = messages(happened, BERLIN, BELLA, people, happened.detected_ms)
    assert [message.person_id for message in told_to] == [0, 1]
    assert [message.id for message in told_to] == [message_id(happened.id, at, "alert") for at in (0, 1)]
    assert {message.event_id for message in told_to} == {happened.id}


@pytest.mark.parametrize(
    ("onset", "now", "since"),
    [
        ("2026-11-15T23:59", "2026-11-16T01:40", "23:59 on 15 November"),
        ("2026-11-16T00:00", "2026-11-16T01:40", "00:00"),
        ("2026-03-29T01:30", "2026-03-29T04:30", "01:30"),  # clocks went forward at 02:00
        ("2026-12-31T22:40", "2027-01-01T00:20", "22:40 on 31 December"),
    ],
)
def test_the_time_is_the_farms_with_the_date_unless_it_is_today(onset, now, since):
    assert told(onset, now).body["params"]["since"] == since


def test_half_past_two_happens_twice_when_the_clocks_go_back():
    before = utc_ms("2026-10-25T00:30")  # 02:30 summer time
    for onset_ms, since in ((before, "02:30"), (before + HOUR_MS, "02:30"), (before + 2 * HOUR_MS, "03:30")):
        (message,) = messages(event(onset_ms), BERLIN, BELLA, [ANNA], onset_ms + 2 * HOUR_MS)
        assert message.body["params"]["since"] == since


def test_a_farm_east_of_greenwich_has_its_own_today():
    lahore = Farm(3, "Lahore", zone="Asia/Karachi")
    assert told("2026-11-16T00:10", "2026-11-16T01:45", lahore).body["params"]["since"] == "00:10"


def test_a_zone_nobody_knows_is_taken_as_utc():
    nowhere = Farm(3, "X", zone="Mars/Olympus")
    happened = event(utc_ms("2026-11-16T03:10"))
    (message,) = messages(happened, nowhere, BELLA, [ANNA], happened.detected_ms)
    assert message.body["params"]["since"] == "03:10"
    assert [str(zone(name)) for name in ("Europe", "", "../x")] == ["UTC"] * 3


def test_a_language_without_a_catalogue_is_told_in_english_template_and_all():
    finn = Person(2, "Aino", "fi", "UTC", "worker")
    assert told("2026-11-16T03:10", "2026-11-16T04:45", person=finn).body["language"] == "en"
    assert words("en_GB").language == "en"


def catalogues():
    return sorted(path.stem for path in (Path(relay.__file__).parent / "locales").glob("*.toml"))


@pytest.mark.parametrize("language", catalogues())
def test_every_catalogue_has_every_sign_and_every_month(language):
    catalogue = words(language)
    assert catalogue.language == language
    assert all(catalogue.sign(rule.sign) for rule in RULES.values())
    moments = {
        catalogue.moment(datetime(2026, month, 5, 14, 7, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
        for month in range(1, 13)
    }
    assert len(moments) == 12
    assert all("14:07" in moment for moment in moments)


def test_every_kind_of_alert_the_collar_and_relay_know_is_told():
    assert set(RULES) == set(ALERT_KINDS)


def test_an_event_nobody_is_told_about_is_an_error():
    with pytest.raises(KeyError, match="weather"):
        told("2026-11-16T03:10", "2026-11-16T04:45", kind="weather")
