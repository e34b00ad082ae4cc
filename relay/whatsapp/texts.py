"""What is said: templates and answers as data in `templates/`, in six languages, checked on loading."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "templates"
LANGUAGES = ("en", "de", "es", "pt_BR", "hi", "ur")
DEFAULT_LANGUAGE = "en"
RIGHT_TO_LEFT = frozenset({"ur"})
_FULL_STOPS = "\u0964\u06d4"  # of Hindi and of Urdu
ANSWERS = ("ack", "snz", "fp", "right", "stricter", "late", "stop", "start", "repeat")

BODY_MAX, FOOTER_MAX, BUTTON_MAX, BUTTONS_MAX, TTL_S = 1024, 60, 20, 3, (30, 43_200)
_VARIABLE = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_NAME = re.compile(r"[a-z0-9_]{1,100}_v[0-9]+")
_ADJACENT = re.compile(r"\}\}\W*\{\{")


class TextError(ValueError):
    """A template or answer that Meta would refuse, or that lacks something; says which, where and why."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A template in one language. `buttons` stand in the order of the template's verbs."""

    body: str
    footer: str
    buttons: tuple[str, ...]
    review: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template as Meta knows it, but for the prefix of its name. `examples` names every parameter."""

    name: str
    category: str
    ttl_s: int
    verbs: tuple[str, ...]
    examples: dict[str, str]
    wordings: dict[str, Wording]

    def graph(self, language: str, prefix: str) -> dict[str, Any]:
        """Return the body that creates this template in one language."""
        wording = self.wordings[language]
        examples = [{"param_name": name, "example": text} for name, text in self.examples.items()]
        buttons = [{"type": "QUICK_REPLY", "text": title} for title in wording.buttons]
        components: list[dict[str, Any]] = [
            {"type": "BODY", "text": wording.body, "example": {"body_text_named_params": examples}},
            {"type": "FOOTER", "text": wording.footer},
        ]
        return {
            "name": prefix + self.name,
            "language": language,
            "category": self.category,
            "parameter_format": "NAMED",
            "message_send_ttl_seconds": self.ttl_s,
            "components": [*components, *([{"type": "BUTTONS", "buttons": buttons}] if buttons else [])],
        }


@dataclass(frozen=True, slots=True)
class Texts:
    """Everything we can say."""

    templates: dict[str, Template]
    answers: dict[str, dict[str, str]]

    def answer(self, language: str, key: str, **values: str) -> str:
        """Return a free-form text in the nearest language we have; right to left, values are isolated."""
        code = nearest(language)
        return self.answers[code][key].format(**{name: isolated(text, code) for name, text in values.items()})


def nearest(language: str) -> str:
    """Return the language we have for a tag such as "pt-PT" or "de_AT"; English if none."""
    tag = language.replace("-", "_")
    if tag in LANGUAGES:
        return tag
    base = tag.split("_", maxsplit=1)[0]
    return next((code for code in LANGUAGES if code.split("_")[0] == base), DEFAULT_LANGUAGE)


def isolated(text: str, language: str) -> str:
    """Return `text` so that a Latin name inside a right-to-left sentence keeps its own direction."""
    return f"\u2068{text}\u2069" if language in RIGHT_TO_LEFT else text


@cache
def load(folder: Path = FOLDER) -> Texts:
    """Read and check every text. Raises TextError."""
    answers = tomllib.loads((folder / "answers.toml").read_text(encoding="utf-8"))
    templates = [_template(path) for path in sorted(folder.glob("*_v*.toml"))]
    _check_answers(answers)
    return Texts({template.name: template for template in templates}, answers)


def _template(path: Path) -> Template:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        wordings = {
            code: Wording(one["body"], one["footer"], tuple(one["buttons"]), one["review"])
            for code, one in data["languages"].items()
        }
        template = Template(
            data["name"], data["category"], data["ttl_s"], tuple(data["verbs"]), data["examples"], wordings
        )
    except KeyError as error:
        raise TextError(f"{path.name}: no {error.args[0]!r}") from error
    if template.name != path.stem:
        raise TextError(f"{path.name}: name={template.name!r}, want {path.stem!r}")
    check(template)
    return template


def check(template: Template) -> None:
    """Raise TextError if Meta would refuse the template or a language is missing or differs."""
    name = template.name
    _require(
        bool(_NAME.fullmatch(name)), name, "name", "want lower case, digits and _ and a version such as _v1"
    )
    _require(
        template.category == "UTILITY",
        name,
        "category",
        "want UTILITY: marketing costs up to 8 times as much",
    )
    _require(
        TTL_S[0] <= template.ttl_s <= TTL_S[1],
        name,
        "ttl_s",
        f"{template.ttl_s} outside {TTL_S[0]}..{TTL_S[1]}",
    )
    _require(set(template.wordings) == set(LANGUAGES), name, "languages", f"want {', '.join(LANGUAGES)}")
    for code, wording in template.wordings.items():
        _check_wording(f"{name} {code}", wording, template)


def _check_wording(where: str, wording: Wording, template: Template) -> None:
    body, used = wording.body, _VARIABLE.findall(wording.body)
    _require(0 < len(body) <= BODY_MAX, where, "body", f"{len(body)} characters, want 1..{BODY_MAX}")
    _require(
        sorted(used) == sorted(template.examples),
        where,
        "body",
        f"uses {used}, want each of the examples once",
    )
    at_an_end = body.startswith("{{") or body.rstrip(" .!?" + _FULL_STOPS).endswith("}}")
    _require(not at_an_end, where, "body", "a variable at the start or the end")
    _require(
        not _ADJACENT.search(body.replace(" ", "")), where, "body", "two variables with no word between them"
    )
    _require(
        len(wording.footer) <= FOOTER_MAX, where, "footer", f"{len(wording.footer)} characters > {FOOTER_MAX}"
    )
    _require("{{" not in wording.footer, where, "footer", "a variable")
    _require(
        len(wording.buttons) == len(template.verbs) <= BUTTONS_MAX, where, "buttons", "want one per verb"
    )
    for title in wording.buttons:
        _require(
            0 < len(title) <= BUTTON_MAX,
            where,
            f"button {title!r}",
            f"{len(title)} characters > {BUTTON_MAX}",
        )


def _check_answers(answers: dict[str, dict[str, str]]) -> None:
    _require(set(answers) == set(LANGUAGES), "answers", "languages", f"want {', '.join(LANGUAGES)}")
    for code, texts in answers.items():
        _require(
            set(texts) == {*ANSWERS, "review"},
            f"answers {code}",
            "keys",
            f"want {', '.join(ANSWERS)}, review",
        )


def _require(holds: bool, where: str, what: str, why: str) -> None:
    if not holds:
        raise TextError(f"{where}: {what}: {why}")
