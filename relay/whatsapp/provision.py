"""Templates at Meta: creates what is missing, never edits. A new wording is a new version and a new name.

Source: Meta, "Template management" and "Template categorization", Cloud API documentation, November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from relay.whatsapp.texts import FOLDER, check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from relay.whatsapp.client import Client
    from relay.whatsapp.texts import Template, Texts

APPROVED, PENDING = "APPROVED", "PENDING"
EXAMPLE = FOLDER / "example.png"  # of a cow in heat, as relay.pictures draws it


class CategoryError(RuntimeError):
    """Meta filed a template under a category that costs more."""


class State(StrEnum):
    """How a template at Meta compares with ours."""

    SAME = "as ours"
    MISSING = "missing"
    CHANGED = "changed"
    CATEGORY = "other category"


@dataclass(frozen=True, slots=True)
class Row:
    """One template in one language: ours beside Meta's, whose words are status, category and quality."""

    name: str
    language: str
    state: State
    status: str = ""
    category: str = ""
    quality: str = ""

    @property
    def is_sendable(self) -> bool:
        """Whether it can go out as it is."""
        return self.status == APPROVED and self.state is State.SAME


def plan(texts: Texts, known: Iterable[Mapping[str, Any]], prefix: str) -> list[Row]:
    """Return a row for each of our templates in each language. known: rows of `Client.templates`."""
    theirs = {(str(one.get("name")), _tag(one.get("language"))): one for one in known}
    return [
        _row(template, language, prefix, theirs.get((prefix + template.name, language)))
        for template in texts.templates.values()
        for language in template.wordings
    ]


async def apply_templates(
    client: Client,
    texts: Texts,
    waba_id: str,
    prefix: str,
    app_id: str = "",
    told: Callable[[Row], None] = lambda _: None,
) -> dict[tuple[str, str], str]:
    """Create every missing template in every language; return the status of each by (name, language).

    app_id: of our application, which holds the example picture; without one, templates with a picture that
    are missing stay so, and are not in what is returned. told: hears of each template as it is made.
    Raises SendError, TextError, and CategoryError if Meta does not take one as UTILITY: then no more is made.
    """
    for template in texts.templates.values():
        check(template, prefix)
    rows = plan(texts, await client.templates(waba_id), prefix)
    refuse_other_categories(rows)
    made = _Maker(client, waba_id, prefix, app_id)
    done = []
    for row in rows:
        template = texts.templates[row.name.removeprefix(prefix)]
        if row.state is State.MISSING and (app_id or not template.header):
            row = await made.create(template, row.language)  # noqa: PLW2901 - what it has become
            told(row)
        refuse_other_categories([row])
        done.append(row)
    return {(row.name, row.language): row.status for row in done if row.state is not State.MISSING}


def refuse_other_categories(rows: Iterable[Row]) -> None:
    """Raise CategoryError if Meta filed one of these under another category than ours."""
    others = [f"{row.name} {row.language}: {row.category}" for row in rows if row.state is State.CATEGORY]
    if others:
        raise CategoryError(
            f"Meta filed {', '.join(others)}, want UTILITY: other categories cost up to 8 times as much. "
            "Nothing more was created. Ask for another review in WhatsApp Manager, or delete it there and "
            "word it anew under the next version"
        )


class _Maker:
    """Creates templates; uploads the example picture once, when the first needs it."""

    def __init__(self, client: Client, waba_id: str, prefix: str, app_id: str) -> None:
        self._client, self._waba_id, self._prefix, self._app_id = client, waba_id, prefix, app_id
        self._handle = ""

    async def create(self, template: Template, language: str) -> Row:
        if template.header and not self._handle:
            self._handle = await self._client.upload_example(self._app_id, EXAMPLE.read_bytes(), "image/png")
        body = template.graph(language, self._prefix, self._handle)
        answer = await self._client.create_template(self._waba_id, body)
        category = str(answer.get("category", ""))
        state = State.SAME if category == template.category else State.CATEGORY
        return Row(body["name"], language, state, str(answer.get("status", "")), category)


def _row(template: Template, language: str, prefix: str, theirs: Mapping[str, Any] | None) -> Row:
    name = prefix + template.name
    if theirs is None:
        return Row(name, language, State.MISSING)
    status, category = str(theirs.get("status", "")), str(theirs.get("category", ""))
    score = theirs.get("quality_score")
    quality = str(score.get("score", "")) if isinstance(score, dict) else ""
    state = State.SAME
    if category != template.category:
        state = State.CATEGORY
    elif _said(theirs.get("components")) != _said(template.graph(language, prefix)["components"]):
        state = State.CHANGED
    return Row(name, language, state, status, category, quality)


def _said(components: object) -> dict[str, object]:
    """Return what the parts of a template say, without examples and with one spelling of types."""
    rows: Sequence[Any] = components if isinstance(components, list) else []
    parts = [one for one in rows if isinstance(one, dict)]
    return {str(one.get("type")).upper(): _part(one) for one in parts}


def _part(one: Mapping[str, Any]) -> object:
    if "buttons" in one:
        return [button.get("text") for button in one["buttons"] if isinstance(button, dict)]
    return one.get("text", str(one.get("format")).upper())


def _tag(language: object) -> str:
    """Return a language as the API spells it: "pt_BR", where webhooks say "pt-BR"."""
    return str(language).replace("-", "_")
