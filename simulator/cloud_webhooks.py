"""What Meta calls back: signed, in batches, once more until answered with 200, and not always in order.

Source: Meta, "Webhooks" (29 Apr 2026): anything but 200 is tried again, less and less often, for seven days.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from simulator.cloud_batches import entries_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.cloud_agenda import Agenda
    from simulator.cloud_batches import Row

_RETRY_S = (1, 4, 16, 64, 256, 900, 3600)  # less and less often
_GIVE_UP_MS = 7 * 86_400_000
_CHALLENGE = "1158201444"


@dataclass(slots=True)
class Delivery:
    """How webhooks leave.

    batch: items in one, 1..1000. copies: how often each is sent. reverse: newest item first.
    shuffle: what leaves next is drawn, by `seed`, from all that waits. delay_ms: how old an item is when it
    leaves. contacts: whether statuses come with the people they are about. paused: everything waits.
    """

    batch: int = 1
    copies: int = 1
    reverse: bool = False
    shuffle: bool = False
    seed: int = 1
    delay_ms: int = 0
    contacts: bool = True
    paused: bool = False


@dataclass(frozen=True, slots=True)
class _Webhook:
    raw: bytes
    signature: str
    first_ms: int
    attempt: int = 0


class Webhooks:
    """A queue of items and the task that posts them. `url` may be set later; until then items wait."""

    def __init__(
        self, url: str | None, *, app_secret: str, number: dict[str, str], account: str, agenda: Agenda
    ) -> None:
        self.url, self.how = url, Delivery()
        self._secret, self._number, self._account, self._agenda = app_secret.encode(), number, account, agenda
        self._queue: deque[Row] = deque()
        self._again: deque[_Webhook] = deque()
        self._draw: random.Random | None = None
        self._work, self._rest = asyncio.Event(), asyncio.Event()
        self._busy = False
        self.delivered = 0  # webhooks answered with 200
        self.refused = 0  # answered otherwise or not at all
        self.given_up = 0  # refused for seven days

    def put(self, kind: str, item: dict[str, Any], contact: dict[str, Any]) -> None:
        """Queue one item: kind "messages", "statuses" or "user_preferences", as Meta sends it."""
        self._later(lambda: self._queue.append((kind, item, contact)))

    def put_field(self, field: str, value: dict[str, Any]) -> None:
        """Queue what Meta says of a template or the account: the name of a webhook field and its value."""
        self._later(lambda: self._queue.append((field, value, {})))

    def _later(self, act: Callable[[], None]) -> None:
        if self.how.delay_ms:
            self._agenda.at(self._agenda.clock.utc_ms + self.how.delay_ms, lambda: self._wake(act))
        else:
            self._wake(act)

    def _wake(self, act: Callable[[], None]) -> None:
        act()
        self._work.set()

    async def kick(self) -> None:
        """Send what is due: after the clock was moved, a url was set or `how` was changed."""
        self._agenda.catch_up()
        self._work.set()

    @property
    def waiting(self) -> bool:
        """Whether something is queued or on its way; what is not due yet does not count."""
        return self._busy or bool(self._queue) or bool(self._again)

    async def settle(self) -> None:
        """Return once everything due has been tried; at once without a url or while paused."""
        self._agenda.catch_up()
        while self.url is not None and not self.how.paused and self.waiting:
            self._rest.clear()
            self._work.set()
            await self._rest.wait()

    async def verify(self, url: str, verify_token: str) -> bool:
        """Ask a url whether it wants webhooks; return whether it gave the challenge back."""
        asked = {"hub.mode": "subscribe", "hub.challenge": _CHALLENGE, "hub.verify_token": verify_token}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
                session.get(url, params=asked) as answer,
            ):
                return answer.status == 200 and await answer.text() == _CHALLENGE
        except (aiohttp.ClientError, OSError, ValueError):
            return False

    async def run(self) -> None:
        """Post until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            while True:
                if self.url is not None and not self.how.paused and self.waiting:
                    self._busy = True
                    await self._step(session)
                    self._busy = False
                else:
                    self._rest.set()
                    self._work.clear()
                    await self._work.wait()

    async def _step(self, session: aiohttp.ClientSession) -> None:
        if self._again:
            await self._deliver(session, self._again.popleft())
            return
        raw, signature = self.signed(self.document(self._taken()))
        for _ in range(self.how.copies):
            await self._deliver(session, _Webhook(raw, signature, self._agenda.clock.utc_ms))

    def _taken(self) -> list[Row]:
        if self.how.shuffle:
            self._draw = self._draw or random.Random(self.how.seed)  # noqa: S311 - draws an order, keeps no secret
            rows = list(self._queue)
            self._draw.shuffle(rows)
            self._queue = deque(rows)
        return [self._queue.popleft() for _ in range(min(self.how.batch, len(self._queue)))]

    def document(self, batch: list[Row]) -> dict[str, Any]:
        """Return the body of a webhook."""
        rows = batch[::-1] if self.how.reverse else batch
        now_ms = self._agenda.clock.utc_ms
        entries = entries_of(rows, self._number, self._account, now_ms, with_contacts=self.how.contacts)
        return {"object": "whatsapp_business_account", "entry": entries}

    def signed(self, document: dict[str, Any]) -> tuple[bytes, str]:
        """Return the bytes and the X-Hub-Signature-256 that belongs to exactly these bytes."""
        raw = json.dumps(document, separators=(",", ":")).encode()
        return raw, "sha256=" + hmac.new(self._secret, raw, hashlib.sha256).hexdigest()

    async def _deliver(self, session: aiohttp.ClientSession, webhook: _Webhook) -> None:
        if await self._post(session, webhook):
            self.delivered += 1
            return
        self.refused += 1
        wait_ms = _RETRY_S[min(webhook.attempt, len(_RETRY_S) - 1)] * 1000
        due_ms = self._agenda.clock.utc_ms + wait_ms
        if due_ms - webhook.first_ms > _GIVE_UP_MS:
            self.given_up += 1
            return
        again = _Webhook(webhook.raw, webhook.signature, webhook.first_ms, webhook.attempt + 1)
        self._agenda.at(due_ms, lambda: self._wake(lambda: self._again.append(again)))

    async def _post(self, session: aiohttp.ClientSession, webhook: _Webhook) -> bool:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": webhook.signature}
        try:
            async with session.post(str(self.url), data=io.BytesIO(webhook.raw), headers=headers) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            return False
