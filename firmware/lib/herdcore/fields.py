"""Checked fields: the one error of the wire format, and how a table of fields is written and read."""

from herdcore.mpack import MpackError, Reader

TAG_HEAD = b"\xc4\x08"  # msgpack: 8 bytes follow; the tag itself does not cover it
BYTES_MAX = 1360  # the longest byte string inside a frame or an ack


class FrameError(ValueError):
    """Bytes or fields that are no frame, ack or answer.

    `reason` is a short stable code: size, shape, version, schema, range, records or tag.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def check(name: str, value: object, low: int, high: int) -> None:
    """Raise FrameError unless `value` is an int (True is not) of low..high."""
    if type(value) is not int or not low <= value <= high:
        raise FrameError("range", "%s=%r outside %d..%d" % (name, value, low, high))


def put(writer, fields, values):
    """Write values by the forms of their fields; refuse what is out of range."""
    for (name, form, low, high), value in zip(fields, values):
        if form == "bin":
            check("bytes of " + name, len(value), low, high)
            writer.bin(value)
            continue
        check(name, value, low, high)
        if form == "u32":
            writer.u32(value)
        else:
            writer.uint(value)


def get_number(reader: Reader, field: "tuple[str, str, int, int]") -> int:
    """Return the next integer by the form of its field, in range."""
    name, form, low, high = field
    value = reader.u32() if form == "u32" else reader.uint(1 << 64)
    check(name, value, low, high)
    return value


def get_bytes(reader: Reader, field: "tuple[str, str, int, int]") -> memoryview:
    """Return a view of the next byte string, its length in range."""
    name, _, low, high = field
    view = reader.bin(BYTES_MAX)
    check("bytes of " + name, len(view), low, high)
    return view


def shape_error(exc: MpackError) -> FrameError:
    """Return the FrameError that says what the msgpack reader found."""
    return FrameError("shape", str(exc))
