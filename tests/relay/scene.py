"""A relay on loopback, its collars and what they send: the scene of most tests here."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp
from aiohttp import web

from herdcore import auth, wire
from relay.app import make_app, make_runner
from relay.clock import FollowedClock
from relay.config import Config, SecretsConfig, StateConfig
from relay.keys import METRICS, STORAGE
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault

ROOT_KEY = bytes(range(32))
START_MS = 1_790_000_000_000
HEADERS = {"Content-Type": "application/msgpack"}
WINDOW = bytes(14)


def config_in(folder, **sections):
    """Return the settings of a relay that keeps everything below `folder`."""
    return Config(
        state=StateConfig(dir=str(folder / "state")),
        secrets=SecretsConfig(master_key_file=str(folder / "master.key")),
        **sections,
    )


def keys_of(device, epoch=0):
    """Return (up, down) of a collar of the scene's farm."""
    key = auth.collar_key(ROOT_KEY, device, epoch)
    return auth.label_key(key, b"up"), auth.label_key(key, b"down")


def frame(device=1, seq=0, *, boot=1, epoch=0, up_s=0, age_s=0, records=WINDOW, key=None):
    """Return the bytes of a rightly signed windows frame, or of one signed with `key`."""
    fields = wire.Frame(0x11, device, epoch, boot, seq, up_s, age_s, records)
    return wire.encode_frame(fields, key or keys_of(device, epoch)[0])


def resigned(raw, device=1):
    """Return bytes shaped like a frame with a right tag, whatever stands in them."""
    return raw + b"\xc4\x08" + auth.hmac_sha256(keys_of(device)[0], raw)[:8]


def acks_in(body, frames):
    """Return (results, acks by device) of an answer, every ack checked against the frames that were sent."""
    results, raw_acks = wire.decode_answer(body)
    tags = {}
    for raw in frames:
        tags.setdefault(wire.peek(raw)[0], []).append(wire.tag_of(raw))
    acks = {}
    for raw in raw_acks:
        device = int.from_bytes(raw[3:7], "big")
        acks[device] = wire.decode_ack(raw, keys_of(device)[1], tags[device])
    return results, acks


async def register(config, devices=(1, 2), farm="Test farm"):
    """Make a farm with a collar per device, as the command line does; return the farm's id."""
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        farm_id = await storage.add_farm(farm, ROOT_KEY)
        for device in devices:
            animal = await storage.add_animal(farm_id, str(device), "")
            await storage.add_collar(device, farm_id)
            await storage.assign(device, animal, 0)
    return farm_id


class Scene:
    """`async with Scene(folder) as scene`: a running relay, reached by `scene.post` and `scene.session`."""

    def __init__(self, folder, *, devices=(1, 2), **sections):
        self.config = config_in(folder, **sections)
        self.devices = devices
        self.clock = FollowedClock(START_MS)
        self._stack = AsyncExitStack()

    async def __aenter__(self):
        await register(self.config, self.devices)
        self.app = make_app(self.config, self.clock)
        self.runner = make_runner(self.app)
        await self.runner.setup()
        self._stack.push_async_callback(self.runner.cleanup)
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.port = self.runner.addresses[0][1]
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{self.port}")
        self._stack.push_async_callback(self.session.close)
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    async def post(self, body, **headers):
        """POST a body (or a list of frames); return (status, body)."""
        body = wire.encode_batch(body) if isinstance(body, list) else body
        async with self.session.post("/v1/frames", data=body, headers=HEADERS | headers) as answer:
            return answer.status, await answer.read()

    async def problem(self, body, **headers):
        """POST a body that is refused; return (status, code)."""
        body = wire.encode_batch(body) if isinstance(body, list) else body
        async with self.session.post("/v1/frames", data=body, headers=HEADERS | headers) as answer:
            assert answer.content_type == "application/problem+json"
            document = await answer.json(content_type=None)
            assert document["status"] == answer.status
            return answer.status, document["code"]

    async def stored(self):
        """Return (device, boot, seq, records) of every frame in the log."""
        log = self.app[STORAGE]
        rows = [row for partition in await log.heads() for row in await log.read(partition, 0, 10_000)]
        return sorted((row.device, row.boot, row.seq, row.records) for row in rows)

    def counted(self, sample):
        """Return one number of /metrics, as `name{label="value"}`."""
        lines = self.app[METRICS].text().decode().splitlines()
        return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(sample + " "))

    def frames_counted(self, result):
        """Return how many frames had that result."""
        return self.counted(f'herdbell_frames_total{{result="{result}"}}')

    def requests_refused(self, reason):
        """Return how many requests were refused for that reason."""
        return self.counted(f'herdbell_requests_refused_total{{reason="{reason}"}}')

    async def raw(self, *pieces):
        """Write bytes on a connection of their own; return all that comes back until the relay closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


def impatient(config=None, body_timeout_s=0.05):
    """Return ingest settings with a body timeout that a test can wait for."""
    return replace((config or Config()).ingest, body_timeout_s=body_timeout_s)
