"""What each error code of the Graph API means for a message. HTTP status and titles change; codes do not.

The same table is for a refused POST and for a delivery status that says "failed" later.
Source: Meta, "Error codes", WhatsApp Cloud API documentation, 15 May 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

GROWTH = 4  # Meta's advice: wait 4^X
LONGEST_WAIT_S = 900
NOT_TODAY_S = 86_400
UNREACHABLE_S = 7 * 86_400


class Action(Enum):
    """What the dispatcher does with a message that Graph refused."""

    RETRY = "retry"  # this message again, later, a few times
    PAUSE = "pause"  # every message waits a little: we are too fast
    PERSON = "person"  # this person's messages wait a little: too much for one phone
    BREAKER = "breaker"  # nothing can be sent until somebody acts: keep all, try one now and then
    HOLD = "hold"  # this template is held back by Meta: as a text if that may be, else again later
    TEMPLATE = "template"  # the 24 hours since the person wrote are over: at once as a template
    LANGUAGE = "language"  # the template is missing in this language: once in English
    MEDIA = "media"  # Graph cannot use our picture: upload it once more, then go without
    TODAY = "today"  # kept back by Meta: again tomorrow at the earliest, and only if somebody asks for it
    FAIL = "fail"  # this person cannot be reached like this
    DEAD = "dead"  # our own mistake: keep the message for whoever mends it


@dataclass(frozen=True, slots=True)
class Rule:
    """An action, its first wait in seconds, what the operator can do about it, and two aggravations.

    slows: our own speed is halved for a while. shuns_s: so long nothing but what is urgent is tried for this
    person, unless they write.
    """

    action: Action
    first_s: int = 1
    hint: str = ""
    slows: bool = False
    shuns_s: int = 0

    def wait_s(self, failures: int) -> int:
        """Return the wait after `failures` refusals in a row (1 or more): first_s, then 4 times as long."""
        grown_s: int = self.first_s * GROWTH ** min(failures - 1, 8)
        return max(self.first_s, min(LONGEST_WAIT_S, grown_s))


SOON = Rule(Action.RETRY, 1, "Meta had a fault of its own")
MINUTE = Rule(Action.RETRY, 60, "Meta moves or upgrades the number")
FAST = Rule(Action.PAUSE, 1, "more messages a second than Meta takes: lower whatsapp.mps", slows=True)
QUOTA = Rule(Action.PAUSE, 60, "more calls an hour than Meta takes of this application")
PAIR = Rule(Action.PERSON, 6, "too many messages for this one person")
QUALITY = Rule(Action.BREAKER, 3600, "Meta limits this number for its quality or its template category")
NOT_TODAY = Rule(Action.TODAY, hint="Meta keeps this message from this person: not again within 24 hours")
NO_PHONE = Rule(
    Action.FAIL, hint="no WhatsApp at this number, an old version or blocked", shuns_s=UNREACHABLE_S
)
COUNTRY = Rule(Action.FAIL, hint="Meta does not let this account write to this country", shuns_s=NOT_TODAY_S)
NO_WINDOW = Rule(Action.TEMPLATE, hint="the person wrote more than 24 hours ago, and this is no template")
NO_MARKETING = Rule(Action.FAIL, hint="the person wants no marketing: check the template's category")
BUG = Rule(Action.DEAD, hint="Meta does not understand this message: a mistake of this program")
LANGUAGE = Rule(Action.LANGUAGE, hint="run: herdbell templates apply")
HELD = Rule(Action.HOLD, 900, "Meta paused or refused this template: run: herdbell templates status")
MEDIA = Rule(Action.MEDIA, hint="Meta could not use the picture")
AUTH = Rule(Action.BREAKER, 60, "the access token is not valid or lacks a permission")
SETUP = Rule(Action.BREAKER, 60, "register the phone number and check its display name")
DELETED = Rule(Action.BREAKER, 300, "the number was deleted a moment ago: register it again after 5 minutes")
BILLING = Rule(Action.BREAKER, 60, "add a payment method to the WhatsApp Business account")
POLICY = Rule(Action.BREAKER, 3600, "Meta restricts this account: see its account quality page")


def _table(*rows: tuple[Rule, Iterable[int]]) -> dict[int, Rule]:
    return {code: rule for rule, codes in rows for code in codes}


RULES: dict[int, Rule] = _table(
    (SOON, (1, 2, 131000, 131016, 133004, 131059)),  # 131059 is about lists: Client.templates begins anew
    (MINUTE, (131057, 2494100)),
    (FAST, (130429,)),
    (PAIR, (131056,)),
    (QUOTA, (4, 80007)),
    (QUALITY, (131048, 131064)),
    (NOT_TODAY, (131049, 130472)),
    (NO_PHONE, (131026, 130403, 131021, 131030, 131062)),
    (NO_WINDOW, (131047,)),
    (NO_MARKETING, (131050,)),
    (BUG, (132000, 132005, 132012, 132018, 100, 131008, 131009, 131051, 135000)),
    (LANGUAGE, (132001,)),
    (HELD, (132007, 132015, 132016)),
    (MEDIA, (131052, 131053)),
    (AUTH, (0, 3, 10, 190, 131005, *range(200, 300))),
    (SETUP, (33, 131037, 131045, *range(133005, 133011), 133016)),
    (DELETED, (133015,)),
    (BILLING, (131042,)),
    (POLICY, (368, 131031)),
    (COUNTRY, (130497,)),
)

# Graph answered with an error, so nothing went out: a few more tries cannot double a message.
UNKNOWN_CODE = SOON
UNKNOWN_FOR_GOOD = Rule(Action.DEAD, hint="a code that is not known here, and Meta says it stays like that")


def rule_for(code: int, *, transient: bool | None = None) -> Rule:
    """Return the rule of a Graph error code.

    transient: Graph's `is_transient`. It counts for unknown codes alone: these are tried again a few times,
    unless Graph says that it will not help.
    """
    unknown = UNKNOWN_FOR_GOOD if transient is False else UNKNOWN_CODE
    return RULES.get(code, unknown)
