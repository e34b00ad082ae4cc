"""What becomes of a message, whatever the Cloud API does with it."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from relay.clock import FollowedClock
from relay.storage.ports import ACCEPTED, DEAD, EXPIRED, FAILED, QUEUED, SENDING, SENT, UNKNOWN
from relay.whatsapp.client import Client
from relay.whatsapp.dispatcher import AT_ONCE, MAX_ATTEMPTS, REPEAT_AFTER_MS, Dispatcher, jittered_ms
from tests.relay.whatsapp_scene import NUMBER_ID, PHONE, opened, running

HTML = "<html>Bad Gateway</html>"


@pytest.fixture
async def scene(tmp_path):
    async with opened(tmp_path / "state") as scene:
        yield scene


async def state_after(scene, *script, **message):
    """Queue one message, let the dispatcher run until it rests, return the message's state."""
    scene.graph.script.extend(script)
    await scene.storage.queue([scene.alert(**message)])
    async with scene.dispatching():
        await scene.quiet()
        return await scene.storage.message_state("m1")


async def test_an_accepted_message_is_recorded_with_its_wamid(scene):
    assert await state_after(scene) == ACCEPTED
    assert await scene.storage.apply_status(None, "wamid.1", SENT, scene.clock.now_ms())


async def test_a_template_leaves_with_named_parameters_button_payloads_and_the_outbox_id(scene):
    await state_after(scene, language="de")
    body = scene.graph.bodies[0]
    assert (body["to"], body["biz_opaque_callback_data"], body["type"]) == (PHONE, "m1", "template")
    template = body["template"]
    assert (template["name"], template["language"]) == ("collar_health_alert_v1", {"code": "de"})
    texts, *buttons = template["components"]
    assert {one["parameter_name"]: one["text"] for one in texts["parameters"]}["animal"] == "Bella (12)"
    assert [button["index"] for button in buttons] == ["0", "1", "2"]
    assert buttons[0]["parameters"] == [{"type": "payload", "payload": scene.payload("ack")}]


async def test_a_free_form_text_answers_in_its_context(scene):
    await state_after(scene, text="Noted.", reply_to="wamid.in1")
    body = scene.graph.bodies[0]
    assert (body["text"]["body"], body["context"]) == ("Noted.", {"message_id": "wamid.in1"})


@pytest.mark.parametrize(
    ("code", "state"),
    [(131026, FAILED), (131047, FAILED), (132000, DEAD), (100, DEAD), (131016, QUEUED), (999_999, QUEUED),
     (130429, QUEUED), (131056, QUEUED), (190, QUEUED), (131042, QUEUED), (132015, QUEUED)],
)  # fmt: skip
async def test_the_code_decides_and_not_the_http_status(scene, code, state):
    assert await state_after(scene, code) == state
    assert len(scene.graph.bodies) == 1


async def test_a_transient_error_is_tried_again_later_and_later_and_then_given_up(scene):
    scene.graph.script.extend([131016] * MAX_ATTEMPTS)
    await scene.storage.queue([scene.alert()])
    waits = []
    async with scene.dispatching():
        for _ in range(MAX_ATTEMPTS - 1):
            await scene.quiet()
            due_ms = await scene.storage.next_due_ms()
            waits.append(due_ms - scene.clock.now_ms())
            scene.clock.advance(due_ms)
        await scene.quiet()
    assert [round(wait / 4**at / 1000) for at, wait in enumerate(waits)] == [1] * (MAX_ATTEMPTS - 1)
    assert await scene.storage.message_state("m1") == DEAD


async def test_a_message_that_never_left_is_tried_until_it_expires(scene, unused_tcp_port):
    nobody = Client(
        base_url=f"http://127.0.0.1:{unused_tcp_port}",
        graph_version="v26.0",
        phone_number_id=NUMBER_ID,
        token="t",
    )
    async with nobody:
        scene.dispatcher = Dispatcher(scene.storage, nobody, scene.clock, scene.dispatcher._bodies)
        await scene.storage.queue([scene.alert(lives_ms=3_600_000)])
        async with scene.dispatching():
            await scene.quiet()
            while (due_ms := await scene.storage.next_due_ms()) is not None:
                assert due_ms > scene.clock.now_ms()
                scene.clock.advance(due_ms)
                await scene.quiet()
    assert await scene.storage.message_state("m1") == EXPIRED


