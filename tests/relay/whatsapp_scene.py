"""A farm with a cow, an alert and a person, on the real storage, and a Graph that answers what it is told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from relay.clock import FollowedClock
from relay.model import Event, Message
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from relay.whatsapp.bodies import Bodies
from relay.whatsapp.client import Client
from relay.whatsapp.conversation import Conversation
from relay.whatsapp.counters import Counters
from relay.whatsapp.delivery import Limits
from relay.whatsapp.dispatcher import Dispatcher
from relay.whatsapp.payload import Buttons
from relay.whatsapp.texts import load
from relay.whatsapp.webhook import Webhook

NOW_MS = 1_780_000_000_000
PHONE = "15550100001"
NUMBER_ID = "100000000000001"
APP_SECRET = "app-secret"
EVENT = "00000000000000e1"
MINUTE_MS = 60_000
QUICK = Limits(mps=1000, pair_burst=45)  # where speed is not what a test is about


class ScenesClock(FollowedClock):
    """A clock that somebody may also set back, which wakes whoever waits for it."""

    def set_back(self, utc_ms):
        self._now_ms = utc_ms
        waiting, self._waiting = self._waiting, []
        for _, _, waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


class Graph:
    """Answers POST .../messages from a script, 200 with a new wamid when the script is empty."""

    def __init__(self):
        self.script: deque[Any] = deque()
        self.bodies: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []  # those not refused: the person may have got them
        self.arrived = asyncio.Condition()
        self.now = self.most = 0
        self.uploads = 0
        self.is_away = False  # a proxy answers in its place
        self.media: deque[Any] = deque()  # answers to uploads, a new id when it is empty

    async def upload(self, request):
        await request.post()
        self.uploads += 1
        step = self.media.popleft() if self.media else None
        return await self._do(request, step, {"id": f"media{self.uploads}"})

    async def get(self, _):
        return web.Response(status=502) if self.is_away else web.json_response({"id": NUMBER_ID})

    async def post(self, request):
        body = await request.json()
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            async with self.arrived:
                self.bodies.append(body)
                self.arrived.notify_all()
            return await self._answer(request, body)
        finally:
            self.now -= 1

    async def _answer(self, request, body):
        step = self.script.popleft() if self.script else None
        if self.is_away:
            return web.Response(status=502, text="<html>")
        if not isinstance(step, int):
            self.taken.append(body)
        return await self._do(request, step, {"messages": [{"id": f"wamid.{len(self.bodies)}"}]})

    async def _do(self, request, step, good):
        if isinstance(step, asyncio.Event):
            await step.wait()
            step = None
        if step == "drop":
            request.transport.abort()
        if isinstance(step, web.Response):
            return step
        if isinstance(step, int):
            error = {"message": f"(#{step}) no, {PHONE}", "code": step, "type": "OAuthException"}
            return web.json_response({"error": error}, status=400)
        return web.json_response(good)

    async def count(self, wanted):
        """Wait until that many messages have arrived."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.bodies) >= wanted)

    @asynccontextmanager
    async def serve(self):
        app = web.Application()
        app.router.add_post("/v26.0/{id}/messages", self.post)
        app.router.add_post("/v26.0/{id}/media", self.upload)
        app.router.add_get("/v26.0/{id}", self.get)
        async with TestServer(app) as server:
            yield server


def vault():
    return Vault(bytes(range(32)))


BUTTONS = Buttons(vault().blind)


