"""Templates as data, `templates/*.toml`: what may be said outside the 24-hour window, in every language.

Checked on loading by the rules that Meta refuses a template for, so that no review is waited for in vain.
Source: Meta, "Message templates" and "Template components", Cloud API documentation, read in November 2026.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relay.alerts.words import FALLBACK, LANGUAGES, is_right_to_left, isolate, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DEFAULT_LANGUAGE", "LANGUAGES", "Template", "TextError", "Texts", "Wording", "load", "nearest"]

FOLDER = Path(__file__).parent / "templates"
DEFAULT_LANGUAGE = FALLBACK
IMAGE = "image"
_FULL_STOPS = "\u0964\u06d4"  # of Hindi and of Urdu

NAME_MAX, BODY_MAX, FOOTER_MAX, BUTTON_MAX, BUTTONS_MAX, TTL_S = 512, 1024, 60, 20, 3, (30, 43_200)
_VARIABLE = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_NAME = re.compile(r"[a-z0-9_]+_v[0-9]+")
_ADJACENT = re.compile(r"\}\}\W*\{\{")
_KEYS = frozenset({"name", "category", "ttl_s", "verbs", "header", "examples", "languages"})


class TextError(ValueError):
    """A template that Meta would refuse, or that lacks something; says which, where and why."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A template in one language. `buttons` stand in the order of the template's verbs."""

    body: str
    footer: str
    buttons: tuple[str, ...]
    review: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template as Meta knows it, but for the prefix of its name.

    examples: of every parameter. header: "image" for one with a picture, "" for none.
    """

    name: str
    category: str
    ttl_s: int
    verbs: tuple[str, ...]
    examples: dict[str, str]
    wordings: dict[str, Wording]
    header: str = ""

    def graph(self, language: str, prefix: str, picture: str = "") -> dict[str, Any]:
        """Return the body that creates this template in one language.

        picture: handle of an uploaded example, for a template with a picture.
        """
        wording = self.wordings[language]
        examples = [{"param_name": name, "example": text} for name, text in self.examples.items()]
        buttons = [{"type": "QUICK_REPLY", "text": title} for title in wording.buttons]
        header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [picture]}}
        components: list[dict[str, Any]] = [
            *([header] if self.header else []),
            {"type": "BODY", "text": wording.body, "example": {"body_text_named_params": examples}},
            *([{"type": "FOOTER", "text": wording.footer}] if wording.footer else []),
            *([{"type": "BUTTONS", "buttons": buttons}] if buttons else []),
        ]
        return {
            "name": prefix + self.name, "language": language, "category": self.category,
            "parameter_format": "NAMED", "message_send_ttl_seconds": self.ttl_s, "components": components,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Texts:
    """Every template, by name."""

    templates: dict[str, Template]


def isolated(text: str, language: str) -> str:
    """Return `text` so that a Latin name inside a right-to-left sentence keeps its own direction."""
    return isolate(text) if is_right_to_left(language) else text


@cache
def load(folder: Path = FOLDER) -> Texts:
    """Read and check every template. Raises TextError."""
    faults, texts = examine(folder)
    if faults:
        raise TextError("; ".join(faults))
    return texts


def examine(folder: Path = FOLDER, prefix: str = "") -> tuple[list[str], Texts]:
    """Return all that is wrong with the templates of a folder, and those that could be read."""
    templates, faults = {}, []
    for path in sorted(folder.glob("*_v*.toml")):
        try:
            template = _template(path)
        except TextError as error:
            faults.append(str(error))
        else:
            templates[template.name] = template
            faults += _faults(template, prefix)
    return faults, Texts(templates)


def check(template: Template, prefix: str = "") -> None:
    """Raise TextError if Meta would refuse the template or a language is missing or differs."""
    if faults := list(_faults(template, prefix)):
        raise TextError("; ".join(faults))


def _template(path: Path) -> Template:
    data = _data(path)
    try:
        if data["name"] != path.stem:
            raise TextError(f"{path.name}: name={data['name']!r}, want {path.stem!r}")
        wordings = {
            code: Wording(one["body"], one["footer"], tuple(one["buttons"]), one["review"])
            for code, one in data["languages"].items()
        }
        return Template(
            data["name"], data["category"], data["ttl_s"], tuple(data["verbs"]), data["examples"], wordings,
            data.get("header", ""),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise TextError(f"{path.name}: {error.args[0]!r} is missing or no such thing") from error


def _data(path: Path) -> dict[str, Any]:
    """Return what a file says; `like` names the template whose keys it has where it says nothing."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TextError(f"{path.name}: {error}") from error
    like = data.pop("like", None)
    unknown = set(data) - _KEYS
    if unknown:
        raise TextError(f"{path.name}: {sorted(unknown)} are none of {sorted(_KEYS)}")
    return data if like is None else {**_data(path.with_name(f"{like}.toml")), **data}


