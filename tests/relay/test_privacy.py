"""What is forgotten by itself, and when."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from relay.clock import FollowedClock
from relay.config import ConfigError, PrivacyConfig
from relay.model import DeliveryStatus, Message
from relay.privacy import DAY_MS, Retention
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from tests.relay.process import write_settings
from tests.relay.whatsapp_scene import running

NOW_MS = 1_795_392_000_000


@pytest.fixture
async def storage(tmp_path):
    async with SqliteStorage.open(tmp_path / "state", Vault(bytes(32))) as storage:
        await storage.add_farm("Hill", bytes(32))
        await storage.add_person(1, "Alex", "+15550100001", consent_ms=1, consent_text="opt-in")
        yield storage


def message(name, age_days):
    then_ms = NOW_MS - age_days * DAY_MS
    return Message(name, 1, 1, None, "alert", {"text": f"text of {name}"}, then_ms, then_ms + 1000)


async def delivered(storage, *messages):
    await storage.queue(messages)
    await storage.apply_statuses(
        [DeliveryStatus(each.id, None, "delivered", each.created_ms) for each in messages]
    )


async def test_each_thing_is_kept_for_its_own_time(storage):
    await delivered(storage, message("fresh", 89), message("old", 91), message("ancient", 401))
    for key, age_days in (("wamid.new", 29), ("wamid.old", 31)):
        await storage.inbox_put([(key, "{}")], NOW_MS - age_days * DAY_MS)
        await storage.inbox_done(key, NOW_MS - age_days * DAY_MS)
    gone = await Retention(storage, PrivacyConfig(), FollowedClock(NOW_MS)).forget()
    assert gone == {"messages": 2, "statuses": 1, "inbox": 1}
    assert (await storage.message("fresh")).body == {"text": "text of fresh"}
    assert (await storage.message("old")).body == {}
    assert await storage.message_state("ancient") == "delivered"


async def test_what_still_waits_is_not_forgotten_however_old_it_is(storage):
    await storage.queue([replace(message("waits", 500), expires_ms=NOW_MS + DAY_MS)])
    await storage.inbox_put([("wamid.waits", "{}")], NOW_MS - 500 * DAY_MS)
    gone = await Retention(storage, PrivacyConfig(), FollowedClock(NOW_MS)).forget()
    assert gone == {"messages": 0, "statuses": 0, "inbox": 0}
    assert len(await storage.inbox_pending(9)) == 1


async def test_a_relay_forgets_at_its_start_and_every_day(storage):
    clock = FollowedClock(NOW_MS)
    await delivered(storage, message("m1", 91), message("m2", 90))
    task = Retention(storage, PrivacyConfig(), clock)
    forgotten = []
    counted = asyncio.Event()
    forget = task.forget

    async def watched():
        forgotten.append(await forget())
        counted.set()

    task.forget = watched
    async with running(task.run()):
        await counted.wait()
        counted.clear()
        clock.advance(NOW_MS + DAY_MS - 1)
        await asyncio.sleep(0)
        assert len(forgotten) == 1
        clock.advance(NOW_MS + DAY_MS)
        await counted.wait()
    assert [each["messages"] for each in forgotten] == [1, 1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("messages_days = 32", "privacy.messages_days"),
        ("statuses_days = 29", "privacy.statuses_days"),
        ("inbox_days = 8", "privacy.inbox_days"),
        ("inbox_days = 3651", "9..3650"),
    ],
)
def test_times_are_bounded_and_a_webhook_is_known_for_longer_than_meta_repeats_it(tmp_path, line, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write_settings(tmp_path, f"[privacy]\n{line}\n"), {})
