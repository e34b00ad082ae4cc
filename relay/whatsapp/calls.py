"""The bodies of POST /{phone number id}/messages, as Graph wants them. Pure.

Source: Meta, "Messages", Cloud API reference, 2026, and "Business-scoped user IDs", 28 May 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT_MAX, INTERACTIVE_MAX, CAPTION_MAX = 4096, 1024, 1024
REPLY_BUTTONS_MAX, ROWS_MAX = 3, 10
TITLE_MAX, ROW_TITLE_MAX, ROW_TEXT_MAX = 20, 24, 72


def envelope(
    phone: str, user_id: str = "", *, tracker: str | None = None, reply_to: str | None = None
) -> dict[str, Any]:
    """Return what every message has: whom it is for, our id of it, the message it answers.

    phone: digits, with or without "+"; without one the business-scoped user id is used.
    """
    whom = {"to": phone.lstrip("+")} if phone else {"recipient": user_id}
    body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", **whom}
    if tracker is not None:
        body["biz_opaque_callback_data"] = tracker
    if reply_to:
        body["context"] = {"message_id": reply_to}
    return body


def text(body: str) -> dict[str, Any]:
    """Return a text of up to TEXT_MAX characters."""
    return {"type": "text", "text": {"preview_url": False, "body": body}}


def image(media_id: str, caption: str = "") -> dict[str, Any]:
    """Return an uploaded picture, with up to CAPTION_MAX characters under it."""
    return {"type": "image", "image": {"id": media_id, **({"caption": caption} if caption else {})}}


def reaction(wamid: str, emoji: str) -> dict[str, Any]:
    """Return an emoji on a person's message; "" takes it away again."""
    return {"type": "reaction", "reaction": {"message_id": wamid, "emoji": emoji}}


def buttons(body: str, replies: Sequence[tuple[str, str]], media_id: str | None = None) -> dict[str, Any]:
    """Return a text with up to REPLY_BUTTONS_MAX buttons (payload, title) and, above it, a picture."""
    content: dict[str, Any] = {
        "type": "button",
        "body": {"text": body},
        "action": {
            "buttons": [{"type": "reply", "reply": {"id": one, "title": title}} for one, title in replies]
        },
    }
    if media_id is not None:
        content["header"] = {"type": "image", "image": {"id": media_id}}
    return {"type": "interactive", "interactive": content}


def choices(body: str, button: str, rows: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """Return a text whose button opens a list of up to ROWS_MAX rows (payload, title, description)."""
    listed = [
        {"id": one, "title": title, **({"description": about} if about else {})} for one, title, about in rows
    ]
    content = {
        "type": "list",
        "body": {"text": body},
        "action": {"button": button, "sections": [{"title": button, "rows": listed}]},
    }
    return {"type": "interactive", "interactive": content}


def template(
    name: str, language: str, values: Mapping[str, str], payloads: Sequence[str] = (),
    media_id: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return a template with named values, a payload for each of its buttons and its header's picture."""
    parameters = [{"type": "text", "parameter_name": key, "text": value} for key, value in values.items()]
    header = [{"type": "image", "image": {"id": media_id}}] if media_id is not None else []
    components: list[dict[str, Any]] = [
        *([{"type": "header", "parameters": header}] if header else []),
        {"type": "body", "parameters": parameters},
        *(_payload(at, payload) for at, payload in enumerate(payloads)),
    ]
    return {
        "type": "template",
        "template": {"name": name, "language": {"code": language}, "components": components},
    }


def _payload(at: int, payload: str) -> dict[str, Any]:
    return {
        "type": "button",
        "sub_type": "quick_reply",
        "index": str(at),
        "parameters": [{"type": "payload", "payload": payload}],
    }


def read(wamid: str, *, typing: bool) -> dict[str, Any]:
    """Return what marks a person's message as read and, if wanted, shows that an answer is being typed."""
    body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    return {**body, "typing_indicator": {"type": "text"}} if typing else body
