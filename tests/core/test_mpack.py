"""The msgpack subset against the msgpack package, which wrote none of it."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from herdcore.mpack import MpackError, Reader, Writer
from tests.core.strategies import examples

EDGES = [edge + step for edge in (0, 128, 256, 1 << 16, 1 << 32, 1 << 64) for step in (-1, 0)][1:-1]


def written(method, value):
    writer = Writer(bytearray(9 + (len(value) if isinstance(value, bytes) else 0)))
    getattr(writer, method)(value)
    return bytes(writer.buf[: writer.pos])


@examples(300)
@given(st.sampled_from(EDGES) | st.integers(0, (1 << 64) - 1))
def test_an_integer_is_written_as_the_msgpack_package_writes_it_and_read_back(value):
    packed = written("uint", value)
    assert packed == msgpack.packb(value)
    assert Reader(packed).uint(value) == value


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65535, 65536])
def test_a_byte_string_is_written_as_the_msgpack_package_writes_it_and_read_back(size):
    packed = written("bin", bytes(size))
    assert packed == msgpack.packb(bytes(size))
    assert Reader(packed).bin(size) == bytes(size)


@pytest.mark.parametrize("length", [0, 1, 15, 16, 65535])
def test_an_array_begins_as_the_msgpack_package_begins_it(length):
    packed = written("array", length)
    assert packed == msgpack.Packer().pack_array_header(length)
    assert Reader(packed).array(length) == length


def test_a_u32_takes_five_bytes_whatever_its_value():
    assert written("u32", 5) == bytes.fromhex("ce00000005")
    assert Reader(bytes.fromhex("ce00000005")).u32() == 5


@pytest.mark.parametrize(
    ("method", "value"), [("uint", -1), ("uint", 1 << 64), ("u32", -1), ("u32", 1 << 32), ("array", 65536)]
)
def test_a_value_without_such_a_form_is_refused(method, value):
    with pytest.raises(MpackError, match=str(value)):
        written(method, value)


@pytest.mark.parametrize(
    ("hexed", "read"),
    [
        ("cc7f", "uint"), ("cd00ff", "uint"), ("ce0000ffff", "uint"), ("cf00000000ffffffff", "uint"),
        ("dc000f", "array"), ("c500ff", "bin"), ("c60000ffff", "bin"),
    ],
)  # fmt: skip
def test_a_longer_form_than_needed_is_refused(hexed, read):
    with pytest.raises(MpackError, match="shortest"):
        getattr(Reader(bytes.fromhex(hexed)), read)(1 << 64)


@pytest.mark.parametrize("read", ["uint", "array", "bin"])
@pytest.mark.parametrize("value", [None, True, False, -1, -200, 1.5, "a", {1: 2}, msgpack.ExtType(1, b"a")])
def test_a_type_that_frames_do_not_use_is_refused_wherever_it_stands(read, value):
    with pytest.raises(MpackError, match="type 0x"):
        getattr(Reader(msgpack.packb(value)), read)(1 << 64)


@pytest.mark.parametrize(
    ("read", "value", "limit"), [("uint", 901, 900), ("array", [0] * 20, 19), ("bin", b"abc", 2)]
)
def test_more_than_the_caller_allows_is_refused_with_both_numbers(read, value, limit):
    with pytest.raises(MpackError, match=f"at most {limit}"):
        getattr(Reader(msgpack.packb(value)), read)(limit)


@pytest.mark.parametrize("value", [300, 70000, 1 << 40, [0] * 20, b"abcdef", bytes(300)])
def test_every_cut_is_refused_and_never_read_over(value):
    whole = msgpack.packb(value)
    read = {int: "uint", list: "array", bytes: "bin"}[type(value)]
    head = 3 if isinstance(value, list) else len(whole)
    for cut in range(head):
        with pytest.raises(MpackError):
            getattr(Reader(whole[:cut]), read)(1 << 64)


def test_an_announced_length_costs_nothing_before_the_bytes_are_there():
    with pytest.raises(MpackError, match="need 4294967300"):
        Reader(bytes.fromhex("c6ffffffff")).bin(1 << 32)


def test_bytes_left_over_are_refused():
    reader = Reader(b"\x01\x02")
    reader.uint(1)
    with pytest.raises(MpackError, match="1 bytes after the end"):
        reader.end()
