"""The hot loops in plain Python: what kernels_viper.py is held to, and what runs where that cannot.

Every intermediate stays within +-2**30 for any int16 input (beyond that a 32-bit board allocates) and nothing
is allocated per sample.

The chewing shares need 9 bins of the 64-point spectrum. Halves of the window are folded onto each other
first, so that each bin's filter runs over the shortest sequence that still holds it: 32 samples for bins 7,
11, 13 and 15, 16 for 6 and 14, 8 for 12, a few sums for 8 and 16. The folded sequences hold the whole
movement (Parseval), so the divisor comes out of the same loops, and the mean drops out by itself. Each pass
takes all three axes: MicroPython puts the locals of a call this big on the heap, and one call is cheaper
than three.
Sources: Goertzel 1958, Amer. Math. Monthly 65:34-35; the folds are those of a decimation-in-frequency FFT.
"""

from herdcore.compat import const
from herdcore.logcode import log_code

_N = const(64)
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

_LOW = const(0)  # places in `power`: bins 6..8, 1.17-1.56 Hz
_HIGH = const(1)  # bins 11..16, 2.15-3.13 Hz
_TOTAL = const(2)

_WORD = const(7)
_TRIPLE = const(6)
_SIGN = const(0x8000)
_TAG_ACCEL = const(2)

_axes = ([0] * _N, [0] * _N, [0] * _N)  # scratch: the window, axis by axis; folded in place


def unpack_tagged(raw, first, end, out, at):
    """Write the accelerometer's words of a burst to array('h') `out` from element `at`; return the triples.

    A word is a tag byte and x, y, z as little-endian int16; those from word `first` to before word `end` are
    taken. mg = raw * 250 >> 10: 8 g / 32768 is exactly 250 / 1024 mg a bit; rounded down, so up to 1 mg low.
    """
    begin = at
    for i in range(first * _WORD, end * _WORD, _WORD):
        if raw[i] >> 3 == _TAG_ACCEL:
            # Turning bit 15 over and taking it off again is the sign. Written out three times because a loop
            # costs half as much again.
            out[at] = (((raw[i + 1] | raw[i + 2] << 8) ^ _SIGN) - _SIGN) * 250 >> 10
            out[at + 1] = (((raw[i + 3] | raw[i + 4] << 8) ^ _SIGN) - _SIGN) * 250 >> 10
            out[at + 2] = (((raw[i + 5] | raw[i + 6] << 8) ^ _SIGN) - _SIGN) * 250 >> 10
            at += 3
    return (at - begin) // 3


def unpack_triples(raw, first, end, low, out, at):
    """Write samples `first` to before `end` of a burst to array('h') `out` from element `at`, in mg.

    A sample is x, y, z as int16; byte `low` (0 or 1) of each has its lower bits.
    """
    high = 1 - low
    for i in range(first * _TRIPLE, end * _TRIPLE, _TRIPLE):
        out[at] = (((raw[i + low] | raw[i + high] << 8) ^ _SIGN) - _SIGN) * 250 >> 10
        out[at + 1] = (((raw[i + 2 + low] | raw[i + 2 + high] << 8) ^ _SIGN) - _SIGN) * 250 >> 10
        out[at + 2] = (((raw[i + 4 + low] | raw[i + 4 + high] << 8) ^ _SIGN) - _SIGN) * 250 >> 10
        at += 3


def describe(samples, first, out, at):
    """Write all of a window but the shares to out[at : at + 12]; return the widest max - min of an axis, mg.

    The window begins at element `first` of `samples`. spectrum() goes on with the scratch.
    """
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


def _add_power(power, band, newest, before, coefficient):
    """Add the power at the end of a Goertzel filter to a band."""
    newest >>= _HEADROOM
    before >>= _HEADROOM
    power[band] += newest * newest + before * (before - (coefficient * newest >> _Q))


def _odd_bins(gain, shift, power):
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
        power[_TOTAL] += energy >> 2
        _add_power(power, _LOW, a7, b7, _C7)
        _add_power(power, _HIGH, a11, b11, _C11)
        _add_power(power, _HIGH, a13, b13, _C13)
        _add_power(power, _HIGH, a15, b15, _C15)


def _even_bins(gain, shift, power):
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
        power[_TOTAL] += energy >> 3
        energy = 0
        for i in range(8):
            early = axis[i]
            late = axis[i + 8]
            axis[i] = early + late
            step = (early - late) * gain >> shift
            energy += step * step
            a12, b12 = step + (_C12 * a12 >> _Q) - b12, a12
        power[_TOTAL] += energy >> 4
        _add_power(power, _LOW, a6, b6, _C6)
        _add_power(power, _HIGH, a14, b14, _C14)
        _add_power(power, _HIGH, a12, b12, _C12)


def _sum_bins(gain, shift, power):
    """Add bins 8 and 16, which need sums only, and what the total still lacks."""
    shift += _HEADROOM
    for axis in _axes:
        d0 = (axis[0] - axis[4]) * gain >> shift
        d1 = (axis[1] - axis[5]) * gain >> shift
        d2 = (axis[2] - axis[6]) * gain >> shift
        d3 = (axis[3] - axis[7]) * gain >> shift
        real = d0 + (_ROOT_HALF * (d1 - d3) >> _Q)
        imaginary = d2 + (_ROOT_HALF * (d1 + d3) >> _Q)
        power[_LOW] += real * real + imaginary * imaginary
        power[_TOTAL] += 2 * (d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3)
        s0, s1 = axis[0] + axis[4], axis[1] + axis[5]
        s2, s3 = axis[2] + axis[6], axis[3] + axis[7]
        real = (s0 - s2) * gain >> shift
        imaginary = (s1 - s3) * gain >> shift
        last = (s0 - s1 + s2 - s3) * gain >> shift
        power[_HIGH] += real * real + imaginary * imaginary
        power[_TOTAL] += real * real + imaginary * imaginary + (last * last >> 1)


def spectrum(gain, shift, power):
    """Put the power of the low band, the high band and everything into power[0:3].

    Of the window that describe() saw last, and once only: its scratch is folded. Samples are scaled by
    `gain` and then down by `shift` bits.
    """
    power[_LOW] = power[_HIGH] = power[_TOTAL] = 0
    _odd_bins(gain, shift, power)
    _even_bins(gain, shift, power)
    _sum_bins(gain, shift, power)
