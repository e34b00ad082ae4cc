"""A webhook on the real storage, with people who write; what they say is written down, not answered."""

from __future__ import annotations

import asyncio
import json
import zlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from relay.clock import FollowedClock
from relay.model import Message
from relay.storage.ports import ACCEPTED
from relay.storage.sqlite import SqliteStorage
from relay.whatsapp.counters import Counters
from relay.whatsapp.webhook import Webhook
from tests.relay.whatsapp_scene import APP_SECRET, NOW_MS, NUMBER_ID, Hook, running, vault

DAY_MS = 86_400_000
PHONES = ("15550100001", "15550100002", "15550100003")
ALEX, KIM, SAM = PHONES
USER_ID, OTHER_USER = "US.13491208655302741918", "US.20000000000000000002"


class Listener:
    """Takes what people say: (person, wamid), and the person as the webhook knew them."""

    def __init__(self):
        self.taken: list[tuple[int, str]] = []
        self.people: list[Any] = []

    async def take(self, item, person):
        for _ in range(zlib.crc32(item["id"].encode()) % 5):  # one takes longer than the other
            await asyncio.sleep(0)
        self.taken.append((person.id, item["id"]))
        self.people.append(person)
        return str(item["type"])


@dataclass
class Scene:
    storage: SqliteStorage
    clock: FollowedClock
    hook: Hook | None = None
    session: aiohttp.ClientSession | None = None
    listener: Listener = field(default_factory=Listener)
    counters: Counters = field(default_factory=Counters)
    failures: list[tuple[str, int]] = field(default_factory=list)

    async def failed_later(self, status, code):
        self.failures.append((status.message_id, code))

    def new_webhook(self, **options):
        return Webhook(
            self.storage, self.clock, self.listener, app_secrets=[APP_SECRET], verify_token="word",
            phone_number_id=NUMBER_ID, counters=self.counters, failed_later=self.failed_later, **options,
        )  # fmt: skip

    async def post(self, **items):
        """Post one webhook of messages and statuses and let it be worked on; return the HTTP status."""
        return await self._settled(await self.hook.post(self.session, **items))

    async def changes(self, *changes, at_s=NOW_MS // 1000):
        """Post changes of any field: dictionaries with field and value."""
        body = {"entry": [{"id": "waba", "time": at_s, "changes": list(changes)}]}
        return await self.raw(json.dumps(body, ensure_ascii=False).encode())

    async def raw(self, raw, signature=None):
        return await self._settled(await self.hook.raw(self.session, raw, signature))

    async def _settled(self, status):
        while not await self.webhook.idle():  # noqa: ASYNC110 - rest has no event
            await asyncio.sleep(0)
        return status

    @asynccontextmanager
    async def listening(self, **options):
        """Run the worker and serve the webhook."""
        self.webhook = self.new_webhook(**options)
        app = web.Application()
        app.router.add_get("/hook", self.webhook.get)
        app.router.add_post("/hook", self.webhook.post)
        async with TestServer(app) as server, running(self.webhook.run()):
            self.hook = Hook(server)
            await self.webhook.caught_up.wait()
            yield self

    @property
    def outcomes(self):
        return {
            sample.labels["outcome"]: sample.value
            for sample in self.counters.items.collect()[0].samples
            if sample.name.endswith("_total")
        }

    async def accepted(self, *ids):
        """Queue messages to Alex and let Meta take them: the wamid is "wamid." and the id."""
        now_ms = self.clock.now_ms()
        body = {"text": "x"}
        await self.storage.queue(
            [Message(each, 1, 1, None, "alert", body, now_ms, now_ms + DAY_MS) for each in ids]
        )
        for queued in await self.storage.claim(now_ms, len(ids)):
            wamid = f"wamid.{queued.message.id}"
            await self.storage.settle(queued.message.id, ACCEPTED, now_ms=now_ms, wamid=wamid)

    def text(self, wamid="wamid.in1", body="herd", *, sender=ALEX, age_ms=0, **more):
        item = {
            "id": wamid, "timestamp": str((self.clock.now_ms() - age_ms) // 1000), "type": "text",
            "text": {"body": body}, **more,
        }  # fmt: skip
        return item | ({"from": sender} if sender else {})

    def status(self, state, message_id="m1", *, age_ms=0, **more):
        return {
            "id": f"wamid.{message_id}", "status": state, "recipient_id": ALEX,
            "timestamp": str((self.clock.now_ms() - age_ms) // 1000),
            "biz_opaque_callback_data": message_id, **more,
        }  # fmt: skip


@asynccontextmanager
async def opened(folder):
    """Yield a scene that listens, on a new state folder: Alex, Kim and Sam are 1, 2 and 3."""
    async with SqliteStorage.open(folder, vault()) as storage, aiohttp.ClientSession() as session:
        farm_id = await storage.add_farm("Hill", bytes(32))
        for name, phone in zip(("Alex", "Kim", "Sam"), PHONES, strict=True):
            await storage.add_person(
                farm_id, name, f"+{phone}", consent_ms=NOW_MS - DAY_MS, consent_text="opt-in"
            )
        scene = Scene(storage, FollowedClock(NOW_MS), session=session)
        async with scene.listening():
            yield scene
