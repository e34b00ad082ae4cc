"""Heap growth over 30 virtual days: the flashed files, the real interpreter, 100 kB (word-scaled) of heap.

The collar itself says what is free after a collection, in each of its health records. Growth is the least of
the second day less the least of the last: what a leak would take between them.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from herdcore import wire
from simulator.clock import START_UTC_MS
from simulator.collarhost.board import SimBoard
from simulator.collarhost.host import CollarHost
from simulator.collarhost.inprocess import MemoryRelay
from simulator.collarhost.provision import PASSWORD, SSID, provision
from simulator.coverage import DAY_US
from simulator.herd import Herd
from simulator.link import Link
from simulator.stage import HOST_ARCH, stage

HEAP_KIB = 100
DAYS = 30
COLLAR = {"device": 0x0C000007, "epoch": 2, "key": "11" * 32, "number": "7"}


async def live(seed: int, days: float, heap_kib: int = HEAP_KIB) -> MemoryRelay:
    """Let one collar live near its relay; return the relay with what it received."""
    relay = MemoryRelay({COLLAR["device"]: bytes.fromhex(COLLAR["key"])})

    async def tell(utc_ms: int) -> None:
        relay.tell(utc_ms)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = relay.answer(await reader.readexactly(length))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage(folder / "board", HOST_ARCH)
        async with server, Link("127.0.0.1", server.sockets[0].getsockname()[1]) as link:
            cow = Herd.from_toml(seed=seed, cows=1).animals[0]
            flash = provision(COLLAR, host="127.0.0.1", port=link.port)
            board = SimBoard(
                0, cow.motion, flash=flash, seed=seed, networks={SSID.encode(): PASSWORD.encode()}
            )
            async with CollarHost(
                [board], link, on_radio_time=tell, staged=folder / "board", log_folder=folder / "logs",
                start_utc_ms=START_UTC_MS, until_us=int(days * DAY_US), heap_kib=heap_kib,
            ) as host:  # fmt: skip
                await host.run()
                if host.lives[0].boots != 1:
                    raise RuntimeError(f"{host.lives[0].boots} boots: {host.lives[0].log.read_text()[-400:]}")
    return relay


def figures(seed: int, days: float = DAYS) -> dict[str, Any]:
    """Return heap_growth_30d_bytes, and the least free heap that a health record told."""
    relay = asyncio.run(live(seed, days))
    told = [(f.up_s // 86_400, wire.unpack_health(f.records)) for f in relay.frames if f.kind == 0x14]
    free_b = [(day, record.heap_free_b) for day, record in told if 0 < day < days]
    last = max(day for day, _ in free_b)
    second = min(free for day, free in free_b if day == 1)
    end = min(free for day, free in free_b if day == last)
    return {
        "heap_growth_30d_bytes": max(0, second - end),
        "heap_free_least_bytes": min(free for _, free in free_b),
        "heap_days": days,
    }
