"""The collar's files on CPython in this process: the same bytes as an interpreter's, every end of a life."""

from __future__ import annotations

import asyncio
import sys

import pytest

from herdcore import auth, wire
from simulator.clock import START_UTC_MS
from simulator.collarhost.board import (
    DEEPSLEEP_RESET,
    PWRON_RESET,
    WDT_RESET,
    Ended,
    SimBoard,
)
from simulator.collarhost.host import CollarHost
from simulator.collarhost.inprocess import CollarBrokenError, InProcess, MemoryRelay
from simulator.collarhost.provision import provision
from simulator.flash import Nor, Region
from simulator.herd import Herd
from simulator.link import Link
from simulator.motion import Still
from simulator.stage import HOST_ARCH, stage
from tests.simulator.collar_rig import HOUR_US, SECOND_US, real_interpreter

COLLAR = {"device": 0x0C000007, "epoch": 2, "key": "11" * 32, "number": "7"}
KEY = bytes.fromhex(COLLAR["key"])
HEALTH = 0x14


def new_relay(**settings):
    """A relay that knows the collar."""
    return MemoryRelay({COLLAR["device"]: KEY}, **settings)


def new_board(motion=None, *, port=1, seed=7, **settings):
    """A provisioned board on a cow's neck, or on a table."""
    flash = provision(COLLAR, host="127.0.0.1", port=port)
    return SimBoard(0, motion or Still(), flash=flash, seed=seed, **settings)


def lived(until_us, motion=None, relay=None, **settings):
    """Let a collar live in this process; return host and relay."""
    relay = relay or new_relay()
    host = InProcess(new_board(motion, **settings), relay.answer, on_radio_time=relay.tell)
    host.run(until_us)
    return host, relay


def cow(index):
    """The motion of one of four cows."""
    return Herd.from_toml(seed=3, cows=4).animals[index].motion


def told(relay):
    """Return what arrived, (UTC ms, frame); free heap is that of the interpreter and left out."""
    for utc_ms, raw in relay.received:
        frame = wire.decode_frame(raw)
        if frame.kind != HEALTH:
            yield utc_ms, raw
        else:
            health = wire.unpack_health(frame.records)._replace(heap_free_b=0)
            yield utc_ms, frame._replace(records=b""), health


