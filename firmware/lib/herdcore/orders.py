"""What a relay may tell a collar: Ack.commands, and the settings block inside. The ack's tag covers both.

commands: b"" or [1, settings, burst_id, burst_s]. settings: b"" or [1, number, tag, value, tag, value, ...],
tags rising. A collar skips tags that it does not know, so that the block can grow; those it knows are
bounded. Whatever the bytes are, reading them raises FrameError and nothing else. herdcore.downlink
writes them.
"""

from collections import namedtuple

from herdcore import mpack
from herdcore.compat import const
from herdcore.fields import FrameError, check, get_bytes, get_number, shape_error
from herdcore.vocabulary import PROFILES

SETTINGS_MAX = 400  # bytes: with the rest of its sector they fit an identity
NETWORKS_MAX = 3
RELAYS_MAX = 2

ORDERS_VERSION = 1
_PAIRS_MAX = const(32)
_VALUES_MAX = const(16)  # in the array of a tag that is not known
_TAG_MAX = const(255)

# Position is the format; forms as in frames.FRAME_FIELDS.
COMMAND_FIELDS = (
    ("version", "uint", ORDERS_VERSION, ORDERS_VERSION),
    ("settings", "bin", 0, SETTINGS_MAX),
    ("burst_id", "uint", 0, 0xFFFF),
    ("burst_s", "uint", 0, 60),
)
SETTINGS_HEAD = (("version", "uint", ORDERS_VERSION, ORDERS_VERSION), ("number", "uint", 1, 0xFFFF))
NETWORK_FIELDS = (("ssid", "bin", 1, 32), ("password", "bin", 0, 64))
RELAY_FIELDS = (("host", "bin", 1, 253), ("port", "uint", 1, 0xFFFF))

# tag, name, form, low, high; forms uint, or how many networks or relays the array holds, one after the other
SETTINGS_TAGS = (
    (1, "upload_s", "uint", 60, 86400),
    (2, "profile", "uint", 0, len(PROFILES) - 1),
    (3, "networks", "networks", 1, NETWORKS_MAX),
    (4, "relays", "relays", 1, RELAYS_MAX),
    (5, "next_network", "networks", 1, 1),
    (6, "next_relay", "relays", 1, 1),
)

# number 0: no block. upload_s 0, profile -1, an empty tuple and None: not set. Networks are (ssid, password),
# relays (host, port); the next ones are tried when the present ones fail.
Settings = namedtuple("Settings", "number upload_s profile networks relays next_network next_relay")
NO_SETTINGS = Settings(0, 0, -1, (), (), None, None)


def _get_text(reader, field):
    octets = bytes(get_bytes(reader, field))
    try:
        return str(octets, "utf-8")
    except ValueError:
        raise FrameError("shape", "%s is not UTF-8" % field[0])  # noqa: B904 - no chaining there


def _get_place(reader, fields):
    first = _get_text(reader, fields[0])
    return first, get_number(reader, fields[1]) if fields is RELAY_FIELDS else _get_text(reader, fields[1])


def _get_places(reader, name, form, low, high):
    count = reader.array(2 * high)
    check(name, count, 2 * low, 2 * high)
    if count & 1:
        raise FrameError("shape", "%s: %d elements" % (name, count))
    fields = NETWORK_FIELDS if form == "networks" else RELAY_FIELDS
    return tuple([_get_place(reader, fields) for _ in range(count >> 1)])


def _skip_one(reader, kind):
    if 0xC4 <= kind <= 0xC6:
        reader.bin(SETTINGS_MAX)
    else:
        reader.uint(1 << 64)


def _kind(reader):
    """Return the type byte of the next element."""
    if reader.pos >= len(reader.buf):
        raise FrameError("shape", "a tag without a value")
    return reader.buf[reader.pos]


def _skip(reader):
    """Pass the value of a tag that is not known: a number, a byte string or an array of them."""
    kind = _kind(reader)
    if 0x90 <= kind <= 0x9F or kind == 0xDC:
        for _ in range(reader.array(_VALUES_MAX)):
            _skip_one(reader, _kind(reader))
    else:
        _skip_one(reader, kind)


def _get_settings(reader):
    pairs = reader.array(2 + 2 * _PAIRS_MAX)
    if pairs < 2 or pairs & 1:
        raise FrameError("shape", "settings of %d elements" % pairs)
    values = list(NO_SETTINGS)
    values[0] = [get_number(reader, field) for field in SETTINGS_HEAD][1]
    before = 0
    for _ in range((pairs >> 1) - 1):
        tag = reader.uint(_TAG_MAX)
        check("tag", tag, before + 1, _TAG_MAX)
        before = tag
        if tag > len(SETTINGS_TAGS):
            _skip(reader)
            continue
        _, name, form, low, high = SETTINGS_TAGS[tag - 1]
        if form == "uint":
            values[tag] = get_number(reader, (name, form, low, high))
        else:
            places = _get_places(reader, name, form, low, high)
            values[tag] = places[0] if high == 1 else places
    return Settings(*values)


def decode_settings(raw: "bytes | bytearray | memoryview") -> Settings:
    """Return what a settings block says; NO_SETTINGS for b""."""
    if not len(raw):
        return NO_SETTINGS
    if len(raw) > SETTINGS_MAX:
        raise FrameError("size", "settings of %d bytes, at most %d" % (len(raw), SETTINGS_MAX))
    reader = mpack.Reader(raw)
    try:
        settings = _get_settings(reader)
        reader.end()
    except mpack.MpackError as exc:
        raise shape_error(exc)  # noqa: B904 - MicroPython does not chain exceptions
    return settings


def decode_commands(raw: "bytes | bytearray | memoryview") -> "tuple[bytes, int, int]":
    """Return (settings block or b"", burst id or 0, seconds of the burst); the block is not read here."""
    if not len(raw):
        return b"", 0, 0
    reader = mpack.Reader(raw)
    try:
        if reader.array(len(COMMAND_FIELDS)) != len(COMMAND_FIELDS):
            raise FrameError("shape", "no commands")
        get_number(reader, COMMAND_FIELDS[0])
        settings_raw = bytes(get_bytes(reader, COMMAND_FIELDS[1]))
        burst_id, burst_s = [get_number(reader, field) for field in COMMAND_FIELDS[2:]]
        reader.end()
    except mpack.MpackError as exc:
        raise shape_error(exc)  # noqa: B904 - MicroPython does not chain exceptions
    return settings_raw, burst_id, burst_s
