"""What a button or a row carries: "v1|verb|event id|mac". The mac binds it to farm, person, event and verb.

Yes and no carry the person's id instead of an event's, pick.N that of the message with the question.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.storage.ports import ACKNOWLEDGED, FALSE_ALARM, REASONS, RIGHT, SNOOZED

if TYPE_CHECKING:
    from collections.abc import Callable

VERDICTS = {"ack": ACKNOWLEDGED, "snz": SNOOZED, "fp": FALSE_ALARM, "right": RIGHT}
SHOW, YES, NO, BECAUSE, PICK = "show", "yes", "no", "because", "pick"
VERBS = (*VERDICTS, SHOW, YES, NO)
_ABOUT = {
    BECAUSE: re.compile("|".join(filter(None, REASONS))),
    PICK: re.compile(r"[0-9]{1,2}"),
}
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

    @property
    def act(self) -> str:
        """The verb without what it is about: "because" of "because.moved"."""
        return self.verb.partition(".")[0]

    @property
    def about(self) -> str:
        """What the verb is about: "moved" of "because.moved", "" of most."""
        return self.verb.partition(".")[2]


def read(payload: object) -> Button | None:
    """Return the button of a payload, or None if it is none of ours."""
    if not isinstance(payload, str) or len(payload) > PAYLOAD_MAX:
        return None
    parts = payload.split("|")
    if len(parts) != 4 or parts[0] != _VERSION or not is_verb(parts[1]) or not parts[2]:
        return None
    return Button(*parts[1:])


def is_verb(verb: str) -> bool:
    """Whether a button may carry this verb."""
    act, dot, about = verb.partition(".")
    form = _ABOUT.get(act)
    return verb in VERBS or bool(dot and form and form.fullmatch(about))


class Buttons:
    """Makes and checks payloads. `sign(text, context)` returns a keyed hash, such as `Vault.blind`."""

    def __init__(self, sign: Callable[[str, str], bytes]) -> None:
        self._sign = sign

    def payload(self, verb: str, *, farm_id: int, person_id: int, event_id: str) -> str:
        """Return the payload of one button of one message. Raises ValueError for a verb we do not know.

        event_id: of what the button is about, see above.
        """
        if not is_verb(verb):
            forms = ", ".join((*VERBS, *(f"{act}.…" for act in _ABOUT)))
            raise ValueError(f"verb={verb!r} is none of {forms}")
        return f"{_VERSION}|{verb}|{event_id}|{self._mac(verb, farm_id, person_id, event_id)}"

    def holds(self, button: Button, *, farm_id: int, person_id: int) -> bool:
        """Whether this was offered to this person, of this farm, with this verb; constant time."""
        want = self._mac(button.verb, farm_id, person_id, button.event_id)
        return hmac.compare_digest(button.mac.encode(), want.encode())

    def _mac(self, verb: str, farm_id: int, person_id: int, event_id: str) -> str:
        signed = self._sign(f"{farm_id}|{person_id}|{event_id}|{verb}", _CONTEXT)
        return base64.urlsafe_b64encode(signed[:_MAC_BYTES]).decode()
