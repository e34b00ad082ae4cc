"""A window of 64 samples at 12.5 Hz -> 14 bytes: posture, movement and the chewing line, in integers.

Every intermediate stays within +-2**30 for any int16 input (beyond that a 32-bit board allocates) and nothing
is allocated per sample. Bytes and units: records.WINDOW_FIELDS.

The chewing shares need 9 bins of the 64-point spectrum. Halves of the window are folded onto each other
first, so that each bin's filter runs over the shortest sequence that still holds it: 32 samples for bins 7,
11, 13 and 15, 16 for 6 and 14, 8 for 12, a few sums for 8 and 16. The folded sequences hold the whole
movement (Parseval), so the divisor comes out of the same loops, and the mean drops out by itself. Each pass
takes all three axes: MicroPython puts the locals of a call this big on the heap, and one call is cheaper
than three.
Sources: Goertzel 1958, Amer. Math. Monthly 65:34-35; the folds are those of a decimation-in-frequency FFT.
"""

from array import array

from herdcore.compat import const

_N = const(64)
_SPAN_BITS = const(11)  # the window is scaled so that its widest axis spans fewer than 2**11
_HEADROOM = const(3)  # amplitudes lose this many bits before they are squared
_Q = const(12)  # fraction bits of the coefficients
_C6 = const(6811)  # 2 cos(2 pi 6 / 64), and so on
_C7 = const(6333)
_C11 = const(3862)
_C12 = const(3135)
_C13 = const(2378)
_C14 = const(1598)
_C15 = const(803)
_ROOT_HALF = const(2896)  # cos(pi / 4)

_LOW = const(0)  # places in _power: bins 6..8, 1.17-1.56 Hz
_HIGH = const(1)  # bins 11..16, 2.15-3.13 Hz
_TOTAL = const(2)

# 2**(16 + j / 16), rounded up.
_STEPS = (
    65536, 68438, 71468, 74632, 77936, 81387, 84990, 88753,
    92682, 96786, 101071, 105546, 110218, 115098, 120194, 125515,
)  # fmt: skip

_axes = ([0] * _N, [0] * _N, [0] * _N)  # scratch: the window, axis by axis; folded in place
_power = [0, 0, 0]


def log_code(mg: int) -> int:
    """Return floor(16 log2(1 + mg)), at most 255; mg is clamped to 0..65535."""
    value, octave = 1 + min(max(mg, 0), 0xFFFF), 16
    while value < 0x10000:
        value <<= 1
        octave -= 1
    j = 8 if value >= _STEPS[8] else 0
    if value >= _STEPS[j + 4]:
        j += 4
    if value >= _STEPS[j + 2]:
        j += 2
    if value >= _STEPS[j + 1]:
        j += 1
    return min(octave * 16 + j, 255)


def log_mg(code: int) -> int:
    """Return the least mg whose log_code is at least `code` (0..255)."""
    return -(-_STEPS[code & 15] >> (16 - (code >> 4))) - 1


