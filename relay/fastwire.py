"""herdcore.wire at the speed of C, for a host's hot path: the same bytes and answers in a fifth of the time.

`herdcore.wire` is the definition and stays the judge: what is not plainly right here is handed to it, and it
says what is wrong. One difference is meant: a request body may use any msgpack form for its array and byte
strings, as other tools write them; frames may not. Tests hold every function against its original.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]  # it has no stubs
from herdcore import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAIL = wire.TAG_BYTES + 2  # the tag with its head
_FIXED_BYTES = 8  # array head, kind, device with its head, epoch
_ACK_HEAD = b"\x98\x01\xce"  # array of 8, version 1, the head of a u32
_pack: Any = msgpack.Packer().pack


def decode_batch(body: bytes) -> list[bytes]:
    """Return the frames of a request body. Raises wire.BatchError."""
    try:
        frames = msgpack.unpackb(
            body,
            max_array_len=wire.BATCH_MAX,
            max_bin_len=wire.BODY_MAX,
            max_str_len=0,
            max_map_len=0,
            max_ext_len=0,
        )
    except (ValueError, msgpack.UnpackException):
        frames = None
    if type(frames) is list and frames and all(type(frame) is bytes for frame in frames):
        return frames
    wire.decode_batch(body)  # says what is wrong
    raise wire.BatchError("shape", "no array of byte strings")


@lru_cache(maxsize=32_768)  # 1 KiB each
def _hashes(key: bytes) -> tuple[Any, Any]:
    """Return the inner and outer hash of HMAC-SHA256 (RFC 2104), the 32-byte key already in them."""
    block = key.ljust(64, b"\0")
    return hashlib.sha256(bytes(b ^ 0x36 for b in block)), hashlib.sha256(bytes(b ^ 0x5C for b in block))


def _tag(key: bytes, signed: bytes) -> bytes:
    """Return the first bytes of the HMAC: hmac.digest() takes three times as long, most of it for the key."""
    inner, outer = _hashes(key)
    inner, outer = inner.copy(), outer.copy()
    inner.update(signed)
    outer.update(inner.digest())
    tag: bytes = outer.digest()[: wire.TAG_BYTES]
    return tag


def tag_ok(raw: bytes, key_up: bytes) -> bool:
    """Return whether the tag is right, in constant time, for bytes that wire.peek() accepts."""
    return hmac.compare_digest(_tag(key_up, raw[:-_TAIL]), raw[-wire.TAG_BYTES :])


def decode_frame(raw: bytes) -> Sequence[Any]:
    """Return the fields, in wire.Frame's order, of what wire.peek() accepts. Raises wire.FrameError."""
    try:
        fields = msgpack.unpackb(raw, max_array_len=9, max_str_len=0, max_map_len=0, max_ext_len=0)
    except (ValueError, msgpack.UnpackException):
        return wire.decode_frame(raw)
    return fields if _plainly_right(fields, len(raw)) else wire.decode_frame(raw)


def _plainly_right(fields: list[Any], size: int) -> bool:
    kind, _, _, boot, seq, up_s, age_s, records, tag = fields
    if type(records) is not bytes or type(tag) is not bytes or type(kind) is not int:
        return False
    name, width, most = wire.SCHEMAS.get(kind & 15, ("", 1, 0))
    length = len(records)
    if name == "health" or length % width or not 0 < length <= width * most:
        return False
    # Each integer is in its shortest form if all together are as short as can be.
    shortest = _FIXED_BYTES + _u16(boot) + _u16(seq) + _u32(up_s) + _u32(age_s) + _bin(length) + _TAIL
    return size == shortest


def _u16(value: Any) -> int:
    """Return how many bytes a 16-bit number takes; for any other value more than a frame has."""
    if type(value) is not int or not 0 <= value <= 0xFFFF:
        return wire.FRAME_MAX
    return 1 if value < 0x80 else 2 if value < 0x100 else 3


def _u32(value: Any) -> int:
    if type(value) is int and 0xFFFF < value <= 0xFFFFFFFF:
        return 5
    return _u16(value)


def _bin(length: int) -> int:
    return length + (2 if length < 0x100 else 3)


class AckWriter:
    """Writes acks that tell every collar the same period and carry no commands."""

    def __init__(self, next_s: int, flags: int = 0) -> None:
        wire.encode_ack(wire.Ack(0, [], 0, next_s, flags, b""), b"", [])  # refuses what is out of range
        self._end = _pack(next_s) + _pack(flags) + _pack(b"")

    def ack(
        self, device: int, ranges: list[tuple[int, int, int]], utc_ms: int, key_down: bytes, tags: list[bytes]
    ) -> bytes:
        """Return what wire.encode_ack returns."""
        signed = b"".join((_ACK_HEAD, device.to_bytes(4, "big"), _pack(ranges), _pack(utc_ms), self._end))
        return signed + b"\xc4\x08" + _tag(key_down, b"".join((signed, *tags)))


def encode_answer(results: list[int], acks: list[bytes]) -> bytes:
    """Return what wire.encode_answer returns."""
    answer: bytes = _pack((results, acks))
    return answer
