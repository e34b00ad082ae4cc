"""The state behind the fake Cloud API: what was sent, and what goes wrong. People act by cloud_person.py."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.cloud_agenda import Agenda
from simulator.cloud_bubbles import bubble_of
from simulator.cloud_chats import DELIVERED, FAILED, READ, SENT, Bubble, Phone
from simulator.cloud_counters import Counters
from simulator.cloud_errors import GraphError, need
from simulator.cloud_faults import Fault, Faults
from simulator.cloud_limits import Limits
from simulator.cloud_media import Shelf
from simulator.cloud_phones import Phones
from simulator.cloud_registry import Registry
from simulator.cloud_rules import check_message
from simulator.cloud_standing import Account, Standing
from simulator.cloud_statuses import failure_of, is_news, status_of
from simulator.cloud_webhooks import Webhooks

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from simulator.cloud_agenda import Clock
    from simulator.cloud_template import Template

_REQUESTS_KEPT = 100_000
TYPING_MS = 25_000


class Cloud:
    """The state behind the API. Tests and the demo hold it through `app[CLOUD]`.

    requests: the newest message bodies that arrived, also refused ones.
    """

    def __init__(
        self, account: Account, clock: Clock, webhook_url: str | None,
        on_message: Callable[[int, str, str], None] | None = None,
    ) -> None:  # fmt: skip
        self.account, self.clock, self.on_message = account, clock, on_message
        self.agenda = Agenda(clock)
        number = {"display_phone_number": account.display, "phone_number_id": account.phone_number_id}
        self.webhooks = Webhooks(
            webhook_url, app_secret=account.app_secret, number=number, account=account.waba_id,
            agenda=self.agenda,
        )  # fmt: skip
        self.registry = Registry(self.agenda, self.webhooks.put_field)
        self.media = Shelf(clock, self.registry.handles)
        self.phones = Phones()
        self.faults, self.limits, self.counters, self.standing = Faults(), Limits(), Counters(), Standing()
        self.requests: deque[dict[str, Any]] = deque(maxlen=_REQUESTS_KEPT)

    @property
    def refused(self) -> Counter[int]:
        """What a limit refused, by code: 130429, 131056, 131048. Scripted refusals are not among them."""
        return self.limits.refused

    def fault(self, fault: Fault, times: int = 1, *, to: str = "", template: str = "") -> None:
        """Let the next `times` messages (to a person, of a template) meet this, after those already there."""
        self.faults.script(fault, times, to=to, template=template)

    def accept(self, body: dict[str, Any], fault: Fault | None = None) -> tuple[Phone, Bubble]:
        """Take a message: check it, put it on the phone, report its statuses. Raises GraphError.

        fault: with a code, the message is reported failed instead and reaches nobody.
        """
        need(self.standing.registered, 133010, "register the phone number first")
        template = check_message(body, self.registry, self.media)
        phone, now_ms = self._addressed(body), self.clock.utc_ms
        in_window = phone.window_open(now_ms)
        need(template or in_window, 131047, "more than 24 hours since the person's last message")
        self.limits.take(now_ms, phone.user_id, in_window=in_window)
        bubble = self._bubble(body, template, phone, now_ms)
        if fault is not None and (fault.code is not None or fault.held):
            self._withhold(phone, bubble, fault)
        else:
            self._show(phone, bubble)
        return phone, bubble

    def report(self, phone: Phone, bubble: Bubble, status: str) -> None:
        """Let a message become sent, delivered or read, unless it is further already."""
        if not is_news(bubble, status) and status != SENT:
            return
        bubble.status = status
        self.counters.statuses[status] += 1
        item = status_of(bubble, phone, status, self.clock.utc_ms)
        self.webhooks.put("statuses", item, phone.contact())
        self.phones.changed(phone)

    def mark_read(self, body: dict[str, Any]) -> None:
        """The relay has read a person's message, and may be typing. Raises GraphError."""
        need(body.get("messaging_product") == "whatsapp", 100, "messaging_product must be whatsapp")
        found = self.phones.sent_by_person(str(body.get("message_id")))
        if found is None:
            raise GraphError(131009, "message_id is not a message of a person")
        phone, bubble = found
        for one in phone.bubbles:
            if one.mine and one.status and one.at_ms <= bubble.at_ms:
                one.status = READ
        if typing := body.get("typing_indicator"):
            need(typing == {"type": "text"}, 100, "typing_indicator")
            phone.typing_until_ms = self.clock.utc_ms + TYPING_MS
        self.phones.changed(phone)

    async def settle(self) -> None:
        """Return once all that is due by the clock has happened and every webhook due has been tried."""
        self.agenda.catch_up()
        await self.webhooks.settle()

    def _addressed(self, body: dict[str, Any]) -> Phone:
        if "to" in body:
            return self.phones.get(body["to"])
        phone = self.phones.of_user(body["recipient"])
        if phone is None:
            raise GraphError(131026, "nobody has that user id")
        return phone

    def _bubble(self, body: dict[str, Any], template: Template | None, phone: Phone, now_ms: int) -> Bubble:
        origin = f"{phone.number}|{body.get('biz_opaque_callback_data', '')}"
        return bubble_of(body, template, self.phones.wamid(origin), now_ms)

    def _show(self, phone: Phone, bubble: Bubble) -> None:
        self.counters.note(bubble.opaque, bubble.text)
        if bubble.kind == "reaction":
            self._put_reaction(phone, bubble)
        else:
            phone.add(bubble)
            phone.typing_until_ms = 0
        if self.on_message:
            self.on_message(self.clock.utc_ms, phone.number, bubble.text)
        self.report(phone, bubble, SENT)
        if phone.online and bubble.kind != "reaction":  # of a reaction Meta reports no more than that
            self.report(phone, bubble, DELIVERED)
            if phone.watchers:
                self.report(phone, bubble, READ)

    def _put_reaction(self, phone: Phone, bubble: Bubble) -> None:
        target = phone.find(bubble.reply_to or "")
        if target is not None:
            target.reaction = bubble.reaction

    def _withhold(self, phone: Phone, bubble: Bubble, fault: Fault) -> None:
        self.counters.accepted += 1
        if fault.code is None:
            return
        bubble.status = FAILED
        self.counters.failed[fault.code] += 1
        item = failure_of(bubble, phone, fault.code, fault.details, self.clock.utc_ms)
        self.webhooks.put("statuses", item, phone.contact())


CLOUD = web.AppKey("cloud", Cloud)
