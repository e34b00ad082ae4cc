"""Milligravity on a logarithmic scale of 16 steps an octave, in a byte."""

from array import array

# 2**(16 + j / 16) - 2**16, rounded up. Not a tuple: native code wants plain memory.
STEPS = array(
    "H",
    (
        0, 2902, 5932, 9096, 12400, 15851, 19454, 23217,
        27146, 31250, 35535, 40010, 44682, 49562, 54658, 59979,
    ),
)  # fmt: skip


def log_code(mg: int) -> int:
    """Return floor(16 log2(1 + mg)), at most 255; mg is clamped to 0..65535."""
    value, octave = 1 + min(max(mg, 0), 0xFFFF), 16
    while value < 0x10000:
        value <<= 1
        octave -= 1
    value -= 0x10000
    j = 15
    while value < STEPS[j]:
        j -= 1
    return min(octave * 16 + j, 255)


def log_mg(code: int) -> int:
    """Return the least mg whose log_code is at least `code` (0..255)."""
    return -(-(0x10000 + STEPS[code & 15]) >> (16 - (code >> 4))) - 1
