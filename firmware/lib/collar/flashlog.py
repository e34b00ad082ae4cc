"""A ring of records on a raw flash partition: a power cut costs at most the record being written.

    sector:  magic u16, version u8, 0 u8, sector seq u32, boot u16, seq u16, CRC32; then records
    record:  size u8, kind u8, boot u16, seq u16, up_s u32, up_ms u16, at u8, payload, CRC32

Little-endian. A frame is the records with one (boot, seq); `at` counts the wire records before this one in
its frame. Frames of several schemas may be open at once and take turns; they begin in the order of their
numbers. The head of a sector has the number that was next when it was opened: the frames from that one on
begin in it or behind it, all others before it. Every CRC of a record begins with its sector's seq, so that
nothing of a sector's earlier life is ever read. The first record of each sector is the state (collar.acks).

What makes it hold: one sector is always given up ahead of need. Opening a sector is erase, head, state with
the count of what the next sector still held, and only then the tombstone of that one: its magic made zero,
because a torn erase may leave a whole head over missing records. Space behind the last record that is not
blank, or a write that failed, seals the sector. All that knows the format is in this module, so it is long.
"""

import struct
from array import array
from binascii import crc32

from collar.acks import STATE_MAX, Acks
from herdcore.compat import const
from herdcore.vocabulary import SCHEMA_MINUTES, SCHEMA_WINDOWS, WINDOW_MS

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
_MINUTE_BYTES = const(8)
_BLANK = const(0xFF)
_BLANKS = b"\xff" * 256  # as many are read at a time where only blanks are expected
_LINE = const(256)
_SECTORS_MIN = 3
_BLOCKS = const(4)  # ioctls of a block device
_BLOCK_BYTES = const(5)
_ERASE = const(6)
_VIEWS = const(16)


class LogError(OSError):
    """The partition cannot hold a log."""


