"""Buttons and rows of lists: what a tap on them does. Nothing is believed that was not offered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from relay.alerts.said import events_of
from relay.whatsapp import payload
from relay.whatsapp.conversation import judging, showing, vets
from relay.whatsapp.conversation.answer import Answer, Talk
from relay.whatsapp.conversation.commands import is_old, late, typed

if TYPE_CHECKING:
    from relay.model import Event, Message
    from relay.whatsapp.payload import Button

_BAD_BUTTON = Answer("bad_button")


async def tapped(talk: Talk, button: Button) -> Answer:
    """Do what a button says that was made for this person, who still belongs to the farm."""
    event = await talk.store.event(button.event_id)
    if event is None:
        return await _of_message(talk, button)
    if event.farm_id not in talk.roles or not _holds(talk, button, event.farm_id):
        return _BAD_BUTTON
    if is_old(talk):
        return late(talk, talk.say("late", animal=talk.label(event)), event)
    return await _of_event(talk, button, event)


def is_own(talk: Talk, button: Button) -> bool:
    """Whether a button asked this person who they are."""
    is_theirs = button.event_id == str(talk.person.id)
    return is_theirs and any(_holds(talk, button, farm.id) for farm in talk.farms)


def _holds(talk: Talk, button: Button, farm_id: int) -> bool:
    return talk.buttons.holds(button, farm_id=farm_id, person_id=talk.person.id)


async def _of_event(talk: Talk, button: Button, event: Event) -> Answer:
    if button.verb in payload.VERDICTS:
        told = await _told_together(talk, event)
        if len(told) > 1:
            return await judging.together(talk, told, button.verb)
        return await judging.tapped(talk, event, button.verb)
    if button.act == payload.BECAUSE:
        return await judging.because(talk, event, button.about)
    return await showing.show(talk, event) if button.verb == payload.SHOW else _BAD_BUTTON


async def _told_together(talk: Talk, event: Event) -> list[Event]:
    """Return all that the message told whose button was tapped; buttons carry the first of it."""
    message = talk.replied
    ids = events_of(message) if message and message.farm_id == event.farm_id else []
    if ids[:1] != [event.id]:
        return [event]
    found = [await talk.store.event(each) for each in ids]
    return [one for one in found if one is not None]


async def _of_message(talk: Talk, button: Button) -> Answer:
    """Take the tap on a question of ours, or on a vet's request that no alert belongs to."""
    message = await talk.store.message(button.event_id)
    if message is None or message.person_id != talk.person.id or message.farm_id not in talk.roles:
        return _BAD_BUTTON
    if not _holds(talk, button, message.farm_id):
        return _BAD_BUTTON
    if is_old(talk):
        return late(talk, talk.say("late_command"))
    if button.act == payload.PICK and "pending" in message.body:
        return await _picked(talk, int(button.about), message)
    if button.verb == "ack" and message.step == vets.STEP:
        return await vets.coming(talk, message)
    return _BAD_BUTTON


async def _picked(talk: Talk, number: int, question: Message) -> Answer:
    """Do the command that waited for the choice of an animal; once, however often it is tapped."""
    pending: dict[str, Any] = question.body["pending"]
    if number >= len(pending["choices"]) or pending["choices"][number] not in talk.herd.animals:
        return _BAD_BUTTON
    bound = {**pending["bound"], pending["name"]: pending["choices"][number]}
    answer_id = talk.once(question.id, f"{payload.PICK}.{number}")
    chosen = replace(talk, text=pending["text"], bound=bound, answer_id=answer_id)
    return replace(await typed(chosen), id=answer_id)
