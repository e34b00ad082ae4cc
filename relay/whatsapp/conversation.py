"""What a farmer's message does: a tapped button becomes a judgement and an answer, STOP becomes an opt-out.

Answers are queued in the outbox like everything else; nothing is sent from here.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from relay.alerts.ids import message_id
from relay.model import Message
from relay.whatsapp import payload
from relay.whatsapp.texts import FULL_STOPS

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
STOP_WORDS = frozenset({"stop", "stopp", "baja", "parar", "बंद", "بند"})


class Conversation:
    """Takes inbound messages. `wake` tells the dispatcher that an answer is queued."""

    def __init__(
        self, storage: Store, clock: Clock, buttons: Buttons, texts: Texts, wake: Callable[[], None]
    ) -> None:
        self._storage, self._clock, self._buttons, self._texts, self._wake = (
            storage,
            clock,
            buttons,
            texts,
            wake,
        )

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
        if is_stop(_text(item)):
            return await self._opt_out(person, item)
        tapped = payload.read(_payload(item))
        if tapped is None:
            return "no_command"
        return await self._tap(person, tapped, item)

    async def _opt_out(self, person: Person, item: dict[str, Any]) -> str:
        await self._storage.audit(
            f"person:{person.id}", "opt_out", {"wamid": item["id"]}, self._clock.now_ms()
        )
        return "opt_out"

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
        now_ms, verdict = self._clock.now_ms(), payload.VERDICTS[button.verb]
        if await self._storage.judge(event.id, person.id, verdict, now_ms):
            detail = {"event": event.id, "wamid": item["id"]}
            await self._storage.audit(f"person:{person.id}", verdict, detail, now_ms)
        await self._answer(person, event, button.verb, item)
        return verdict

    async def _answer(self, person: Person, event: Event, key: str, item: dict[str, Any]) -> None:
        animal = await self._storage.animal(event.animal_id)
        name = animal.label if animal else str(event.animal_id)
        now_ms = self._clock.now_ms()
        body = {
            "text": self._texts.answer(person.language, key, animal=name),
            "language": person.language,
            "reply_to": item["id"],
        }
        step = f"answer_{key}"  # its id is the same after a crash, and for who says the same twice
        answer = Message(
            id=message_id(event.id, person.id, step),
            farm_id=event.farm_id,
            person_id=person.id,
            event_id=event.id,
            step=step,
            body=body,
            created_ms=now_ms,
            expires_ms=now_ms + _ANSWER_LIVES_MS,
        )
        await self._storage.queue([answer])
        self._wake()


def is_stop(text: str) -> bool:
    """Whether a text asks for silence, in any of the six languages."""
    letters = unicodedata.normalize("NFC", text).casefold()
    return letters.strip(" \t\r\n.!?\"'" + FULL_STOPS) in STOP_WORDS


def _text(item: dict[str, Any]) -> str:
    return str(item["text"]["body"]) if item.get("type") == "text" else ""


def _payload(item: dict[str, Any]) -> object:
    """Return what the tapped button carries: of a template, or of a free-form message."""
    if item.get("type") == "button":
        return item["button"]["payload"]
    if item.get("type") == "interactive":
        return item["interactive"].get("button_reply", {}).get("id")
    return None
