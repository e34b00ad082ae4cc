"""Blue ticks under what people write."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from relay.model import Person
from relay.whatsapp.ticks import AT_ONCE, FRESH_MS, Ticks
from tests.relay.whatsapp_scene import PHONE, opened

ALEX = Person(1, "Alex", "en", "UTC")
SILENT = Person(2, "Kim", "en", "UTC", opted_out_ms=1)


class Listener:
    async def take(self, item, person):
        return f"{person.name} said {item['id']}"


@pytest.fixture
async def scene(tmp_path):
    async with opened(tmp_path / "state") as scene:
        scene.ticks = Ticks(Listener(), scene.client, scene.clock)
        yield scene
        await scene.ticks.aclose()


def item(scene, wamid="w1", *, age_ms=0):
    return {"id": wamid, "from": PHONE, "timestamp": str((scene.clock.now_ms() - age_ms) // 1000)}


async def rested(scene):
    while not scene.ticks.idle():  # noqa: ASYNC110 - rest has no event
        await asyncio.sleep(0)


@pytest.mark.parametrize(("person", "types"), [(ALEX, True), (SILENT, False)])
async def test_a_message_is_marked_as_read_and_typing_is_shown_to_who_gets_answers(scene, person, types):
    scene.graph.script.append(web.json_response({"success": True}))
    assert await scene.ticks.take(item(scene), person) == f"{person.name} said w1"
    await rested(scene)
    (body,) = scene.graph.bodies
    assert (body["status"], body["message_id"]) == ("read", "w1")
    assert ("typing_indicator" in body) == types


async def test_what_is_old_or_has_no_date_is_answered_and_not_marked(scene):
    await scene.ticks.take(item(scene, age_ms=FRESH_MS), ALEX)
    await scene.ticks.take({"id": "w2"}, ALEX)
    assert scene.ticks.idle()


@pytest.mark.parametrize("step", [131009, "drop"])
async def test_a_tick_that_fails_troubles_nobody(scene, step, caplog):
    scene.graph.script.append(step)
    assert await scene.ticks.take(item(scene), ALEX) == "Alex said w1"
    await rested(scene)
    assert caplog.text == ""


async def test_a_flood_is_answered_whole_and_ticked_in_part(scene):
    gate = asyncio.Event()
    scene.graph.script.extend([gate] * (2 * AT_ONCE))
    said = [await scene.ticks.take(item(scene, f"w{at}"), ALEX) for at in range(2 * AT_ONCE)]
    assert len(said) == 2 * AT_ONCE
    await scene.graph.count(AT_ONCE)
    gate.set()
    await rested(scene)
    assert len(scene.graph.bodies) == AT_ONCE


async def test_what_is_under_way_at_the_end_is_given_up(scene):
    gate = asyncio.Event()
    scene.graph.script.append(gate)
    await scene.ticks.take(item(scene), ALEX)
    await scene.graph.count(1)
    await scene.ticks.aclose()
    assert scene.ticks.idle()
    gate.set()
