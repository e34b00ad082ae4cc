"""Templates of the fake Cloud API live as Meta's do: refused, reviewed, paused, disabled, edited, deleted."""

from __future__ import annotations

import copy

import pytest

from tests.simulator.cloud_scene import (
    NUMBER_ID,
    TEMPLATE,
    WABA_ID,
    open_sky,
    template_message,
)

PATH = f"{WABA_ID}/message_templates"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        yield sky


def named(name, **changes):
    return copy.deepcopy(TEMPLATE) | {"name": name} | changes


def with_body(text, *names, **changes):
    examples = [{"param_name": name, "example": "x"} for name in names]
    body = {"type": "BODY", "text": text, "example": {"body_text_named_params": examples}}
    return named("other", components=[body], **changes)


def with_part(part):
    return named("other", components=[{"type": "BODY", "text": "hello"}, part])


async def create(sky, spec):
    return (await sky.call("POST", PATH, json=spec))[1]


def message(name):
    body = template_message()
    body["template"]["name"] = name
    return body


@pytest.mark.parametrize(
    ("spec", "subcode"),
    [
        (TEMPLATE, 2388024),
        (named("Capital"), None),
        (named("x", category="FREE"), None),
        (named("x", message_send_ttl_seconds=29), None),
        (named("x", parameter_format="OTHER"), None),
        (with_body("{{a}} is ill and needs you", "a"), 2388299),
        (with_body("Ill and in need of you is {{a}}.", "a"), 2388299),
        (with_body("See {{a}} {{b}} now, and do it soon", "a", "b"), None),
        (with_body("See {{a}}, {{b}}, {{c}} now", "a", "b", "c"), 2388293),
        (with_body("See {{a}} now"), None),
        (with_body("x" * 1025), None),
        (with_body(""), None),
        (with_body("See {{1}} now please", "1"), None),
        (with_part({"type": "FOOTER", "text": "x" * 61}), None),
        (with_part({"type": "HEADER", "format": "GIF"}), None),
        (with_part({"type": "HEADER", "format": "TEXT", "text": "x" * 61}), None),
        (with_part({"type": "BODY", "text": "hello"}), None),
        (with_part({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "x" * 26}]}), None),
        (with_part({"type": "CAROUSEL"}), None),
    ],
)  # fmt: skip
async def test_a_template_meta_would_refuse_is_refused(sky, spec, subcode):
    status, answer = await sky.call("POST", PATH, json=spec)
    assert (status, answer["error"]["code"], answer["error"].get("error_subcode")) == (400, 100, subcode)


async def test_quick_replies_must_stand_together(sky):
    link = {"type": "URL", "text": "Open", "url": "https://example.org"}
    reply = {"type": "QUICK_REPLY", "text": "Yes"}
    for buttons, is_refused in (([reply, reply, link], False), ([reply, link, reply], True)):
        parts = [{"type": "BODY", "text": "hello"}, {"type": "BUTTONS", "buttons": buttons}]
        assert ("error" in await create(sky, named("mixed", components=parts))) == is_refused


async def test_a_pending_template_cannot_be_sent_until_it_is_approved_and_meta_says_so(sky):
    sky.cloud.registry.review, sky.cloud.registry.review_ms = "APPROVED", HOUR_MS
    made = await create(sky, named("alert_v2"))
    assert made["status"] == "PENDING"
    assert await sky.code(message("alert_v2")) == 132001
    await sky.later(HOUR_MS - 1)
    assert sky.ear.fields("message_template_status_update") == []
    await sky.later(1)
    [told] = sky.ear.fields("message_template_status_update")
    assert (told["event"], told["message_template_id"]) == ("APPROVED", int(made["id"]))
    assert await sky.code(message("alert_v2")) == 0


async def test_a_rejected_template_says_why_and_may_be_edited(sky):
    sky.cloud.registry.review = "REJECTED"
    made = await create(sky, named("alert_v2", language="pt_BR"))
    assert made["status"] == "REJECTED"
    await sky.cloud.settle()
    [told] = sky.ear.fields("message_template_status_update")
    assert (told["event"], told["reason"]) == ("REJECTED", "INVALID_FORMAT")
    assert told["message_template_language"] == "pt-BR"
    sky.cloud.registry.review = "APPROVED"
    assert (await sky.call("POST", made["id"], json={"components": TEMPLATE["components"]}))[0] == 200
    assert (await sky.call("GET", f"{made['id']}?fields=status"))[1]["status"] == "APPROVED"


async def test_what_sounds_like_an_advertisement_comes_back_as_marketing(sky):
    made = await create(sky, with_body("Special offer: 10 percent discount on all collars this week"))
    assert made["category"] == "MARKETING"
    sky.cloud.registry.categories["alert_v2"] = "MARKETING"
    assert (await create(sky, named("alert_v2")))["category"] == "MARKETING"


