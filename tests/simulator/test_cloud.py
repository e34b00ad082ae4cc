"""The fake Cloud API says no where Meta says no, and calls back like Meta."""

from __future__ import annotations

import asyncio
import copy

import aiohttp
import pytest

from simulator.cloud import Fault
from tests.simulator.cloud_scene import (
    NUMBER_ID,
    PHONE,
    TEMPLATE,
    WABA_ID,
    open_sky,
    template_message,
    text_message,
)

DAY_US = 86_400_000_000


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
    assert answer["contacts"] == [{"input": PHONE, "wa_id": PHONE}]
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


async def test_free_form_needs_a_message_of_the_person_within_24_hours(sky):
    assert await sky.code(text_message()) == 131047
    sky.cloud.phones.add(PHONE, "Alex")
    await sky.cloud.type_text(PHONE, "hello")
    assert await sky.code(text_message()) == 0
    sky.clock.advance_us(DAY_US)
    assert await sky.code(text_message()) == 131047


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
    await sky.cloud.tap(PHONE, wamid, 0)
    await sky.cloud.settle()
    [message] = sky.ear.values("messages")
    assert message["button"] == {"payload": "v1|ack", "text": "On my way"}
    assert (message["from"], message["context"]["id"]) == (PHONE, wamid)
    assert sky.cloud.phones.get(PHONE).find(wamid).chosen == 0


async def test_a_tap_on_a_free_form_button_comes_back_as_an_interactive_reply(sky):
    sky.cloud.phones.add(PHONE, "Alex")
    await sky.cloud.type_text(PHONE, "hello")
    buttons = [{"type": "reply", "reply": {"id": "v1|ack", "title": "On my way"}}]
    interactive = {"type": "button", "body": {"text": "Bella?"}, "action": {"buttons": buttons}}
    body = {"messaging_product": "whatsapp", "to": PHONE, "type": "interactive", "interactive": interactive}
    _, answer = await sky.post(body)
    await sky.cloud.tap(PHONE, answer["messages"][0]["id"], 0)
    await sky.cloud.settle()
    assert sky.ear.values("messages")[1]["interactive"]["button_reply"]["id"] == "v1|ack"


async def test_a_webhook_is_sent_again_until_it_is_answered_with_200(sky):
    sky.ear.script = [500, 404, 200]
    await sky.post(template_message())
    await sky.cloud.settle()
    assert [one["status"] for one in sky.ear.values("statuses")] == ["sent", "sent", "sent", "delivered"]
    assert (sky.cloud.webhooks.refused, sky.cloud.webhooks.delivered) == (2, 2)


async def test_webhooks_can_be_batched_reversed_and_doubled(sky):
    url, sky.cloud.webhooks.url = sky.cloud.webhooks.url, None
    how = sky.cloud.webhooks.how
    how.batch, how.copies, how.reverse = 10, 2, True
    await sky.post(template_message())
    await sky.cloud.type_text(PHONE, "hello")
    sky.cloud.webhooks.url = url
    await sky.cloud.webhooks.kick()
    await sky.cloud.settle()
    assert len(sky.ear.heard) == 2
    [entry] = sky.ear.heard[0]["entry"]
    assert [next(k for k in c["value"] if k in {"messages", "statuses"}) for c in entry["changes"]] == [
        "messages",
        "statuses",
    ]
    assert [one["status"] for one in sky.ear.values("statuses")] == ["delivered", "sent"] * 2


async def test_scripted_faults_happen_once_each_and_in_order(sky):
    sky.cloud.fault(Fault(code=131016), times=2)
    codes = [await sky.code(template_message()) for _ in range(3)]
    assert codes == [131016, 131016, 0]


async def test_a_dropped_answer_leaves_the_message_on_the_phone(sky):
    sky.cloud.fault(Fault(drop=True))
    with pytest.raises(aiohttp.ClientError):
        await sky.post(template_message())
    assert len(sky.cloud.phones.get(PHONE).bubbles) == 1


async def test_a_bad_gateway_may_have_accepted_or_not(sky):
    sky.cloud.fault(Fault(bad_gateway=True, accept=False))
    async with sky.session.post(
        sky.server.make_url(f"/{NUMBER_ID}/messages"), json=template_message(),
        headers={"Authorization": "Bearer fake-token"},
    ) as answer:  # fmt: skip
        assert answer.status == 502
    assert sky.cloud.phones.all() == []


async def test_a_held_answer_waits_for_its_event(sky):
    gate = asyncio.Event()
    sky.cloud.fault(Fault(hold=gate))
    sending = asyncio.create_task(sky.post(template_message()))
    await sky.cloud.phones.wait_newer(sky.cloud.phones.get(PHONE), 0)
    assert not sending.done()
    gate.set()
    assert (await sending)[0] == 200


async def test_only_an_approved_template_can_be_sent(sky):
    sky.cloud.registry.review = "PENDING"
    path = f"/v26.0/{WABA_ID}/message_templates"
    _, made = await sky.post(TEMPLATE | {"name": "alert_v2"}, path)
    assert made["status"] == "PENDING"
    message = template_message()
    message["template"]["name"] = "alert_v2"
    assert await sky.code(message) == 132001
    template = sky.cloud.registry.templates["alert_v2", "en"]
    template.status = "PAUSED"
    assert await sky.code(message) == 132015
    template.status = "APPROVED"
    assert await sky.code(message) == 0


def with_text(text):
    return TEMPLATE | {"name": "other", "components": [{"type": "BODY", "text": text}]}


@pytest.mark.parametrize(
    "spec",
    [TEMPLATE, TEMPLATE | {"name": "Capital"}, TEMPLATE | {"name": "x", "category": "FREE"},
     with_text("{{a}} is ill"), with_text("Ill is {{a}}."),
     with_text("See {{a}} {{b}} now"), with_text("x" * 1025), with_text("")],
)  # fmt: skip
async def test_a_template_meta_would_refuse_is_refused(sky, spec):
    assert await sky.code(spec, path=f"/{WABA_ID}/message_templates") == 100


async def test_a_message_can_be_marked_read_but_not_one_of_our_own(sky):
    _, answer = await sky.post(template_message())
    theirs = await sky.cloud.type_text(PHONE, "hello")
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
