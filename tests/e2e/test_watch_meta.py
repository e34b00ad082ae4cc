"""The watch and the fake Cloud API: a note reaches the phone, and Meta is there, refuses or is gone."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import TestServer

from relay.model import Farm, QueuedMessage
from relay.vault import Vault
from relay.watch.outbox import message_of
from relay.watch.parts import COLLAR, LINE, MINUTE_MS, Note
from relay.watch.words import Place
from relay.whatsapp.bodies import Bodies
from relay.whatsapp.client import Client, NotSentError, RefusedError
from relay.whatsapp.payload import Buttons
from relay.whatsapp.texts import load
from simulator.cloud import CLOUD, make_cloud

T0_MS = 1_790_000_000_000
NUMBER = "100000000000001"


class StillClock:
    utc_ms = T0_MS


class Ann:
    id, language = 1, "de"


@asynccontextmanager
async def cloud():
    templates = [
        template.graph(language, "collar_")
        for template in load().templates.values()
        for language in template.wordings
    ]
    app = make_cloud(
        StillClock(), token="t", app_secret="s", verify_token="v", webhook_url=None, templates=templates
    )
    async with TestServer(app) as server:
        yield server


def client(server, token="t"):
    return Client(
        base_url=str(server.make_url("")), graph_version="v26.0", phone_number_id=NUMBER, token=token
    )


async def test_a_ping_is_answered_refused_for_a_wrong_token_and_not_sent_once_meta_is_gone():
    async with cloud() as server:
        async with client(server) as ours:
            await ours.ping()
        async with client(server, "wrong") as stranger:
            with pytest.raises(RefusedError) as refused:
                await stranger.ping()
            assert refused.value.code == 190
        gone = client(server)
    async with gone:
        with pytest.raises(NotSentError):
            await gone.ping()


@pytest.mark.parametrize("back_ms", [None, T0_MS + 90 * MINUTE_MS])
@pytest.mark.parametrize("part", [COLLAR, LINE])
async def test_a_note_is_a_message_that_meta_takes(part, back_ms):
    note = Note(part, T0_MS, T0_MS + 140 * MINUTE_MS, back_ms, 1, 7, 3)
    message = message_of(note, 1, Place(Farm(1, "Hill"), "Bella (12)", 3), Ann)
    body = Bodies(load(), Buttons(Vault(bytes(32)).blind), "collar_").build(
        QueuedMessage(message, "sending", 1, "+491701234567")
    )
    async with cloud() as server, client(server) as ours:
        assert await ours.send(body)
        (bubble,) = server.app[CLOUD].phones.known("491701234567").bubbles
        said = bubble.text
    assert "Hill" in said
    assert ("1 h 30 min" in said) is (back_ms is not None)