async def test_meta_may_move_a_template_to_another_category_later_and_bills_it_so(sky):
    sky.cloud.registry.recategorise("alert_v1", "en", "MARKETING")
    await sky.post(template_message())
    await sky.cloud.settle()
    [told] = sky.ear.fields("template_category_update")
    assert (told["previous_category"], told["new_category"]) == ("UTILITY", "MARKETING")
    assert sky.ear.values("statuses")[0]["pricing"]["category"] == "marketing"


async def test_a_paused_template_is_132015_until_it_is_reinstated(sky):
    sky.cloud.registry.decide("alert_v1", "en", "PAUSED", pause_ms=3 * HOUR_MS)
    assert await sky.code(template_message()) == 132015
    await sky.later(3 * HOUR_MS)
    assert await sky.code(template_message()) == 0
    events = [told["event"] for told in sky.ear.fields("message_template_status_update")]
    assert events == ["PAUSED", "REINSTATED"]


@pytest.mark.parametrize(("status", "code"), [("DISABLED", 132016), ("FLAGGED", 0), ("IN_APPEAL", 132001)])
async def test_what_meta_thinks_of_a_template_decides_whether_it_may_be_sent(sky, status, code):
    sky.cloud.registry.decide("alert_v1", "en", status)
    assert await sky.code(template_message()) == code


async def test_quality_is_told_with_what_it_was_before(sky):
    sky.cloud.registry.judge("alert_v1", "en", "RED")
    await sky.cloud.settle()
    [told] = sky.ear.fields("message_template_quality_update")
    assert (told["previous_quality_score"], told["new_quality_score"]) == ("UNKNOWN", "RED")


async def test_an_approved_template_is_edited_once_a_day(sky):
    number = sky.cloud.registry.templates["alert_v1", "en"].id
    edit = {"components": TEMPLATE["components"][:1]}
    assert (await sky.call("POST", number, json=edit))[0] == 200
    assert sky.cloud.registry.templates["alert_v1", "en"].buttons == []
    assert (await sky.call("POST", number, json=edit))[1]["error"]["code"] == 100
    await sky.later(DAY_MS)
    assert (await sky.call("POST", number, json=edit))[0] == 200


async def test_a_name_that_was_deleted_stays_taken_for_30_days(sky):
    assert (await sky.call("DELETE", f"{PATH}?name=alert_v1"))[1] == {"success": True}
    assert await sky.code(template_message()) == 132001
    assert (await create(sky, TEMPLATE))["error"]["error_subcode"] == 2388023
    await sky.later(30 * DAY_MS)
    assert (await create(sky, TEMPLATE))["status"] == "APPROVED"


async def test_with_an_id_only_one_language_is_deleted(sky):
    german = await create(sky, named("alert_v1", language="de"))
    await sky.call("DELETE", f"{PATH}?name=alert_v1&hsm_id={german['id']}")
    assert [key for key in sky.cloud.registry.templates if key[0] == "alert_v1"] == [("alert_v1", "en")]


async def test_the_list_comes_in_pages_with_filters_and_a_summary(sky):
    for at in range(4):
        await create(sky, named(f"more_{at}"))
    names, after = [], "0"
    while after:
        _, page = await sky.call("GET", f"{PATH}?limit=2&after={after}&summary=total_count")
        names += [one["name"] for one in page["data"]]
        after = page["paging"]["cursors"]["after"] if "next" in page["paging"] else ""
    assert names == ["alert_v1", "more_0", "more_1", "more_2", "more_3"]
    assert page["summary"]["message_template_limit"] == 250
    assert [one["name"] for one in (await sky.call("GET", f"{PATH}?name=more_1"))[1]["data"]] == ["more_1"]
    assert (await sky.call("GET", f"{PATH}?after=Q"))[1]["error"]["code"] == 131059


async def test_positional_variables_are_filled_in_their_order(sky):
    body = {"type": "BODY", "text": "See {{1}} at {{2}} now", "example": {"body_text": [["Bella", "Hill"]]}}
    await create(sky, named("by_place", parameter_format="POSITIONAL", components=[body]))
    sent = message("by_place")
    given = [{"type": "text", "text": text} for text in ("Rosa", "Dale")]
    sent["template"]["components"] = [{"type": "body", "parameters": given}]
    assert await sky.code(sent) == 0
    assert sky.cloud.phones.all()[0].bubbles[0].text == "See Rosa at Dale now"


async def test_a_filled_body_of_more_than_1024_characters_is_132005(sky):
    assert await sky.code(template_message(animal="x" * 960)) == 0
    assert await sky.code(template_message(animal="x" * 1000)) == 132005


async def test_an_account_holds_only_so_many_templates(sky):
    sky.cloud.registry.limit = 1
    assert (await create(sky, named("one_more")))["error"]["code"] == 100


@pytest.mark.parametrize("path", [f"/{NUMBER_ID}/message_templates", "/999/message_templates"])
async def test_templates_belong_to_the_business_account(sky, path):
    assert await sky.code(TEMPLATE, path=path) == 100
