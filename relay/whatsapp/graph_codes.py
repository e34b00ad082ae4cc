"""What each error code of the Graph API means for a message. HTTP status and titles change; codes do not.

Source: Meta, "Error codes", WhatsApp Cloud API documentation, 15 May 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

GROWTH = 4  # Meta's advice: wait 4^X
LONGEST_WAIT_S = 900


class Action(Enum):
    """What the dispatcher does with a message that Graph refused."""

    RETRY = "retry"  # this message again, later, a few times
    PAUSE = "pause"  # every message waits a little: we are too fast
    BREAKER = "breaker"  # nothing can be sent until somebody acts: keep all, try one now and then
    HOLD = "hold"  # this template is held back by Meta: again later, until the message expires
    LANGUAGE = "language"  # the template is missing in this language: once in English
    FAIL = "fail"  # this person cannot be reached like this
    DEAD = "dead"  # our own mistake: keep the message for whoever mends it


@dataclass(frozen=True, slots=True)
class Rule:
    """An action, the first wait in seconds, and what the operator can do about it."""

    action: Action
    first_s: int = 1
    hint: str = ""

    def wait_s(self, failures: int) -> int:
        """Return the wait after `failures` refusals in a row (1 or more): first_s, then 4 times as long."""
        grown_s: int = self.first_s * GROWTH ** min(failures - 1, 8)
        return max(self.first_s, min(LONGEST_WAIT_S, grown_s))


_AUTH = Rule(Action.BREAKER, 60, "the access token is not valid or lacks a permission")
_SETUP = Rule(Action.BREAKER, 60, "register the phone number and check its display name")
_BILLING = Rule(Action.BREAKER, 60, "add a payment method to the WhatsApp Business account")
_POLICY = Rule(Action.BREAKER, 3600, "Meta restricts this account: see its account quality page")
_QUALITY = Rule(Action.BREAKER, 3600, "Meta limits this number for its quality or its template category")
_QUOTA = Rule(Action.PAUSE, 60)
_FAST = Rule(Action.PAUSE, 1)
_SOON = Rule(Action.RETRY, 1)
_MINUTE = Rule(Action.RETRY, 60)
_PERSON = Rule(Action.FAIL)
_BUG = Rule(Action.DEAD)
_HELD = Rule(Action.HOLD, 900, "Meta paused or refused this template")

UNKNOWN_CODE = (
    _SOON  # Graph answered with an error, so nothing went out: a few more tries cannot double a message
)

RULES: dict[int, Rule] = {
    **dict.fromkeys((1, 2, 131000, 131016, 133004, 131059), _SOON),
    **dict.fromkeys((131057, 2494100), _MINUTE),
    130429: _FAST,
    131056: Rule(Action.RETRY, 6),  # too much for this one person: others go on
    **dict.fromkeys((4, 80007), _QUOTA),
    **dict.fromkeys((131048, 131064), _QUALITY),
    **dict.fromkeys((131026, 130403, 131021, 131030, 131062), _PERSON),
    **dict.fromkeys((131049, 130472), _PERSON),  # kept back by Meta for a day: by then nobody needs it
    **dict.fromkeys((131047, 131050), _PERSON),  # outside the 24 h window; opted out
    **dict.fromkeys((132000, 132005, 132012, 132018, 100, 131008, 131009, 131051, 135000), _BUG),
    **dict.fromkeys((131052, 131053), _BUG),  # media: no message of ours carries any
    132001: Rule(Action.LANGUAGE),
    **dict.fromkeys((132007, 132015, 132016), _HELD),
    **dict.fromkeys((0, 3, 10, 190, 131005, *range(200, 300)), _AUTH),
    **dict.fromkeys((33, 131037, 131045, *range(133005, 133011), 133016), _SETUP),
    133015: Rule(
        Action.BREAKER, 300, "the number was deleted a moment ago: register it again after 5 minutes"
    ),
    131042: _BILLING,
    **dict.fromkeys((368, 131031, 130497), _POLICY),
}


def rule_for(code: int) -> Rule:
    """Return the rule of a Graph error code; an unknown code is tried again a few times."""
    return RULES.get(code, UNKNOWN_CODE)
