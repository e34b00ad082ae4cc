"""What is done with: the watermark, the acknowledged ranges above it, what was dropped, when boots began.

All of it is one small record, written anew at every ack and as the first of every new sector of the log. A
frame is known by its key, boot << 16 | seq: the log holds frames in the order of their keys.
"""

import struct

from herdcore.compat import const

RANGES = 8  # that are kept; what a ninth would say is forgotten, so those frames are sent once more
BOOTS = 6  # whose beginning is kept
_HEAD = "<HHHHHHHHBB"  # watermark, last key given, dropped: count boot lo hi, ranges, boots
_HEAD_BYTES = const(18)
_RANGE = "<HHHH"
_BOOT = "<HII"
_RANGE_BYTES = const(8)
_BOOT_BYTES = const(10)
STATE_MAX = _HEAD_BYTES + RANGES * _RANGE_BYTES + BOOTS * _BOOT_BYTES


class Acks:
    """Frames below `floor` are acknowledged or dropped; those in `ranges`, pairs of keys, are acknowledged.

    `boots`: [boot, UTC second of its uptime 0 or 0, last uptime known, s], oldest first. `last`: the highest
    key that a record was written with, -1 on an empty log. `dropped*`: as the health record tells them.
    """

    def __init__(self) -> None:
        self.floor = 0
        self.ranges = []
        self.boots = []
        self.last = -1
        self.dropped = self.dropped_boot = self.dropped_lo = self.dropped_hi = 0

    def is_done(self, key: int) -> bool:
        """Return whether the frame is acknowledged or dropped."""
        return key < self.floor or self.covers(key, key)

    def covers(self, low: int, high: int) -> bool:
        """Return whether every frame from key `low` to key `high` is done with."""
        if high < self.floor:
            return True
        for first, last in self.ranges:  # noqa: SIM110 - a generator is heap
            if first <= low and high <= last:
                return True
        return False

    def add(self, spans: "list", waits_between) -> bool:
        """Be done with every key in [[first, last], ...]; return whether a range had to be forgotten for it.

        Two ranges become one if waits_between(last of one, first of the next) knows of no frame there.
        """
        spans = sorted([[0, self.floor - 1]] + [list(pair) for pair in self.ranges] + spans)
        merged = [spans[0]]
        for first, last in spans[1:]:
            below = merged[-1]
            if first <= below[1] + 1 or not waits_between(below[1], first):
                below[1] = max(below[1], last)
            else:
                merged.append([first, last])
        self.floor = merged.pop(0)[1] + 1
        is_full = len(merged) > RANGES
        while len(merged) > RANGES:
            merged.remove(min(merged, key=_width))
        self.ranges = [(first, last) for first, last in merged]
        return is_full

    def drop(self, key: int) -> None:
        """Count a frame that goes unacknowledged. One range is told: the last that followed each other."""
        boot, seq = key >> 16, key & 0xFFFF
        if not (self.dropped and boot == self.dropped_boot and seq == self.dropped_hi + 1):
            self.dropped_boot, self.dropped_lo = boot, seq
        self.dropped_hi = seq
        self.dropped = min(self.dropped + 1, 0xFFFF)

    def raise_floor(self, key: int) -> None:
        """Be done with everything before `key`."""
        if key > self.floor:
            self.floor = key
            self.ranges = [pair for pair in self.ranges if pair[1] >= key]

    # when boots began

    def begin(self, boot: int, last_s: int) -> None:
        """Note that `boot` began after the one before had come to uptime `last_s`."""
        self.note_uptime(last_s)
        self.boots.append([boot, 0, 0])
        del self.boots[:-BOOTS]

    def renumber(self, boot: int) -> None:
        """Note that the boot goes on as `boot`, its numbers used up: uptime and beginning are the same."""
        before = self.boots[-1]
        before[2] = 0
        self.boots.append([boot, before[1], 0])
        del self.boots[:-BOOTS]

    def is_newest(self, boot: int) -> bool:
        """Return whether `boot` is the last one noted."""
        return bool(self.boots) and self.boots[-1][0] == boot

    def note_uptime(self, up_s: int) -> None:
        """Note how far the newest boot has come."""
        if self.boots:
            self.boots[-1][2] = max(self.boots[-1][2], up_s)

    def date_s(self, boot: int, up_s: int) -> int:
        """Return the UTC second of an uptime in any boot, 0 while this boot's beginning is not known.

        A boot that had no ack of its own is taken to have ended when the next began: true of every reset,
        late by the time without power otherwise. One too old to be kept is dated at the end of its time.
        """
        began_s = 0
        for number, known_s, last_s in reversed(self.boots):
            if number < boot:
                break
            began_s = known_s or max(0, began_s - last_s)
            if not began_s:
                break
            if number == boot:
                return began_s + up_s
        return began_s

    # as a record

    def pack_into(self, buf: bytearray, at: int) -> int:
        """Write the payload of the record at `at`; return its size, STATE_MAX at most."""
        last = max(self.last, 0)
        struct.pack_into(
            _HEAD,
            buf,
            at,
            *_halves(self.floor, last),
            self.dropped,
            self.dropped_boot,
            self.dropped_lo,
            self.dropped_hi,
            len(self.ranges),
            len(self.boots),
        )
        end = at + _HEAD_BYTES
        for first, final in self.ranges:
            struct.pack_into(_RANGE, buf, end, *_halves(first, final))
            end += _RANGE_BYTES
        for row in self.boots:
            struct.pack_into(_BOOT, buf, end, *row)
            end += _BOOT_BYTES
        return end - at

    def unpack_from(self, buf: bytearray, at: int) -> None:
        """Take over a record's payload; its CRC was right."""
        head = struct.unpack_from(_HEAD, buf, at)
        self.floor = head[0] << 16 | head[1]
        self.last = max(self.last, head[2] << 16 | head[3])
        self.dropped, self.dropped_boot, self.dropped_lo, self.dropped_hi = head[4:8]
        at += _HEAD_BYTES
        self.ranges = []
        for _ in range(head[8]):
            a, b, c, d = struct.unpack_from(_RANGE, buf, at)
            self.ranges.append((a << 16 | b, c << 16 | d))
            at += _RANGE_BYTES
        self.boots = []
        for _ in range(head[9]):
            self.boots.append(list(struct.unpack_from(_BOOT, buf, at)))
            at += _BOOT_BYTES


def _width(span) -> int:
    return span[1] - span[0]


def _halves(first: int, second: int):
    return first >> 16, first & 0xFFFF, second >> 16, second & 0xFFFF
