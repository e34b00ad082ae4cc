"""What a test or a benchmark asks afterwards: how often each message came, and what was refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Repeats:
    """Ids that came more than once. marked: twice, and the second time said so; unmarked: all others."""

    marked: tuple[str, ...]
    unmarked: tuple[str, ...]


@dataclass(slots=True)
class Counters:
    """refused: by code, also scripted ones; failed: accepted, and reported failed later; statuses: by name.

    came: what reached a phone, by biz_opaque_callback_data: the texts, in order; at most 200,000 ids.
    """

    refused: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    came: dict[str, list[str]] = field(default_factory=dict)
    accepted: int = 0
    inbound: int = 0

    def note(self, opaque: str | None, text: str) -> None:
        """Count a message that was accepted."""
        self.accepted += 1
        if opaque is None:
            return
        self.came.setdefault(opaque, []).append(text)
        if len(self.came) > _KEPT:
            del self.came[next(iter(self.came))]

    def repeats(self, marks: Iterable[str]) -> Repeats:
        """Return which ids came again. marks: the words that own up to a repeat, in every language."""
        again = {opaque: texts for opaque, texts in self.came.items() if len(texts) > 1}
        words = tuple(marks)
        fine = {
            opaque for opaque, texts in again.items()
            if len(texts) == 2 and [any(word in text for word in words) for text in texts] == [False, True]
        }  # fmt: skip
        return Repeats(tuple(sorted(fine)), tuple(sorted(again.keys() - fine)))
