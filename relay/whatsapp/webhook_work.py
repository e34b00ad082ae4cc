"""Works on what webhooks left in the inbox: statuses together, messages each by itself.

What one person wrote is taken in its order; different people at the same time.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from relay.storage.ports import Busy
from relay.whatsapp import webhook_account
from relay.whatsapp.webhook_inbound import Inbound
from relay.whatsapp.webhook_items import ACCOUNT, ERROR, STATUS
from relay.whatsapp.webhook_status import Outcome, Statuses, failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.clock import Clock
    from relay.storage.ports import Store
    from relay.whatsapp.counters import Counters
    from relay.whatsapp.webhook_inbound import Talk
    from relay.whatsapp.webhook_status import FailedLater

_LOG = logging.getLogger(__name__)
_PEOPLE_AT_ONCE = 32  # their writes share a commit
_OTHER_NUMBER, _OTHER_ACCOUNT = Outcome("other_number"), Outcome("other_account")


class Work:
    """Handles items of the inbox. An item that fails is recorded and stops no other.

    ours: the ids of our phone number and of our business account, "" for any account.
    """

    def __init__(
        self, storage: Store, clock: Clock, conversation: Talk, *, ours: tuple[str, str],
        failed_later: FailedLater | None, counters: Counters,
    ) -> None:  # fmt: skip
        self._storage, self._clock, self._counters = storage, clock, counters
        self._number, self._account = ours
        self._statuses = Statuses(storage, failed_later)
        self._inbound = Inbound(storage, clock, conversation)
        self._people = asyncio.Semaphore(_PEOPLE_AT_ONCE)

    async def on(self, pending: Sequence[tuple[str, str]]) -> None:
        """Handle (key, json) items. Raises Busy: what is not done then stays for later, a STOP among it."""
        statuses: list[tuple[str, Any]] = []
        by_sender: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        rest: list[tuple[str, dict[str, Any]]] = []
        for key, text in pending:
            stored = json.loads(text)
            if stored["number"] != self._number or stored["kind"] in (ACCOUNT, ERROR):
                rest.append((key, stored))
            elif stored["kind"] == STATUS:
                statuses.append((key, stored["item"]))
            else:
                by_sender[_sender(key, stored["item"])].append((key, stored["item"]))
        talks = (self._take_messages(items) for items in by_sender.values())
        # Statuses first: of a message whose sending was not answered they bring the id that a reply names.
        await _all([self._take_statuses(statuses), self._take_rest(rest)], talks)

    async def _take_statuses(self, statuses: Sequence[tuple[str, Any]]) -> None:
        outcomes = await self._statuses.take([item for _, item in statuses])
        await self._done([(key, each) for (key, _), each in zip(statuses, outcomes, strict=True)])

    async def _take_messages(self, items: Sequence[tuple[str, Any]]) -> None:
        """Take what one person wrote, in its order.

        That one is done is written while the next is taken, and before anything that the next writes: the
        store keeps the order.
        """
        done: list[asyncio.Task[None]] = []
        async with self._people:
            try:
                for key, item in items:
                    outcome = await self._message(item)
                    done.append(asyncio.create_task(self._done([(key, outcome)])))
            finally:
                await _all(done)

    async def _message(self, item: Any) -> Outcome:
        try:
            return Outcome(await self._inbound.take(item))
        except Busy:  # no fault of the item
            raise
        except Exception as error:  # noqa: BLE001 - recorded with the item; the next one must not wait for it
            return failed(error)

    async def _take_rest(self, rest: Sequence[tuple[str, dict[str, Any]]]) -> None:
        await self._done([(key, await self._other(stored)) for key, stored in rest])

    async def _other(self, stored: dict[str, Any]) -> Outcome:
        """Handle what is neither message nor status of our number."""
        item = stored["item"]
        try:
            if stored["number"] not in ("", self._number):
                return _OTHER_NUMBER
            if stored["kind"] == ACCOUNT:
                if self._account and item["account"] != self._account:
                    return _OTHER_ACCOUNT
                return Outcome(await webhook_account.take(self._storage, item, self._clock.now_ms()))
            if stored["kind"] == ERROR:
                _LOG.warning("Meta reports: %s", webhook_account.error_line(item))
                return Outcome("error")
        except Busy:
            raise
        except Exception as error:  # noqa: BLE001 - likewise
            return failed(error)
        return _OTHER_NUMBER

    async def _done(self, outcomes: Sequence[tuple[str, Outcome]]) -> None:
        if not outcomes:
            return
        for _, outcome in outcomes:
            if outcome.error:
                _LOG.warning("webhook item failed: %s", outcome.error)
            self._counters.items.labels(outcome.name).inc()
        await self._storage.inbox_done_all(
            [(key, outcome.error) for key, outcome in outcomes], self._clock.now_ms()
        )


def _sender(key: str, item: Any) -> str:
    """Return whose a message is; one without a sender is in nobody's order."""
    sender = (item.get("from") or item.get("from_user_id")) if isinstance(item, dict) else None
    return sender if isinstance(sender, str) else key


async def _all(*stages: Iterable[Any]) -> None:
    """Let all of a stage end, then those of the next; at last raise what one of them raised, if one did."""
    for outcome in [
        outcome for stage in stages for outcome in await asyncio.gather(*stage, return_exceptions=True)
    ]:
        if isinstance(outcome, BaseException):
            raise outcome
