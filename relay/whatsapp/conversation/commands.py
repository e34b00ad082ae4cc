"""Commands in words: which there are, and that each is done once, while it is fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.whatsapp.conversation import cows, helping, judging, lives, showing, vets, wishes
from relay.whatsapp.conversation.answer import Answer, Talk, Unclear
from relay.whatsapp.conversation.said import JUDGES, LIVES, Said
from relay.whatsapp.conversation.understanding import understand
from relay.whatsapp.window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.model import Event

    Command = Callable[[Talk, Said], Awaitable[Answer]]

FRESH_MS = 30 * 60_000  # a signature has no date: an old command may be a replay

COMMANDS: dict[str, Command] = {
    "cow": cows.cow,
    "herd": cows.herd,
    "list": showing.alerts,
    "why": showing.why,
    "who": judging.who,
    **dict.fromkeys(JUDGES, judging.said),
    **dict.fromkeys(LIVES, lives.note),
    "undo": lives.undo,
    "mute": wishes.mute,
    "unmute": wishes.unmute,
    "fewer": wishes.fewer,
    "more": wishes.fewer,
    "vet": vets.ask,
    "help": helping.full,
}


async def typed(talk: Talk) -> Answer:
    """Do what was typed; what was done by an earlier run is not done again."""
    said = understand(talk.text, talk.catalogue.language, talk.herd.names)
    command = COMMANDS.get(said.command)
    if command is None:
        return Answer(helping.NOT_UNDERSTOOD) if is_old(talk) else await helping.hint(talk)
    if is_old(talk):
        return late(talk, talk.say("late_command"))
    if await talk.store.message(talk.answer_id):
        return Answer("done_before")
    try:
        return await command(talk, said)
    except Unclear as unclear:
        return unclear.answer


def is_old(talk: Talk) -> bool:
    """Whether a message is too old to be obeyed."""
    return talk.now_ms - talk.said_ms > FRESH_MS


def late(talk: Talk, text: str, event: Event | None = None) -> Answer:
    """Say that it came too late, while anything may be said."""
    if talk.now_ms - talk.said_ms >= WINDOW_MS:
        return Answer("too_old")
    if event is None:
        return Answer("too_old", text)
    return Answer(
        "too_old", text, event.farm_id, event.id, "answer_late", id=talk.once(event.id, "answer_late")
    )
