"""A ring of records on a raw flash partition: a power cut costs at most the record being written.

    sector:  magic u16, version u8, at u8, sector seq u32, boot u16, seq u16, CRC32; then records
    record:  size u8, kind u8, boot u16, seq u16, up_s u32, up_ms u16, at u8, payload, CRC32

Little-endian. A frame is the records with one (boot, seq) that follow each other; `at` counts the wire
records before this one in its frame. The head of a sector has boot, seq and at of its first. Every CRC of a
record begins with its sector's seq, so that nothing of a sector's earlier life is ever read. The first record
of each sector is the state (collar.acks).

What makes it hold: one sector is always given up ahead of need. Opening a sector is erase, head, state with
the count of what the next sector still held, and only then the tombstone of that one: its magic made zero,
because a torn erase may leave a whole head over missing records. Space behind the last record that is not
blank, or a write that failed, seals the sector.
"""

import struct
from array import array
from binascii import crc32

from collar.acks import STATE_MAX, Acks
from herdcore.compat import const
from herdcore.vocabulary import SCHEMA_WINDOWS, WINDOW_MS

STATE = 15  # kind of a record that is no frame's; others are schemas of the wire

_MAGIC = const(0x4248)
_VERSION = const(1)
_HEAD = "<HBBIHH"
_HEAD_BYTES = const(16)
_RECORD = "<BBHHIHB"
_RECORD_BYTES = const(13)
_CRC_BYTES = const(4)
_SIZE_MAX = const(200)
_WINDOW_BYTES = const(14)
_BLANK = const(0xFF)
_BLANKS = b"\xff" * 256  # as many are read at a time where only blanks are expected
_LINE = const(256)
_SECTORS_MIN = 3
_BLOCKS, _BLOCK_BYTES, _ERASE = const(4), const(5), const(6)  # ioctls of a block device
_VIEWS = const(16)
_NO_SECTOR = const(0xFF)  # as `at`: the sector has no whole head


class LogError(OSError):
    """The partition cannot hold a log."""


