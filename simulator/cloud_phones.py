"""The phones behind the fake Cloud API: who has which number and user id, and who looks at them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from simulator.cloud_chats import Phone

if TYPE_CHECKING:
    from simulator.cloud_chats import Bubble

_SENDERS_KEPT = 100_000


class Phones:
    """Every phone by its number, digits only."""

    def __init__(self) -> None:
        self._phones: dict[str, Phone] = {}
        self._users: dict[str, Phone] = {}
        self._counts: Counter[str] = Counter()
        self._senders: dict[str, str] = {}  # the number that a message came from
        self._waiting: set[asyncio.Event] = set()
        self.closed = asyncio.Event()

    def all(self) -> list[Phone]:
        """Return every phone, the first one used first."""
        return list(self._phones.values())

    def get(self, number: str) -> Phone:
        """Return the phone of a number; a new number gets one."""
        digits = number.lstrip("+")
        phone = self._phones.get(digits)
        return phone if phone is not None else self.add(digits, f"+{digits}")

    def known(self, number: str) -> Phone | None:
        """Return the phone of a number that has one."""
        return self._phones.get(number.lstrip("+"))

    def of_user(self, user_id: str) -> Phone | None:
        """Return the phone of a business-scoped user id."""
        return self._users.get(user_id)

    def add(self, number: str, name: str, *, hidden: bool = False) -> Phone:
        """Give a number its owner's name. hidden: webhooks do not tell the number."""
        digits = number.lstrip("+")
        phone = self._phones.setdefault(digits, Phone(digits, name))
        phone.name, phone.hidden = name, hidden
        self._users[phone.user_id] = phone
        return phone

    def move(self, phone: Phone, number: str) -> None:
        """Give a phone another number, and with it another user id. Raises ValueError if it has an owner."""
        digits = number.lstrip("+")
        if digits in self._phones:
            raise ValueError(f"number={digits} has an owner")
        del self._users[phone.user_id]
        del self._phones[phone.number]
        phone.number, phone.owners = digits, 0
        self._phones[digits] = self._users[phone.user_id] = phone

    def pass_on(self, phone: Phone, name: str) -> None:
        """Give a number to somebody new: an empty phone, another user id."""
        del self._users[phone.user_id]
        heir = Phone(phone.number, name, owners=phone.owners + 1, version=phone.version)
        self._phones[heir.number] = self._users[heir.user_id] = heir

    def note_sender(self, phone: Phone, wamid: str) -> None:
        """Remember who a message came from."""
        self._senders[wamid] = phone.number
        if len(self._senders) > _SENDERS_KEPT:
            del self._senders[next(iter(self._senders))]

    def sent_by_person(self, wamid: str) -> tuple[Phone, Bubble] | None:
        """Return a person's message and the phone it came from."""
        phone = self._phones.get(self._senders.get(wamid, ""))
        bubble = phone.find(wamid) if phone is not None else None
        return None if phone is None or bubble is None else (phone, bubble)

    def wamid(self, origin: str) -> str:
        """Return a new id: a count of what came from `origin`, whoever was faster elsewhere."""
        self._counts[origin] += 1
        digest = hashlib.sha256(f"{origin}|{self._counts[origin]}".encode()).digest()[:21]
        return f"wamid.{base64.b64encode(digest).decode()}"

    def changed(self, phone: Phone) -> None:
        """Tell who is looking."""
        phone.version += 1
        for waiting in self._waiting:
            waiting.set()

    async def wait_newer(self, phone: Phone, version: int) -> None:
        """Return once the phone shows more than `version`, or everything closes."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            while not self.closed.is_set() and phone.version <= version:
                changed.clear()
                await changed.wait()
        finally:
            self._waiting.discard(changed)

    def close(self) -> None:
        """Let everybody go who is looking."""
        self.closed.set()
        for waiting in self._waiting:
            waiting.set()
