"""One message by the second channel: tried at a person's addresses, and what became of it recorded.

Nobody tells us of deliveries here: what a channel took is sent.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter

from relay.channels.plain import plain
from relay.channels.port import BadAddressError, ChannelError, UncertainError
from relay.storage.ports import FAILED, QUEUED, SENT, UNKNOWN

if TYPE_CHECKING:
    from relay.channels.port import Channel
    from relay.clock import Clock
    from relay.model import Message, QueuedMessage
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
NO_ADDRESS = "no address of the second channel"
_FIRST_WAIT_MS, _LONGEST_WAIT_MS = 15_000, 900_000


class Delivery:
    """Sends claimed messages."""

    def __init__(
        self, storage: Store, channel: Channel, clock: Clock, registry: CollectorRegistry | None = None
    ) -> None:
        self._storage, self._channel, self._clock = storage, channel, clock
        self._sends = Counter(
            "herdbell_channel_sends",
            "Messages handed to other channels than WhatsApp, by outcome",
            ["outcome"],
            registry=registry or CollectorRegistry(),
        )

    async def deliver(self, queued: QueuedMessage) -> None:
        """Try the addresses until one takes the message, or it is uncertain whether one has."""
        message = queued.message
        addresses = await self._storage.addresses(message.person_id)
        if not addresses:
            await self._settle(message, FAILED, NO_ADDRESS)
            return
        farm = await self._storage.farm(message.farm_id)
        title, text = plain(message, farm.name if farm else "Herdbell", repeat=queued.repeat)
        first = (queued.attempts - 1) % len(addresses)  # one that is dead does not keep the others waiting
        errors: list[ChannelError] = []
        for url in addresses[first:] + addresses[:first]:
            try:
                await self._channel.send(url, title, text)
            except UncertainError as error:
                await self._settle(message, UNKNOWN, str(error))
                return
            except ChannelError as error:
                errors.append(error)
            else:
                await self._settle(message, SENT)
                return
        await self._not_taken(queued, errors)

    async def _not_taken(self, queued: QueuedMessage, errors: list[ChannelError]) -> None:
        text = "; ".join(sorted({str(error) for error in errors}))
        if all(isinstance(error, BadAddressError) for error in errors):
            await self._settle(queued.message, FAILED, text)
            return
        self._sends.labels("not_taken").inc()
        now_ms = self._clock.now_ms()
        wait_ms = min(_LONGEST_WAIT_MS, _FIRST_WAIT_MS * 4 ** min(queued.attempts - 1, 8))
        await self._storage.settle(
            queued.message.id, QUEUED, now_ms=now_ms, error=text, retry_ms=now_ms + wait_ms
        )

    async def _settle(self, message: Message, state: str, error: str | None = None) -> None:
        self._sends.labels(state).inc()
        if error:
            _LOG.error("message %s: %s", message.id, error)
        await self._storage.settle(message.id, state, now_ms=self._clock.now_ms(), error=error)
