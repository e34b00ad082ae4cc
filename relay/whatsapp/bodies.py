"""From a stored message to the JSON that Graph takes. Pure: same message, same body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.whatsapp.texts import BODY_MAX, Texts, isolated, nearest

if TYPE_CHECKING:
    from relay.model import Message, QueuedMessage
    from relay.whatsapp.payload import Buttons
    from relay.whatsapp.texts import Template

_VALUE_MAX = 800  # a list; everything else is far shorter
_TEXT_MAX = 4096
_ROOM = 40  # for what a repeat adds and for the marks of right-to-left text


class BodyError(ValueError):
    """A message that cannot be said: unknown template, wrong parameters, neither text nor template."""


class Bodies:
    """Builds message bodies. prefix: start of every template's name at Meta."""

    def __init__(self, texts: Texts, buttons: Buttons, prefix: str) -> None:
        self._texts, self._buttons, self._prefix = texts, buttons, prefix

    def build(self, queued: QueuedMessage, language: str | None = None) -> dict[str, Any]:
        """Return the body of one message, marked if it is a repeat. Raises BodyError.

        language: instead of the message's own.
        """
        message, repeat = queued.message, queued.repeat
        body: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": queued.phone.lstrip("+"),
            "biz_opaque_callback_data": message.id,
        }
        if "template" in message.body:
            code = nearest(language or str(message.body.get("language", "")))
            return {**body, "type": "template", "template": self._template(message, code, repeat=repeat)}
        return {**body, **self._text(message, repeat=repeat)}

    def _text(self, message: Message, *, repeat: bool) -> dict[str, Any]:
        text = message.body.get("text")
        if not isinstance(text, str) or not 0 < len(text) <= _TEXT_MAX:
            raise BodyError(
                f"message {message.id}: neither a template nor a text of 1..{_TEXT_MAX} characters"
            )
        if repeat:
            text = f"{self._texts.answer(str(message.body.get('language', '')), 'repeat')} {text}"
        body: dict[str, Any] = {"type": "text", "text": {"preview_url": False, "body": text}}
        reply_to = message.body.get("reply_to")
        return {"context": {"message_id": reply_to}, **body} if reply_to else body

    def _template(self, message: Message, code: str, *, repeat: bool) -> dict[str, Any]:
        name = f"{message.body['template']}_v{message.body.get('version', 1)}"
        template = self._texts.templates.get(name)
        if template is None:
            raise BodyError(
                f"message {message.id}: template={name!r} is none of {sorted(self._texts.templates)}"
            )
        values = self._values(message, template, code, repeat=repeat)
        parameters = [{"type": "text", "parameter_name": key, "text": text} for key, text in values.items()]
        return {
            "name": self._prefix + name,
            "language": {"code": code},
            "components": [{"type": "body", "parameters": parameters}, *self._payloads(message, template)],
        }

    def _values(self, message: Message, template: Template, code: str, *, repeat: bool) -> dict[str, str]:
        given = message.body.get("params", {})
        if set(given) != set(template.examples):
            raise BodyError(f"message {message.id}: params {sorted(given)}, want {sorted(template.examples)}")
        lines = _fitted({key: _line(str(given[key])) for key in template.examples}, template, code)
        values = {key: isolated(text, code) for key, text in lines.items()}
        if repeat:
            first = next(iter(values))
            values[first] += f" {self._texts.answer(code, 'repeat')}"
        return values

    def _payloads(self, message: Message, template: Template) -> list[dict[str, Any]]:
        if message.event_id is None and template.verbs:
            raise BodyError(
                f"message {message.id}: template {template.name} has buttons, the message has no event"
            )
        return [
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": str(index),
                "parameters": [{"type": "payload", "payload": self._payload(verb, message)}],
            }
            for index, verb in enumerate(template.verbs)
        ]

    def _payload(self, verb: str, message: Message) -> str:
        return self._buttons.payload(
            verb, farm_id=message.farm_id, person_id=message.person_id, event_id=str(message.event_id)
        )


def _fitted(values: dict[str, str], template: Template, code: str) -> dict[str, str]:
    """Return the values, the longest cut so that the whole body is one that Graph takes."""
    excess = len(template.wordings[code].body) + sum(map(len, values.values())) + _ROOM - BODY_MAX
    if excess <= 0:
        return values
    longest = max(values, key=lambda key: len(values[key]))
    return {**values, longest: values[longest][: max(1, len(values[longest]) - excess)]}


def _line(text: str) -> str:
    """Return a parameter Graph takes: one line, no runs of spaces, not empty."""
    return " ".join(text.split())[:_VALUE_MAX] or "-"
