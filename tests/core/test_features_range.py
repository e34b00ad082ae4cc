"""The window kernel on integers that know a 32-bit board's limits: nothing it computes may leave +-2**30."""

from __future__ import annotations

import math

import pytest

from herdcore import features

LIMIT = 1 << 30  # beyond it MicroPython makes a long integer on the heap
RESONANT_BINS = (6, 7, 8, 11, 12, 13, 14, 15, 16)


class BeyondSmallIntError(ArithmeticError):
    """An intermediate that a 32-bit board could not hold in a word."""


class Small(int):
    """An int whose every result is one of these, or an error when it does not fit a word of the board."""


def _bounded(name):
    plain = getattr(int, name)

    def operation(self, *other):
        result = plain(self, *other)
        if result is NotImplemented:
            return result
        if not -LIMIT <= result < LIMIT:
            raise BeyondSmallIntError(f"{self}.{name}{other} = {result}")
        return Small(result)

    return operation


for _name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and", "or", "xor"):
    for _side in ("__%s__", "__r%s__"):
        setattr(Small, _side % _name, _bounded(_side % _name))
Small.__neg__ = _bounded("__neg__")
Small.__abs__ = _bounded("__abs__")


@pytest.fixture(autouse=True)
def bounded_power(monkeypatch):
    """Let the powers stay bounded integers: an array would give plain ones back."""
    monkeypatch.setattr(features, "_power", [Small(0)] * 3)


def run(x, y=None, z=None):
    """Feed three lists of 64 mg through the kernel, bounded; return its bytes."""
    samples = [Small(v) for triple in zip(x, y or x, z or x, strict=True) for v in triple]
    out = bytearray(14)
    features.window_into(samples, 0, out, 0)
    return bytes(out)


def square(period, low_mg, high_mg, offset=0):
    return [high_mg if (n + offset) // period % 2 else low_mg for n in range(64)]


@pytest.mark.parametrize(("low_mg", "high_mg"), [(-32768, 32767), (-8000, 8000), (-1, 1), (0, 1)])
def test_square_waves_of_every_period(low_mg, high_mg):
    for period in range(1, 65):
        wave = square(period, low_mg, high_mg)
        run(wave, wave[::-1], square(period, low_mg, high_mg, offset=period // 2))


@pytest.mark.parametrize("resonant_bin", RESONANT_BINS)
@pytest.mark.parametrize("span_mg", [65535, 2047, 1023])
def test_waves_that_drive_each_filter_hardest(resonant_bin, span_mg):
    low_mg = -((span_mg + 1) // 2)
    for phase in range(8):
        wave = [
            low_mg + span_mg * (math.sin(2 * math.pi * resonant_bin * n / 64 + phase * math.pi / 4) >= 0)
            for n in range(64)
        ]
        run(wave, [-1 - v for v in wave])


@pytest.mark.parametrize("height_mg", [32767, -32768, 8000, 1])
def test_a_knock_at_every_place(height_mg):
    for place in range(64):
        knock = [height_mg * (n == place) for n in range(64)]
        run(knock, [0] * 64, knock[::-1])


@pytest.mark.parametrize(
    "span_mg", [1, 2, 3, *(2**bits + step for bits in range(2, 16) for step in (-1, 0, 1))]
)
def test_every_scale_of_the_block_floating_window(span_mg):
    for period in (1, 2, 3, 4, 5, 32):
        run(
            square(period, 0, span_mg if span_mg < 32768 else span_mg - 32768),
            square(period, -span_mg // 2, span_mg // 2),
        )


def test_one_axis_at_full_scale_beside_two_that_whisper():
    run(square(4, -32768, 32767), square(2, 0, 1), [0] * 64)


def test_the_logarithm_of_everything_that_can_occur():
    for mg in (*range(70), *(1 << bits for bits in range(17)), 65534, 65535):
        assert features.log_mg(features.log_code(Small(mg))) <= mg


def test_bounded_integers_change_no_result():
    wave = [round(900 * math.sin(n)) for n in range(64)]
    plain = bytearray(14)
    features.window_into([v for v in wave for _ in range(3)], 0, plain, 0)
    assert run(wave) == bytes(plain)


def test_the_check_sees_an_intermediate_that_is_too_large(monkeypatch):
    monkeypatch.setattr(features, "_SPAN_BITS", 13)
    with pytest.raises(BeyondSmallIntError):
        run([65535 * (math.sin(2 * math.pi * 6 * n / 64) >= 0) - 32768 for n in range(64)])
