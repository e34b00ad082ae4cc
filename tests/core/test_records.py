"""Minutes, codes and raw records: bounded, small, and read back as they were."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from herdcore import behaviour, records, wire
from herdcore.vocabulary import BEHAVIOURS
from tests.core.strategies import KEY, examples

CLASSES = len(BEHAVIOURS)
LONGEST = wire.Frame(0x13, 0xFFFFFFFF, 127, 65535, 65535, 0xFFFFFFFF, 0xFFFFFFFF, b"")


def frames_of(classes):
    """Return [(first minute, frame)] of an hour, every header field at its longest."""
    return [
        (first, wire.encode_frame(LONGEST._replace(records=raw), KEY))
        for first, raw in records.pack_codes(classes)
    ]


def read_back(packed):
    """Return the classes of the frames, joined; they must follow each other."""
    out = b""
    for first, raw in packed:
        assert first == len(out)
        out += records.unpack_codes(wire.decode_frame(raw).records)
    return out


RUNS = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(1, 60)), min_size=1, max_size=60).map(
    lambda runs: b"".join(bytes([code]) * length for code, length in runs)[:60]
)
HOURS = RUNS | st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=60).map(bytes)


@examples(300)
@given(HOURS)
@example(bytes(60))
@example(bytes([1, 2] * 30))
@example(bytes([1, 2] * 7 + [3] * 46))
@example(bytes([1] * 33 + [2, 3] * 13 + [2]))
def test_every_hour_comes_back_in_one_or_two_frames_of_at_most_51_bytes(hour):
    packed = frames_of(hour)
    assert read_back(packed) == hour
    assert len(packed) <= 2
    assert max(len(raw) for _, raw in packed) <= 51


def test_the_longest_frame_of_codes_is_51_bytes_whatever_the_hour():
    fullest = LONGEST._replace(records=bytes([0x20, 0x60] * 7 + [0x20]))
    assert len(wire.encode_frame(fullest, KEY)) == 51
    assert len(fullest.records) == wire.SCHEMAS[3][2] == records.CODES_MAX
    # A half hour in 3 bits a minute takes 13 bytes always, and no frame carries more than the table allows.
    assert 1 + -(-30 * 3 // 8) == 13 <= records.CODES_MAX
    with pytest.raises(wire.FrameError):
        wire.encode_frame(LONGEST._replace(records=bytes([0x20, 0x60] * 8)), KEY)


@pytest.mark.parametrize("hour", [b"", bytes(61), bytes([CLASSES]), bytes([1, 7])])
def test_what_is_no_hour_is_not_packed(hour):
    with pytest.raises(wire.FrameError, match=r"outside 0\.\.5|minutes=\d+ outside 1\.\.60"):
        records.pack_codes(hour)


@examples(200)
@given(st.binary(max_size=20))
def test_random_bytes_are_codes_of_an_hour_at_most_or_refused(noise):
    for raw in (noise, b"\xfd" + noise[:12], bytes(b % 0xC0 for b in noise)):
        try:
            classes = records.unpack_codes(raw)
        except wire.FrameError as exc:
            assert exc.reason == "records"  # noqa: PT017 - it may also succeed
        else:
            assert 1 <= len(classes) <= 60
            assert max(classes) < CLASSES
            assert read_back(frames_of(classes)) == classes


@examples(60)
@given(st.lists(st.integers(-(1 << 40), 1 << 40), min_size=8, max_size=8))
def test_values_of_a_minute_out_of_range_are_clamped_never_wrapped(values):
    raw = records.pack_minute(records.Minute(*values))
    wanted = [
        min(max(v, low), high) for v, (_, _, low, high) in zip(values, records.MINUTE_FIELDS, strict=True)
    ]
    if not wanted[7] & 8:
        assert list(records.unpack_minutes(raw)[0]) == wanted


@examples(200)
@given(st.integers(0, 40).flatmap(lambda n: st.binary(min_size=n, max_size=n)), st.sampled_from([2, 3, 5]))
def test_records_pass_the_check_only_if_they_can_be_read(noise, schema):
    read = {2: records.unpack_minutes, 3: records.unpack_codes, 5: records.unpack_raw}[schema]
    try:
        records.check_records(schema, noise)
    except wire.FrameError as exc:
        assert exc.reason == "records"  # noqa: PT017 - it may also succeed
    else:
        assert read(noise)


@pytest.mark.parametrize("raw", [b"", bytes(6), bytes(12), b"\1" + bytes(6)])
def test_raw_records_without_head_rate_or_sample_are_refused(raw):
    with pytest.raises(wire.FrameError):
        records.unpack_raw(raw)


@examples(60)
@given(st.integers(1, 65535), st.integers(0, 65535), st.integers(0, 65535), st.integers(1, 225), st.data())
def test_a_raw_frame_brings_its_samples_with_rate_date_and_number(
    rate_mhz, offset_ms, burst_id, triples, data
):
    samples = data.draw(st.binary(min_size=6 * triples, max_size=6 * triples))
    raw = wire.encode_frame(
        LONGEST._replace(kind=0x15, records=records.pack_raw_head(rate_mhz, offset_ms, burst_id) + samples),
        KEY,
    )
    read = records.unpack_raw(wire.decode_frame(raw).records)
    assert read[:3] == (rate_mhz, offset_ms, burst_id)
    assert b"".join(v.to_bytes(2, "little", signed=True) for v in read.samples) == samples


@examples(100)
@given(
    st.lists(st.tuples(st.binary(min_size=14, max_size=14), st.integers(1, 9000)), min_size=1, max_size=60)
)
def test_whatever_the_windows_are_minutes_are_right_records_in_rising_order(fed):
    minutes, told, start_ms = behaviour.Minutes(), [], 0
    for packed, step_ms in fed:
        if minutes.add(start_ms, packed, 0):
            told.append((minutes.up_s, bytes(minutes.record)))
        start_ms += step_ms
    assert minutes.cut()
    told.append((minutes.up_s, bytes(minutes.record)))
    assert [up_s for up_s, _ in told] == sorted({up_s for up_s, _ in told})
    assert all(up_s % 60 == 0 for up_s, _ in told)
    for minute in records.unpack_minutes(b"".join(raw for _, raw in told)):
        assert 1 <= minute.flags >> 4 <= 12
