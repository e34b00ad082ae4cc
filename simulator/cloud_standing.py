"""How the account stands with Meta: number, token, quality, payment; what its health call says of it.

Sources: Meta, "Business phone numbers", "Messaging health status", "Debug token" of the Graph API
documentation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")
_TIERS = {250: "TIER_250", 2000: "TIER_2K", 10_000: "TIER_10K", 100_000: "TIER_100K"}
ENTITIES = ("PHONE_NUMBER", "WABA", "BUSINESS", "APP")
STATES = ("AVAILABLE", "LIMITED", "BLOCKED")


@dataclass(frozen=True, slots=True)
class Account:
    """Ids and secrets, shared with whoever sends."""

    token: str
    app_secret: str
    verify_token: str
    phone_number_id: str
    waba_id: str
    farm: str
    zone: str
    app_id: str = "400000000000001"
    display: str = "15550100000"


@dataclass(slots=True)
class Trouble:
    """Why a part of the account cannot send. code: of the health call, as 141006 for a payment method."""

    code: int
    text: str
    solution: str
    state: str = "BLOCKED"


@dataclass(slots=True)
class Standing:
    """What Meta thinks and knows. troubles: by entity, PHONE_NUMBER, WABA, BUSINESS or APP."""

    registered: bool = True
    pin: str = ""
    quality: str = "GREEN"
    name_status: str = "APPROVED"
    throughput: str = "STANDARD"
    review: str = "APPROVED"
    verification: str = "verified"
    funded: bool = True
    token_valid: bool = True
    scopes: tuple[str, ...] = SCOPES
    subscribed: bool = False
    troubles: dict[str, Trouble] = field(default_factory=dict)

    def number(self, account: Account, users: int) -> dict[str, Any]:
        """Return every field of the phone number. users: the messaging limit."""
        return {
            "id": account.phone_number_id,
            "display_phone_number": f"+{account.display}",
            "verified_name": account.farm,
            "quality_rating": self.quality,
            "name_status": self.name_status,
            "code_verification_status": "VERIFIED",
            "is_pin_enabled": bool(self.pin),
            "is_official_business_account": False,
            "status": "CONNECTED" if self.registered else "DISCONNECTED",
            "platform_type": "CLOUD_API" if self.registered else "NOT_APPLICABLE",
            "account_mode": "LIVE",
            "throughput": {"level": self.throughput},
            "whatsapp_business_manager_messaging_limit": tier_of(users),
            "health_status": self.health(account),
        }

    def business(self, account: Account) -> dict[str, Any]:
        """Return every field of the business account."""
        shown = {
            "id": account.waba_id,
            "name": account.farm,
            "timezone_id": "1",
            "currency": "USD",
            "country": "US",
            "message_template_namespace": "0a1b2c3d_0000_0000_0000_000000000001",
            "status": "ACTIVE",
            "account_review_status": self.review,
            "business_verification_status": self.verification,
            "ownership_type": "SELF",
            "health_status": self.health(account),
        }
        return {**shown, "primary_funding_id": "500000000000001"} if self.funded else shown

    def health(self, account: Account) -> dict[str, Any]:
        """Return whether messages can be sent, by entity; the worst of them counts."""
        numbers = (account.phone_number_id, account.waba_id, "600000000000001", account.app_id)
        entities = [self._entity(kind, number) for kind, number in zip(ENTITIES, numbers, strict=True)]
        worst = max((one["can_send_message"] for one in entities), key=STATES.index)
        return {"can_send_message": worst, "entities": entities}

    def token(self, account: Account, given: str) -> dict[str, Any]:
        """Return what the token debugger says of a token."""
        is_valid = self.token_valid and given == account.token
        if not is_valid:
            error = {"code": 190, "message": "Error validating access token: the session has expired."}
            return {"data": {"is_valid": False, "scopes": [], "error": error}}
        granular = [{"scope": scope, "target_ids": [account.waba_id]} for scope in self.scopes]
        return {
            "data": {
                "app_id": account.app_id, "type": "SYSTEM_USER", "application": "Herdbell", "expires_at": 0,
                "data_access_expires_at": 0, "is_valid": True, "scopes": list(self.scopes),
                "granular_scopes": granular, "user_id": "700000000000001",
            }
        }  # fmt: skip

    def _entity(self, kind: str, number: str) -> dict[str, Any]:
        trouble = self.troubles.get(kind)
        if trouble is None:
            return {"entity_type": kind, "id": number, "can_send_message": "AVAILABLE"}
        error = {
            "error_code": trouble.code, "error_description": trouble.text,
            "possible_solution": trouble.solution,
        }  # fmt: skip
        return {"entity_type": kind, "id": number, "can_send_message": trouble.state, "errors": [error]}


def tier_of(users: int) -> str:
    """Return Meta's name of a messaging limit, the nearest one that is not larger."""
    fitting = [name for limit, name in _TIERS.items() if limit <= users]
    return "TIER_UNLIMITED" if users > 100_000 else fitting[-1] if fitting else "TIER_250"
