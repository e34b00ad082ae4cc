"""What the fake Cloud API takes as a message: Meta's rules for bodies.

Sources: Meta, "Messages", "Error codes" (15 May 2026), "Business-scoped user IDs" (28 May 2026).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from simulator.cloud_errors import GraphError, need, objects_of, text_of
from simulator.cloud_interactive import check_interactive
from simulator.cloud_template import BODY_MAX

if TYPE_CHECKING:
    from simulator.cloud_media import Shelf
    from simulator.cloud_registry import Registry
    from simulator.cloud_template import Template

_NUMBER = re.compile(r"\+?[1-9]\d{6,14}")
_USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_TEXT_MAX, _CAPTION_MAX, _OPAQUE_MAX, _PAYLOAD_MAX = 4096, 1024, 512, 256
_COMMON = frozenset(
    {"messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data"}
)
TYPES = ("text", "template", "interactive", "image", "reaction")
OPAQUE = "biz_opaque_callback_data"


def check_message(body: Any, registry: Registry, shelf: Shelf) -> Template | None:
    """Raise GraphError unless Meta would take this message; return its template if it has one."""
    need(isinstance(body, dict), 100, "body must be an object")
    need(body.get("messaging_product") == "whatsapp", 100, "messaging_product must be whatsapp")
    need(body.get("recipient_type", "individual") == "individual", 100, "recipient_type")
    _check_recipient(body)
    kind = body.get("type", "text")
    need(kind in TYPES, 131051, f"type {kind!r}")
    need(isinstance(body.get(kind), dict), 131008, f"{kind} is missing")
    if extra := body.keys() - _COMMON - {kind}:
        raise GraphError(100, f"Unexpected key {sorted(extra)}")
    if OPAQUE in body:
        text_of(body, OPAQUE, _OPAQUE_MAX)
    if "context" in body:
        text_of(body["context"], "message_id", _OPAQUE_MAX)
    if kind == "template":
        return _check_sent_template(body["template"], registry, shelf)
    if kind == "interactive":
        check_interactive(body["interactive"], shelf)
    elif kind == "image":
        shelf.check_image(body["image"])
        caption = body["image"].get("caption", "")
        need(isinstance(caption, str) and len(caption) <= _CAPTION_MAX, 100, "caption")
    elif kind == "text":
        _check_text(body["text"])
    else:
        _check_reaction(body["reaction"])
    return None


def _check_recipient(body: dict[str, Any]) -> None:
    if "to" in body or "recipient" not in body:
        to = body.get("to")
        need(isinstance(to, str) and _NUMBER.fullmatch(to), 131009, "to is no phone number")
    else:
        user_id = body["recipient"]
        need(isinstance(user_id, str) and _USER_ID.fullmatch(user_id), 131009, "recipient is no user id")


def _check_sent_template(sent: dict[str, Any], registry: Registry, shelf: Shelf) -> Template:
    language = sent.get("language")
    need(isinstance(language, dict), 131008, "template.language is missing")
    template = registry.find(text_of(sent, "name", 512), text_of(language, "code", 15))
    _check_header(template, components_of(sent, "header"), shelf)
    given = [parameter for one in components_of(sent, "body") for parameter in objects_of(one, "parameters")]
    values = template.values("BODY", given)
    length = len(template.text("BODY")) + sum(map(len, values.values()))
    need(
        length - sum(len(name) + 4 for name in values) <= BODY_MAX, 132005, f"more than {BODY_MAX} characters"
    )
    buttons = len(template.buttons)
    for one in components_of(sent, "button"):
        _check_payload(one, buttons)
    return template


def components_of(sent: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the components of that kind of a template message. Raises GraphError 100."""
    return [one for one in objects_of(sent, "components") if str(one.get("type")).lower() == kind]


def _check_header(template: Template, sent: list[dict[str, Any]], shelf: Shelf) -> None:
    given = [parameter for one in sent for parameter in objects_of(one, "parameters")]
    if template.header != "IMAGE":
        template.values("HEADER", given)
        return
    kinds = [str(one.get("type")).lower() for one in given]
    need(
        kinds == ["image"], 132012, f"header: Format mismatch, expected IMAGE, received {kinds or 'nothing'}"
    )
    shelf.check_image(given[0].get("image"))


def _check_payload(component: dict[str, Any], buttons: int) -> None:
    need(str(component.get("sub_type")).lower() == "quick_reply", 100, "sub_type")
    index = str(component.get("index"))
    need(index.isdigit() and int(index) < buttons, 131009, f"button index {index} of {buttons} buttons")
    given = objects_of(component, "parameters", 132000)
    need(len(given) == 1, 132000, "one payload a button")
    need(given[0].get("type") == "payload", 131009, "button parameter type")
    text_of(given[0], "payload", _PAYLOAD_MAX)


def _check_text(text: dict[str, Any]) -> None:
    text_of(text, "body", _TEXT_MAX)
    need(isinstance(text.get("preview_url", False), bool), 100, "preview_url")


def _check_reaction(reaction: dict[str, Any]) -> None:
    text_of(reaction, "message_id", _OPAQUE_MAX)
    need(
        isinstance(reaction.get("emoji"), str),
        131008,
        "emoji is missing; an empty one takes the reaction back",
    )
