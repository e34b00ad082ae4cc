"""Which frames wait: the oldest and the newest of them in memory, those between found in the log when needed.

What waits is nearly always a handful of frames that were just written: then neither choosing what to send nor
forgetting it reads the flash. After an outage the log is looked through once from its newest end, as far as
the next batch needs.
"""

from array import array

from herdcore.compat import const

_ROOM = const(96)  # frames
_OLDEST = const(16)
_NEWEST = const(52)  # three quarters of a batch, and those that are open
_FORGOTTEN = const(24)  # at a time, when there is no more room


class Waiting:
    """Frames without an ack, oldest first: `keys`, `slots`, `kinds` of `count` frames.

    What is not known yet, the hole, are frames with keys above `_low_key` and below `_high_key` that begin in
    the log's sectors number `_low` to `_high`; their place is before `_gap`.
    """

    def __init__(self, log) -> None:
        self._log, self._acks = log, log.acks
        self.keys = array("I", bytes(4 * _ROOM))
        self.slots = array("I", bytes(4 * _ROOM))
        self.kinds = bytearray(_ROOM)
        self.reset()

    def reset(self) -> None:
        """Know nothing: whatever is in the log now may wait."""
        self.count = self._gap = 0
        self._low, self._low_key = 1, -1
        self._high, self._high_key = self._log.number, self._acks.last + 1

    def has_hole(self) -> bool:
        """Return whether there may be frames that are not known."""
        return self._low <= self._high

    def push(self, key: int, slot: int, kind: int) -> None:
        """Take a frame that was begun in the log."""
        if self.count == _ROOM:
            self._prune()
        if self.count == _ROOM:
            self._forget()
        at = self.count
        self.keys[at], self.slots[at], self.kinds[at] = key, slot, kind
        self.count = at + 1

    def _forget(self) -> None:
        """Make or widen the hole."""
        first = self._gap
        if not self.has_hole():
            first = self._gap = _OLDEST
            self._low, self._low_key = self._number_at(first), self.keys[first - 1]
        after = first + _FORGOTTEN
        self._high, self._high_key = self._number_at(after - 1), self.keys[after]
        self._move(after, first)
        self.count -= _FORGOTTEN

    def _number_at(self, i: int) -> int:
        return self._log.number_of(self.slots[i] // self._log.sector_bytes)

    def _move(self, source: int, target: int) -> None:
        """Move all from place `source` on to `target`; the count is the caller's to set."""
        moved = range(source, self.count)
        for i in moved if target < source else reversed(moved):
            self._copy(i, i + target - source)

    def _copy(self, i: int, to: int) -> None:
        self.keys[to], self.slots[to], self.kinds[to] = self.keys[i], self.slots[i], self.kinds[i]

    def _prune(self) -> None:
        """Let go of what is done with."""
        kept, gap = 0, self._gap
        for i in range(self.count):
            if self._acks.is_done(self.keys[i]):
                self._gap -= i < gap
            else:
                self._copy(i, kept)
                kept += 1
        self.count = kept

    def refill(self) -> None:
        """Know the newest and the oldest frames that wait, and nothing of what is done with."""
        self._prune()
        self._low = max(self._low, self._log.tail())
        while self.has_hole() and self.count - self._gap < _NEWEST:
            self._look_back()
        while self.has_hole() and self._gap < _OLDEST and self.count < _ROOM:
            self._look_on()
        if not self.has_hole():
            self._gap = 0

    def _look_back(self) -> None:
        found = self._begun_in(self._high)
        room = _ROOM - _OLDEST - self.count + self._gap
        self._insert(found[-room:])
        if len(found) > room:
            self._high_key = found[-room][0]
            return
        sector = self._log.sector_of(self._high)
        if sector >= 0:
            self._high_key = self._log.next_key(sector)
        self._high -= 1

    def _look_on(self) -> None:
        found = self._begun_in(self._low)
        room = min(_OLDEST - self._gap, _ROOM - self.count)
        self._insert(found[:room])
        self._gap += min(room, len(found))
        if len(found) > room:
            self._low_key = found[room - 1][0]
            return
        sector = self._log.sector_of(self._low)
        if sector >= 0:
            self._low_key = self._log.last_key(sector)
        self._low += 1

    def _insert(self, found: "list") -> None:
        at = self._gap
        self._move(at, at + len(found))
        self.count += len(found)
        for key, slot, kind in found:
            self.keys[at], self.slots[at], self.kinds[at] = key, slot, kind
            at += 1

    def _begun_in(self, number: int):
        """Return (key, slot, kind) of the frames in the hole that begin in a sector."""
        log, found = self._log, []
        sector = log.sector_of(number)
        if sector < 0 or log.is_done(sector):
            return found
        at = log.read(sector, log.first)
        while at:
            key = log.key()
            is_new = log.is_first() and self._low_key < key < self._high_key
            if is_new and not self._acks.is_done(key):
                found.append((key, log.slot, log.kind))
            at = log.read(sector, at)
        return found

    def is_between(self, low: int, high: int) -> bool:
        """Return whether a frame may wait whose key is above `low` and below `high`."""
        if self.has_hole() and max(low, self._low_key) + 1 < min(high, self._high_key):
            return True
        for i in range(self.count):  # noqa: SIM110 - a generator is heap
            if low < self.keys[i] < high:
                return True
        return False

    def remove(self, spans: "list") -> int:
        """Let go of the frames in [[first key, last key], ...]; return how many that were."""
        kept, gap, count = 0, self._gap, self.count
        for i in range(count):
            if is_within(self.keys[i], spans):
                self._gap -= i < gap
            else:
                self._copy(i, kept)
                kept += 1
        self.count = kept
        return count - kept


def is_within(key: int, spans: "list") -> bool:
    """Return whether one of [[first key, last key], ...] has the key."""
    for first, last in spans:  # noqa: SIM110 - a generator is heap
        if first <= key <= last:
            return True
    return False
