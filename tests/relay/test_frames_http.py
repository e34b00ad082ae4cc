"""POST /v1/frames over a real connection: right frames, bad ones, slow ones."""

from __future__ import annotations

import asyncio
import gzip
import io
import json

import pytest

from herdcore import wire
from relay.keys import COLLARS, CONFIG, STORAGE
from relay.storage.ports import Busy, Unwritable
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from tests.relay.scene import HEADERS, WINDOW, Scene, acks_in, frame, impatient, keys_of

HALF_SENT = (
    b"POST /v1/frames HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: 100\r\n\r\n"
    b"half of it"
)


@pytest.fixture
async def scene(tmp_path):
    async with Scene(tmp_path) as scene:
        yield scene


async def test_a_frame_is_stored_before_it_is_acknowledged(scene):
    raw = frame(1, 7, boot=2, records=WINDOW * 88)
    status, body = await scene.post([raw])
    results, acks = acks_in(body, [raw])
    assert (status, results, acks[1].ranges) == (200, [200], [(2, 7, 7)])
    assert await scene.stored() == [(1, 2, 7, WINDOW * 88)]
    assert scene.frames_counted("stored") == 1


async def test_a_duplicate_is_acknowledged_again_and_stored_once(scene):
    raws = [frame(1, 7), frame(1, 7, age_s=900)]
    for raw in raws:
        status, body = await scene.post([raw])
        assert (status, acks_in(body, [raw])[1][1].ranges) == (200, [(1, 7, 7)])
    assert len(await scene.stored()) == 1
    assert (scene.frames_counted("stored"), scene.frames_counted("duplicate")) == (1, 1)


async def test_a_gateway_sends_many_collars_and_one_bad_frame_does_not_touch_the_others(scene):
    good = [frame(device, seq) for seq in range(20) for device in (1, 2)]
    status, body = await scene.post([*good[:20], frame(1, 99, key=bytes(32)), *good[20:]])
    results, acks = acks_in(body, good)
    assert status == 200
    assert results == [200] * 20 + [401] + [200] * 20
    assert {device: ack.ranges for device, ack in acks.items()} == {1: [(1, 0, 19)], 2: [(1, 0, 19)]}
    assert len(await scene.stored()) == 40


async def test_the_same_number_with_other_records_is_a_conflict(scene):
    await scene.post([frame(1, 7)])
    assert await scene.problem([frame(1, 7, records=WINDOW * 2)]) == (409, "conflict")
    assert scene.frames_counted("conflict") == 1
    assert await scene.stored() == [(1, 1, 7, WINDOW)]


BAD_FRAMES = {
    "a wrong tag": (frame(1, key=bytes(32)), 401, "unauthenticated", "wrong_tag"),
    "an unknown collar": (frame(9), 401, "unauthenticated", "unknown_collar"),
    "a version of the future": (b"\x99\x21" + frame(1)[2:], 400, "malformed-frame", "version"),
    "an empty frame": (b"", 400, "malformed-frame", "size"),
    "a frame too long": (bytes(1401), 400, "malformed-frame", "size"),
    "no frame at all": (b"hello, this is a cow speaking", 400, "malformed-frame", "shape"),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
async def test_a_bad_frame_is_refused_counted_and_not_stored(scene, case):
    raw, status, code, reason = BAD_FRAMES[case]
    assert await scene.problem([raw]) == (status, code)
    assert scene.frames_counted(reason) == 1
    assert await scene.stored() == []


async def test_an_unknown_collar_and_a_wrong_tag_look_the_same(scene):
    _, unknown = await scene.post([frame(9)])
    _, wrong = await scene.post([frame(1, key=bytes(32))])
    assert unknown == wrong


BAD_BODIES = {
    "0 bytes": b"",
    "one byte": b"\xc1",
    "a bare integer": b"\x07",
    "an empty array": b"\x90",
    "65 frames": b"\xdc\x00\x41" + b"\xc4\x01x" * 65,
    "a map": b"\x81\xc4\x01a\xc4\x01b",
    "an array of integers": b"\x93\x01\x02\x03",
    "an array of strings": b"\x91\xa2hi",
    "deep nesting": b"\x91" * 90_000,
    "a huge declared array": b"\xdd\xff\xff\xff\xff",
    "a huge declared byte string": b"\x91\xc6\xff\xff\xff\xff",
    "an extension type": b"\x91\xc7\x01\x05x",
    "bytes after the end": wire.encode_batch([frame(1)]) + b"\x00",
}


@pytest.mark.parametrize("case", BAD_BODIES)
async def test_a_body_that_is_no_batch_is_refused_counted_and_not_stored(scene, case):
    assert await scene.problem(BAD_BODIES[case]) == (400, "malformed-body")
    assert scene.requests_refused("body") == 1
    assert await scene.stored() == []


async def test_a_body_of_2_mib_is_refused_without_being_read(scene):
    assert await scene.problem(io.BytesIO(bytes(2 << 20))) == (413, "body-too-large")
    assert scene.requests_refused("too_large") == 1


async def test_a_streamed_body_is_cut_off_at_the_limit(scene):
    async def pieces():
        for _ in range(20):
            yield bytes(8 << 10)

    async with scene.session.post("/v1/frames", data=pieces(), headers=HEADERS) as answer:
        assert answer.status == 413
    assert scene.requests_refused("too_large") == 1


async def test_a_body_that_a_collar_streams_is_read_whole(scene):
    raw = frame(1, records=WINDOW * 88)

    async def pieces():
        body = wire.encode_batch([raw])
        for at in range(0, len(body), 100):
            yield body[at : at + 100]
            await asyncio.sleep(0)

    async with scene.session.post("/v1/frames", data=pieces(), headers=HEADERS) as answer:
        assert answer.status == 200
        assert acks_in(await answer.read(), [raw])[0] == [200]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_a_compressed_body_is_refused_before_it_is_inflated(scene, encoding):
    bomb = gzip.compress(bytes(50 << 20))
    assert len(bomb) < wire.BODY_MAX
    assert await scene.problem(bomb, **{"Content-Encoding": encoding}) == (415, "content-encoding")
    assert scene.requests_refused("encoding") == 1


async def test_another_content_type_is_refused(scene):
    assert await scene.problem([frame(1)], **{"Content-Type": "text/plain"}) == (415, "content-type")
    assert scene.requests_refused("content_type") == 1


async def test_a_body_that_does_not_come_is_given_up_and_its_connection_closed(tmp_path):
    async with Scene(tmp_path, ingest=impatient()) as scene:
        answer = await scene.raw(HALF_SENT)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "body-timeout"
        assert scene.requests_refused("timeout") == 1


async def test_a_sender_that_breaks_off_leaves_nothing_behind(scene):
    _, writer = await asyncio.open_connection("127.0.0.1", scene.port)
    writer.write(HALF_SENT)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await scene.post([frame(1)]))[0] == 200
    assert len(await scene.stored()) == 1


