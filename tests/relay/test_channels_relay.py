"""A relay of a farm without WhatsApp, as a process: what is queued goes by the second channel alone."""

from __future__ import annotations

import asyncio

import pytest

from relay.model import Message
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from tests.relay.channel_scene import Inbox
from tests.relay.process import Served, herdbell, write_settings

HOUR_MS = 3_600_000


@pytest.fixture
async def inbox():
    inbox = Inbox()
    async with inbox.serve() as url:
        inbox.url = f"{url}/somebody"
        yield inbox


async def set_up(tmp_path, *urls):
    """Make a farm with a person of these addresses by the command line alone; return the settings."""
    settings = write_settings(tmp_path, "[channels]\nenabled = true\n")
    for words in (
        ("farm", "add", "Hill"),
        ("person", "add", "--farm", "1", "--name", "Ann", "--phone", "+15550100001"),
        *(("person", "channel", "add", "1", url) for url in urls),
    ):
        code, said = await herdbell(settings, *words)
        assert code == 0, said
    return settings


async def queue(settings, *names):
    config = load_config(settings, {})
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        now_ms = (await storage.person(1)).consent_ms
        body = {"language": "en", "text": "NOT MOVING: Bella (12)\nGo and look."}
        await storage.queue(
            [Message(name, 1, 1, None, "alert", body, now_ms, now_ms + HOUR_MS, True) for name in names]
        )


async def state(settings, name):
    config = load_config(settings, {})
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        return await storage.message_state(name)


async def test_what_is_queued_goes_out_by_the_second_channel_and_the_doctor_is_content(tmp_path, inbox):
    settings = await set_up(tmp_path, inbox.url)
    await queue(settings, "m1")
    async with Served(settings) as relay:
        await inbox.begun.wait()
        assert await relay.stop() == 0
    assert [each["title"] for each in inbox.taken] == ["Hill: NOT MOVING: Bella (12)"]
    code, said = await herdbell(settings, "doctor")
    assert (code, "off: everything goes by the second channel" in said) == (0, True)


async def test_a_send_that_hangs_does_not_keep_the_relay_from_ending(tmp_path, inbox):
    inbox.script.append(asyncio.Event())
    settings = await set_up(tmp_path, f"{inbox.url}?rto=3600")
    await queue(settings, "m1")
    async with Served(settings) as relay:
        await inbox.begun.wait()
        assert await asyncio.wait_for(relay.stop(), 30) == 0  # an hour, if it waited for the send
    assert await state(settings, "m1") == "sending"
