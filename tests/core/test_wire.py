"""Frames, acks and answers: what goes in comes out, and nothing else gets through."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from herdcore import auth, downlink, records, wire
from tests.core.strategies import ACKS, FRAMES, KEY, TAGS, examples

WINDOW = bytes(range(14))
FRAME = wire.Frame(0x11, 0xC0A11A5, 3, 7, 1, 3600, 5, WINDOW)


def signed(head):
    """Return head with a right tag behind it."""
    return head + b"\xc4\x08" + auth.hmac_sha256(KEY, head)[:8]


def flipped(raw):
    """Yield raw with each of its bits flipped in turn."""
    for bit in range(8 * len(raw)):
        wrong = bytearray(raw)
        wrong[bit // 8] ^= 1 << bit % 8
        yield bytes(wrong)


@examples(300)
@given(FRAMES)
def test_a_frame_comes_back_as_it_was_and_any_msgpack_tool_reads_the_same(frame):
    raw = wire.encode_frame(frame, KEY)
    assert wire.peek(raw) == (frame.device, frame.epoch)
    assert wire.tag_ok(raw, KEY)
    assert wire.decode_frame(raw) == frame
    assert msgpack.unpackb(raw) == [*frame, wire.tag_of(raw)]
    assert len(raw) <= wire.FRAME_MAX


@examples(100)
@given(FRAMES)
def test_apart_from_the_device_a_frame_is_what_the_msgpack_package_would_write(frame):
    raw = wire.encode_frame(frame._replace(device=frame.device | 1 << 31), KEY)
    assert raw == msgpack.packb(msgpack.unpackb(raw))


def test_no_flipped_bit_gets_past_the_tag():
    raw = wire.encode_frame(FRAME, KEY)
    assert wire.tag_ok(raw, KEY)
    assert not any(wire.tag_ok(wrong, KEY) for wrong in flipped(raw))


@examples(400)
@given(FRAMES, st.data())
def test_a_mutated_frame_is_refused_or_is_the_only_encoding_of_what_it_says(frame, data):
    raw = bytearray(wire.encode_frame(frame, KEY))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, min(len(raw) - 1, 40)))
        cut = data.draw(st.integers(0, 2))
        raw[at : at + cut] = data.draw(st.binary(max_size=3))
    mutant = signed(bytes(raw[:-10]))
    try:
        read = wire.decode_frame(mutant)
    except wire.FrameError as exc:
        event(exc.reason)
    else:
        assert wire.encode_frame(read, KEY) == mutant


@examples(400)
@given(st.binary(max_size=80))
def test_random_bytes_raise_nothing_but_frame_errors(noise):
    for read in (
        wire.peek, wire.decode_frame, wire.decode_batch, wire.decode_answer,
        wire.unpack_windows, wire.unpack_health,
        records.unpack_minutes, records.unpack_codes, records.unpack_raw,
        lambda raw: wire.decode_ack(raw, KEY, []),
        lambda raw: wire.decode_frame(signed(b"\x99\x11\xce" + raw)),
        lambda raw: wire.decode_batch(b"\x92\xc4" + raw),
        lambda raw: wire.decode_ack(signed(b"\x98\x01\xce" + raw), KEY, []),
        lambda raw: wire.decode_answer(b"\x92\x91\xcc\xc8" + raw),
    ):  # fmt: skip
        try:
            read(noise)
        except wire.FrameError as exc:
            assert str(exc)  # noqa: PT017 - any of these may also succeed


@pytest.mark.parametrize(("name", "form", "low", "high"), wire.FRAME_FIELDS[1:7])
@pytest.mark.parametrize("wrong", ["below", "above", "true", "float", "none"])
def test_a_header_field_out_of_range_is_refused_with_name_value_and_bounds(name, form, low, high, wrong):
    value = {"below": low - 1, "above": high + 1, "true": True, "float": 1.0, "none": None}[wrong]
    with pytest.raises(wire.FrameError) as caught:
        wire.encode_frame(FRAME._replace(**{name: value}), KEY)
    assert caught.value.reason == "range"
    assert str(caught.value) == f"{name}={value!r} outside {low}..{high}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": 0x21}, "range"),
        ({"kind": 0x16}, "schema"),
        ({"records": b""}, "records"),
        ({"records": WINDOW[1:]}, "records"),
        ({"records": WINDOW * 89}, "records"),
        ({"kind": 0x14, "records": bytes(2 * wire.HEALTH_BYTES)}, "records"),
    ],
)
def test_records_that_do_not_suit_their_kind_are_not_signed(change, reason):
    with pytest.raises(wire.FrameError) as caught:
        wire.encode_frame(FRAME._replace(**change), KEY)
    assert caught.value.reason == reason


def test_the_largest_frame_of_every_schema_fits_a_packet():
    for schema, (_, width, most) in wire.SCHEMAS.items():
        fullest = b"\1" + bytes(width * most - 1)
        top = wire.Frame(0x10 + schema, 0xFFFFFFFF, 127, 65535, 65535, (1 << 32) - 1, (1 << 32) - 1, fullest)
        assert len(top.records) <= wire.RECORDS_MAX
        assert len(wire.encode_frame(top, KEY)) <= wire.FRAME_MAX


def test_only_age_and_tag_change_when_a_frame_is_sent_again():
    first, again = (wire.encode_frame(FRAME._replace(age_s=age), KEY) for age in (5, 65))
    assert [a == b for a, b in zip(msgpack.unpackb(first), msgpack.unpackb(again), strict=True)] == [
        True, True, True, True, True, True, False, True, False,
    ]  # fmt: skip


def test_the_tables_name_the_fields_of_the_tuples_in_their_order():
    assert tuple(f[0] for f in wire.FRAME_FIELDS[:-1]) == wire.Frame._fields
    assert tuple(f[0] for f in wire.ACK_FIELDS[1:-1]) == wire.Ack._fields
    assert tuple(f[0] for f in wire.WINDOW_FIELDS) == wire.Window._fields
    assert tuple(f[0] for f in wire.HEALTH_FIELDS) == wire.Health._fields
    assert tuple(f[0] for f in records.MINUTE_FIELDS) == records.Minute._fields
    assert tuple(t[1] for t in downlink.SETTINGS_TAGS) == downlink.Settings._fields[1:]
    assert tuple(t[0] for t in downlink.SETTINGS_TAGS) == tuple(range(1, len(downlink.SETTINGS_TAGS) + 1))


@examples(100)
@given(st.lists(st.integers(-(1 << 40), 1 << 40), min_size=40, max_size=40))
def test_record_values_out_of_range_are_clamped_never_wrapped(values):
    for kind, fields, pack, unpack in (
        (wire.Window, wire.WINDOW_FIELDS, wire.pack_window, lambda raw: wire.unpack_windows(raw)[0]),
        (wire.Health, wire.HEALTH_FIELDS, wire.pack_health, wire.unpack_health),
    ):
        given_values = values[: len(fields)]
        wanted = [min(max(v, low), high) for v, (_, _, low, high) in zip(given_values, fields, strict=True)]
        assert list(unpack(pack(kind(*given_values)))) == wanted


def test_a_health_record_out_of_range_is_refused_with_its_bounds():
    record = wire.pack_health(wire.Health(*[0] * 26))
    with pytest.raises(wire.FrameError, match=r"batt_mv=6001 outside 0\.\.6000"):
        wire.unpack_health((6001).to_bytes(2, "little") + record[2:])


@examples(100)
@given(st.lists(st.binary(max_size=400), min_size=1, max_size=64))
def test_a_body_is_what_the_msgpack_package_would_write_and_reads_back(frames):
    body = wire.encode_batch(frames)
    assert body == msgpack.packb(frames)
    assert [bytes(view) for view in wire.decode_batch(body)] == frames


def test_a_body_of_no_frames_of_65_or_of_too_many_bytes_is_refused():
    for count in (0, 65):
        with pytest.raises(wire.BatchError, match=rf"{count} frames outside 1\.\.64"):
            wire.encode_batch([b"a"] * count)
    with pytest.raises(wire.BatchError, match="at most 98304") as caught:
        wire.decode_batch(bytes(98305))
    assert caught.value.reason == "size"


def test_a_frame_too_long_for_a_packet_does_not_spoil_its_body():
    long, good = wire.decode_batch(wire.encode_batch([bytes(70_000), wire.encode_frame(FRAME, KEY)]))
    assert wire.decode_frame(good) == FRAME
    with pytest.raises(wire.FrameError, match="70000 bytes"):
        wire.peek(long)


@examples(150)
@given(ACKS, TAGS)
def test_an_ack_comes_back_as_it_was_and_any_msgpack_tool_reads_the_same(ack, tags):
    raw = wire.encode_ack(ack, KEY, tags)
    assert wire.decode_ack(raw, KEY, tags) == ack
    ranges = [list(r) for r in ack.ranges]
    assert msgpack.unpackb(raw) == [1, ack.device, ranges, *ack[2:], raw[-8:]]


def test_no_flipped_bit_of_an_ack_is_believed():
    raw = wire.encode_ack(wire.Ack(7, [(1, 2, 3)], 1_763_827_200_000, 900, 1, b""), KEY, [b"abcdefgh"])
    for wrong in flipped(raw):
        with pytest.raises(wire.FrameError) as caught:
            wire.decode_ack(wrong, KEY, [b"abcdefgh"])
        assert caught.value.reason == "tag"


def test_an_ack_answers_these_frames_in_this_order_and_no_others():
    first, second = b"abcdefgh", b"ijklmnop"
    raw = wire.encode_ack(wire.Ack(7, [(1, 2, 3)], 0, 0, 0, b""), KEY, [first, second])
    for tags in ([second, first], [first], [first, second, first], []):
        with pytest.raises(wire.FrameError, match="wrong tag"):
            wire.decode_ack(raw, KEY, tags)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ranges": [(1, 3, 2)]}, r"lo=3 outside 0\.\.2"),
        ({"ranges": [(65536, 0, 0)]}, "boot=65536"),
        ({"ranges": [(0, 0, 0)] * 65}, "ranges=65"),
        ({"next_s": 604801}, r"next_s=604801 outside 0\.\.604800"),
        ({"commands": bytes(513)}, r"bytes of commands=513 outside 0\.\.512"),
        ({"device": -1}, "device=-1"),
    ],
)
def test_an_ack_that_a_collar_would_refuse_is_not_signed(change, message):
    with pytest.raises(wire.FrameError, match=message):
        wire.encode_ack(wire.Ack(7, [(1, 2, 3)], 0, 0, 0, b"")._replace(**change), KEY, [])


@examples(60)
@given(
    st.lists(st.sampled_from([200, 400, 401, 409]), max_size=64),
    st.lists(st.binary(min_size=22, max_size=300), max_size=5),
)
def test_an_answer_is_what_the_msgpack_package_would_write_and_reads_back(results, acks):
    raw = wire.encode_answer(results, acks)
    assert raw == msgpack.packb([results, acks])
    assert wire.decode_answer(raw) == (results, acks)


def test_an_answer_with_another_shape_or_status_is_refused():
    for raw in (msgpack.packb([[200]]), msgpack.packb([[600], []]), msgpack.packb({}), b""):
        with pytest.raises(wire.FrameError):
            wire.decode_answer(raw)
    with pytest.raises(wire.FrameError, match="status=99"):
        wire.encode_answer([99], [])
