"""When each collar was heard last, and by which way: a note per request, kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Ears:
    """`last_ms` and `via` by device. An address stays here: it is neither stored nor logged."""

    def __init__(self) -> None:
        self.last_ms: dict[int, int] = {}
        self.via: dict[int, str] = {}

    def note(self, devices: Iterable[int], at_ms: int, via: str | None) -> None:
        """These collars were heard: their frames were signed and are stored."""
        for device in devices:
            self.last_ms[device] = at_ms
            self.via[device] = via or ""
