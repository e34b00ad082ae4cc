"""Windows nobody thought of: the same bytes on every interpreter and from both kinds of kernel."""

import hashlib
from array import array
from binascii import hexlify

from herdcore import features, kernels, kernels_plain

# Over the windows of the first case, made by the plain kernels on CPython.
DIGEST = "61f8a7a5bca4209bd2e5851646140ee5384396a5d61535271b12b7082325c245"
_ODD = (-32768, 32767, 0, -1, 1, 1000)


class Numbers:
    """A linear congruential generator that stays small: the same numbers everywhere."""

    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        """Return an integer 0..limit - 1; limit at most 65536."""
        self._state = (self._state * 2053 + 13849) & 0x3FFFF
        return ((self._state >> 2) * limit) >> 16


def window(numbers, n):
    """Return the n-th window: noise of every size around every level, extremes, and square waves."""
    size = 1 << numbers.below(17)
    level = numbers.below(65536) - 32768
    if n % 4 == 0:
        values = [_ODD[numbers.below(6)] for _ in range(192)]
    elif n % 4 == 1:
        period = 1 + numbers.below(40)
        values = [level if i // 3 // period & 1 else -1 - level for i in range(192)]
    else:
        values = [level + numbers.below(size) - (size >> 1) for _ in range(192)]
    return array("h", [min(max(value, -32768), 32767) for value in values])


def case_made_up_windows_have_the_golden_digest():
    numbers, out, digest = Numbers(1), bytearray(14), hashlib.sha256()
    for n in range(300):
        samples = window(numbers, n)
        features.window_into(samples, 0, out, 0)
        digest.update(bytes(out))
    assert hexlify(digest.digest()).decode() == DIGEST, hexlify(digest.digest())
    return 300


def case_bursts_are_unpacked_alike_whatever_is_in_them():
    numbers = Numbers(7)
    raw = bytearray(numbers.below(256) for _ in range(7 * 448))
    for n in range(20):
        for i in range(0, len(raw), 7):
            raw[i] = (2 if numbers.below(8) else numbers.below(32)) << 3 | n & 7
            raw[i + 1 + numbers.below(6)] = (0x00, 0x7F, 0x80, 0xFF)[n & 3]
        first, end = numbers.below(20), 448 - numbers.below(20)
        one, other = array("h", [5] * 1400), array("h", [5] * 1400)
        counts = (
            kernels.unpack_tagged(raw, first, end, one, 3 * n),
            kernels_plain.unpack_tagged(raw, first, end, other, 3 * n),
        )
        assert counts[0] == counts[1], counts
        assert one == other, n
        kernels.unpack_triples(raw, first, end, n & 1, one, n)
        kernels_plain.unpack_triples(raw, first, end, n & 1, other, n)
        assert one == other, n
    return 20


def case_a_burst_is_written_where_it_is_asked_for_and_in_mg():
    raw = b"\x10\x00\x80\xff\xff\xff\x7f" + b"\x28" + bytes(6) + b"\x17\x00\x10\x04\x00\xfc\xff"
    out = array("h", [9] * 10)
    assert kernels.unpack_tagged(raw, 0, 3, out, 2) == 2
    assert list(out) == [9, 9, -8000, -1, 7999, 1000, 0, -1, 9, 9], out
    kernels.unpack_triples(b"\x12\x34\xff\xfe\x80\x00", 0, 1, 1, out, 0)
    assert list(out)[:3] == [0x1234 * 250 >> 10, -1, -8000], out
