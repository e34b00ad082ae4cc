"""The fake Cloud API says no where Meta says no, and calls back like Meta."""

from __future__ import annotations

import copy

import pytest

from simulator.cloud_person import Person
from tests.simulator.cloud_scene import (
    NUMBER_ID,
    PHONE,
    list_message,
    open_sky,
    reply_message,
    template_message,
    text_message,
)


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        yield sky


def broken(change):
    body = copy.deepcopy(template_message())
    change(body)
    return body


def parameters(body):
    return body["template"]["components"][0]["parameters"]


@pytest.mark.parametrize(
    "path", [f"/v26.0/{NUMBER_ID}/messages", f"/v22.0/{NUMBER_ID}/messages", f"/{NUMBER_ID}/messages"]
)
async def test_a_message_is_accepted_with_and_without_a_version(sky, path):
    status, answer = await sky.post(template_message(), path)
    assert status == 200
    [contact] = answer["contacts"]
    assert (contact["input"], contact["wa_id"]) == (PHONE, PHONE)
    assert answer["messages"][0]["message_status"] == "accepted"


async def test_a_wrong_token_is_190_and_401(sky):
    status, answer = await sky.post(template_message(), token="other")
    assert (status, answer["error"]["code"], answer["error"]["type"]) == (401, 190, "OAuthException")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda b: b["template"].update(name="other"), 132001),
        (lambda b: b["template"].update(language={"code": "de"}), 132001),
        (lambda b: parameters(b).pop(), 132000),
        (lambda b: parameters(b)[0].pop("parameter_name"), 100),
        (lambda b: parameters(b)[0].update(parameter_name="cow"), 100),
        (lambda b: parameters(b)[0].update(text="two\nlines"), 132018),
        (lambda b: parameters(b)[0].update(type="currency"), 132012),
        (lambda b: b["template"]["components"][1].update(index="2"), 131009),
        (lambda b: b["template"]["components"][1].update(parameters=[]), 132000),
        (lambda b: b.pop("messaging_product"), 100),
        (lambda b: b.pop("template"), 131008),
        (lambda b: b.update(type="poll"), 131051),
        (lambda b: b.update(to="Bella"), 131009),
        (lambda b: b.update(colour="red"), 100),
        (lambda b: b.update(biz_opaque_callback_data="x" * 513), 100),
    ],
)
async def test_a_malformed_message_is_refused_with_metas_code_and_reaches_nobody(sky, change, code):
    assert await sky.code(broken(change)) == code
    assert sky.cloud.phones.all() == []
    assert sky.trace == []


@pytest.mark.parametrize("body", [[], 7, None, "text"])
async def test_a_body_that_is_no_object_is_100(sky, body):
    assert await sky.code(body) == 100


async def test_capitals_and_numbers_as_pywa_writes_them_are_the_same(sky):
    def change(body):
        for component in body["template"]["components"]:
            component["type"] = component["type"].upper()
        body["template"]["components"][1].update(sub_type="QUICK_REPLY", index=0)

    assert await sky.code(broken(change)) == 0


async def test_the_phone_shows_the_filled_template_with_bold_values_and_buttons(sky):
    await sky.post(template_message())
    [bubble] = sky.cloud.phones.get(PHONE).bubbles
    assert bubble.text == "Health alert: Bella (12) at Hill needs you. Please look."
    assert [part.text for part in bubble.parts if part.bold] == ["Bella (12)", "Hill"]
    assert [(button.title, button.payload) for button in bubble.buttons] == [
        ("On my way", "v1|ack"),
        ("False alarm", "v1|fp"),
    ]
    assert sky.trace == [(sky.clock.utc_ms, PHONE, bubble.text)]


