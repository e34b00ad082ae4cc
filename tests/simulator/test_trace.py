"""The hash that stands for a whole simulation."""

import hashlib
import struct

import pytest

from simulator.trace import Trace


def _trace(*entries):
    trace = Trace()
    for entry in entries:
        trace.add(*entry)
    return trace


def test_an_empty_trace_has_the_hash_of_nothing():
    assert Trace().hexdigest() == hashlib.sha256().hexdigest()


def test_the_hash_is_sha256_over_lengths_and_fields():
    wanted = hashlib.sha256(struct.pack(">qqQQ", 7, 2, 5, 3) + b"frameabc").hexdigest()
    assert _trace((7, 2, "frame", b"abc")).hexdigest() == wanted


def test_the_order_in_which_collars_finish_does_not_matter():
    one, two, three = (5, 0, "frame", b"a"), (5, 1, "frame", b"b"), (6, 0, "ack", b"c")
    assert _trace(one, two, three).hexdigest() == _trace(three, two, one).hexdigest()
    assert _trace(three, two, one).entries() == [one, two, three]


def test_the_order_within_one_collar_and_moment_does_matter():
    one, two = (5, 0, "frame", b"b"), (5, 0, "frame", b"a")
    assert _trace(one, two).hexdigest() != _trace(two, one).hexdigest()
    assert _trace(one, two).entries() == [one, two]


@pytest.mark.parametrize(
    "other",
    [
        (6, 0, "frame", b"ab"),
        (5, 1, "frame", b"ab"),
        (5, 0, "ack", b"ab"),
        (5, 0, "frame", b"aB"),
        (5, 0, "framea", b"b"),
    ],
)
def test_a_change_of_time_collar_kind_or_one_bit_changes_the_hash(other):
    assert _trace(other).hexdigest() != _trace((5, 0, "frame", b"ab")).hexdigest()


def test_two_entries_are_not_one_long_entry():
    assert _trace((5, 0, "x", b"ab")).hexdigest() != _trace((5, 0, "x", b"a"), (5, 0, "x", b"b")).hexdigest()


def test_a_buffer_that_is_used_again_later_keeps_its_old_content():
    buffer = bytearray(b"ab")
    trace = _trace((0, 0, "frame", memoryview(buffer)))
    buffer[:] = b"zz"
    assert trace.entries() == [(0, 0, "frame", b"ab")]
    assert len(trace) == 1
