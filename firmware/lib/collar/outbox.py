"""Frames that wait for their ack, in a log on flash: they outlive resets and power cuts.

The interface: append_windows(up_ms, packed), append_health(up_ms, record), seal(), waiting(), next_batch(),
frame(slot, now_s), ack(ranges), mark(now_s, utc_ms), dropped*. A frame gets its identity (boot, seq) with its
first record; that, its date and its records stay for ever, only its age is new on every attempt. What was
appended is in flash. When the log is full the oldest frames go, and the health record tells their numbers.
"""

from herdcore import wire
from herdcore.compat import const
from herdcore.vocabulary import SCHEMA_HEALTH, SCHEMA_WINDOWS, WINDOW_MS

_BATCH = const(64)  # frames, as many as one request takes
_OLDEST = const(16)  # of them, if more wait: the backlog drains while the news goes first
_CELL = const(14)  # bytes of a window
_RECORD_WINDOWS = const(7)  # of one drain
_FRAME_WINDOWS = const(88)
# A frame ends rather than have a window dated this wrong. A chip 3 % off comes to 13.4 s in 88 windows; what
# is more is a worse chip, or a gap that nobody has told.
_DRIFT_MS = 3 * WINDOW_MS
_STATE = const(15)
_SEQ_MAX = const(0xFFFF)
_MARK_S = 2  # a beginning that is known this well is not written again


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
        self._windows = 0  # in the open frame, whose seq is the one before
        self._begun_ms = 0
        self._scratch = bytearray(wire.RECORDS_MAX)

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
        at, size = 0, len(packed)
        while at < size:
            windows = min((size - at) // _CELL, _RECORD_WINDOWS)
            windows = self._put(up_ms, packed, at, windows)
            at += windows * _CELL
            up_ms += windows * WINDOW_MS

    def _put(self, up_ms: int, packed, at: int, windows: int) -> int:
        """Write one record of at most that many windows; return how many it took."""
        if self._windows:
            late_ms = up_ms - self._begun_ms - self._windows * WINDOW_MS
            if self._windows == _FRAME_WINDOWS or abs(late_ms) >= _DRIFT_MS:
                self.seal()
        if not self._windows:
            self._number(up_ms)
        windows = min(windows, _FRAME_WINDOWS - self._windows)
        seq = self._seq - 1
        self._log.make_room(windows * _CELL, self._boot, seq, self._windows)
        if self._acks.is_done(self._boot << 16 | seq):  # a small log has given it up while it was open
            self._number(up_ms)
            seq = self._seq - 1
        self._log.append(SCHEMA_WINDOWS, self._boot, seq, up_ms, self._windows, packed, at, windows * _CELL)
        self._windows += windows
        return windows

    def append_health(self, up_ms: int, record) -> None:
        """Add one health record, sealed at once."""
        self.seal()
        self._number(up_ms)
        self._log.append(SCHEMA_HEALTH, self._boot, self._seq - 1, up_ms, 0, record, 0, len(record))

    def seal(self) -> None:
        """End the open frame, if there is one: it will not change again and may be sent."""
        self._windows = 0

    def _number(self, up_ms: int) -> None:
        """Begin a frame: it gets its number now and keeps it."""
        if self._seq > _SEQ_MAX:
            self._boot, self._seq = self._raise_boot(), 0
            self._acks.renumber(self._boot)
        self._seq += 1
        self._windows = 0
        self._begun_ms = up_ms

    def _is_open(self, key: int) -> bool:
        return self._windows > 0 and key == (self._boot << 16 | self._seq - 1)

    # sending

    def waiting(self) -> int:
        """Return how many sealed frames have no ack yet; reads all that waits."""
        return sum([1 for first, _, is_done in self._spans() if not (is_done or self._is_open(first))])

    def _spans(self):
        """Yield (first key, last key, is done with) in the log's order, of a frame or of many done with."""
        log, before = self._log, -1
        for sector in log.ring():
            if log.is_done(sector):
                before = log.last_key(sector)
                yield log.first_key(sector), before, True
                continue
            at = log.read(sector, log.first)
            while at:
                key = log.key()
                if log.kind != _STATE and key != before:
                    before = key
                    yield key, key, self._acks.is_done(key)
                at = log.read(sector, at)

    def _waits(self, key: int) -> bool:
        return not (self._is_open(key) or self._acks.is_done(key))

    def next_batch(self) -> "list[int]":
        """Return the slots of the sealed frames to send now, at most 64: health first, then the newest first.

        If more wait, a quarter are the oldest. Frames of earlier boots wait until an ack has told what time
        it is: until then nobody knows their age.
        """
        newest = self._collect(list(reversed(self._log.ring())), True, _BATCH + 1)
        if len(newest) > _BATCH:
            oldest = self._collect(self._log.ring(), False, _OLDEST)
            newest = newest[: _BATCH - _OLDEST] + oldest[::-1]
        health = [slot for slot, kind in newest if kind == SCHEMA_HEALTH]
        return health + [slot for slot, kind in newest if kind != SCHEMA_HEALTH]

    def _collect(self, sectors: "list[int]", is_newest_first: bool, most: int):
        """Return up to `most` (slot, kind) from these sectors."""
        found = []
        for sector in sectors:
            if len(found) >= most:
                break
            if self._log.is_done(sector):
                continue
            here = self._frames_in(sector)
            found += reversed(here) if is_newest_first else here
        return found[:most]

    def _frames_in(self, sector: int):
        """Return (slot, kind) of every frame that begins in a sector and may be sent now."""
        log, here = self._log, []
        is_dated = self._acks.date_s(self._boot, 0) > 0
        at = log.read(sector, log.first)
        while at:
            is_first = log.kind != _STATE and log.at == 0
            if is_first and (is_dated or log.boot >= self._first_boot) and self._waits(log.key()):
                here.append((log.slot, log.kind))
            at = log.read(sector, at)
        return here

    def frame(self, slot: int, now_s: int) -> wire.Frame:
        """Return a frame as it is at uptime `now_s`; its records are valid until the next call."""
        log = self._log
        sector, at = divmod(slot, log.sector_bytes)
        at = log.read(sector, at)
        kind, boot, seq, up_s = log.kind, log.boot, log.seq, log.up_s
        size = self._gather(sector, at)
        return wire.Frame(
            wire.frame_kind(kind),
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
        log, size = self._log, 0
        key, width = log.key(), wire.SCHEMAS[log.kind][1]
        while True:
            if log.kind != _STATE:
                if log.key() != key or log.at * width != size:
                    return size
                end = size + len(log.payload)
                self._scratch[size:end] = log.payload
                size = end
            at = log.read(sector, at)
            while not at:
                sector = log.following(sector)
                if sector < 0:
                    return size
                at = log.read(sector, log.first)

    def _age_s(self, boot: int, up_s: int, now_s: int) -> int:
        if boot >= self._first_boot:
            return max(0, now_s - up_s)
        acks = self._acks
        return max(0, acks.date_s(self._boot, now_s) - acks.date_s(boot, up_s))

    # forgetting

    def ack(self, ranges) -> int:
        """Forget the frames in [(boot, lo, hi), ...]; return how many of ours that were."""
        acks = self._acks
        runs, acked, floor, goes_on, waits = [], 0, acks.floor, False, False
        for first, last, is_done in self._spans():
            is_new = not is_done and not self._is_open(first) and _within(first, ranges)
            acked += is_new
            if not (is_done or is_new):
                goes_on, waits = False, True
            elif not waits:
                floor = last + 1
            elif goes_on:
                runs[-1][1] = last
                runs[-1][2] += 1
            else:
                runs.append([first, last, 1])
                goes_on = True
        if acked:
            acks.raise_floor(floor)
            acks.set_runs(runs)
            self._log.save()
        return acked

    def mark(self, now_s: int, utc_ms: int) -> None:
        """Take what time it is from an ack; earlier boots are dated by it."""
        row = self._acks.boots[-1]
        began_s = utc_ms // 1000 - now_s
        if abs(row[1] - began_s) > _MARK_S:
            row[1] = began_s
            self._log.save()


def _within(key: int, ranges) -> bool:
    boot, seq = key >> 16, key & 0xFFFF
    return any(boot == of and lo <= seq <= hi for of, lo, hi in ranges)
