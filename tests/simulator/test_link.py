"""The link: bytes pass unchanged, are read along, and get lost only when asked to."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from simulator.http_bodies import HttpBodies
from simulator.link import Fault, Link
from simulator.trace import Trace
from tests.simulator.collar_rig import relay, until

FRAMES = [b"first", b"second"]
BODY = b"\x92\xc4\x05first\xc4\x06second"
POST = b"POST /v1/frames HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
TWO_TAKEN = b"\x92\x92\xcc\xc8\xcc\xc8\x90"  # msgpack [[200, 200], []]
ONE_REFUSED = b"\x92\x92\xcc\xc8\xcd\x01\x91\x90"  # msgpack [[200, 401], []]


async def exchange(link: Link, request: bytes = POST, pieces: int = 1) -> bytes:
    """Say `request` as a collar does; return what comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    step = -(-len(request) // pieces)
    try:
        for at in range(0, len(request), step):
            writer.write(request[at : at + step])
            await writer.drain()
            await asyncio.sleep(0)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


class Scene:
    """A relay, a link to it and a trace."""

    def __init__(self, link, trace, requests):
        self.link, self.trace, self.requests = link, trace, requests

    async def session(self, *, collar=3, virtual_us=7_000_000, request=POST, pieces=1):
        self.link.open_session(collar, virtual_us)
        answer = await exchange(self.link, request, pieces)
        await self.link.close_session()
        return answer


@pytest.fixture
async def scene():
    trace = Trace()
    async with relay(TWO_TAKEN) as (port, requests), Link("127.0.0.1", port, trace=trace) as link:
        yield Scene(link, trace, requests)


@pytest.mark.parametrize("pieces", [1, 3, 40])
async def test_bytes_pass_unchanged_in_both_directions(scene, pieces):
    answer = await scene.session(pieces=pieces)
    assert scene.requests == [POST]
    assert answer.endswith(b"\r\n\r\n" + TWO_TAKEN)


async def test_the_trace_holds_each_frame_and_the_answer_under_the_time_of_the_session(scene):
    await scene.session(collar=3, virtual_us=7_000_000)
    assert scene.trace.entries() == [
        (7_000_000, 3, "frame", b"first"), (7_000_000, 3, "frame", b"second"), (7_000_000, 3, "answer",
        TWO_TAKEN),
    ]  # fmt: skip


async def test_frames_are_counted_when_sent_and_when_acknowledged(scene):
    await scene.session()
    await scene.session()
    assert (scene.link.sessions, scene.link.frames_sent, scene.link.frames_acked) == (2, 4, 4)


async def test_a_refused_frame_does_not_count_as_acknowledged():
    async with relay(ONE_REFUSED) as (port, _), Link("127.0.0.1", port) as link:
        link.open_session(0, 0)
        await exchange(link)
    assert (link.frames_sent, link.frames_acked) == (2, 1)


async def test_a_body_that_is_no_batch_is_traced_as_it_is(scene):
    await scene.session(request=b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
    assert scene.trace.entries()[0] == (7_000_000, 3, "frame", b"abc")
    assert scene.link.frames_sent == 0


async def test_outside_a_session_there_is_no_network(scene):
    assert await exchange(scene.link) == b""
    assert scene.requests == []
    assert len(scene.trace) == 0


async def test_only_one_session_is_open_at_a_time(scene):
    scene.link.open_session(0, 0)
    with pytest.raises(AssertionError, match="collar 1 wants the radio"):
        scene.link.open_session(1, 0)


async def test_refused_the_collar_meets_a_closed_door_once(scene):
    scene.link.fail_next(3, Fault(refuse=True))
    assert await scene.session() == b""
    assert scene.requests == []
    assert (await scene.session()).endswith(TWO_TAKEN)


async def test_cut_after_some_bytes_the_relay_gets_just_those(scene):
    scene.link.fail_next(3, Fault(after_bytes=len(POST) - 4))
    assert await scene.session(pieces=5) == b""
    assert scene.requests == [b""]  # a request that never became whole
    assert (scene.link.frames_sent, len(scene.trace)) == (0, 0)


async def test_cut_before_the_answer_the_relay_has_it_all_and_the_collar_nothing(scene):
    scene.link.fail_next(3, Fault(before_answer=True))
    assert await scene.session() == b""
    assert scene.requests == [POST]
    assert (scene.link.frames_sent, scene.link.frames_acked) == (2, 0)
    assert [kind for _, _, kind, _ in scene.trace.entries()] == ["frame", "frame"]


async def test_a_fault_is_its_collars_own(scene):
    scene.link.fail_next(4, Fault(refuse=True))
    assert (await scene.session(collar=3)).endswith(TWO_TAKEN)
    assert await scene.session(collar=4) == b""


async def test_without_a_relay_the_connection_ends(unused_tcp_port):
    async with Link("127.0.0.1", unused_tcp_port) as link:
        link.open_session(0, 0)
        assert await exchange(link) == b""
        await link.close_session()


async def test_the_end_of_a_session_cuts_what_still_hangs(scene):
    scene.link.open_session(0, 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.link.port)
    writer.write(POST[:30])
    await writer.drain()
    await until(lambda: scene.link._open)
    await scene.link.close_session()
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    assert scene.link._open == {}


def bodies(data: bytes, step: int) -> list[bytes]:
    made = HttpBodies()
    return [body for at in range(0, len(data), step) for body in made.feed(data[at : at + step])]


CHUNKED = (
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"
)


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (POST + POST, [BODY, BODY]),
        (CHUNKED + POST, [b"abc0123456789", BODY]),
        (b"GET / HTTP/1.1\r\n\r\n" + POST, [BODY]),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", [b"ok"]),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", []),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" + POST, [BODY]),
    ],
)
def test_bodies_are_found_however_the_bytes_arrive(data, expected, step):
    assert bodies(data, step) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00" + bytes(100_000),
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_passed_over(data):
    made = HttpBodies()
    assert made.feed(data) + made.feed(POST) == []
