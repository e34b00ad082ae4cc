"""What goes wrong with Meta goes wrong here on demand: every error code, every way to lose an answer."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from simulator.cloud import Fault
from simulator.cloud_errors import code_of, codes
from tests.simulator.cloud_scene import NUMBER_ID, PHONE, open_sky, template_message

OTHER = "4917000002"


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        yield sky


async def raw(sky, body=None):
    """Return status, type and text of an answer."""
    url, headers = sky.server.make_url(f"/{NUMBER_ID}/messages"), {"Authorization": "Bearer fake-token"}
    async with sky.session.post(url, json=body or template_message(), headers=headers) as answer:
        return answer.status, answer.content_type, await answer.text()


def bubbles(sky):
    return [bubble for phone in sky.cloud.phones.all() for bubble in phone.bubbles]


@pytest.mark.parametrize("code", sorted(codes()))
async def test_every_code_of_the_table_is_answered_with_its_status(sky, code):
    sky.cloud.fault(Fault(code=code))
    status, answer = await sky.post(template_message())
    assert (status, answer["error"]["code"]) == (codes()[code].status, code)
    assert answer["error"]["message"] == f"(#{code}) {codes()[code].title}"
    assert answer["error"].get("is_transient", False) == codes()[code].transient
    assert bubbles(sky) == []
    assert await sky.code(template_message()) == 0


def test_the_table_knows_the_permissions_and_what_it_does_not_list():
    assert len(codes()) >= 55
    assert code_of(294).status == 403
    assert code_of(999_999).status == 400


async def test_an_unknown_code_may_call_itself_transient(sky):
    sky.cloud.fault(Fault(code=999_999, transient=True))
    _, answer = await sky.post(template_message())
    assert answer["error"]["is_transient"] is True


async def test_scripted_faults_happen_once_each_and_in_order(sky):
    sky.cloud.fault(Fault(code=131016), times=2)
    sky.cloud.fault(Fault(code=131000))
    assert len(sky.cloud.faults) == 3
    assert [await sky.code(template_message()) for _ in range(4)] == [131016, 131016, 131000, 0]


async def test_a_fault_may_be_for_one_person_or_one_template_and_for_ever(sky):
    sky.cloud.fault(Fault(code=131026), times=0, to=f"+{PHONE}")
    sky.cloud.fault(Fault(code=132015), template="alert_v1")
    assert await sky.code(template_message(to=OTHER)) == 132015
    assert await sky.code(template_message(to=OTHER)) == 0
    assert [await sky.code(template_message()) for _ in range(3)] == [131026] * 3
    sky.cloud.faults.clear()
    assert await sky.code(template_message()) == 0


async def test_a_share_of_all_messages_fails_and_the_seed_says_which():
    async def hit(seed):
        async with open_sky() as sky:
            sky.cloud.faults.often(Fault(code=131000), 0.3, seed)
            sky.cloud.limits.pair_burst = sky.cloud.limits.mps = 100
            ids = [f"m{at}" for at in range(60)]
            return {one for one in ids if await sky.code(template_message(biz_opaque_callback_data=one))}

    first = await hit(1)
    assert first == await hit(1)
    assert first != await hit(2)
    assert 9 <= len(first) <= 27


async def test_a_share_is_between_nothing_and_all(sky):
    with pytest.raises(ValueError, match=r"share=1\.5"):
        sky.cloud.faults.often(Fault(), 1.5)


@pytest.mark.parametrize("accept", [True, False])
async def test_a_connection_is_lost_before_or_after_the_message_was_taken(sky, accept):
    sky.cloud.fault(Fault(drop=True, accept=accept))
    with pytest.raises(aiohttp.ClientError):
        await sky.post(template_message())
    assert len(bubbles(sky)) == accept


@pytest.mark.parametrize("accept", [True, False])
async def test_a_bad_gateway_may_have_taken_it_or_not(sky, accept):
    sky.cloud.fault(Fault(bad_gateway=True, accept=accept))
    status, kind, text = await raw(sky)
    assert (status, kind, "<html>" in text) == (502, "text/html", True)
    assert len(bubbles(sky)) == accept


@pytest.mark.parametrize("accept", [True, False])
async def test_an_answer_may_end_in_the_middle_of_its_json(sky, accept):
    sky.cloud.fault(Fault(half=True, accept=accept))
    status, kind, text = await raw(sky)
    assert (status, kind, text[0]) == (200, "application/json", "{")
    with pytest.raises(ValueError, match=r"."):
        json.loads(text)
    assert len(bubbles(sky)) == accept


async def test_a_held_answer_waits_for_its_event(sky):
    gate = asyncio.Event()
    sky.cloud.fault(Fault(hold=gate))
    sending = asyncio.create_task(sky.post(template_message()))
    await sky.cloud.phones.wait_newer(sky.cloud.phones.get(PHONE), 0)
    assert not sending.done()
    gate.set()
    assert (await sending)[0] == 200


async def test_a_late_answer_comes_when_the_fakes_clock_says_so(sky):
    sky.cloud.fault(Fault(delay_ms=5000))
    sending = asyncio.create_task(sky.post(template_message()))
    await sky.cloud.phones.wait_newer(sky.cloud.phones.get(PHONE), 0)
    await sky.later(4999)
    assert not sending.done()
    await sky.later(1)
    assert (await sending)[0] == 200


async def test_an_answer_that_never_comes_ends_with_the_client_and_the_status_comes_all_the_same(sky):
    sky.cloud.fault(Fault(hang=True))
    sending = asyncio.create_task(sky.post(template_message()))
    await sky.cloud.phones.wait_newer(sky.cloud.phones.get(PHONE), 0)
    sending.cancel()
    await sky.cloud.settle()
    assert [one["biz_opaque_callback_data"] for one in sky.ear.values("statuses")] == ["m1", "m1"]


async def test_a_message_may_be_accepted_and_fail_later(sky):
    sky.cloud.fault(Fault(code=131049, late=True, details="Meta chose not to deliver it"))
    status, answer = await sky.post(template_message())
    await sky.cloud.settle()
    assert status == 200
    [failed] = sky.ear.values("statuses")
    assert (failed["id"], failed["status"]) == (answer["messages"][0]["id"], "failed")
    [error] = failed["errors"]
    assert (error["code"], error["title"]) == (131049, "Meta chose not to deliver.")
    assert error["error_data"] == {"details": "Meta chose not to deliver it"}
    assert "pricing" not in failed
    assert "recipient_user_id" not in failed
    assert sky.ear.values("contacts") == []
    assert bubbles(sky) == []


async def test_a_message_may_be_held_for_quality_and_reach_nobody(sky):
    sky.cloud.fault(Fault(held=True))
    _, answer = await sky.post(template_message())
    assert answer["messages"][0]["message_status"] == "held_for_quality_assessment"
    assert bubbles(sky) == []


async def test_what_came_is_counted_by_callback_data_and_a_marked_repeat_is_told_from_a_double(sky):
    for opaque, animals in (("a", ["Bella"]), ("b", ["Rosa", "Rosa (repeat)"]), ("c", ["Mia", "Mia"])):
        for animal in animals:
            await sky.post(template_message(animal, biz_opaque_callback_data=opaque))
    counters = sky.cloud.counters
    assert {one: len(texts) for one, texts in counters.came.items()} == {"a": 1, "b": 2, "c": 2}
    repeats = counters.repeats(["(repeat)", "(Wiederholung)"])
    assert (repeats.marked, repeats.unmarked) == (("b",), ("c",))
    assert counters.accepted == 5
