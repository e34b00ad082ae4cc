"""What a farmer's message does: a tapped button is a judgement and gets an answer, STOP and START are obeyed.

Answers are queued in the outbox like everything else; nothing is sent from here.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from relay.alerts import learning
from relay.alerts.ids import message_id
from relay.model import Message
from relay.scoring.kinds import all_kinds
from relay.storage.ports import CONFIRMS_OPT_OUT, FALSE_ALARM, RIGHT, WRONG
from relay.whatsapp import payload

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.clock import Clock
    from relay.model import Event, Person
    from relay.storage.ports import Store
    from relay.whatsapp.payload import Button, Buttons
    from relay.whatsapp.texts import Texts

FRESH_MS = 30 * 60_000  # a signature has no date: an old command may be a replay
WINDOW_MS = 24 * 3_600_000  # free-form answers are allowed this long after the person's message
_ANSWER_LIVES_MS = 3_600_000
_JUDGES = frozenset({FALSE_ALARM, RIGHT, WRONG})
STOP_WORDS = frozenset({"stop", "stopp", "baja", "parar", "बंद", "بند"})
START_WORDS = frozenset({"start", "alta", "iniciar", "शुरू", "شروع"})
_LETTERS = frozenset("LMN")  # Unicode categories: a vowel sign of Hindi is a mark, "stop 12" is about a cow


class Conversation:
    """Takes inbound messages. `wake` tells the dispatcher that an answer is queued."""

    def __init__(
        self, storage: Store, clock: Clock, buttons: Buttons, texts: Texts, wake: Callable[[], None]
    ) -> None:
        self._storage, self._clock, self._buttons = storage, clock, buttons
        self._texts, self._wake = texts, wake

    async def take(self, item: dict[str, Any]) -> str:
        """Act on one inbound message as Meta sent it; return the outcome, for the counters.

        Raises KeyError, TypeError or ValueError if the message lacks what its type promises.
        """
        sender = item.get("from")  # absent if the person goes by a user name
        person = (
            await self._storage.person_by_phone(f"+{sender.lstrip('+')}") if isinstance(sender, str) else None
        )
        if person is None:
            return "unknown_sender"
        said = only_word(_text(item))
        if said in STOP_WORDS:
            return await self._opt_out(person, item)
        if said in START_WORDS:
            return await self._opt_in(person, item)
        tapped = payload.read(_payload(item))
        if tapped is None:
            return "no_command"
        return await self._tap(person, tapped, item)

    async def _opt_out(self, person: Person, item: dict[str, Any]) -> str:
        """Obey STOP however old it is, and say so once: again only if a crash came in between."""
        said_ms = self._said_ms(item)
        await self._storage.opt_out(person.id, said_ms)
        await self._audit(person, "opt_out", {"wamid": item.get("id")})
        if person.opted_out_ms in (None, said_ms):
            await self._confirm(person, CONFIRMS_OPT_OUT, "stop", item)
        return "opt_out"

    async def _opt_in(self, person: Person, item: dict[str, Any]) -> str:
        """Obey START unless a STOP was said after it: then it is a replay, or came late."""
        if not await self._storage.opt_in(person.id, self._said_ms(item)):
            return "too_old"
        await self._audit(person, "opt_in", {"wamid": item.get("id")})
        await self._confirm(person, "answer_start", "start", item)
        return "opt_in"

    def _said_ms(self, item: dict[str, Any]) -> int:
        """Return when the person wrote this; now, if that is missing or lies ahead of our clock."""
        now_ms = self._clock.now_ms()
        try:
            return max(0, min(int(item["timestamp"]) * 1000, now_ms))
        except (KeyError, TypeError, ValueError):
            return now_ms

    async def _confirm(self, person: Person, step: str, key: str, item: dict[str, Any]) -> None:
        if self._clock.now_ms() - self._said_ms(item) < WINDOW_MS:
            farm_id = (await self._storage.farms_of(person.id))[0]
            text = self._texts.answer(person.language, key)
            await self._queue(person, (farm_id, None), step, text, item)

    async def _audit(self, person: Person, action: str, detail: dict[str, Any]) -> None:
        await self._storage.audit(f"person:{person.id}", action, detail, self._clock.now_ms())

    async def _tap(self, person: Person, button: Button, item: dict[str, Any]) -> str:
        event = await self._storage.event(button.event_id)
        if event is None or not await self._may_judge(person, event, button):
            return "bad_button"
        age_ms = self._clock.now_ms() - int(item["timestamp"]) * 1000
        if age_ms > FRESH_MS:
            if age_ms < WINDOW_MS:
                await self._answer(person, event, "late", item)
            return "too_old"
        return await self._judge(person, event, button, item)

    async def _may_judge(self, person: Person, event: Event, button: Button) -> bool:
        """Whether this button was made for this person, who still belongs to the event's farm."""
        if not self._buttons.holds(button, farm_id=event.farm_id, person_id=person.id):
            return False
        return await self._storage.role(person.id, event.farm_id) is not None

    async def _judge(self, person: Person, event: Event, button: Button, item: dict[str, Any]) -> str:
        verdict = payload.VERDICTS[button.verb]
        if await self._storage.judge(event.id, person.id, verdict, self._clock.now_ms()):
            await self._audit(person, verdict, {"event": event.id, "wamid": item["id"]})
        await self._answer(person, event, self._answer_to(verdict, event, button), item)
        return verdict

    def _answer_to(self, verdict: str, event: Event, button: Button) -> str:
        """Return which answer a verdict gets: a judgement may move a threshold."""
        if verdict not in _JUDGES:
            return button.verb
        return learning.answer_key(all_kinds().get(event.kind), is_right=verdict == RIGHT)

    async def _answer(self, person: Person, event: Event, key: str, item: dict[str, Any]) -> None:
        text = self._texts.answer(person.language, key, animal=await self._name_of(event))
        await self._queue(person, (event.farm_id, event.id), f"answer_{key}", text, item)

    async def _name_of(self, event: Event) -> str:
        """Return how a message names whom an event is about: an animal, or the farm itself."""
        if event.animal_id is None:
            farm = await self._storage.farm(event.farm_id)
            return farm.name if farm else str(event.farm_id)
        animal = await self._storage.animal(event.animal_id)
        return animal.label if animal else str(event.animal_id)

    async def _queue(
        self, person: Person, about: tuple[int, str | None], step: str, text: str, item: dict[str, Any]
    ) -> None:
        """Queue an answer. `about`: farm and event. Its id is the same after a crash.

        About an event it is also the same for who says the same twice; else for each message of theirs.
        """
        farm_id, event_id = about
        now_ms = self._clock.now_ms()
        answer = Message(
            id=message_id(event_id or item["id"], person.id, step),
            farm_id=farm_id,
            person_id=person.id,
            event_id=event_id,
            step=step,
            body={"text": text, "language": person.language, "reply_to": item["id"]},
            created_ms=now_ms,
            expires_ms=now_ms + _ANSWER_LIVES_MS,
        )
        await self._storage.queue([answer])
        self._wake()


def only_word(text: str) -> str:
    """Return a text of one word as it stands in the word lists; a sentence matches none of them.

    Signs around it do not count: a full stop, quotes, an emoji, the invisible marks of a keyboard that
    writes from right to left.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = [
        character
        for character in folded
        if character.isspace() or unicodedata.category(character)[0] in _LETTERS
    ]
    return "".join(kept).strip()


def _text(item: dict[str, Any]) -> str:
    return str(item["text"]["body"]) if item.get("type") == "text" else ""


def _payload(item: dict[str, Any]) -> object:
    """Return what the tapped button carries: of a template, or of a free-form message."""
    if item.get("type") == "button":
        return item["button"]["payload"]
    if item.get("type") == "interactive":
        return item["interactive"].get("button_reply", {}).get("id")
    return None