async def test_each_message_is_reported_sent_and_delivered_with_its_callback_data(sky):
    _, answer = await sky.post(template_message())
    await sky.cloud.settle()
    statuses = sky.ear.values("statuses")
    assert [one["status"] for one in statuses] == ["sent", "delivered"]
    assert {one["id"] for one in statuses} == {answer["messages"][0]["id"]}
    assert {one["biz_opaque_callback_data"] for one in statuses} == {"m1"}
    assert statuses[0]["pricing"]["category"] == "utility"
    assert statuses[0]["timestamp"] == str(sky.clock.utc_ms // 1000)


async def test_ids_do_not_depend_on_who_was_faster():
    async def ids(order):
        async with open_sky() as sky:
            answers = {to: (await sky.post(template_message(to=to)))[1]["messages"][0]["id"] for to in order}
            return sorted(answers.items())

    assert await ids(["4917000001", "4917000002"]) == await ids(["4917000002", "4917000001"])


async def test_a_tap_comes_back_as_a_signed_button_message(sky):
    _, answer = await sky.post(template_message())
    wamid = answer["messages"][0]["id"]
    Person(sky.cloud).tap(PHONE, wamid, 0)
    await sky.cloud.settle()
    [message] = sky.ear.values("messages")
    assert message["button"] == {"payload": "v1|ack", "text": "On my way"}
    assert (message["from"], message["context"]["id"]) == (PHONE, wamid)
    assert sky.cloud.phones.get(PHONE).find(wamid).chosen == 0


async def test_a_tap_on_a_free_form_button_comes_back_as_an_interactive_reply(sky):
    sky.cloud.phones.add(PHONE, "Alex")
    Person(sky.cloud).write(PHONE, "hello")
    buttons = [{"type": "reply", "reply": {"id": "v1|ack", "title": "On my way"}}]
    interactive = {"type": "button", "body": {"text": "Bella?"}, "action": {"buttons": buttons}}
    body = {"messaging_product": "whatsapp", "to": PHONE, "type": "interactive", "interactive": interactive}
    _, answer = await sky.post(body)
    Person(sky.cloud).tap(PHONE, answer["messages"][0]["id"], 0)
    await sky.cloud.settle()
    assert sky.ear.values("messages")[1]["interactive"]["button_reply"]["id"] == "v1|ack"


async def test_a_message_can_be_marked_read_but_not_one_of_our_own(sky):
    _, answer = await sky.post(template_message())
    theirs = Person(sky.cloud).write(PHONE, "hello")
    read = {"messaging_product": "whatsapp", "status": "read"}
    assert (await sky.post(read | {"message_id": theirs}))[1] == {"success": True}
    assert await sky.code(read | {"message_id": answer["messages"][0]["id"]}) == 131009


async def test_the_page_reports_what_went_wrong_with_a_tap(sky):
    await sky.post(template_message())
    assert (await sky.page("tap", {"phone": PHONE, "message": "wamid.none", "button": 0}))[0] == 404
    assert (await sky.page("tap", {"phone": PHONE, "message": 7, "button": 0}))[0] == 400
    assert (await sky.page("text", {"phone": PHONE, "text": "  "}))[0] == 400
    assert (await sky.page("text", {"phone": "1234567", "text": "hello"}))[0] == 404
    url = sky.server.make_url("/phone/api/text")
    async with sky.session.post(url, data={"phone": PHONE, "text": "hello"}) as answer:
        assert answer.status == 415


async def test_who_looks_at_the_chat_has_read_it(sky):
    await sky.post(template_message())
    url = sky.server.make_url("/phone/api/events")
    async with sky.session.get(url, params={"phone": PHONE}) as stream:
        await stream.content.readuntil(b"\n\n")
        await sky.post(template_message())
        await sky.cloud.settle()
    assert [one["status"] for one in sky.ear.values("statuses")].count("read") == 2


async def test_typing_shows_until_the_answer_or_25_seconds(sky):
    theirs = await sky.hear()
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": theirs}
    phone = sky.cloud.phones.get(PHONE)
    await sky.post({**read, "typing_indicator": {"type": "text"}})
    assert phone.typing_until_ms == sky.clock.utc_ms + 25_000
    assert phone.bubbles[0].status == "read"
    await sky.post(text_message())
    assert phone.typing_until_ms == 0
    assert await sky.code({**read, "typing_indicator": True}) == 100


async def test_a_reaction_stands_on_the_message_it_is_about_and_is_taken_back(sky):
    theirs = await sky.hear()
    body = {"messaging_product": "whatsapp", "to": PHONE, "type": "reaction"}
    for emoji in ("\u2705", ""):
        assert await sky.code({**body, "reaction": {"message_id": theirs, "emoji": emoji}}) == 0
        assert [bubble.reaction for bubble in sky.cloud.phones.get(PHONE).bubbles] == [emoji]
    assert await sky.code({**body, "reaction": {"message_id": theirs}}) == 131008


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda b: b["interactive"]["action"].update(buttons=[]), 131009),
        (lambda b: b["interactive"]["action"]["buttons"][0]["reply"].update(title="x" * 21), 131009),
        (lambda b: b["interactive"]["action"]["buttons"][1]["reply"].update(id="v1|Yes"), 131009),
        (
            lambda b: b["interactive"]["action"]["buttons"].extend(b["interactive"]["action"]["buttons"]),
            131009,
        ),
        (lambda b: b["interactive"].update(body={"text": "x" * 1025}), 100),
        (lambda b: b["interactive"].update(footer={"text": "x" * 61}), 100),
        (lambda b: b["interactive"].update(header={"type": "image", "image": {"id": "1"}}), 100),
        (lambda b: b["interactive"].update(colour="red"), 100),
        (lambda b: b["interactive"].pop("action"), 131008),
        (lambda b: b["interactive"].update(type="flow"), 100),
    ],
)
async def test_reply_buttons_that_meta_would_refuse_are_refused(sky, change, code):
    await sky.hear()
    body = reply_message("Yes", "No")
    assert await sky.code(copy.deepcopy(body)) == 0
    change(body)
    assert await sky.code(body) == code


