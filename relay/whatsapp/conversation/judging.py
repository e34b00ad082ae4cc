"""On my way, snooze, right, false alarm: by button or in words, and what the others hear of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from relay.alerts import learning
from relay.alerts.ids import message_id
from relay.alerts.words import nearest, words
from relay.model import Message
from relay.scoring.kinds import all_kinds
from relay.storage.ports import ACKNOWLEDGED, FALSE_ALARM, REASONS, RIGHT
from relay.whatsapp.conversation import meant
from relay.whatsapp.conversation.answer import ROWS_MAX, Answer, Row, Unclear
from relay.whatsapp.payload import VERDICTS
from relay.whatsapp.window import is_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.model import Event, Person
    from relay.whatsapp.conversation.answer import Talk
    from relay.whatsapp.conversation.said import Said

_VERBS = {"ok": "ack", "snooze": "snz", "right": "right", "wrong": "fp"}
_TOLD_MS = 4 * 3_600_000  # a notice that is later than this tells nobody anything
_AFTERWARDS = frozenset({"right", "fp"})  # these may be said of what is over


async def said(talk: Talk, command: Said) -> Answer:
    """Judge what a farmer's words are about: a cow, all, the alert answered, or the only open one."""
    verb = _VERBS[command.command]
    events = await _events(talk, command, verb)
    if len(events) == 1:
        return await tapped(talk, events[0], verb, is_each=True)
    return await _several(talk, events, verb)


async def together(talk: Talk, events: Sequence[Event], verb: str) -> Answer:
    """Judge what one message told together, by its buttons; which of it was wrong or right is asked back."""
    if verb in _AFTERWARDS:
        return _which(talk, events, verb)
    step = f"answer_{verb}"
    answer = await _several(talk, events, verb)
    return replace(answer, event_id=events[0].id, step=step, id=talk.once(events[0].id, step))


async def _several(talk: Talk, events: Sequence[Event], verb: str) -> Answer:
    audits = [audit for event in events for audit in await _judge(talk, event, verb)]
    others = await _going(talk, events) if verb == "ack" else ()
    text = talk.say(verb, animal=talk.joined(talk.label(event) for event in events))
    return Answer(VERDICTS[verb], text, events[0].farm_id, audits=tuple(audits), others=tuple(others))


def _which(talk: Talk, events: Sequence[Event], verb: str) -> Answer:
    rows = tuple(meant.event_row(talk, event, verb) for event in events[:ROWS_MAX])
    return Answer("asked", talk.say("which_alert"), events[0].farm_id, rows=rows, button="choose")


async def tapped(talk: Talk, event: Event, verb: str, *, is_each: bool = False) -> Answer:
    """Judge one event. A tap repeated is answered once, words are each time: `is_each`."""
    audits, step = await _judge(talk, event, verb), f"answer_{verb}"
    return Answer(
        VERDICTS[verb],
        _text(talk, event, verb),
        event.farm_id,
        event.id,
        step,
        buttons=("right", "fp") if verb == "ack" else (),
        rows=_reasons(talk, event) if verb == "fp" else (),
        button="reasons",
        audits=audits,
        others=tuple(await _going(talk, [event])) if verb == "ack" else (),
        id="" if is_each else talk.once(event.id, step),
    )


async def because(talk: Talk, event: Event, reason: str) -> Answer:
    """Say why an alert was wrong."""
    audits, step = await _judge(talk, event, "fp", reason), f"answer_{reason}"
    text = talk.say("because", reason=talk.catalogue.say("reasons", reason))
    answer_id = talk.once(event.id, step)
    return Answer(FALSE_ALARM, text, event.farm_id, event.id, step, audits=audits, id=answer_id)


def _text(talk: Talk, event: Event, verb: str) -> str:
    key = verb
    if verb in {"right", "fp"}:
        key = learning.answer_key(all_kinds().get(event.kind), is_right=verb == "right")
    text = talk.say(key, animal=talk.label(event))
    return f"{text} {talk.say('ask_reason')}" if verb == "fp" else text


def _reasons(talk: Talk, event: Event) -> tuple[Row, ...]:
    said = talk.catalogue.table["reasons"]
    return tuple(Row(f"because.{reason}", event.id, str(said[reason])) for reason in REASONS if reason)


