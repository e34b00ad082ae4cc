"""A message in plain words: who, what, what to do, and how to answer where nobody reads an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from relay.alerts.words import nearest, words
from relay.whatsapp.texts import load

if TYPE_CHECKING:
    from relay.model import Message

_TITLE_MAX = 120
_VALUE = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")


def plain(message: Message, farm: str, *, repeat: bool = False) -> tuple[str, str]:
    """Return title and text. repeat: an earlier one may have arrived, and the title says so."""
    catalogue = words(str(message.body.get("language", "")))
    first, _, rest = _said(message).partition("\n")
    title = catalogue.say("second", "title", farm=farm, title=first)
    if repeat:
        title = f"{catalogue.say('second', 'repeat')} {title}"
    answer = catalogue.say("second", "answer", farm=farm)
    return _cut(title), f"{rest.strip() or first}\n{answer}"


def _said(message: Message) -> str:
    """Return the whole text; of a message that has only a template, that in words."""
    text = message.body.get("text")
    if isinstance(text, str) and text.strip():
        return text.strip()
    params = {key: str(value) for key, value in message.body.get("params", {}).items()}
    template = load().templates.get(f"{message.body.get('template')}_v{message.body.get('version', 1)}")
    if template is None:
        return ", ".join(params.values()) or "-"
    body = template.wordings[nearest(str(message.body.get("language", "")))].body
    return _VALUE.sub(lambda found: params.get(found[1], "-"), body)


def _cut(title: str) -> str:
    return title if len(title) <= _TITLE_MAX else title[: _TITLE_MAX - 1] + "\N{HORIZONTAL ELLIPSIS}"