@pytest.mark.parametrize("error", [Busy("4096 frames wait"), Unwritable("disk full")])
async def test_a_relay_that_cannot_store_says_when_to_come_back_and_acknowledges_nothing(
    scene, monkeypatch, error
):
    async def append(_frames):
        raise error

    monkeypatch.setattr(scene.app[STORAGE], "append", append)
    async with scene.session.post(
        "/v1/frames", data=wire.encode_batch([frame(1)]), headers=HEADERS
    ) as answer:
        assert answer.status == 503
        assert 5 <= int(answer.headers["Retry-After"]) <= 60
        assert (await answer.json(content_type=None))["code"] == "busy"
    assert scene.requests_refused("busy") == 1


async def test_a_collar_that_was_just_added_is_found_without_a_restart(scene):
    assert await scene.problem([frame(3)]) == (401, "unauthenticated")
    async with SqliteStorage.open(scene.app[CONFIG].state_dir, open_vault(scene.app[CONFIG])) as beside:
        await beside.add_collar(3, 1)
    scene.app[COLLARS]._next_s = 0  # a second later
    status, body = await scene.post([frame(3)])
    assert (status, acks_in(body, [frame(3)])[0]) == (200, [200])


async def test_keys_are_read_at_most_once_a_second_whoever_knocks(scene, monkeypatch):
    reads = []

    async def collar_keys():
        reads.append(1)
        return []

    scene.app[COLLARS]._next_s = 0
    monkeypatch.setattr(scene.app[STORAGE], "collar_keys", collar_keys)
    for _ in range(5):
        assert await scene.problem([frame(9)]) == (401, "unauthenticated")
    assert len(reads) == 1


async def test_a_forged_ack_is_told_from_a_right_one(scene):
    raw = frame(1)
    _, body = await scene.post([raw])
    (ack,) = wire.decode_answer(body)[1]
    with pytest.raises(wire.FrameError, match="wrong tag"):
        wire.decode_ack(ack, keys_of(1)[1], [wire.tag_of(frame(1, 1))])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/frames", 405, "method-not-allowed"),
        ("GET", "/nowhere", 404, "not-found"),
        ("POST", "/simulation/clock", 404, "not-found"),
        ("GET", "/webhooks/whatsapp", 404, "whatsapp-disabled"),
    ],
)
async def test_every_error_is_a_problem_document(scene, method, path, status, code):
    async with scene.session.request(method, path) as answer:
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        document = await answer.json(content_type=None)
        assert (document["status"], document["code"]) == (status, code)


async def test_a_bug_is_answered_without_its_details_and_logged(scene, monkeypatch, caplog):
    async def append(_frames):
        raise RuntimeError("a detail for the log")

    monkeypatch.setattr(scene.app[STORAGE], "append", append)
    status, body = await scene.post([frame(1)])
    assert (status, json.loads(body)["code"]) == (500, "internal-error")
    assert b"detail for the log" not in body
    assert "a detail for the log" in caplog.text


async def test_headers_that_do_not_come_do_not_hold_a_connection(tmp_path, monkeypatch):
    monkeypatch.setattr("relay.app.KEEPALIVE_TIMEOUT_S", 0.05)
    async with Scene(tmp_path) as scene:
        assert await scene.raw(b"POST /v1/frames HTTP/1.1\r\nHo") == b""
