"""Which animals and alerts a message is about; where it does not say, it is asked back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.alerts.setting import Setting
from relay.logs import redact
from relay.scoring.kinds import all_kinds
from relay.storage.ports import FALSE_ALARM, OPEN, RIGHT, WITHDRAWN, WRONG
from relay.whatsapp.conversation.answer import DESCRIPTION_MAX, ROWS_MAX, TITLE_MAX, Answer, Row, Unclear, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.alerts.evidence import Account
    from relay.model import Animal, Event
    from relay.whatsapp.conversation.answer import Talk
    from relay.whatsapp.conversation.said import Said

DAY_MS = 86_400_000
LOOK_BACK_MS = 14 * DAY_MS
JUDGED_MS = 7 * DAY_MS  # so long after an alert its judgement may be given by words


async def animals(talk: Talk, said: Said) -> list[Animal]:
    """Return the animals that a message names, or the one of the alert that it answers.

    Raises Unclear if there are none, an unknown one, or several by the same name.
    """
    missing = [name for name in said.subjects if not talk.herd.find(name)]
    if missing or (said.strange and not said.subjects):
        raise Unclear(_unknown(talk, (missing or said.strange)[0]))
    found = [_one(talk, name) for name in said.subjects]
    if found:
        return list(dict.fromkeys(found))
    event = await replied(talk)
    if event and event.animal_id in talk.herd.animals:
        return [talk.herd.animals[event.animal_id]]
    example = str(talk.catalogue.table["examples"].get(said.command, ""))
    raise Unclear(Answer("asked", talk.say("which_animal", example=example)))


def _one(talk: Talk, name: str) -> Animal:
    found = talk.herd.find(name)
    if name in talk.bound:
        return talk.herd.animals[talk.bound[name]]
    if len(found) > 1:
        raise Unclear(_which(talk, name, found))
    return found[0]


def _unknown(talk: Talk, name: str) -> Answer:
    near, said = talk.herd.near(name), cut(redact(name), TITLE_MAX)  # it may be a phone number
    if near:
        text = talk.say("unknown_near", said=said, near=talk.labels(near))
    else:
        text = talk.say("unknown_animal", said=said)
    return Answer("unknown_animal", text)


def _which(talk: Talk, name: str, found: Sequence[Animal]) -> Answer:
    """Ask which of several animals is meant; the command waits in the body of the question."""
    is_farms = len({animal.farm_id for animal in found}) > 1
    question = talk.say("which_farm" if is_farms else "which_one", said=name)
    rows = tuple(
        Row(
            f"pick.{number}",
            talk.answer_id,
            cut(talk.farm(animal.farm_id).name if is_farms else animal.label, TITLE_MAX),
            cut(talk.listed([each for each in (animal.label, animal.group) if each]), DESCRIPTION_MAX),
        )
        for number, animal in enumerate(found[:ROWS_MAX])
    )
    pending = {
        "text": talk.text,
        "name": name,
        "choices": [animal.id for animal in found[:ROWS_MAX]],
        "bound": dict(talk.bound),
    }
    button = "farms" if is_farms else "cows"
    return Answer("asked", question, rows=rows, button=button, note={"pending": pending})


async def replied(talk: Talk) -> Event | None:
    """Return the event of the message that was answered, None without one of their farms."""
    if talk.replied is None or talk.replied.person_id != talk.person.id:
        return None
    about = [entry[0] for entry in talk.replied.body.get("about", ())]
    event_id = talk.replied.event_id or (about[0] if len(about) == 1 else None)
    event = await talk.store.event(event_id) if event_id else None
    return event if event and event.farm_id in talk.roles else None


async def open_events(talk: Talk) -> list[Event]:
    """Return what is open on all farms and not judged wrong, of each animal and kind the newest.

    What is urgent comes first, then what was found last.
    """
    found: dict[tuple[int, int | None, str], Event] = {}
    for farm in talk.farms:
        wrong = await _judged_wrong(talk, farm.id)
        for event in await recent(talk, farm.id):
            if event.state == OPEN and event.id not in wrong:
                found[farm.id, event.animal_id, event.kind] = event
    return sorted(found.values(), key=lambda one: (one.tier != "urgent", -one.detected_ms, one.id))


async def recent(talk: Talk, farm_id: int) -> list[Event]:
    """Return a farm's events of the last two weeks that can be told, oldest detection first."""
    kinds = all_kinds()
    return [
        event
        for event in await talk.store.farm_events(farm_id, talk.now_ms - LOOK_BACK_MS)
        if event.state != WITHDRAWN
        and event.kind in kinds
        and (event.animal_id is None or event.animal_id in talk.herd.animals)
    ]


async def _judged_wrong(talk: Talk, farm_id: int) -> set[str]:
    newest: dict[str, str] = {}
    for one in await talk.store.judgements(farm_id, talk.now_ms - LOOK_BACK_MS):
        if one.verdict in {RIGHT, WRONG, FALSE_ALARM}:
            newest[one.event_id] = one.verdict
    return {event_id for event_id, verdict in newest.items() if verdict != RIGHT}


async def events_about(talk: Talk, wanted: Iterable[Animal], *, is_over_too: bool) -> list[Event]:
    """Return the open events of these animals; without any, if `is_over_too`, the newest of the last week."""
    ids = {animal.id for animal in wanted}
    events = [event for event in await open_events(talk) if event.animal_id in ids]
    if events or not is_over_too:
        return events
    past = [
        event
        for farm in talk.farms
        for event in await recent(talk, farm.id)
        if event.animal_id in ids and event.detected_ms >= talk.now_ms - JUDGED_MS
    ]
    return [max(past, key=lambda one: (one.detected_ms, one.id))] if past else []


def account(talk: Talk, event: Event) -> Account:
    """Return an event for telling."""
    setting = Setting(talk.farm(event.farm_id), talk.herd.animals, (), all_kinds())
    return setting.account(event, talk.catalogue, talk.now_ms)


def event_row(talk: Talk, event: Event, verb: str) -> Row:
    """Return the row of a list that opens an event, or does something with it."""
    told = account(talk, event)
    farm = [talk.farm(event.farm_id).name] if len(talk.farms) > 1 else []
    about = " · ".join([told.sign, told.since, *farm])
    return Row(verb, event.id, cut(talk.label(event), TITLE_MAX), cut(about, DESCRIPTION_MAX))
