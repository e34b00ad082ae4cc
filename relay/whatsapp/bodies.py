"""From a stored message to the JSON that Graph takes. Pure: same message, same body.

What Message.body may hold: "template", "version", "params": the template. "text": all of it as one text, for
whom anything may be written to; with it "buttons": verbs, or "list": {"button": title, "rows": [{"verb",
"id", "title", "text"}]}. "button_id": what its buttons are about, where that is no event. "reply_to": the
wamid of what is answered. "language".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.alerts.words import words
from relay.whatsapp import calls
from relay.whatsapp.texts import BODY_MAX, Texts, isolated, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import Message, QueuedMessage
    from relay.whatsapp.payload import Buttons
    from relay.whatsapp.texts import Template

_VALUE_MAX = 800  # a list; everything else is far shorter
_ROOM = 40  # for what a repeat adds and for the marks of right-to-left text
_ENDS = ".!?\u0964\u06d4\n"  # also the full stops of Hindi and of Urdu
_OF_A_PERSON = frozenset({"yes", "no"})  # verbs whose payload carries the person's id, not an event's
_PICTURE = "_picture"


class BodyError(ValueError):
    """A message that cannot be said: unknown template, wrong parameters, neither text nor template."""


class Bodies:
    """Builds message bodies. prefix: start of every template's name at Meta."""

    def __init__(self, texts: Texts, buttons: Buttons, prefix: str) -> None:
        self._texts, self._buttons, self._prefix = texts, buttons, prefix

    def build(
        self, queued: QueuedMessage, language: str | None = None, *, free: bool = False,
        media_id: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Return the body of one message, marked if it is a repeat. Raises BodyError.

        language: instead of the message's own. free: its text may go instead of its template. media_id: of
        its picture; a template that has no form with a picture goes without.
        """
        message = queued.message
        body = calls.envelope(
            queued.phone, queued.user_id, tracker=message.id, reply_to=message.body.get("reply_to")
        )
        if "template" in message.body and not (free and message.body.get("text")):
            code = nearest(language or str(message.body.get("language", "")))
            return {**body, **self._template(message, code, media_id, repeat=queued.repeat)}
        return {**body, **self._free(message, media_id, repeat=queued.repeat)}

    def _free(self, message: Message, media_id: str | None, *, repeat: bool) -> dict[str, Any]:
        text = message.body.get("text")
        if not isinstance(text, str) or not 0 < len(text) <= calls.TEXT_MAX:
            raise BodyError(
                f"message {message.id}: neither a template nor a text of 1..{calls.TEXT_MAX} characters"
            )
        code = nearest(str(message.body.get("language", "")))
        if repeat:
            text = cut(f"{words(code).say('answers', 'repeat')} {text}", calls.TEXT_MAX)
        rows, verbs = message.body.get("list"), self._verbs(message)
        if rows:
            return self._list(message, cut(text, calls.INTERACTIVE_MAX), rows)
        if verbs:
            replies = [(self._payload(verb, message), _title(verb, code, message)) for verb in verbs]
            return calls.buttons(cut(text, calls.INTERACTIVE_MAX), replies, media_id)
        return calls.image(media_id, cut(text, calls.CAPTION_MAX)) if media_id else calls.text(text)

    def _verbs(self, message: Message) -> Sequence[str]:
        """Return the verbs of the buttons: the message's own, else those of its template."""
        if "buttons" in message.body or "template" not in message.body:
            verbs: Sequence[str] = message.body.get("buttons", ())
        else:
            verbs = self._known(message).verbs
        if len(verbs) > calls.REPLY_BUTTONS_MAX:
            raise BodyError(
                f"message {message.id}: {len(verbs)} buttons, want at most {calls.REPLY_BUTTONS_MAX}"
            )
        return verbs

    def _list(self, message: Message, text: str, given: dict[str, Any]) -> dict[str, Any]:
        try:
            rows = [
                (
                    self._payload(row["verb"], message, str(row["id"])),
                    cut(row["title"], calls.ROW_TITLE_MAX),
                    cut(row.get("text", ""), calls.ROW_TEXT_MAX),
                )
                for row in given["rows"][: calls.ROWS_MAX]
            ]
            return calls.choices(text, cut(given["button"], calls.TITLE_MAX), rows)
        except (KeyError, TypeError) as error:
            raise BodyError(f"message {message.id}: a list without {error}") from error

    def _known(self, message: Message, form: str = "") -> Template:
        """Return the template of a message, in the form with a picture if there is one."""
        name = f"{message.body['template']}{form}_v{message.body.get('version', 1)}"
        template = self._texts.templates.get(name)
        if template is None and form:
            return self._known(message)
        if template is None:
            raise BodyError(
                f"message {message.id}: template={name!r} is none of {sorted(self._texts.templates)}"
            )
        return template

    def _template(self, message: Message, code: str, media_id: str | None, *, repeat: bool) -> dict[str, Any]:
        template = self._known(message, _PICTURE if media_id else "")
        values = self._values(message, template, code, repeat=repeat)
        payloads = [self._payload(verb, message) for verb in template.verbs]
        pictured = media_id if f"{_PICTURE}_v" in template.name else None
        return calls.template(self._prefix + template.name, code, values, payloads, pictured)

    def _values(self, message: Message, template: Template, code: str, *, repeat: bool) -> dict[str, str]:
        given = message.body.get("params", {})
        if set(given) != set(template.examples):
            raise BodyError(f"message {message.id}: params {sorted(given)}, want {sorted(template.examples)}")
        lines = _fitted({key: _line(str(given[key])) for key in template.examples}, template, code)
        values = {key: isolated(text, code) for key, text in lines.items()}
        if repeat:
            first = next(iter(values))
            values[first] += f" {words(code).say('answers', 'repeat')}"
        return values

    def _payload(self, verb: str, message: Message, about: str | None = None) -> str:
        """Return what a button carries. about: if not the person or event of the message."""
        if about is None and verb in _OF_A_PERSON:
            about = str(message.person_id)
        about = about or message.body.get("button_id") or message.event_id
        if about is None:
            raise BodyError(f"message {message.id}: its buttons ({verb}) need an event, it has none")
        try:
            return self._buttons.payload(
                verb, farm_id=message.farm_id, person_id=message.person_id, event_id=about
            )
        except ValueError as error:
            raise BodyError(f"message {message.id}: {error}") from error


def cut(text: str, most: int) -> str:
    """Return `text`, shortened to `most` characters at the end of a sentence, else of a word."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    end = max(head.rfind(mark) for mark in _ENDS) + 1
    if end > most // 2:
        return head[:end].rstrip()
    space = head.rfind(" ")
    return head[: space if space > most // 2 else most].rstrip() + "\u2026"


def _title(verb: str, code: str, message: Message) -> str:
    try:
        return cut(words(code).say("buttons", verb), calls.TITLE_MAX)
    except KeyError as error:
        raise BodyError(f"message {message.id}: button {verb!r} has no title") from error


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
