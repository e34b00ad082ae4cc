"""The state behind the fake Cloud API: what was sent, tapped and typed, and what goes wrong."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from simulator.cloud_chats import DELIVERED, READ, SENT, Bubble, Part, Phone, Phones, bubble_of
from simulator.cloud_rules import Registry, check_message, need

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from simulator.cloud_webhooks import Webhooks


class Clock(Protocol):
    """Where the fake gets its time."""

    @property
    def utc_ms(self) -> int:
        """UTC in ms."""


@dataclass(slots=True)
class Fault:
    """What happens to one message instead of a plain answer.

    code: refuse with this Graph code. Otherwise the message is accepted if `accept`, and then: hold: the
    answer waits for this event; drop: the connection closes without one; bad_gateway: a proxy answers 502.
    """

    code: int | None = None
    accept: bool = True
    hold: asyncio.Event | None = None
    drop: bool = False
    bad_gateway: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """Ids and secrets, shared with whoever sends."""

    token: str
    app_secret: str
    verify_token: str
    phone_number_id: str
    waba_id: str
    farm: str
    zone: str


@dataclass(slots=True)
class Cloud:
    """The state behind the API. Tests and the demo hold it through `app[CLOUD]`."""

    account: Account
    clock: Clock
    webhooks: Webhooks
    on_message: Callable[[int, str, str], None] | None = None
    registry: Registry = field(default_factory=Registry)
    phones: Phones = field(default_factory=Phones)
    faults: deque[Fault] = field(default_factory=deque)
    requests: list[dict[str, Any]] = field(
        default_factory=list
    )  # every message body that arrived, also refused ones
    media: dict[str, int] = field(default_factory=dict)

    def fault(self, fault: Fault, times: int = 1) -> None:
        """Let the next `times` messages meet this fault, after those scripted already."""
        self.faults.extend([fault] * times)

    async def accept(self, body: dict[str, Any]) -> Bubble:
        """Take a message: check it, put it on the phone, report its statuses. Raises GraphError."""
        template = check_message(body, self.registry)
        phone = self.phones.get(body["to"])
        now_ms = self.clock.utc_ms
        need(
            template or phone.window_open(now_ms),
            131047,
            "more than 24 hours since the person's last message",
        )
        origin = f"{phone.number}|{body.get('biz_opaque_callback_data', '')}"
        bubble = bubble_of(body, template, self.phones.wamid(origin), now_ms)
        phone.bubbles.append(bubble)
        if self.on_message:
            self.on_message(now_ms, phone.number, bubble.text)
        for status in (SENT, DELIVERED, *((READ,) if phone.watchers else ())):
            self._status(phone, bubble, status)
        await self._changed(phone)
        return bubble

    async def read_all(self, phone: Phone) -> None:
        """The person looks at the chat: everything delivered is read."""
        unread = [bubble for bubble in phone.bubbles if bubble.status == DELIVERED]
        for bubble in unread:
            self._status(phone, bubble, READ)
        if unread:
            await self._changed(phone)

    async def tap(self, number: str, wamid: str, index: int) -> str:
        """The person taps a button; return that message's id. Raises LookupError without such a button."""
        phone = self.phones.known(number)
        bubble = phone.find(wamid) if phone else None
        if phone is None or bubble is None or not 0 <= index < len(bubble.buttons):
            raise LookupError(f"no button {index} under that message")
        button, bubble.chosen = bubble.buttons[index], index
        if bubble.kind == "template":
            content = {"type": "button", "button": {"payload": button.payload, "text": button.title}}
        else:
            reply = {"type": "button_reply", "button_reply": {"id": button.payload, "title": button.title}}
            content = {"type": "interactive", "interactive": reply}
        content["context"] = {"from": self.account.phone_number_id, "id": wamid}
        return await self._inbound(phone, button.title, content, reply_to=wamid)

    async def type_text(self, number: str, text: str) -> str:
        """The person writes a text; return its id. Raises LookupError for an unknown phone."""
        phone = self.phones.known(number)
        if phone is None:
            raise LookupError("no such phone")
        return await self._inbound(phone, text, {"type": "text", "text": {"body": text}})

    async def settle(self) -> None:
        """Return once every webhook has been answered."""
        await self.webhooks.settle()

    async def _inbound(
        self, phone: Phone, text: str, content: dict[str, Any], reply_to: str | None = None
    ) -> str:
        now_ms = self.clock.utc_ms
        phone.last_inbound_ms = now_ms
        wamid = self.phones.wamid(f"in|{phone.number}")
        phone.bubbles.append(Bubble(wamid, now_ms, mine=True, parts=[Part(text)], reply_to=reply_to))
        item = {
            "from": phone.number,
            "from_user_id": phone.user_id,
            "id": wamid,
            "timestamp": str(now_ms // 1000),
            **content,
        }
        self.webhooks.put("messages", item, phone.contact())
        await self._changed(phone)
        return wamid

    def _status(self, phone: Phone, bubble: Bubble, status: str) -> None:
        bubble.status = status
        item: dict[str, Any] = {
            "id": bubble.id,
            "status": status,
            "timestamp": str(self.clock.utc_ms // 1000),
            "recipient_id": phone.number,
            "recipient_user_id": phone.user_id,
        }
        if bubble.opaque is not None:
            item["biz_opaque_callback_data"] = bubble.opaque
        if status == SENT:
            category = "utility" if bubble.kind == "template" else "service"
            item["pricing"] = {
                "billable": True, "pricing_model": "PMP", "type": "regular", "category": category,
            }  # fmt: skip
        self.webhooks.put("statuses", item, phone.contact())

    async def _changed(self, phone: Phone) -> None:
        await self.phones.changed(phone)
        await self.webhooks.kick()


CLOUD = web.AppKey("cloud", Cloud)
