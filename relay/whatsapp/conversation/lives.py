"""Calvings, inseminations and the like by chat: they reach the scorers as what is entered anywhere does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from relay.alerts.times import clock_ms, farm_day
from relay.model import LifeEvent
from relay.whatsapp.conversation import meant
from relay.whatsapp.conversation.answer import Answer, Unclear

if TYPE_CHECKING:
    from datetime import date

    from relay.model import Animal, Farm, Message
    from relay.whatsapp.conversation.answer import Talk
    from relay.whatsapp.conversation.said import Said

DAY_MS = 86_400_000
UNDO_MS = 30 * 60_000
_DUE = "due"  # the one that lies ahead
_PAST_D, _AHEAD_D = 365, 310  # a cow carries for some 283 days, the longest breeds 295
_NOON_MIN = 720


async def note(talk: Talk, said: Said) -> Answer:
    """Record what happened to some animals, on the day that was said."""
    animals = await meant.animals(talk, said)
    talk.need_worker(animal.farm_id for animal in animals)
    dated = [(animal, await _dated_ms(talk, said, animal)) for animal in animals]
    for animal, at_ms in dated:
        await talk.store.note_life(animal.farm_id, animal.id, said.command, at_ms, talk.said_ms)
    told = "; ".join(_entry(talk, animal, said.command, at_ms) for animal, at_ms in dated)
    mine = [[animal.id, at_ms] for animal, at_ms in dated if await _is_new(talk, animal, said.command, at_ms)]
    return Answer(
        said.command,
        talk.say("noted", entries=told),
        animals[0].farm_id,
        note={"did": {"kind": said.command, "lives": mine}} if mine else {},
        audits=tuple(("animal.event", _detail(talk, animal, said.command, at_ms)) for animal, at_ms in dated),
    )


async def _is_new(talk: Talk, animal: Animal, kind: str, at_ms: int) -> bool:
    """Whether this message has written it down: what stood in the book before is not taken back by UNDO."""
    entry = LifeEvent(animal.id, kind, at_ms, talk.said_ms)
    return entry in await talk.store.life_events(animal.farm_id)


def _detail(talk: Talk, animal: Animal, kind: str, at_ms: int) -> dict[str, Any]:
    about = {"farm": animal.farm_id, "animal": animal.id, "kind": kind, "at_ms": at_ms}
    return {**about, "answer": talk.answer_id}


def _entry(talk: Talk, animal: Animal, kind: str, at_ms: int) -> str:
    day = farm_day(at_ms, talk.farm(animal.farm_id))
    return talk.catalogue.say("entries", kind, animal=animal.label, day=talk.catalogue.day(day))


async def _dated_ms(talk: Talk, said: Said, animal: Animal) -> int:
    """Return when it was or will be; what stands in the book for that day is meant, but for a time."""
    farm = talk.farm(animal.farm_id)
    at_ms = _at_ms(talk, said, farm)
    if said.clock_min is not None:
        return at_ms
    recorded = [
        one.at_ms
        for one in await talk.store.life_events(farm.id)
        if (one.animal_id, one.kind) == (animal.id, said.command)
        and farm_day(one.at_ms, farm) == farm_day(at_ms, farm)
    ]
    return recorded[-1] if recorded else at_ms


def _at_ms(talk: Talk, said: Said, farm: Farm) -> int:
    """Return when it was or will be: UTC ms. Raises Unclear for a day that cannot be."""
    is_ahead = said.command == _DUE
    today = farm_day(talk.said_ms, farm)
    exact_ms = _exact_ms(talk, said, is_ahead=is_ahead)
    day = _day(talk, said, today, is_ahead=is_ahead) if exact_ms is None else farm_day(exact_ms, farm)
    if day is None or not _may_be(day, today, is_ahead=is_ahead):
        raise Unclear(_bad_date(talk, day or today, is_ahead=is_ahead))
    if exact_ms is not None:
        return exact_ms
    at_ms = clock_ms(day, _NOON_MIN if said.clock_min is None else said.clock_min, farm.zone)
    return at_ms if is_ahead else min(at_ms, talk.said_ms)


def _exact_ms(talk: Talk, said: Said, *, is_ahead: bool) -> int | None:
    """Return the moment where one is said: so many hours ago, or nothing at all; None for a day."""
    span_ms = said.span_ms
    if span_ms is not None and span_ms % DAY_MS:
        return talk.said_ms + (span_ms if is_ahead else -span_ms)
    says_when = span_ms is not None or said.day is not None or said.clock_min is not None
    return None if says_when or is_ahead else talk.said_ms


def _day(talk: Talk, said: Said, today: date, *, is_ahead: bool) -> date | None:
    """Return the day that is said, None if there is no such day. Raises Unclear if none is but has to be."""
    if said.span_ms is not None:
        days = said.span_ms // DAY_MS
        return today + timedelta(days=days if is_ahead else -days)
    if said.day is not None:
        return said.day.on(today, is_ahead=is_ahead)
    if is_ahead:
        raise Unclear(_need_date(talk))
    return today


def _may_be(day: date, today: date, *, is_ahead: bool) -> bool:
    first, last = (0, _AHEAD_D) if is_ahead else (-_PAST_D, 0)
    return first <= (day - today).days <= last


def _need_date(talk: Talk) -> Answer:
    return Answer("asked", talk.say("need_date", example=talk.catalogue.table["examples"][_DUE]))


def _bad_date(talk: Talk, day: date, *, is_ahead: bool) -> Answer:
    text = talk.say("bad_due" if is_ahead else "bad_date", day=f"{talk.catalogue.day(day)} {day.year}")
    return Answer("bad_date", text)


async def undo(talk: Talk, _: Said) -> Answer:
    """Take back this person's last entry of the last half hour that still stands."""
    found = await entries(talk)
    if not found:
        return Answer("undo", talk.say("nothing_to_undo"))
    message = found[-1]
    talk.need_worker([message.farm_id])
    did = message.body["did"]
    taken = [(talk.herd.animals[animal_id], until_ms) for animal_id, until_ms in did["lives"]]
    for animal, at_ms in taken:
        await _take_back(talk, animal, did["kind"], at_ms)
    told = "; ".join(_taken(talk, animal, did["kind"], at_ms) for animal, at_ms in taken)
    return Answer(
        "undo",
        talk.say("undone", entries=told),
        message.farm_id,
        note={"undid": [message.id]},
        audits=tuple(("undo", _detail(talk, animal, did["kind"], at_ms)) for animal, at_ms in taken),
    )