@dataclass
class Scene:
    storage: SqliteStorage
    clock: FollowedClock
    graph: Graph
    client: Client
    farm_id: int
    animal_id: int
    person_id: int
    counters: Counters = field(default_factory=Counters)
    parts: list[Any] = field(default_factory=list)  # those that run

    def __post_init__(self):
        self.bodies = Bodies(load(), BUTTONS, "collar_")
        self.restart()

    def restart(self, **options):
        """Make a new dispatcher, as a new process does; options: of the dispatcher."""
        options = {"limits": QUICK, **options}
        client = options.pop("client", self.client)
        self.dispatcher = Dispatcher(self.storage, client, self.clock, self.bodies, self.counters, **options)

    async def people(self, count):
        """Add so many people to the farm; return their ids."""
        adding = [
            self.storage.add_person(
                self.farm_id, f"Person {at}", f"+1555{at:07d}", consent_ms=NOW_MS, consent_text="in person"
            )
            for at in range(count)
        ]
        return await asyncio.gather(*adding)

    async def on(self, seconds):
        """Let so much time go by, and then what is due happen."""
        self.clock.advance(self.clock.now_ms() + seconds * 1000)
        await self.quiet()

    def alert(
        self, message_id="m1", *, critical=False, language="en", lives_ms=43_200_000, person_id=None, **body
    ):
        params = {"animal": "Bella (12)", "farm": "Hill", "sign": "not moving", "since": "14:05"}
        template = {
            "template": "health_alert", "version": 1, "language": language, "params": params,
        }  # fmt: skip
        now_ms = self.clock.now_ms()
        return Message(
            message_id, self.farm_id, person_id or self.person_id, EVENT, "alert", body or template, now_ms,
            now_ms + lives_ms, critical,
        )  # fmt: skip

    def pictured(self, message_id="m1", *, picture=7, person_id=None):
        """Return an alert that may also go as a text, with a picture until `picture`, None for none."""
        shown = {"animal_id": self.animal_id, "kind": "no_movement", "until_ms": picture}
        body = {**self.alert().body, "text": "Bella (12): not moving."}
        body |= {"picture": shown} if picture else {}
        return replace(self.alert(message_id, person_id=person_id), body=body)

    def payload(self, verb="ack", event_id=EVENT):
        return BUTTONS.payload(verb, farm_id=self.farm_id, person_id=self.person_id, event_id=event_id)

    def status(self, state, message_id="m1", wamid="wamid.1"):
        seconds = str(self.clock.now_ms() // 1000)
        return {
            "id": wamid, "status": state, "timestamp": seconds, "recipient_id": PHONE,
            "biz_opaque_callback_data": message_id,
        }  # fmt: skip

    async def quiet(self):
        """Wait until the running parts have nothing left to do at this time."""
        while not all([await part.idle() for part in self.parts]):  # noqa: ASYNC110 - rest has no event
            await asyncio.sleep(0)

    @asynccontextmanager
    async def dispatching(self):
        self.parts.append(self.dispatcher)
        async with running(self.dispatcher.run()):
            yield
        self.parts.remove(self.dispatcher)

    @asynccontextmanager
    async def listening(self):
        """Run the worker and serve the webhook; yields post(items...)."""
        conversation = Conversation(self.storage, self.clock, BUTTONS, self.dispatcher.wake)
        webhook = Webhook(
            self.storage, self.clock, conversation, app_secrets=[APP_SECRET], verify_token="word",
            phone_number_id=NUMBER_ID, counters=self.counters, failed_later=self.dispatcher.failed_later,
        )  # fmt: skip
        app = web.Application()
        app.router.add_get("/hook", webhook.get)
        app.router.add_post("/hook", webhook.post)
        self.parts.append(webhook)
        async with TestServer(app) as server, running(webhook.run()):
            yield Hook(server)


@asynccontextmanager
async def running(work):
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Hook:
    """Posts webhooks made by hand, not by our fake."""

    def __init__(self, server):
        self.url = server.make_url("/hook")

    async def post(self, session, *, messages=(), statuses=(), number=NUMBER_ID):
        value = {
            "metadata": {"phone_number_id": number},
            "messages": list(messages),
            "statuses": list(statuses),
        }
        body = {"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
        return await self.raw(session, json.dumps(body, ensure_ascii=False).encode())

    async def raw(self, session, raw, signature=None):
        signature = signature if signature is not None else sign(raw)
        async with session.post(
            self.url, data=io.BytesIO(raw), headers={"X-Hub-Signature-256": signature}
        ) as answer:
            await answer.read()
            return answer.status


def sign(raw, secret=APP_SECRET):
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


@asynccontextmanager
async def opened(folder):
    """Yield a scene on a new state folder."""
    graph = Graph()
    async with SqliteStorage.open(folder, vault()) as storage, graph.serve() as server:
        client = Client(
            base_url=str(server.make_url("")), graph_version="v26.0", phone_number_id=NUMBER_ID,
            token="secret-token", timeout_s=20,
        )  # fmt: skip
        async with client:
            yield await _populated(storage, graph, client)


async def _populated(storage, graph, client):
    farm_id = await storage.add_farm("Hill", bytes(32))
    animal_id = await storage.add_animal(farm_id, "12", "Bella")
    person_id = await storage.add_person(
        farm_id, "Alex", f"+{PHONE}", consent_ms=NOW_MS, consent_text="in person"
    )
    event = Event(EVENT, farm_id, animal_id, "no_movement", NOW_MS, NOW_MS, {})
    await storage.commit_scores(0, 0, 1, [], [event], [])
    return Scene(storage, ScenesClock(NOW_MS), graph, client, farm_id, animal_id, person_id)
