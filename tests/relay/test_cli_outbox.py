"""herdbell outbox: what did not go out, why, what to do, and once more."""

from __future__ import annotations

import json

import pytest

from relay.cli.outbox import cure_of
from relay.clock import WallClock
from relay.model import DeadLetter, Message
from relay.storage.ports import DEAD, EXPIRED, FAILED, OPTED_OUT, QUEUED
from relay.storage.ports_chat import ANSWERED
from relay.whatsapp.delivery import NOT_TRIED
from relay.whatsapp.graph_codes import RULES

# Apprise asks for it on Python 3.11 and 3.12; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
NOW_MS = 1_795_392_000_000  # 2026-11-23
PHONE = "15550100001"
HOUR_MS = 3_600_000


@pytest.fixture
def herdbell(run, monkeypatch):
    """Run a command on 2026-11-23; return its result."""
    monkeypatch.setattr(WallClock, "now_ms", lambda _: NOW_MS)
    for name in ("Sunny", "Hill"):
        run("farm", "add", name)
    run("person", "add", "--farm", "1", "--name", "Alex", "--phone", f"+{PHONE}")
    run("person", "add", "--farm", "2", "--name", "Kim", "--phone", "+15550100002")
    return run


@pytest.fixture
def lost(stored):
    """Queue a message, let it be tried and end in a state with an error."""

    def lose(name, state, error, *, farm_id=1, ago_ms=HOUR_MS):
        async def run(storage):
            body = {"text": "Bella (12): not moving.", "language": "en", "reply_to": "wamid.secret"}
            at_ms = NOW_MS - ago_ms
            message = Message(name, farm_id, farm_id, None, "alert", body, at_ms, at_ms + 12 * HOUR_MS)
            await storage.queue([message])
            await storage.claim(at_ms, 10)
            await storage.settle(name, state, now_ms=at_ms, error=error)

        stored(run)

    return lose


def state_of(stored, name):
    return stored(lambda storage: storage.message_state(name))


def rows(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_a_list_says_who_did_not_get_what_and_why_and_what_to_do(herdbell, lost):
    lost("m1", FAILED, "131026: Message undeliverable")
    text = herdbell("outbox", "list").output
    for word in (
        "m1",
        "Alex",
        "failed",
        "131026: Message undeliverable",
        RULES[131026].hint,
        "2026-11-22 23:00",
    ):
        assert word in text
    assert PHONE not in text


def test_the_newest_come_first_and_a_farm_can_be_asked_for(herdbell, lost):
    lost("m1", FAILED, "131026: no", ago_ms=2 * HOUR_MS)
    lost("m2", DEAD, "132000: no")
    lost("m3", EXPIRED, None, farm_id=2)
    everything = rows(herdbell("outbox", "list", "--json"))
    assert [row["id"] for row in everything][-1] == "m1"
    assert [row["id"] for row in rows(herdbell("outbox", "list", "--json", "--limit", "1"))] != ["m1"]
    (hill,) = rows(herdbell("outbox", "list", "--json", "--farm", "2"))
    assert (hill["id"], hill["state"], hill["cure"]) == ("m3", EXPIRED, "resend it if it still matters")


@pytest.mark.parametrize("code", sorted(set(RULES) - set(range(201, 300))))
def test_every_code_of_the_table_says_what_to_do(code):
    message = Message("m1", 1, 1, None, "alert", {}, 0, 0)
    assert cure_of(DeadLetter(message, FAILED, f"{code}: no", 1, 0)) == RULES[code].hint


def test_one_message_is_shown_whole_but_for_what_holds_a_phone_number(herdbell, lost):
    lost("m1", DEAD, "132000: Number of parameters")
    text = herdbell("outbox", "show", "m1").output
    assert "Bella (12): not moving." in text
    assert "wamid" not in text
    assert json.loads(herdbell("outbox", "show", "m1", "--json").output)["attempts"] == 1


def test_a_message_that_is_sent_again_waits_for_the_relay_and_is_no_dead_letter_any_more(
    herdbell, lost, stored
):
    lost("m1", DEAD, "132000: no")
    lost("m2", FAILED, "131026: no")
    result = herdbell("outbox", "resend", "m1", "m2", "--hours", "2")
    assert result.exit_code == 0, result.output
    assert [state_of(stored, name) for name in ("m1", "m2")] == [QUEUED, QUEUED]
    assert rows(herdbell("outbox", "list", "--json")) == []
    queued = stored(lambda storage: storage.claim(NOW_MS, 10))
    assert {each.message.expires_ms for each in queued} == {NOW_MS + 2 * HOUR_MS}
    assert stored(lambda storage: storage.audit_broken_at()) is None


def test_what_may_have_arrived_says_so_when_it_goes_again(herdbell, lost, stored):
    lost("m1", EXPIRED, "no answer and no delivery status: it may have arrived")
    herdbell("outbox", "resend", "m1")
    (queued,) = stored(lambda storage: storage.claim(NOW_MS, 10))
    assert queued.repeat


def test_who_opted_out_gets_nothing_again(herdbell, lost, stored):
    lost("m1", FAILED, OPTED_OUT)
    result = herdbell("outbox", "resend", "m1")
    assert result.exit_code == 2
    assert "STOP" in result.output
    assert state_of(stored, "m1") == FAILED


def test_what_only_asked_for_an_answer_that_came_rings_nobody_again(herdbell, lost, stored):
    lost("m1", FAILED, ANSWERED)
    result = herdbell("outbox", "resend", "m1")
    assert result.exit_code == 2
    assert "that had come" in result.output
    assert state_of(stored, "m1") == FAILED


@pytest.mark.parametrize(("ago_h", "is_sent"), [(23, False), (24, True)])
def test_what_meta_kept_back_goes_again_after_24_hours_at_the_earliest(
    herdbell, lost, stored, ago_h, is_sent
):
    lost("m1", FAILED, "131049: not delivered", ago_ms=ago_h * HOUR_MS)
    result = herdbell("outbox", "resend", "m1")
    assert (result.exit_code == 0) == is_sent
    assert is_sent or "2026-11-23 01:00" in result.output
    assert state_of(stored, "m1") == (QUEUED if is_sent else FAILED)


def test_a_message_that_is_no_dead_letter_is_named_with_what_it_is(herdbell, lost, stored):
    lost("m1", FAILED, "131026: no")
    herdbell("outbox", "resend", "m1")
    assert "m1 is queued" in herdbell("outbox", "resend", "m1").output
    unknown = herdbell("outbox", "show", "m9")
    assert unknown.exit_code == 2
    assert "m9 is not known" in unknown.output


def test_an_answer_of_something_in_between_is_not_blamed_on_meta(herdbell, lost):
    lost("m1", DEAD, "-1: HTTP 403 without an answer of Graph")
    (row,) = rows(herdbell("outbox", "list", "--json"))
    assert row["cure"] == "something between here and Meta answered in its place"


def test_who_was_not_tried_because_of_an_earlier_refusal_gets_its_advice(herdbell, lost):
    lost("m1", FAILED, NOT_TRIED)
    (row,) = rows(herdbell("outbox", "list", "--json"))
    assert row["cure"] == RULES[131026].hint


def test_help_says_what_each_command_does(herdbell):
    for name in ("list", "show", "resend"):
        assert "Usage:" in herdbell("outbox", name, "--help").output
