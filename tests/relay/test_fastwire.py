"""The quick codec says what herdcore.wire says, for whatever bytes."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from herdcore import wire
from relay import fastwire
from tests.relay.scene import frame, keys_of, resigned

U16 = st.integers(0, 0xFFFF)
NUMBERS = {"boot": U16, "seq": U16, "up_s": st.integers(0, 0xFFFFFFFF), "age_s": st.integers(0, 0xFFFFFFFF)}
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 40), 1 << 40)
    | st.floats()
    | st.binary(max_size=40)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def outcome(decode, raw):
    """Return what a decoder says: the fields, or the reason it refuses."""
    try:
        return tuple(decode(raw))[:8]
    except wire.FrameError as error:
        return error.reason


@given(st.fixed_dictionaries(NUMBERS), st.integers(1, 88))
def test_every_right_frame_is_read_alike(numbers, windows):
    raw = frame(0xFFFFFFFF, **numbers, records=bytes(range(14)) * windows)
    assert outcome(fastwire.decode_frame, raw) == outcome(wire.decode_frame, raw) != "shape"
    assert fastwire.tag_ok(raw, keys_of(0xFFFFFFFF)[0])


@given(st.sampled_from([0x11, 0x12, 0x13, 0x14, 0x15, 0x1F]), st.lists(ANYTHING, min_size=5, max_size=5))
@example(0x11, [1, 2, 3, 4, bytes(14)])
@example(0x11, [1, 2, 3.0, 4, bytes(14)])
@example(0x11, [1, True, 3, 4, bytes(14)])
@example(0x11, [1, 65536, 3, 4, bytes(14)])
@example(0x11, [1, 2, 3, 4, bytearray(15)])
@example(0x14, [1, 2, 3, 4, bytes(35)])
def test_whatever_stands_in_a_signed_frame_is_judged_alike(kind, values):
    raw = resigned(b"\x99" + bytes([kind]) + b"\xce\0\0\0\1\0" + b"".join(map(msgpack.packb, values)))
    if 25 <= len(raw) <= wire.FRAME_MAX:
        assert outcome(fastwire.decode_frame, raw) == outcome(wire.decode_frame, raw)


@given(st.binary(min_size=0, max_size=60))
def test_random_bytes_behind_a_right_start_are_judged_alike(tail):
    raw = resigned(b"\x99\x11\xce\0\0\0\1\0" + bytes(20) + tail)
    assert outcome(fastwire.decode_frame, raw) == outcome(wire.decode_frame, raw)


def peeked(peek, raw):
    """Return what a peek says, or the reason it refuses."""
    try:
        return peek(raw)
    except wire.FrameError as error:
        return error.reason


@given(st.data(), st.integers(0, 1420))
def test_every_start_of_a_frame_is_peeked_at_alike(data, size):
    raw = bytearray(frame(seq=300, records=bytes(14) * 88 if size > 1300 else bytes(14)))
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.sampled_from([0, 1, 2, 3, 6, 7, -10, -9, -1]))
        raw[place] = data.draw(st.integers(0, 255))
    cut = bytes(raw[:size]) if data.draw(st.booleans()) else bytes(raw)
    assert peeked(fastwire.peek, cut) == peeked(wire.peek, cut)


@pytest.mark.parametrize(
    "raw", [b"", b"\x99", bytes(24), b"\x99\x11\xce\0\0\0\1\0" + bytes(6) + b"\xc4\x08" + bytes(8)]
)
def test_what_is_too_short_is_peeked_at_alike(raw):
    assert peeked(fastwire.peek, raw) == peeked(wire.peek, raw) == "size"


@pytest.mark.parametrize(
    "number", [b"\xcc\x01", b"\xcd\x00\x01", b"\xce\x00\x00\x00\x01", b"\xcf\0\0\0\0\0\0\0\1", b"\xd0\x01"]
)
def test_a_number_that_is_not_in_its_shortest_form_is_refused(number):
    raw = resigned(b"\x99\x11\xce\0\0\0\1\0" + number + b"\x02\x03\x04\xc4\x0e" + bytes(14))
    with pytest.raises(wire.FrameError) as caught:
        fastwire.decode_frame(raw)
    assert caught.value.reason == "shape"


@given(st.data())
def test_a_flipped_bit_spoils_the_tag(data):
    raw = bytearray(frame(seq=300))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    spoiled_head = bit // 8 in (len(raw) - 10, len(raw) - 9)  # not covered: peek() looks at it
    assert fastwire.tag_ok(bytes(raw), keys_of(1)[0]) is spoiled_head
    if spoiled_head:
        with pytest.raises(wire.FrameError):
            wire.peek(bytes(raw))


@given(
    st.integers(0, 0xFFFFFFFF),
    st.lists(st.tuples(U16, U16, U16).map(lambda r: (r[0], *sorted(r[1:]))), max_size=64),
    st.integers(0, (1 << 53) - 1),
    st.integers(0, 604800),
    st.lists(st.binary(min_size=8, max_size=8), max_size=3),
)
def test_acks_are_the_same_bytes(device, ranges, utc_ms, next_s, tags):
    expected = wire.encode_ack(wire.Ack(device, ranges, utc_ms, next_s, 0, b""), bytes(32), tags)
    assert fastwire.AckWriter(next_s).ack(device, ranges, utc_ms, bytes(32), tags) == expected


@given(
    st.lists(st.sampled_from([200, 400, 401, 409]), min_size=1, max_size=64),
    st.lists(st.binary(min_size=22, max_size=300), max_size=4),
)
def test_answers_are_the_same_bytes(results, acks):
    assert fastwire.encode_answer(results, acks) == wire.encode_answer(results, acks)


def test_a_period_no_collar_would_take_is_refused_at_once():
    with pytest.raises(wire.FrameError, match="next_s=604801"):
        fastwire.AckWriter(604801)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=64))
def test_every_right_batch_is_read_alike(frames):
    body = wire.encode_batch(frames)
    assert fastwire.decode_batch(body) == frames == [bytes(view) for view in wire.decode_batch(body)]


@given(st.binary(max_size=60) | ANYTHING.map(msgpack.packb))
@example(b"")
@example(b"\x07")
@example(b"\x90")
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\x91\xc6\xff\xff\xff\xff")
@example(b"\x91" * 5000)
@example(b"\x91\xa1a")
def test_what_is_no_batch_is_refused_as_one(body):
    try:
        wire.decode_batch(body)
    except wire.BatchError:
        try:
            liberal = fastwire.decode_batch(body)
        except wire.BatchError:
            return
        assert wire.encode_batch(liberal) != body  # right, but not in the shortest form


def test_a_batch_written_by_another_tool_is_read():
    assert fastwire.decode_batch(b"\xdc\x00\x01\xc6\x00\x00\x00\x02hi") == [b"hi"]
