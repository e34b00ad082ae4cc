"""The part of msgpack that frames use: arrays, unsigned integers, byte strings, in their shortest form.

MicroPython has no msgpack module. Nothing here recurses, every length is bounded by the caller or by the
buffer, and a type that frames do not use is refused. Source: the MessagePack specification.
"""

import struct

from herdcore.compat import const

_FIXINT_MAX = const(0x7F)
_FIXARRAY = const(0x90)  # 0x90..0x9F: up to 15 elements
_BIN8 = const(0xC4)
_UINT8 = const(0xCC)
_UINT32 = const(0xCE)
_ARRAY16 = const(0xDC)

# By type byte minus the first of its family: width in bytes, struct code, least value that needs it.
_UINTS = ((1, ">B", 0x80), (2, ">H", 0x100), (4, ">I", 0x10000), (8, ">Q", 0x100000000))
_BINS = ((1, ">B", 0),) + _UINTS[1:3]  # noqa: RUF005 - MicroPython knows no star in a tuple


class MpackError(ValueError):
    """Bytes that are not the msgpack expected here, or a value that has no such form."""


def _over(value: int, most: int) -> MpackError:
    return MpackError("%d, at most %d" % (value, most))


def _strange(kind: int) -> MpackError:
    return MpackError("type 0x%02x is not what belongs here" % kind)


class Writer:
    """Writes msgpack into `buf`, next at `pos`; the buffer is never made longer."""

    def __init__(self, buf: bytearray) -> None:
        self.buf = buf
        self.pos = 0

    def _claim(self, size: int) -> int:
        """Return where `size` bytes go and step behind them."""
        at = self.pos
        if at + size > len(self.buf):
            raise MpackError("%d bytes, need %d" % (len(self.buf), at + size))
        self.pos = at + size
        return at

    def _head(self, kind: int, code: str, width: int, value: int) -> None:
        at = self._claim(1 + width)
        self.buf[at] = kind
        struct.pack_into(code, self.buf, at + 1, value)

    def array(self, length: int) -> None:
        """Write the head of an array of 0..65535 elements."""
        if not 0 <= length <= 0xFFFF:
            raise _over(length, 0xFFFF)
        if length <= 15:
            self.buf[self._claim(1)] = _FIXARRAY + length
        else:
            self._head(_ARRAY16, ">H", 2, length)

    def uint(self, value: int) -> None:
        """Write an integer of 0..2**64-1 in its shortest form."""
        if 0 <= value <= _FIXINT_MAX:
            self.buf[self._claim(1)] = value
            return
        for step in range(3, -1, -1):
            width, code, least = _UINTS[step]
            if least <= value < 1 << 8 * width:
                self._head(_UINT8 + step, code, width, value)
                return
        raise MpackError("integer %d" % value)

    def u32(self, value: int) -> None:
        """Write an integer of 0..2**32-1 always as five bytes."""
        if not 0 <= value <= 0xFFFFFFFF:
            raise _over(value, 0xFFFFFFFF)
        self._head(_UINT32, ">I", 4, value)

    def bin(self, data: "bytes | bytearray | memoryview") -> None:
        """Write a byte string of up to 2**32-1 bytes."""
        size = len(data)
        for step in range(2, -1, -1):
            width, code, least = _BINS[step]
            if size >= least:
                self._head(_BIN8 + step, code, width, size)
                break
        at = self._claim(size)
        self.buf[at : at + size] = data


class Reader:
    """Reads msgpack from `buf` (any bytes-like object) from `pos` on."""

    def __init__(self, buf: "bytes | bytearray | memoryview", pos: int = 0) -> None:
        self.buf = memoryview(buf)
        self.pos = pos

    def _take(self, size: int) -> int:
        """Return where the next `size` bytes are and step behind them."""
        at = self.pos
        if at + size > len(self.buf):
            raise MpackError("%d bytes, need %d" % (len(self.buf), at + size))
        self.pos = at + size
        return at

    def _number(self, forms: "tuple[tuple[int, str, int], ...]", step: int) -> int:
        """Return the number behind a type byte; one that fits a shorter form is refused."""
        width, code, least = forms[step]
        value = struct.unpack_from(code, self.buf, self._take(width))[0]
        if value < least:
            raise MpackError("%d is not in its shortest form" % value)
        return value

    def array(self, max_len: int) -> int:
        """Return the length of the array that begins here, at most `max_len`."""
        kind = self.buf[self._take(1)]
        length = kind - _FIXARRAY
        if kind == _ARRAY16:
            length = self._number(((2, ">H", 16),), 0)
        elif not 0 <= length <= 15:
            raise _strange(kind)
        if length > max_len:
            raise _over(length, max_len)
        return length

    def uint(self, maximum: int) -> int:
        """Return the unsigned integer that begins here, at most `maximum`."""
        kind = self.buf[self._take(1)]
        value = kind
        if kind > _FIXINT_MAX:
            if not 0 <= kind - _UINT8 <= 3:
                raise _strange(kind)
            value = self._number(_UINTS, kind - _UINT8)
        if value > maximum:
            raise _over(value, maximum)
        return value

    def u32(self) -> int:
        """Return the unsigned integer that is five bytes long whatever its value."""
        kind = self.buf[self._take(1)]
        if kind != _UINT32:
            raise _strange(kind)
        return struct.unpack_from(">I", self.buf, self._take(4))[0]

    def bin(self, max_len: int) -> memoryview:
        """Return a view of the byte string that begins here, at most `max_len` bytes."""
        kind = self.buf[self._take(1)]
        if not 0 <= kind - _BIN8 <= 2:
            raise _strange(kind)
        size = self._number(_BINS, kind - _BIN8)
        if size > max_len:
            raise _over(size, max_len)
        at = self._take(size)
        return self.buf[at : at + size]

    def end(self) -> None:
        """Refuse bytes that are left over."""
        if self.pos != len(self.buf):
            raise MpackError("%d bytes after the end" % (len(self.buf) - self.pos))
