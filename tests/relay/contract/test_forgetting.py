"""What a person may ask for, and what is forgotten by itself."""

import json

import pytest

from relay.model import DeliveryStatus
from relay.storage.ports_chat import ERASED
from tests.relay.contract.world import MINUTE_MS, PHONE, T0_MS

NOW_MS = T0_MS + 1
USER = "US.13491208655302741918"
ITEM = json.dumps({"kind": "message", "item": {"from": "491700000001", "id": "wamid.hers"}})


async def sent(world, name="message-1", **changes):
    await world.sending(name, **changes)
    await world.storage.settle(name, "accepted", now_ms=NOW_MS, wamid=f"wamid.{name}")
    await world.storage.apply_statuses([DeliveryStatus(name, None, "delivered", NOW_MS)])


# export


async def test_an_export_holds_all_that_is_known_of_a_person_as_json(world):
    storage, ann = world.storage, world.person_id
    await storage.commit_scores(world.partition, 0, 1, [], [world.event()], [])
    await storage.judge("event-1", ann, "wrong", NOW_MS, "moved")
    await storage.heard(ann, NOW_MS, USER)
    await storage.add_address(ann, "mailto://a:b@example.org")
    await storage.mute(world.farm_id, ann, world.animal_id, "heat", NOW_MS)
    await storage.audit(f"person:{ann}", "judged", {"event": "event-1"}, NOW_MS)
    await sent(world, body={"text": "Bella", "reply_to": "wamid.hers"})
    found = await storage.export_person(ann)
    assert json.loads(json.dumps(found)) == found
    assert (found["id"], found["name"], found["phone"], found["user_id"]) == (
        ann,
        "Ann",
        "491700000001",
        USER,
    )
    assert (found["last_inbound_ms"], found["fewer"], found["doubt"]) == (NOW_MS, False, "")
    assert found["addresses"] == ["mailto://a:b@example.org"]
    assert [(each["role"], each["consent_text"]) for each in found["roles"]] == [("owner", "2026-11")]
    assert [each["reason"] for each in found["judgements"]] == ["moved"]
    assert [each["until_ms"] for each in found["mutes"]] == [NOW_MS]
    assert [(each["body"]["reply_to"], each["state"]) for each in found["messages"]] == [
        ("wamid.hers", "delivered")
    ]
    assert [each["detail"] for each in found["audit"]] == [{"event": "event-1"}]


async def test_an_export_holds_nothing_of_anybody_else(world):
    ben = await world.storage.add_person(
        world.farm_id, "Ben", "+1 555 0100002", consent_ms=T0_MS, consent_text="2026-11"
    )
    await sent(world)
    found = await world.storage.export_person(ben)
    assert found["messages"] == found["audit"] == []
    assert "Ann" not in json.dumps(found)


# erasure


async def test_who_is_erased_is_nobody_any_more(world):
    storage, ann = world.storage, world.person_id
    await storage.heard(ann, NOW_MS, USER)
    await storage.add_address(ann, "mailto://a:b@example.org")
    await storage.mute(world.farm_id, ann, None, "heat", NOW_MS + 1)
    await storage.erase_person(ann, NOW_MS)
    assert await storage.people(world.farm_id) == await storage.farms_of(ann) == []
    assert await storage.person(ann) is None
    assert await storage.person_by_phone(PHONE) is None
    assert await storage.person_by_user_id(USER) is None
    assert await storage.addresses(ann) == await storage.mutes(world.farm_id, NOW_MS) == []
    left = await storage.export_person(ann)
    assert (left["name"], left["phone"], left["user_id"], left["roles"]) == ("", "", "", [])


async def test_judgements_and_the_audit_keep_the_bare_id(world):
    await world.storage.commit_scores(world.partition, 0, 1, [], [world.event()], [])
    await world.storage.judge("event-1", world.person_id, "wrong", NOW_MS)
    await world.storage.audit(f"person:{world.person_id}", "judged", {}, NOW_MS)
    await world.storage.erase_person(world.person_id, NOW_MS)
    assert [each.person_id for each in await world.storage.judgements(world.farm_id, 0)] == [world.person_id]
    assert await world.storage.audit_broken_at() is None


async def test_who_was_erased_and_comes_back_is_somebody_new(world):
    await world.storage.heard(world.person_id, NOW_MS, USER)
    await world.storage.erase_person(world.person_id, NOW_MS)
    again = await world.storage.add_person(
        world.farm_id, "Ann", PHONE, user_id=USER, consent_ms=NOW_MS, consent_text="2026-11"
    )
    assert again != world.person_id
    assert (await world.storage.person_by_phone(PHONE)).opted_out_ms is None


