"""What the fake Cloud API accepts: Meta's rules for message bodies and templates, and Meta's way to say no.

Sources: Meta, "Error codes" (15 May 2026), "Messages" and "Message templates" of the Cloud API documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

TITLES = {
    100: "Invalid parameter",
    190: "Invalid OAuth access token.",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131047: "Re-engagement message",
    131051: "Unsupported message type",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132012: "Parameter format does not match format in the created template",
    132015: "Template is paused",
    132018: "Template parameters are not valid",
}
_NUMBER = re.compile(r"\+?[1-9]\d{6,14}")
_NAME = re.compile(r"[a-z0-9_]{1,512}")
VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_BODY_MAX, _TEXT_MAX, _FOOTER_MAX, _TEMPLATE_BUTTON_MAX, _BUTTON_MAX = 1024, 4096, 60, 25, 20
_TEMPLATE_BUTTONS, _BUTTONS, _OPAQUE_MAX, _PAYLOAD_MAX = 10, 3, 512, 256
_COMMON = {"messaging_product", "recipient_type", "to", "type", "context", "biz_opaque_callback_data"}
TYPES = ("text", "template", "interactive", "image", "reaction")


class GraphError(Exception):
    """A refusal; `document()` is the JSON that Meta sends."""

    def __init__(self, code: int, details: str = "", *, status: int = 400, transient: bool = False) -> None:
        super().__init__(f"{code} {details}")
        self.code, self.details, self.status, self.transient = code, details, status, transient

    def document(self) -> dict[str, Any]:
        """Return the body of the answer."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {TITLES.get(self.code, 'Scripted error')}",
            "type": "OAuthException",
            "code": self.code,
            "fbtrace_id": "AFakeTraceId",
        }
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.transient:
            error["is_transient"] = True
        return {"error": error}


def need(holds: object, code: int, details: str) -> None:
    """Raise GraphError unless it holds."""
    if not holds:
        raise GraphError(code, details)


def text_of(holder: Any, name: str, longest: int, code: int = 100) -> str:
    """Return holder[name], a text of 1..longest characters."""
    value = holder.get(name) if isinstance(holder, dict) else None
    need(isinstance(value, str) and 0 < len(value) <= longest, code, f"{name} must be a text of 1..{longest}")
    return str(value)


@dataclass(slots=True)
class Template:
    """A template of the business account."""

    id: str
    name: str
    language: str
    category: str
    components: list[dict[str, Any]]
    status: str = "PENDING"

    def listed(self) -> dict[str, Any]:
        """Return it as the list call shows it."""
        return {
            "id": self.id, "name": self.name, "language": self.language, "category": self.category,
            "status": self.status, "parameter_format": "NAMED", "components": self.components,
        }  # fmt: skip

    def text(self, kind: str) -> str:
        """Return the text of the component of that type, or nothing."""
        return str(self._component(kind).get("text", ""))

    @property
    def buttons(self) -> list[str]:
        """The titles of its quick replies."""
        return [str(button["text"]) for button in self._component("BUTTONS").get("buttons", [])]

    def _component(self, kind: str) -> dict[str, Any]:
        return next((one for one in self.components if str(one["type"]).upper() == kind), {})


@dataclass(slots=True)
class Registry:
    """The templates of one account. review: the status that a new one gets."""

    review: str = "APPROVED"
    templates: dict[tuple[str, str], Template] = field(default_factory=dict)

    def create(self, spec: Any) -> Template:
        """Add a template from Graph's body; raises GraphError 100 if Meta would refuse it."""
        need(isinstance(spec, dict), 100, "body must be an object")
        name, language = text_of(spec, "name", 512), text_of(spec, "language", 15)
        need(_NAME.fullmatch(name), 100, "name: lower case letters, digits and _")
        need((name, language) not in self.templates, 100, f"{name} exists in {language}")
        need(spec.get("category") in {"UTILITY", "MARKETING"}, 100, "category")
        need(spec.get("parameter_format") == "NAMED", 100, "parameter_format: this fake knows NAMED")
        components = spec.get("components")
        need(
            isinstance(components, list) and all(isinstance(one, dict) for one in components),
            100,
            "components",
        )
        number = f"{700_000_000_000 + len(self.templates)}"
        template = Template(number, name, language, spec["category"], list(components or []), self.review)
        _check_template(template)
        self.templates[name, language] = template
        return template

    def find(self, name: str, language: str) -> Template:
        """Return a template that may be sent; raises GraphError 132001 or 132015."""
        template = self.templates.get((name, language))
        if template is None or template.status in {"PENDING", "REJECTED"}:
            raise GraphError(132001, f"template name ({name}) does not exist in {language}", status=404)
        need(template.status == "APPROVED", 132015, f"template {name} is {template.status}")
        return template


def _check_template(template: Template) -> None:
    body, footer, buttons = template.text("BODY"), template.text("FOOTER"), template.buttons
    need(0 < len(body) <= _BODY_MAX, 100, f"body of {len(body)} characters")
    bare = body.strip(" .!?\u0964\u06d4")
    need(not (bare.startswith("{{") or bare.endswith("}}")), 100, "body starts or ends with a variable")
    need(not re.search(r"\}\}\s*\{\{", body), 100, "body has adjacent variables")
    need(len(footer) <= _FOOTER_MAX and "{{" not in footer, 100, "footer")
    fits = len(buttons) <= _TEMPLATE_BUTTONS and all(0 < len(one) <= _TEMPLATE_BUTTON_MAX for one in buttons)
    need(fits, 100, "buttons")