async def serve(relay, reader, writer):
    """Let a MemoryRelay answer one connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = relay.answer(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
    finally:
        writer.close()


async def lived_on_an_interpreter(tmp_path, until_us, motion):
    """The same on the real interpreter; return board and relay."""
    relay = new_relay()

    async def tell(utc_ms):
        relay.tell(utc_ms)

    server = await asyncio.start_server(lambda r, w: serve(relay, r, w), "127.0.0.1", 0)
    stage(tmp_path / "board", HOST_ARCH)
    async with server, Link("127.0.0.1", server.sockets[0].getsockname()[1]) as link:
        board = new_board(motion, port=link.port)
        async with CollarHost(
            [board], link, on_radio_time=tell, staged=tmp_path / "board", log_folder=tmp_path / "logs",
            start_utc_ms=START_UTC_MS, until_us=until_us,
        ) as host:  # fmt: skip
            await host.run()
    return board, relay


@real_interpreter
async def test_six_hours_of_a_cow_are_the_same_bytes_as_on_the_real_interpreter(tmp_path):
    until_us = 6 * HOUR_US
    board, there = await lived_on_an_interpreter(tmp_path, until_us, cow(1))
    host, here = lived(until_us, cow(1))
    assert len(here.received) > 40
    assert list(told(here)) == list(told(there))
    assert host.board.meter.joins == board.meter.joins


def test_one_seed_is_one_run():
    runs = [list(told(lived(HOUR_US, seed=seed)[1])) for seed in (7, 7, 8)]
    assert runs[0] == runs[1] != runs[2]


def test_a_run_in_pieces_is_the_run_in_one():
    host, relay = lived(HOUR_US)
    pieces = new_relay()
    slow = InProcess(new_board(), pieces.answer, on_radio_time=pieces.tell)
    for until_us in range(0, HOUR_US + 1, 100 * SECOND_US):
        slow.run(until_us)
    assert pieces.received == relay.received
    assert slow.board.now_us == host.board.now_us
    assert (slow.boots, host.boots) == (1, 1)


def test_two_collars_in_one_process_do_not_meet():
    alone = lived(HOUR_US, cow(1))[1]
    pair = [(InProcess(new_board(cow(i)), r.answer, on_radio_time=r.tell), r) for i, r in
            ((1, new_relay()), (2, new_relay()))]  # fmt: skip
    for until_us in range(0, HOUR_US + 1, 60 * SECOND_US):
        for host, _ in pair:
            host.run(until_us)
    assert pair[0][1].received == alone.received
    assert pair[1][1].received != alone.received
    assert not {"machine", "network", "esp32", "_bridge"} & sys.modules.keys()


def test_the_relay_is_told_the_time_once_a_session():
    times_ms = []
    relay = new_relay()
    host = InProcess(new_board(), relay.answer, on_radio_time=times_ms.append)
    host.run(HOUR_US)
    assert len(times_ms) == host.board.meter.joins == relay.requests
    assert times_ms == sorted(set(times_ms))
    assert START_UTC_MS < times_ms[0] < times_ms[-1] < START_UTC_MS + 3_700_000


def test_a_watchdog_bite_ends_the_collar_and_starts_another_that_keeps_its_log():
    relay = new_relay()
    host = InProcess(new_board(coverage=[(HOUR_US, 2 * HOUR_US)]), relay.answer, on_radio_time=relay.tell)
    host.run(HOUR_US // 2)
    first = host.collar
    first.board.feed = lambda: None
    host.run(2 * HOUR_US)
    assert host.collar is not first
    assert (host.boots, host.board.reset_cause) == (2, WDT_RESET)
    assert {f.boot for f in relay.frames if f.kind != HEALTH} == {1, 2}


@pytest.mark.parametrize(
    ("cause", "end"),
    [
        (DEEPSLEEP_RESET, lambda board: board.deep_sleep_ms(5_000)),
        (WDT_RESET, lambda board: board.pause_ms(120_000)),
    ],
)
def test_the_end_of_a_life_passes_through_a_program_that_catches_every_exception(cause, end):
    host, _ = lived(600 * SECOND_US)
    board = host.collar.board
    board.i2c.readfrom_mem_into = lambda *_: end(board)  # asked in a state, whose exceptions are all caught
    host.run(900 * SECOND_US)
    assert (host.boots, host.board.reset_cause) == (2, cause)
    assert host.board.now_us < 960 * SECOND_US


def test_a_power_cut_costs_nothing_that_was_stored():
    relay = new_relay()
    board = new_board(coverage=[(HOUR_US, 2 * HOUR_US)])
    board.flash.cut_after(60)
    host = InProcess(board, relay.answer, on_radio_time=relay.tell)
    host.run(2 * HOUR_US)
    assert (host.boots, board.reset_cause) == (2, PWRON_RESET)
    numbers = sorted(f.seq for f in relay.frames if f.boot == 1)
    assert numbers == list(range(len(numbers)))
    assert numbers


def test_a_board_that_the_firmware_refuses_is_told_in_one_line():
    board = SimBoard(0, Still(), flash=Nor(0x2000, [Region("prov", 0, 0x2000)]))
    with pytest.raises(CollarBrokenError, match="no partition called log: flash firmware/partitions"):
        InProcess(board).run(SECOND_US)


def test_a_collar_that_is_bitten_at_every_start_is_broken_and_not_for_ever():
    def bites(_ask):
        raise Ended(WDT_RESET)

    board = new_board()
    board._flash_read = bites
    board.handlers = board._make_handlers()
    with pytest.raises(CollarBrokenError, match="bit it 5 times without a sleep between"):
        InProcess(board).run(HOUR_US)


def test_a_fault_of_the_model_is_not_taken_for_the_collars():
    board = new_board()
    host = InProcess(board)
    host.run(SECOND_US)
    board.chip = None
    with pytest.raises(CollarBrokenError, match="the simulated board gave up"):
        host.run(HOUR_US)


# the relay in memory


def frame(seq=0, records=b"\0" * 14, key=KEY, device=COLLAR["device"]):
    """Return a signed frame of one window."""
    made = wire.Frame(0x11, device, 2, 1, seq, 100, 5, records)
    return wire.encode_frame(made, auth.label_key(key, b"up"))


def test_the_relay_acknowledges_what_is_rightly_tagged_and_keeps_it_once():
    relay = new_relay(next_s=3600, commands=b"do")
    relay.tell(START_UTC_MS)
    raws = [frame(0), frame(1), frame(1), frame(2, key=bytes(32)), frame(3, device=9)]
    results, acks = wire.decode_answer(relay.answer(wire.encode_batch(raws)))
    assert results == [200, 200, 200, 401, 401]
    (ack,) = [
        wire.decode_ack(a, auth.label_key(KEY, b"down"), [wire.tag_of(r) for r in raws[:3]]) for a in acks
    ]
    assert (ack.utc_ms, ack.next_s, bytes(ack.commands)) == (START_UTC_MS, 3600, b"do")
    assert [f.seq for f in relay.frames] == [0, 1]
    assert relay.again == 1


def test_the_relay_refuses_a_number_that_comes_with_other_records():
    relay = new_relay()
    relay.answer(wire.encode_batch([frame(0)]))
    results, acks = wire.decode_answer(relay.answer(wire.encode_batch([frame(0, b"\1" * 14)])))
    assert (results, acks) == ([409], [])
