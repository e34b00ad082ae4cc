"""On a MicroPython with native code: thousands of windows, the native kernels beside the plain ones.

`native_kernels.py time` prints the us of a window and of 448 unpacked words: native, plain.
"""

import sys
import time
from array import array

from cases_features import Numbers, window

from herdcore import features, kernels, kernels_plain

WINDOWS = 4000
_NAMES = ("describe", "spectrum", "unpack_tagged", "unpack_triples")
NATIVE = {name: getattr(kernels, name) for name in _NAMES}
PLAIN = {name: getattr(kernels_plain, name) for name in _NAMES}


def use(functions):
    """Let herdcore use these kernels from now on."""
    for name in functions:
        setattr(kernels, name, functions[name])


def compare():
    """Raise at the first window that differs."""
    numbers, one, other = Numbers(99), bytearray(14), bytearray(14)
    for n in range(WINDOWS):
        samples = window(numbers, n)
        before = array("h", samples)
        use(NATIVE)
        features.window_into(samples, 0, one, 0)
        assert samples == before, n
        use(PLAIN)
        features.window_into(samples, 0, other, 0)
        assert one == other, (n, list(samples))


def us(work, times):
    """Return the least time of one call over some rounds."""
    least = 1 << 30
    for _ in range(7):
        begin = time.ticks_us()
        for _ in range(times):
            work()
        least = min(least, time.ticks_diff(time.ticks_us(), begin))
    return least / times


def measure():
    """Return (window, unpacked burst) in us for native, then for plain."""
    samples, out = window(Numbers(5), 2), bytearray(14)
    raw, triples = bytes([0x10] + 6 * [0x34]) * 448, array("h", bytes(6 * 448))
    times = []
    for functions in (NATIVE, PLAIN):
        use(functions)
        times.append(us(lambda: features.window_into(samples, 0, out, 0), 200))
        times.append(us(lambda: kernels.unpack_tagged(raw, 0, 448, triples, 0), 20))
    return times


assert kernels.IS_NATIVE, "no native code here: nothing was compared"
if sys.argv[1:] == ["time"]:
    print(*measure())  # noqa: T201 - what the host waits for
else:
    compare()
    print(f"{WINDOWS} windows alike")  # noqa: T201 - what the host waits for