def check_message(body: Any, registry: Registry) -> Template | None:
    """Raise GraphError unless Meta would take this message; return its template if it has one."""
    need(isinstance(body, dict), 100, "body must be an object")
    need(body.get("messaging_product") == "whatsapp", 100, "messaging_product must be whatsapp")
    need(body.get("recipient_type", "individual") == "individual", 100, "recipient_type")
    need(isinstance(body.get("to"), str) and _NUMBER.fullmatch(body["to"]), 131009, "to is no phone number")
    kind = body.get("type", "text")
    need(kind in TYPES, 131051, f"type {kind!r}")
    need(isinstance(body.get(kind), dict), 131008, f"{kind} is missing")
    extra = set(body) - _COMMON - {kind}
    need(not extra, 100, f"Unexpected key {sorted(extra)}")
    if "biz_opaque_callback_data" in body:
        text_of(body, "biz_opaque_callback_data", _OPAQUE_MAX)
    if "context" in body:
        text_of(body["context"], "message_id", _OPAQUE_MAX)
    if kind == "template":
        return _check_sent_template(body["template"], registry)
    _CHECKS[kind](body[kind])
    return None


def _check_sent_template(sent: dict[str, Any], registry: Registry) -> Template:
    language = sent.get("language")
    need(isinstance(language, dict), 131008, "template.language is missing")
    template = registry.find(text_of(sent, "name", 512), text_of(language, "code", 15))
    components = sent.get("components", [])
    need(isinstance(components, list) and all(isinstance(one, dict) for one in components), 100, "components")
    _check_values(parameters(sent), template)
    for one in components:
        if str(one.get("type")).lower() == "button":
            _check_payload(one, len(template.buttons))
    return template


def parameters(sent: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters of the body of a template message."""
    bodies = [one for one in sent.get("components", []) if str(one.get("type")).lower() == "body"]
    return [parameter for one in bodies for parameter in one.get("parameters", [])]


def _check_values(given: list[dict[str, Any]], template: Template) -> None:
    wanted = VARIABLE.findall(template.text("BODY"))
    names = [one.get("parameter_name") for one in given]
    need(len(given) == len(wanted), 132000, f"body: got {len(given)} parameters, want {len(wanted)}")
    need(all(names), 100, "Parameter name is missing or empty")
    need(sorted(map(str, names)) == sorted(wanted), 100, f"parameter names {names}, want {wanted}")
    for one in given:
        need(one.get("type") == "text", 132012, "parameter type")
        value = text_of(one, "text", _BODY_MAX, 131008)
        need(not re.search(r"[\n\t]| {5}", value), 132018, "new lines, tabs or 5 spaces in a parameter")


def _check_payload(component: dict[str, Any], buttons: int) -> None:
    need(str(component.get("sub_type")).lower() == "quick_reply", 100, "sub_type")
    index = str(component.get("index"))
    need(index.isdigit() and int(index) < buttons, 131009, f"button index {index} of {buttons} buttons")
    given = component.get("parameters")
    need(
        isinstance(given, list) and len(given) == 1 and isinstance(given[0], dict),
        132000,
        "one payload a button",
    )
    need(given and given[0].get("type") == "payload", 131009, "button parameter type")
    text_of(given[0] if given else None, "payload", _PAYLOAD_MAX)


def _check_text(text: dict[str, Any]) -> None:
    text_of(text, "body", _TEXT_MAX)
    need(isinstance(text.get("preview_url", False), bool), 100, "preview_url")


def _check_interactive(interactive: dict[str, Any]) -> None:
    kind, action = interactive.get("type"), interactive.get("action")
    need(kind in {"button", "list"}, 100, f"interactive type {kind!r}")
    text_of(interactive.get("body"), "text", _BODY_MAX)
    need(isinstance(action, dict), 131008, "action is missing")
    if kind == "button":
        _check_replies(action.get("buttons") if action else None)
    else:
        text_of(action, "button", _BUTTON_MAX)


def _check_replies(buttons: Any) -> None:
    need(isinstance(buttons, list) and 1 <= len(buttons) <= _BUTTONS, 131009, f"1..{_BUTTONS} reply buttons")
    for button in buttons:
        reply = button.get("reply") if isinstance(button, dict) else None
        text_of(reply, "id", _PAYLOAD_MAX, 131009)
        text_of(reply, "title", _BUTTON_MAX, 131009)


def _check_image(image: dict[str, Any]) -> None:
    need(isinstance(image.get("id", image.get("link")), str), 131008, "image needs id or link")


def _check_reaction(reaction: dict[str, Any]) -> None:
    text_of(reaction, "message_id", _OPAQUE_MAX)


_CHECKS = {
    "text": _check_text,
    "interactive": _check_interactive,
    "image": _check_image,
    "reaction": _check_reaction,
}
