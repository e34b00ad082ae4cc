"""Frames that wait for their ack: a ring in RAM behind the interface that a log on flash will have.

The interface: append_windows(up_ms, packed), append_health(up_ms, record), seal(), next_batch(),
frame(slot, now_s), ack(ranges). A frame's identity (boot, seq), date and records are fixed when it is sealed;
only its age is new on every attempt. When the ring is full the oldest frame goes, and its number is told in
the health record. Windows are copied into cells of preallocated buffers: nothing is allocated per window.
"""

from array import array

from herdcore import wire
from herdcore.compat import const
from herdcore.vocabulary import SCHEMA_HEALTH, SCHEMA_WINDOWS, WINDOW_MS

SLOTS = 64  # frames, as many as one request takes
CELLS = 704  # windows: an hour

_CELL = const(14)  # bytes of a window
_FRAME_WINDOWS = const(88)
_CHUNK_CELLS = const(44)
# A frame ends rather than have a window dated this wrong. A chip 3 % off comes to 13.4 s in 88 windows; what
# is more is a worse chip, or a gap that nobody has told.
_DRIFT_MS = 3 * WINDOW_MS
_FREE, _OPEN, _SEALED, _ACKED = const(0), const(1), const(2), const(3)
_SEQ_MAX = const(0xFFFF)


