"""What goes out: every answer in every language is one that Graph takes."""

from __future__ import annotations

import pytest

from relay.alerts.words import LANGUAGES
from relay.whatsapp.conversation import Conversation
from relay.whatsapp.webhook_inbound import Inbound
from tests.relay.whatsapp_scene import BUTTONS, NOW_MS, PHONE, opened

SAID = (
    "12", "herd", "list", "why", "who", "ok 12", "wrong 12", "mute 12", "unmute", "calved 12", "undo",
    "due 12", "fewer", "more", "vet 12", "help", "99", "nonsense",
)  # fmt: skip


@pytest.fixture
async def scene(tmp_path):
    async with opened(tmp_path / "state") as scene:
        yield scene


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_answer_fits_what_graph_takes(scene, language):
    number = "15550100009"
    await scene.storage.add_person(
        scene.farm_id, "Ana", number, language=language, consent_ms=NOW_MS, consent_text="x"
    )
    conversation = Conversation(scene.storage, scene.clock, BUTTONS, scene.dispatcher.wake)
    inbound = Inbound(scene.storage, scene.clock, conversation)
    async with scene.dispatching():
        for place, text in enumerate(SAID):
            await inbound.take(typed(scene, text, f"wamid.in{place}", number))
            await scene.on(6)
    sent = [body for body in scene.graph.bodies if body["to"] == number]
    assert len(sent) == len(SAID)
    for body in sent:
        check(body)


def check(body):
    """Hold a body against the limits of the Cloud API: Meta, "Interactive messages", 2026."""
    if body["type"] == "text":
        assert 0 < len(body["text"]["body"]) <= 4096
        return
    assert body["type"] == "interactive"
    interactive = body["interactive"]
    assert 0 < len(interactive["body"]["text"]) <= 1024
    if interactive["type"] == "button":
        buttons = [one["reply"] for one in interactive["action"]["buttons"]]
        assert len(buttons) <= 3
        assert all(0 < len(one["title"]) <= 20 and len(one["id"]) <= 128 for one in buttons)
        assert len({one["title"] for one in buttons}) == len(buttons)
    else:
        rows = [row for section in interactive["action"]["sections"] for row in section["rows"]]
        assert 0 < len(interactive["action"]["button"]) <= 20
        assert 0 < len(rows) <= 10
        for row in rows:
            assert 0 < len(row["title"]) <= 24
            assert len(row.get("description", "")) <= 72
            assert len(row["id"]) <= 128


async def test_what_graph_was_given_can_be_tapped(scene):
    conversation = Conversation(scene.storage, scene.clock, BUTTONS, scene.dispatcher.wake)
    inbound = Inbound(scene.storage, scene.clock, conversation)
    async with scene.dispatching():
        await inbound.take(typed(scene, "list", "wamid.in"))
        await scene.on(6)
        for place in range(3):  # the row, then the button of what it opens, then that of the answer
            await inbound.take(tapped(scene, scene.graph.bodies[-1], f"wamid.tap{place}"))
            await scene.on(6)
    said = await scene.storage.judgements(scene.farm_id, 0)
    assert [one.verdict for one in said] == ["acknowledged", "right"]


def tapped(scene, body, wamid):
    """Tap the first thing there is to tap."""
    action = body["interactive"]["action"]
    kind, first = (
        ("list_reply", action["sections"][0]["rows"][0])
        if "sections" in action
        else ("button_reply", action["buttons"][0]["reply"])
    )
    return typed(scene, "", wamid) | {"type": "interactive", "interactive": {"type": kind, kind: first}}


def typed(scene, text, wamid, sender=PHONE):
    seconds = str(scene.clock.now_ms() // 1000)
    return {"id": wamid, "from": sender, "timestamp": seconds, "type": "text", "text": {"body": text}}


async def test_a_vet_who_has_not_written_gets_a_template_that_can_be_answered(scene):
    vet = "15550100007"
    await scene.storage.add_person(
        scene.farm_id, "Vera", vet, role="vet", consent_ms=NOW_MS, consent_text="x"
    )
    await scene.storage.add_animal(scene.farm_id, "14")
    conversation = Conversation(scene.storage, scene.clock, BUTTONS, scene.dispatcher.wake)
    inbound = Inbound(scene.storage, scene.clock, conversation)
    async with scene.dispatching():
        for place, number in enumerate(("12", "14")):  # with an alert and without one
            await inbound.take(typed(scene, f"vet {number}", f"wamid.in{place}"))
            await scene.on(6)
        asked = [body for body in scene.graph.bodies if body["to"] == vet]
        for place, body in enumerate(asked):
            (button,) = [part for part in body["template"]["components"] if part["type"] == "button"]
            given = {"payload": button["parameters"][0]["payload"], "text": "On my way"}
            item = typed(scene, "", f"wamid.tap{place}", vet) | {"type": "button", "button": given}
            assert await inbound.take(item) == ("acknowledged", "vet_coming")[place]
        await scene.on(6)
    assert [body["template"]["name"] for body in asked] == ["collar_vet_request_v1"] * 2
    told = [body["text"]["body"] for body in scene.graph.bodies if body["type"] == "text"]
    assert {"Vera is going to Bella (12).", "Vera is going to 14."} <= set(told)


async def test_an_owner_who_has_not_written_hears_by_template_that_a_number_is_lost(scene):
    lost = "15550100008"
    person_id = await scene.storage.add_person(
        scene.farm_id, "Ali", lost, role="worker", consent_ms=NOW_MS, consent_text="x"
    )
    await scene.storage.set_doubt(person_id, "changed")
    conversation = Conversation(scene.storage, scene.clock, BUTTONS, scene.dispatcher.wake)
    inbound = Inbound(scene.storage, scene.clock, conversation)
    async with scene.dispatching():
        for place, text in enumerate(("12", "no")):
            await inbound.take(typed(scene, text, f"wamid.in{place}", lost))
            await scene.on(6)
    (notice,) = [body for body in scene.graph.bodies if body["type"] == "template"]
    assert (notice["to"], notice["template"]["name"]) == (PHONE, "collar_blind_v1")
    assert [body["to"] for body in scene.graph.bodies].count(lost) == 2  # the question, and that it is over
