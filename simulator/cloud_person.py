"""What a person does with a phone: taps, chooses, writes, reacts, looks, changes the number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.cloud_chats import DELIVERED, READ, Bubble, Part, Phone

if TYPE_CHECKING:
    from simulator.cloud_state import Cloud


class Person:
    """Acts on the phones of a fake cloud; webhooks tell the relay."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def tap(self, number: str, wamid: str, index: int) -> str:
        """Tap a button; return the id of what that sends. Raises LookupError without such a button."""
        phone, bubble = self._message(number, wamid)
        if not 0 <= index < len(bubble.buttons):
            raise LookupError(f"no button {index} under that message")
        button, bubble.chosen = bubble.buttons[index], index
        if bubble.kind == "template":
            content = {"type": "button", "button": {"payload": button.payload, "text": button.title}}
        else:
            reply = {"type": "button_reply", "button_reply": {"id": button.payload, "title": button.title}}
            content = {"type": "interactive", "interactive": reply}
        return self._send(phone, button.title, content, reply_to=wamid)

    def choose(self, number: str, wamid: str, index: int) -> str:
        """Choose a row of a list; return the id of what that sends. Raises LookupError without such a row."""
        phone, bubble = self._message(number, wamid)
        if not 0 <= index < len(bubble.rows):
            raise LookupError(f"no row {index} in that message")
        row, bubble.chosen = bubble.rows[index], index
        reply = {"id": row.payload, "title": row.title} | ({"description": row.text} if row.text else {})
        content = {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": reply}}
        return self._send(phone, row.title, content, reply_to=wamid)

    def write(self, number: str, text: str) -> str:
        """Write a text; return its id. Raises LookupError for an unknown phone."""
        return self._send(self._phone(number), text, {"type": "text", "text": {"body": text}})

    def show(self, number: str, kind: str, data: bytes, caption: str = "") -> str:
        """Send a picture; return its id. Raises LookupError, and GraphError for what is no picture."""
        phone, medium = self._phone(number), self._cloud.media.put(kind, data)
        image = {"id": medium.id, "mime_type": kind, "sha256": medium.sha256} | (
            {"caption": caption} if caption else {}
        )
        wamid = self._send(phone, caption, {"type": "image", "image": image})
        phone.bubbles[-1].picture = medium.id
        return wamid

    def react(self, number: str, wamid: str, emoji: str) -> str:
        """Put an emoji on a message, or take it off with an empty one. Raises LookupError."""
        phone, bubble = self._message(number, wamid)
        bubble.reaction = emoji
        reaction = {"message_id": wamid} | ({"emoji": emoji} if emoji else {})
        return self._tell(phone, {"type": "reaction", "reaction": reaction})

    def look(self, phone: Phone) -> None:
        """Look at the chat: everything delivered is read."""
        for bubble in phone.bubbles:
            if bubble.status == DELIVERED and not bubble.mine:
                self._cloud.report(phone, bubble, READ)

    def switch(self, phone: Phone, *, online: bool) -> None:
        """Switch the phone on or off; what waited is delivered when it comes on."""
        phone.online = online
        if online:
            for bubble in phone.bubbles:
                if not bubble.mine:
                    self._cloud.report(phone, bubble, DELIVERED)

    def change_number(self, old: str, new: str) -> str:
        """Move to another number. Raises LookupError, ValueError if the new one has an owner."""
        phone = self._phone(old)
        before = _sender(phone)
        self._cloud.phones.move(phone, new)
        body = f"User {phone.name} changed from {before.get('from', '')} to {phone.number}"
        system = {
            "body": body,
            "wa_id": phone.number,
            "user_id": phone.user_id,
            "type": "user_changed_number",
        }
        phone.add(self._note(phone, "This number has changed."))
        return self._tell(phone, {"type": "system", "system": system}, before)

    def change_identity(self, number: str, kind: str = "customer_identity_changed") -> str:
        """Put the account on another device. Raises LookupError. kind: the name Meta's pages differ about."""
        phone = self._phone(number)
        system = {"body": f"{phone.name} changed their identity", "type": kind, "customer": phone.number}
        stamp = str(self._cloud.clock.utc_ms // 1000)
        identity = {"acknowledged": False, "created_timestamp": stamp, "hash": phone.user_id[3:]}
        return self._tell(phone, {"type": "system", "system": system, "identity": identity})

    def prefer(self, number: str, *, stop: bool) -> None:
        """Stop or resume marketing messages in the phone's settings. Raises LookupError."""
        phone = self._phone(number)
        wish = {
            "wa_id": phone.number, "user_id": phone.user_id, "category": "marketing_messages",
            "detail": "User requested to stop marketing messages" if stop else "User requested to resume",
            "value": "stop" if stop else "resume", "timestamp": self._cloud.clock.utc_ms // 1000,
        }  # fmt: skip
        self._cloud.webhooks.put("user_preferences", wish, phone.contact())

    def _phone(self, number: str) -> Phone:
        phone = self._cloud.phones.known(number)
        if phone is None:
            raise LookupError("no such phone")
        return phone

    def _message(self, number: str, wamid: str) -> tuple[Phone, Bubble]:
        phone = self._phone(number)
        bubble = phone.find(wamid)
        if bubble is None:
            raise LookupError("no such message on that phone")
        return phone, bubble

    def _note(self, phone: Phone, text: str) -> Bubble:
        wamid = self._cloud.phones.wamid(f"note|{phone.number}")
        return Bubble(wamid, self._cloud.clock.utc_ms, mine=True, parts=[Part(text)], kind="system")

    def _send(self, phone: Phone, text: str, content: dict[str, Any], reply_to: str | None = None) -> str:
        if reply_to:
            content["context"] = {"from": self._cloud.account.display, "id": reply_to}
        wamid = self._tell(phone, content)
        now_ms = self._cloud.clock.utc_ms
        self._cloud.phones.note_sender(phone, wamid)
        phone.last_inbound_ms = now_ms
        parts = [Part(text)] if text else []
        phone.add(Bubble(wamid, now_ms, mine=True, parts=parts, status=DELIVERED, reply_to=reply_to))
        self._cloud.phones.changed(phone)
        return wamid

    def _tell(self, phone: Phone, content: dict[str, Any], sender: dict[str, str] | None = None) -> str:
        cloud, now_ms = self._cloud, self._cloud.clock.utc_ms
        wamid = cloud.phones.wamid(f"in|{phone.number}")
        item = {**(sender or _sender(phone)), "id": wamid, "timestamp": str(now_ms // 1000), **content}
        cloud.webhooks.put("messages", item, phone.contact())
        cloud.limits.count(now_ms)
        cloud.counters.inbound += 1
        cloud.phones.changed(phone)
        return wamid


def _sender(phone: Phone) -> dict[str, str]:
    return ({} if phone.hidden else {"from": phone.number}) | {"from_user_id": phone.user_id}
