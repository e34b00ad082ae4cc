"""Where Meta calls us: the handshake, and a POST that is answered once its items are on the disk.

Nothing is executed here: a worker task takes the items from the inbox, each by itself.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay.problems import problem
from relay.storage.ports import DELIVERED, FAILED, READ, SENT, Busy
from relay.whatsapp.client import hide_numbers
from relay.whatsapp.counters import Counters
from relay.whatsapp.webhook_items import BODY_MAX, STATUS, WebhookError, items, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.clock import Clock
    from relay.storage.ports import Store
    from relay.whatsapp.conversation import Conversation

_LOG = logging.getLogger(__name__)
_BODY_TIMEOUT_S = 10
_AT_ONCE = 100
_STATES = {"sent": SENT, "delivered": DELIVERED, "read": READ, "played": READ, "failed": FAILED}


class Webhook:
    """Takes Meta's calls and works on what they brought. `run()` is the worker's task.

    app_secrets: the current one and, during a rotation, the previous one.
    """

    def __init__(
        self, storage: Store, clock: Clock, conversation: Conversation, *, app_secrets: Sequence[str],
        verify_token: str, phone_number_id: str, counters: Counters | None = None,
    ) -> None:  # fmt: skip
        self._storage, self._clock, self._conversation = storage, clock, conversation
        self._app_secrets, self._verify_token, self._number = app_secrets, verify_token, phone_number_id
        self._counters = counters or Counters()
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
        try:
            found = items(raw)
        except WebhookError as error:
            self._count("malformed")
            return problem(400, "malformed-webhook", str(error))
        try:
            await self._storage.inbox_put(found, self._clock.now_ms())
        except Exception:  # noqa: BLE001 - whatever it was, nothing is stored: Meta must send it again
            _LOG.exception("webhook with %d items was not stored", len(found))
            self._count("not_stored")
            return problem(500, "not-stored", "the items could not be stored; please send them again")
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
                for key, text in pending:
                    await self._work(key, text)
            self._working = False
            self.caught_up.set()
            await self._woken.wait()

    async def _work(self, key: str, text: str) -> None:
        """Handle one item; one that fails is recorded and stops no other. Raises Busy: it stays for later."""
        error = None
        try:
            outcome = await self._handle(json.loads(text))
        except Busy:  # no fault of the item: a STOP must not be lost to a full disk
            raise
        except Exception as failure:  # noqa: BLE001 - recorded with the item; the next one must not wait for it
            error = f"{type(failure).__name__}: {hide_numbers(str(failure))}"[:200]
            _LOG.warning("webhook item failed: %s", error)
            outcome = "failed"
        self._counters.items.labels(outcome).inc()
        await self._storage.inbox_done(key, self._clock.now_ms(), error)

    async def _handle(self, stored: dict[str, Any]) -> str:
        if stored["number"] != self._number:
            return "other_number"
        if stored["kind"] == STATUS:
            return await self._status(stored["item"])
        return await self._conversation.take(stored["item"])

    async def _status(self, item: dict[str, Any]) -> str:
        """Raise the state of the message a status speaks of; a late one takes nothing back."""
        state = _STATES.get(item["status"])
        if state is None:
            return "unknown_status"
        ours = await self._storage.apply_status(
            item.get("biz_opaque_callback_data"), item["id"], state, int(item["timestamp"]) * 1000
        )
        return f"status_{state}" if ours else "not_ours"

    def _count(self, outcome: str) -> None:
        self._counters.webhooks.labels(outcome).inc()


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
