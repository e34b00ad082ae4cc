"""How a cow is, and how the herd is: what they did in the last 24 hours and what is open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from herdcore.vocabulary import BEHAVIOURS
from relay.whatsapp.conversation import meant
from relay.whatsapp.conversation.answer import Answer
from relay.whatsapp.conversation.showing import ALERT_BUTTONS, picture

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.model import Animal, BehaviourHour, Event, Farm
    from relay.whatsapp.conversation.answer import Talk
    from relay.whatsapp.conversation.said import Said

HOUR_MS = 3_600_000
HOURS = 24
_TOLD = {"eating": "graze", "chewing": "ruminate", "resting": "rest", "walking": "walk"}
_WHOLE_MIN = 20 * 60  # with less heard it is said how much that was
_POSTURE_PERCENT = 80  # of the minutes, so that "lay" is not of the few that are known
_LINES_MOST, _COWS_MOST = 5, 10


async def cow(talk: Talk, said: Said) -> Answer:
    """Say what a cow did and what is open about her, with her picture and buttons for the first alert."""
    animals = await meant.animals(talk, said)
    events = await meant.open_events(talk)
    texts = [await _one(talk, animal, events) for animal in animals[:_COWS_MOST]]
    answer = Answer("cow", "\n\n".join(texts), animals[0].farm_id)
    if len(animals) > 1:
        return answer
    event = next((event for event in events if event.animal_id == animals[0].id), None)
    if event is None:
        return replace(answer, picture=picture(talk, animals[0].id, ""))
    shown = picture(talk, animals[0].id, event.kind)
    return replace(answer, event_id=event.id, buttons=ALERT_BUTTONS, picture=shown)


async def _one(talk: Talk, animal: Animal, events: Iterable[Event]) -> str:
    hours = await _hours(talk, animal)
    minutes = sum(hour.minutes for hour in hours)
    if minutes:
        lines = [talk.say("cow", animal=animal.label, did=_did(talk, hours))]
    else:
        lines = [talk.say("cow_silent", animal=animal.label)]
    if 0 < minutes < _WHOLE_MIN:
        lines.append(talk.say("cow_part", span=_span(talk, minutes)))
    mine = [_line(talk, event) for event in events if event.animal_id == animal.id]
    lines += mine or [talk.say("none_open_about", animal=animal.label)]
    return "\n".join([*lines, *await _muted(talk, animal)])


async def _muted(talk: Talk, animal: Animal) -> list[str]:
    mutes = await talk.store.mutes(animal.farm_id, talk.now_ms)
    about = (animal.id, None)  # None: all are muted
    mine = [one for one in mutes if one.person_id == talk.person.id and one.animal_id in about]
    if not mine:
        return []
    until_ms = max(one.until_ms for one in mine)
    return [talk.say("cow_muted", until=talk.moment(until_ms, talk.farm(animal.farm_id)))]


async def _hours(talk: Talk, animal: Animal) -> list[BehaviourHour]:
    until_ms = talk.now_ms // HOUR_MS * HOUR_MS + HOUR_MS
    return await talk.store.behaviour_hours(animal.farm_id, animal.id, until_ms - HOURS * HOUR_MS, until_ms)


def _did(talk: Talk, hours: Iterable[BehaviourHour], animals: int = 1) -> str:
    """Return what was done, on average of so many animals."""
    known = list(hours)
    minutes = {
        name: sum(hour.by_behaviour[BEHAVIOURS.index(behaviour)] for hour in known)
        for name, behaviour in _TOLD.items()
    }
    heard, posture = (sum(getattr(hour, name) for hour in known) for name in ("minutes", "posture_min"))
    if posture * 100 >= heard * _POSTURE_PERCENT:
        minutes["lying"] = sum(hour.lying_min for hour in known)
    spans = {name: _span(talk, spent // animals) for name, spent in minutes.items() if spent >= animals}
    return talk.listed([talk.catalogue.say("did", name, span=span) for name, span in spans.items()])


def _span(talk: Talk, minutes: int) -> str:
    return talk.say("span", hours=minutes // 60, minutes=minutes % 60)


def _line(talk: Talk, event: Event) -> str:
    told = meant.account(talk, event)
    return talk.say("line", animal=talk.label(event), sign=told.sign, since=told.since)


async def herd(talk: Talk, _: Said) -> Answer:
    """Say how each farm's herd is."""
    events = await meant.open_events(talk)
    texts = [await _farm(talk, farm, events) for farm in talk.farms]
    return Answer("herd", "\n\n".join(texts), talk.farms[0].id)


async def _farm(talk: Talk, farm: Farm, events: Iterable[Event]) -> str:
    animals = [animal for animal in talk.herd.animals.values() if animal.farm_id == farm.id]
    by_animal = [await _hours(talk, animal) for animal in animals]
    heard = [hours for hours in by_animal if hours]
    lines = [talk.say("herd", farm=farm.name, seen=len(heard), total=len(animals))]
    if heard:
        did = _did(talk, (hour for hours in heard for hour in hours), len(heard))
        lines.append(talk.say("herd_did", did=did))
    mine = [event for event in events if event.farm_id == farm.id]
    if not mine:
        return "\n".join([*lines, talk.say("none_open")])
    lines.append(talk.catalogue.count("answers", "herd_open", len(mine)))
    lines += [_line(talk, event) for event in mine[:_LINES_MOST]]
    if len(mine) > _LINES_MOST:
        lines.append(talk.catalogue.count("answers", "herd_more", len(mine) - _LINES_MOST))
    return "\n".join(lines)
