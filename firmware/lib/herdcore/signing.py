"""HMAC-SHA256, HKDF and the keys of the two directions. MicroPython has SHA-256 but neither of the two.

Sources: RFC 2104 (HMAC), RFC 5869 (HKDF).
"""

import hashlib

from herdcore.compat import const

_BLOCK = const(64)  # bytes SHA-256 works on
DIGEST = 32
_INNER = int.from_bytes(b"\x36" * 64, "big")
_OUTER = int.from_bytes(b"\x5c" * 64, "big")


def hmac_sha256(key: bytes, *parts: "bytes | bytearray | memoryview") -> bytes:
    """Return the 32-byte HMAC-SHA256 of the parts, one after the other."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    block = int.from_bytes(key + bytes(_BLOCK - len(key)), "big")
    inner = hashlib.sha256((block ^ _INNER).to_bytes(_BLOCK, "big"))
    for part in parts:
        inner.update(part)
    outer = hashlib.sha256((block ^ _OUTER).to_bytes(_BLOCK, "big"))
    outer.update(inner.digest())
    return outer.digest()


def hkdf_sha256(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Return `length` (1..8160) bytes of key material drawn from `ikm`, bound to `info`."""
    if not 1 <= length <= 255 * DIGEST:
        raise ValueError("length=%d outside 1..8160" % length)
    key = hmac_sha256(salt, ikm)
    block = material = b""
    while len(material) < length:
        block = hmac_sha256(key, block, info, bytes([len(material) // DIGEST + 1]))
        material += block
    return material[:length]


def label_key(key: bytes, label: bytes) -> bytes:
    """Return the 32-byte key of one direction, b"up" or b"down", from a collar's key."""
    if label not in (b"up", b"down"):
        raise ValueError("label=%r, want b'up' or b'down'" % label)
    return hkdf_sha256(key, b"", label, DIGEST)


def equal(a: "bytes | bytearray | memoryview", b: "bytes | bytearray | memoryview") -> bool:
    """Return whether a and b are the same, in a time that depends on their length only."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0
