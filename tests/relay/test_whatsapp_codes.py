"""Every error code of the table, answered by a real server: what the dispatcher does with the message."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from aiohttp import web

from relay.model import DeliveryStatus
from relay.storage.ports import ACCEPTED, DEAD, FAILED, QUEUED
from relay.whatsapp.delivery import MAX_LATE
from relay.whatsapp.graph_codes import RULES, Action, rule_for
from tests.relay.whatsapp_scene import opened

ROWS = {rule: [code for code, of in RULES.items() if of is rule] for rule in dict.fromkeys(RULES.values())}
IDS = [f"{codes[0]}-{rule.action.value}" for rule, codes in ROWS.items()]
STOPS_ALL = {Action.PAUSE, Action.BREAKER}
WAITS = {*STOPS_ALL, Action.RETRY, Action.PERSON, Action.HOLD}
SAID_OTHERWISE = {Action.LANGUAGE}
JITTER = 0.2
HOUR_S = 3600


@dataclass
class Case:
    """One code and the message that meets it."""

    code: int
    id: str
    other: str
    person_id: int


@pytest.fixture
async def scene(tmp_path):
    async with opened(tmp_path / "state") as scene:
        scene.somebody = (await scene.people(1))[0]
        yield scene


async def cases(scene, codes):
    """Yield each code in turn, before a dispatcher that remembers nothing of the one before."""
    for code in codes:
        scene.restart()
        scene.graph.bodies.clear()
        yield Case(code, f"code {code}", f"beside {code}", scene.person_id)


async def meets(scene, case):
    """Let the message meet its code, and after that queue one for somebody else."""
    scene.graph.script.append(case.code)
    await scene.storage.queue([scene.alert(case.id, language="de")])
    await scene.quiet()
    await scene.storage.queue([scene.alert(case.other, person_id=scene.somebody)])
    scene.dispatcher.wake()
    await scene.quiet()


def state_after(rule):
    if rule.action in WAITS:
        return QUEUED
    if rule.action is Action.DEAD:
        return DEAD
    return ACCEPTED if rule.action in SAID_OTHERWISE else FAILED


def test_the_table_knows_more_codes_than_there_are_in_metas_page():
    assert len(RULES) >= 55
    assert all(rule.hint for rule in ROWS)


@pytest.mark.parametrize(("rule", "codes"), ROWS.items(), ids=IDS)
async def test_what_a_code_does_to_its_message_and_to_everybody_elses(scene, rule, codes):
    async for case in cases(scene, codes):
        async with scene.dispatching():
            await meets(scene, case)
            assert await scene.storage.message_state(case.id) == state_after(rule), case
            beside = QUEUED if rule.action in STOPS_ALL else ACCEPTED
            assert await scene.storage.message_state(case.other) == beside, case
            stopped = scene.counters.breaker._value.get()
            assert stopped == (rule.action is Action.BREAKER), case
            scene.graph.script.clear()
            await scene.on(HOUR_S)
        assert await scene.storage.message_state(case.other) == ACCEPTED
        assert scene.counters.breaker._value.get() == 0


@pytest.mark.parametrize(("rule", "codes"), [row for row in ROWS.items() if row[0].action in WAITS])
async def test_what_waits_waits_as_long_as_the_table_says_and_then_goes(scene, rule, codes):
    async for case in cases(scene, codes):
        scene.graph.script.append(case.code)
        await scene.storage.queue([scene.alert(case.id)])
        async with scene.dispatching():
            await scene.quiet()
            wait_s = (await scene.storage.next_due_ms() - scene.clock.now_ms()) / 1000
            spread = 0 if rule.action in STOPS_ALL or rule.action is Action.PERSON else JITTER
            assert wait_s == pytest.approx(rule.first_s, rel=spread, abs=0), case
            await scene.on(int(wait_s + 1))
        assert await scene.storage.message_state(case.id) == ACCEPTED


@pytest.mark.parametrize(("rule", "codes"), ROWS.items(), ids=IDS)
async def test_a_status_that_says_failed_later_goes_by_the_same_table(scene, rule, codes):
    async for case in cases(scene, codes):
        async with scene.dispatching():
            await accepted_and_then_failed(scene, case, case.code)
            await scene.on(2 * HOUR_S)
        again = rule.action in WAITS | {Action.LANGUAGE, Action.TEMPLATE}
        assert await scene.storage.message_state(case.id) == (ACCEPTED if again else FAILED), case
        assert len(scene.graph.bodies) == (2 if again else 1), case


async def accepted_and_then_failed(scene, case, code):
    """Let Graph take a message, and tell of its failure twice, as webhooks do."""
    await scene.storage.queue([scene.alert(case.id, language="de")])
    scene.dispatcher.wake()
    await scene.quiet()
    await fails(scene, case.id, code, "wamid.1")
    await fails(scene, case.id, code, "wamid.1")


async def fails(scene, message_id, code, wamid):
    status = DeliveryStatus(message_id, wamid, FAILED, scene.clock.now_ms(), error=f"{code}: no")
    await scene.storage.apply_statuses([status])
    await scene.dispatcher.failed_later(status, code)
    await scene.quiet()


async def test_a_message_that_fails_later_and_later_is_given_up(scene):
    async with scene.dispatching():
        await scene.storage.queue([scene.alert("m1")])
        scene.dispatcher.wake()
        for _ in range(2 * MAX_LATE):
            await scene.on(HOUR_S)
            await fails(scene, "m1", 131000, f"wamid.{len(scene.graph.bodies)}")
    assert len(scene.graph.bodies) == MAX_LATE + 1
    assert await scene.storage.message_state("m1") == FAILED


async def test_a_failure_of_somebody_elses_message_changes_nothing(scene):
    status = DeliveryStatus(None, "wamid.stranger", FAILED, scene.clock.now_ms())
    async with scene.dispatching():
        await scene.dispatcher.failed_later(status, 131000)
        await scene.quiet()
    assert scene.graph.bodies == []


async def test_a_failed_message_that_is_told_of_by_wamid_alone_goes_again(scene):
    async with scene.dispatching():
        await scene.storage.queue([scene.alert("m1")])
        scene.dispatcher.wake()
        await scene.quiet()
        status = DeliveryStatus(None, "wamid.1", FAILED, scene.clock.now_ms())
        await scene.storage.apply_statuses([status])
        await scene.dispatcher.failed_later(status, 131016)
        await scene.on(HOUR_S)
    assert len(scene.graph.bodies) == 2


@pytest.mark.parametrize(
    ("code", "transient", "state"),
    [
        (999_999, None, QUEUED),
        (999_999, True, QUEUED),
        (999_999, False, DEAD),
        (131026, True, FAILED),
        (131016, False, QUEUED),
    ],
)
async def test_metas_word_on_trying_again_counts_for_unknown_codes_alone(scene, code, transient, state):
    error = {"code": code, "message": "new", **({} if transient is None else {"is_transient": transient})}
    scene.graph.script.append(web.json_response({"error": error}, status=400))
    await scene.storage.queue([scene.alert("m1")])
    async with scene.dispatching():
        await scene.quiet()
    assert await scene.storage.message_state("m1") == state


@pytest.mark.parametrize("code", [130429, 131056])
async def test_pauses_in_a_row_grow_fourfold(scene, code):
    scene.graph.script.extend([code] * 3)
    await scene.storage.queue([scene.alert()])
    waits_s = []
    async with scene.dispatching():
        for _ in range(3):
            await scene.quiet()
            waits_s.append((await scene.storage.next_due_ms() - scene.clock.now_ms()) // 1000)
            await scene.on(waits_s[-1])
    first_s = rule_for(code).first_s
    assert waits_s == [first_s, 4 * first_s, 16 * first_s]
    assert await scene.storage.message_state("m1") == ACCEPTED


async def test_the_window_that_closed_in_between_makes_it_a_template_at_once(scene):
    await scene.storage.heard(scene.person_id, scene.clock.now_ms(), None)
    scene.graph.script.append(131047)
    await scene.storage.queue([scene.pictured("m1", picture=None)])
    async with scene.dispatching():
        await scene.quiet()
    assert [body["type"] for body in scene.graph.bodies] == ["interactive", "template"]
    assert {body["biz_opaque_callback_data"] for body in scene.graph.bodies} == {"m1"}
    assert await scene.storage.message_state("m1") == ACCEPTED


async def test_an_answer_that_comes_after_the_window_fails(scene):
    scene.graph.script.append(131047)
    await scene.storage.queue([scene.alert("m1", text="Noted.")])
    async with scene.dispatching():
        await scene.quiet()
    assert await scene.storage.message_state("m1") == FAILED
    assert len(scene.graph.bodies) == 1


async def test_who_could_not_be_reached_gets_only_what_is_urgent_until_they_write(scene):
    scene.graph.script.append(131026)
    await scene.storage.queue([scene.alert("m1")])
    async with scene.dispatching():
        await scene.quiet()
        await scene.on(60)
        await scene.storage.queue([scene.alert("m2")])
        scene.dispatcher.wake()
        await scene.quiet()
        assert await scene.storage.message_state("m2") == FAILED
        assert len(scene.graph.bodies) == 1
        await scene.storage.heard(scene.person_id, scene.clock.now_ms(), None)
        await scene.storage.queue([scene.alert("m3")])
        scene.dispatcher.wake()
        await scene.quiet()
        assert await scene.storage.message_state("m3") == ACCEPTED


async def test_what_is_urgent_is_tried_all_the_same(scene):
    scene.graph.script.append(131026)
    await scene.storage.queue([scene.alert("m1")])
    async with scene.dispatching():
        await scene.quiet()
        await scene.storage.queue([scene.alert("m2", critical=True)])
        scene.dispatcher.wake()
        await scene.quiet()
    assert await scene.storage.message_state("m2") == ACCEPTED
