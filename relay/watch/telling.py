"""Notes on their way to somebody: each by the first way that takes it, by the next if it does not arrive."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.watch.parts import MINUTE_MS
from relay.watch.paths import PATHS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from relay.watch.parts import Note
    from relay.watch.paths import Path

_LOG = logging.getLogger(__name__)
FALLBACK_MS = 15 * MINUTE_MS  # a message that was not delivered by then goes another way
GIVE_UP_MS = 24 * 60 * MINUTE_MS
_AGAIN_MS = 5 * MINUTE_MS  # after every way refused


@dataclass(frozen=True, slots=True)
class Pending:
    """A note nobody is known to have. `place` in the ways of its part; `handed_ms`: when that one took it.

    `tried_ms`: when every way had refused it, None before.
    """

    note: Note
    place: int = 0
    handed_ms: int | None = None
    tried_ms: int | None = None


def added(pending: Iterable[Pending], notes: Iterable[Note]) -> list[Pending]:
    """Take in new notes. What is over before anybody could be told of it is not told at all."""
    waiting = list(pending)
    for note in notes:
        untold = [
            each for each in waiting
            if note.is_over and each.note.name == note.name and each.handed_ms is None
        ]  # fmt: skip
        waiting = [each for each in waiting if each not in untold]
        if not untold:
            waiting.append(Pending(note))
    return waiting


class Teller:
    """Brings notes to people. `text_of` words a note for those ways that need words."""

    def __init__(self, paths: Mapping[str, Path], text_of: Callable[[Note], Awaitable[str]]) -> None:
        self._paths, self._text_of = paths, text_of

    async def advance(self, pending: Iterable[Pending], now_ms: int) -> list[Pending]:
        """Do what can be done now; return what is still on its way."""
        left = [await self._bring(each, now_ms) for each in pending]
        return [each for each in left if each is not None]

    async def _bring(self, pending: Pending, now_ms: int) -> Pending | None:
        ways = [self._paths[name] for name in PATHS[pending.note.part] if name in self._paths]
        if pending.handed_ms is not None and pending.place < len(ways):
            arrived = await ways[pending.place].arrived(pending.note)
            if arrived:
                return None
            if arrived is None and now_ms < pending.handed_ms + FALLBACK_MS:
                return pending
            pending = replace(pending, place=pending.place + 1, handed_ms=None)
        elif pending.tried_ms is not None:
            if now_ms < pending.tried_ms + _AGAIN_MS:
                return pending
            pending = replace(pending, place=0, tried_ms=None)
        return await self._hand_over(pending, ways, now_ms)

    async def _hand_over(self, pending: Pending, ways: list[Path], now_ms: int) -> Pending | None:
        text = await self._text_of(pending.note)
        for place in range(pending.place, len(ways)):
            if await ways[place].tell(pending.note, text):
                if await ways[place].arrived(pending.note):
                    return None
                return replace(pending, place=place, handed_ms=now_ms)
        if now_ms >= pending.note.at_ms + GIVE_UP_MS:
            _LOG.error("%s: nobody could be told", pending.note.name)
            return None
        return replace(pending, place=0, handed_ms=None, tried_ms=now_ms)
