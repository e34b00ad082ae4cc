"""From no Meta account to the first message: every step is checked, and says what is wrong and what to do.

Sources: Meta, "Get started with the Cloud API", "Access tokens", "Webhooks" (29 April 2026), "Messaging
health status" and "Debug token", read in November 2026. Not yet run against Meta's test number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from relay.config import is_loopback
from relay.whatsapp import calls
from relay.whatsapp.client import RefusedError, SendError
from relay.whatsapp.handshake import handshake
from relay.whatsapp.provision import PENDING, State, plan
from relay.whatsapp.setup_steps import NEW_KEY, Level, Step, cure_of
from relay.whatsapp.texts import DEFAULT_LANGUAGE, load
from relay.whatsapp.versions import warning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import date

    from relay.config import Config
    from relay.whatsapp.client import Client

NOT_YET = "This guide has not yet been run against Meta's test number."
SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
WEBHOOK_FIELDS = (
    "messages, message_template_status_update, message_template_quality_update, template_category_update, "
    "phone_number_quality_update, account_update, account_alerts, business_capability_update, security, "
    "user_preferences"
)
_PAYMENT = 141006
FIRST = "welcome_v1"


@dataclass(frozen=True, slots=True)
class Setup:
    """The steps in their order. url: of the webhook as Meta sees it; to: a phone number for a first message.

    check_only: changes nothing at Meta and sends nothing.
    """

    config: Config
    client: Client
    today: date
    url: str = ""
    to: str = ""
    check_only: bool = False

    async def steps(self) -> AsyncIterator[Step]:
        """Yield every step; with a token that Graph does not take there is nothing more to ask."""
        token = await _asked("token", self._token)
        yield token
        if token.cure == NEW_KEY:
            return
        if (version := warning(self.config.whatsapp.graph_version, self.today)) != "":
            yield Step("version", Level.TODO, version, "set whatsapp.graph_version")
        for name, look in (
            ("number", self._number),
            ("webhook", self._webhook),
            ("subscription", self._subscription),
            ("templates", self._templates),
            ("sending", self._sending),
            ("first message", self._first_message),
        ):
            yield await _asked(name, look)

    async def _token(self) -> Step:
        known = await self.client.debug_token()
        if not known.get("is_valid"):
            return Step("token", Level.TODO, "Meta does not take the token", NEW_KEY)
        missing = [scope for scope in SCOPES if scope not in known.get("scopes", [])]
        if missing:
            text = f"the token lacks {' and '.join(missing)}"
            return Step("token", Level.TODO, text, f"{NEW_KEY}, with both permissions")
        app_id = self.config.whatsapp.app_id
        if str(known.get("app_id")) != app_id:
            return Step("token", Level.TODO, f"the token is of another application than {app_id}", NEW_KEY)
        if known.get("expires_at"):
            text = "the token expires: one of the dashboard lives 24 hours"
            return Step("token", Level.TODO, text, f"{NEW_KEY}, that never expires")
        return Step("token", Level.OK, "valid, never expires, with both permissions")

    async def _number(self) -> Step:
        known = await self.client.health()
        quality, name = known.get("quality_rating", "UNKNOWN"), known.get("name_status", "")
        text = f"quality {quality}, display name {name or 'unknown'}"
        if name in {"PENDING_REVIEW", "PENDING"}:
            return Step("number", Level.WAIT, text, "Meta reviews the display name, for up to some days")
        if quality == "RED" or name in {"DECLINED", "EXPIRED", "REJECTED"}:
            return Step("number", Level.TODO, text, "see WhatsApp Manager, Phone numbers")
        return Step("number", Level.OK, text)

    async def _webhook(self) -> Step:
        if not self.url:
            cure = "give --url https://your.domain/webhooks/whatsapp, and run the relay behind it"
            return Step("webhook", Level.SKIPPED, "the public address is not known", cure)
        where = urlsplit(self.url)
        if where.scheme != "https" and not is_loopback(where.hostname or ""):
            text = f"{where.scheme or 'no'} address: Meta calls https only"
            return Step("webhook", Level.TODO, text, "put a proxy with a certificate in front of the relay")
        fault = await handshake(self.url, self.config.secret("whatsapp", "verify_token"))
        if fault:
            return Step("webhook", Level.TODO, *fault)
        cure = f"App Dashboard, WhatsApp, Configuration: this address, your word, the fields {WEBHOOK_FIELDS}"
        return Step("webhook", Level.OK, "answers Meta's handshake", "" if self.check_only else cure)

    async def _subscription(self) -> Step:
        chosen = self.config.whatsapp
        apps = await self.client.subscribed_apps(chosen.waba_id)
        ids = {str(one.get("whatsapp_business_api_data", one).get("id")) for one in apps}
        if chosen.app_id in ids:
            return Step("subscription", Level.OK, "the application gets the account's webhooks")
        if self.check_only:
            text, cure = "the application gets no webhooks of the account", "run this without --check"
            return Step("subscription", Level.TODO, text, cure)
        await self.client.subscribe_app(chosen.waba_id)
        return Step("subscription", Level.OK, "the application was subscribed to the account's webhooks")

    async def _templates(self) -> Step:
        chosen = self.config.whatsapp
        rows = plan(load(), await self.client.templates(chosen.waba_id), chosen.template_prefix)
        states = {state: sum(row.state is state for row in rows) for state in State}
        if states[State.CATEGORY] or states[State.MISSING]:
            text = f"{states[State.MISSING]} missing, {states[State.CATEGORY]} in another category"
            return Step("templates", Level.TODO, text, "run herdbell templates apply")
        waiting = sum(row.status == PENDING for row in rows)
        if waiting:
            text = f"{waiting} of {len(rows)} are in review"
            return Step("templates", Level.WAIT, text, "Meta mostly needs minutes, at times up to 24 hours")
        bad = [f"{row.name} {row.language} {row.status or row.state}" for row in rows if not row.is_sendable]
        if bad:
            text = f"{len(bad)} cannot be sent: {', '.join(bad[:3])}"
            return Step("templates", Level.TODO, text, "see herdbell templates status and WhatsApp Manager")
        return Step("templates", Level.OK, f"{len(rows)} are approved")

    async def _sending(self) -> Step:
        health = (await self.client.health()).get("health_status")
        known: dict[str, Any] = health if isinstance(health, dict) else {}
        errors = [
            one
            for entity in known.get("entities", [])
            for one in entity.get("errors", [])
            if isinstance(one, dict)
        ]
        can = str(known.get("can_send_message", "unknown"))
        if can == "AVAILABLE":
            return Step("sending", Level.OK, "Meta lets this number send")
        cures = {str(one.get("possible_solution", "")): one.get("error_code") for one in errors}
        text = "; ".join(str(one.get("error_description", "")) for one in errors) or f"Meta says {can}"
        cure = "; ".join(filter(None, cures)) or "see WhatsApp Manager"
        if _PAYMENT in cures.values():
            cure = f"add a payment method in WhatsApp Manager, Payment settings; {cure}"
        if "verif" in text.lower():
            return Step("sending", Level.WAIT, text, f"business verification takes Meta some days; {cure}")
        return Step("sending", Level.TODO, text, cure)

    async def _first_message(self) -> Step:
        if not self.to or self.check_only:
            cure = "give --to +COUNTRYNUMBER, a phone of your own that the test number may write to"
            return Step("first message", Level.SKIPPED, "none was asked for", cure)
        name = self.config.whatsapp.template_prefix + FIRST
        body = calls.template(name, DEFAULT_LANGUAGE, {"farm": "Herdbell"})
        try:
            await self.client.send({**calls.envelope(self.to), **body})
        except RefusedError as error:
            return Step("first message", Level.TODO, f"Meta refused it: {error}", cure_of(error.code))
        return Step("first message", Level.OK, "Meta took it: it should be on the phone by now")


async def _asked(name: str, look: Callable[[], Awaitable[Step]]) -> Step:
    try:
        return await look()
    except RefusedError as error:
        return Step(name, Level.TODO, f"Meta refused to answer: {error}", cure_of(error.code))
    except SendError as error:
        return Step(name, Level.TODO, f"Meta could not be asked: {error}", "check the network, and try again")
