"""The watch put together from what the application has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.watch.meta import MetaSense
from relay.watch.parts import Limits
from relay.watch.paths import configured
from relay.watch.task import Watch

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from relay.clock import Clock
    from relay.config import Config
    from relay.storage.ports import Store
    from relay.watch.hearing import Ears
    from relay.whatsapp.service import WhatsApp


def make_watch(
    config: Config,
    storage: Store,
    clock: Clock,
    ears: Ears,
    whatsapp: WhatsApp | None,
    registry: CollectorRegistry,
) -> Watch:
    """Return the watch of a relay. Raises ConfigError if the mail server's password cannot be read."""
    paths = configured(config)
    if whatsapp is None:
        return Watch(storage, config, clock, ears, paths)
    meta = MetaSense(
        whatsapp.client.ping,
        lambda: bool(registry.get_sample_value("herdbell_whatsapp_breaker_open")),
        storage,
        Limits().ask_ms,
    )
    return Watch(storage, config, clock, ears, paths, meta, whatsapp.dispatcher.wake)
