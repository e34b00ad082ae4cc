"""What hypothesis may make up about the wire, and how it goes about it: always the same way."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from herdcore import records, wire

KEY = bytes(range(32))


def examples(count):
    """Decorator: that many examples, the same ones in every run, none of them timed or kept on disk."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def _as_minutes(noise):
    """Return bytes of whole minutes with the few that are bounded put in their bounds."""
    out = bytearray(noise)
    for at in range(0, len(out), 8):
        out[at] %= 192
        out[at + 6] %= 13
        out[at + 7] = out[at + 7] % 13 << 4 | out[at + 7] & 7
    return bytes(out)


def records_of(schema):
    """Return a strategy of record bytes that suit a schema."""
    if schema == 4:
        return st.tuples(*[st.integers(low, high) for _, _, low, high in wire.HEALTH_FIELDS]).map(
            lambda values: wire.pack_health(wire.Health(*values))
        )
    if schema == 2:
        return (
            st.integers(1, 170).flatmap(lambda n: st.binary(min_size=8 * n, max_size=8 * n)).map(_as_minutes)
        )
    if schema == 3:
        return st.lists(st.integers(0, 5), min_size=1, max_size=60).map(
            lambda hour: records.pack_codes(hour)[0][1]
        )
    _, width, most = wire.SCHEMAS[schema]
    if schema == 5:
        head = st.builds(
            records.pack_raw_head, st.integers(1, 65535), st.integers(0, 65535), st.integers(0, 65535)
        )
        samples = st.integers(1, most - 1).flatmap(lambda n: st.binary(min_size=6 * n, max_size=6 * n))
        return st.builds(bytes.__add__, head, samples)
    return st.integers(1, most).flatmap(lambda n: st.binary(min_size=n * width, max_size=n * width))


def header(name):
    """Return a strategy of one header field: its whole range, and its edges and those of msgpack's forms."""
    low, high = next((low, high) for field, _, low, high in wire.FRAME_FIELDS if field == name)
    edges = [v for v in (low, high, 127, 128, 255, 256, 65535, 65536, 1 << 31) if low <= v <= high]
    return st.sampled_from(edges) | st.integers(low, high)


def _frame(schema):
    fields = [header(name) for name in ("device", "epoch", "boot", "seq", "up_s", "age_s")]
    return st.builds(wire.Frame, st.just(0x10 + schema), *fields, records_of(schema))


FRAMES = st.sampled_from(sorted(wire.SCHEMAS)).flatmap(_frame)

RANGES = st.tuples(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 65535)).map(
    lambda r: (r[0], min(r[1:]), max(r[1:]))
)
ACKS = st.builds(
    wire.Ack,
    header("device"),
    st.lists(RANGES, max_size=64),
    st.integers(0, (1 << 53) - 1),
    st.integers(0, 604800),
    st.integers(0, 65535),
    st.binary(max_size=512),
)
TAGS = st.lists(st.binary(min_size=8, max_size=8), max_size=4)
