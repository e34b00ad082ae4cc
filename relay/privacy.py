"""What is forgotten by itself: once a day, what is older than the [privacy] section allows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.clock import Clock
    from relay.config import PrivacyConfig
    from relay.storage.ports import Store

_LOG = logging.getLogger(__name__)
DAY_MS = 86_400_000
CONSENT = "opt-in 2026-11, in person"  # which text somebody agreed to, and how


class Retention:
    """Forgets bodies, delivery statuses and webhook items. `run()` is its task."""

    def __init__(self, storage: Store, config: PrivacyConfig, clock: Clock) -> None:
        self._storage, self._config, self._clock = storage, config, clock

    async def run(self) -> None:
        """Forget at once and then every day, until cancelled."""
        while True:
            await self.forget()
            await self._clock.wait_until(self._clock.now_ms() + DAY_MS)

    async def forget(self) -> dict[str, int]:
        """Forget what is too old; return how many of each."""
        now_ms, config = self._clock.now_ms(), self._config
        limits = [
            now_ms - days * DAY_MS for days in (config.messages_days, config.statuses_days, config.inbox_days)
        ]
        gone = await self._storage.prune(*limits)
        if any(gone.values()):
            _LOG.info("forgotten for their age: %s", ", ".join(f"{n} {what}" for what, n in gone.items()))
        return gone
