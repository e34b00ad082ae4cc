"""herdcore.wire at the speed of C, for a host's hot path: the same bytes and answers in a fifth of the time.

`herdcore.wire` is the definition and stays the judge: what is not plainly right here is handed to it, and it
says what is wrong. One difference is meant: a request body may use any msgpack form for its array and byte
strings, as other tools write them; frames may not. Tests hold every function against its original.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]  # it has no stubs

from herdcore import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAIL = wire.TAG_BYTES + 2  # the tag with its head
_FIXED_BYTES = 8  # array head, kind, device with its head, epoch
_HEAD = struct.Struct(">BBBIB")
_TAG_HEAD = b"\xc4\x08"
_SIZES = (25, wire.FRAME_MAX)
_NUMBERS = struct.Struct(">HHII")  # boot, seq, up_s, age_s: packs what is in range
_TYPES = [int, int, int, int, bytes, bytes]
# kind -> bytes of a record, most bytes of records; the other schemas are rarer and have more rules.
_WIDTHS = {
    wire.frame_kind(schema): (width, width * most)
    for schema, (name, width, most) in wire.SCHEMAS.items()
    if name == "windows"
}
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
    if type(frames) is list and set(map(type, frames)) == {bytes}:
        return frames
    wire.decode_batch(body)  # says what is wrong
    raise wire.BatchError("shape", "no array of byte strings")


def peek(raw: bytes) -> tuple[int, int]:
    """Return (device, epoch) of what may be a frame. Raises wire.FrameError."""
    if len(raw) > _FIXED_BYTES:
        array, kind, u32, device, epoch = _HEAD.unpack_from(raw)
        right = array == 0x99 and kind >> 4 == wire.VERSION and u32 == 0xCE and epoch < 128
        if right and raw[-_TAIL : -wire.TAG_BYTES] == _TAG_HEAD and _SIZES[0] <= len(raw) <= _SIZES[1]:
            return device, epoch
    found: tuple[int, int] = wire.peek(raw)
    return found


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
    """Return the fields, in wire.Frame's order, of what peek() accepts. Raises wire.FrameError."""
    try:
        fields = msgpack.unpackb(raw)  # peek() has bounded its size, and nothing inside can be longer
        rest = fields[3:]  # what peek() has not looked at
        boot, seq, up_s, age_s, records, _ = rest
        _NUMBERS.pack(boot, seq, up_s, age_s)
        width, most_bytes = _WIDTHS[fields[0]]
        # What we would write ourselves is in its shortest form, and so is what equals it.
        right = (
            list(map(type, rest)) == _TYPES
            and len(records) % width == 0
            and 0 < len(records) <= most_bytes
            and _pack(rest)[1:] == raw[_FIXED_BYTES:]
        )
    except (ValueError, TypeError, KeyError, struct.error, msgpack.UnpackException):
        right = False
    return fields if right else wire.decode_frame(raw)


class AckWriter:
    """Writes acks that tell every collar the same period, and commands to those for whom some wait.

    `ends`: by device the end of its acks, as `end` makes it. The others get no flags and no commands.
    """

    def __init__(self, next_s: int) -> None:
        self._next_s = next_s
        self._end = self.end(0, b"")
        self.ends: dict[int, bytes] = {}

    def end(self, flags: int, commands: bytes) -> bytes:
        """Return the fields from `next_s` to `commands`. Raises wire.FrameError for one out of range."""
        wire.encode_ack(wire.Ack(0, [], 0, self._next_s, flags, commands), b"", [])  # refuses it
        packed: bytes = _pack(self._next_s) + _pack(flags) + _pack(commands)
        return packed

    def ack(
        self, device: int, ranges: list[tuple[int, int, int]], utc_ms: int, key_down: bytes, tags: list[bytes]
    ) -> bytes:
        """Return what wire.encode_ack returns."""
        between: bytes = _pack((ranges, utc_ms))[1:]
        end = self.ends.get(device, self._end) if self.ends else self._end
        signed = _ACK_HEAD + device.to_bytes(4, "big") + between + end
        tag = _tag(key_down, signed + b"".join(tags))
        ack: bytes = signed + _TAG_HEAD + tag
        return ack


def encode_answer(results: list[int], acks: list[bytes]) -> bytes:
    """Return what wire.encode_answer returns."""
    answer: bytes = _pack((results, acks))
    return answer
