"""One message template: what it says, and what Meta refuses when it is made or edited.

Sources: Meta, "Message templates", "Template components" and "Template guidelines" of the Cloud API
documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from simulator.cloud_errors import GraphError, need, objects_of, text_of

APPROVED, PENDING, REJECTED, PAUSED, DISABLED = "APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"
BODY_MAX = 1024
VARIABLE = re.compile(r"\{\{(\w+)\}\}")
CATEGORIES = ("AUTHENTICATION", "MARKETING", "UTILITY")
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_FOOTER_MAX, _HEADER_MAX, _BUTTON_MAX, _BUTTONS = 60, 60, 25, 10
_HEADERS = {"TEXT", "IMAGE"}
_PARTS = {"HEADER", "BODY", "FOOTER", "BUTTONS"}
_EDGE_VARIABLE, _CROWDED = 2388299, 2388293
_TTL_S = range(30, 43_201)


@dataclass(slots=True)
class Template:
    """A template of the business account. named: variables have names, else numbers."""

    id: str
    name: str
    language: str
    category: str
    components: list[dict[str, Any]]
    status: str = PENDING
    quality: str = "UNKNOWN"
    judged_s: int = 0
    reason: str = "NONE"
    named: bool = True
    ttl_s: int | None = None
    edited_ms: list[int] = field(default_factory=list)

    def listed(self) -> dict[str, Any]:
        """Return it as the list call shows it."""
        shown = {
            "id": self.id, "name": self.name, "language": self.language, "category": self.category,
            "status": self.status, "parameter_format": "NAMED" if self.named else "POSITIONAL",
            "components": self.components, "rejected_reason": self.reason,
            "quality_score": {"score": self.quality, "date": self.judged_s},
        }  # fmt: skip
        return shown if self.ttl_s is None else {**shown, "message_send_ttl_seconds": self.ttl_s}

    def text(self, kind: str) -> str:
        """Return the text of the component of that type, or nothing."""
        return str(self.component(kind).get("text", ""))

    @property
    def buttons(self) -> list[str]:
        """The titles of its buttons."""
        return [str(button.get("text", "")) for button in self.component("BUTTONS").get("buttons", [])]

    @property
    def header(self) -> str:
        """The format of its header: TEXT, IMAGE, or nothing."""
        return str(self.component("HEADER").get("format", "")).upper()

    def values(self, kind: str, given: list[dict[str, Any]]) -> dict[str, str]:
        """Return the value of each variable of a component. Raises GraphError as Meta does."""
        wanted = VARIABLE.findall(self.text(kind))
        need(len(given) == len(wanted), 132000, f"{kind}: got {len(given)} parameters, want {len(wanted)}")
        places = [str(at + 1) for at in range(len(wanted))]
        names = [one.get("parameter_name") for one in given] if self.named else places
        need(all(names), 100, "Parameter name is missing or empty")
        need(sorted(map(str, names)) == sorted(wanted), 100, f"parameter names {names}, want {wanted}")
        return {str(name): _value(one) for name, one in zip(names, given, strict=True)}

    def component(self, kind: str) -> dict[str, Any]:
        """Return the component of that type, or nothing."""
        return next((one for one in self.components if str(one["type"]).upper() == kind), {})

    def parts(self, kind: str) -> list[str]:
        """Return the text of a component as text, name, text, name, ... text."""
        return VARIABLE.split(self.text(kind))


def _value(parameter: dict[str, Any]) -> str:
    need(parameter.get("type") == "text", 132012, "parameter type")
    value = text_of(parameter, "text", BODY_MAX, 131008)
    need(not re.search(r"[\n\t]| {5}", value), 132018, "new lines, tabs or 5 spaces in a parameter")
    return value


def template_of(spec: Any, number: str, handles: set[str]) -> Template:
    """Return the template that Graph's body makes; raises GraphError 100 where Meta would refuse it.

    handles: of files that a resumable upload left; an image header needs one of them as its example.
    """
    need(isinstance(spec, dict), 100, "body must be an object")
    name, language = text_of(spec, "name", 512), text_of(spec, "language", 15)
    need(_NAME.fullmatch(name), 100, "name: lower case letters, digits and _")
    category = str(spec.get("category", "")).upper()
    need(category in CATEGORIES, 100, f"category={category!r} is none of {CATEGORIES}")
    kind = str(spec.get("parameter_format", "POSITIONAL")).upper()
    need(kind in {"NAMED", "POSITIONAL"}, 100, "parameter_format")
    ttl_s = spec.get("message_send_ttl_seconds")
    need(ttl_s is None or (type(ttl_s) is int and ttl_s in _TTL_S), 100, f"message_send_ttl_seconds={ttl_s}")
    components = objects_of(spec, "components")
    made = Template(number, name, language, category, components, named=kind == "NAMED", ttl_s=ttl_s)
    check_components(made, handles)
    return made


def check_components(template: Template, handles: set[str]) -> None:
    """Raise GraphError 100 unless Meta would take these components."""
    kinds = [str(one.get("type")).upper() for one in template.components]
    need(set(kinds) <= _PARTS and len(kinds) == len(set(kinds)), 100, f"components {kinds}")
    _check_body(template)
    footer = template.text("FOOTER")
    fits = len(footer) <= _FOOTER_MAX and "{{" not in footer
    need(fits, 100, f"footer: at most {_FOOTER_MAX} characters, no variable")
    _check_header(template, handles)
    _check_buttons(template)


def _check_body(template: Template) -> None:
    body = template.text("BODY")
    need(0 < len(body) <= BODY_MAX, 100, f"body of {len(body)} characters, want 1..{BODY_MAX}")
    names = VARIABLE.findall(body)
    places = [str(at + 1) for at in range(len(names))]
    need(template.named or names == places, 100, "variables are {{1}}, {{2}}, ...")
    need(not template.named or not any(name.isdigit() for name in names), 100, "variables have names")
    bare = body.strip(" .!?\u0964\u06d4")
    if bare.startswith("{{") or bare.endswith("}}"):
        raise GraphError(100, "body starts or ends with a variable", subcode=_EDGE_VARIABLE)
    need(not re.search(r"\}\}\s*\{\{", body), 100, "body has adjacent variables")
    if names:
        _check_examples(template, names)
    words = [word for word in VARIABLE.sub(" ", body).split() if any(letter.isalnum() for letter in word)]
    if len(words) <= len(names):
        raise GraphError(100, "too many variables for the length of the body", subcode=_CROWDED)


def _check_examples(template: Template, names: list[str]) -> None:
    example = template.component("BODY").get("example")
    given = example if isinstance(example, dict) else {}
    if template.named:
        rows = objects_of(given, "body_text_named_params")
        fits = {str(row.get("param_name")) for row in rows if row.get("example")} == set(names)
    else:
        rows = given.get("body_text", [])
        fits = bool(rows) and isinstance(rows[0], list) and len(rows[0]) == len(names)
    need(fits, 100, f"an example of each variable of the body: {', '.join(names)}")


def handles_of(spec: dict[str, Any]) -> set[str]:
    """Return the handles of uploads that a template's body shows as examples."""
    examples = [one["example"] for one in spec.get("components", []) if isinstance(one.get("example"), dict)]
    return {str(handle) for example in examples for handle in example.get("header_handle", [])}


