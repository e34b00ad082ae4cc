"""What a relay answers: one tagged ack per collar, and the body that carries them. herdcore.answer writes it.

A collar believes an ack and nothing else: "HTTP 200" says nothing about durability, and a forged ack would
make it forget data. The tag covers the tags of the frames it answers, so an ack fits one request only.
"""

from collections import namedtuple

from herdcore import mpack, signing
from herdcore.compat import const
from herdcore.fields import TAG_HEAD, FrameError, check, get_bytes, get_number, shape_error

RANGES_MAX = 64  # no more than frames in a request
COMMANDS_MAX = 512
ACK_MIN = 22
ACK_MAX = 1400
ANSWERS_MAX = 64  # results, and acks, in one answer

_ARRAY_OF_8 = const(0x98)
_TAG_BYTES = const(8)
_TAIL = const(10)  # the tag with its head

# Position is the format; forms as in frames.FRAME_FIELDS. array: low..high times [boot, lo, hi].
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


def ack_tail(key, signed, tags):
    """Return the last element of an ack: the tag with its head."""
    return TAG_HEAD + signing.hmac_sha256(key, signed, *tags)[:_TAG_BYTES]


def check_range(boot, lo, hi):
    check("boot", boot, 0, 0xFFFF)
    check("hi", hi, 0, 0xFFFF)
    check("lo", lo, 0, hi)


def _get_range(reader):
    if reader.array(3) != 3:
        raise FrameError("shape", "no range")
    boot, lo, hi = reader.uint(0xFFFF), reader.uint(0xFFFF), reader.uint(0xFFFF)
    check_range(boot, lo, hi)
    return boot, lo, hi


def decode_ack(raw: "bytes | bytearray | memoryview", key_down: bytes, tags: "list[bytes]") -> Ack:
    """Return the ack; FrameError with reason "tag" unless it was signed for the frames with these tags."""
    if not ACK_MIN <= len(raw) <= ACK_MAX:
        raise FrameError("size", "ack of %d bytes outside %d..%d" % (len(raw), ACK_MIN, ACK_MAX))
    view = memoryview(raw)
    if not signing.equal(ack_tail(key_down, view[:-_TAIL], tags), view[-_TAIL:]):
        raise FrameError("tag", "wrong tag")
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


def decode_answer(raw: "bytes | bytearray | memoryview") -> "tuple[list[int], list[bytes]]":
    """Return (status per frame, acks); nothing in it is to be believed before decode_ack()."""
    reader = mpack.Reader(raw)
    try:
        if reader.array(2) != 2:
            raise FrameError("shape", "no answer")
        results = [reader.uint(599) for _ in range(reader.array(ANSWERS_MAX))]
        acks = [bytes(reader.bin(ACK_MAX)) for _ in range(reader.array(ANSWERS_MAX))]
        reader.end()
    except mpack.MpackError as exc:
        raise shape_error(exc)  # noqa: B904 - MicroPython does not chain exceptions
    return results, acks