@pytest.mark.parametrize("lost", ["drop", web.Response(status=502, text=HTML), web.Response(text="{}")])
async def test_an_answer_that_proves_nothing_leaves_the_message_unknown(scene, lost):
    assert await state_after(scene, lost) == UNKNOWN
    assert len(scene.graph.bodies) == 1


async def test_a_status_settles_what_was_unknown(scene):
    async with scene.listening() as hook, scene.dispatching():
        scene.graph.script.append("drop")
        await scene.storage.queue([scene.alert(critical=True)])
        scene.dispatcher.wake()
        await scene.quiet()
        assert await hook.post(scene.client._session, statuses=[scene.status("sent")]) == 200
        await scene.quiet()
        scene.clock.advance(scene.clock.now_ms() + 2 * REPEAT_AFTER_MS)
        await scene.quiet()
    assert await scene.storage.message_state("m1") == SENT
    assert len(scene.graph.bodies) == 1


async def test_a_critical_message_of_unknown_fate_goes_out_once_more_marked_and_never_again(scene):
    scene.graph.script.extend(["drop", "drop"])
    await scene.storage.queue([scene.alert(critical=True)])
    async with scene.dispatching():
        for _ in range(4):
            await scene.quiet()
            scene.clock.advance(scene.clock.now_ms() + REPEAT_AFTER_MS)
        await scene.quiet()
    animals = [body["template"]["components"][0]["parameters"][0]["text"] for body in scene.graph.bodies]
    assert animals == ["Bella (12)", "Bella (12) (repeat)"]
    assert await scene.storage.message_state("m1") == EXPIRED


async def test_another_message_of_unknown_fate_never_goes_out_again(scene):
    assert await state_after(scene, "drop") == UNKNOWN
    async with scene.dispatching():
        await scene.quiet()
        scene.clock.advance(scene.clock.now_ms() + REPEAT_AFTER_MS)
        await scene.quiet()
    assert await scene.storage.message_state("m1") == EXPIRED
    assert len(scene.graph.bodies) == 1


async def test_a_relay_that_died_while_sending_learns_the_outcome_from_the_status(scene):
    gate = asyncio.Event()
    scene.graph.script.append(gate)
    scene.dispatcher.finish_s = 0
    await scene.storage.queue([scene.alert()])
    async with scene.dispatching():
        await scene.graph.count(1)
        assert await scene.storage.message_state("m1") == SENDING
    gate.set()
    async with scene.dispatching():
        await scene.quiet()
        assert await scene.storage.message_state("m1") == UNKNOWN
        await scene.storage.apply_status("m1", "wamid.1", SENT, scene.clock.now_ms())
    assert await scene.storage.message_state("m1") == SENT
    assert len(scene.graph.bodies) == 1


async def test_a_relay_that_is_stopped_hears_the_answers_it_waits_for(scene):
    gate = asyncio.Event()
    scene.graph.script.append(gate)
    await scene.storage.queue([scene.alert()])
    async with running(scene.dispatcher.run()) as dispatcher:
        await scene.graph.count(1)
        dispatcher.cancel()
        gate.set()
        await asyncio.wait({dispatcher})
    assert await scene.storage.message_state("m1") == ACCEPTED


async def test_several_messages_are_sent_at_once_but_not_all(scene):
    gate = asyncio.Event()
    scene.graph.script.extend([gate] * 20)
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(20)])
    async with scene.dispatching():
        await scene.graph.count(AT_ONCE)
        gate.set()
        await scene.quiet()
    assert scene.graph.most == AT_ONCE
    assert len(scene.graph.bodies) == 20


async def test_a_breaker_keeps_everything_queued_and_probes_with_one_message(scene):
    scene.graph.script.extend([190] * (AT_ONCE + 1))
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(12)])
    async with scene.dispatching():
        await scene.quiet()
        assert len(scene.graph.bodies) == AT_ONCE
        scene.clock.advance(scene.clock.now_ms() + 60_000)
        await scene.quiet()
        assert len(scene.graph.bodies) == AT_ONCE + 1
        scene.clock.advance(scene.clock.now_ms() + 60_000)
        await scene.quiet()
    assert await scene.storage.outbox_counts() == {ACCEPTED: 12}


