"""The keys of a collar. Host only: the board is given its key; herdcore.signing has what it does with it."""

import struct

from herdcore.signing import DIGEST, equal, hkdf_sha256, hmac_sha256, label_key

__all__ = ("collar_key", "equal", "hkdf_sha256", "hmac_sha256", "label_key")


def collar_key(root: bytes, device: int, epoch: int) -> bytes:
    """Return the 32-byte key of one collar in one epoch, from its farm's 32-byte root."""
    if len(root) != DIGEST:
        raise ValueError("root of %d bytes, want %d" % (len(root), DIGEST))
    if not 0 <= device <= 0xFFFFFFFF:
        raise ValueError("device=%d outside 0..4294967295" % device)
    if not 0 <= epoch <= 127:
        raise ValueError("epoch=%d outside 0..127" % epoch)
    return hkdf_sha256(root, b"", b"collar" + struct.pack(">IB", device, epoch), DIGEST)
