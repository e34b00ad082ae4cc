"""HELP, and the one short hint for what nobody understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.whatsapp.conversation.answer import WORKERS, Answer
from relay.whatsapp.conversation.said import RECORDS
from relay.whatsapp.conversation.understanding import LONGEST

if TYPE_CHECKING:
    from relay.whatsapp.conversation.answer import Talk
    from relay.whatsapp.conversation.said import Said

HINT = "hint"  # the step of it
_HINT_EVERY_MS = 24 * 3_600_000
NOT_UNDERSTOOD = "no_command"


async def full(talk: Talk, _: Said) -> Answer:
    """List what may be written, but for what this person may not do."""
    is_worker = any(role in WORKERS for role in talk.roles.values())
    lines = [
        str(command["help"])
        for name, command in talk.catalogue.table["commands"].items()
        if command["help"] and (is_worker or name not in RECORDS)
    ]
    return Answer("help", "\n".join([talk.say("help"), *lines]))


async def hint(talk: Talk) -> Answer:
    """Say how to begin, at most once in 24 hours: every answer costs the farm money."""
    since_ms = talk.now_ms - _HINT_EVERY_MS
    for farm in talk.farms:
        for message in await talk.store.messages(farm.id, since_ms):
            if message.person_id == talk.person.id and message.step == HINT and message.id != talk.answer_id:
                return Answer(NOT_UNDERSTOOD)
    text = talk.say("too_long" if len(talk.text) > LONGEST else "short_help")
    return Answer(NOT_UNDERSTOOD, text, step=HINT)