class Outbox:
    """The ring. `raise_boot()` returns a boot number not used before; called when a boot's seqs run out."""

    def __init__(self, device: int, epoch: int, boot: int, raise_boot, cells: int = CELLS) -> None:
        self._device, self._epoch, self._boot = device, epoch, boot
        self._raise_boot = raise_boot
        self._seq = 0
        self._cells = cells
        # In pieces: a heap full of code that was just imported has no large free one.
        self._chunks = [bytearray(_CHUNK_CELLS * _CELL) for _ in range(-(-cells // _CHUNK_CELLS))]
        self._scratch = bytearray(_FRAME_WINDOWS * _CELL)
        self._state = bytearray(SLOTS)
        self._schema = bytearray(SLOTS)
        self._boots = array("H", bytes(2 * SLOTS))
        self._seqs = array("H", bytes(2 * SLOTS))
        # Not one array of 64 bits: reading that allocates whatever the value.
        self._up_s = array("I", bytes(4 * SLOTS))
        self._up_ms = array("H", bytes(2 * SLOTS))  # beyond the second
        self._first = array("H", bytes(2 * SLOTS))  # cell
        self._bytes = array("H", bytes(2 * SLOTS))
        self._tail = 0  # oldest slot
        self._used = 0  # slots
        self._head_cell = 0
        self._used_cells = 0
        self.dropped = 0
        self.dropped_boot = self.dropped_lo = self.dropped_hi = 0

    # filling

    def append_windows(self, up_ms: int, packed) -> None:
        """Add consecutive windows, 14 bytes each, the first of them begun at uptime `up_ms`.

        They go on in the open frame: who knows of a gap before them calls seal() first. Only a new frame
        takes its date from `up_ms`; inside one windows are 5.12 s apart, whatever the chip's rate.
        """
        for at in range(0, len(packed), _CELL):
            slot = self._open_slot(up_ms)
            self._put_cell(packed, at, _CELL)
            self._bytes[slot] += _CELL
            up_ms += WINDOW_MS

    def append_health(self, up_ms: int, record) -> None:
        """Add one health record, sealed at once."""
        self.seal()
        cells = (len(record) + _CELL - 1) // _CELL
        self._make_room(cells)
        slot = self._new_slot(SCHEMA_HEALTH, up_ms)
        for at in range(0, len(record), _CELL):
            self._put_cell(record, at, min(_CELL, len(record) - at))
        self._bytes[slot] = len(record)
        self.seal()

    def seal(self) -> None:
        """End the open frame, if there is one: it gets its number now and keeps it."""
        slot = self._newest()
        if slot < 0 or self._state[slot] != _OPEN:
            return
        if self._seq > _SEQ_MAX:
            self._boot, self._seq = self._raise_boot(), 0
        self._boots[slot], self._seqs[slot] = self._boot, self._seq
        self._seq += 1
        self._state[slot] = _SEALED

    def _newest(self) -> int:
        return (self._tail + self._used - 1) % SLOTS if self._used else -1

    def _open_slot(self, up_ms: int) -> int:
        """Return the slot that takes a window of that date, with a free cell."""
        self._make_room(1)
        slot = self._newest()
        if slot >= 0 and self._state[slot] == _OPEN:
            windows = self._bytes[slot] // _CELL
            expected_ms = 1000 * self._up_s[slot] + self._up_ms[slot] + windows * WINDOW_MS
            if windows < _FRAME_WINDOWS and abs(up_ms - expected_ms) < _DRIFT_MS:
                return slot
            self.seal()
        return self._new_slot(SCHEMA_WINDOWS, up_ms)

    def _new_slot(self, schema: int, up_ms: int) -> int:
        if self._used == SLOTS:
            self._drop_oldest()
        self._used += 1
        slot = self._newest()
        self._state[slot] = _OPEN
        self._schema[slot] = schema
        self._up_s[slot] = up_ms // 1000
        self._up_ms[slot] = up_ms % 1000
        self._first[slot] = self._head_cell
        self._bytes[slot] = 0
        return slot

    def _put_cell(self, source, at: int, size: int) -> None:
        data = self._chunks[self._head_cell // _CHUNK_CELLS]
        to = self._head_cell % _CHUNK_CELLS * _CELL
        for i in range(size):
            data[to + i] = source[at + i]
        self._head_cell = (self._head_cell + 1) % self._cells
        self._used_cells += 1

    # sending

    def waiting(self) -> int:
        """Return how many sealed frames have no ack yet."""
        return sum([1 for state in self._state if state == _SEALED])

    def next_batch(self) -> "list[int]":
        """Return the slots of every sealed frame without an ack: health first, then the newest first."""
        health, windows = [], []
        for i in range(self._used - 1, -1, -1):
            slot = (self._tail + i) % SLOTS
            if self._state[slot] == _SEALED:
                (health if self._schema[slot] == SCHEMA_HEALTH else windows).append(slot)
        return health + windows

    def frame(self, slot: int, now_s: int) -> wire.Frame:
        """Return a frame as it is at uptime `now_s`; its records are valid until the next call."""
        up_s = self._up_s[slot]
        return wire.Frame(
            wire.frame_kind(self._schema[slot]),
            self._device,
            self._epoch,
            self._boots[slot],
            self._seqs[slot],
            up_s,
            max(0, now_s - up_s),
            self._records(slot),
        )

    def _records(self, slot: int) -> memoryview:
        size, cell, done = self._bytes[slot], self._first[slot], 0
        scratch = memoryview(self._scratch)
        while done < size:
            at = cell % _CHUNK_CELLS * _CELL
            cells = min(_CHUNK_CELLS - cell % _CHUNK_CELLS, self._cells - cell)
            part = min(size - done, cells * _CELL)
            scratch[done : done + part] = memoryview(self._chunks[cell // _CHUNK_CELLS])[at : at + part]
            done += part
            cell = (cell + cells) % self._cells
        return scratch[:size]

    # forgetting

    def ack(self, ranges) -> int:
        """Forget the frames in [(boot, lo, hi), ...]; return how many of ours that were."""
        acked = 0
        for i in range(self._used):
            slot = (self._tail + i) % SLOTS
            if self._state[slot] == _SEALED and self._in_ranges(slot, ranges):
                self._state[slot] = _ACKED
                acked += 1
        while self._used and self._state[self._tail] == _ACKED:
            self._release()
        return acked

    def _in_ranges(self, slot: int, ranges) -> bool:
        boot, seq = self._boots[slot], self._seqs[slot]
        return any(boot == of and lo <= seq <= hi for of, lo, hi in ranges)

    def _make_room(self, cells: int) -> None:
        while self._used_cells + cells > self._cells:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        slot = self._tail
        if self._state[slot] == _OPEN:
            self.seal()
        if self._state[slot] == _SEALED:
            self._count_drop(self._boots[slot], self._seqs[slot])
        self._release()

    def _count_drop(self, boot: int, seq: int) -> None:
        """One range is told: it grows while the frames that go follow each other, else it begins anew."""
        follows = self.dropped and boot == self.dropped_boot and seq == self.dropped_hi + 1
        if not follows:
            self.dropped_boot, self.dropped_lo = boot, seq
        self.dropped_hi = seq
        self.dropped += 1

    def _release(self) -> None:
        slot = self._tail
        self._used_cells -= (self._bytes[slot] + _CELL - 1) // _CELL
        self._state[slot] = _FREE
        self._tail = (slot + 1) % SLOTS
        self._used -= 1
