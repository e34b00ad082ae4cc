"""Where Meta calls us: the handshake, and a POST that is answered once its items are on the disk.

Nothing is executed here: a worker task takes the items from the inbox, each by itself.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from relay.problems import problem
from relay.whatsapp.counters import Counters
from relay.whatsapp.webhook_items import BODY_MAX, WebhookError, found_in, signed
from relay.whatsapp.webhook_work import Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.clock import Clock
    from relay.storage.ports import Store
    from relay.whatsapp.webhook_inbound import Talk
    from relay.whatsapp.webhook_status import FailedLater

_LOG = logging.getLogger(__name__)
_BODY_TIMEOUT_S = 10
_AT_ONCE = 500
TOO_OLD_MS = 8 * 24 * 3_600_000  # Meta tries for 7 days: what comes later is a replay


class Webhook:
    """Takes Meta's calls and works on what they brought. `run()` is the worker's task.

    app_secrets: the current one and, during a rotation, the previous one. failed_later: hears of messages
    that Meta took and could not deliver. account_id: of our business account, "" to hear of any.
    """

    def __init__(  # noqa: PLR0913 - keywords all but the ports: what Meta's calls are checked against
        self, storage: Store, clock: Clock, conversation: Talk, *, app_secrets: Sequence[str],
        verify_token: str, phone_number_id: str, counters: Counters | None = None,
        failed_later: FailedLater | None = None, account_id: str = "",
    ) -> None:  # fmt: skip
        self._storage, self._clock = storage, clock
        self._app_secrets, self._verify_token = app_secrets, verify_token
        self.counters = counters or Counters()
        self._work = Work(
            storage, clock, conversation, ours=(phone_number_id, account_id), failed_later=failed_later,
            counters=self.counters,
        )  # fmt: skip
        self._woken = asyncio.Event()
        self.caught_up = asyncio.Event()  # what an earlier run left in the inbox has been worked on
        self._working = True  # until run() has looked for the first time

    async def get(self, request: web.Request) -> web.Response:
        """Meta's handshake: 200 with the challenge, or 403."""
        query = request.query
        given = query.get("hub.verify_token", "").encode()
        right = hmac.compare_digest(given, self._verify_token.encode())
        if query.get("hub.mode") != "subscribe" or not right:
            self._count("handshake_refused")
            return problem(403, "wrong-verify-token", "this is not the word we agreed on")
        return web.Response(text=query.get("hub.challenge", ""))

    async def post(self, request: web.Request) -> web.Response:
        """Store every item of a signed body: 200; 400, 401, 408, 413 if it is none; 500 if not stored."""
        try:
            async with asyncio.timeout(_BODY_TIMEOUT_S):
                raw = await _read(request)
        except TimeoutError:
            self._count("slow")
            return problem(408, "request-timeout", f"the body did not come in {_BODY_TIMEOUT_S} s")
        if raw is None:
            self._count("too_large")
            return problem(413, "content-too-large", f"a webhook is at most {BODY_MAX} bytes")
        if not signed(raw, request.headers.get("X-Hub-Signature-256"), self._app_secrets):
            self._count("wrong_signature")
            return problem(401, "wrong-signature", "the body is not signed with our app secret")
        return await self._store(raw)

    async def _store(self, raw: bytes) -> web.Response:
        now_ms = self._clock.now_ms()
        try:
            found = found_in(raw)
        except WebhookError as error:
            self._count("malformed")
            return problem(400, "malformed-webhook", str(error))
        kept = [each for each in found if not each.is_older_than(now_ms - TOO_OLD_MS)]
        try:
            await self._storage.inbox_put([(each.key, each.text) for each in kept], now_ms)
        except Exception:  # noqa: BLE001 - whatever it was, nothing is stored: Meta must send it again
            _LOG.exception("webhook with %d items was not stored", len(kept))
            self._count("not_stored")
            return problem(500, "not-stored", "the items could not be stored; please send them again")
        if len(kept) < len(found):
            self.counters.items.labels("dropped_too_old").inc(len(found) - len(kept))
        self._count("stored")
        self.wake()
        return web.Response()

    def wake(self) -> None:
        """Look at the inbox now."""
        self._woken.set()

    async def idle(self) -> bool:
        """Whether every item received so far has been worked on."""
        return not self._working and not self._woken.is_set()

    async def run(self) -> None:
        """Work on the inbox until cancelled; also on what a crash left there."""
        while True:
            self._working = True
            self._woken.clear()
            while pending := await self._storage.inbox_pending(_AT_ONCE):
                await self._work.on(pending)
            self._working = False
            self.caught_up.set()
            await self._woken.wait()

    def _count(self, outcome: str) -> None:
        self.counters.webhooks.labels(outcome).inc()


async def _read(request: web.Request) -> bytes | None:
    """Return the body, or None if it is too long: the application's own limit is made for collars."""
    if (request.content_length or 0) > BODY_MAX:
        return None
    parts, size = [], 0
    async for part in request.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > BODY_MAX:
            return None
    return b"".join(parts)
