"""bench-firmware, the log: days without a relay, the drain after them, power cuts, wear.

The outbox and the log are the firmware's own files, on simulated NOR flash as large as the partition tables
say. The relay of the drain is the product, on this machine.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from herdcore import auth, wire
from relay.app import make_app, make_runner
from relay.config import Config, SecretsConfig, StateConfig
from relay.keys import SCORER
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from tests.collar.log_scene import DEVICE, Offline, log_bytes, offline, wear
from tests.collar.power_scene import live

ROOT_KEY = bytes(range(32))


# the drain


def bodies(collar: Offline) -> tuple[list[bytes], int]:
    """Return the request bodies in which a collar sends all that waits, and the frames in them."""
    key_up = auth.label_key(auth.collar_key(ROOT_KEY, DEVICE, 0), b"up")
    box, now_s, made, total = collar.box, collar.up_ms // 1000, [], 0
    look = partial(box.frame, now_s=now_s)
    box.seal()
    while slots := box.next_batch():
        frames = [frame._replace(records=bytes(frame.records)) for frame in map(look, slots)]
        made.append(wire.encode_batch([wire.encode_frame(frame, key_up) for frame in frames]))
        numbers = [(frame.boot, frame.seq, frame.seq) for frame in frames]
        total += box.ack(numbers)
    return made, total


async def _relay(folder: Path) -> web.Application:
    config = Config(
        state=StateConfig(dir=str(folder / "state")),
        secrets=SecretsConfig(master_key_file=str(folder / "master.key")),
    )
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        farm = await storage.add_farm("Bench", ROOT_KEY)
        animal = await storage.add_animal(farm, "1", "")
        await storage.add_collar(DEVICE, farm)
        await storage.assign(DEVICE, animal, 0)
    return make_app(config)


async def _send(app: web.Application, posts: list[bytes]) -> None:
    runner = make_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/frames"
        headers = {"Content-Type": "application/msgpack"}
        async with aiohttp.ClientSession() as session:
            for body in posts:
                async with session.post(url, data=body, headers=headers) as answer:
                    statuses, _ = wire.decode_answer(await answer.read())
                    if set(statuses) != {200}:
                        raise RuntimeError(f"the relay answered {sorted(set(statuses))}")
        await app[SCORER].wait_idle()
    finally:
        await runner.cleanup()


def drain_14d() -> dict[str, float]:
    """Let the product's relay take what a collar with 4 MiB wrote in 14 days; return what that costs.

    The processor time is that of the relay with its scorer and of the client that sends, in one process.
    """
    collar = Offline(log_bytes(4))
    while collar.days < 14:
        collar.drain()
    posts, frames = bodies(collar)
    with tempfile.TemporaryDirectory(prefix="herdbell-bench-") as folder:

        async def timed() -> tuple[float, float]:
            app = await _relay(Path(folder))
            began_s, cpu_s = time.monotonic(), time.process_time()
            await _send(app, posts)
            return time.monotonic() - began_s, time.process_time() - cpu_s

        wall_s, cpu_s = asyncio.run(timed())
    return {
        "drain_14d_frames": frames,
        "drain_14d_batches": len(posts),
        "drain_14d_relay_s": round(wall_s, 2),
        "drain_14d_relay_cpu_s": round(cpu_s, 2),
    }


# power cuts


def power_cuts(cuts: int = 1_000, seed: int = 0) -> dict[str, int]:
    """Let logs live through random power cuts; a failure is a life that lost anything or used it twice."""
    done = failures = life = 0
    while done < cuts:
        try:
            done += live(1_000 * seed + life, 10, sectors=3 + life % 3).cuts
        except AssertionError:
            done, failures = done + 10, failures + 1
        life += 1
    return {"power_cuts": done, "power_cut_failures": failures}


def figures(seed: int = 1) -> dict[str, Any]:
    """Return every figure of the log."""
    return offline(4) | offline(8) | drain_14d() | power_cuts(seed=seed) | wear()


if __name__ == "__main__":
    for key, value in figures().items():
        print(f"{key:28} {value}")  # noqa: T201 - a benchmark's output
