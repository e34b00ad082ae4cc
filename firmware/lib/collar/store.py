"""What becomes of windows: windows, minutes or codes in the outbox, or rows that wait for it in a deep sleep.

A collar that sleeps deeply would have to mount its log at every wake; it gathers a few minutes of windows in
retained memory instead and writes them together. state() and restore() carry them over the sleep, and over
any reset that leaves the memory whole.
"""

import struct

from herdcore.behaviour import Minutes
from herdcore.compat import const
from herdcore.frames import WINDOW_BYTES
from herdcore.hours import calmed, pack_codes
from herdcore.vocabulary import SCHEMA_CODES, SCHEMA_WINDOWS, WINDOW_MS

TYPE_CHECKING = False
if TYPE_CHECKING:  # a wake from deep sleep seldom needs it
    from collar.outbox import Outbox

ROWS_MAX = const(11)  # drains of seven windows that a deep sleep keeps
_ROW = "<QBB"  # uptime of the first window, ms; windows; whether samples are missing before it
_ROW_BYTES = const(10)
_HEAD = "<16sBIIB"  # how the collar sits; minutes, uptime of the first, s; hour of the codes; rows
_HEAD_BYTES = const(26)
_MINUTE_BYTES = const(8)
_MINUTES = const(15)  # that are written together
_HOUR_MINUTES = const(60)
_LEAST_WINDOWS = const(6)  # half a minute; what is less is a gap
_NO_HOUR = const(0xFFFFFFFF)


class Store:
    """`outbox` is set by its owner once the log is open; until then put() keeps rows.

    `schema`: of what was measured, SCHEMA_WINDOWS or SCHEMA_CODES. `is_changed`: something new since it was
    set False by whoever keeps the state.
    """

    def __init__(self, schema: int) -> None:
        self.schema = schema
        self.outbox: "Outbox"
        self.close()
        self.is_changed = False
        self._rows = []
        self._is_cut = False
        self._minutes = Minutes()
        self._packed = bytearray(_MINUTES * _MINUTE_BYTES)
        self._count, self._from_s = 0, 0
        self._hour, self._classes = _NO_HOUR, bytearray(_HOUR_MINUTES)

    def close(self) -> None:
        """Keep rows from here on."""
        self.outbox = None  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def is_full(self) -> bool:
        """Whether no further row can be kept: the log has to be opened."""
        return len(self._rows) >= ROWS_MAX

    def put(self, first_ms: int, packed, is_cut: bool) -> None:
        """Take consecutive windows, the first begun at uptime `first_ms`. is_cut: they follow on nothing."""
        is_cut = is_cut or self._is_cut
        self._is_cut = False
        if self.outbox is None:
            if self.is_full:  # the log could not be opened
                del self._rows[0]
            self._rows.append((first_ms, is_cut, bytes(packed)))
            self.is_changed = True
        else:
            self._take(first_ms, packed, is_cut)

    def flush(self) -> None:
        """Write the rows that wait, and the minutes that are whole."""
        rows, self._rows = self._rows, []
        for first_ms, is_cut, packed in rows:
            self._take(first_ms, packed, is_cut)
        self.is_changed = self.is_changed or bool(rows)
        self._write_minutes()

    def cut(self) -> None:
        """Note that samples are missing before the next windows."""
        self._is_cut = True

    def finish(self) -> None:
        """Write everything, an hour that is not over too."""
        self.flush()
        self._end_minute()
        self._write_minutes()
        self._write_hour()

    def _end_minute(self) -> None:
        if self._minutes.cut():
            self._minute()

    def _take(self, first_ms: int, packed, is_cut: bool) -> None:
        if is_cut:
            self._end_minute()
            self.outbox.seal()
        if self.schema == SCHEMA_WINDOWS and not self.outbox.is_short():
            self._end_minute()
            self._write_minutes()
            self.outbox.append_windows(first_ms, packed)
            return
        for at in range(0, len(packed), WINDOW_BYTES):
            if self._minutes.add(first_ms, packed, at):
                self._minute()
            first_ms += WINDOW_MS

    def _minute(self) -> None:
        """Take the minute that has just become complete."""
        minutes = self._minutes
        record, up_s = minutes.record, minutes.up_s
        if record[_MINUTE_BYTES - 1] >> 4 < _LEAST_WINDOWS:
            return
        self.is_changed = True
        if self.schema == SCHEMA_CODES:
            self._code(up_s // 60, record[0] >> 5)
            return
        if self._count and (self._count == _MINUTES or up_s != self._from_s + 60 * self._count):
            self._write_minutes()
        if not self._count:
            self._from_s = up_s
        at = self._count * _MINUTE_BYTES
        self._packed[at : at + _MINUTE_BYTES] = record
        self._count += 1

    def _code(self, minute: int, behaviour: int) -> None:
        hour = minute // _HOUR_MINUTES
        if hour != self._hour:
            self._write_hour()
            self._hour = hour
        self._classes[minute % _HOUR_MINUTES] = behaviour

    def _write_minutes(self) -> None:
        if self._count and self.outbox is not None:
            size = self._count * _MINUTE_BYTES
            self._count = 0
            self.is_changed = True  # what is kept of them must not be written again
            self.outbox.append_minutes(self._from_s, memoryview(self._packed)[:size])

    def _write_hour(self) -> None:
        hour, self._hour = self._hour, _NO_HOUR
        if hour != _NO_HOUR:
            for first, records in pack_codes(calmed(self._classes)):
                self.outbox.append_codes(60 * (_HOUR_MINUTES * hour + first), records)
        for i in range(_HOUR_MINUTES):
            self._classes[i] = 0

    # over a sleep

    def state(self) -> bytes:
        """Return all that is not in flash. What there is of the running minute becomes one, or is left."""
        if self.outbox is None:
            self._end_minute()
        size = self._count * _MINUTE_BYTES
        frame = bytes(self._minutes.frame)
        parts = [struct.pack(_HEAD, frame, self._count, self._from_s, self._hour, len(self._rows))]
        parts.append(bytes(memoryview(self._packed)[:size]))
        if self._hour != _NO_HOUR:
            parts.append(bytes(self._classes))
        for first_ms, is_cut, packed in self._rows:
            parts.append(struct.pack(_ROW, first_ms, len(packed) // WINDOW_BYTES, is_cut))
            parts.append(packed)
        return b"".join(parts)

    def restore(self, raw) -> None:
        """Take over what state() returned."""
        frame, self._count, self._from_s, self._hour, rows = struct.unpack_from(_HEAD, raw, 0)
        self._minutes = Minutes(frame)
        at = _HEAD_BYTES + self._count * _MINUTE_BYTES
        self._packed[: at - _HEAD_BYTES] = raw[_HEAD_BYTES:at]
        if self._hour != _NO_HOUR:
            self._classes[:] = raw[at : at + _HOUR_MINUTES]
            at += _HOUR_MINUTES
        for _ in range(rows):
            first_ms, windows, is_cut = struct.unpack_from(_ROW, raw, at)
            end = at + _ROW_BYTES + windows * WINDOW_BYTES
            self._rows.append((first_ms, bool(is_cut), bytes(raw[at + _ROW_BYTES : end])))
            at = end
