"""A phone behind the fake Cloud API: its messages, and whose it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

WINDOW_MS = 24 * 3_600_000
SENT, DELIVERED, READ, FAILED = "sent", "delivered", "read", "failed"
_KEPT = 4000  # messages of one phone; the oldest half goes when there are more


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message; what was filled in shows bold."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list to choose from."""

    title: str
    payload: str
    text: str = ""
    section: str = ""


@dataclass(slots=True)
class Bubble:
    """One message on a phone. status is empty for the person's own; `chosen` is the tapped button or row.

    kind: a type of message, or "system". picture: id of an uploaded file. menu: what opens the rows of a
    list.
    """

    id: str
    at_ms: int
    mine: bool
    parts: list[Part]
    kind: str = "text"
    footer: str = ""
    buttons: list[Button] = field(default_factory=list)
    status: str = ""
    chosen: int | None = None
    reply_to: str | None = None
    opaque: str | None = None
    header: str = ""
    picture: str = ""
    menu: str = ""
    rows: list[Row] = field(default_factory=list)
    reaction: str = ""
    category: str = "service"

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "".join(part.text for part in self.parts)


@dataclass(slots=True)
class Phone:
    """A person's phone.

    watchers: how many pages have its chat open. online: whether messages reach it. hidden: the person has a
    user name, and webhooks say the user id instead of the number. owners: how many people had the number
    before.
    """

    number: str
    name: str
    bubbles: list[Bubble] = field(default_factory=list)
    last_inbound_ms: int | None = None
    watchers: int = 0
    version: int = 0
    online: bool = True
    hidden: bool = False
    owners: int = 0
    typing_until_ms: int = 0

    @property
    def user_id(self) -> str:
        """The business-scoped user id: another one for another owner of the number."""
        whose = f"{self.number}|{self.owners}" if self.owners else self.number
        digest = hashlib.sha256(whose.encode()).digest()
        return f"US.{int.from_bytes(digest[:8], 'big'):020}"

    def contact(self) -> dict[str, Any]:
        """Return it as webhooks carry it."""
        if self.hidden:
            profile = {"name": self.name, "username": f"user{self.user_id[3:9]}"}
            return {"profile": profile, "user_id": self.user_id}
        return {"profile": {"name": self.name}, "wa_id": self.number, "user_id": self.user_id}

    def window_open(self, now_ms: int) -> bool:
        """Whether free-form messages may be sent to it."""
        return self.last_inbound_ms is not None and now_ms - self.last_inbound_ms < WINDOW_MS

    def find(self, wamid: str) -> Bubble | None:
        """Return the message with that id."""
        return next((bubble for bubble in reversed(self.bubbles) if bubble.id == wamid), None)

    def add(self, bubble: Bubble) -> None:
        """Put a message on it."""
        self.bubbles.append(bubble)
        if len(self.bubbles) > _KEPT:
            del self.bubbles[: _KEPT // 2]