def _describe(samples, first, out, at):
    """Split a window into _axes; write all but the shares; return the widest max - min of an axis, mg."""
    x, y, z = _axes
    for i in range(_N):
        x[i] = samples[first]
        y[i] = samples[first + 1]
        z[i] = samples[first + 2]
        first += 3
    span = 0
    for axis in _axes:
        total = sum(axis)
        mean = (total + 32) >> 6
        excess = rise = crossings = 0
        previous = axis[0]
        below = previous <= mean
        for value in axis:
            if value > mean:
                excess += value - mean
                if below:
                    crossings += 1
                    below = False
            elif not below:
                crossings += 1
                below = True
            if value > previous:
                rise += value - previous
            previous = value
        out[at] = min(max((total + 512) >> 10, -128), 127) & 0xFF
        # What lies above the mean and what lies below differ by what the rounding of the mean left over.
        out[at + 3] = log_code((2 * excess - (total - _N * mean) + 32) >> 6)
        out[at + 6] = log_code((2 * rise - (previous - axis[0]) + 31) // 63)
        out[at + 9] = crossings
        span = max(span, max(axis) - min(axis))
        at += 1
    return span


def _add_power(band, newest, before, coefficient):
    """Add the power at the end of a Goertzel filter to a band."""
    newest >>= _HEADROOM
    before >>= _HEADROOM
    _power[band] += newest * newest + before * (before - (coefficient * newest >> _Q))


def _odd_bins(gain, shift):
    """Add bins 7, 11, 13, 15; leave each axis folded to 32 sums."""
    for axis in _axes:
        energy = a7 = b7 = a11 = b11 = a13 = b13 = a15 = b15 = 0
        for i in range(0, 32, 2):
            early = axis[i]
            late = axis[i + 32]
            axis[i] = early + late
            step = (early - late) * gain >> shift
            energy += step * step
            b7 = step + (_C7 * a7 >> _Q) - b7
            b11 = step + (_C11 * a11 >> _Q) - b11
            b13 = step + (_C13 * a13 >> _Q) - b13
            b15 = step + (_C15 * a15 >> _Q) - b15
            early = axis[i + 1]
            late = axis[i + 33]
            axis[i + 1] = early + late
            step = (early - late) * gain >> shift
            energy += step * step
            a7 = step + (_C7 * b7 >> _Q) - a7
            a11 = step + (_C11 * b11 >> _Q) - a11
            a13 = step + (_C13 * b13 >> _Q) - a13
            a15 = step + (_C15 * b15 >> _Q) - a15
        _power[_TOTAL] += energy >> 2
        _add_power(_LOW, a7, b7, _C7)
        _add_power(_HIGH, a11, b11, _C11)
        _add_power(_HIGH, a13, b13, _C13)
        _add_power(_HIGH, a15, b15, _C15)


def _even_bins(gain, shift):
    """Add bins 6, 14 and 12; leave each axis folded to 8 sums."""
    for axis in _axes:
        energy = a6 = b6 = a14 = b14 = a12 = b12 = 0
        for i in range(16):
            early = axis[i]
            late = axis[i + 16]
            axis[i] = early + late
            step = (early - late) * gain >> shift
            energy += step * step
            a6, b6 = step + (_C6 * a6 >> _Q) - b6, a6
            a14, b14 = step + (_C14 * a14 >> _Q) - b14, a14
        _power[_TOTAL] += energy >> 3
        energy = 0
        for i in range(8):
            early = axis[i]
            late = axis[i + 8]
            axis[i] = early + late
            step = (early - late) * gain >> shift
            energy += step * step
            a12, b12 = step + (_C12 * a12 >> _Q) - b12, a12
        _power[_TOTAL] += energy >> 4
        _add_power(_LOW, a6, b6, _C6)
        _add_power(_HIGH, a14, b14, _C14)
        _add_power(_HIGH, a12, b12, _C12)


def _sum_bins(gain, shift):
    """Add bins 8 and 16, which need sums only, and what the total still lacks."""
    shift += _HEADROOM
    for axis in _axes:
        d0 = (axis[0] - axis[4]) * gain >> shift
        d1 = (axis[1] - axis[5]) * gain >> shift
        d2 = (axis[2] - axis[6]) * gain >> shift
        d3 = (axis[3] - axis[7]) * gain >> shift
        real = d0 + (_ROOT_HALF * (d1 - d3) >> _Q)
        imaginary = d2 + (_ROOT_HALF * (d1 + d3) >> _Q)
        _power[_LOW] += real * real + imaginary * imaginary
        _power[_TOTAL] += 2 * (d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3)
        s0, s1 = axis[0] + axis[4], axis[1] + axis[5]
        s2, s3 = axis[2] + axis[6], axis[3] + axis[7]
        real = (s0 - s2) * gain >> shift
        imaginary = (s1 - s3) * gain >> shift
        last = (s0 - s1 + s2 - s3) * gain >> shift
        _power[_HIGH] += real * real + imaginary * imaginary
        _power[_TOTAL] += real * real + imaginary * imaginary + (last * last >> 1)


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
    Raises ValueError if the window does not lie inside `samples`.
    """
    first = 3 * start
    if start < 0 or first + 3 * _N > len(samples):
        raise ValueError("window at triple %d of %d" % (start, len(samples) // 3))
    span = _describe(samples, first, out, at)
    out[at + 12] = out[at + 13] = 0
    if span == 0:
        return
    gain, shift = 1, 0
    while span >> shift >= 1 << _SPAN_BITS:
        shift += 1
    while span * gain < 1 << (_SPAN_BITS - 1):
        gain <<= 1
    _power[_LOW] = _power[_HIGH] = _power[_TOTAL] = 0
    _odd_bins(gain, shift)
    _even_bins(gain, shift)
    _sum_bins(gain, shift)
    out[at + 12] = _share(_LOW)
    out[at + 13] = _share(_HIGH)
