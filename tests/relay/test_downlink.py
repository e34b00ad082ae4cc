"""Downlinks on their way: into the acks of a collar, until it says that it has them."""

from __future__ import annotations

from dataclasses import replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from herdcore import wire
from herdcore.downlink import SETTINGS_MAX, decode_commands
from herdcore.vocabulary import ACK_NEWER_SETTINGS
from relay.ingest import Ingest
from relay.keys import COLLARS, SCORER, STORAGE
from relay.model import CollarKey, Downlink
from relay.spans import span_ms
from relay.storage.ports import STORED
from tests.relay.collar_said import block, health_record, raw_records
from tests.relay.scene import START_MS, Scene, acks_in, frame, keys_of, resigned

BLOCK = block(5, upload_s=600)


def signed(kind, seq, records, device=1, boot=1, age_s=0):
    fields = wire.Frame(kind, device, 0, boot, seq, 0, age_s, records)
    return wire.encode_frame(fields, keys_of(device)[0])


def health(seq, number, **fields):
    return signed(0x14, seq, health_record(number), **fields)


class Core:
    """Ingest with two collars; `told` is what the first one hears."""

    def __init__(self, *downlinks):
        self.ingest = Ingest([CollarKey(device, 7, 0, *keys_of(device)) for device in (1, 2)], 300)
        self.ingest.replace_downlinks(downlinks)

    def acks(self, *frames):
        batch = self.ingest.judge(wire.encode_batch(list(frames)), START_MS)
        return acks_in(self.ingest.answer(batch, [STORED] * len(batch.frames)).body, frames)[1]

    def told(self, *frames):
        ack = self.acks(*frames)[1]
        return ack.flags, *decode_commands(ack.commands)


WAITS = Downlink(1, 5, BLOCK, 0, 0, -1)
NOTHING = (0, b"", 0, 0)
SETTINGS = (ACK_NEWER_SETTINGS, BLOCK, 0, 0)


def test_every_ack_carries_the_block_that_waits_and_says_so():
    core = Core(WAITS)
    assert [core.told(frame(1, seq)) for seq in range(3)] == [SETTINGS] * 3


def test_the_other_collars_of_a_request_hear_nothing_of_it():
    acks = Core(WAITS).acks(frame(1), frame(2))
    assert (acks[2].flags, acks[2].commands) == (0, b"")
    assert acks[1].commands != b""


def test_the_ack_to_the_health_frame_that_tells_the_number_has_the_block_no_more():
    core = Core(WAITS)
    assert core.told(health(1, 5)) == NOTHING
    assert core.told(frame(1, 2)) == NOTHING


@pytest.mark.parametrize("number", [0, 4, 6])
def test_another_number_settles_nothing(number):
    assert Core(WAITS).told(health(1, number)) == SETTINGS


def test_numbers_are_told_modulo_16():
    number = 5 + 16
    core = Core(Downlink(1, number, block(number), 0, 0, -1))
    assert core.told(health(1, 5)) == NOTHING


def test_a_health_frame_older_than_the_newest_settles_nothing():
    heard = replace(WAITS, heard=1 << 16 | 9)
    core = Core(heard)
    assert core.told(health(9, 5)) == SETTINGS
    assert core.told(health(10, 0)) == SETTINGS
    assert core.told(health(9, 5)) == SETTINGS
    assert core.told(health(11, 5)) == NOTHING


def test_a_health_frame_that_nobody_signed_settles_nothing():
    core = Core(WAITS)
    forged = wire.encode_frame(wire.Frame(0x14, 1, 0, 1, 1, 0, 0, health_record(5)), bytes(32))
    assert core.ingest.judge(wire.encode_batch([forged]), START_MS).results == [401]
    assert core.told(frame(1)) == SETTINGS


def test_a_burst_is_asked_for_until_its_samples_come():
    core = Core(Downlink(1, 0, b"", 7, 30, -1))
    assert core.told(frame(1)) == (0, b"", 7, 30)
    assert core.told(signed(0x15, 1, raw_records(6))) == (0, b"", 7, 30)
    assert core.told(signed(0x15, 2, raw_records(7))) == NOTHING


def test_settings_and_burst_are_settled_each_by_itself():
    core = Core(replace(WAITS, burst_id=7, burst_s=60))
    assert core.told(frame(1)) == (ACK_NEWER_SETTINGS, BLOCK, 7, 60)
    assert core.told(health(1, 5)) == (0, b"", 7, 60)
    assert core.told(signed(0x15, 2, raw_records(7))) == NOTHING


def test_what_is_withdrawn_is_not_told_any_more():
    core = Core(WAITS)
    core.ingest.replace_downlinks([])
    assert core.told(frame(1)) == NOTHING


def test_the_longest_block_and_the_most_ranges_fit_an_ack():
    core = Core(Downlink(1, 65535, bytes(SETTINGS_MAX), 65535, 60, -1))
    frames = [frame(1, 2 * seq, boot=60_000) for seq in range(700, 700 + wire.BATCH_MAX)]
    assert len(core.acks(*frames)[1].ranges) == wire.BATCH_MAX


@given(st.integers(0, 3), st.binary(max_size=500))
def test_an_ack_with_commands_is_what_wire_writes(flags, commands):
    acks = Ingest(next_upload_s=300)._acks
    acks.ends[1] = acks.end(flags, commands)
    expected = wire.encode_ack(wire.Ack(1, [(1, 2, 3)], 9, 300, flags, commands), bytes(32), [bytes(8)])
    assert acks.ack(1, [(1, 2, 3)], 9, bytes(32), [bytes(8)]) == expected


