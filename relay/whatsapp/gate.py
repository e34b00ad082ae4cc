"""Whether anything may be sent at all: closed for a while when Graph wants it slower or takes nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from relay.whatsapp.graph_codes import Action

if TYPE_CHECKING:
    from relay.whatsapp.counters import Counters
    from relay.whatsapp.graph_codes import Rule

_LOG = logging.getLogger(__name__)


class Gate:
    """Open at first. `probing`: after a breaker, one message at a time until one is accepted."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._closed_ms = self._until_ms = 0
        self._pauses = 0  # in a row
        self.probing = False

    def opens_ms(self, now_ms: int) -> int:
        """Return when messages may go: `now_ms` while it is open. A clock that was set back opens it."""
        return self._until_ms if self._closed_ms <= now_ms < self._until_ms else now_ms

    def close(self, rule: Rule, code: int, now_ms: int) -> bool:
        """Send nothing for a while. Return whether it was open.

        Refusals of what was under way when it closed make no pause longer.
        """
        opens_ms = self.opens_ms(now_ms)
        was_open = opens_ms == now_ms
        if rule.action is Action.PAUSE and was_open:
            self._pauses += 1
        wait_s = rule.wait_s(max(1, self._pauses)) if rule.action is Action.PAUSE else rule.first_s
        self._closed_ms, self._until_ms = now_ms, max(opens_ms, now_ms + wait_s * 1000)
        if rule.action is Action.BREAKER and not self.probing:
            self.probing = True
            self._counters.breaker.set(1)
            _LOG.error("no messages can be sent: code %d: %s", code, rule.hint)
        return was_open

    def passed(self) -> None:
        """Graph took a message."""
        self._pauses = 0
        if self.probing:
            self.probing = False
            self._counters.breaker.set(0)
            _LOG.warning("messages can be sent again")
