"""Frame v1 as the host sees it: reading what collars say, and every name of the format in one place.

Host only: what a collar needs stands in herdcore.frames, herdcore.ack, herdcore.orders and herdcore.hours,
with the tables, which are the definition; WIRE.md is generated from them.

Every function that reads bytes takes any bytes-like object and raises FrameError, and nothing else, whatever
the bytes are. Header fields out of range are refused; values inside records are clamped when packed, because
MicroPython's struct wraps silently. Records and acks have modules of their own; their names are handed on.
"""

import struct

from herdcore import auth, mpack
from herdcore.answer import ACK_FIELDS, Ack, decode_ack, decode_answer, encode_ack, encode_answer
from herdcore.compat import const
from herdcore.fields import TAG_HEAD, FrameError, check, get_bytes, get_number, shape_error
from herdcore.frames import (
    FRAME_FIELDS,
    FRAME_MAX,
    HEALTH_BYTES,
    RECORDS_MAX,
    TAG_BYTES,
    VERSION,
    WINDOW_BYTES,
    Frame,
    frame_kind,
    frame_tail,
    pack_health,
)
from herdcore.frames import encode_frame as encode_packed
from herdcore.records import (
    HEALTH_FIELDS,
    SCHEMAS,
    WINDOW_FIELDS,
    Health,
    Window,
    check_records,
    pack_window,
    unpack_health,
    unpack_windows,
)

__all__ = (
    "ACK_FIELDS",
    "BATCH_MAX",
    "BODY_MAX",
    "FRAME_FIELDS",
    "FRAME_MAX",
    "HEALTH_BYTES",
    "HEALTH_FIELDS",
    "RECORDS_MAX",
    "SCHEMAS",
    "TAG_BYTES",
    "VERSION",
    "WINDOW_BYTES",
    "WINDOW_FIELDS",
    "Ack",
    "BatchError",
    "Frame",
    "FrameError",
    "Health",
    "Window",
    "decode_ack",
    "decode_answer",
    "decode_batch",
    "decode_frame",
    "encode_ack",
    "encode_answer",
    "encode_batch",
    "encode_frame",
    "frame_kind",
    "pack_health",
    "pack_window",
    "peek",
    "tag_of",
    "tag_ok",
    "unpack_health",
    "unpack_windows",
)

BODY_MAX = 96 * 1024
BATCH_MAX = 64

_FRAME_MIN = const(25)  # every integer in one byte, one byte of records
_TAIL = const(10)  # the tag with its head
_ARRAY_OF_9 = const(0x99)


class BatchError(FrameError):
    """A request body that is not an array of 1..64 byte strings."""


def encode_frame(frame: Frame, key_up: bytes) -> bytes:
    """Return the signed bytes of a frame.

    Raises FrameError if a field is out of range or the records do not suit their schema.
    """
    check("kind", frame.kind, 0x10, 0x1F)
    check_records(frame.kind & 0x0F, frame.records)
    return encode_packed(frame, key_up)


def peek(raw: "bytes | bytearray | memoryview") -> "tuple[int, int]":
    """Return (device, epoch) of what may be a frame: all that is looked at before the tag is checked."""
    if not _FRAME_MIN <= len(raw) <= FRAME_MAX:
        raise FrameError("size", "frame of %d bytes outside %d..%d" % (len(raw), _FRAME_MIN, FRAME_MAX))
    if raw[0] != _ARRAY_OF_9 or bytes(raw[-10:-8]) != TAG_HEAD:
        raise FrameError("shape", "no array of 9 that ends in a tag")
    if raw[1] >> 4 != VERSION:
        raise FrameError("version", "kind 0x%02x is not of version %d" % (raw[1], VERSION))
    if raw[2] != 0xCE or raw[7] > 127:
        raise FrameError("shape", "device or epoch is not where version %d has it" % VERSION)
    return struct.unpack(">I", raw[3:7])[0], raw[7]


def tag_of(raw: "bytes | bytearray | memoryview") -> bytes:
    """Return the 8 bytes of the tag of a frame that peek() accepts."""
    return bytes(raw[-TAG_BYTES:])


def tag_ok(raw: "bytes | bytearray | memoryview", key_up: bytes) -> bool:
    """Return whether the tag is right, in constant time, for bytes that peek() accepts."""
    return auth.equal(frame_tail(key_up, memoryview(raw)[:-_TAIL]), raw[-_TAIL:])


def decode_frame(raw: "bytes | bytearray | memoryview") -> Frame:
    """Return the frame; types, ranges, record width and count are checked. Ask tag_ok() first."""
    peek(raw)
    reader = mpack.Reader(raw, 1)
    try:
        kind, device, epoch, boot, seq, up_s, age_s = [
            get_number(reader, field) for field in FRAME_FIELDS[:7]
        ]
        records = bytes(get_bytes(reader, FRAME_FIELDS[7]))
        get_bytes(reader, FRAME_FIELDS[8])
        reader.end()
    except mpack.MpackError as exc:
        raise shape_error(exc)  # noqa: B904 - MicroPython does not chain exceptions
    check_records(kind & 0x0F, records)
    return Frame(kind, device, epoch, boot, seq, up_s, age_s, records)


def encode_batch(frames: "list[bytes]") -> bytes:
    """Return the body of POST /v1/frames for 1..64 frames."""
    if not 1 <= len(frames) <= BATCH_MAX:
        raise BatchError("shape", "%d frames outside 1..%d" % (len(frames), BATCH_MAX))
    writer = mpack.Writer(bytearray(3 + sum([5 + len(frame) for frame in frames])))
    writer.array(len(frames))
    for frame in frames:
        writer.bin(frame)
    return bytes(memoryview(writer.buf)[: writer.pos])


def decode_batch(body: "bytes | bytearray | memoryview") -> "list[memoryview]":
    """Return a view of each frame in a request body; what is in them is not looked at."""
    if len(body) > BODY_MAX:
        raise BatchError("size", "body of %d bytes, at most %d" % (len(body), BODY_MAX))
    try:
        reader = mpack.Reader(body)
        frames = [reader.bin(BODY_MAX) for _ in range(reader.array(BATCH_MAX))]
        reader.end()
    except mpack.MpackError as exc:
        raise BatchError("shape", str(exc))  # noqa: B904 - MicroPython does not chain exceptions
    if not frames:
        raise BatchError("shape", "0 frames outside 1..%d" % BATCH_MAX)
    return frames
