"""What a person wants to hear: nothing of a cow for a while, fewer alerts, more alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.whatsapp.conversation import lives, meant
from relay.whatsapp.conversation.answer import WORKERS, Answer

if TYPE_CHECKING:
    from collections.abc import Container

    from relay.model import Message
    from relay.whatsapp.conversation.answer import Talk
    from relay.whatsapp.conversation.said import Said

DAY_MS = 86_400_000
MUTE_MS = DAY_MS  # if it is not said how long
_MOST_MS = 30 * DAY_MS


async def mute(talk: Talk, said: Said) -> Answer:
    """Say nothing of some cows for a while, at most 30 days."""
    if said.is_all and not said.subjects:
        return await _mute_all(talk, said)
    animals = await meant.animals(talk, said)
    talk.need_worker(animal.farm_id for animal in animals)
    until_ms = talk.said_ms + min(said.span_ms or MUTE_MS, _MOST_MS)
    for animal in animals:
        await talk.store.mute(animal.farm_id, talk.person.id, animal.id, "", until_ms)
    farm = talk.farm(animals[0].farm_id)
    details = [
        {"farm": animal.farm_id, "animal": animal.id, "until_ms": until_ms, "answer": talk.answer_id}
        for animal in animals
    ]
    return Answer(
        "mute",
        talk.say("mute", animals=talk.labels(animals), until=talk.moment(until_ms, farm)),
        farm.id,
        note={"did": {"kind": "mute", "lives": [[animal.id, until_ms] for animal in animals]}},
        audits=tuple(("mute", detail) for detail in details),
    )


async def _mute_all(talk: Talk, said: Said) -> Answer:
    """Say nothing of any cow; what is urgent is told all the same (relay/alerts/wishes.py)."""
    talk.need_worker(talk.roles)
    until_ms = talk.said_ms + min(said.span_ms or MUTE_MS, _MOST_MS)
    for farm in talk.farms:
        await talk.store.mute(farm.id, talk.person.id, None, "", until_ms)
    farm = talk.farms[0]
    detail = {"farms": list(talk.roles), "until_ms": until_ms, "answer": talk.answer_id}
    return Answer("mute", _herd_muted(talk, until_ms), farm.id, audits=(("mute", detail),))


def _herd_muted(talk: Talk, until_ms: int) -> str:
    until = talk.moment(until_ms, talk.farms[0])
    return talk.say("mute", animals=talk.catalogue.say("message", "herd"), until=until)


async def unmute(talk: Talk, said: Said) -> Answer:
    """Hear of some cows again, or of all."""
    mutes = [
        (farm.id, one)
        for farm in talk.farms
        for one in await talk.store.mutes(farm.id, talk.now_ms)
        if one.person_id == talk.person.id
    ]
    wanted, herd_ms = None, 0
    if said.subjects or said.strange:
        animals = await meant.animals(talk, said)
        wanted, farm_ids = {animal.id for animal in animals}, {animal.farm_id for animal in animals}
        herd = [one.until_ms for farm_id, one in mutes if one.animal_id is None and farm_id in farm_ids]
        herd_ms = max(herd, default=0)
        mutes = [(farm_id, one) for farm_id, one in mutes if one.animal_id in wanted]
    if not mutes:
        return Answer("unmute", _herd_muted(talk, herd_ms) if herd_ms else talk.say("none_muted"))
    talk.need_worker(farm_id for farm_id, _ in mutes)
    for farm_id, one in mutes:
        await talk.store.mute(farm_id, talk.person.id, one.animal_id, one.kind, 0)
    if herd_ms:
        text = _herd_muted(talk, herd_ms)
    elif wanted is None:
        text = talk.say("unmute_all")
    else:
        text = talk.say("unmute", animals=talk.labels(talk.herd.animals[one] for one in sorted(wanted)))
    details = [
        {"farm": farm_id, "animal": one.animal_id, "kind": one.kind, "answer": talk.answer_id}
        for farm_id, one in mutes
    ]
    lifted = {one.animal_id for _, one in mutes}
    return Answer(
        "unmute",
        text,
        mutes[0][0],
        note={"undid": [one.id for one in await lives.entries(talk) if _is_lifted(one, lifted)]},
        audits=tuple(("unmute", detail) for detail in details),
    )


def _is_lifted(entry: Message, lifted: Container[int | None]) -> bool:
    """Whether nothing is left of an entry that muted animals: there is nothing to undo about it."""
    did = entry.body["did"]
    return did["kind"] == "mute" and all(animal_id in lifted for animal_id, _ in did["lives"])


async def fewer(talk: Talk, said: Said) -> Answer:
    """Have what can wait told in the daily report, or at once again. It holds for all farms of a person."""
    works_on = [farm.id for farm in talk.farms if talk.roles[farm.id] in WORKERS]
    if not works_on:
        talk.need_worker([talk.farms[0].id])
    is_fewer = said.command == "fewer"
    await talk.store.set_fewer(talk.person.id, is_fewer)
    audit = ("fewer", {"fewer": is_fewer, "answer": talk.answer_id})
    return Answer(said.command, talk.say(said.command), audits=(audit,))
