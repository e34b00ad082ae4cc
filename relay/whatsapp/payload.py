"""What a button carries: "v1|verb|event id|mac". The mac binds it to farm, person, event and verb."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

VERDICTS = {"ack": "acknowledged", "snz": "snoozed", "fp": "false_alarm"}
VERBS = tuple(VERDICTS)
PAYLOAD_MAX = 128
_VERSION = "v1"
_MAC_BYTES = 6  # 8 characters: guessing needs 2^48 signed webhooks
_CONTEXT = "whatsapp button"


@dataclass(frozen=True, slots=True)
class Button:
    """What a tapped button says, not yet believed: `Buttons.holds` checks it."""

    verb: str
    event_id: str
    mac: str


def read(payload: object) -> Button | None:
    """Return the button of a payload, or None if it is none of ours."""
    if not isinstance(payload, str) or len(payload) > PAYLOAD_MAX:
        return None
    parts = payload.split("|")
    if len(parts) != 4 or parts[0] != _VERSION or parts[1] not in VERDICTS or not parts[2]:
        return None
    return Button(*parts[1:])


class Buttons:
    """Makes and checks payloads. `sign(text, context)` returns a keyed hash, such as `Vault.blind`."""

    def __init__(self, sign: Callable[[str, str], bytes]) -> None:
        self._sign = sign

    def payload(self, verb: str, *, farm_id: int, person_id: int, event_id: str) -> str:
        """Return the payload of one button of one message. Raises ValueError for a verb we do not know."""
        if verb not in VERDICTS:
            raise ValueError(f"verb={verb!r} is none of {', '.join(VERBS)}")
        return f"{_VERSION}|{verb}|{event_id}|{self._mac(verb, farm_id, person_id, event_id)}"

    def holds(self, button: Button, *, farm_id: int, person_id: int) -> bool:
        """Whether this farm's event was offered to this person with this verb; constant time."""
        want = self._mac(button.verb, farm_id, person_id, button.event_id)
        return hmac.compare_digest(button.mac.encode(), want.encode())

    def _mac(self, verb: str, farm_id: int, person_id: int, event_id: str) -> str:
        signed = self._sign(f"{farm_id}|{person_id}|{event_id}|{verb}", _CONTEXT)
        return base64.urlsafe_b64encode(signed[:_MAC_BYTES]).decode()
