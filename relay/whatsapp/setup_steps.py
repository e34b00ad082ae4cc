"""The steps of setting WhatsApp up: how one is told, what the settings lack, and what an error asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from relay.config import ConfigError

if TYPE_CHECKING:
    from relay.config import Config

IDS = ("phone_number_id", "waba_id", "app_id")
SECRETS = ("token", "app_secret", "verify_token")
NEW_ACCOUNT = (
    "make an account and a Business application with the product WhatsApp at developers.facebook.com; "
    "its page API Setup shows the ids, of a test number too, which costs nothing"
)
NEW_KEY = (
    "make one in Business settings, System users, for the application and the account, "
    "and put it into whatsapp.token_file"
)
_COMPARE = "compare the ids in the settings with those of API Setup"
_CURES = {
    33: _COMPARE,
    100: _COMPARE,
    190: NEW_KEY,
    131030: "add the phone to the list of the test number: App Dashboard, WhatsApp, API Setup",
    131042: "add a payment method in WhatsApp Manager, Payment settings",
    132001: "wait until the templates are approved",
    133010: "register the number: POST /PHONE_NUMBER_ID/register with a PIN of six digits",
}


class Level(StrEnum):
    """How a step stands."""

    OK = "ok"
    TODO = "to do"
    WAIT = "wait"  # for Meta
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. cure: what to do, or what is waited for; "" if nothing."""

    name: str
    level: Level
    text: str
    cure: str = ""


def settled(config: Config) -> list[Step]:
    """Return what the settings lack before Meta can be asked anything."""
    chosen = config.whatsapp
    lacking = [name for name in IDS if not str(getattr(chosen, name)).isdecimal()]
    found = []
    if lacking:
        names = ", ".join(f"whatsapp.{name}" for name in lacking)
        found.append(
            Step("account", Level.TODO, f"{names}: want the ids that Meta gave, digits only", NEW_ACCOUNT)
        )
    for name in SECRETS:
        try:
            config.secret("whatsapp", name)
        except ConfigError as error:
            found.append(Step("secrets", Level.TODO, str(error), "run herdbell whatsapp setup"))
    return found


def cure_of(code: int) -> str:
    """Return what to do about an error code of Graph."""
    return _CURES.get(code, "see Meta, Cloud API, Error codes")