class FlashLog:
    """The log on `flash`, a block device as esp32.Partition is one.

    After read(): `kind`, `boot`, `seq`, `up_s`, `up_ms`, `at`, `slot` (its place on the partition, also after
    append) and `payload`, a memoryview valid until the next read or append. `last_up_s`: uptime at the end of
    the newest boot's records. `number`: of the newest sector; they count up for ever.
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
        self._views = {}  # by size of a record (_slices): slices are heap, and few sizes come
        self._head = bytearray(_HEAD_BYTES)
        self._head_signed = memoryview(self._head)[: _HEAD_BYTES - _CRC_BYTES]
        self._line = bytearray(_LINE)
        # Of each sector's head; enough to know without a read whether a sector is done with.
        self._boots = array("H", bytes(2 * n))
        self._seqs = array("H", bytes(2 * n))
        self._whole = bytearray(n)  # whether there is a head
        self.newest = -1
        self.number = 0
        self._tail = 0  # number of the oldest sector that has anything waiting, or a lower one
        self._end = 0  # of the newest sector's records; the sector's size when it is sealed
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
            self.number -= 1
        if self.newest >= 0 and self._whole[self._next()]:
            self._bury(self._next())  # given up, and cut before its tombstone

    def _find_newest(self) -> None:
        seqs = array("I", bytes(4 * self.sectors))
        for sector in range(self.sectors):
            seqs[sector] = self._read_head(sector)
            if seqs[sector] > self.number:
                self.number, self.newest = seqs[sector], sector
        for sector in range(self.sectors):
            age = (self.newest - sector) % self.sectors
            if seqs[sector] + age != self.number:
                self._whole[sector] = 0

    def _read_head(self, sector: int) -> int:
        """Return the sector's seq, 0 if it has no whole head."""
        head = self._head
        self._flash.readblocks(sector, head, 0)
        magic, version, _, number, boot, seq = struct.unpack_from(_HEAD, head, 0)
        crc = struct.unpack_from("<I", head, _HEAD_BYTES - _CRC_BYTES)[0]
        is_whole = magic == _MAGIC and version == _VERSION
        if not is_whole or crc != crc32(self._head_signed) & 0xFFFFFFFF:
            return 0
        self._boots[sector], self._seqs[sector], self._whole[sector] = boot, seq, 1
        return number

    def _older(self, sector: int) -> int:
        """Return the sector before, or -1."""
        before = (sector - 1) % self.sectors
        return before if self._whole[before] else -1

    def _take_newest(self) -> bool:
        """Find state, last key and end in the newest sector; return whether it has any whole record."""
        has_state, records = self._scan_state(self.newest)
        if not records:
            return False
        self._end = self.sector_bytes if self._is_torn(self._end) else self._end
        sector = self.newest
        while not has_state and self._older(sector) >= 0:
            sector = self._older(sector)
            end = self._end
            has_state, _ = self._scan_state(sector)
            self._end = end
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
                self._note_last(self.boot, self.seq)
                self._note_end(self.kind, self.boot, self.up_s, len(self.payload))
        return has_state, records

    def _note_last(self, boot: int, seq: int) -> None:
        key = boot << 16 | seq
        if key > self.acks.last:
            if boot > self.acks.last >> 16:
                self.last_up_s = 0
            self.acks.last = key

    def _note_end(self, kind: int, boot: int, up_s: int, size: int) -> None:
        if boot == self.acks.last >> 16:
            self.last_up_s = max(self.last_up_s, _end_s(kind, up_s, size))

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

    def is_first(self) -> bool:
        """Return whether the record that was read last begins a frame."""
        return self.at == 0 and self.kind != STATE

    def read(self, sector: int, at: int) -> int:
        """Read the first whole record at or behind byte `at`; return where the next begins, 0 if none is."""
        number = (self.number - (self.newest - sector) % self.sectors) & 0xFFFFFFFF
        limit = self.sector_bytes - _RECORD_BYTES - _CRC_BYTES
        while at <= limit:
            size = self._load(sector, at, number)
            if size >= 0:
                self.slot = sector * self.sector_bytes + at
                return at + _RECORD_BYTES + size + _CRC_BYTES
            if size == -1 and self._is_blank_from(sector, at):
                return 0
            at += 1  # a broken record's size says nothing: look for the next whole one
        return 0

    def _load(self, sector: int, at: int, number: int) -> int:
        """Read one record; return the size of its payload, -1 where a blank is, -2 if it is broken."""
        left = self.sector_bytes - at
        self._flash.readblocks(sector, self._view if left >= len(self._buf) else self._view[:left], at)
        size = self._buf[0]
        if size == _BLANK:
            return -1
        end = _RECORD_BYTES + size
        if size > _SIZE_MAX or end + _CRC_BYTES > left:
            return -2
        signed, _, payload = self._slices(size)
        if struct.unpack_from("<I", self._buf, end)[0] != crc32(signed, number) & 0xFFFFFFFF:
            return -2
        fields = struct.unpack_from(_RECORD, self._buf, 0)
        _, self.kind, self.boot, self.seq, self.up_s, self.up_ms, self.at = fields
        self.payload = payload
        return size

    def _slices(self, size: int):
        """Return of a record in the buffer (all but its CRC, all of it, its payload)."""
        views = self._views.get(size)
        if not views:
            view, end = self._view, _RECORD_BYTES + size
            views = view[:end], view[: end + _CRC_BYTES], view[_RECORD_BYTES:end]
            if len(self._views) < _VIEWS:
                self._views[size] = views
        return views

    def _is_blank_from(self, sector: int, at: int) -> bool:
        """Return whether the next bytes are blank too: a broken record may have a blank in it."""
        part = memoryview(self._line)[: min(_LINE, self.sector_bytes - at)]
        self._flash.readblocks(sector, part, at)
        return part == _BLANKS[: len(part)]

    def sector_of(self, number: int) -> int:
        """Return the sector with that number, -1 if it holds nothing any more."""
        age = self.number - number
        if not 0 <= age < self.sectors or self.newest < 0:
            return -1
        sector = (self.newest - age) % self.sectors
        return sector if self._whole[sector] else -1

    def number_of(self, sector: int) -> int:
        """Return the number of a sector that holds something."""
        return self.number - (self.newest - sector) % self.sectors

    def following(self, sector: int) -> int:
        """Return the sector after, -1 after the newest."""
        while sector != self.newest:
            sector = (sector + 1) % self.sectors
            if self._whole[sector]:
                return sector
        return -1

    def next_key(self, sector: int) -> int:
        """Return the key that came next when the sector was opened."""
        return self._boots[sector] << 16 | self._seqs[sector]

    def last_key(self, sector: int) -> int:
        """Return a key that none in the sector is above."""
        after = self.following(sector)
        return self.next_key(after) - 1 if after >= 0 else self.acks.last

    def is_done(self, sector: int) -> bool:
        """Return whether no frame that begins in the sector waits; told without reading it."""
        low, high = self.next_key(sector), self.last_key(sector)
        return low > high or self.acks.covers(low, high)

    def tail(self) -> int:
        """Return the number of the oldest sector in which anything may wait; told without reading."""
        number = max(self._tail, self.number - self.sectors + 1, 1)
        while number < self.number:
            sector = self.sector_of(number)
            if sector >= 0 and self.last_key(sector) >= self.acks.floor:
                break
            number += 1
        self._tail = number
        return number

    def free_sectors(self) -> int:
        """Return how many sectors can be opened before something that waits is given up."""
        return self.sectors - 2 - (self.number - self.tail()) if self.newest >= 0 else self.sectors - 1

    # writing

    def make_room(self, size: int) -> None:
        """See that a record of that size fits into the newest sector."""
        if self.newest < 0 or self._end + _RECORD_BYTES + size + _CRC_BYTES > self.sector_bytes:
            self._open()

    def append(
        self, kind: int, boot: int, seq: int, up_ms: int, at: int, source, start: int, size: int
    ) -> None:
        """Write a record with `size` bytes of `source` from `start` on; it is safe when this returns."""
        self.make_room(size)
        self._note_last(boot, seq)  # also should the write fail: nobody can tell what it left
        buf = self._buf
        up_s = up_ms // 1000
        struct.pack_into(_RECORD, buf, 0, size, kind, boot, seq, up_s, up_ms % 1000, at)
        for i in range(size):
            buf[_RECORD_BYTES + i] = source[start + i]
        self._write(size)
        self._note_end(kind, boot, up_s, size)

    def save(self) -> None:
        """Write the state: what was acknowledged is done with when this returns."""
        if self.newest < 0 or self._end + _RECORD_BYTES + STATE_MAX + _CRC_BYTES > self.sector_bytes:
            self._open()  # and with it the state
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
        signed, whole, _ = self._slices(size)
        struct.pack_into("<I", self._buf, end, crc32(signed, self.number) & 0xFFFFFFFF)
        at, self._end = self._end, self.sector_bytes  # sealed, should the write fail
        self.slot = self.newest * self.sector_bytes + at
        self._flash.writeblocks(self.newest, whole, at)
        self._end = at + end + _CRC_BYTES

    def _next(self) -> int:
        return (self.newest + 1) % self.sectors

    def _open(self) -> None:
        """Go on in the next sector, and give up the one after it."""
        sector = self._next()
        self._end = self.sector_bytes  # sealed, should any of this fail
        if self._whole[sector]:  # only after a failure, or before anything was given up
            self._bury(sector)
        self._flash.ioctl(_ERASE, sector)
        head, following = self._head, self.acks.last + 1
        boot, seq = following >> 16, following & 0xFFFF
        struct.pack_into(_HEAD, head, 0, _MAGIC, _VERSION, 0, self.number + 1, boot, seq)
        crc = crc32(self._head_signed) & 0xFFFFFFFF
        struct.pack_into("<I", head, _HEAD_BYTES - _CRC_BYTES, crc)
        self._give_up((sector + 1) % self.sectors)
        self._flash.writeblocks(sector, head, 0)
        self.newest = sector
        self.number += 1
        self._boots[sector], self._seqs[sector], self._whole[sector] = boot, seq, 1
        self._end = self.first
        self._write_state()
        if self._whole[self._next()]:
            self._bury(self._next())

    def _give_up(self, sector: int) -> None:
        """Count the frames in the oldest sector that nobody has acknowledged; all of them are done with."""
        acks = self.acks
        if not self._whole[sector]:
            return
        after = self.following(sector)
        if not self.is_done(sector):
            self._count(sector)
        if after >= 0:
            acks.raise_floor(self.next_key(after))  # with all that began before it

    def _count(self, sector: int) -> None:
        acks, top, at = self.acks, -1, self.read(sector, self.first)
        while at:
            key = self.key()
            if self.kind != STATE and key > top:
                top = key
                if not acks.is_done(key):
                    acks.drop(key)
            at = self.read(sector, at)

    def _bury(self, sector: int) -> None:
        """Make the head's magic zero."""
        self._whole[sector] = 0
        self._flash.writeblocks(sector, b"\x00\x00", 0)


def _end_s(kind: int, up_s: int, size: int) -> int:
    if kind == SCHEMA_WINDOWS:
        return up_s + size // _WINDOW_BYTES * WINDOW_MS // 1000
    return up_s + size // _MINUTE_BYTES * 60 if kind == SCHEMA_MINUTES else up_s
