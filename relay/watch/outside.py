"""The watch over a relay from another machine: it asks /readyz and tells by its own e-mail or command."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import aiohttp

from relay.watch import codec
from relay.watch.parts import MINUTE_MS, RELAY, Heard, Limits, State
from relay.watch.silence import step
from relay.watch.telling import Pending, Teller, added
from relay.watch.words import Place, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path as File

    from relay.clock import Clock
    from relay.watch.parts import Note
    from relay.watch.paths import Path

_LOG = logging.getLogger(__name__)
_ANSWER_S = 10
_KEEP_MS = 5 * MINUTE_MS  # a small computer's card wears out


class Outside:
    """Asks every minute. `ask`: whether the relay does its work; `kept`: a file to remember in, or None."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[bool]],
        clock: Clock,
        paths: Mapping[str, Path],
        after_min: int,
        kept: File | None = None,
    ) -> None:
        self._ask, self._clock, self._kept = ask, clock, kept
        self._limits = Limits(after_min * MINUTE_MS, ask_ms=MINUTE_MS)
        self._teller = Teller(paths, _text_of)
        self._pending: list[Pending] = []
        self._state = State()
        self._good_ms = self._kept_ms = 0
        if kept and kept.exists():
            self._state, self._pending = codec.decode(kept.read_text(encoding="utf-8"))

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.look()
            await self._clock.wait_until(self._clock.now_ms() + MINUTE_MS)

    async def look(self) -> None:
        """Ask once, and tell what follows from it."""
        is_ready = await self._ask()
        now_ms = self._clock.now_ms()
        self._good_ms = now_ms if is_ready else min(self._good_ms, now_ms)
        heard = Heard(services={RELAY: self._good_ms})
        self._state, notes = step(self._state, now_ms, heard, self._limits)
        for note in notes:
            _LOG.warning("%s: %s", note.name, "ready again" if note.is_over else "not there")
        self._pending = added(self._pending, notes)
        self._keep(now_ms, must=bool(notes))
        before = self._pending
        self._pending = await self._teller.advance(before, now_ms)
        self._keep(now_ms, must=self._pending != before)

    def _keep(self, now_ms: int, *, must: bool) -> None:
        if self._kept and (must or not self._kept_ms <= now_ms < self._kept_ms + _KEEP_MS):
            self._kept_ms = now_ms
            new = self._kept.with_name(self._kept.name + ".new")
            new.write_text(codec.encode(self._state, self._pending), encoding="utf-8")
            new.replace(self._kept)


async def is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    """Ask a relay at its address whether it does its work; whatever is no answer 200 in time is a no."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
    try:
        async with session.get(f"{url.rstrip('/')}/readyz", timeout=timeout) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


async def _text_of(note: Note) -> str:
    return text(note, Place(), "en")
