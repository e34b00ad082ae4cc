"""What a collar remembers over a reset: a few counters in the memory that only a power loss clears."""

import struct
from binascii import crc32

_MAGIC = b"HBR2"
# name, struct code: the place is the format, and a change of it changes the magic
_FIELDS = (
    ("abnormal_boots", "B"),  # in a row
    ("attempt", "B"),  # failed uploads in a row
    ("fault", "H"),  # last fault: state << 8 | errno
    ("faults", "H"),
    ("fifo_gaps", "H"),
    ("sensor_faults", "H"),
    ("uplink_failures", "H"),
    ("next_upload_s", "I"),  # uptime
    ("last_ack_ms", "Q"),  # UTC
)
_NAMES = tuple([name for name, _ in _FIELDS])
_FORMAT = "<4s" + "".join([code for _, code in _FIELDS])
_SIZE = struct.calcsize(_FORMAT)
_HIGH = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFFFFFF, "Q": 0xFFFFFFFFFFFFFFFF}


class Retained:
    """The counters, by name: kept["faults"]. `memory`: writable, 40 bytes or more, kept over resets."""

    def __init__(self, memory) -> None:
        self._memory = memory
        self._values = self._load() or dict.fromkeys(_NAMES, 0)
        self._is_saved = False

    def _load(self):
        """Return the values, or None where the content is not ours: after power-on it is random."""
        raw = bytes(self._memory[: _SIZE + 4])
        if raw[:4] != _MAGIC or struct.unpack("<I", raw[_SIZE:])[0] != crc32(raw[:_SIZE]) & 0xFFFFFFFF:
            return None
        return dict(zip(_NAMES, struct.unpack(_FORMAT, raw[:_SIZE])[1:]))

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def __setitem__(self, name: str, value: int) -> None:
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
        values = [min(max(self._values[name], 0), _HIGH[code]) for name, code in _FIELDS]
        raw = struct.pack(_FORMAT, _MAGIC, *values)
        self._memory[: _SIZE + 4] = raw + struct.pack("<I", crc32(raw) & 0xFFFFFFFF)
        self._is_saved = True
