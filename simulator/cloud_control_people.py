"""The verbs of the control calls about people and their phones: each takes the state and named values.

What one cannot do it says with LookupError, ValueError or GraphError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.cloud_person import Person

if TYPE_CHECKING:
    from simulator.cloud_state import Cloud


def phone(
    cloud: Cloud, number: str, name: str = "", hidden: bool | None = None, online: bool | None = None,
    new_number: str = "", new_owner: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Add or change a phone: name, hidden behind a user id, online, with another number or another owner."""
    one = cloud.phones.get(number)
    if name or hidden is not None:
        one = cloud.phones.add(number, name or one.name, hidden=one.hidden if hidden is None else hidden)
    if online is not None:
        Person(cloud).switch(one, online=online)
    if new_number:
        Person(cloud).change_number(number, new_number)
    if new_owner:
        cloud.phones.pass_on(one, new_owner)
        one = cloud.phones.get(one.number)
    return {"number": one.number, "user_id": one.user_id}


def tap(cloud: Cloud, number: str, message: str, button: int) -> dict[str, str]:
    """Tap a button, from 0, under a message."""
    return {"id": Person(cloud).tap(number, message, button)}


def choose(cloud: Cloud, number: str, message: str, row: int) -> dict[str, str]:
    """Choose a row, from 0, of a list."""
    return {"id": Person(cloud).choose(number, message, row)}


def write(cloud: Cloud, number: str, text: str) -> dict[str, str]:
    """Write a text."""
    return {"id": Person(cloud).write(number, text)}


def react(cloud: Cloud, number: str, message: str, emoji: str) -> dict[str, str]:
    """Put an emoji on a message; an empty one takes it off."""
    return {"id": Person(cloud).react(number, message, emoji)}


def read(cloud: Cloud, number: str) -> None:
    """Open the chat: what was delivered is read."""
    found = cloud.phones.known(number)
    if found is None:
        raise LookupError("no such phone")
    Person(cloud).look(found)


def identity(cloud: Cloud, number: str, kind: str = "customer_identity_changed") -> dict[str, str]:
    """Put a person's account on another device."""
    return {"id": Person(cloud).change_identity(number, kind)}


def prefer(cloud: Cloud, number: str, stop: bool) -> None:
    """Stop or resume marketing messages in the phone's settings."""
    Person(cloud).prefer(number, stop=stop)
