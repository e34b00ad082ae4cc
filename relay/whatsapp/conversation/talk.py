"""What a farmer's message does: a tapped button, a command in words, STOP and START; and its one answer.

Answers are queued in the outbox like everything else; nothing is sent from here. A command is done again only
if a crash came before its answer was queued, and then it does the same: all it does is dated by the message.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from relay.alerts.ids import message_id
from relay.alerts.words import nearest, words, zone
from relay.model import Message
from relay.scoring.kinds import all_kinds
from relay.storage.ports import CONFIRMS_OPT_OUT
from relay.whatsapp import payload
from relay.whatsapp.conversation import dates, helping, identity
from relay.whatsapp.conversation.answer import TEXT_MAX, Answer, Talk, cut
from relay.whatsapp.conversation.commands import is_old, typed
from relay.whatsapp.conversation.herd import Herd
from relay.whatsapp.conversation.inbound import has_words, said_ms_of, tapped_payload, text_of
from relay.whatsapp.conversation.lexicon import START, STOP, lexicon
from relay.whatsapp.conversation.limits import Pace
from relay.whatsapp.conversation.tapping import is_own, tapped
from relay.whatsapp.conversation.understanding import alone, understand
from relay.whatsapp.window import WINDOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from relay.clock import Clock
    from relay.model import Farm, Person
    from relay.storage.ports import Store
    from relay.whatsapp.payload import Button, Buttons

_ANSWER_LIVES_MS = 3_600_000


class Conversation:
    """Takes inbound messages. `wake` tells the dispatcher that an answer is queued.

    changed: is told of which farms somebody answered, or wished for something.
    """

    def __init__(
        self, storage: Store, clock: Clock, buttons: Buttons, wake: Callable[[], None],
        changed: Callable[[Collection[int]], None] | None = None,
    ) -> None:  # fmt: skip
        self._storage, self._clock, self._buttons, self._wake = storage, clock, buttons, wake
        self._changed = changed
        self._pace = Pace()
        self._read: frozenset[str] = frozenset()

    async def take(self, item: dict[str, Any], person: Person) -> str:
        """Act on one inbound message as Meta sent it; return the outcome, for the counters.

        Raises KeyError, TypeError or ValueError if the message lacks what its type promises.
        """
        talk = await self._talk(item, person)
        if not talk.farms:
            return "no_farm"
        answer = await self._answered(talk, item)
        for action, detail in answer.audits:
            await self._storage.audit(f"person:{person.id}", action, detail, talk.now_ms)
        await self._queue(talk, answer)
        if answer.audits and self._changed:
            self._changed(talk.roles)
        return answer.outcome

    async def _talk(self, item: dict[str, Any], person: Person) -> Talk:
        """Return all that may be needed to answer."""
        farm_ids = await self._storage.farms_of(person.id)
        farms = [farm for one in farm_ids if (farm := await self._storage.farm(one))]
        roles = {one: await self._storage.role(person.id, one) or "" for one in farm_ids}
        language = nearest(person.language)
        await self._prepare(language, farms)
        now_ms = self._clock.now_ms()
        wamid = str(item.get("id") or item.get("timestamp"))  # a STOP without an id is a STOP
        return Talk(
            self._storage,
            self._buttons,
            words(language),
            person,
            farms,
            roles,
            Herd([animal for one in farm_ids for animal in await self._storage.animals(one)]),
            text_of(item),
            said_ms_of(item, now_ms),
            now_ms,
            message_id(wamid.replace("|", "/"), person.id, "answer"),
            str(item.get("id") or ""),
            await self._replied(item),
        )

    async def _prepare(self, language: str, farms: Sequence[Farm]) -> None:
        """Have catalogues and zones, which lie on the disk, read in a thread when they are first needed."""
        wanted = frozenset({language, *(farm.zone for farm in farms)})
        if not wanted <= self._read:
            await asyncio.to_thread(_read, language, [farm.zone for farm in farms])
            self._read |= wanted

    async def _replied(self, item: dict[str, Any]) -> Message | None:
        context = item.get("context")
        wamid = context.get("id") if isinstance(context, dict) else None
        return await self._storage.message_by_wamid(wamid) if isinstance(wamid, str) else None

    async def _answered(self, talk: Talk, item: dict[str, Any]) -> Answer:
        """Obey STOP always; the rest at most 20 times a minute, and if it is known who writes."""
        plain = alone(talk.text)
        if plain == STOP:
            return await self._opt_out(talk)
        button = payload.read(tapped_payload(item))
        is_typed = button is not None or bool(talk.text)  # an album is 30 pictures
        if is_typed and not self._pace.allows(talk.person.id, talk.said_ms):
            return Answer("too_many")
        if talk.person.doubt:
            return await self._doubted(talk, button, item)
        if plain == START:
            return await self._opt_in(talk)
        if button:
            return await tapped(talk, button)
        return await typed(talk) if has_words(item) else Answer(helping.NOT_UNDERSTOOD)

    async def _opt_out(self, talk: Talk) -> Answer:
        """Obey STOP however old it is, and say so once: again only if a crash came in between."""
        await self._storage.opt_out(talk.person.id, talk.said_ms)
        is_new = talk.person.opted_out_ms in (None, talk.said_ms)
        text = talk.say("stop") if is_new and talk.now_ms - talk.said_ms < WINDOW_MS else ""
        audit = ("opt_out", {"answer": talk.answer_id})
        return Answer("opt_out", text, step=CONFIRMS_OPT_OUT, audits=(audit,))

    async def _opt_in(self, talk: Talk) -> Answer:
        """Obey START unless a STOP was said after it: then it is a replay, or came late."""
        if not await self._storage.opt_in(talk.person.id, talk.said_ms):
            return Answer("too_old")
        text = talk.say("start") if talk.now_ms - talk.said_ms < WINDOW_MS else ""
        return Answer("opt_in", text, audits=(("opt_in", {"answer": talk.answer_id}),))

    async def _doubted(self, talk: Talk, button: Button | None, item: dict[str, Any]) -> Answer:
        """Ask who it is, or take the answer to that; nothing else is done."""
        if not button and not has_words(item):
            return Answer(helping.NOT_UNDERSTOOD)
        if is_old(talk):
            return Answer("too_old")
        said = button.verb if button and is_own(talk, button) else ""
        if not button:
            said = understand(talk.text, talk.catalogue.language).command
        if said == payload.YES:
            user_id = item.get("from_user_id")
            return await identity.confirmed(talk, user_id if isinstance(user_id, str) else None)
        if said == payload.NO:
            return await identity.denied(talk)
        return identity.question(talk, is_typed=button is not None or item.get("type") == "text")

    async def _queue(self, talk: Talk, answer: Answer) -> None:
        """Queue the answer, if there is one, and what others are told, in one transaction."""
        messages = [*answer.others, *([_message(talk, answer)] if answer.text else [])]
        if messages:
            await self._storage.queue(messages)
            self._wake()


def _read(language: str, zones: Iterable[str]) -> None:
    """Read what is cached from then on."""
    lexicon(language)
    for read in (dates.months, dates.weekdays, all_kinds):
        read()
    for name in zones:
        zone(name)


def _message(talk: Talk, answer: Answer) -> Message:
    """Return the answer as a message; its id is the same after a crash."""
    body: dict[str, Any] = {
        "text": cut(answer.text, TEXT_MAX), "language": talk.catalogue.language, **answer.note,
    }  # fmt: skip
    if talk.wamid:
        body["reply_to"] = talk.wamid
    if answer.buttons:
        body["buttons"] = list(answer.buttons)
    if answer.rows:
        rows = [
            {"verb": row.verb, "id": row.id, "title": row.title, "text": row.description}
            for row in answer.rows
        ]
        body["list"] = {"button": talk.catalogue.say("lists", answer.button), "rows": rows}
    if answer.picture:
        body["picture"] = answer.picture
    return Message(
        answer.id or talk.answer_id,
        answer.farm_id or talk.farms[0].id,
        talk.person.id,
        answer.event_id,
        answer.step,
        body,
        talk.now_ms,
        talk.now_ms + _ANSWER_LIVES_MS,
    )
