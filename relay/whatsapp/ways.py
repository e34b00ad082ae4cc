"""Another way to say the same, for a message that Graph refuses as it is: each is tried once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.whatsapp.graph_codes import Action
from relay.whatsapp.texts import DEFAULT_LANGUAGE

if TYPE_CHECKING:
    from relay.model import Message

AS_MADE, ANEW, WITHOUT = range(3)  # its picture: as uploaded, uploaded once more, none


@dataclass(frozen=True, slots=True)
class Way:
    """How a message is said: as a template though its text might do, in English, with which picture."""

    as_template: bool = False
    in_english: bool = False
    picture: int = AS_MADE

    def other(self, action: Action, message: Message, body: dict[str, Any] | None) -> Way | None:
        """Return the way to try after a refusal, None if there is none left.

        body: what was refused; None if that is not known any more, because the refusal came later.
        """
        if action is Action.TEMPLATE and not self.as_template and "template" in message.body:
            was_template = body is not None and body["type"] == "template"
            return None if was_template else replace(self, as_template=True)
        if action is Action.MEDIA and self.picture < WITHOUT and _has_picture(message, body):
            return replace(self, picture=self.picture + 1)
        if (
            action in (Action.LANGUAGE, Action.HOLD)
            and self.picture < WITHOUT
            and _has_picture(message, body)
        ):
            return replace(self, picture=WITHOUT)  # the form with a picture is a template of its own
        if action is Action.LANGUAGE and not self.in_english and _language(message, body) != DEFAULT_LANGUAGE:
            return replace(self, in_english=True)
        return None


USUAL = Way()


def _has_picture(message: Message, body: dict[str, Any] | None) -> bool:
    if body is None:
        return "picture" in message.body
    components = body.get("template", {}).get("components", ())
    return (
        body["type"] == "image"
        or "header" in body.get("interactive", {})
        or any(one["type"] == "header" for one in components)
    )


def _language(message: Message, body: dict[str, Any] | None) -> str:
    """Return the language of the template that was refused."""
    if body is None:
        return str(message.body.get("language", DEFAULT_LANGUAGE))
    return str(body.get("template", {}).get("language", {}).get("code", DEFAULT_LANGUAGE))
