"""What the watch knows of each part, and when one is lost and over again. Times are UTC ms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_MS = 60_000
COLLAR, LINE, META, WEBHOOKS, RELAY = "collar", "line", "meta", "webhooks", "relay"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long something may be gone; how often collars upload; how often services are asked."""

    after_ms: int = 30 * MINUTE_MS
    period_ms: int = 15 * MINUTE_MS
    ask_ms: int = 5 * MINUTE_MS

    @property
    def slack_ms(self) -> int:
        """How far an upload may stray from its time."""
        return self.period_ms // 3

    @property
    def good_ms(self) -> int:
        """How long something must have been back before it is over: one that flaps is one fault."""
        return max(3 * self.period_ms, self.after_ms)

    def silent_ms(self, expected_ms: int) -> int:
        """Return after how long without a collar it is told."""
        return max(self.after_ms + expected_ms - self.slack_ms, expected_ms + self.slack_ms)

    def late_ms(self, expected_ms: int) -> int:
        """Return after how long without a collar an upload is missing: one may be half a period late."""
        return min(expected_ms + self.period_ms // 2 + MINUTE_MS, self.silent_ms(expected_ms))


@dataclass(frozen=True, slots=True)
class Worn:
    """A collar that should be heard at least every `expected_ms`, through `via` ("" if unknown)."""

    device: int
    farm_id: int
    expected_ms: int
    via: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What there is to judge: the collars that count, when each was heard last, and the same of services."""

    worn: tuple[Worn, ...] = ()
    collars: Mapping[int, int] = field(default_factory=dict)
    services: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """When it was heard last; since when it has been gone if that was told; since when it is back again."""

    last_ms: int
    told_ms: int | None = None
    back_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Gone since then; back since then, None if it is not."""

    since_ms: int
    back_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Collars of a farm that fell silent together, told as one."""

    farm_id: int
    since_ms: int
    members: frozenset[int]
    back_ms: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All the watch remembers. `deaf_until_ms`, and by farm `quiet`: until then silence says little."""

    at_ms: int = 0
    deaf_until_ms: int = 0
    collars: Mapping[int, Part] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    services: Mapping[str, Part] = field(default_factory=dict)
    quiet: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody is to be told: gone since then and, if it is over, back since when.

    `collars`: how many it concerns.
    """

    part: str
    since_ms: int
    at_ms: int
    back_ms: int | None = None
    farm_id: int | None = None
    device: int | None = None
    collars: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it is about being back."""
        return self.back_ms is not None

    @property
    def name(self) -> str:
        """Return what names it for ever: the same fault has the same name after a restart."""
        return "/".join(str(each) for each in (self.part, self.farm_id, self.device, self.since_ms))


def step_part(
    part: Part, heard_ms: int, now_ms: int, silent_ms: int, regular_ms: int, good_ms: int
) -> tuple[Part, Change | None]:
    """Return the part as it is now and, if it was just lost or is just over, what to tell of that."""
    before_ms, last_ms = part.last_ms, min(max(part.last_ms, heard_ms), now_ms)
    if part.told_ms is None:
        is_lost = now_ms - last_ms >= silent_ms
        return (Part(last_ms, last_ms), Change(last_ms)) if is_lost else (Part(last_ms), None)
    back_ms = part.back_ms
    if last_ms > before_ms and (back_ms is None or last_ms - before_ms > regular_ms):
        back_ms = last_ms
    if now_ms - last_ms > regular_ms:
        back_ms = None
    if back_ms is not None and now_ms - back_ms >= good_ms:
        return Part(last_ms), Change(part.told_ms, back_ms)
    return Part(last_ms, part.told_ms, back_ms), None
