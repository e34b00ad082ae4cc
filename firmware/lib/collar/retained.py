"""What a collar remembers over a reset and a deep sleep: the 2 KB of memory that only a power loss clears.

Two blocks, each with a CRC32 of its own: the counters, saved at every lap, and what a deep sleep would lose
(samples of an unfinished window, windows not in flash yet), saved before it. A flipped bit anywhere makes a
block unreadable, and the collar begins from what is in flash.
"""

import struct
from binascii import crc32

from herdcore.compat import const

_MAGIC = b"HBR4"
# name and struct code: the place is the format, and a change of it changes the magic. One text, for 43 tuples
# take 2 kB of the heap.
_FIELDS = (  # noqa: SIM905 - a list would be 86 texts in the file
    "abnormal_boots B "  # in a row
    "attempt B "  # failed uploads in a row
    "fault H "  # last fault: state << 8 | errno
    "faults H "
    "fifo_gaps H "
    "sensor_faults H "
    "uplink_failures H "
    "next_upload_s I "  # uptime
    "last_ack_ms Q "  # UTC
    "last_ack_up_ms Q "  # uptime of that ack
    "drift_ppm i "  # of the collar's clock against UTC; positive: it is slow
    # the radio (collar.contact, collar.wifi)
    "energy_mc I "  # charge that failed attempts may still take, mC
    "energy_s I "  # uptime at which that was
    "slots 12s "  # two bits of trust for each half-hour of the day in which there was contact
    "network B "  # which network to try
    "relay B "  # which relay to try
    "lease 16s "  # address, mask, gateway, DNS of the last network joined; zeros: none
    "lease_s I "  # uptime at which it was given
    # the battery (collar.power): state of charge by day
    "batt_day H "
    "batt_permille 16s "
    # deep sleep (collar.app)
    "boot H "  # the boot that goes on after a deep sleep; 0: none does
    "up_ms Q "  # uptime when it began
    "rtc_ms Q "  # the board's own clock then
    "chip B "
    "period_us I "
    "next_ms Q "  # when the sampler expects the next sample
    "fed_ms Q "  # since when it counts samples for their rate
    "fed I "
    "left H "  # samples the chip still held
    "wake_ms Q "
    "last_drain_ms Q "
    "health_ms Q "
    "heard_ms Q "  # uptime of the last ack, or of the boot; far ahead: a boot that began deaf
    "period_s I "
    "schema B "
    "alarms B "
    "burst H "  # the last raw burst asked for
    "burst_left H "  # samples it still lacks
    "alarm 12s "
    "watch 6s "
).split()
_NAMES: "tuple[str, ...]" = tuple(_FIELDS[::2])
_CODES = _FIELDS[1::2]
_FORMAT = "<4s" + "".join(_CODES)
_SIZE = struct.calcsize(_FORMAT)
_HIGH = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFFFFFF, "Q": 0x7FFFFFFFFFFFFFFF, "i": 0x7FFFFFFF}
_DEEP_AT = const(256)
_DEEP_HEAD = "<IH"  # CRC32 of the rest, length of the payload
_DEEP_HEAD_BYTES = const(6)
DEEP_MAX = 2048 - _DEEP_AT - _DEEP_HEAD_BYTES


def _blank(code: str):
    return bytes(int(code[:-1])) if code[-1] == "s" else 0


class Retained:
    """The counters, by name: kept["faults"]; byte strings have a fixed length. `memory`: writable, 2048 B."""

    def __init__(self, memory) -> None:
        self._memory = memory
        # After power-on, or when a bit has flipped, nothing is known.
        self._values = self._load() or {name: _blank(code) for name, code in zip(_NAMES, _CODES)}
        self._is_saved = False

    def _load(self):
        """Return the values, or None where the content is not ours: after power-on it is random."""
        raw = bytes(self._memory[: _SIZE + 4])
        if raw[:4] != _MAGIC or struct.unpack("<I", raw[_SIZE:])[0] != crc32(raw[:_SIZE]) & 0xFFFFFFFF:
            return None
        return dict(zip(_NAMES, struct.unpack(_FORMAT, raw[:_SIZE])[1:]))

    def __getitem__(self, name: str):
        return self._values[name]

    def __setitem__(self, name: str, value) -> None:
        if name not in self._values:
            raise KeyError(name)
        if self._values[name] != value:
            self._values[name] = value
            self._is_saved = False

    def bump(self, name: str) -> None:
        """Add one; it stops at what the field can hold when saved."""
        self[name] = self._values[name] + 1

    def save(self) -> None:
        """Write everything if anything is new; the memory is right again with the last byte."""
        if self._is_saved:
            return
        values = [_within(self._values[name], code) for name, code in zip(_NAMES, _CODES)]
        raw = struct.pack(_FORMAT, _MAGIC, *values)
        self._memory[: _SIZE + 4] = raw + struct.pack("<I", crc32(raw) & 0xFFFFFFFF)
        self._is_saved = True

    # what a deep sleep would lose

    def save_deep(self, payload) -> None:
        """Write at most DEEP_MAX bytes. Raises ValueError for more."""
        if len(payload) > DEEP_MAX:
            raise ValueError("%d bytes to retain, at most %d" % (len(payload), DEEP_MAX))
        raw = struct.pack("<H", len(payload)) + bytes(payload)
        end = _DEEP_AT + _DEEP_HEAD_BYTES + len(payload)
        self._memory[_DEEP_AT:end] = struct.pack("<I", crc32(raw) & 0xFFFFFFFF) + raw

    def load_deep(self):
        """Return what save_deep() wrote; None if that is not there or not whole."""
        crc, size = struct.unpack(_DEEP_HEAD, bytes(self._memory[_DEEP_AT : _DEEP_AT + _DEEP_HEAD_BYTES]))
        if size > DEEP_MAX:
            return None
        raw = bytes(self._memory[_DEEP_AT + 4 : _DEEP_AT + _DEEP_HEAD_BYTES + size])
        return raw[2:] if crc == crc32(raw) & 0xFFFFFFFF else None

    def clear_deep(self) -> None:
        """Forget it: it is in flash."""
        self._memory[_DEEP_AT : _DEEP_AT + _DEEP_HEAD_BYTES] = bytes(_DEEP_HEAD_BYTES)


def _within(value, code: str):
    """Return the value as its field can hold it."""
    if code[-1] == "s":
        return value
    return min(max(value, -0x80000000 if code == "i" else 0), _HIGH[code])
