"""Who a collar is: two flash sectors, written in turn, so that a power cut while writing costs nothing.

A sector begins with: magic "HBI1", write counter u32, payload length u16, payload, CRC32 of all before;
little-endian, the rest is not looked at. The newest sector with a right CRC wins.
"""

import struct
from binascii import crc32
from collections import namedtuple

from herdcore.compat import const

SECTOR_BYTES = 4096
SECTORS = 2

_MAGIC = b"HBI1"
_HEAD = "<4sIH"
_HEAD_BYTES = struct.calcsize(_HEAD)
_NUMBERS = "<IBHIH4s32s"  # device, epoch, boot, upload_s, port, resets by cause, key
_NUMBERS_BYTES = struct.calcsize(_NUMBERS)
_IOCTL_ERASE = const(6)  # of a block device, vfs.AbstractBlockDev
_BOOT_MAX = const(0xFFFF)

# Resets by cause since provisioning, the order of the four counters in a sector.
POWER_ON = const(0)
HARD = const(1)
WATCHDOG = const(2)
SOFT = const(3)

# settings: the relay's block as it came (herdcore.orders.decode_settings), b"" before there was one.
Identity = namedtuple(
    "Identity", "device key epoch boot ssid password host port tls_pin upload_s board settings"
)
_Copy = namedtuple("_Copy", "identity counter resets sector")


class SettingsError(ValueError):
    """The identity cannot be stored or is not there."""


def pack_identity(identity: Identity, counter: int, resets: bytes = b"\x00\x00\x00\x00") -> bytes:
    """Return what one sector begins with. Whoever makes an identity has had it checked (collar.checks).

    counter: 0..2^32-1, higher is newer. resets: one byte per cause (POWER_ON, HARD, WATCHDOG, SOFT).
    """
    device, key, epoch, boot, ssid, password, host, port, tls_pin, upload_s, board, settings = identity
    payload = struct.pack(_NUMBERS, device, epoch, boot, upload_s, port, resets, key)
    for text in (ssid.encode(), password.encode(), host.encode(), board.encode(), tls_pin, settings):
        payload += struct.pack("<H", len(text)) + text
    raw = struct.pack(_HEAD, _MAGIC, counter, len(payload)) + payload
    return raw + struct.pack("<I", crc32(raw) & 0xFFFFFFFF)


def _unpack(raw, sector: int):
    """Return the _Copy in a sector's bytes, or None where there is no whole one."""
    _, counter, size = struct.unpack_from(_HEAD, raw, 0)
    end = _HEAD_BYTES + size
    if struct.unpack_from("<I", raw, end)[0] != crc32(memoryview(raw)[:end]) & 0xFFFFFFFF:
        return None
    identity, resets = _unpack_payload(raw, end)
    return _Copy(identity, counter, resets, sector)


def _unpack_payload(raw, end: int):
    numbers = struct.unpack_from(_NUMBERS, raw, _HEAD_BYTES)
    device, epoch, boot, upload_s, port, resets, key = numbers
    at = _HEAD_BYTES + _NUMBERS_BYTES
    texts = []
    while at < end:
        size = struct.unpack_from("<H", raw, at)[0]
        texts.append(bytes(raw[at + 2 : at + 2 + size]))
        at += 2 + size
    ssid, password, host, board, tls_pin = texts[:5]
    identity = Identity(
        device,
        key,
        epoch,
        boot,
        ssid.decode(),
        password.decode(),
        host.decode(),
        port,
        tls_pin,
        upload_s,
        board.decode(),
        texts[5] if len(texts) > 5 else b"",  # a sector from before there was a settings block
    )
    return identity, resets


def _read(flash, sector: int) -> bytearray:
    """Return as much of a sector as its head says is written, nothing if that makes no sense.

    Never a whole sector: a heap full of code may not have 4 kB in one piece.
    """
    head = bytearray(_HEAD_BYTES)
    flash.readblocks(sector, head, 0)
    magic, _, size = struct.unpack(_HEAD, head)
    if magic != _MAGIC or not _NUMBERS_BYTES < size <= SECTOR_BYTES - _HEAD_BYTES - 4:
        return bytearray()
    raw = bytearray(_HEAD_BYTES + size + 4)
    flash.readblocks(sector, raw, 0)
    return raw


def _newest(flash):
    """Return the newest whole _Copy on `flash`, or None."""
    found = None
    for sector in range(SECTORS):
        raw = _read(flash, sector)
        copy = _unpack(raw, sector) if raw else None
        if copy and (found is None or copy.counter > found.counter):
            found = copy
    return found


def _required(flash):
    newest = _newest(flash)
    if newest is None:
        raise SettingsError("no identity: not provisioned")
    return newest


def _write(flash, sector: int, raw: bytes) -> None:
    flash.ioctl(_IOCTL_ERASE, sector)
    flash.writeblocks(sector, raw, 0)


def load_identity(flash) -> Identity:
    """Return the newest identity. `flash`: a block device as esp32.Partition is one, blocks of 4096 B.

    Raises SettingsError if neither sector holds one.
    """
    return _required(flash).identity


def load_resets(flash) -> bytes:
    """Return the resets by cause that raise_boot() has counted. Raises SettingsError as load_identity()."""
    return _required(flash).resets


def store_identity(flash, identity: Identity, resets: bytes = b"\x00\x00\x00\x00") -> None:
    """Write `identity` to the older sector; the newer one stays whole until this one is."""
    newest = _newest(flash)
    counter = newest.counter + 1 if newest else 1
    sector = 1 - newest.sector if newest else 0
    _write(flash, sector, pack_identity(identity, counter, resets))


def store_settings(flash, raw) -> Identity:
    """Write the relay's settings block, which decode_settings() has taken, beside what is there.

    Return the identity with it. Everything else stays as it was, key, boot counter and resets too, and so it
    all does if the power fails. Raises SettingsError if there is no identity.
    """
    newest = _required(flash)
    fields = list(newest.identity)
    fields[-1] = bytes(raw)
    identity = Identity(*fields)
    if identity != newest.identity:  # each write wears the sector
        store_identity(flash, identity, newest.resets)
    return identity


def raise_boot(flash, cause: "int | None" = None, least: int = 0):
    """Raise the boot counter, to `least` at least, and the counter of this reset's cause.

    Returns (identity, resets) as stored.

    Runs once per boot before its first frame, and before the frame numbers of a boot run out. Raises
    SettingsError when 65535 boots are used up: this key has no identities left and needs a new epoch.
    """
    newest = _required(flash)
    fields = list(newest.identity)
    fields[3] = boot = max(fields[3] + 1, least)
    if boot > _BOOT_MAX:  # MicroPython's struct would write 0
        raise SettingsError("boot=%d outside 0..%d" % (boot, _BOOT_MAX))
    resets = bytearray(newest.resets)
    if cause is not None:
        resets[cause] = min(resets[cause] + 1, 255)
    identity = Identity(*fields)
    _write(flash, 1 - newest.sector, pack_identity(identity, newest.counter + 1, bytes(resets)))
    return identity, bytes(resets)
