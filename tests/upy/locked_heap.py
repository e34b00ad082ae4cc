"""On MicroPython: windows while the heap is locked, so that one allocation would raise MemoryError.

Where words have 32 bits, an intermediate beyond +-2**30 is an allocation too.
"""

import math
from array import array

import micropython

from herdcore import features, kernels, kernels_plain

_NAMES = ("describe", "spectrum")


def shapes():
    """Return windows that drive each part hardest, with the widest span and at the edges of the scaling."""
    made = [
        [(i * 7919) % 4001 - 2000 for i in range(192)],
        [32767 if i % 7 < 3 else -32768 for i in range(192)],
    ]
    for k in (6, 7, 8, 11, 12, 13, 14, 15, 16):
        for span in (65535, 2047, 1023):
            for phase in range(0, 8, 3):
                low = -((span + 1) // 2)
                wave = [
                    low + span * (math.sin(2 * math.pi * k * n / 64 + phase * math.pi / 4) >= 0)
                    for n in range(64)
                ]
                made.append([value for n in range(64) for value in (wave[n], -1 - wave[n], wave[63 - n])])
    return [array("h", values) for values in made]


def through(samples, out):
    """Make windows, the heap locked."""
    micropython.heap_lock()
    try:
        for window in samples:
            features.window_into(window, 0, out, 2)
    finally:
        micropython.heap_unlock()


def double(value):
    """Return twice a value."""
    return value + value


def a_long_integer_is_seen():
    """Raise unless the lock shows an integer beyond a small one's 31 bits (63 where words have 64)."""
    value = 1 << (29 if micropython_bits() == 32 else 61)
    micropython.heap_lock()
    try:
        double(value)
        seen = False
    except MemoryError:
        seen = True
    finally:
        micropython.heap_unlock()
    assert seen, "an integer beyond a word took no heap"


def micropython_bits():
    """Return the bits of a word."""
    import sys

    return 32 if sys.maxsize < 1 << 32 else 64


def main(_names=()):
    """Go through all shapes with the kernels in use, and with the plain ones."""
    a_long_integer_is_seen()
    samples = shapes()
    before = [array("h", window) for window in samples]
    chosen = [getattr(kernels, name) for name in _NAMES]
    out = bytearray(14 + 4)
    through(samples, out)
    for name in _NAMES:
        setattr(kernels, name, getattr(kernels_plain, name))
    through(samples, out)
    for name, function in zip(_NAMES, chosen):  # noqa: B905 - MicroPython's zip has no strict
        setattr(kernels, name, function)
    assert samples == before, "the samples were changed"
    print(f"{2 * len(samples)} windows, {micropython_bits()} bits")  # noqa: T201 - what the host waits for


if __name__ == "__main__":
    main()