async def _take_back(talk: Talk, animal: Animal, kind: str, at_ms: int) -> None:
    if kind == "mute":
        await talk.store.mute(animal.farm_id, talk.person.id, animal.id, "", 0)
    else:
        await talk.store.strike_life(animal.farm_id, animal.id, kind, at_ms)


def _taken(talk: Talk, animal: Animal, kind: str, at_ms: int) -> str:
    if kind != "mute":
        return _entry(talk, animal, kind, at_ms)
    until = talk.moment(at_ms, talk.farm(animal.farm_id))
    return talk.catalogue.say("entries", kind, animals=animal.label, until=until)


async def entries(talk: Talk) -> list[Message]:
    """Return this person's entries of the last half hour that were not taken back, oldest first."""
    since_ms = talk.said_ms - UNDO_MS
    sent = [message for farm in talk.farms for message in await talk.store.messages(farm.id, since_ms)]
    mine = [message for message in sent if message.person_id == talk.person.id]
    undone = {message_id for message in mine for message_id in message.body.get("undid", ())}
    found = [one for one in mine if "did" in one.body and one.id not in undone and _is_known(one, talk)]
    return sorted(found, key=lambda one: (one.created_ms, one.id))


def _is_known(entry: Message, talk: Talk) -> bool:
    return all(animal_id in talk.herd.animals for animal_id, _ in entry.body["did"]["lives"])
