"""What becomes of a message, whatever the Cloud API does with it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from aiohttp import web

from relay.storage.ports import (
    ACCEPTED,
    DEAD,
    EXPIRED,
    FAILED,
    QUEUED,
    SENDING,
    SENT,
    UNKNOWN,
    Unwritable,
)
from relay.whatsapp.begun import Begun
from relay.whatsapp.client import Client
from relay.whatsapp.delivery import BLIND_AFTER, MAX_ATTEMPTS, Limits, jittered_ms
from relay.whatsapp.dispatcher import AT_ONCE
from tests.relay.whatsapp_scene import NUMBER_ID, PHONE, opened, running

REPEAT_AFTER_MS = Limits().unknown_wait_ms
SOME = 12
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
        scene.restart(client=nobody)
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
    scene.dispatcher.under_way.finish_s = 0
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
    people = await scene.people(AT_ONCE + 20)
    gate = asyncio.Event()
    scene.graph.script.extend([gate] * len(people))
    await scene.storage.queue([scene.alert(f"m{who}", person_id=who) for who in people])
    async with scene.dispatching():
        await scene.graph.count(AT_ONCE)
        gate.set()
        await scene.quiet()
    assert scene.graph.most == AT_ONCE
    assert len(scene.graph.bodies) == len(people)


async def test_a_breaker_keeps_everything_queued_and_probes_with_one_message(scene):
    scene.graph.script.extend([190] * (SOME + 1))
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(SOME)])
    async with scene.dispatching():
        await scene.quiet()
        assert len(scene.graph.bodies) == SOME
        await scene.on(60)
        assert len(scene.graph.bodies) == SOME + 1
        await scene.on(60)
    assert await scene.storage.outbox_counts() == {ACCEPTED: SOME}


async def test_a_burst_that_is_too_fast_pauses_as_short_as_one_message_would(scene):
    scene.graph.script.extend([130429] * SOME)
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(SOME)])
    async with scene.dispatching():
        await scene.quiet()
        await scene.on(1)
    assert await scene.storage.outbox_counts() == {ACCEPTED: SOME}


async def test_a_clock_set_back_a_day_does_not_keep_a_pause_or_a_retry_for_a_day(scene):
    scene.graph.script.extend([131016, 190])
    await scene.storage.queue([scene.alert("m1"), scene.alert("m2")])
    async with scene.dispatching():
        await scene.quiet()
        assert await scene.storage.outbox_counts() == {QUEUED: 2}
        scene.clock.set_back(scene.clock.now_ms() - 86_400_000)
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


async def test_messages_to_one_person_are_spaced_and_nobody_else_waits_for_them(scene):
    scene.restart(limits=Limits())
    somebody = (await scene.people(1))[0]
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(5)])
    await scene.storage.queue([scene.alert("other", person_id=somebody)])
    async with scene.dispatching():
        await scene.quiet()
        assert await scene.storage.outbox_counts() == {ACCEPTED: 4, QUEUED: 2}
        assert await scene.storage.message_state("other") == ACCEPTED
        for left in (1, 0):
            await scene.on(6)
            assert (await scene.storage.outbox_counts()).get(QUEUED, 0) == left


async def test_what_is_urgent_overtakes_what_waits_for_its_turn(scene):
    scene.restart(limits=Limits(pair_burst=1))
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(4)])
    async with scene.dispatching():
        await scene.quiet()
        await scene.storage.queue([scene.alert("urgent", critical=True)])
        scene.dispatcher.wake()
        await scene.quiet()
        await scene.on(6)
    assert [body["biz_opaque_callback_data"] for body in scene.graph.bodies] == ["m0", "urgent"]


async def test_no_second_has_more_messages_than_the_settings_allow(scene):
    people = await scene.people(30)
    scene.restart(limits=Limits(mps=8))
    await scene.storage.queue([scene.alert(f"m{who}", person_id=who) for who in people])
    async with scene.dispatching():
        await scene.quiet()
        assert len(scene.graph.bodies) == 2
        for quarter in range(1, 9):
            scene.clock.advance(scene.clock.now_ms() + 125)
            await scene.quiet()
            assert len(scene.graph.bodies) == 2 + quarter


async def test_the_window_decides_between_text_and_template_when_the_message_goes(scene):
    await scene.storage.heard(scene.person_id, scene.clock.now_ms(), None)
    async with scene.dispatching():
        for hours, kind in ((0, "interactive"), (23, "interactive"), (1, "template")):
            await scene.on(hours * 3600)
            await scene.storage.queue([scene.pictured(f"after {hours}", picture=None)])
            scene.dispatcher.wake()
            await scene.quiet()
            assert scene.graph.bodies[-1]["type"] == kind


async def test_a_person_who_has_only_a_user_name_is_written_to(scene):
    who = await scene.storage.add_person(
        scene.farm_id, "Sam", "", consent_ms=0, consent_text="in person", user_id="US.13491208655302741918"
    )
    await scene.storage.queue([scene.alert(person_id=who)])
    async with scene.dispatching():
        await scene.quiet()
    assert scene.graph.bodies[0]["recipient"] == "US.13491208655302741918"


async def test_who_opted_out_while_a_message_waited_does_not_get_it(scene):
    scene.graph.script.append(131016)
    await scene.storage.queue([scene.alert()])
    async with scene.dispatching():
        await scene.quiet()
        await scene.storage.opt_out(scene.person_id, scene.clock.now_ms())
        await scene.on(3600)
    assert len(scene.graph.bodies) == 1
    assert await scene.storage.message_state("m1") == FAILED


async def test_what_another_process_queued_is_found_within_a_minute(scene):
    async with scene.dispatching():
        await scene.quiet()
        await scene.storage.queue([scene.alert(lives_ms=3_600_000)])
        scene.clock.advance(scene.clock.now_ms() + 60_000)
        await scene.graph.count(1)
        await scene.quiet()
    assert await scene.storage.message_state("m1") == ACCEPTED


async def test_what_was_claimed_and_never_posted_goes_after_a_kill_and_what_was_posted_does_not(
    scene, tmp_path
):
    killed = Begun(tmp_path / "begun")
    killed.recovered()
    await scene.storage.queue([scene.alert("m1"), scene.alert("m2")])
    assert len(await scene.storage.claim(scene.clock.now_ms(), 10)) == 2
    killed.begin("m2")
    scene.restart(begun=Begun(tmp_path / "begun"))
    async with scene.dispatching():
        await scene.quiet()
    assert [body["biz_opaque_callback_data"] for body in scene.graph.bodies] == ["m1"]
    assert await scene.storage.outbox_counts() == {ACCEPTED: 1, UNKNOWN: 1}
    assert "(repeat)" not in str(scene.graph.bodies)


async def test_what_the_last_kill_left_says_nothing_of_a_task_that_is_started_again(scene, tmp_path):
    begun = Begun(tmp_path / "begun")
    scene.restart(begun=begun)
    scene.dispatcher.under_way.finish_s = 0
    scene.graph.script.append(asyncio.Event())
    await scene.storage.queue([scene.alert()])
    async with scene.dispatching():
        await scene.graph.count(1)
    assert Begun(tmp_path / "begun").before == {"m1"}
    async with scene.dispatching():
        await scene.quiet()
    assert await scene.storage.message_state("m1") == UNKNOWN
    assert len(scene.graph.bodies) == 1
    begun.close()


async def test_a_settled_post_is_over(scene, tmp_path):
    begun = Begun(tmp_path / "begun")
    scene.restart(begun=begun)
    scene.graph.script.extend([None, 131026, 131016, "drop"])
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(4)])
    async with scene.dispatching():
        await scene.quiet()
    begun.close()
    assert Begun(tmp_path / "begun").before == frozenset()


async def test_what_is_claimed_in_the_moment_of_a_stop_goes_back(scene):
    claims = asyncio.Event()
    claim = scene.storage.claim

    async def slow_claim(*arguments):
        claims.set()
        return await claim(*arguments)

    scene.storage.claim = slow_claim
    await scene.storage.queue([scene.alert()])
    async with running(scene.dispatcher.run()) as dispatcher:
        await claims.wait()
        dispatcher.cancel()
        await asyncio.wait({dispatcher})
    assert await scene.storage.message_state("m1") == QUEUED
    assert scene.graph.bodies == []


async def test_an_outage_costs_a_few_messages_and_not_all_of_them(scene):
    scene.restart(limits=Limits(mps=4, pair_burst=45))
    scene.graph.is_away = True
    await scene.storage.queue([scene.alert(f"m{number}") for number in range(20)])
    async with scene.dispatching():
        for _ in range(20):
            await scene.on(1)
        assert await scene.storage.outbox_counts() == {UNKNOWN: BLIND_AFTER, QUEUED: 20 - BLIND_AFTER}
        assert scene.counters.breaker._value.get() == 1
        await scene.on(600)  # it is still away: something harmless says so
        assert len(scene.graph.bodies) == BLIND_AFTER
        scene.graph.is_away = False
        for _ in range(20):
            await scene.on(60)
    assert await scene.storage.outbox_counts() == {EXPIRED: BLIND_AFTER, ACCEPTED: 20 - BLIND_AFTER}
    assert scene.counters.breaker._value.get() == 0


@pytest.mark.parametrize("back_s", [90, 86_400])
async def test_what_is_unknown_is_cleared_up_though_the_clock_was_set_back(scene, back_s):
    scene.graph.script.append("drop")
    await scene.storage.queue([scene.alert(critical=True, lives_ms=10 * 86_400_000)])
    async with scene.dispatching():
        await scene.quiet()
        scene.clock.set_back(scene.clock.now_ms() - back_s * 1000)
        scene.dispatcher.wake()
        await scene.quiet()
        for _ in range(3):
            await scene.on(120)
    assert await scene.storage.message_state("m1") == ACCEPTED
    assert len(scene.graph.bodies) == 2


async def test_a_clock_that_is_not_set_yet_after_a_restart_decides_nothing(scene):
    scene.graph.script.append("drop")
    await scene.storage.queue([scene.alert(critical=True)])
    async with scene.dispatching():
        await scene.quiet()
    now_ms = scene.clock.now_ms()
    scene.clock.set_back(0)
    scene.restart()
    async with scene.dispatching():
        await scene.quiet()
        scene.clock.advance(now_ms + 1_000)
        await scene.quiet()
        assert await scene.storage.message_state("m1") == UNKNOWN
    assert len(scene.graph.bodies) == 1


class FullDisk:
    """A store whose disk takes no outcome and no claim the first few times."""

    def __init__(self, store, times):
        self._store, self.times = store, times

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def settle(self, *arguments, **named):
        self._fill()
        await self._store.settle(*arguments, **named)

    async def claim(self, *arguments):
        self._fill()
        return await self._store.claim(*arguments)

    def _fill(self):
        if self.times:
            self.times -= 1
            raise Unwritable("disk full")


@pytest.mark.parametrize("taken", [0, 1])
async def test_a_full_disk_delays_what_is_sent_and_its_outcome_and_doubles_nothing(scene, taken):
    real, scene.storage = scene.storage, FullDisk(scene.storage, 0 if taken else 2)
    scene.restart()
    gate = asyncio.Event()
    scene.graph.script.append(gate)
    await real.queue([scene.alert()])
    async with scene.dispatching():
        if taken:
            await scene.graph.count(1)
            scene.storage.times = 2
            gate.set()
        for _ in range(3):
            while scene.storage.times and not scene.clock._waiting:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0)
            scene.clock.advance(scene.clock.now_ms() + 1_000)
            gate.set()
            for _ in range(50):
                await asyncio.sleep(0)
        await scene.quiet()
    assert await real.message_state("m1") == ACCEPTED
    assert len(scene.graph.bodies) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_goes_wrong_nothing_normal_comes_twice_and_what_is_urgent_at_most_once_more(
    scene, seed
):
    draw = random.Random(seed)
    people = await scene.people(12)
    for number in range(60):
        message = scene.alert(f"m{number}", critical=number % 3 == 0, person_id=people[number % 12])
        await scene.storage.queue([message])
    faults = [None, None, None, "drop", 131016, 130429, 131056, 190, web.Response]
    for _ in range(6):
        for _ in range(30):
            step = draw.choice(faults)
            scene.graph.script.append(web.Response(status=502) if step is web.Response else step)
        scene.restart(limits=Limits(mps=40))
        async with scene.dispatching():
            for _ in range(3):
                await scene.quiet()
                await scene.on(draw.choice([1, 10, 100, 4000]))
    taken = Counter(body["biz_opaque_callback_data"] for body in scene.graph.taken)
    marked = {body["biz_opaque_callback_data"] for body in scene.graph.taken if "(repeat)" in str(body)}
    for number in range(60):
        name = f"m{number}"
        assert taken[name] <= (2 if number % 3 == 0 else 1)
        assert taken[name] < 2 or name in marked


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
