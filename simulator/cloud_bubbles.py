"""From a checked message body to what the phone shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.cloud_chats import SENT, Bubble, Button, Part, Row
from simulator.cloud_interactive import rows_of
from simulator.cloud_rules import OPAQUE, components_of

if TYPE_CHECKING:
    from simulator.cloud_template import Template


def bubble_of(body: dict[str, Any], template: Template | None, wamid: str, now_ms: int) -> Bubble:
    """Return a checked message as the phone shows it."""
    reply_to = body.get("context", {}).get("message_id")
    bubble = Bubble(
        wamid, now_ms, mine=False, parts=[], kind=body.get("type", "text"), status=SENT, reply_to=reply_to,
        opaque=body.get(OPAQUE),
    )  # fmt: skip
    if template is not None:
        _fill_template(bubble, template, body["template"])
    elif bubble.kind == "text":
        bubble.parts = [Part(body["text"]["body"])]
    elif bubble.kind == "interactive":
        _fill_interactive(bubble, body["interactive"])
    elif bubble.kind == "image":
        bubble.picture = _picture(body["image"])
        bubble.parts = _text(body["image"].get("caption", ""))
    else:
        bubble.reaction, bubble.reply_to = body["reaction"]["emoji"], body["reaction"]["message_id"]
    return bubble


def _fill_template(bubble: Bubble, template: Template, sent: dict[str, Any]) -> None:
    bubble.category = template.category.lower()
    bubble.parts, bubble.footer = _filled(template, "BODY", sent), template.text("FOOTER")
    bubble.buttons = _template_buttons(template, sent)
    if template.header == "TEXT":
        bubble.header = "".join(part.text for part in _filled(template, "HEADER", sent))
    elif template.header == "IMAGE":
        bubble.picture = _picture(components_of(sent, "header")[0]["parameters"][0]["image"])


def _filled(template: Template, kind: str, sent: dict[str, Any]) -> list[Part]:
    given = [
        one for component in components_of(sent, kind.lower()) for one in component.get("parameters", [])
    ]
    values = template.values(kind, given)
    pieces = template.parts(kind)  # text, name, text, name, ... text
    parts = [Part(values[piece], bold=True) if at % 2 else Part(piece) for at, piece in enumerate(pieces)]
    return [part for part in parts if part.text]


def _template_buttons(template: Template, sent: dict[str, Any]) -> list[Button]:
    titles = template.buttons
    if not titles:
        return []
    given = {int(one["index"]): one["parameters"][0]["payload"] for one in components_of(sent, "button")}
    return [Button(title, given.get(at, title)) for at, title in enumerate(titles)]


def _fill_interactive(bubble: Bubble, interactive: dict[str, Any]) -> None:
    action, header = interactive["action"], interactive.get("header", {})
    bubble.parts = [Part(interactive["body"]["text"])]
    bubble.footer = interactive.get("footer", {}).get("text", "")
    bubble.header = header.get("text", "")
    if header.get("type") == "image":
        bubble.picture = _picture(header["image"])
    if interactive["type"] == "button":
        replies = [one["reply"] for one in action["buttons"]]
        bubble.buttons = [Button(reply["title"], reply["id"]) for reply in replies]
        return
    bubble.menu = action["button"]
    bubble.rows = [
        Row(row["title"], row["id"], row.get("description", ""), section)
        for section, row in rows_of(interactive)
    ]


def _picture(image: dict[str, Any]) -> str:
    return str(image.get("id") or image["link"])


def _text(text: str) -> list[Part]:
    return [Part(text)] if text else []