def test_commands_that_fit_no_ack_are_refused_where_they_come_in():
    with pytest.raises(wire.FrameError, match=r"bytes of commands=513 outside 0\.\.512"):
        Ingest()._acks.end(0, bytes(513))


# in the running relay


@pytest.fixture
async def scene(tmp_path):
    async with Scene(tmp_path) as scene:
        yield scene


async def heard(scene, raw):
    _, body = await scene.post([raw])
    return decode_commands(acks_in(body, [raw])[1][1].commands)


async def change(scene):
    """Change the settings of collar 1, as the command line does beside the relay."""
    before = await scene.app[STORAGE].settings(1)
    raw = block(before.next_number, upload_s=700)
    await scene.app[STORAGE].set_settings(1, before.number, before.next_number, raw)
    return raw


async def test_a_change_reaches_the_running_relay_within_a_second_of_requests(scene):
    assert await heard(scene, frame(1, 1)) == (b"", 0, 0)
    raw = await change(scene)
    scene.app[COLLARS].downlinks_due_s = 0.0  # the second is over
    assert await heard(scene, frame(1, 2)) == (raw, 0, 0)


async def test_a_change_reaches_the_running_relay_when_it_is_told_to_read_again(scene):
    raw = await change(scene)
    await scene.app[COLLARS].load()
    assert await heard(scene, frame(1, 1)) == (raw, 0, 0)


async def test_the_collar_hears_it_until_it_says_so_and_the_store_remembers_that(scene):
    raw = await change(scene)
    await scene.app[COLLARS].load()
    assert await heard(scene, health(1, 0)) == (raw, 0, 0)
    assert await heard(scene, health(2, 1)) == (b"", 0, 0)
    await scene.app[COLLARS].load()
    assert await heard(scene, frame(1, 3)) == (b"", 0, 0)


async def test_frames_are_taken_even_if_downlinks_cannot_be_read(scene, monkeypatch):
    async def broken():
        raise OSError("the disk")

    monkeypatch.setattr(scene.app[STORAGE], "waiting", broken)
    await scene.app[COLLARS].load()  # as at start, and for a frame that nobody signed
    scene.app[COLLARS].downlinks_due_s = 0.0
    assert (await scene.post([frame(1, 1)]))[0] == 200


# all schemas come in, and nothing comes from the future

MINUTE = bytes((1 << 5, 60, 60, 0, 0, 0, 0, 0xC0))
SCHEMAS = {
    0x11: bytes(14),
    0x12: MINUTE,
    0x13: bytes((1 << 5 | 9,)),
    0x14: health_record(),
    0x15: raw_records(),
}


@pytest.mark.parametrize("kind", SCHEMAS)
async def test_a_frame_of_every_schema_is_stored_and_acknowledged(scene, kind):
    raw = signed(kind, 1, SCHEMAS[kind], age_s=3600)
    status, body = await scene.post([raw])
    assert (status, acks_in(body, [raw])[1][1].ranges) == (200, [(1, 1, 1)])
    assert await scene.stored() == [(1, 1, 1, SCHEMAS[kind])]


@pytest.mark.parametrize(
    ("kind", "records"),
    [(0x12, b"\xff" * 8), (0x13, b"\xff" * 3), (0x15, bytes(6)), (0x15, bytes(12))],
)
def test_records_that_no_collar_makes_are_refused(kind, records):
    body = b"\x99" + bytes([kind]) + b"\xce\0\0\0\1\0\1\1\1\1" + msgpack.packb(records)
    batch = Core().ingest.judge(wire.encode_batch([resigned(body)]), START_MS)
    assert (batch.results, batch.refusals) == ([400], ["records"])


@pytest.mark.parametrize(
    ("kind", "records", "lasts_ms"),
    [
        (0x11, bytes(14) * 88, 450_560),
        (0x12, MINUTE * 170, 170 * 60_000),
        (0x13, bytes((1 << 5 | 9, 2 << 5)), 11 * 60_000),
        (0x14, health_record(), 0),
        (0x15, raw_records(samples=((0, 0, 0),) * 25, offset_ms=300), 2_300),
    ],
)
def test_no_record_of_a_frame_is_dated_after_its_arrival(kind, records, lasts_ms):
    assert span_ms(kind, records) == lasts_ms
    (young,), (old,) = (
        Core().ingest.judge(wire.encode_batch([signed(kind, 1, records, age_s=age_s)]), START_MS).frames
        for age_s in (0, 20_000)
    )
    assert young.first_ms == START_MS - lasts_ms
    assert old.first_ms == START_MS - 20_000_000


@given(st.integers(0, 0xFFFFFFFF), st.sampled_from(sorted(SCHEMAS)))
def test_whatever_age_a_collar_tells_its_frame_is_stored_and_never_of_the_future(age_s, kind):
    raw = signed(kind, 1, SCHEMAS[kind], age_s=age_s)
    (new,) = Core().ingest.judge(wire.encode_batch([raw]), START_MS).frames
    assert new.first_ms + span_ms(kind, SCHEMAS[kind]) <= START_MS == new.received_ms


async def test_a_frame_of_unknown_age_is_stored_counted_and_not_scored(scene):
    await scene.post([frame(1, 1, age_s=61 * 86_400), frame(1, 2, age_s=100)])
    await scene.app[SCORER].wait_idle()
    assert len(await scene.stored()) == 2
    assert scene.counted('herdbell_scorer_frames_skipped_total{reason="undated"}') == 1
    assert scene.counted('herdbell_scorer_windows_total{result="scored"}') == 1
