"""Pictures: made and uploaded once, in the message if they come in time, never in its way."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from relay.storage.ports import ACCEPTED
from relay.whatsapp.media import KEPT_MS, WAIT_MS, PictureDesk
from tests.relay.whatsapp_scene import opened

PNG = b"\x89PNG"


class Painter:
    """Makes pictures when it is let, and writes down what was asked for."""

    def __init__(self):
        self.asked: list[tuple[int, int, str, int, str]] = []
        self.result: bytes | Exception | None = PNG
        self.gate: asyncio.Event | None = None

    async def png(self, *wanted):
        self.asked.append(wanted)
        if self.gate:
            await self.gate.wait()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
async def scene(tmp_path):
    async with opened(tmp_path / "state") as scene:
        scene.painter = Painter()
        scene.desk = PictureDesk(scene.painter, scene.client.upload, scene.clock)
        scene.restart(desk=scene.desk)
        yield scene


def media_of(body):
    header = body["template"]["components"][0]
    return header["parameters"][0]["image"]["id"] if header["type"] == "header" else None


async def sent(scene, *messages):
    await scene.storage.queue(messages)
    async with scene.dispatching():
        await scene.quiet()
    return scene.graph.bodies


async def test_a_template_goes_with_its_picture(scene):
    (body,) = await sent(scene, scene.pictured())
    assert (body["template"]["name"], media_of(body)) == ("collar_health_alert_picture_v1", "media1")
    assert scene.painter.asked == [(scene.farm_id, scene.animal_id, "no_movement", 7, "en")]


async def test_who_wrote_lately_gets_the_picture_above_text_and_buttons(scene):
    await scene.storage.heard(scene.person_id, scene.clock.now_ms(), None)
    (body,) = await sent(scene, scene.pictured())
    assert body["interactive"]["header"] == {"type": "image", "image": {"id": "media1"}}
    assert body["interactive"]["body"] == {"text": "Bella (12): not moving."}


async def test_a_picture_is_made_and_uploaded_once_for_everybody_who_gets_it(scene):
    somebody, other = await scene.people(2)
    bodies = await sent(
        scene,
        scene.pictured("m1", person_id=somebody),
        scene.pictured("m2", person_id=other),
        scene.pictured("m3"),
        scene.pictured("m4", picture=8),
    )
    assert sorted(map(media_of, bodies)) == ["media1", "media1", "media1", "media2"]
    assert (len(scene.painter.asked), scene.graph.uploads) == (2, 2)


async def test_an_alert_does_not_wait_longer_than_3_s_and_the_next_one_has_the_picture(scene):
    scene.painter.gate = asyncio.Event()
    await scene.storage.queue([scene.pictured("m1")])
    async with scene.dispatching():
        while not scene.painter.asked:  # noqa: ASYNC110 - the painter is ours
            await asyncio.sleep(0)
        assert scene.graph.bodies == []
        await scene.on(WAIT_MS // 1000)
        (alone,) = scene.graph.bodies
        assert (alone["template"]["name"], media_of(alone)) == ("collar_health_alert_v1", None)
        scene.painter.gate.set()
        while not scene.desk._made:  # noqa: ASYNC110 - rest has no event
            await asyncio.sleep(0)
        await scene.storage.queue([scene.pictured("m2")])
        scene.dispatcher.wake()
        await scene.quiet()
    assert media_of(scene.graph.bodies[1]) == "media1"
    assert len(scene.painter.asked) == 1


async def test_an_upload_that_hangs_is_not_waited_for_either(scene):
    gate = asyncio.Event()
    scene.graph.media.append(gate)
    await scene.storage.queue([scene.pictured()])
    async with scene.dispatching():
        while not scene.graph.uploads:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
        await scene.on(WAIT_MS // 1000)
        assert [media_of(body) for body in scene.graph.bodies] == [None]
        gate.set()


@pytest.mark.parametrize("result", [None, RuntimeError("no font")])
async def test_a_picture_that_cannot_be_had_costs_nothing_but_itself(scene, result):
    scene.painter.result = result
    (body,) = await sent(scene, scene.pictured())
    assert media_of(body) is None
    assert await scene.storage.message_state("m1") == ACCEPTED


async def test_an_upload_that_is_refused_is_tried_again_with_the_next_message(scene):
    scene.graph.media.append(131053)
    bodies = await sent(scene, scene.pictured("m1"))
    assert media_of(bodies[0]) is None
    bodies = await sent(scene, scene.pictured("m2"))
    assert media_of(bodies[1]) == "media2"


@pytest.mark.parametrize("code", [131052, 131053])
async def test_a_picture_meta_cannot_use_is_uploaded_once_more_and_then_left_out(scene, code):
    scene.graph.script.extend([code, code])
    bodies = await sent(scene, scene.pictured())
    assert [media_of(body) for body in bodies] == ["media1", "media2", None]
    assert await scene.storage.message_state("m1") == ACCEPTED


async def test_the_form_with_a_picture_that_is_not_approved_yet_gives_way_to_the_plain_one(scene):
    scene.graph.script.append(132001)
    bodies = await sent(scene, scene.pictured())
    names = [(body["template"]["name"], body["template"]["language"]["code"]) for body in bodies]
    assert names == [("collar_health_alert_picture_v1", "en"), ("collar_health_alert_v1", "en")]


async def test_an_upload_is_used_for_29_days_and_made_anew_after(scene):
    await sent(scene, scene.pictured("m1"))
    scene.clock.advance(scene.clock.now_ms() + KEPT_MS - 1)
    await sent(scene, scene.pictured("m2"))
    scene.clock.advance(scene.clock.now_ms() + 1)
    bodies = await sent(scene, scene.pictured("m3"))
    assert [media_of(body) for body in bodies] == ["media1", "media1", "media2"]


@pytest.mark.parametrize("wanted", [{}, {"animal_id": "x", "kind": "heat", "until_ms": 1}, 7])
async def test_a_wish_that_makes_no_sense_is_no_picture(scene, wanted):
    message = replace(scene.pictured(), body={**scene.pictured().body, "picture": wanted})
    (body,) = await sent(scene, message)
    assert media_of(body) is None
    assert scene.painter.asked == []
