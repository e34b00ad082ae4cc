"""The hot loops as native code; kernels_plain.py says what they do. Never imported on CPython.

Viper knows machine words only: a ptr16 is unsigned, a ptr32 is on a 64-bit interpreter, and an overflow says
nothing. So samples are kept with an offset of 0x8000, which every difference takes off again and which leaves
all that is stored positive; and the steps are those of the plain loops, whose tests see every intermediate.
Nothing is checked here either: the callers do that.
"""
# ruff: noqa: F821 - ptr8, ptr16 and ptr32 are viper's own words, not names
# ruff: noqa: C901, PLR0912, PLR0915, PLR1730 - any call, min() too, boxes its arguments: one function a job
# mypy: ignore-errors
# pyright: reportUndefinedVariable=false

from array import array

import micropython

from herdcore.logcode import STEPS

_window = array("i", bytes(4 * 3 * 64))  # the window, axis by axis, offset; folded in place
_steps = array("h", bytes(2 * 32))  # one sequence to be filtered, offset
# 4096 * 2 cos(2 pi bin / 64) for bins 7, 11, 13, 15 of 32 samples, 6, 14 of 16 and 12 of 8; then the waves of
# bin 8 in 4 samples, cosine and sine of 4096, offset.
_coefficients = array("H", (6333, 3862, 2378, 803, 6811, 1598, 3135))
_coefficients.extend(array("H", (36864, 35664, 32768, 29872, 32768, 35664, 36864, 35664)))


@micropython.viper
def unpack_tagged(raw: ptr8, first: int, end: int, out: ptr16, at: int) -> int:
    """Write the accelerometer's words of a burst in mg; return the triples."""
    triples = 0
    i = 7 * first
    while i < 7 * end:
        if raw[i] >> 3 == 2:
            for k in range(i + 1, i + 7, 2):
                out[at] = (((raw[k] | raw[k + 1] << 8) ^ 0x8000) - 0x8000) * 250 >> 10
                at += 1
            triples += 1
        i += 7
    return triples


@micropython.viper
def unpack_triples(raw: ptr8, first: int, end: int, low: int, out: ptr16, at: int):
    """Write the samples of a burst in mg."""
    high = 1 - low
    for i in range(6 * first, 6 * end, 2):
        out[at] = (((raw[i + low] | raw[i + high] << 8) ^ 0x8000) - 0x8000) * 250 >> 10
        at += 1


@micropython.viper
def describe(samples: ptr16, first: int, out: ptr8, at: int) -> int:
    """Write all of a window but the shares; return its span, mg."""
    window = ptr32(_window)
    codes = ptr16(STEPS)
    span = 0
    for base in range(0, 192, 64):
        total = 0
        lowest = 0xFFFF
        highest = 0
        j = first
        for i in range(base, base + 64):
            value = samples[j] ^ 0x8000
            j += 3
            window[i] = value
            total += value
            if value < lowest:
                lowest = value
            if value > highest:
                highest = value
        first += 1
        if highest - lowest > span:
            span = highest - lowest
        mean = (total + 32) >> 6
        excess = 0
        rise = 0
        crossings = 0
        previous = window[base]
        is_below = 1 if previous <= mean else 0
        for i in range(base, base + 64):
            value = window[i]
            if value > mean:
                excess += value - mean
                if is_below:
                    crossings += 1
                    is_below = 0
            elif not is_below:
                crossings += 1
                is_below = 1
            if value > previous:
                rise += value - previous
            previous = value
        level = (total - 64 * 0x8000 + 512) >> 10
        if level > 127:
            level = 127
        if level < -128:
            level = -128
        out[at] = level
        out[at + 9] = crossings
        value = (2 * excess - (total - 64 * mean) + 32) >> 6
        for place in range(at + 3, at + 9, 3):
            value += 1
            octave = 256
            while value < 0x10000:
                value <<= 1
                octave -= 16
            value -= 0x10000
            j = 8 if value >= codes[8] else 0
            if value >= codes[j + 4]:
                j += 4
            if value >= codes[j + 2]:
                j += 2
            if value >= codes[j + 1]:
                j += 1
            j += octave
            out[place] = j if j < 255 else 255
            value = (2 * rise - (previous - window[base]) + 31) // 63
        at += 1
    return span


@micropython.viper
def spectrum(gain: int, shift: int, power: ptr32):
    """Put the power of the low band, the high band and everything into power[0:3]."""
    window = ptr32(_window)
    steps = ptr16(_steps)
    coefficients = ptr16(_coefficients)
    low = 0
    high = 0
    whole = 0
    for base in range(0, 192, 64):
        half = 32
        weight = 2
        which = 0
        while half >= 8:
            energy = 0
            for i in range(half):
                early = window[base + i]
                late = window[base + half + i]
                window[base + i] = early + late
                step = (early - late) * gain >> shift
                energy += step * step
                steps[i] = step + 0x8000
            whole += energy >> weight
            last = which + (half >> 3)
            while which < last:
                factor = coefficients[which]
                a = 0
                b = 0
                i = 0
                while i < half:
                    b = steps[i] - 0x8000 + (factor * a >> 12) - b
                    a = steps[i + 1] - 0x8000 + (factor * b >> 12) - a
                    i += 2
                a >>= 3
                b >>= 3
                energy = a * a + b * (b - (factor * a >> 12))
                if which & 3:
                    high += energy
                else:
                    low += energy
                which += 1
            half >>= 1
            weight += 1
        # Bins 8 and 16 need sums only; the offset is eight-fold by now and goes with each difference.
        down = shift + 3
        a = 0
        b = 0
        for i in range(base, base + 4):
            early = window[i]
            late = window[i + 4]
            window[i] = early + late
            step = (early - late) * gain >> down
            whole += 2 * step * step
            a += step * (coefficients[which] - 0x8000)
            b += step * (coefficients[which + 4] - 0x8000)
            which += 1
        a >>= 12
        b >>= 12
        low += a * a + b * b
        early = window[base] + window[base + 2]
        late = window[base + 1] + window[base + 3]
        a = early - late
        step = a * gain >> down
        early -= 2 * window[base + 2]
        late -= 2 * window[base + 3]
        a = early * gain >> down
        b = late * gain >> down
        high += a * a + b * b
        whole += a * a + b * b + (step * step >> 1)
    power[0] = low
    power[1] = high
    power[2] = whole
