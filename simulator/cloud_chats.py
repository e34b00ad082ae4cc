"""The phones behind the fake Cloud API: what each has received, tapped and typed, and who looks at it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from simulator.cloud_rules import VARIABLE, Template, parameters

WINDOW_MS = 24 * 3_600_000
SENT, DELIVERED, READ = "sent", "delivered", "read"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message; what was filled in shows bold."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message."""

    title: str
    payload: str


@dataclass(slots=True)
class Bubble:
    """One message on a phone. status is empty for the person's own; `chosen` is the tapped button."""

    id: str
    at_ms: int
    mine: bool
    parts: list[Part]
    kind: str = "text"
    footer: str = ""
    buttons: list[Button] = field(default_factory=list)
    status: str = ""
    chosen: int | None = None
    reply_to: str | None = None
    opaque: str | None = None

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "".join(part.text for part in self.parts)


@dataclass(slots=True)
class Phone:
    """A person's phone. `watchers`: how many pages have its chat open."""

    number: str
    name: str
    bubbles: list[Bubble] = field(default_factory=list)
    last_inbound_ms: int | None = None
    watchers: int = 0
    version: int = 0

    @property
    def user_id(self) -> str:
        """The business-scoped user id."""
        return f"US.{hashlib.sha256(self.number.encode()).hexdigest()[:20]}"

    def contact(self) -> dict[str, Any]:
        """Return it as webhooks carry it."""
        return {"profile": {"name": self.name}, "wa_id": self.number, "user_id": self.user_id}

    def window_open(self, now_ms: int) -> bool:
        """Whether free-form messages may be sent to it."""
        return self.last_inbound_ms is not None and now_ms - self.last_inbound_ms < WINDOW_MS

    def find(self, wamid: str) -> Bubble | None:
        """Return the message with that id."""
        return next((bubble for bubble in self.bubbles if bubble.id == wamid), None)


class Phones:
    """Every phone by its number, digits only."""

    def __init__(self) -> None:
        self._phones: dict[str, Phone] = {}
        self._counts: Counter[str] = Counter()
        self._changed = asyncio.Condition()
        self.closed = False

    def all(self) -> list[Phone]:
        """Return every phone, the first one used first."""
        return list(self._phones.values())

    def get(self, number: str) -> Phone:
        """Return the phone of a number; a new number gets one."""
        digits = number.lstrip("+")
        return self._phones.setdefault(digits, Phone(digits, f"+{digits}"))

    def known(self, number: str) -> Phone | None:
        """Return the phone of a number that has one."""
        return self._phones.get(number.lstrip("+"))

    def add(self, number: str, name: str) -> Phone:
        """Give a number its owner's name."""
        phone = self.get(number)
        phone.name = name
        return phone

    def wamid(self, origin: str) -> str:
        """Return a new id: a count of what came from `origin`, whoever was faster elsewhere."""
        self._counts[origin] += 1
        digest = hashlib.sha256(f"{origin}|{self._counts[origin]}".encode()).digest()[:21]
        return f"wamid.{base64.b64encode(digest).decode()}"

    async def changed(self, phone: Phone) -> None:
        """Tell who is looking."""
        phone.version += 1
        async with self._changed:
            self._changed.notify_all()

    async def wait_newer(self, phone: Phone, version: int) -> None:
        """Return once the phone shows more than `version`, or everything closes."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.closed or phone.version > version)

    async def close(self) -> None:
        """Let everybody go who is looking."""
        self.closed = True
        async with self._changed:
            self._changed.notify_all()


def bubble_of(body: dict[str, Any], template: Template | None, wamid: str, now_ms: int) -> Bubble:
    """Return a checked message as the phone shows it."""
    reply_to = body.get("context", {}).get("message_id")
    bubble = Bubble(
        wamid, now_ms, mine=False, parts=[], kind=body.get("type", "text"), status=SENT, reply_to=reply_to,
        opaque=body.get("biz_opaque_callback_data"),
    )  # fmt: skip
    if template is not None:
        bubble.parts, bubble.footer = _filled(template, body["template"]), template.text("FOOTER")
        bubble.buttons = _template_buttons(template, body["template"])
    elif bubble.kind == "text":
        bubble.parts = [Part(body["text"]["body"])]
    elif bubble.kind == "interactive":
        bubble.parts = [Part(body["interactive"]["body"]["text"])]
        bubble.buttons = [
            Button(one["reply"]["title"], one["reply"]["id"])
            for one in body["interactive"]["action"].get("buttons", [])
        ]
    else:
        content = body[bubble.kind]
        bubble.parts = [Part(content.get("emoji") or content.get("caption") or f"[{bubble.kind}]")]
    return bubble


def _filled(template: Template, sent: dict[str, Any]) -> list[Part]:
    values = {one["parameter_name"]: one["text"] for one in parameters(sent)}
    pieces = VARIABLE.split(template.text("BODY"))  # text, name, text, name, ... text
    parts = [Part(values[piece], bold=True) if at % 2 else Part(piece) for at, piece in enumerate(pieces)]
    return [part for part in parts if part.text]


def _template_buttons(template: Template, sent: dict[str, Any]) -> list[Button]:
    given = {
        int(one["index"]): one["parameters"][0]["payload"]
        for one in sent.get("components", [])
        if str(one.get("type")).lower() == "button"
    }
    return [Button(title, given.get(at, title)) for at, title in enumerate(template.buttons)]
