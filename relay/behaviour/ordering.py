"""Minutes in the order they happened, whatever the order they came in.

Minutes wait here until they are complete: until the next one is well under way with nothing missing between
them (a fast chip's frame seems to reach into the next one's first minute: HOLE_MS), or
until the watermark (15 minutes behind the newest) has passed them. So an undisturbed collar's minutes go on
at once, and behind a hole they wait for what fills it, no longer than the watermark. What comes later than
that is counted and left out; up to two days late it is worth a refold (`scoring.reopen`), so its minute is
named.

Minutes made from records or codes always wait for the watermark, and so do those before them: windows of the
same time may still come, and then they count instead. What comes for a minute that has passed counts as late
even if it only tells in another form what is known.

Windows wait with their minute. What is stored of a cow is at most 340 bytes while her collar is undisturbed
(one open minute, or two if the newest has hardly begun), at most 4 kB behind a hole (17 minutes of 12
windows), and 7 kB from a collar whose uptime stands still.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from herdcore.vocabulary import WINDOW_MS
from relay.behaviour.minutes import ROW_BYTES, WINDOWS, Minute, add

if TYPE_CHECKING:
    from collections.abc import Iterable

WATERMARK_MIN = 15  # architecture.md, decision 8
# A hole shorter than this is the dating's, not a lost frame's: a chip 3 % slow (domain.md 6.6) stretches the
# 450 s of a full frame by 13.5 s, and a link may hold a request for seconds. One drain of the FIFO, 7
# windows, leaves 35.8 s.
HOLE_MS = 4 * WINDOW_MS
REOPEN_MIN = 48 * 60  # architecture.md, decision 8

_HEAD = struct.Struct("<qB")
_MINUTE = struct.Struct("<qBHHIIIhhhBBB")  # Minute's fields in order, but last how many rows it has
_NOWHERE = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One animal's incomplete minutes, oldest first; `next_minute` follows the last complete one."""

    next_minute: int | None = None
    minutes: tuple[Minute, ...] = ()


@dataclass(frozen=True, slots=True)
class Ordered:
    """What one arrival moved: minutes passed on, oldest first, and the windows that came too late.

    `late`: the earliest minute of those that came too late, but not more than two days.
    """

    waiting: Waiting
    passed: list[Minute]
    late_windows: int
    late: int | None = None


def arrive(waiting: Waiting, parts: Iterable[Minute]) -> Ordered:
    """Take in all minute parts of one arrival, in any order, and pass on what is complete."""
    held = {minute.minute: minute for minute in waiting.minutes}
    late: list[Minute] = []
    for part in parts:
        if waiting.next_minute is not None and part.minute < waiting.next_minute:
            late.append(part)
        else:
            before = held.get(part.minute)
            held[part.minute] = add(before, part) if before else part
    minutes = [held[number] for number in sorted(held)]
    passed, next_minute = _complete(waiting.next_minute, minutes)
    rest = Waiting(next_minute, tuple(minutes[len(passed) :]))
    return Ordered(rest, passed, sum(part.windows for part in late), _worth_a_refold(late, rest))


def _worth_a_refold(late: list[Minute], waiting: Waiting) -> int | None:
    newest = waiting.minutes[-1].minute if waiting.minutes else waiting.next_minute
    if not late or newest is None:
        return None
    return min((part.minute for part in late if part.minute >= newest - REOPEN_MIN), default=None)


def _complete(next_minute: int | None, minutes: list[Minute]) -> tuple[list[Minute], int | None]:
    passed: list[Minute] = []
    for minute, following in pairwise(minutes):
        watermark = minutes[-1].minute - WATERMARK_MIN
        reached = minute.minute == next_minute or minute.minute <= watermark
        over = following.minute < minutes[-1].minute or following.last_ms >= HOLE_MS
        if not (reached and (minute.minute < watermark or (over and _without_hole(minute, following)))):
            break
        passed.append(minute)
        next_minute = minute.minute + 1
    return passed, next_minute


def _without_hole(minute: Minute, following: Minute) -> bool:
    if minute.form != WINDOWS or following.form != WINDOWS:
        return False
    longest = WINDOW_MS + HOLE_MS
    inside = minute.last_ms - minute.first_ms - (minute.windows - 1) * WINDOW_MS
    to_next = 60_000 - minute.last_ms + following.first_ms
    adjacent = following.minute == minute.minute + 1
    return adjacent and minute.first_ms <= longest and inside <= HOLE_MS and to_next <= longest


def encode(waiting: Waiting) -> bytes:
    """Return a head of 9 bytes and, for each of at most 17 minutes, 34 bytes and 16 a window."""
    start = _NOWHERE if waiting.next_minute is None else waiting.next_minute
    minutes = waiting.minutes
    fields = [_MINUTE.pack(*each[:-2], each.told, len(each.rows) // ROW_BYTES) for each in minutes]
    return b"".join([_HEAD.pack(start, len(minutes)), *fields, *[each.rows for each in minutes]])


def decode(data: bytes) -> Waiting:
    """Return what `encode` was given. Raises struct.error for other bytes."""
    start, count = _HEAD.unpack_from(data)
    at = _HEAD.size + count * _MINUTE.size
    fields = list(_MINUTE.iter_unpack(data[_HEAD.size : at]))
    minutes = []
    for *sums, told, rows in fields:
        minutes.append(Minute._make((*sums, data[at : at + rows * ROW_BYTES], told)))
        at += rows * ROW_BYTES
    if len(fields) != count or at != len(data):
        raise struct.error(f"{len(data)} bytes for {count} minutes that need {at}")
    return Waiting(None if start == _NOWHERE else start, tuple(minutes))
