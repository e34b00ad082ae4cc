"""What Meta calls back: statuses and inbound messages signed, in batches, again until answered with 200."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import itertools
import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_RETRY_S = (1, 4, 16, 64, 256, 900)  # less and less often
_GIVE_UP_S = 7 * 86_400


@dataclass(slots=True)
class Delivery:
    """How webhooks leave. batch: items in one; copies: how often each is sent; reverse: newest item first."""

    batch: int = 1
    copies: int = 1
    reverse: bool = False


class Webhooks:
    """A queue of items and the task that posts them. `url` may be set later; until then items wait.

    wait: how a retry waits, in seconds of the wall; a test hands in its own.
    """

    def __init__(
        self, url: str | None, *, app_secret: str, number: dict[str, str], account: str,
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self.url, self.how = url, Delivery()
        self._secret, self._number, self._account, self._wait = app_secret.encode(), number, account, wait
        self._queue: deque[tuple[str, dict[str, Any], dict[str, Any]]] = deque()
        self._changed = asyncio.Condition()
        self._busy = False
        self.delivered = 0  # webhooks answered with 200
        self.refused = 0  # answered otherwise or not at all

    def put(self, kind: str, item: dict[str, Any], contact: dict[str, Any]) -> None:
        """Queue one item: kind "messages" or "statuses", as Meta sends it."""
        self._queue.append((kind, item, contact))

    async def kick(self) -> None:
        """Send what is queued."""
        async with self._changed:
            self._changed.notify_all()

    @property
    def waiting(self) -> bool:
        """Whether something is queued or on its way."""
        return self._busy or len(self._queue) > 0

    async def settle(self) -> None:
        """Return once everything queued has been answered with 200, or given up; at once without a url."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.url or not self.waiting)

    async def run(self) -> None:
        """Post until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            while True:
                async with self._changed:
                    await self._changed.wait_for(lambda: self.url is not None and len(self._queue) > 0)
                    batch = [self._queue.popleft() for _ in range(min(self.how.batch, len(self._queue)))]
                    self._busy = True
                for _ in range(self.how.copies):
                    await self._deliver(session, self.signed(self.document(batch)))
                async with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def document(self, batch: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
        """Return the body of a webhook: neighbours of a kind share a change, as Meta batches them."""
        ordered = batch[::-1] if self.how.reverse else batch
        changes = []
        for kind, group in itertools.groupby(ordered, key=lambda one: one[0]):
            items = list(group)
            contacts = {contact["wa_id"]: contact for _, _, contact in items}
            value = {
                "messaging_product": "whatsapp",
                "metadata": self._number,
                "contacts": list(contacts.values()),
                kind: [item for _, item, _ in items],
            }
            changes.append({"field": "messages", "value": value})
        return {"object": "whatsapp_business_account", "entry": [{"id": self._account, "changes": changes}]}

    def signed(self, document: dict[str, Any]) -> tuple[bytes, str]:
        """Return the bytes and the X-Hub-Signature-256 that belongs to exactly these bytes."""
        raw = json.dumps(document, separators=(",", ":")).encode()
        return raw, "sha256=" + hmac.new(self._secret, raw, hashlib.sha256).hexdigest()

    async def _deliver(self, session: aiohttp.ClientSession, webhook: tuple[bytes, str]) -> None:
        waited_s = 0.0
        for attempt in itertools.count():
            if await self._post(session, *webhook):
                self.delivered += 1
                return
            self.refused += 1
            wait_s = _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
            if (waited_s := waited_s + wait_s) > _GIVE_UP_S:
                return
            await self._wait(wait_s)

    async def _post(self, session: aiohttp.ClientSession, raw: bytes, signature: str) -> bool:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        try:
            async with session.post(str(self.url), data=io.BytesIO(raw), headers=headers) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            return False
