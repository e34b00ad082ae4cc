"""The control calls of the fake Cloud API: what an operator or another process can do with it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import pytest

from tests.simulator.cloud_scene import PHONE, TEMPLATE, open_sky, reply_message, template_message


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        yield sky


async def told(sky, path):
    async with sky.session.get(sky.server.make_url(f"/__control{path}")) as answer:
        return await answer.json()


async def test_every_verb_says_what_it_does_and_takes(sky):
    verbs = await told(sky, "")
    assert {"fault", "template", "webhooks", "phone", "tap", "choose", "write", "limits", "clock"} <= set(
        verbs
    )
    assert all(verb["does"] for verb in verbs.values())
    assert (verbs["tap"]["needs"], verbs["tap"]["may"]) == (["number", "message", "button"], [])


async def test_faults_are_scripted_and_cleared(sky):
    assert (await sky.control("fault", code=131016, times=2))[0] == 200
    assert await sky.code(template_message()) == 131016
    await sky.control("fault", code=131049, late=True, to=PHONE)
    await sky.control("no_faults")
    assert await sky.code(template_message()) == 0
    await sky.control("fault", code=131000, share=1.0)
    assert await sky.code(template_message()) == 131000


async def test_a_template_is_changed_and_reviewed_as_told(sky):
    await sky.control("template", name="alert_v1", language="en", status="PAUSED", quality="RED")
    assert await sky.code(template_message()) == 132015
    await sky.control("review", status="REJECTED", name="alert_v2", category="MARKETING")
    _, made = await sky.post(TEMPLATE | {"name": "alert_v2"}, "/200000000000001/message_templates")
    assert (made["status"], made["category"]) == ("REJECTED", "MARKETING")


async def test_webhooks_go_where_the_challenge_comes_back(sky):
    url = sky.cloud.webhooks.url
    status, text = await sky.control("webhooks", url=url)
    assert (status, "did not give the challenge back" in text) == (400, True)
    assert (await sky.control("webhooks", url=url, verify=False, batch=7, contacts=False))[0] == 200
    assert (sky.cloud.webhooks.how.batch, sky.cloud.webhooks.how.contacts) == (7, False)


async def test_people_tap_write_read_and_change_their_numbers(sky):
    _, text = await sky.control("phone", number=PHONE, name="Alex")
    assert json.loads(text)["number"] == PHONE
    await sky.control("write", number=PHONE, text="12")
    _, answer = await sky.post(reply_message("Yes"))
    await sky.control("tap", number=PHONE, message=answer["messages"][0]["id"], button=0)
    await sky.control("read", number=PHONE)
    await sky.control("phone", number=PHONE, new_number="15550000001")
    await sky.control("settle")
    kinds = [message["type"] for message in sky.ear.values("messages")]
    assert kinds == ["text", "interactive", "system"]
    assert sky.ear.values("statuses")[-1]["status"] == "read"
    assert [one["number"] for one in await told(sky, "/phones")] == ["15550000001"]
    messages = await told(sky, "/phones?number=15550000001")
    assert [one["text"] for one in messages][:3] == ["12", "Bella?", "Yes"]


async def test_the_account_and_its_health_are_set(sky):
    await sky.control("standing", registered=False, quality="RED", scopes=["whatsapp_business_messaging"])
    await sky.control("trouble", entity="WABA", code=141006, text="No payment method")
    assert await sky.code(template_message()) == 133010
    _, shown = await sky.call("GET", "100000000000001?fields=quality_rating,health_status")
    assert (shown["quality_rating"], shown["health_status"]["can_send_message"]) == ("RED", "BLOCKED")
    await sky.control("field", field="account_alerts", value={"alert_type": "OBA_APPROVED"})
    await sky.control("settle")
    assert sky.ear.fields("account_alerts") == [{"alert_type": "OBA_APPROVED"}]


async def test_counters_tell_what_came_and_what_was_refused(sky):
    await sky.control("limits", mps=3)
    for animal in ("Bella", "Bella (repeat)", "Bella"):
        await sky.post(template_message(animal, biz_opaque_callback_data=f"m{len(animal)}"))
    assert await sky.code(template_message()) == 130429
    found = await told(sky, "/counters?mark=(repeat)")
    assert (found["accepted"], found["ids"]) == (3, 2)
    assert (found["refused"], found["refused_by_limit"]) == ({"130429": 1}, {"130429": 1})
    assert found["repeated_unmarked"] == ["m5"]
    assert found["statuses"] == {"sent": 3, "delivered": 3}


async def test_the_clock_moves_when_it_is_told(sky):
    await sky.post(template_message())
    later_ms = sky.clock.utc_ms + 90_000
    assert json.loads((await sky.control("clock", utc_ms=later_ms))[1]) == {"utc_ms": later_ms}
    assert (await sky.control("clock", utc_ms=0))[0] == 400


@pytest.mark.parametrize(
    ("verb", "asked", "status"),
    [
        ("nothing", {}, 404), ("fault", {"colour": "red"}, 400), ("fault", {"hold": 1}, 400),
        ("fault", {"code": "131000"}, 400), ("fault", {"share": 2.0}, 400), ("limits", {"mps": "many"}, 400),
        ("limits", {"refused": 1}, 400), ("limits", {"mps": 0}, 400), ("fault", {"times": -1}, 400),
        ("webhooks", {"batch": 0}, 400), ("tap", {}, 400),
        ("tap", {"number": "1", "message": "x", "button": 0}, 404),
        ("tap", {"number": 1, "message": "x", "button": 0}, 400),
        ("write", {"number": "1", "text": ["x"]}, 400), ("field", {"field": "security", "value": 7}, 400),
        ("review", {"status": "SOMETHING"}, 400), ("trouble", {"entity": "WABA", "state": "BAD"}, 400),
        ("webhooks", {"batch": 1001}, 400), ("clock", {"utc_ms": True}, 400),
        ("template", {"name": "none", "language": "en", "status": "PAUSED"}, 404),
        ("template", {"name": "alert_v1", "language": "en", "status": "SOMETHING"}, 400),
        ("template", {"name": "alert_v1", "language": "en", "category": "FREE"}, 400),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_refused_in_words(sky, verb, asked, status):
    assert (await sky.control(verb, **asked))[0] == status


async def test_a_form_on_another_site_controls_nothing(sky):
    async with sky.session.post(sky.server.make_url("/__control/no_faults"), data={"a": "b"}) as answer:
        assert answer.status == 415


def test_as_a_process_of_its_own_it_stands_still_until_its_clock_is_moved():
    command = [sys.executable, "-m", "simulator", "cloud", "--port", "0", "--still", "--token", "t"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().split(" at ")[1].split()[0]
            body = json.dumps({"utc_ms": 1_780_000_000_000}).encode()
            asked = urllib.request.Request(
                f"{url}/__control/clock", data=body, headers={"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(asked, timeout=30) as answer:
                assert json.load(answer) == {"utc_ms": 1_780_000_000_000}
        finally:
            process.terminate()
            process.wait(30)
