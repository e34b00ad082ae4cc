"""What a relay tells a collar: it comes back as it was, stays small, and nothing else gets through."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from herdcore import answer, downlink, wire
from herdcore.downlink import NO_SETTINGS, SETTINGS_MAX
from herdcore.vocabulary import PROFILES
from tests.core.strategies import examples


def text(low, high):
    """Return a strategy of texts of low..high bytes in UTF-8."""
    return st.text("ab 9é鈴", min_size=low, max_size=high).filter(lambda t: len(t.encode()) <= high)


NETWORK = st.tuples(text(1, 32), text(0, 64))
RELAY = st.tuples(text(1, 60), st.integers(1, 65535))
SETTINGS = st.builds(
    downlink.Settings,
    st.integers(1, 65535),
    st.just(0) | st.integers(60, 86400),
    st.integers(-1, len(PROFILES) - 1),
    st.lists(NETWORK, max_size=3).map(tuple),
    st.lists(RELAY, max_size=2).map(tuple),
    st.none() | NETWORK,
    st.none() | RELAY,
)
ONE = downlink.Settings(5, 900, 1, (("barn", "hay"),), (("10.0.0.2", 80),), ("shed", ""), ("relay", 443))


@examples(150)
@given(SETTINGS)
def test_settings_come_back_as_they_were_and_any_msgpack_tool_reads_them(settings):
    try:
        raw = downlink.encode_settings(settings)
    except wire.FrameError as exc:
        assert exc.reason == "size"  # noqa: PT017 - most fit
        assert len(str(settings).encode()) > SETTINGS_MAX - 100
        return
    assert len(raw) <= SETTINGS_MAX
    assert downlink.decode_settings(raw) == settings
    assert msgpack.packb(msgpack.unpackb(raw)) == raw


def test_all_that_a_farm_commonly_has_fits_the_block():
    network, relay = ("a network name of 24 chars", "password of 20 chars"), ("relay.farm.example", 8443)
    raw = downlink.encode_settings(
        downlink.Settings(65535, 86400, 3, (network,) * 3, (relay,) * 2, network, relay)
    )
    assert len(raw) <= SETTINGS_MAX


def test_no_settings_are_no_bytes_whatever_else_is_set():
    assert downlink.encode_settings(NO_SETTINGS) == b""
    assert downlink.encode_settings(ONE._replace(number=0)) == b""
    assert downlink.decode_settings(b"") == NO_SETTINGS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": 65536}, r"number=65536 outside 1\.\.65535"),
        ({"upload_s": 59}, r"upload_s=59 outside 60\.\.86400"),
        ({"profile": len(PROFILES)}, rf"profile={len(PROFILES)} outside 0\.\."),
        ({"networks": (("a", ""),) * 4}, r"networks=4 outside 1\.\.3"),
        ({"networks": (("", ""),)}, r"bytes of ssid=0 outside 1\.\.32"),
        ({"next_network": ("é" * 17, "")}, r"bytes of ssid=34 outside 1\.\.32"),
        ({"next_network": ("a", "p" * 65)}, r"bytes of password=65 outside 0\.\.64"),
        ({"relays": (("h", 1),) * 3}, r"relays=3 outside 1\.\.2"),
        ({"relays": (("h", 0),)}, r"port=0 outside 1\.\.65535"),
        ({"next_relay": ("h" * 254, 1)}, r"bytes of host=254 outside 1\.\.253"),
        ({"relays": (("h" * 253, 1),), "next_relay": ("h" * 253, 1)}, "more than 400 bytes"),
    ],
)
def test_settings_that_a_collar_would_refuse_are_not_written(change, message):
    with pytest.raises(wire.FrameError, match=message):
        downlink.encode_settings(ONE._replace(**change))


VALUES = st.integers(0, (1 << 64) - 1) | st.binary(max_size=40)


@examples(150)
@given(st.lists(st.integers(7, 255), unique=True, max_size=8), st.data())
def test_tags_of_a_newer_relay_are_skipped(tags, data):
    raw = msgpack.unpackb(downlink.encode_settings(ONE))
    for tag in sorted(tags):
        raw += [tag, data.draw(VALUES | st.lists(VALUES, max_size=16))]
    packed = msgpack.packb(raw)
    if len(packed) <= SETTINGS_MAX:
        assert downlink.decode_settings(packed) == ONE


def refusal(read, raw):
    """Return the reason for which raw is refused, or what is read."""
    try:
        return read(raw)
    except wire.FrameError as exc:
        assert str(exc)  # noqa: PT017 - it may also succeed
        event(exc.reason)
        return exc.reason


@examples(200)
@given(SETTINGS, st.data())
def test_a_mutated_block_is_refused_or_says_something_in_bounds(settings, data):
    raw = bytearray(downlink.encode_settings(settings._replace(networks=settings.networks[:1], relays=())))
    for _ in range(data.draw(st.integers(1, 3))):
        at, cut = data.draw(st.integers(0, len(raw))), data.draw(st.integers(0, 2))
        raw[at : at + cut] = data.draw(st.binary(max_size=3))
    read = refusal(downlink.decode_settings, bytes(raw))
    if isinstance(read, downlink.Settings):
        assert downlink.decode_settings(downlink.encode_settings(read)) == read


@examples(200)
@given(st.binary(max_size=60))
def test_random_bytes_raise_nothing_but_frame_errors(noise):
    for start in (b"", b"\x94\x01\x05", b"\x94\x01\x05\x03\x92", b"\x94\x01\x05\x09\x9f"):
        refusal(downlink.decode_settings, start + noise)
    for start in (b"", b"\x94\x01\xc4"):
        refusal(downlink.decode_commands, start + noise)


@examples(150)
@given(st.binary(max_size=SETTINGS_MAX), st.integers(0, 65535), st.integers(0, 60))
def test_commands_come_back_as_they_were_and_fit_an_ack(block, burst_id, burst_s):
    raw = downlink.encode_commands(block, burst_id, burst_s)
    assert downlink.decode_commands(raw) == (block, burst_id, burst_s if raw else 0)
    assert len(raw) <= answer.COMMANDS_MAX
    assert not raw or msgpack.unpackb(raw) == [1, block, burst_id, burst_s]
    assert bool(raw) == bool(block or burst_id)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ((bytes(401), 0, 0), r"bytes of settings=401 outside 0\.\.400"),
        ((b"", 65536, 1), r"burst_id=65536"),
        ((b"", 1, 61), r"burst_s=61 outside 0\.\.60"),
    ],
)
def test_commands_that_a_collar_would_refuse_are_not_written(said, message):
    with pytest.raises(wire.FrameError, match=message):
        downlink.encode_commands(*said)


def test_an_error_never_shows_a_password():
    raw = msgpack.packb([1, 5, 3, [b"barn", b"\xffsecret"]])
    with pytest.raises(wire.FrameError) as caught:
        downlink.decode_settings(raw)
    assert str(caught.value) == "password is not UTF-8"
