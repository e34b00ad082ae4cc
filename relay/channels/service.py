"""The second channel put together from the configuration: what the application opens and runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from relay.channels.by_apprise import AppriseChannel, require
from relay.channels.fallback import Fallback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from prometheus_client import CollectorRegistry

    from relay.clock import Clock
    from relay.config import Config
    from relay.storage.ports import Store


@asynccontextmanager
async def open_channels(
    config: Config, storage: Store, clock: Clock, registry: CollectorRegistry
) -> AsyncIterator[Fallback]:
    """Open the channels: run `run()` as a task and `wake()` it when messages are queued.

    registry: where the dispatcher of WhatsApp says whether a breaker is open. Raises ConfigError if Apprise
    is not installed.
    """
    require()
    channel = AppriseChannel()
    try:
        yield Fallback(
            storage, channel, clock, after_ms=config.channels.after_s * 1000,
            is_alone=not config.whatsapp.enabled, registry=registry,
            is_broken=lambda: bool(registry.get_sample_value("herdbell_whatsapp_breaker_open")),
        )  # fmt: skip
    finally:
        await channel.close()
