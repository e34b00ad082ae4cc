"""What a relay answers, written: acks and the body that carries them. Host only; herdcore.ack reads them."""

from herdcore import mpack
from herdcore.ack import (
    ACK_FIELDS,
    ACK_MAX,
    ACK_MIN,
    ANSWERS_MAX,
    COMMANDS_MAX,
    RANGES_MAX,
    Ack,
    ack_tail,
    check_range,
    decode_ack,
    decode_answer,
)
from herdcore.fields import check, put

__all__ = (
    "ACK_FIELDS",
    "ACK_MAX",
    "ANSWERS_MAX",
    "COMMANDS_MAX",
    "RANGES_MAX",
    "Ack",
    "decode_ack",
    "decode_answer",
    "encode_ack",
    "encode_answer",
)


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
        check_range(boot, lo, hi)
        writer.array(3)
        for value in (boot, lo, hi):
            writer.uint(value)
    put(writer, ACK_FIELDS[3:7], ack[2:])
    signed = bytes(memoryview(writer.buf)[: writer.pos])
    return signed + ack_tail(key_down, signed, tags)


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
        check("bytes of ack", len(ack), ACK_MIN, ACK_MAX)
        writer.bin(ack)
    return bytes(memoryview(writer.buf)[: writer.pos])
