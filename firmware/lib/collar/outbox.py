"""Frames that wait for their ack, in a log on flash: they outlive resets and power cuts.

The interface: append_windows(up_ms, packed), append_minutes(up_s, packed), append_codes(up_s, records),
append_health(up_ms, record), append_raw(...), seal(), is_short(), has_backlog(), next_batch(),
frame(slot, now_s), ack(ranges), mark(now_s, utc_ms), dropped*. A frame gets its identity (boot, seq) with its
first record; that, its date and its records stay for ever, only its age is new on every attempt. What was
appended is in flash. When the log is full the oldest frames go, and the health record tells their numbers.

Of windows, minutes and samples one frame each may be open, so that they can take turns.
"""

import struct

from collar.waiting import Waiting
from herdcore.compat import const
from herdcore.frames import HEALTH_BYTES, RECORDS_MAX, SHAPES, Frame, frame_kind, pack_raw_head
from herdcore.vocabulary import (
    SCHEMA_CODES,
    SCHEMA_HEALTH,
    SCHEMA_MINUTES,
    SCHEMA_RAW,
    SCHEMA_WINDOWS,
    WINDOW_MS,
)

_BATCH = const(64)  # frames, as many as one request takes
_OLDEST = const(16)  # of them, if more wait: the backlog drains while the news goes first
_APART = const(24)  # numbers: a frame so far behind the newest ends, and who reads it need not look further
_STATE = const(15)
_SEQ_MAX = const(0xFFFF)
_MARK_S = 2  # a beginning that is known this well is not written again
_LATE_MINUTE_MS = const(1000)
_LATE_SAMPLE_MS = const(500)
_TRIPLE = "<hhh"
_TRIPLE_BYTES = const(6)
_RECORD_TRIPLES = const(33)
_NANO = const(1_000_000_000)
# What minutes take of the log, 15 of them in a record, with four health records a day.
_DAY_BYTES = 96 * (13 + 15 * 8 + 4) + 4 * (13 + HEALTH_BYTES + 4)
_SECTOR_OVERHEAD = const(175)  # head and state
_SMALL_LOG_BYTES = const(0x200000)
_SMALL_LOG_DAYS = const(14)
_LARGE_LOG_DAYS = const(30)


class _Open:
    """The open frame of a schema: its key, -1 if there is none; its records; when it began."""

    def __init__(self, kind: int, together: int, step_ms: int, late_ms: int) -> None:
        """`together`: records of the wire in one of the log. `late_ms`: a frame ends rather than have a
        record dated this wrong.
        """
        self.width, self.most = SHAPES[kind]
        self.kind, self.together, self.step_ms, self.late_ms = kind, together, step_ms, late_ms
        self.key = -1
        self.records = self.begun_ms = 0

    def goes_on(self, up_ms: int) -> bool:
        """Return whether the record that began at `up_ms` belongs into it."""
        late_ms = up_ms - self.begun_ms - self.records * self.step_ms
        return self.key >= 0 and self.records < self.most and abs(late_ms) < self.late_ms


