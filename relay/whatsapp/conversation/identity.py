"""Whether it is still the same person who writes: numbers are given to somebody else after a while.

While that is in doubt nothing is done but STOP. Who says yes goes on, who says no gets nothing any more; the
owners of the farms hear of either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from relay.alerts.ids import message_id
from relay.alerts.making import body_of
from relay.alerts.times import local
from relay.alerts.words import nearest, words
from relay.model import Message
from relay.storage.ports import CONFIRMS_OPT_OUT
from relay.whatsapp.conversation.answer import Answer
from relay.whatsapp.conversation.lexicon import START
from relay.whatsapp.conversation.understanding import alone
from relay.whatsapp.payload import NO, YES
from relay.whatsapp.window import is_open

if TYPE_CHECKING:
    from relay.model import Farm, Person
    from relay.whatsapp.conversation.answer import Talk

_TOLD_MS = 24 * 3_600_000
_HOUR_MS = 3_600_000


def question(talk: Talk, *, is_typed: bool) -> Answer:
    """Ask who it is: each time that something was typed or tapped, of pictures and the like once an hour."""
    text = talk.say("still_you", person=talk.person.name)
    wants_back = talk.person.opted_out_ms is not None and alone(talk.text) == START
    step = CONFIRMS_OPT_OUT if wants_back else "still_you"
    answer_id = "" if is_typed else talk.once(str(talk.person.id), f"still_you:{talk.said_ms // _HOUR_MS}")
    return Answer("doubt", text, step=step, buttons=(YES, NO), id=answer_id)


async def confirmed(talk: Talk, user_id: str | None) -> Answer:
    """Believe that it is still them; `user_id`: the one they wrote under, which is theirs from now on."""
    if user_id:
        await talk.store.set_user_id(talk.person.id, user_id)
    await talk.store.set_doubt(talk.person.id, "")
    audit = ("confirmed", {"was": talk.person.doubt, "answer": talk.answer_id})
    others = await _owners(talk, "told_confirmed", is_lost=False)
    answer = Answer("confirmed", talk.say("confirmed"), audits=(audit,), others=tuple(others))
    if talk.person.opted_out_ms is None:
        return answer
    return replace(answer, text=f"{answer.text} {talk.say('stop')}", step=CONFIRMS_OPT_OUT)


async def denied(talk: Talk) -> Answer:
    """Write to this number no more. The doubt stays: who writes START from it is asked again."""
    await talk.store.opt_out(talk.person.id, talk.said_ms)
    audit = ("denied", {"was": talk.person.doubt, "answer": talk.answer_id})
    others = await _owners(talk, "told_not_you", is_lost=True)
    return Answer("denied", talk.say("not_you"), step=CONFIRMS_OPT_OUT, audits=(audit,), others=tuple(others))


async def _owners(talk: Talk, key: str, *, is_lost: bool) -> list[Message]:
    """Return what the other owners are told, each once; of a loss outside their window too, as a notice."""
    owners = {
        owner.id: (farm, owner)
        for farm in reversed(talk.farms)
        for owner in await talk.store.people(farm.id)
        if owner.role == "owner"
        and owner.id != talk.person.id
        and owner.opted_out_ms is None
        and (is_lost or is_open(owner.last_inbound_ms, talk.now_ms))
    }
    return [_notice(talk, farm, owner, key, is_lost=is_lost) for farm, owner in owners.values()]


def _notice(talk: Talk, farm: Farm, owner: Person, key: str, *, is_lost: bool) -> Message:
    catalogue = words(nearest(owner.language))
    body: dict[str, Any] = {"language": owner.language}
    if is_lost:
        since = catalogue.moment(local(talk.said_ms, farm.zone), local(talk.now_ms, farm.zone))
        what = catalogue.say("answers", "phone_of", person=talk.person.name)
        body = body_of("blind", {"farm": farm.name, "what": what, "since": since}, catalogue.language)
    text = catalogue.say("answers", key, person=talk.person.name)
    return Message(
        message_id(talk.answer_id, owner.id, f"{key}:{farm.id}"),
        farm.id,
        owner.id,
        None,
        key,
        {**body, "text": text},
        talk.now_ms,
        talk.now_ms + _TOLD_MS,
    )