class FlashLog:
    """The log on `flash`, a block device as esp32.Partition is one.

    After read(): `kind`, `boot`, `seq`, `up_s`, `up_ms`, `at`, `slot` (its place on the partition) and
    `payload`, a memoryview valid until the next read or append. `last_up_s`: uptime at the newest record's
    end. `bad`: how often a read came upon something broken.
    """

    def __init__(self, flash) -> None:
        self._flash = flash
        self.sector_bytes = flash.ioctl(_BLOCK_BYTES, 0)
        self.sectors = n = flash.ioctl(_BLOCKS, 0)
        if n < _SECTORS_MIN or self.sector_bytes < 2 * (_HEAD_BYTES + _RECORD_BYTES + STATE_MAX + _CRC_BYTES):
            raise LogError("log of %d sectors of %d bytes is too small" % (n, self.sector_bytes))
        self.acks = Acks()
        self._buf = bytearray(_RECORD_BYTES + _SIZE_MAX + _CRC_BYTES)
        self._view = memoryview(self._buf)
        self._views = {}  # of a record without and with its CRC, by size: slices are heap, and few sizes come
        self._head = bytearray(_HEAD_BYTES)
        self._head_signed = memoryview(self._head)[: _HEAD_BYTES - _CRC_BYTES]
        self._line = bytearray(_LINE)
        # Of each sector's first record; enough to know without a read whether a sector is done with.
        self._boots = array("H", bytes(2 * n))
        self._seqs = array("H", bytes(2 * n))
        self._ats = bytearray(b"\xff" * n)
        self.newest = -1
        self._sector_seq = 0
        self._end = 0  # of the newest sector's records; the sector's size when it is sealed
        self.bad = 0
        self.kind = self.boot = self.seq = self.up_s = self.up_ms = self.at = self.slot = self.last_up_s = 0
        self.payload = self._view[:0]
        self._mount()

    def begin(self, boot: int) -> int:
        """Note in flash that `boot` began; return the first seq it has not used: 0 but after a deep sleep."""
        acks = self.acks
        used = acks.last - (boot << 16)
        if not 0 <= used <= 0xFFFF:
            acks.begin(boot, self.last_up_s if acks.is_newest(acks.last >> 16) else 0)
            self.last_up_s = 0
            used = -1
        elif not acks.boots:
            acks.begin(boot, 0)
        if acks.last >= 0:
            self.save()
        return used + 1

    # mount

    def _mount(self) -> None:
        """Read every sector's head and the newest sector's records; finish what a power cut left undone."""
        self._find_newest()
        while self.newest >= 0 and not self._take_newest():
            self._bury(self.newest)  # opened, and cut before its state was whole
            self.newest = self._older(self.newest)
            self._sector_seq -= 1
        if self.newest >= 0 and self._ats[self._next()] != _NO_SECTOR:
            self._bury(self._next())  # given up, and cut before its tombstone

    def _find_newest(self) -> None:
        seqs = array("I", bytes(4 * self.sectors))
        for sector in range(self.sectors):
            seqs[sector] = self._read_head(sector)
            if seqs[sector] > self._sector_seq:
                self._sector_seq, self.newest = seqs[sector], sector
        for sector in range(self.sectors):
            age = (self.newest - sector) % self.sectors
            if seqs[sector] + age != self._sector_seq:
                self._ats[sector] = _NO_SECTOR

    def _read_head(self, sector: int) -> int:
        """Return the sector's seq, 0 if it has no whole head."""
        head = self._head
        self._flash.readblocks(sector, head, 0)
        magic, version, at, number, boot, seq = struct.unpack_from(_HEAD, head, 0)
        crc = struct.unpack_from("<I", head, _HEAD_BYTES - _CRC_BYTES)[0]
        is_whole = magic == _MAGIC and version == _VERSION
        if not is_whole or crc != crc32(self._head_signed) & 0xFFFFFFFF:
            return 0
        self._boots[sector], self._seqs[sector], self._ats[sector] = boot, seq, at
        return number

    def _older(self, sector: int) -> int:
        """Return the sector before, or -1."""
        before = (sector - 1) % self.sectors
        return before if self._ats[before] != _NO_SECTOR else -1

    def _take_newest(self) -> bool:
        """Find state, last key and end in the newest sector; return whether it has any whole record."""
        has_state, records = self._scan_state(self.newest)
        if not records:
            return False
        self._end = self.sector_bytes if self._is_torn(self._end) else self._end
        sector = self.newest
        while not has_state and self._older(sector) >= 0:
            sector = self._older(sector)
            end, newest_s = self._end, self.last_up_s
            has_state, _ = self._scan_state(sector)
            self._end, self.last_up_s = end, newest_s or self.last_up_s
        return True

    def _scan_state(self, sector: int):
        """Take the last state in a sector; return (whether there is one, whole records)."""
        has_state, records, at = False, 0, self.first
        self._end = at
        while True:
            at = self.read(sector, at)
            if not at:
                return has_state, records
            self._end = at
            records += 1
            if self.kind == STATE:
                self.acks.unpack_from(self._buf, _RECORD_BYTES)
                has_state = True
            else:
                self._note_last()
        return has_state, records

    def _note_last(self) -> None:
        self.acks.last = max(self.acks.last, self.boot << 16 | self.seq)
        self.last_up_s = _end_s(self.kind, self.up_s, len(self.payload))

    def _is_torn(self, at: int) -> bool:
        """Return whether anything but blanks lies from `at` on: a record was begun there."""
        line = memoryview(self._line)
        while at < self.sector_bytes:
            part = line[: min(_LINE, self.sector_bytes - at)]
            self._flash.readblocks(self.newest, part, at)
            if part != _BLANKS[: len(part)]:
                return True
            at += _LINE
        return False

    # reading

    first = _HEAD_BYTES  # where a sector's records begin

    def key(self) -> int:
        """Return the key of the record that was read last."""
        return self.boot << 16 | self.seq

    def read(self, sector: int, at: int) -> int:
        """Read the first whole record at or behind byte `at`; return where the next begins, 0 if none is."""
        number = (self._sector_seq - (self.newest - sector) % self.sectors) & 0xFFFFFFFF
        limit = self.sector_bytes - _RECORD_BYTES - _CRC_BYTES
        was_broken = False
        while at <= limit:
            size = self._load(sector, at, number)
            if size >= 0:
                self.slot = sector * self.sector_bytes + at
                return at + _RECORD_BYTES + size + _CRC_BYTES
            if size == -1 and self._is_blank_from(sector, at):
                return 0
            if not was_broken:
                self.bad += 1
                was_broken = True
            at += 1  # a broken record's size says nothing: look for the next whole one
        return 0

    def _load(self, sector: int, at: int, number: int) -> int:
        """Read one record; return the size of its payload, -1 where a blank is, -2 if it is broken."""
        head = self._view[:_RECORD_BYTES]
        self._flash.readblocks(sector, head, at)
        size = self._buf[0]
        if size == _BLANK:
            return -1
        end = _RECORD_BYTES + size
        if size > _SIZE_MAX or at + end + _CRC_BYTES > self.sector_bytes:
            return -2
        self._flash.readblocks(sector, self._view[_RECORD_BYTES : end + _CRC_BYTES], at + _RECORD_BYTES)
        if struct.unpack_from("<I", self._buf, end)[0] != crc32(self._view[:end], number) & 0xFFFFFFFF:
            return -2
        fields = struct.unpack_from(_RECORD, self._buf, 0)
        _, self.kind, self.boot, self.seq, self.up_s, self.up_ms, self.at = fields
        self.payload = self._view[_RECORD_BYTES:end]
        return size

    def _is_blank_from(self, sector: int, at: int) -> bool:
        """Return whether the next bytes are blank too: a broken record may have a blank in it."""
        part = memoryview(self._line)[: min(_LINE, self.sector_bytes - at)]
        self._flash.readblocks(sector, part, at)
        return part == _BLANKS[: len(part)]

    def ring(self) -> "list[int]":
        """Return the sectors that hold something, oldest first."""
        back = range(self.sectors - 1, -1, -1)
        around = [(self.newest - age) % self.sectors for age in back] if self.newest >= 0 else []
        return [sector for sector in around if self._ats[sector] != _NO_SECTOR]

    def following(self, sector: int) -> int:
        """Return the sector after, -1 after the newest."""
        while sector != self.newest:
            sector = (sector + 1) % self.sectors
            if self._ats[sector] != _NO_SECTOR:
                return sector
        return -1

    def first_key(self, sector: int) -> int:
        """Return the key of a sector's first record."""
        return self._boots[sector] << 16 | self._seqs[sector]

    def last_key(self, sector: int) -> int:
        """Return a key that none in the sector is above."""
        after = self.following(sector)
        return self.first_key(after) if after >= 0 else self.acks.last

    def is_done(self, sector: int) -> bool:
        """Return whether no frame in the sector waits; told without reading it."""
        return sector != self.newest and self.acks.covers(self.first_key(sector), self.last_key(sector))

    # writing

    def make_room(self, size: int, boot: int, seq: int, at: int) -> None:
        """See that a record of that size fits; it will be (boot, seq, at) if a sector has to be opened."""
        if self.newest < 0 or self._end + _RECORD_BYTES + size + _CRC_BYTES > self.sector_bytes:
            self._open(boot, seq, at)

    def append(
        self, kind: int, boot: int, seq: int, up_ms: int, at: int, source, start: int, size: int
    ) -> None:
        """Write a record with `size` bytes of `source` from `start` on; it is safe when this returns."""
        self.make_room(size, boot, seq, at)
        buf = self._buf
        up_s = up_ms // 1000
        struct.pack_into(_RECORD, buf, 0, size, kind, boot, seq, up_s, up_ms % 1000, at)
        for i in range(size):
            buf[_RECORD_BYTES + i] = source[start + i]
        self._write(size)
        self.acks.last = max(self.acks.last, boot << 16 | seq)
        self.last_up_s = _end_s(kind, up_s, size)

    def save(self) -> None:
        """Write the state: what was acknowledged is done with when this returns."""
        acks = self.acks
        last = max(acks.last, 0)
        if self.newest < 0 or self._end + _RECORD_BYTES + STATE_MAX + _CRC_BYTES > self.sector_bytes:
            self._open((last + 1) >> 16, (last + 1) & 0xFFFF, 0)  # and with it the state
        else:
            self._write_state()

    def _write_state(self) -> None:
        self.acks.note_uptime(self.last_up_s)
        size = self.acks.pack_into(self._buf, _RECORD_BYTES)
        struct.pack_into(_RECORD, self._buf, 0, size, STATE, 0, 0, 0, 0, 0)
        self._write(size)

    def _write(self, size: int) -> None:
        """Add CRC to the record in the buffer and program it."""
        end = _RECORD_BYTES + size
        views = self._views.get(size)
        if not views:
            views = self._view[:end], self._view[: end + _CRC_BYTES]
            if len(self._views) < _VIEWS:
                self._views[size] = views
        struct.pack_into("<I", self._buf, end, crc32(views[0], self._sector_seq) & 0xFFFFFFFF)
        at, self._end = self._end, self.sector_bytes  # sealed, should the write fail
        self._flash.writeblocks(self.newest, views[1], at)
        self._end = at + end + _CRC_BYTES

    def _next(self) -> int:
        return (self.newest + 1) % self.sectors

    def _open(self, boot: int, seq: int, at: int) -> None:
        """Go on in the next sector, and give up the one after it."""
        sector = self._next()
        self._end = self.sector_bytes  # sealed, should any of this fail
        if self._ats[sector] != _NO_SECTOR:  # only after a failure, or before anything was given up
            self._bury(sector)
        self._flash.ioctl(_ERASE, sector)
        head = self._head
        struct.pack_into(_HEAD, head, 0, _MAGIC, _VERSION, at, self._sector_seq + 1, boot, seq)
        crc = crc32(self._head_signed) & 0xFFFFFFFF
        struct.pack_into("<I", head, _HEAD_BYTES - _CRC_BYTES, crc)
        self._give_up((sector + 1) % self.sectors)
        self._flash.writeblocks(sector, head, 0)
        self.newest = sector
        self._sector_seq += 1
        self._boots[sector], self._seqs[sector], self._ats[sector] = boot, seq, at
        self._end = self.first
        self._write_state()
        if self._ats[self._next()] != _NO_SECTOR:
            self._bury(self._next())

    def _give_up(self, sector: int) -> None:
        """Count the frames in the oldest sector that nobody has acknowledged; all of them are done with."""
        acks = self.acks
        if self._ats[sector] == _NO_SECTOR:
            return
        after = self.following(sector)
        if not self.is_done(sector):
            self._count(sector)
        if after >= 0:
            acks.raise_floor(self.first_key(after) + (self._ats[after] > 0))

    def _count(self, sector: int) -> None:
        acks, before, at = self.acks, -1, self.read(sector, self.first)
        while at:
            key = self.key()
            if self.kind != STATE and key != before:
                before = key
                if not acks.is_done(key):
                    acks.drop(key)
            at = self.read(sector, at)

    def _bury(self, sector: int) -> None:
        """Make the head's magic zero."""
        self._ats[sector] = _NO_SECTOR
        self._flash.writeblocks(sector, b"\x00\x00", 0)


def _end_s(kind: int, up_s: int, size: int) -> int:
    return up_s + size // _WINDOW_BYTES * WINDOW_MS // 1000 if kind == SCHEMA_WINDOWS else up_s