def reserve_sectors(sectors: int, sector_bytes: int) -> int:
    """Return how many sectors of a log are kept for minutes: 14 days of them up to 2 MiB, 30 above.

    A log so small that this is over half of it keeps half of it.
    """
    is_small = sectors * sector_bytes <= _SMALL_LOG_BYTES
    need_bytes = (_SMALL_LOG_DAYS if is_small else _LARGE_LOG_DAYS) * _DAY_BYTES
    return min(need_bytes // (sector_bytes - _SECTOR_OVERHEAD) + 2, sectors // 2)


class Outbox:
    """The frames of a FlashLog. `raise_boot()` returns a boot number not used before; called when a boot's
    seqs run out. A slot is a frame's place in the log, valid until the next append.
    """

    def __init__(self, device: int, epoch: int, boot: int, raise_boot, log) -> None:
        self._device, self._epoch = device, epoch
        self._boot = self._first_boot = boot  # since this start; they differ once seqs have run out
        self._raise_boot = raise_boot
        self._log, self._acks = log, log.acks
        self._seq = log.begin(boot)
        # A chip 3 % off comes to 13.4 s in 88 windows; what is more is a worse chip, or a gap nobody told.
        self._windows = _Open(SCHEMA_WINDOWS, 7, WINDOW_MS, 3 * WINDOW_MS)
        self._minutes = _Open(SCHEMA_MINUTES, 25, 60_000, _LATE_MINUTE_MS)
        self._raw = _Open(SCHEMA_RAW, _RECORD_TRIPLES, 0, _LATE_SAMPLE_MS)
        self._opens = self._windows, self._minutes, self._raw
        self._burst = 0, 0
        self._waiting = Waiting(log)
        self._scratch = bytearray(RECORDS_MAX)
        self._reserve = reserve_sectors(log.sectors, log.sector_bytes)
        self._is_short = False
        self.elapsed_s = _elapsed_s  # its owner may know how wrong the clock is

    @property
    def dropped(self) -> int:
        """How many frames were given up unacknowledged."""
        return self._acks.dropped

    @property
    def dropped_boot(self) -> int:
        """Boot of the last range given up."""
        return self._acks.dropped_boot

    @property
    def dropped_lo(self) -> int:
        """Its first seq."""
        return self._acks.dropped_lo

    @property
    def dropped_hi(self) -> int:
        """Its last seq."""
        return self._acks.dropped_hi

    # filling

    def append_windows(self, up_ms: int, packed) -> None:
        """Add consecutive windows, 14 bytes each, the first of them begun at uptime `up_ms`.

        They go on in the open frame: who knows of a gap before them calls seal() first. Only a new frame
        takes its date from `up_ms`; inside one windows are 5.12 s apart, whatever the chip's rate.
        """
        self._append(self._windows, up_ms, packed)

    def append_minutes(self, up_s: int, packed) -> None:
        """Add consecutive minutes, 8 bytes each, the first begun at uptime `up_s`; a gap begins a new frame.

        The log holds most of them if 15 or more come together.
        """
        self._append(self._minutes, up_s * 1000, packed)

    def append_codes(self, up_s: int, records) -> None:
        """Add the codes of an hour, or of a part of it, begun at uptime `up_s`: a frame, sealed at once."""
        self._append_whole(SCHEMA_CODES, up_s * 1000, records)

    def append_health(self, up_ms: int, record) -> None:
        """Add one health record: a frame, sealed at once, and all before it as well."""
        self.seal()
        self._append_whole(SCHEMA_HEALTH, up_ms, record)

    def append_raw(
        self, up_ms: int, period_us: int, burst_id: int, samples, first: int, triples: int
    ) -> None:
        """Add samples of a burst, mg: x, y, z, x, ..., in an array("h") from triple `first` on.

        `up_ms`: uptime of the first. Those of the same burst that follow each other share frames.
        """
        if (period_us, burst_id) != self._burst:
            self._burst = period_us, burst_id
            self._raw.key = -1
        self._raw.step_ms = (period_us + 500) // 1000
        end = first + triples
        while first < end:
            begun = first
            first = self._put_raw(up_ms, samples, first, end)
            up_ms += (first - begun) * period_us // 1000

    def _put_raw(self, up_ms: int, samples, first: int, end: int) -> int:
        """Write one record of samples; return which is the next."""
        frame, buf, at = self._raw, self._scratch, 0
        period_us, burst_id = self._burst
        if self._is_begun(frame, up_ms, _RECORD_TRIPLES):
            buf[:_TRIPLE_BYTES] = pack_raw_head(_NANO // period_us, up_ms % 1000, burst_id)
            at = _TRIPLE_BYTES
            frame.begun_ms -= frame.step_ms  # the head takes a record's place
        most = min(_RECORD_TRIPLES, frame.most - frame.records) * _TRIPLE_BYTES
        while at < most and first < end:
            i = 3 * first
            struct.pack_into(_TRIPLE, buf, at, samples[i], samples[i + 1], samples[i + 2])
            at += _TRIPLE_BYTES
            first += 1
        self._write(frame, up_ms, buf, 0, at // _TRIPLE_BYTES)
        return first

    def _append(self, frame: _Open, up_ms: int, packed) -> None:
        at, width = 0, frame.width
        left = len(packed) // width
        while left:
            count = min(left, frame.together)
            self._is_begun(frame, up_ms, count)
            count = min(count, frame.most - frame.records)
            self._write(frame, up_ms, packed, at, count)
            left -= count
            at += count * width
            up_ms += count * frame.step_ms

    def _append_whole(self, kind: int, up_ms: int, record) -> None:
        seq = self._number()
        self._log.append(kind, self._boot, seq, up_ms, 0, record, 0, len(record))
        self._waiting.push(self._boot << 16 | seq, self._log.slot, kind)

    def _is_begun(self, frame: _Open, up_ms: int, count: int) -> bool:
        """See that a frame is open and the log has room for `count` of its records; return if it is new."""
        if not frame.goes_on(up_ms):
            frame.key = -1
        self._log.make_room(count * frame.width)
        if frame.key >= 0 and not self._acks.is_done(frame.key):
            return False  # otherwise a small log has given it up while it was open
        frame.key = -1
        seq = self._number()
        frame.key = self._boot << 16 | seq
        frame.records, frame.begun_ms = 0, up_ms
        return True

    def _write(self, frame: _Open, up_ms: int, source, at: int, count: int) -> None:
        key, frame.key = frame.key, -1  # a write that fails ends the frame
        boot, seq = key >> 16, key & 0xFFFF
        self._log.append(frame.kind, boot, seq, up_ms, frame.records, source, at, count * frame.width)
        frame.key = key
        if not frame.records:
            self._waiting.push(key, self._log.slot, frame.kind)
        frame.records += count

    def seal(self) -> None:
        """End the open frames: they will not change again and may be sent."""
        for frame in self._opens:
            frame.key = -1

    def _number(self) -> int:
        """Return the seq of a frame that begins: it gets its number now and keeps it."""
        if self._seq > _SEQ_MAX:
            self.seal()
            self._boot, self._seq = self._raise_boot(), 0
            self._acks.renumber(self._boot)
        seq = self._seq
        self._seq = seq + 1
        for frame in self._opens:
            if frame.key >= 0 and seq - (frame.key & 0xFFFF) >= _APART:
                frame.key = -1
        return seq

    def _is_open(self, key: int) -> bool:
        for frame in self._opens:  # noqa: SIM110 - a generator is heap
            if frame.key == key:
                return True
        return False

    def is_short(self) -> bool:
        """Return whether no more than the reserve for minutes is free: nothing but minutes should come now.

        Once it is short it stays so until an eighth more is free. Reads no flash.
        """
        need = self._reserve + (self._reserve // 8 + 1 if self._is_short else 0)
        self._is_short = self._log.free_sectors() < need
        return self._is_short

    # sending

    def has_backlog(self) -> bool:
        """Return whether next_batch() has anything to send."""
        return bool(self._ready())

    def _ready(self) -> "list[int]":
        """Return the places of the known frames that may be sent now, oldest first.

        Frames of earlier boots wait until an ack has told what time it is: until then nobody knows their age.
        """
        waiting = self._waiting
        waiting.refill()
        least = 0 if self._acks.date_s(self._boot, 0) > 0 else self._first_boot << 16
        keys = waiting.keys
        return [i for i in range(waiting.count) if keys[i] >= least and not self._is_open(keys[i])]

    def next_batch(self) -> "list[int]":
        """Return the slots of the sealed frames to send now, at most 64: health first, then the newest first.

        If more wait, a quarter are the oldest.
        """
        ready = self._ready()
        if len(ready) > _BATCH:
            ready = ready[:_OLDEST] + ready[_OLDEST - _BATCH :]
        waiting = self._waiting
        lost = [waiting.keys[i] for i in ready if not self._is_there(waiting.keys[i], waiting.slots[i])]
        if lost:
            for key in lost:
                self._acks.drop(key)
            waiting.remove([(key, key) for key in lost])
            return self.next_batch()
        slots, kinds = waiting.slots, waiting.kinds
        ready.reverse()
        health = [slots[i] for i in ready if kinds[i] == SCHEMA_HEALTH]
        return health + [slots[i] for i in ready if kinds[i] != SCHEMA_HEALTH]

    def _is_there(self, key: int, slot: int) -> bool:
        """Return whether the frame still begins there: bits rot."""
        log = self._log
        sector, at = divmod(slot, log.sector_bytes)
        return log.read(sector, at) > 0 and log.slot == slot and log.key() == key

    def frame(self, slot: int, now_s: int) -> Frame:
        """Return a frame as it is at uptime `now_s`; its records are valid until the next call."""
        log = self._log
        sector, at = divmod(slot, log.sector_bytes)
        at = log.read(sector, at)
        kind, boot, seq, up_s = log.kind, log.boot, log.seq, log.up_s
        size = self._gather(sector, at)
        return Frame(
            frame_kind(kind),
            self._device,
            self._epoch,
            boot,
            seq,
            up_s,
            self._age_s(boot, up_s, now_s),
            memoryview(self._scratch)[:size],
        )

    def _gather(self, sector: int, at: int) -> int:
        """Copy the payloads of the frame whose first record was just read; return their size.

        A record that is missing ends it: what comes behind the hole would be dated wrong.
        """
        log, size, kind, key = self._log, 0, self._log.kind, self._log.key()
        width, most = SHAPES[kind]
        most = 0 if kind == SCHEMA_CODES else most * width
        while sector >= 0:
            if log.kind != _STATE and log.key() == key:
                if log.at * width != size:
                    return size
                end = size + len(log.payload)
                self._scratch[size:end] = log.payload
                size = end
            elif log.kind == kind or (log.kind != _STATE and log.key() - key >= _APART):
                return size  # only while it was open others came between
            if size >= most:
                return size
            at = log.read(sector, at)
            while not at:
                sector = log.following(sector)
                if sector < 0:
                    return size
                at = log.read(sector, log.first)
        return size

    def _age_s(self, boot: int, up_s: int, now_s: int) -> int:
        if boot >= self._first_boot:
            return self.elapsed_s(up_s, now_s)
        acks = self._acks
        return max(0, acks.date_s(self._boot, now_s) - acks.date_s(boot, up_s))

    # forgetting

    def ack(self, ranges) -> int:
        """Forget the frames in [(boot, lo, hi), ...]; return how many of those that were at hand.

        Everything next_batch() told is at hand.
        """
        waiting, acks = self._waiting, self._acks
        waiting.refill()
        spans = []
        for boot, lo, hi in ranges:
            self._span(spans, boot << 16 | lo, min(boot << 16 | hi, acks.last))
        acked = waiting.remove(spans)
        before = acks.floor, acks.ranges
        if acks.add(spans, waiting.is_between):
            waiting.reset()  # what was forgotten to be acknowledged is sent again
        if before != (acks.floor, acks.ranges):
            self._log.save()
        return acked

    def _span(self, spans: "list", first: int, last: int) -> None:
        """Add what is sealed between two keys to `spans`."""
        for frame in self._opens:
            if first <= frame.key <= last:
                self._span(spans, first, frame.key - 1)
                first = frame.key + 1
        if first <= last:
            spans.append([first, last])

    def mark(self, now_s: int, utc_ms: int) -> None:
        """Take what time it is from an ack; earlier boots are dated by it."""
        row = self._acks.boots[-1]
        began_s = utc_ms // 1000 - now_s
        if abs(row[1] - began_s) > _MARK_S:
            row[1] = began_s
            self._log.save()


def _elapsed_s(from_s: int, to_s: int) -> int:
    return max(0, to_s - from_s)