def _faults(template: Template, prefix: str = "") -> Iterator[str]:
    name = prefix + template.name
    if not _NAME.fullmatch(name) or len(name) > NAME_MAX:
        yield (
            f"{name}: name: want up to {NAME_MAX} of lower case, digits and _, "
            "at the end a version such as _v1"
        )
    if template.category != "UTILITY":
        yield f"{name}: category: want UTILITY: marketing costs up to 8 times as much"
    if not TTL_S[0] <= template.ttl_s <= TTL_S[1]:
        yield f"{name}: ttl_s: {template.ttl_s} outside {TTL_S[0]}..{TTL_S[1]}"
    if template.header not in ("", IMAGE):
        yield f"{name}: header: {template.header!r}, want {IMAGE!r} or none"
    if set(template.wordings) != set(LANGUAGES):
        yield f"{name}: languages: want {', '.join(LANGUAGES)}"
    for parameter, example in template.examples.items():
        if not example or example != " ".join(example.split()):
            yield f"{name}: example of {parameter}: want one line, words one space apart"
    for code, wording in template.wordings.items():
        where = f"{name} {code}"
        yield from (f"{where}: body: {why}" for why in _of_body(wording.body, template))
        yield from (f"{where}: {why}" for why in _of_the_rest(wording, template))


def _of_body(body: str, template: Template) -> Iterator[str]:
    used, bare = _VARIABLE.findall(body), _VARIABLE.sub(" ", body)
    if not 0 < len(body) <= BODY_MAX:
        yield f"{len(body)} characters, want 1..{BODY_MAX}"
    if sorted(used) != sorted(template.examples):
        yield f"uses {used}, want each of the examples once"
    if "{" in bare or "}" in bare:
        yield "a brace that belongs to no variable such as {{animal}}"
    if body.startswith("{{") or body.rstrip(" .!?" + _FULL_STOPS).endswith("}}"):
        yield "a variable at the start or the end"
    if _ADJACENT.search(body):
        yield "two variables with no word between them"
    words = len([word for word in bare.split() if any(map(str.isalnum, word))])
    if words < 2 * len(used) + 1:  # Graph code 2388293; the bound is what its senders found
        yield f"{words} words are too few for {len(used)} variables, want {2 * len(used) + 1}"


def _of_the_rest(wording: Wording, template: Template) -> Iterator[str]:
    if len(wording.footer) > FOOTER_MAX:
        yield f"footer: {len(wording.footer)} characters > {FOOTER_MAX}"
    if "{" in wording.footer or "\n" in wording.footer:
        yield "footer: a variable or a new line"
    if not len(wording.buttons) == len(template.verbs) <= BUTTONS_MAX:
        yield f"buttons: want one per verb, at most {BUTTONS_MAX}"
    if len(set(wording.buttons)) != len(wording.buttons):
        yield "buttons: the same title twice"
    for title in wording.buttons:
        if not 0 < len(title) <= BUTTON_MAX:
            yield f"button {title!r}: {len(title)} characters > {BUTTON_MAX}"
        if "{" in title or "\n" in title:
            yield f"button {title!r}: a variable or a new line"
