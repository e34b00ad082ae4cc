"""Ack.commands and the settings block, written. Host only; herdcore.orders says what they are."""

from herdcore import mpack
from herdcore.fields import FrameError, check, put
from herdcore.orders import (
    COMMAND_FIELDS,
    NETWORK_FIELDS,
    NETWORKS_MAX,
    NO_SETTINGS,
    ORDERS_VERSION,
    RELAY_FIELDS,
    RELAYS_MAX,
    SETTINGS_HEAD,
    SETTINGS_MAX,
    SETTINGS_TAGS,
    Settings,
    decode_commands,
    decode_settings,
)

__all__ = (
    "COMMAND_FIELDS",
    "NETWORKS_MAX",
    "NO_SETTINGS",
    "RELAYS_MAX",
    "SETTINGS_HEAD",
    "SETTINGS_MAX",
    "SETTINGS_TAGS",
    "Settings",
    "decode_commands",
    "decode_settings",
    "encode_commands",
    "encode_settings",
)


def _put_places(writer, name, form, low, high, places):
    check(name, len(places), low, high)
    fields = NETWORK_FIELDS if form == "networks" else RELAY_FIELDS
    writer.array(2 * len(places))
    for first, second in places:
        second = second if form == "relays" else second.encode()  # noqa: PLW2901 - octets of the same thing
        put(writer, fields, (first.encode(), second))


def _told(settings):
    """Return (row of SETTINGS_TAGS, value) of all that is set; one network or relay as a tuple of it."""
    values = list(settings[1:])
    values[0] = settings.upload_s or None
    values[1] = None if settings.profile < 0 else settings.profile
    for at in (4, 5):
        values[at] = values[at] and (values[at],)
    return [(row, value) for row, value in zip(SETTINGS_TAGS, values) if value is not None and value != ()]


def encode_settings(settings: Settings) -> bytes:
    """Return the settings block, at most SETTINGS_MAX bytes; b"" for number 0.

    Raises FrameError naming the field, its value and its bounds.
    """
    if settings.number == 0:
        return b""
    told = _told(settings)
    writer = mpack.Writer(bytearray(SETTINGS_MAX))
    writer.array(2 + 2 * len(told))
    put(writer, SETTINGS_HEAD, (ORDERS_VERSION, settings.number))
    try:
        for (tag, name, form, low, high), value in told:
            writer.uint(tag)
            if form == "uint":
                put(writer, ((name, form, low, high),), (value,))
            else:
                _put_places(writer, name, form, low, high, value)
    except mpack.MpackError:
        raise FrameError("size", "settings of more than %d bytes" % SETTINGS_MAX)  # noqa: B904 - no chaining there
    return bytes(memoryview(writer.buf)[: writer.pos])


def encode_commands(settings_raw: bytes, burst_id: int, burst_s: int) -> bytes:
    """Return Ack.commands; b"" if there is nothing to say.

    settings_raw: what encode_settings() returned, or b"". burst_id: number of the raw burst that is asked
    for, 0 for none, and burst_s its length. Raises FrameError if something is out of range.
    """
    if not settings_raw and not burst_id:
        return b""
    writer = mpack.Writer(bytearray(len(settings_raw) + 12))
    writer.array(len(COMMAND_FIELDS))
    put(writer, COMMAND_FIELDS, (ORDERS_VERSION, settings_raw, burst_id, burst_s))
    return bytes(memoryview(writer.buf)[: writer.pos])
