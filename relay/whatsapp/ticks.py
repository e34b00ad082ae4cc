"""Blue ticks: a person sees at once that their message was read, and that an answer is on its way."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from relay.whatsapp.client import SendError
from relay.whatsapp.webhook_items import time_of

if TYPE_CHECKING:
    from relay.clock import Clock
    from relay.model import Person
    from relay.whatsapp.client import Client
    from relay.whatsapp.webhook_inbound import Talk

_LOG = logging.getLogger(__name__)
FRESH_MS = 300_000
AT_ONCE = 20  # beyond that ticks are left out: answers matter more


class Ticks:
    """Stands before a conversation and marks what comes as read; nothing waits for that and nothing fails."""

    def __init__(self, talk: Talk, client: Client, clock: Clock) -> None:
        self._talk, self._client, self._clock = talk, client, clock
        self._marking: set[asyncio.Task[None]] = set()

    async def take(self, item: dict[str, Any], person: Person) -> str:
        """Hand an inbound message on to the conversation; return the outcome."""
        wamid, said_ms = item.get("id"), time_of(item)
        is_fresh = said_ms is not None and said_ms > self._clock.now_ms() - FRESH_MS
        if isinstance(wamid, str) and is_fresh and len(self._marking) < AT_ONCE:
            task = asyncio.create_task(self._mark(wamid, typing=person.opted_out_ms is None))
            self._marking.add(task)
            task.add_done_callback(self._marking.discard)
        return await self._talk.take(item, person)

    def idle(self) -> bool:
        """Whether no call is under way."""
        return not self._marking

    async def aclose(self) -> None:
        """Give up what is under way."""
        marking = list(self._marking)
        for task in marking:
            task.cancel()
        await asyncio.gather(*marking, return_exceptions=True)

    async def _mark(self, wamid: str, *, typing: bool) -> None:
        try:
            await self._client.mark_read(wamid, typing=typing)
        except SendError as error:
            _LOG.debug("a message could not be marked as read: %s", error)