async def _events(talk: Talk, command: Said, verb: str) -> list[Event]:
    """Return what is judged. Raises Unclear if there is nothing, or if it could be one of several."""
    if command.subjects or command.strange:
        animals = await meant.animals(talk, command)
        events = await meant.events_about(talk, animals, is_over_too=verb in _AFTERWARDS)
        if not events:
            raise Unclear(Answer("none_open", talk.say("none_open_about", animal=talk.labels(animals))))
        return events
    replied = None if command.is_all else await meant.replied(talk)
    events = [replied] if replied else await meant.open_events(talk)
    if not events:
        raise Unclear(Answer("none_open", talk.say("none_open")))
    if len(events) > 1 and not command.is_all:
        raise Unclear(_which(talk, events, verb))
    return events


async def _judge(
    talk: Talk, event: Event, verb: str, reason: str = ""
) -> tuple[tuple[str, dict[str, str]], ...]:
    verdict = VERDICTS[verb]
    if not await talk.store.judge(event.id, talk.person.id, verdict, talk.said_ms, reason):
        return ()
    detail = {"event": event.id, "answer": talk.answer_id}
    return ((verdict, {**detail, "reason": reason} if reason else detail),)


async def _going(talk: Talk, events: Sequence[Event]) -> list[Message]:
    """Tell those who got the alerts who goes, each once; nobody whose window is shut: a digest tells it."""
    people: dict[int, Person] = {}
    news: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        since_ms = min(event.detected_ms, talk.now_ms) - meant.DAY_MS
        sent = await talk.store.messages(event.farm_id, since_ms)
        told = [one for one in sent if _is_about(one, event)]
        heard = {one.person_id for one in told} | {one.body.get("asked_by") for one in told}
        heard -= {one.person_id for one in sent if event.id in one.body.get(_mark(talk), ())}
        for person in await talk.store.people(event.farm_id):
            if person.id in heard and _is_reached(talk, person):
                people[person.id] = person
                news[person.id].append(event)
    return [_notice(talk, events, people[person_id]) for person_id, events in news.items()]


def _mark(talk: Talk) -> str:
    """Return under which name a notice keeps to which alerts this person goes."""
    return f"going:{talk.person.id}"


def _is_about(message: Message, event: Event) -> bool:
    return any(entry[0] == event.id for entry in message.body.get("about", ()))


def _is_reached(talk: Talk, person: Person) -> bool:
    is_other = person.id != talk.person.id and person.opted_out_ms is None and not person.doubt
    return is_other and is_open(person.last_inbound_ms, talk.now_ms)


def _notice(talk: Talk, events: Sequence[Event], person: Person) -> Message:
    catalogue, event = words(nearest(person.language)), events[0]
    animals = replace(talk, catalogue=catalogue).joined(talk.label(each) for each in events)
    text = catalogue.say("answers", "going", person=talk.person.name, animal=animals)
    return Message(
        message_id(event.id, person.id, _mark(talk)),
        event.farm_id,
        person.id,
        event.id,
        "going",
        {"text": text, "language": person.language, _mark(talk): [each.id for each in events]},
        talk.now_ms,
        talk.now_ms + _TOLD_MS,
    )


async def who(talk: Talk, command: Said) -> Answer:
    """Say of every open alert who is going, and since when."""
    events = await meant.open_events(talk)
    if command.subjects:
        wanted = {animal.id for animal in await meant.animals(talk, command)}
        events = [event for event in events if event.animal_id in wanted]
    if not events:
        return Answer("who", talk.say("none_open"))
    lines = [await _who(talk, event) for event in events[:ROWS_MAX]]
    return Answer("who", "\n".join(lines), events[0].farm_id)


async def _who(talk: Talk, event: Event) -> str:
    newest = {
        one.person_id: one
        for one in await talk.store.judgements(event.farm_id, event.detected_ms - meant.DAY_MS)
        if one.event_id == event.id
    }
    going = [one for one in newest.values() if one.verdict in {ACKNOWLEDGED, RIGHT}]
    names = {person.id: person.name for person in await talk.store.people(event.farm_id)}
    going = [one for one in going if one.person_id in names]
    if not going:
        told = meant.account(talk, event)
        return talk.say("who_nobody", animal=talk.label(event), sign=told.sign, since=told.since)
    since = talk.moment(min(one.at_ms for one in going), talk.farm(event.farm_id))
    person = talk.joined(names[one.person_id] for one in going)
    return talk.say("who_going", animal=talk.label(event), person=person, since=since)
