"""What a collar says: a signed frame v1, and the records that it packs itself. herdcore.wire reads them.

Header fields out of range are refused; values inside records are clamped when packed, because MicroPython's
struct wraps silently. What only a reader needs, the fields' names too, is in herdcore.records, off the board.
"""

import struct
from collections import namedtuple

from herdcore import mpack, signing
from herdcore.fields import TAG_HEAD, FrameError, check, put
from herdcore.vocabulary import SCHEMA_CODES, SCHEMA_HEALTH, SCHEMA_MINUTES, SCHEMA_RAW, SCHEMA_WINDOWS

VERSION = 1
FRAME_MAX = 1400  # bytes: one ESP-NOW v2 packet
RECORDS_MAX = 1360
TAG_BYTES = 8
WINDOW_BYTES = 14
MINUTE_BYTES = 8
RAW_BYTES = 6
CODES_MAX = 15  # bytes; the longest header and the tag take 36 of the 51 that such a frame may have

HEALTH_FORMAT = "<HbBBBBHHHHHIbbbbBBBBBHHHHB"
HEALTH_BYTES = struct.calcsize(HEALTH_FORMAT)
# Where a number is bounded more tightly than its form: place, low, high.
HEALTH_BOUNDS = ((0, 0, 6000), (1, -60, 125), (12, -127, 0))
# Of every other number, by its form: low, high.
FORM_BOUNDS = {"b": (-128, 127), "B": (0, 255), "H": (0, 65535), "I": (0, 0xFFFFFFFF)}

# schema -> (bytes of a record, most records in a frame)
SHAPES = {
    SCHEMA_WINDOWS: (WINDOW_BYTES, 88),
    SCHEMA_MINUTES: (MINUTE_BYTES, 170),
    SCHEMA_CODES: (1, CODES_MAX),
    SCHEMA_HEALTH: (HEALTH_BYTES, 1),
    SCHEMA_RAW: (RAW_BYTES, 226),
}

# Position is the format. uint: shortest form; u32: always ce and four bytes; bin: low..high bytes long.
FRAME_FIELDS = (
    ("kind", "uint", 0x10, 0x1F),
    ("device", "u32", 0, 0xFFFFFFFF),
    ("epoch", "uint", 0, 127),
    ("boot", "uint", 0, 65535),
    ("seq", "uint", 0, 65535),
    ("up_s", "uint", 0, 0xFFFFFFFF),
    ("age_s", "uint", 0, 0xFFFFFFFF),
    ("records", "bin", 1, RECORDS_MAX),
    ("tag", "bin", TAG_BYTES, TAG_BYTES),
)

Frame = namedtuple("Frame", "kind device epoch boot seq up_s age_s records")


def frame_kind(schema: int) -> int:
    """Return the first field of a frame of that schema."""
    return VERSION << 4 | schema


def check_shape(schema: int, size: int) -> None:
    """Raise FrameError unless `size` bytes are whole records of a known schema, and few enough."""
    if schema not in SHAPES:
        raise FrameError("schema", "schema %d is not known" % schema)
    width, most = SHAPES[schema]
    if size == 0 or size % width or size > width * most:
        raise FrameError(
            "records", "schema %d: %d bytes, want 1..%d records of %d" % (schema, size, most, width)
        )


def frame_tail(key: bytes, signed: "bytes | bytearray | memoryview") -> bytes:
    """Return the last element of a frame: the tag with its head."""
    return TAG_HEAD + signing.hmac_sha256(key, signed)[:TAG_BYTES]


def encode_frame(frame: Frame, key_up: bytes) -> bytes:
    """Return the signed bytes of a frame.

    Raises FrameError if a field is out of range or the records have not the shape of their schema; what is in
    them is looked at on the host only.
    """
    check("kind", frame.kind, 0x10, 0x1F)
    check_shape(frame.kind & 0x0F, len(frame.records))
    writer = mpack.Writer(bytearray(len(frame.records) + 27))
    writer.array(len(FRAME_FIELDS))
    put(writer, FRAME_FIELDS, frame)
    signed = memoryview(writer.buf)[: writer.pos]
    return bytes(signed) + frame_tail(key_up, signed)


def pack_health(values: "tuple[int, ...]") -> bytes:
    """Return the record of a health frame; values out of range are clamped.

    values: in the order of records.HEALTH_FIELDS.
    """
    clamped = list(values)
    for place, low, high in HEALTH_BOUNDS:
        clamped[place] = min(max(clamped[place], low), high)
    for place in range(len(clamped)):
        low, high = FORM_BOUNDS[HEALTH_FORMAT[1 + place]]
        clamped[place] = min(max(clamped[place], low), high)
    return struct.pack(HEALTH_FORMAT, *clamped)


def pack_raw_head(rate_mhz: int, offset_ms: int, burst_id: int) -> bytes:
    """Return the first record of a raw frame; FrameError if a number is out of range.

    rate_mhz: samples in 1000 s, 1..65535. offset_ms: from the frame's up_s to the first sample.
    """
    check("rate_mhz", rate_mhz, 1, 0xFFFF)
    check("offset_ms", offset_ms, 0, 0xFFFF)
    check("burst_id", burst_id, 0, 0xFFFF)
    return struct.pack("<HHH", rate_mhz, offset_ms, burst_id)
