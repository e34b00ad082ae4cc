"""Hourly codes, read: the class of every minute. Host only; herdcore.hours packs them."""

from herdcore.fields import FrameError
from herdcore.frames import CODES_MAX
from herdcore.hours import CUT_MIN, DENSE, HOUR_MIN, LENGTH, calmed, dense, pack_codes
from herdcore.vocabulary import BEHAVIOURS

__all__ = ("CODES_MAX", "calmed", "pack_codes", "unpack_codes")


def unpack_codes(records: "bytes | bytearray | memoryview") -> bytes:
    """Return the class of every minute from the frame's up_s on. Raises FrameError."""
    if not 1 <= len(records) <= CODES_MAX:
        raise FrameError("records", "codes of %d bytes outside 1..%d" % (len(records), CODES_MAX))
    classes = _read_dense(records) if records[0] >= DENSE else _read_runs(records)
    if len(classes) > HOUR_MIN or max(classes) >= len(BEHAVIOURS):
        raise FrameError("records", "codes: more than 60 minutes, or no class")
    return bytes(classes)


def _read_runs(records):
    classes = bytearray()
    for run in records:
        classes += bytes([run >> 5]) * ((run & LENGTH) + 1)
    return classes


def _read_dense(records):
    count = (records[0] & LENGTH) + 1
    if count > CUT_MIN or len(records) != 1 + (3 * count + 7 >> 3):
        raise FrameError("records", "codes of %d minutes in %d bytes" % (count, len(records)))
    classes = bytearray(count)
    padded = bytes(records) + b"\x00"
    for i in range(count):
        bit = 3 * i
        at = 1 + (bit >> 3)
        classes[i] = (padded[at] << 8 | padded[at + 1]) >> 13 - (bit & 7) & 7
    if dense(classes) != records:
        raise FrameError("records", "codes: bits behind the last minute")
    return classes
