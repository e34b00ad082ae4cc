"""A fake cloud with a template, a stand-in for the relay's webhook, and a client made of plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.clock import VirtualClock
from simulator.cloud import CLOUD, make_cloud
from simulator.cloud_person import Person

TOKEN, APP_SECRET = "fake-token", "fake-secret"
NUMBER_ID, WABA_ID = "100000000000001", "200000000000001"
PHONE = "491701234567"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)  # one pixel
BODY = "Health alert: {{animal}} at {{farm}} needs you. Please look."
EXAMPLES = [
    {"param_name": name, "example": text} for name, text in (("animal", "Bella (12)"), ("farm", "Hill"))
]
TEMPLATE = {
    "name": "alert_v1",
    "language": "en",
    "category": "UTILITY",
    "parameter_format": "NAMED",
    "components": [
        {"type": "BODY", "text": BODY, "example": {"body_text_named_params": EXAMPLES}},
        {"type": "FOOTER", "text": "Reply STOP to end these alerts."},
        {
            "type": "BUTTONS",
            "buttons": [{"type": "QUICK_REPLY", "text": text} for text in ("On my way", "False alarm")],
        },
    ],
}


def template_message(animal="Bella (12)", to=PHONE, **extra):
    parameters = [
        {"type": "text", "parameter_name": name, "text": text}
        for name, text in (("animal", animal), ("farm", "Hill"))
    ]
    buttons = [
        {
            "type": "button", "sub_type": "quick_reply", "index": str(at),
            "parameters": [{"type": "payload", "payload": verb}],
        }
        for at, verb in enumerate(("v1|ack", "v1|fp"))
    ]  # fmt: skip
    return {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "template",
        "biz_opaque_callback_data": "m1",
        "template": {
            "name": "alert_v1", "language": {"code": "en"},
            "components": [{"type": "body", "parameters": parameters}, *buttons],
        }, **extra,
    }  # fmt: skip


def text_message(text="Noted.", to=PHONE):
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": text}}


def reply_message(*titles, to=PHONE, **interactive):
    buttons = [{"type": "reply", "reply": {"id": f"v1|{title}", "title": title}} for title in titles]
    content = {"type": "button", "body": {"text": "Bella?"}, "action": {"buttons": buttons}, **interactive}
    return {"messaging_product": "whatsapp", "to": to, "type": "interactive", "interactive": content}


def list_message(*titles, to=PHONE, **action):
    rows = [{"id": f"row|{title}", "title": title, "description": "Eats less"} for title in titles]
    action = {"button": "Open alerts", "sections": [{"title": "Urgent", "rows": rows}], **action}
    content = {"type": "list", "body": {"text": "Choose one."}, "action": action}
    return {"messaging_product": "whatsapp", "to": to, "type": "interactive", "interactive": content}


class Ear:
    """Hears webhooks; answers with the statuses of `script`, then 200."""

    def __init__(self):
        self.script, self.heard = [], []

    async def post(self, request):
        raw = await request.read()
        want = "sha256=" + hmac.new(APP_SECRET.encode(), raw, hashlib.sha256).hexdigest()
        assert request.headers["X-Hub-Signature-256"] == want
        self.heard.append(json.loads(raw))
        return web.Response(status=self.script.pop(0) if self.script else 200)

    @property
    def changes(self):
        """Every change, in order."""
        return [change for body in self.heard for entry in body["entry"] for change in entry["changes"]]

    def values(self, kind):
        """Return every item of that kind, in order."""
        return [item for change in self.changes for item in change["value"].get(kind, [])]

    def fields(self, name):
        """Return the value of every change of a field, in order."""
        return [change["value"] for change in self.changes if change["field"] == name]


class Sky:
    """The fake, running."""

    def __init__(self, server, session, clock, ear):
        self.server, self.session, self.clock, self.ear = server, session, clock, ear
        self.cloud = server.app[CLOUD]
        self.trace = []

    async def post(self, body, path=f"/v26.0/{NUMBER_ID}/messages", token=TOKEN):
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.post(self.server.make_url(path), json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def call(self, method, path, **options):
        """Return status and JSON of any call of the Graph API."""
        headers = {"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
        url = self.server.make_url(f"/v26.0/{path}")
        async with self.session.request(method, url, headers=headers, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def control(self, verb, **asked):
        """Return status and answer of a control call."""
        url = self.server.make_url(f"/__control/{verb}")
        async with self.session.post(url, json=asked) as answer:
            return answer.status, await answer.text()

    async def upload(self, data=PNG, kind="image/png"):
        """Upload a picture for messages; return status and answer."""
        form = aiohttp.FormData({"messaging_product": "whatsapp", "type": kind})
        form.add_field("file", io.BytesIO(data), filename="picture", content_type=kind)
        return await self.call("POST", f"{NUMBER_ID}/media", data=form)

    async def hear(self, number=PHONE, text="hello"):
        """Let a person write, so that a window is open; return the message's id."""
        self.cloud.phones.get(number)
        return Person(self.cloud).write(number, text)

    async def later(self, ms):
        """Move the clock and let all happen that is due."""
        self.clock.advance_us(ms * 1000)
        await self.cloud.settle()

    async def code(self, body, **where):
        """Return the error code of an answer, 0 if it is none."""
        _, answer = await self.post(body, **where)
        return answer.get("error", {}).get("code", 0)

    async def page(self, path, body=None):
        url = self.server.make_url(f"/phone/api/{path}")
        call = self.session.get(url) if body is None else self.session.post(url, json=body)
        async with call as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def open_sky(**options):
    ear, clock, trace = Ear(), VirtualClock(), []
    app = web.Application()
    app.router.add_post("/hook", ear.post)

    async with TestServer(app) as listener, aiohttp.ClientSession() as session:
        fake = make_cloud(
            clock, token=TOKEN, app_secret=APP_SECRET, verify_token="word", templates=[TEMPLATE],
            webhook_url=str(listener.make_url("/hook")), on_message=lambda *facts: trace.append(facts),
            **options,
        )  # fmt: skip
        async with TestServer(fake) as server:
            sky = Sky(server, session, clock, ear)
            sky.trace = trace
            yield sky
