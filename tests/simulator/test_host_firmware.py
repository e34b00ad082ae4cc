"""The very files that are flashed, on the collar host: provisioned, drained, uploaded, acknowledged."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from collar.flashlog import FlashLog
from collar.settings import SECTOR_BYTES, SettingsError, load_identity
from herdcore import auth, wire
from simulator.collarhost.board import PWRON_RESET, WDT_RESET, Ended, SimBoard
from simulator.collarhost.host import CollarHost
from simulator.collarhost.life import State
from simulator.collarhost.provision import PASSWORD, SSID, provision
from simulator.flash import Nor, Region
from simulator.link import Fault, Link
from simulator.motion import Still
from simulator.stage import HOST_ARCH, stage
from simulator.trace import Trace
from tests.collar.power_scene import Blocks as PowerBlocks
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
        self.told_s = {}
        self.utc_ms = 0

    def answer(self, body: bytes) -> bytes:
        raw = [bytes(frame) for frame in wire.decode_batch(body)]
        assert all(wire.tag_ok(frame, auth.label_key(KEY, b"up")) for frame in raw)
        taken = [wire.decode_frame(frame) for frame in raw]
        self.frames += taken
        self.told_s.update({(f.boot, f.seq): self.utc_ms // 1000 for f in taken})
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
async def living(tmp_path, *, until_s, seed=1, faults=(), meanwhile=None):
    """One collar with the staged firmware and a relay that acknowledges; `meanwhile` prepares both."""
    relay, trace = AckingRelay(), Trace()

    async def tell(utc_ms):
        relay.utc_ms = utc_ms

    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    stage(tmp_path / "board", HOST_ARCH)
    async with server, Link("127.0.0.1", port, trace=trace) as link:
        link.fail_next(0, *faults)
        flash = provision(COLLAR, host="127.0.0.1", port=link.port)
        board = SimBoard(0, Still(), flash=flash, seed=seed, networks={SSID.encode(): PASSWORD.encode()})
        if meanwhile is not None:
            meanwhile(board, relay)
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


def windows_by_boot(relay):
    """Return {boot: [(seq, up_s, windows)]} of what arrived, each frame once."""
    frames = {(f.boot, f.seq): f for f in relay.frames if f.kind == 0x11}
    told = {}
    for (boot, seq), frame in sorted(frames.items()):
        told.setdefault(boot, []).append((seq, frame.up_s, len(frame.records) // 14))
    return told


def logged(flash):
    """Return the log that a collar has left in its flash."""
    return FlashLog(PowerBlocks(flash))


@real_interpreter
@pytest.mark.parametrize("operation", [30, 45])
async def test_a_power_cut_costs_no_window_that_was_stored_and_no_number(tmp_path, operation):
    boards = []

    def prepare(board, relay):
        boards.append(board)
        board.flash.cut_after(operation)

    async with living(tmp_path, until_s=7200, meanwhile=prepare) as (host, relay, _, link):
        told = windows_by_boot(relay)
        assert (host.lives[0].boots, boards[0].reset_cause) == (2, PWRON_RESET)
        assert sorted(told) == [1, 2]
        for boot, frames in told.items():
            numbers = [f.seq for f in relay.frames if f.boot == boot]
            assert sorted(set(numbers)) == list(range(len(set(numbers)))), boot
            assert windows_follow(frames)
        content = {}
        for frame in relay.frames:
            assert content.setdefault((frame.boot, frame.seq), frame.records) == frame.records
        assert link.frames_sent == link.frames_acked == len(relay.frames)
        assert not logged(boards[0].flash).acks.dropped


def windows_follow(frames):
    """Return whether each frame begins where the one before ended."""
    return all(abs(after[1] - before[1] - before[2] * 5.12) < 3 for before, after in pairwise(frames))


@real_interpreter
async def test_a_watchdog_reset_in_an_outage_loses_nothing_that_was_stored(tmp_path):
    def prepare(board, _relay):
        board.wlan._coverage = [(5400 * SECOND_US, 9000 * SECOND_US)]
        once = iter([True])

        def bites(pass_us):
            def passed(*how_long):
                if board.now_us > 2000 * SECOND_US and next(once, False):
                    raise Ended(WDT_RESET)
                pass_us(*how_long)

            return passed

        board._pass = bites(board._pass)

    async with living(tmp_path, until_s=9000, meanwhile=prepare) as (host, relay, _, _):
        told = windows_by_boot(relay)
        assert host.lives[0].boots == 2
        assert sum(windows for _, _, windows in told[1]) * 5.12 > 1800  # a try to join costs some of the FIFO
        assert [seq for seq, _, _ in told[1]] == list(range(len(told[1])))
        for frame in [f for f in relay.frames if f.boot == 1 and f.kind == 0x11]:
            began_s = relay.told_s[frame.boot, frame.seq] - frame.age_s
            assert abs(began_s - START_UTC_MS // 1000 - frame.up_s) < 45


@real_interpreter
@pytest.mark.parametrize("missing", ["log", "prov"])
async def test_a_board_without_a_partition_of_ours_says_in_one_line_what_to_do(tmp_path, missing):
    flash = Nor(0x4000, [Region({"log": "prov", "prov": "log"}[missing], 0, 0x4000)])
    stage(tmp_path / "board", HOST_ARCH)
    async with (
        Link("127.0.0.1", 1) as link,
        CollarHost(
            [SimBoard(0, Still(), flash=flash)], link, on_radio_time=no_time, staged=tmp_path / "board",
            log_folder=tmp_path / "logs", start_utc_ms=START_UTC_MS, until_us=SECOND_US,
        ) as host,
    ):  # fmt: skip
        await host.run()
        assert host.lives[0].log.read_text().splitlines() == [
            f"herdbell: no partition called {missing}: flash firmware/partitions-4MiB.csv or -8MiB.csv"
        ]


async def no_time(_utc_ms):
    """Nobody outside cares what time it is."""