def sections_of(*titles):
    return [{"title": title, "rows": [{"id": title, "title": "Bella"}]} for title in titles]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (list_message(*(f"Cow {at}" for at in range(10))), 0),
        (list_message(*(f"Cow {at}" for at in range(11))), 131009),
        (list_message("x" * 24), 0),
        (list_message("x" * 25), 131009),
        (list_message("Bella", "Bella"), 131009),
        (list_message("Bella", button="x" * 21), 100),
        (list_message(sections=[]), 131009),
        (list_message(sections=[{"title": "Empty", "rows": []}]), 131009),
        (list_message(sections=sections_of("a", "b")), 0),
        (list_message(sections=sections_of("a", "")), 131009),
    ],
)
async def test_a_list_keeps_metas_limits(sky, body, code):
    await sky.hear()
    assert await sky.code(body) == code


async def test_a_chosen_row_comes_back_as_a_list_reply(sky):
    await sky.hear()
    _, answer = await sky.post(list_message("Bella", "Rosa"))
    wamid = answer["messages"][0]["id"]
    Person(sky.cloud).choose(PHONE, wamid, 1)
    await sky.cloud.settle()
    message = sky.ear.values("messages")[1]
    reply = {"id": "row|Rosa", "title": "Rosa", "description": "Eats less"}
    assert message["interactive"] == {"type": "list_reply", "list_reply": reply}
    assert message["context"]["id"] == wamid
    with pytest.raises(LookupError, match="no row 2"):
        Person(sky.cloud).choose(PHONE, wamid, 2)


async def test_a_number_that_is_not_registered_sends_nothing(sky):
    assert (await sky.call("POST", f"{NUMBER_ID}/deregister"))[1] == {"success": True}
    assert await sky.code(template_message()) == 133010
    pin = {"messaging_product": "whatsapp", "pin": "123456"}
    assert (await sky.call("POST", f"{NUMBER_ID}/register", json=pin))[1] == {"success": True}
    assert await sky.code(template_message()) == 0
    _, refused = await sky.call("POST", f"{NUMBER_ID}/register", json=pin | {"pin": "654321"})
    assert refused["error"]["code"] == 133005
