"""People of the fake Cloud API: known by user id alone, switched off, with a new number, or somebody else."""

from __future__ import annotations

import pytest

from simulator.cloud_person import Person
from tests.simulator.cloud_scene import (
    PHONE,
    PNG,
    open_sky,
    reply_message,
    template_message,
    text_message,
)

OTHER = "4917000002"


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        sky.cloud.phones.add(PHONE, "Alex")
        yield sky


def to_user(body, user_id):
    return {"recipient": user_id, **{name: value for name, value in body.items() if name != "to"}}


async def test_somebody_with_a_user_name_writes_without_a_number(sky):
    phone = sky.cloud.phones.add(PHONE, "Alex", hidden=True)
    await sky.hear()
    await sky.cloud.settle()
    [message], [contact] = sky.ear.values("messages"), sky.ear.values("contacts")
    assert (message["from_user_id"], contact["user_id"]) == (phone.user_id, phone.user_id)
    assert "from" not in message
    assert "wa_id" not in contact
    assert contact["profile"]["username"]


async def test_a_user_id_is_as_good_as_a_number_to_send_to(sky):
    phone = sky.cloud.phones.add(PHONE, "Alex", hidden=True)
    status, answer = await sky.post(to_user(template_message(), phone.user_id))
    assert status == 200
    assert answer["contacts"] == [{"input": phone.user_id, "user_id": phone.user_id}]
    await sky.cloud.settle()
    assert all("recipient_id" not in one for one in sky.ear.values("statuses"))
    assert {one["recipient_user_id"] for one in sky.ear.values("statuses")} == {phone.user_id}
    assert len(phone.bubbles) == 1


async def test_a_number_wins_over_a_user_id_and_a_stranger_is_131026(sky):
    phone = sky.cloud.phones.get(OTHER)
    await sky.post(template_message(recipient=phone.user_id))
    assert [len(one.bubbles) for one in (sky.cloud.phones.get(PHONE), phone)] == [1, 0]
    assert await sky.code(to_user(template_message(), "US.1349120865")) == 131026
    assert await sky.code(to_user(template_message(), "nobody")) == 131009


async def test_a_phone_that_is_off_is_told_when_it_is_on_again(sky):
    phone = sky.cloud.phones.get(PHONE)
    Person(sky.cloud).switch(phone, online=False)
    await sky.post(template_message())
    await sky.cloud.settle()
    assert [one["status"] for one in sky.ear.values("statuses")] == ["sent"]
    Person(sky.cloud).switch(phone, online=True)
    Person(sky.cloud).switch(phone, online=True)
    await sky.cloud.settle()
    assert [one["status"] for one in sky.ear.values("statuses")] == ["sent", "delivered"]


async def test_who_moves_to_another_number_gets_another_user_id_and_meta_says_so(sky):
    before = sky.cloud.phones.get(PHONE).user_id
    Person(sky.cloud).change_number(PHONE, f"+{OTHER}")
    await sky.cloud.settle()
    [message] = sky.ear.values("messages")
    assert (message["from"], message["from_user_id"], message["type"]) == (PHONE, before, "system")
    system = message["system"]
    assert (system["type"], system["wa_id"]) == ("user_changed_number", OTHER)
    assert system["user_id"] == sky.cloud.phones.get(OTHER).user_id != before
    assert sky.cloud.phones.known(PHONE) is None
    with pytest.raises(ValueError, match="has an owner"):
        Person(sky.cloud).change_number(OTHER, OTHER)


async def test_a_number_that_is_given_away_has_an_empty_phone_and_another_user_id(sky):
    await sky.hear()
    old = sky.cloud.phones.get(PHONE)
    sky.cloud.phones.pass_on(old, "Berta")
    new = sky.cloud.phones.get(PHONE)
    assert (new.name, new.bubbles, new.number) == ("Berta", [], PHONE)
    assert new.user_id != old.user_id
    assert await sky.code(text_message()) == 131047
    await sky.hear(text="12")
    await sky.cloud.settle()
    assert [one["from_user_id"] for one in sky.ear.values("messages")] == [old.user_id, new.user_id]


async def test_an_account_on_another_device_is_told_as_a_system_message(sky):
    Person(sky.cloud).change_identity(PHONE)
    await sky.cloud.settle()
    [message] = sky.ear.values("messages")
    assert (message["type"], message["system"]["type"]) == ("system", "customer_identity_changed")
    assert message["identity"]["acknowledged"] is False


async def test_who_stops_marketing_is_told_in_a_field_of_its_own(sky):
    Person(sky.cloud).prefer(PHONE, stop=True)
    await sky.cloud.settle()
    [value] = sky.ear.fields("user_preferences")
    [wish] = value["user_preferences"]
    assert (wish["wa_id"], wish["value"], wish["category"]) == (PHONE, "stop", "marketing_messages")


async def test_a_person_sends_a_picture_that_can_be_fetched(sky):
    Person(sky.cloud).show(PHONE, "image/png", PNG, "her leg")
    await sky.cloud.settle()
    [message] = sky.ear.values("messages")
    assert (message["type"], message["image"]["caption"]) == ("image", "her leg")
    _, info = await sky.call("GET", message["image"]["id"])
    async with sky.session.get(info["url"], headers={"Authorization": "Bearer fake-token"}) as answer:
        assert await answer.read() == PNG
    async with sky.session.get(info["url"]) as answer:
        assert answer.status == 401


async def test_a_person_reacts_and_takes_it_back(sky):
    _, answer = await sky.post(template_message())
    wamid = answer["messages"][0]["id"]
    Person(sky.cloud).react(PHONE, wamid, "\u2764")
    Person(sky.cloud).react(PHONE, wamid, "")
    await sky.cloud.settle()
    reactions = [one["reaction"] for one in sky.ear.values("messages")]
    assert reactions == [{"message_id": wamid, "emoji": "\u2764"}, {"message_id": wamid}]


async def test_a_tap_needs_a_button_that_is_there(sky):
    await sky.hear()
    _, answer = await sky.post(reply_message("Yes"))
    wamid = answer["messages"][0]["id"]
    for number, message, index in ((PHONE, wamid, 1), (PHONE, "wamid.none", 0), ("15550001", wamid, 0)):
        with pytest.raises(LookupError):
            Person(sky.cloud).tap(number, message, index)


async def test_a_phone_does_not_grow_without_end(sky):
    phone = sky.cloud.phones.get(PHONE)
    for at in range(4001):
        Person(sky.cloud).write(PHONE, str(at))
    assert len(phone.bubbles) == 2001
    assert phone.bubbles[-1].text == "4000"
