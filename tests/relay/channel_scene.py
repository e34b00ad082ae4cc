"""A farm whose people have other addresses, on the real storage, and a server that Apprise talks to."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from relay.channels.by_apprise import AppriseChannel
from relay.channels.fallback import LOOK_MS, Fallback
from relay.clock import FollowedClock
from relay.model import Event, Message
from relay.storage.ports_chat import second_id
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from tests.relay.whatsapp_scene import running

NOW_MS = 1_780_000_000_000
AFTER_MS = 180_000
HOUR_MS = 3_600_000
EVENT = "00000000000000e1"
NOTHING_LISTENS = "json://127.0.0.1:9/"
TEXT = "NOT MOVING: Bella (12)\nSince 14:05. Still for 95 min.\nGo and look."


class Inbox:
    """Takes what Apprise posts, answers from a script, 200 when the script is empty."""

    def __init__(self):
        self.script: deque[Any] = deque()
        self.taken: list[dict[str, Any]] = []
        self.begun = asyncio.Event()

    async def post(self, request):
        self.taken.append(await request.json() | {"path": request.path})
        self.begun.set()
        step = self.script.popleft() if self.script else 200
        if isinstance(step, asyncio.Event):
            await step.wait()
            step = 200
        if step == "drop":
            request.transport.abort()
            step = 200
        return web.Response(status=step)

    @asynccontextmanager
    async def serve(self):
        app = web.Application()
        app.router.add_post("/{name}", self.post)
        async with TestServer(app) as server:
            yield f"json://127.0.0.1:{server.port}"

    @property
    def titles(self):
        return [each["title"] for each in self.taken]


@dataclass
class Scene:
    storage: SqliteStorage
    clock: FollowedClock
    inbox: Inbox
    url: str
    farm_id: int
    animal_id: int
    person_id: int
    is_broken: bool = False
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    fallback: Fallback | None = None

    def alert(self, message_id="m1", *, critical=True, lives_ms=HOUR_MS, person_id=None, **body):
        now_ms = self.clock.now_ms()
        return Message(
            message_id, self.farm_id, person_id or self.person_id, EVENT, "alert",
            {"language": "en", "text": TEXT} | body, now_ms, now_ms + lives_ms, critical,
        )  # fmt: skip

    async def sent_by_whatsapp(self, state="accepted", *messages, error=None):
        """Queue messages and let them come as far as `state` by WhatsApp."""
        messages = messages or (self.alert(),)
        await self.storage.queue(messages)
        for queued in await self.storage.claim(self.clock.now_ms(), 100):
            await self.storage.settle(queued.message.id, state, now_ms=self.clock.now_ms(), error=error)

    async def state(self, message_id="m1", *, second=True):
        return await self.storage.message_state(second_id(message_id) if second else message_id)

    @asynccontextmanager
    async def running(self, *, is_alone=False, longest_s=60.0):
        """Run the task with the real Apprise; yields once it has looked for the first time."""
        channel = AppriseChannel(longest_s)
        self.fallback = Fallback(
            self.storage, channel, self.clock, after_ms=AFTER_MS, is_alone=is_alone,
            is_broken=lambda: self.is_broken, registry=CollectorRegistry(),
        )  # fmt: skip
        try:
            async with running(self.fallback.run()):
                await self.quiet()
                yield self.fallback
        finally:
            await channel.close()

    async def quiet(self):
        """Wait until there is nothing left to do at this time."""
        while not await self.fallback.idle():  # noqa: ASYNC110 - rest has no event
            await asyncio.sleep(0)

    async def later(self, ms):
        """Let time pass in steps of a look, quiet at each."""
        end_ms = self.clock.now_ms() + ms
        while self.clock.now_ms() < end_ms:
            self.clock.advance(min(end_ms, self.clock.now_ms() + LOOK_MS))
            await asyncio.sleep(0)
            await self.quiet()


@asynccontextmanager
async def opened(folder, *addresses):
    """Yield a scene whose person has these addresses; a path alone is one of the server's."""
    inbox = Inbox()
    async with SqliteStorage.open(folder, Vault(bytes(range(32)))) as storage, inbox.serve() as url:
        farm_id = await storage.add_farm("Hill", bytes(32))
        animal_id = await storage.add_animal(farm_id, "12", "Bella")
        person_id = await storage.add_person(
            farm_id, "Alex", "+15550100001", consent_ms=NOW_MS, consent_text="in person"
        )
        for address in addresses:
            await storage.add_address(person_id, url + address if address.startswith("/") else address)
        event = Event(EVENT, farm_id, animal_id, "no_movement", NOW_MS, NOW_MS, {}, tier="urgent")
        await storage.commit_scores(0, 0, 1, [], [event], [])
        yield Scene(storage, FollowedClock(NOW_MS), inbox, url, farm_id, animal_id, person_id)
