"""What a relay answers: one tagged ack per collar, and the body that carries them. Use through herdcore.wire.

A collar believes an ack and nothing else: "HTTP 200" says nothing about durability, and a forged ack would
make it forget data. The tag covers the tags of the frames it answers, so an ack fits one request only.
"""

from collections import namedtuple

from herdcore import auth, mpack
from herdcore.compat import const
from herdcore.fields import TAG_HEAD, FrameError, check, get_bytes, get_number, put, shape_error

RANGES_MAX = 64  # no more than frames in a request
COMMANDS_MAX = 512
ACK_MAX = 1400
ANSWERS_MAX = 64  # results, and acks, in one answer

_ACK_MIN = const(22)
_ARRAY_OF_8 = const(0x98)
_TAG_BYTES = const(8)
_TAIL = const(10)  # the tag with its head

# Position is the format; forms as in wire.FRAME_FIELDS. array: low..high times [boot, lo, hi], each 0..65535.
ACK_FIELDS = (
    ("version", "uint", 1, 1),
    ("device", "u32", 0, 0xFFFFFFFF),
    ("ranges", "array", 0, RANGES_MAX),
    ("utc_ms", "uint", 0, 9007199254740991),
    ("next_s", "uint", 0, 604800),
    ("flags", "uint", 0, 65535),
    ("commands", "bin", 0, COMMANDS_MAX),
    ("tag", "bin", _TAG_BYTES, _TAG_BYTES),
)

Ack = namedtuple("Ack", "device ranges utc_ms next_s flags commands")


def _tail(key, signed, tags):
    """Return the last element of an ack: the tag with its head."""
    return TAG_HEAD + auth.hmac_sha256(key, signed, *tags)[:_TAG_BYTES]


def _check_range(boot, lo, hi):
    check("boot", boot, 0, 0xFFFF)
    check("hi", hi, 0, 0xFFFF)
    check("lo", lo, 0, hi)


def encode_ack(ack: Ack, key_down: bytes, tags: "list[bytes]") -> bytes:
    """Return the signed bytes of an ack.

    tags: the 8-byte tags of this collar's rightly tagged frames of this request, in their order there.
    Raises FrameError if a field is out of range or a range runs backwards.
    """
    check("ranges", len(ack.ranges), 0, RANGES_MAX)
    writer = mpack.Writer(bytearray(ACK_MAX))
    writer.array(len(ACK_FIELDS))
    put(writer, ACK_FIELDS[:2], (1, ack.device))
    writer.array(len(ack.ranges))
    for boot, lo, hi in ack.ranges:
        _check_range(boot, lo, hi)
        writer.array(3)
        for value in (boot, lo, hi):
            writer.uint(value)
    put(writer, ACK_FIELDS[3:7], ack[2:])
    signed = bytes(memoryview(writer.buf)[: writer.pos])
    return signed + _tail(key_down, signed, tags)


def _get_range(reader):
    if reader.array(3) != 3:
        raise FrameError("shape", "a range is not [boot, lo, hi]")
    boot, lo, hi = reader.uint(0xFFFF), reader.uint(0xFFFF), reader.uint(0xFFFF)
    _check_range(boot, lo, hi)
    return boot, lo, hi


def decode_ack(raw: "bytes | bytearray | memoryview", key_down: bytes, tags: "list[bytes]") -> Ack:
    """Return the ack; FrameError with reason "tag" unless it was signed for the frames with these tags."""
    if not _ACK_MIN <= len(raw) <= ACK_MAX:
        raise FrameError("size", "ack of %d bytes outside %d..%d" % (len(raw), _ACK_MIN, ACK_MAX))
    view = memoryview(raw)
    if not auth.equal(_tail(key_down, view[:-_TAIL], tags), view[-_TAIL:]):
        raise FrameError("tag", "wrong tag: not from our relay, or not for these frames")
    if raw[0] != _ARRAY_OF_8:
        raise FrameError("shape", "ack is no array of 8")
    reader = mpack.Reader(raw, 1)
    try:
        _, device = [get_number(reader, field) for field in ACK_FIELDS[:2]]
        ranges = [_get_range(reader) for _ in range(reader.array(RANGES_MAX))]
        utc_ms, next_s, flags = [get_number(reader, field) for field in ACK_FIELDS[3:6]]
        commands, _ = [get_bytes(reader, field) for field in ACK_FIELDS[6:]]
        reader.end()
    except mpack.MpackError as exc:
        raise shape_error(exc)  # noqa: B904 - MicroPython does not chain exceptions
    return Ack(device, ranges, utc_ms, next_s, flags, bytes(commands))


def encode_answer(results: "list[int]", acks: "list[bytes]") -> bytes:
    """Return the body that answers POST /v1/frames: a status per frame in their order, and the acks."""
    check("results", len(results), 0, ANSWERS_MAX)
    check("acks", len(acks), 0, ANSWERS_MAX)
    writer = mpack.Writer(bytearray(7 + sum([5 + len(ack) for ack in acks]) + 3 * len(results)))
    writer.array(2)
    writer.array(len(results))
    for status in results:
        check("status", status, 100, 599)
        writer.uint(status)
    writer.array(len(acks))
    for ack in acks:
        check("bytes of ack", len(ack), _ACK_MIN, ACK_MAX)
        writer.bin(ack)
    return bytes(memoryview(writer.buf)[: writer.pos])


def decode_answer(raw: "bytes | bytearray | memoryview") -> "tuple[list[int], list[bytes]]":
    """Return (status per frame, acks); nothing in it is to be believed before decode_ack()."""
    reader = mpack.Reader(raw)
    try:
        if reader.array(2) != 2:
            raise FrameError("shape", "answer is no array of 2")
        results = [reader.uint(599) for _ in range(reader.array(ANSWERS_MAX))]
        acks = [bytes(reader.bin(ACK_MAX)) for _ in range(reader.array(ANSWERS_MAX))]
        reader.end()
    except mpack.MpackError as exc:
        raise shape_error(exc)  # noqa: B904 - MicroPython does not chain exceptions
    return results, acks
