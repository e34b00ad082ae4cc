"""The uplink against real servers on loopback, plain and TLS: what is success, and how all else ends.

Long: every way that an upload ends is one case against the same servers.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import closing, suppress

import pytest
from aiohttp import web

from collar.flashlog import FlashLog
from collar.http import HttpError
from collar.outbox import Outbox
from collar.stream import DeadlineError, Stream, not_before
from collar.uplink import NothingToSendError, Uplink, UplinkError
from herdcore import auth, wire
from tests.collar.ram_flash import RamFlash, count_waiting
from tests.collar.scene import DEVICE, KEY, Relay, identity
from tests.collar.servers import HttpServers, certificate, der, relay_handler, server_context


class Collar:
    """An outbox with two frames of windows and one of health, and the uplink that posts them."""

    def __init__(self, port, pin=b"", key=KEY, host="127.0.0.1"):
        self.outbox = Outbox(DEVICE, 3, 7, lambda: 8, FlashLog(RamFlash()))
        self.outbox.append_windows(0, bytes(14 * 100))
        self.outbox.append_health(600_000, bytes(wire.HEALTH_BYTES))
        self.deadline_ms = 1_000_000
        self.now_ms = 700_000
        self.step_ms = 0
        self.place = host, port
        who = identity(port=port, tls_pin=pin, key=key, host=host)
        self.uplink = Uplink(who, self.outbox, self.open_stream, self.uptime_ms)
        self.sockets = socket

    def uptime_ms(self):
        self.now_ms += self.step_ms
        return self.now_ms

    def open_stream(self, host, port, pin, _deadline_ms):
        return Stream((self.sockets, ssl), host, port, pin, self.uptime_ms, self.deadline_ms)

    async def post(self, *place):
        return await asyncio.to_thread(self.uplink.post, *(place or self.place))

    def impatient(self):
        """Let every wait end after 50 ms."""
        self.deadline_ms = self.now_ms + 50
        return self


@pytest.fixture
async def serve():
    """Serve one handler on a free port; return the port."""
    servers = HttpServers()
    yield servers.start
    await servers.close()


@pytest.fixture
async def raw_server():
    """Serve fixed bytes, or what answer(body) returns, to whoever sent a whole request; return the port.

    Then it waits until the peer goes.
    """
    servers = []

    async def start(answer, *, then_close=False):
        async def handle(reader, writer):
            # A collar that gives up in mid-request is what some tests are about.
            with suppress(asyncio.IncompleteReadError, ConnectionError), closing(writer):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                writer.write(answer(body) if callable(answer) else answer)
                await writer.drain()
                if not then_close:
                    await reader.read()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        return server.sockets[0].getsockname()[1]

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


def answer_bytes(body, extra=b""):
    return b"HTTP/1.1 200 OK\r\n" + extra + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def test_an_acknowledged_upload_empties_the_outbox(serve):
    relay = Relay(next_s=600)
    collar = Collar(await serve(relay_handler(relay)))
    ack = await collar.post()
    assert ack.next_s == 600
    assert count_waiting(collar.outbox) == 0
    assert [(f.kind, f.seq) for f in relay.frames] == [(0x14, 2), (0x11, 1), (0x11, 0)]


async def test_an_upload_may_go_to_another_relay_than_the_identitys(serve):
    relay = Relay()
    collar = Collar(1)
    await collar.post("127.0.0.1", await serve(relay_handler(relay)))
    assert (relay.requests, count_waiting(collar.outbox)) == (1, 0)


async def test_frames_are_dated_by_their_age_when_they_are_sent(serve):
    relay = Relay()
    await Collar(await serve(relay_handler(relay))).post()
    assert [(f.up_s, f.age_s) for f in relay.frames] == [(600, 100), (450, 250), (0, 700)]


async def test_a_full_outbox_goes_in_one_request(serve):
    relay = Relay()
    collar = Collar(await serve(relay_handler(relay)))
    for i in range(70):
        collar.outbox.append_windows(1_000_000 + 100_000 * i, bytes(14 * 10))
        collar.outbox.seal()
    collar.now_ms, collar.deadline_ms = 9_000_000, 9_900_000
    await collar.post()
    assert (relay.requests, len(relay.frames)) == (1, 64)


async def test_frames_the_ack_leaves_out_stay(serve):
    relay = Relay()
    relay.ranges = [(7, 1, 2)]
    collar = Collar(await serve(relay_handler(relay)))
    await collar.post()
    assert [collar.outbox.frame(slot, 999).seq for slot in collar.outbox.next_batch()] == [0]


async def test_an_ack_that_covers_nothing_is_a_failure(serve):
    relay = Relay()
    relay.ranges = []
    with pytest.raises(UplinkError, match="none of 3 frames"):
        await Collar(await serve(relay_handler(relay))).post()


async def test_an_ack_for_another_collar_is_not_believed(serve):
    relay = Relay()
    relay.device += 1
    with pytest.raises(UplinkError, match="no ack with our tag"):
        await Collar(await serve(relay_handler(relay))).post()


async def test_an_ack_with_another_key_is_not_believed(serve):
    relay = Relay()
    relay.key_down = auth.label_key(bytes(32), b"down")
    collar = Collar(await serve(relay_handler(relay)))
    with pytest.raises(UplinkError, match="no ack with our tag"):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


async def test_an_ack_of_an_earlier_request_is_not_believed(serve):
    relay = Relay()
    answers = []

    async def handle(request):
        answers.append(relay.answer(await request.read()))
        return web.Response(body=answers[0])

    port = await serve(handle)
    await Collar(port).post()
    later = Collar(port)
    later.now_ms += 5_000
    with pytest.raises(UplinkError, match="no ack with our tag"):
        await later.post()


async def test_the_portal_of_a_guest_network_is_no_success(serve):
    async def portal(_request):
        return web.Response(text="<html>Please log in</html>", content_type="text/html")

    collar = Collar(await serve(portal))
    with pytest.raises(wire.FrameError):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "<html>Please log in</html>", "content_type": "text/html"},
        {"body": b"", "content_type": "application/msgpack"},
        {"body": b"\x92\x91\xcc\xc8\x90", "content_type": "application/msgpack"},  # [[200], []]
        {"body": b"\x92\x91\xcc\xc8\x91\xc4\x00", "content_type": "application/msgpack"},  # [[200], [b""]]
        {"body": bytes(200), "content_type": "application/msgpack"},
        {"status": 302, "headers": {"Location": "http://login.example/"}},
        {"status": 511, "text": "Network Authentication Required"},
    ],
)
async def test_whatever_a_portal_answers_is_no_ack(serve, answer):
    async def portal(_request):
        return web.Response(**answer)

    collar = Collar(await serve(portal))
    with pytest.raises((wire.FrameError, UplinkError)):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


@pytest.mark.parametrize("status", [302, 400, 401, 409, 413, 503])
async def test_any_other_status_is_a_failure_that_forgets_nothing(serve, status):
    async def refuse(_request):
        return web.Response(status=status, headers={"Retry-After": "60"})

    collar = Collar(await serve(refuse))
    with pytest.raises(UplinkError, match=str(status)):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


@pytest.mark.parametrize(
    ("status", "value", "waits_s"),
    [
        (503, "60", 60),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", 0),
        (503, "9" * 9, 0),
        (503, "", 0),
        (401, "60", 0),
    ],
)
async def test_a_failure_tells_how_long_a_busy_relay_wants_to_be_left_alone(serve, status, value, waits_s):
    async def busy(_request):
        return web.Response(status=status, headers={"Retry-After": value})

    with pytest.raises(UplinkError) as failure:
        await Collar(await serve(busy)).post()
    assert failure.value.retry_after_s == waits_s


async def test_half_an_answer_times_out(raw_server):
    collar = Collar(await raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n\x92")).impatient()
    with pytest.raises(OSError, match="timed out"):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


async def test_no_answer_at_all_times_out(raw_server):
    with pytest.raises(OSError, match="timed out"):
        await Collar(await raw_server(b"")).impatient().post()


async def test_a_peer_that_drips_is_ended_by_the_deadline(raw_server):
    collar = Collar(await raw_server(b"HTTP/1.1 200 OK\r\nX-Drip: " + b"d" * 900))
    collar.step_ms, collar.deadline_ms = 100, collar.now_ms + 25_000
    with pytest.raises(DeadlineError, match="over its deadline"):
        await collar.post()


def test_the_time_out_is_set_once_until_the_deadline_is_near():
    ours, theirs = socket.socketpair()
    waits_s, now_ms = [], [0]

    class Counting(socket.socket):
        def connect(self, _address):
            """Be connected already."""

        def settimeout(self, value):
            waits_s.append(value)
            super().settimeout(value)

    class Sockets:
        SOCK_STREAM = socket.SOCK_STREAM
        getaddrinfo = staticmethod(socket.getaddrinfo)

        @staticmethod
        def socket(*_):
            return Counting(fileno=ours.detach())

    with theirs:
        theirs.sendall(bytes(300))
        stream = Stream((Sockets, ssl), "127.0.0.1", 9, b"", lambda: now_ms[0], 25_000)
        stream.readinto(bytearray(200))
        assert set(waits_s) == {8.0}
        assert len(waits_s) <= 2
        now_ms[0] = 20_000
        stream.readinto(bytearray(100))
        assert waits_s[-1] == 5.0
        stream.close()


async def test_a_connection_that_breaks_off_is_an_error(raw_server):
    port = await raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nabc", then_close=True)
    with pytest.raises(OSError, match="closed after 3 of 90 bytes"):
        await Collar(port).post()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (answer_bytes(bytes(2049)), "2049 bytes, at most 2048"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "is no length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "is no length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "in chunks"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "without Content-Length"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1100, "over 1024 bytes"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "not HTTP/1"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "not HTTP/1"),
    ],
)
async def test_an_answer_out_of_bounds_is_refused(raw_server, answer, message):
    collar = Collar(await raw_server(answer))
    with pytest.raises(HttpError, match=message):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


async def test_a_right_answer_that_breaks_off_anywhere_forgets_nothing(raw_server):
    cut = []

    def half(body):
        whole = answer_bytes(Relay().answer(body))
        return whole[: len(whole) * cut[-1] // 16]

    port = await raw_server(half, then_close=True)
    for sixteenths in range(16):
        cut.append(sixteenths)
        collar = Collar(port)
        with pytest.raises(OSError, match="closed after"):
            await collar.post()
        assert count_waiting(collar.outbox) == 3
    cut.append(16)
    await collar.post()
    assert count_waiting(collar.outbox) == 0


@pytest.mark.parametrize("drip", [b"HTTP/1.1 200 OK\r\nX-Drip: ", answer_bytes(bytes(2048))[:60]])
async def test_a_relay_that_drips_for_ever_costs_no_more_than_a_session(raw_server, drip):
    collar = Collar(await raw_server(drip + b"d" * 950))
    collar.step_ms, collar.deadline_ms = 100, collar.now_ms + 25_000
    with pytest.raises(DeadlineError, match="over its deadline by"):
        await collar.post()
    assert collar.now_ms <= collar.deadline_ms + 2 * collar.step_ms
    assert count_waiting(collar.outbox) == 3


# names that resolve to what they should not


class LyingResolver:
    """The socket module, but every name leads to `port` on loopback; without one, to nobody."""

    def __init__(self, port=None):
        self.port = port
        self.socket, self.SOCK_STREAM = socket.socket, socket.SOCK_STREAM

    def getaddrinfo(self, _host, _port, family, kind):
        if self.port is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return socket.getaddrinfo("127.0.0.1", self.port, family, kind)


def misled(port=None, pin=b""):
    collar = Collar(443, pin, host="relay.example")
    collar.sockets = LyingResolver(port)
    return collar


async def test_a_name_that_resolves_to_nothing_is_a_failure():
    collar = misled()
    with pytest.raises(OSError, match="not known"):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


async def test_a_name_that_resolves_to_somebody_who_never_answers_times_out(raw_server):
    collar = misled(await raw_server(b"")).impatient()
    with pytest.raises(OSError, match="timed out"):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


async def test_a_name_that_resolves_to_an_impostor_with_acks_of_his_own_is_not_believed(serve):
    impostor = Relay()
    impostor.key_down = auth.label_key(bytes(32), b"down")
    collar = misled(await serve(relay_handler(impostor)))
    with pytest.raises(UplinkError, match="no ack with our tag"):
        await collar.post()
    assert (impostor.requests, count_waiting(collar.outbox)) == (1, 3)


async def test_an_ack_whose_ranges_an_impostor_has_stretched_is_not_believed(serve):
    relay = Relay()

    async def stretch(request):
        body = bytearray(relay.answer(await request.read()))
        body[body.index(b"\x93\x07\x02\x02") + 2] = 0  # [boot 7, seq 2, seq 2] -> [7, 0, 2]
        return web.Response(body=bytes(body))

    relay.ranges = [(7, 2, 2)]
    collar = misled(await serve(stretch))
    with pytest.raises(UplinkError, match="no ack with our tag"):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


async def test_header_names_are_read_in_any_case(raw_server):
    collar = Collar(await raw_server(b"HTTP/1.1 503 Busy\r\ncontent-length:0\r\n\r\n"))
    with pytest.raises(UplinkError, match="answer 503"):
        await collar.post()


async def test_nobody_listening_is_an_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        collar = Collar(unused.getsockname()[1])
        with pytest.raises(OSError, match="refused"):
            await collar.post()


async def test_nothing_to_send_opens_no_connection():
    collar = Collar(1)
    collar.outbox.ack([(7, 0, 99)])
    with pytest.raises(NothingToSendError, match="nothing to send"):
        await collar.post()


# TLS


@pytest.fixture
def tls(tmp_path):
    """Return (DER of the certificate, context of a server that shows it)."""
    signed, key = certificate()
    return der(signed), server_context(tmp_path, signed, key)


async def test_an_upload_over_tls_reaches_the_server_with_the_pinned_certificate(serve, tls):
    pin, context = tls
    relay = Relay()
    collar = Collar(await serve(relay_handler(relay), context), pin)
    await collar.post()
    assert count_waiting(collar.outbox) == 0


async def test_a_server_with_another_certificate_gets_nothing(serve, tls):
    _, context = tls
    other, _ = certificate()
    relay = Relay()
    port = await serve(relay_handler(relay), context)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        await Collar(port, der(other)).post()
    assert relay.requests == 0


async def test_a_name_that_resolves_to_another_tls_server_tells_it_nothing(serve, tmp_path, tls):
    pin, _ = tls
    signed, key = certificate()
    relay = Relay()
    port = await serve(relay_handler(relay), server_context(tmp_path, signed, key))
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        await misled(port, pin).post()
    assert relay.requests == 0


async def test_a_server_without_tls_gets_nothing_from_a_collar_with_a_pin(raw_server, tls):
    collar = Collar(await raw_server(b""), tls[0]).impatient()
    with pytest.raises(OSError, match=r"timed out|SSL"):
        await collar.post()
    assert count_waiting(collar.outbox) == 3


def test_the_beginning_of_a_certificate_is_read_from_it(tls):
    assert not_before(tls[0]) == (2020, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("der", [b"", b"\x17\x0d", b"\x17\x0d26010203040Z", b"no date in here"])
def test_a_certificate_without_a_readable_date_has_no_beginning(der):
    assert not_before(der) is None
