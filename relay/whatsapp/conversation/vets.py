"""Asking a farm's vets to come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.alerts.ids import message_id
from relay.alerts.making import body_of
from relay.alerts.said import about
from relay.alerts.setting import Setting
from relay.alerts.words import nearest, words
from relay.model import Message
from relay.scoring.kinds import all_kinds
from relay.whatsapp.conversation import meant
from relay.whatsapp.conversation.answer import Answer
from relay.whatsapp.window import is_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import Animal, Event, Farm, Person
    from relay.whatsapp.conversation.answer import Talk
    from relay.whatsapp.conversation.said import Said

STEP = "vet"
_LIVES_MS = 12 * 3_600_000
_AGAIN_MS = 30 * 60_000
_COWS_MOST = 5  # of one message: every request is paid for
_TEMPLATE = "vet_request"


async def ask(talk: Talk, said: Said) -> Answer:
    """Ask the farm's vets to look at some cows; say who was asked, or that there is nobody to ask."""
    animals = (await meant.animals(talk, said))[:_COWS_MOST]
    answers = [
        await _of_farm(talk, talk.farm(farm_id), [one for one in animals if one.farm_id == farm_id])
        for farm_id in dict.fromkeys(animal.farm_id for animal in animals)
    ]
    return replace(
        answers[0],
        text="\n".join(answer.text for answer in answers),
        audits=tuple(audit for answer in answers for audit in answer.audits),
        others=tuple(message for answer in answers for message in answer.others),
    )


async def _of_farm(talk: Talk, farm: Farm, animals: Sequence[Animal]) -> Answer:
    vets = [one for one in await talk.store.people(farm.id) if one.role == "vet" and one.id != talk.person.id]
    reached = [one for one in vets if one.opted_out_ms is None and not one.doubt]
    if not vets:
        return Answer("vet", talk.say("vet_unknown", farm=farm.name), farm.id)
    if not reached:
        return Answer("vet", talk.say("vet_silent", vets=talk.joined(one.name for one in vets)), farm.id)
    asked = {"farm": farm.id, "vets": [one.id for one in reached], "answer": talk.answer_id}
    return Answer(
        "vet",
        talk.say("vet_asked", vets=talk.joined(one.name for one in reached), animal=talk.labels(animals)),
        farm.id,
        audits=tuple(("vet", {**asked, "animal": animal.id}) for animal in animals),
        others=tuple(await _requests(talk, farm, animals, reached)),
    )


async def _requests(
    talk: Talk, farm: Farm, animals: Sequence[Animal], vets: Sequence[Person]
) -> list[Message]:
    """Return what the vets are sent, without what this person has just asked them: each is paid for."""
    events = {event.animal_id: event for event in reversed(await meant.open_events(talk))}
    sent = await talk.store.messages(farm.id, talk.said_ms - _AGAIN_MS)
    asked = {
        (one.person_id, one.body["animal_id"], one.event_id)
        for one in sent
        if one.step == STEP and one.body.get("asked_by") == talk.person.id
    }
    found = [_request(talk, vet, animal, events.get(animal.id)) for animal in animals for vet in vets]
    return [one for one in found if (one.person_id, one.body["animal_id"], one.event_id) not in asked]


def _request(talk: Talk, vet: Person, animal: Animal, event: Event | None) -> Message:
    """Return the message to one vet; without an open alert it is the farm's wish that is told."""
    farm, catalogue = talk.farm(animal.farm_id), words(nearest(vet.language))
    sign, since = catalogue.say("answers", "vet_sign"), talk.moment(talk.said_ms, farm)
    if event:
        setting = Setting(farm, talk.herd.animals, (), all_kinds())
        account = setting.account(event, catalogue, talk.now_ms)
        sign, since = account.seen, account.since
    params = {
        "animal": animal.label, "farm": farm.name, "sign": sign, "since": since, "by": talk.person.name,
    }  # fmt: skip
    request_id = message_id(talk.answer_id, vet.id, f"{STEP}:{animal.id}")
    body = {
        **body_of(_TEMPLATE, params, catalogue.language),
        "text": catalogue.say("answers", "vet_please", **params),
        "asked_by": talk.person.id,
        "animal_id": animal.id,
    }
    body |= {"about": [about(event, STEP)]} if event else {"button_id": request_id}
    return Message(
        request_id,
        farm.id,
        vet.id,
        event.id if event else None,
        STEP,
        body,
        talk.now_ms,
        talk.now_ms + _LIVES_MS,
    )


async def coming(talk: Talk, request: Message) -> Answer:
    """Take a vet's answer to a request: who asked hears of it, if anything may be written to them."""
    animal = talk.herd.animals.get(request.body["animal_id"])
    if animal is None:
        return Answer("bad_button")
    audit = ("vet_coming", {"farm": animal.farm_id, "animal": animal.id, "answer": talk.answer_id})
    return Answer(
        "vet_coming",
        talk.say("ack", animal=animal.label),
        animal.farm_id,
        id=talk.once(request.id, "coming"),
        audits=(audit,),
        others=tuple(
            _coming(talk, person, animal, request)
            for person in await talk.store.people(animal.farm_id)
            if person.id == request.body["asked_by"] and is_open(person.last_inbound_ms, talk.now_ms)
        ),
    )


def _coming(talk: Talk, person: Person, animal: Animal, request: Message) -> Message:
    text = words(nearest(person.language)).say(
        "answers", "going", person=talk.person.name, animal=animal.label
    )
    return Message(
        message_id(request.id, person.id, "coming"),
        animal.farm_id,
        person.id,
        None,
        "coming",
        {"text": text, "language": person.language},
        talk.now_ms,
        talk.now_ms + _LIVES_MS,
    )
