"""Names of events and messages. They are hashes of what the thing is, so a replay gives it the same name.

Form, for ever: the first 16 hex digits of SHA-256 over the decimal or plain UTF-8 parts, joined by "|", with
the sort of name first. 64 bits: a billion events have a chance of 3 % for one pair to collide.
"""

from __future__ import annotations

import hashlib


def event_id(farm_id: int, animal_id: int | None, kind: str, onset_ms: int) -> str:
    """Return the id of an event: 16 hex digits. An event of the whole farm has animal 0 in its hash."""
    return _name("event", farm_id, animal_id or 0, kind, onset_ms)


def message_id(event: str, person_id: int, step: str) -> str:
    """Return the id of what `person_id` is told about `event` at `step` of its story: 16 hex digits."""
    return _name("message", event, person_id, step)


def _name(*parts: str | int) -> str:
    words = [str(part) for part in parts]
    if any("|" in word for word in words):
        raise ValueError(f"id part in {words!r} contains '|', which separates the parts")
    return hashlib.sha256("|".join(words).encode()).hexdigest()[:16]