async def test_a_burst_that_is_too_fast_pauses_as_short_as_one_message_would(scene):
    scene.graph.script.extend([130429] * AT_ONCE)
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(AT_ONCE)])
    async with scene.dispatching():
        await scene.quiet()
        scene.clock.advance(scene.clock.now_ms() + 1_000)
        await scene.quiet()
    assert await scene.storage.outbox_counts() == {ACCEPTED: AT_ONCE}


async def test_pauses_in_a_row_grow(scene):
    scene.graph.script.extend([130429] * 3)
    await scene.storage.queue([scene.alert()])
    waits = []
    async with scene.dispatching():
        for _ in range(3):
            await scene.quiet()
            due_ms = await scene.storage.next_due_ms()
            waits.append(due_ms - scene.clock.now_ms())
            scene.clock.advance(due_ms)
        await scene.quiet()
    assert waits == [1_000, 4_000, 16_000]


async def test_a_clock_set_back_a_day_does_not_keep_a_pause_or_a_retry_for_a_day(scene):
    scene.graph.script.extend([131016, 190])
    await scene.storage.queue([scene.alert("m1"), scene.alert("m2")])
    async with scene.dispatching():
        await scene.quiet()
        assert await scene.storage.outbox_counts() == {QUEUED: 2}
        scene.clock = scene.dispatcher._clock = FollowedClock(scene.clock.now_ms() - 86_400_000)
        scene.dispatcher.wake()
        await scene.quiet()
    assert await scene.storage.outbox_counts() == {ACCEPTED: 2}


async def test_a_clock_set_forward_a_day_sends_nothing_stale(scene):
    scene.graph.script.append(190)
    await scene.storage.queue([scene.alert()])
    async with scene.dispatching():
        await scene.quiet()
        scene.clock.advance(scene.clock.now_ms() + 86_400_000)
        await scene.quiet()
    assert await scene.storage.outbox_counts() == {EXPIRED: 1}
    assert len(scene.graph.bodies) == 1


async def test_a_template_missing_in_a_language_goes_out_in_english(scene):
    assert await state_after(scene, 132001, language="hi") == ACCEPTED
    codes = [body["template"]["language"]["code"] for body in scene.graph.bodies]
    assert codes == ["hi", "en"]


async def test_a_template_missing_in_english_too_fails(scene):
    assert await state_after(scene, 132001, 132001, language="hi") == FAILED


@pytest.mark.parametrize(
    "body", [{"template": "nonsense"}, {"text": ""}, {"template": "health_alert", "params": {}}]
)
async def test_a_message_that_cannot_be_said_is_dead_and_stops_no_other(scene, body):
    await scene.storage.queue([scene.alert("m0", **body), scene.alert("m1")])
    async with scene.dispatching():
        await scene.quiet()
    states = [await scene.storage.message_state(name) for name in ("m0", "m1")]
    assert states == [DEAD, ACCEPTED]


async def test_no_phone_number_and_no_token_reaches_the_log(scene, caplog):
    caplog.set_level("DEBUG")
    await state_after(scene, 100)
    assert "was refused" in caplog.text
    assert PHONE not in caplog.text
    assert "secret-token" not in caplog.text


async def test_nothing_is_sent_before_its_attempt_is_stored(scene):
    attempts = []

    async def look():
        await scene.graph.count(1)
        attempts.append(await scene.storage.message_state("m1"))

    gate = asyncio.Event()
    scene.graph.script.append(gate)
    await scene.storage.queue([scene.alert()])
    async with scene.dispatching(), running(look()) as looking:
        await looking
        gate.set()
    assert attempts == [SENDING]


def test_jitter_stays_within_a_fifth_and_repeats_itself():
    draws = [jittered_ms(100, f"m{number}", 1) for number in range(200)]
    assert 80_000 <= min(draws) < 85_000
    assert 115_000 < max(draws) <= 120_000
    assert draws[7] == jittered_ms(100, "m7", 1)
