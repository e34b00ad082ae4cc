"""The very files that are flashed, on the collar host: provisioned, drained, uploaded, acknowledged."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from collar.settings import SECTOR_BYTES, SettingsError, load_identity
from herdcore import auth, wire
from simulator.collarhost.board import SimBoard
from simulator.collarhost.host import CollarHost
from simulator.collarhost.life import State
from simulator.collarhost.provision import PASSWORD, SSID, provision
from simulator.link import Fault, Link
from simulator.motion import Still
from simulator.stage import stage
from simulator.trace import Trace
from tests.simulator.collar_rig import SECOND_US, START_UTC_MS, real_interpreter

COLLAR = {"device": 0x0C000007, "epoch": 2, "key": "11" * 32, "number": "7"}
KEY = bytes.fromhex(COLLAR["key"])


class Blocks:
    """A partition as the firmware sees it: esp32.Partition's readblocks."""

    def __init__(self, flash):
        self._partition = flash.partition("prov")

    def readblocks(self, block, buf, offset=0):
        buf[:] = self._partition.read(block * SECTOR_BYTES + offset, len(buf))


def test_a_provisioned_flash_holds_the_identity_the_firmware_loads():
    identity = load_identity(Blocks(provision(COLLAR, host="127.0.0.1", port=4321, upload_s=600)))
    assert (identity.device, identity.epoch, identity.key) == (0x0C000007, 2, KEY)
    assert (identity.host, identity.port, identity.upload_s, identity.boot) == ("127.0.0.1", 4321, 600, 0)
    assert identity.board == "esp32-c3"


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [({"key": "11" * 31}, {}, "key of 31 bytes"), ({}, {"upload_s": 10}, "upload_s=10 outside 60..86400")],
)
def test_an_identity_out_of_bounds_is_refused(change, settings, message):
    with pytest.raises(SettingsError, match=message):
        provision(COLLAR | change, host="127.0.0.1", port=1, **settings)


class AckingRelay:
    """Takes frames, checks their tags, answers with acks as the wire has them."""

    def __init__(self):
        self.frames = []
        self.utc_ms = 0

    def answer(self, body: bytes) -> bytes:
        raw = [bytes(frame) for frame in wire.decode_batch(body)]
        assert all(wire.tag_ok(frame, auth.label_key(KEY, b"up")) for frame in raw)
        taken = [wire.decode_frame(frame) for frame in raw]
        self.frames += taken
        ack = wire.Ack(COLLAR["device"], [(f.boot, f.seq, f.seq) for f in taken], self.utc_ms, 900, 0, b"")
        acked = wire.encode_ack(ack, auth.label_key(KEY, b"down"), [wire.tag_of(frame) for frame in raw])
        return wire.encode_answer([200] * len(raw), [acked])

    async def serve(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = self.answer(await reader.readexactly(length))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a fault of the link, asked for by the test
        finally:
            writer.close()


@asynccontextmanager
async def living(tmp_path, *, until_s, seed=1, faults=()):
    """One collar with the staged firmware and a relay that acknowledges."""
    relay, trace = AckingRelay(), Trace()

    async def tell(utc_ms):
        relay.utc_ms = utc_ms

    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    stage(tmp_path / "board")
    async with server, Link("127.0.0.1", port, trace=trace) as link:
        link.fail_next(0, *faults)
        flash = provision(COLLAR, host="127.0.0.1", port=link.port)
        board = SimBoard(0, Still(), flash=flash, seed=seed, networks={SSID.encode(): PASSWORD.encode()})
        async with CollarHost(
            [board], link, on_radio_time=tell, staged=tmp_path / "board", log_folder=tmp_path / "logs",
            start_utc_ms=START_UTC_MS, until_us=until_s * SECOND_US, trace=trace,
        ) as host:  # fmt: skip
            await host.run()
            yield host, relay, trace, link


@real_interpreter
async def test_the_flashed_files_sample_and_upload_for_an_hour(tmp_path):
    async with living(tmp_path, until_s=3600) as (host, relay, _, link):
        windows = [w for f in relay.frames if f.kind == 0x11 for w in wire.unpack_windows(f.records)]
        assert host.lives[0].state is State.PARKED
        assert (host.lives[0].boots, link.frames_sent) == (1, link.frames_acked)
        assert {f.kind for f in relay.frames} == {0x11, 0x14}
        assert {(f.device, f.epoch, f.boot) for f in relay.frames} == {(COLLAR["device"], 2, 1)}
        assert 1800 < len(windows) * 5.12 < 3600
        assert host.lives[0].log.read_text() == ""


@real_interpreter
async def test_a_lost_answer_is_asked_for_again_and_nothing_is_lost(tmp_path):
    async with living(tmp_path, until_s=3600, faults=[Fault(before_answer=True)]) as (_, relay, _, link):
        first = [(f.boot, f.seq) for f in relay.frames]
        assert len(set(first)) < len(first)  # the same frames, told twice
        assert sorted({seq for _, seq in first}) == list(range(len(set(first))))
        assert link.frames_sent > link.frames_acked


@real_interpreter
async def test_one_seed_is_one_trace_of_the_flashed_files(tmp_path):
    hashes = []
    for i, seed in enumerate((1, 1, 2)):
        async with living(tmp_path / str(i), until_s=2400, seed=seed) as (_, _, trace, _):
            hashes.append(trace.hexdigest())
    assert hashes[0] == hashes[1] != hashes[2]
