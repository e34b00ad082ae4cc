"""Inbound messages: who wrote, by number or user id, and whether it is still them; then the conversation."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from relay.storage.ports_chat import CHANGED
from relay.whatsapp.doubt import doubt_of, is_change
from relay.whatsapp.webhook_items import time_of

if TYPE_CHECKING:
    from relay.clock import Clock
    from relay.model import Person
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
_AGAIN_MS = 60_000  # who says three things in a row is noted once: nothing hangs on a minute


class Talk(Protocol):
    """What answers people."""

    async def take(self, item: dict[str, Any], person: Person) -> str:
        """Act on what a person wrote, as Meta sent it; return the outcome, for the counters."""


class Inbound:
    """Takes inbound messages as Meta sent them and hands those of known people to the conversation."""

    def __init__(self, storage: Store, clock: Clock, conversation: Talk) -> None:
        self._storage, self._clock, self._conversation = storage, clock, conversation

    async def take(self, item: dict[str, Any]) -> str:
        """Act on one message; return the outcome, for the counters.

        Raises KeyError, TypeError, ValueError or AttributeError if it lacks what its type promises.
        """
        user_id = item.get("from_user_id")
        user_id = user_id if isinstance(user_id, str) else None
        by_phone = await self._by_phone(item.get("from"))
        by_user = await self._storage.person_by_user_id(user_id) if user_id else None
        person = by_user or by_phone
        if person is None:
            return "unknown_sender"
        if is_change(item):  # a number that moves is a reason to ask, not to believe
            await self._doubt(person, item, same_user=False)
            return "number_changed"
        if item.get("type") == "system":  # Meta's own words: nobody wrote
            return "system"
        if by_phone is not None and by_phone.id != person.id:
            person = await self._moved(person, by_phone, item)
        unknown_id = user_id if by_user is None else None
        return await self._conversation.take(item, await self._heard(person, item, unknown_id))

    async def _moved(self, person: Person, before: Person, item: dict[str, Any]) -> Person:
        """Doubt who writes from another's number, and whether that other still has it; return the first.

        Once: while the other's doubt stands the move is known, and the user id says who writes.
        """
        if before.doubt == CHANGED:
            return person
        person = await self._doubt(person, item, same_user=False)
        await self._doubt(before, item, same_user=False)  # last: after a crash before it both are looked at
        return person

    async def _by_phone(self, sender: object) -> Person | None:
        if not isinstance(sender, str):  # absent if the person goes by a user name
            return None
        return await self._storage.person_by_phone(f"+{sender.lstrip('+')}")

    async def _heard(self, person: Person, item: dict[str, Any], unknown_id: str | None) -> Person:
        """Note that a person wrote, and the doubts it raises; return them as they are then.

        unknown_id: the user id they wrote under if it is nobody's so far. In this order: after a crash the
        item comes again, and the silence before it must not be over.
        """
        person = await self._doubt(person, item, same_user=True)
        said_ms, last_ms = self._said_ms(item), person.last_inbound_ms
        if unknown_id is None and last_ms is not None and said_ms < last_ms + _AGAIN_MS:
            return person
        await self._storage.heard(person.id, said_ms, unknown_id)
        person = replace(person, last_inbound_ms=max(said_ms, last_ms or 0))
        if unknown_id and await self._storage.person_by_user_id(unknown_id) is None:
            return await self._doubt(person, item, same_user=False)  # another one is known of them
        return person

    async def _doubt(self, person: Person, item: dict[str, Any], *, same_user: bool) -> Person:
        doubt = doubt_of(person, item, same_user=same_user, said_ms=self._said_ms(item))
        if doubt == person.doubt:
            return person
        await self._storage.set_doubt(person.id, doubt)
        await self._storage.audit(f"person:{person.id}", "doubt", {"why": doubt}, self._clock.now_ms())
        _LOG.warning("person %d has to confirm who they are: %s", person.id, doubt)
        return replace(person, doubt=doubt)

    def _said_ms(self, item: dict[str, Any]) -> int:
        """Return when it was written; now, if that is missing or lies ahead of our clock."""
        now_ms, said_ms = self._clock.now_ms(), time_of(item)
        return now_ms if said_ms is None else min(said_ms, now_ms)
