"""A window of 64 samples at 12.5 Hz -> 14 bytes: posture, movement and the chewing line, in integers.

Every intermediate stays within +-2**30 for any int16 input (beyond that a 32-bit board allocates) and nothing
is allocated. Bytes and units: records.WINDOW_FIELDS. The loops are in kernels_plain.py, and as native code in
kernels_viper.py.
"""

from array import array

from herdcore import kernels
from herdcore.compat import const
from herdcore.logcode import log_code, log_mg

_N = const(64)
_SPAN_BITS = const(11)  # the window is scaled so that its widest axis spans fewer than 2**11

_LOW = const(0)  # places in _power: bins 6..8, 1.17-1.56 Hz
_HIGH = const(1)  # bins 11..16, 2.15-3.13 Hz
_TOTAL = const(2)

_power = array("i", (0, 0, 0))

__all__ = ("log_code", "log_mg", "window_into")


def _share(band):
    """Return the power of a band in 255ths of the total."""
    part, total = _power[band], _power[_TOTAL]
    while total >= 0x200000:
        total >>= 1
        part >>= 1
    return min(max((255 * part + (total >> 1)) // total, 0), 255)


def window_into(samples: "array[int]", start: int, out: "bytearray | memoryview", at: int) -> None:
    """Write the 14 bytes of one window to out[at : at + 14].

    samples: array('h') of interleaved x, y, z in mg, not modified; the window is its 64 triples from triple
    `start` on. Shares are round(255 * power of the band / power of everything but the mean), over all axes
    together, so that they do not depend on how the collar sits; 0 when nothing moves.
    Raises ValueError if the window does not lie inside `samples`, or its 14 bytes inside `out`.
    """
    first = 3 * start
    if start < 0 or first + 3 * _N > len(samples):
        raise ValueError("window at triple %d of %d" % (start, len(samples) // 3))
    if at < 0 or at + 14 > len(out):
        raise ValueError("14 bytes at %d of %d" % (at, len(out)))
    span = kernels.describe(samples, first, out, at)
    out[at + 12] = out[at + 13] = 0
    if span == 0:
        return
    gain, shift = 1, 0
    while span >> shift >= 1 << _SPAN_BITS:
        shift += 1
    while span * gain < 1 << (_SPAN_BITS - 1):
        gain <<= 1
    kernels.spectrum(gain, shift, _power)
    out[at + 12] = _share(_LOW)
    out[at + 13] = _share(_HIGH)