def _check_header(template: Template, handles: set[str]) -> None:
    header = template.component("HEADER")
    if not header:
        return
    need(template.header in _HEADERS, 100, f"header format={template.header!r} is none of {sorted(_HEADERS)}")
    text = template.text("HEADER")
    if template.header == "TEXT":
        fits = 0 < len(text) <= _HEADER_MAX and len(VARIABLE.findall(text)) <= 1
        need(fits, 100, f"header: 1..{_HEADER_MAX} characters, at most one variable")
        return
    example = header.get("example")
    given = example.get("header_handle") if isinstance(example, dict) else None
    need(isinstance(given, list) and len(given) == 1, 100, "an image header needs example.header_handle")
    need(given and str(given[0]) in handles, 100, "header_handle is no handle of an upload")


def _check_buttons(template: Template) -> None:
    buttons = objects_of(template.component("BUTTONS"), "buttons")
    need(len(buttons) <= _BUTTONS, 100, f"{len(buttons)} buttons, want at most {_BUTTONS}")
    for button in buttons:
        text_of(button, "text", _BUTTON_MAX)
    kinds = [str(button.get("type")).upper() == "QUICK_REPLY" for button in buttons]
    changes = sum(before != after for before, after in pairwise(kinds))
    need(changes <= 1, 100, "quick replies must stand together")