@pytest.mark.parametrize("state", ["queued", "sending", "unknown"])
async def test_what_waits_for_who_is_erased_is_not_sent(world, state):
    await world.storage.queue([world.message()])
    if state != "queued":
        await world.storage.claim(T0_MS, 10)
    if state == "unknown":
        await world.storage.settle("message-1", "unknown", now_ms=T0_MS)
    await world.storage.erase_person(world.person_id, NOW_MS)
    assert await world.storage.claim(NOW_MS, 10) == []
    assert await world.storage.unknown_since(NOW_MS + MINUTE_MS, 10) == []
    assert not await world.storage.resend("message-1", NOW_MS, NOW_MS + MINUTE_MS)
    (letter,) = await world.storage.dead_letters(None, 10)
    assert (letter.error, letter.message.body) == (ERASED, {})


async def test_what_was_said_to_and_of_who_is_erased_is_forgotten(world):
    ben = await world.storage.add_person(
        world.farm_id, "Ben", "+1 555 0100002", consent_ms=T0_MS, consent_text="2026-11"
    )
    bodies = {"of-ann": "Ann is going", "annual": "Annual report", "other": "Bella"}
    for name, text in bodies.items():
        await sent(world, name, person_id=ben, body={"text": text})
    await sent(world, body={"text": "Bella"})
    await world.storage.queue([world.message("waits", person_id=ben, body={"text": "ask Ann"})])
    await world.storage.erase_person(world.person_id, NOW_MS)
    left = {each.id: each.body.get("text") for each in await world.storage.messages(world.farm_id, 0)}
    assert left == {
        "message-1": None,
        "of-ann": None,
        "annual": "Annual report",
        "other": "Bella",
        "waits": "ask Ann",
    }
    assert await world.storage.message_by_wamid("wamid.message-1") is None


async def test_what_somebody_wrote_and_nobody_has_read_yet_is_forgotten_with_them(world):
    other = ITEM.replace("491700000001", "15550100002")
    await world.storage.heard(world.person_id, NOW_MS, USER)
    by_user_id = json.dumps({"item": {"from_user_id": USER}})
    await world.storage.inbox_put([("a", ITEM), ("b", other), ("c", by_user_id)], NOW_MS)
    await world.storage.erase_person(world.person_id, NOW_MS)
    assert await world.storage.inbox_pending(10) == [("b", other)]


# what is forgotten by itself


async def test_bodies_of_old_messages_are_forgotten_and_their_ids_are_not(world):
    await sent(world)
    await sent(world, "newer", created_ms=T0_MS + 5)
    await world.storage.queue([world.message("waits")])
    assert await world.storage.prune(T0_MS + 5, 0, 0) == {"messages": 1, "statuses": 0, "inbox": 0}
    bodies = {each.id: bool(each.body) for each in await world.storage.messages(world.farm_id, 0)}
    assert bodies == {"message-1": False, "newer": True, "waits": True}
    await world.storage.queue([world.message()])
    assert await world.state() == "delivered", "nothing is said twice"
    assert await world.storage.prune(T0_MS + 5, 0, 0) == {"messages": 0, "statuses": 0, "inbox": 0}


async def test_a_message_whose_body_is_forgotten_is_not_sent_again(world):
    await world.sending()
    await world.storage.settle("message-1", "dead", now_ms=NOW_MS)
    await world.storage.prune(NOW_MS, 0, 0)
    assert not await world.storage.resend("message-1", NOW_MS, NOW_MS + MINUTE_MS)


async def test_old_statuses_are_forgotten_and_the_state_is_not(world):
    await sent(world)
    assert (await world.storage.prune(0, NOW_MS, 0))["statuses"] == 0
    assert (await world.storage.prune(0, NOW_MS + 1, 0))["statuses"] == 1
    assert await world.state() == "delivered"


async def test_old_items_of_the_inbox_are_forgotten_unless_they_wait(world):
    items = [(f"key-{number}", ITEM) for number in range(2_500)]  # more than one transaction takes
    await world.storage.inbox_put([*items, ("waits", ITEM)], T0_MS)
    await world.storage.inbox_put([("newer", ITEM)], NOW_MS)
    await world.storage.inbox_done_all([*((key, None) for key, _ in items), ("newer", "bad")], NOW_MS)
    assert (await world.storage.prune(0, 0, NOW_MS))["inbox"] == 2_500
    assert await world.storage.inbox_pending(10) == [("waits", ITEM)]
    await world.storage.inbox_put([("newer", ITEM), ("key-1", ITEM)], NOW_MS)
    assert [key for key, _ in await world.storage.inbox_pending(10)] == ["waits", "key-1"]
