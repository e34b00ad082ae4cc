"""Names of events and messages."""

from __future__ import annotations

import hashlib

import pytest

from relay.alerts.ids import event_id, message_id


def test_an_event_id_is_the_documented_hash_for_ever():
    text = b"event|3|7|no_movement|1794787200000"
    assert event_id(3, 7, "no_movement", 1_794_787_200_000) == hashlib.sha256(text).hexdigest()[:16]


def test_an_event_of_the_whole_farm_has_animal_0_in_its_hash():
    text = b"event|3|0|herd_event|1794787200000"
    want = hashlib.sha256(text).hexdigest()[:16]
    assert event_id(3, None, "herd_event", 1_794_787_200_000) == want


def test_a_message_id_is_the_documented_hash_for_ever():
    text = b"message|00112233445566aa|9|alert"
    assert message_id("00112233445566aa", 9, "alert") == hashlib.sha256(text).hexdigest()[:16]


def test_every_part_of_an_event_changes_its_id():
    ids = {
        event_id(3, 7, "no_movement", 60_000),
        event_id(4, 7, "no_movement", 60_000),
        event_id(3, 8, "no_movement", 60_000),
        event_id(3, 7, "heat", 60_000),
        event_id(3, 7, "no_movement", 120_000),
    }
    assert len(ids) == 5


def test_two_people_and_two_steps_have_their_own_messages():
    assert len({message_id("e", person, step) for person in (1, 2) for step in ("alert", "again")}) == 4


def test_a_part_with_the_separator_in_it_is_refused():
    with pytest.raises(ValueError, match=r"contains '\|'"):
        message_id("a|b", 1, "alert")
