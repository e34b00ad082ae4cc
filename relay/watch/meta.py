"""Whether Meta is there: it answers us, takes what we send, and calls back about what it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from relay.watch.parts import META, WEBHOOKS
from relay.whatsapp.client import RefusedError, SendError
from relay.whatsapp.graph_codes import Action, rule_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# An answer of this sort is about our question, not about Meta: it is there.
_OF_THE_QUESTION = frozenset({Action.FAIL, Action.DEAD, Action.LANGUAGE})


class Outbox(Protocol):
    """What is asked of the store."""

    async def unconfirmed_since_ms(self) -> int | None: ...


class MetaSense:
    """Asks Meta every `every_ms`. `ping` raises SendError; `is_stopped`: sends are refused for everybody."""

    def __init__(
        self,
        ping: Callable[[], Awaitable[None]],
        is_stopped: Callable[[], bool],
        outbox: Outbox,
        every_ms: int,
    ) -> None:
        self._ping, self._is_stopped, self._outbox, self._every_ms = ping, is_stopped, outbox, every_ms
        self._asked_ms = self._good_ms = 0

    async def heard(self, now_ms: int) -> dict[str, int]:
        """Return until when each direction was good; 0 if not yet since the start."""
        if not self._asked_ms <= now_ms < self._asked_ms + self._every_ms:
            self._asked_ms = now_ms
            if not self._is_stopped() and await self._is_there():
                self._good_ms = now_ms
        owed_ms = await self._outbox.unconfirmed_since_ms()
        return {META: self._good_ms, WEBHOOKS: now_ms if owed_ms is None else owed_ms}

    async def _is_there(self) -> bool:
        try:
            await self._ping()
        except RefusedError as error:
            return error.code >= 0 and rule_for(error.code).action in _OF_THE_QUESTION
        except SendError:
            return False
        return True
