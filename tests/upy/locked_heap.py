"""On MicroPython: windows while the heap is locked, so that one allocation would raise MemoryError."""

from array import array

import micropython

from herdcore import features

SAMPLES = array("h", [(i * 7919) % 4001 - 2000 for i in range(3 * 70)])
EXTREMES = array("h", [32767 if i % 7 < 3 else -32768 for i in range(3 * 64)])
COPY = array("h", SAMPLES)
out = bytearray(14 * 2)

micropython.heap_lock()
for n in range(500):
    features.window_into(SAMPLES, n % 7, out, 0)
    features.window_into(EXTREMES, 0, out, 14)
micropython.heap_unlock()
assert SAMPLES == COPY, "the samples were changed"
print("1000 windows")  # noqa: T201 - what the host waits for
