"""Kill -9 under load, again and again on one state: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from contextlib import closing

import aiohttp

from herdcore import wire
from relay.settings import load_config
from relay.storage.sqlite import FILE_NAME, SqliteStorage
from relay.vault import open_vault
from tests.relay.process import Served, write_settings
from tests.relay.scene import HEADERS, WINDOW, acks_in, frame, register

KILLS = 12
CLIENTS = 8
PER_POST = 4
SEED = 20261122


class Herd:
    """Clients that send until the connection breaks, and remember what was acknowledged to them."""

    def __init__(self):
        self.acknowledged = set()
        self.next_seq = dict.fromkeys(range(1, CLIENTS + 1), 0)
        self.enough = asyncio.Event()
        self.wanted = 0

    async def send(self, session, device):
        """Send frames of one collar; what is not acknowledged is sent again after the next start."""
        while True:
            first = self.next_seq[device]
            raws = [
                frame(device, seq, up_s=seq, records=WINDOW * 20) for seq in range(first, first + PER_POST)
            ]
            try:
                async with session.post(
                    "/v1/frames", data=wire.encode_batch(raws), headers=HEADERS
                ) as answer:
                    body = await answer.read()
            except aiohttp.ClientError:
                return
            assert answer.status == 200
            for boot, low, high in acks_in(body, raws)[1][device].ranges:
                self.acknowledged.update((device, boot, seq) for seq in range(low, high + 1))
            self.next_seq[device] = first + PER_POST
            if len(self.acknowledged) >= self.wanted:
                self.enough.set()

    async def until(self, relay, more):
        """Send until `more` frames are acknowledged, then kill the relay while requests are on their way."""
        self.wanted = len(self.acknowledged) + more
        self.enough.clear()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
            clients = [asyncio.create_task(self.send(session, device)) for device in self.next_seq]
            await self.enough.wait()
            assert sum(not client.done() for client in clients) == CLIENTS
            assert await relay.stop(signal.SIGKILL) == -signal.SIGKILL
            await asyncio.gather(*clients)


async def stored_in(config):
    """Return (device, boot, seq) of every frame that is stored."""
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        found = []
        for partition in await storage.heads():
            cursor = 0
            while rows := await storage.read(partition, cursor, 5_000):
                found += [(row.device, row.boot, row.seq) for row in rows]
                cursor = rows[-1].cursor
    return found


async def test_nothing_that_was_acknowledged_is_lost_by_kill_9(tmp_path, record_property):
    settings = write_settings(tmp_path)
    config = load_config(settings, {})
    await register(config, devices=range(1, CLIENTS + 1))
    herd, chance, in_flight = Herd(), random.Random(SEED), 0
    for _ in range(KILLS):
        async with Served(settings) as relay:
            await herd.until(relay, chance.randint(50, 400))
        in_flight += len(set(await stored_in(config)) - herd.acknowledged)
    stored = await stored_in(config)
    figures = {
        "kills": KILLS,
        "acknowledged": len(herd.acknowledged),
        "stored": len(stored),
        "stored_before_the_ack_got_out": in_flight,
        "lost": len(herd.acknowledged - set(stored)),
        "duplicates": len(stored) - len(set(stored)),
    }
    for name, value in figures.items():
        record_property(name, value)
    print(figures)  # noqa: T201 - the figures are what this test is for
    assert (figures["lost"], figures["duplicates"]) == (0, 0)
    assert figures["acknowledged"] > KILLS * 50
    with closing(sqlite3.connect(config.state_dir / FILE_NAME)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
