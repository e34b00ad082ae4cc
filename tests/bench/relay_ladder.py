"""bench-relay: what one frame costs the relay, against a bare aiohttp handler that only reads the body.

One process holds every server of the ladder, a second one the keep-alive clients. The rungs take turns, so
that a busy neighbour hits all of them; the cost is the server's own processor time (all its threads) per
frame, and the ratios are taken within a round. "noop" answers requests without a body, "full" is the
product's whole ingest: verify, decode, commit with fsync, acknowledge; "scored" has the scorer at work too.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvloop
from aiohttp import web

from herdcore import wire
from relay.app import make_app, make_runner, tune_collector
from relay.config import Config, SecretsConfig, StateConfig
from relay.ingest import Ingest
from relay.keys import INGEST, SCORER
from relay.storage.ports import STORED
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from simulator.bench.report import report
from tests.bench.relay_client import COLLARS, Herd, collar_secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.model import CollarKey

ROOT = Path(__file__).resolve().parents[2]
ACK = bytes(60)  # about the size of a real answer for one collar
SIZES = (1, 16)
RUNGS = ("noop", "body", "verify", "full", "scored")
FRAMES_PER_TURN = {1: 2_000, 16: 4_800}
STORING = ("full", "scored")  # the others may get the same frames again


@dataclass(slots=True)
class Rung:
    """One server of the ladder and what it cost so far, in microseconds of processor time per frame."""

    name: str
    port: int
    settle: Callable[[], Awaitable[object]]
    cost_us: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in SIZES})
    p99_ms: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in SIZES})


def config_in(folder: Path) -> Config:
    """Return settings for a relay below `folder`."""
    return Config(
        state=StateConfig(dir=str(folder / "state")),
        secrets=SecretsConfig(master_key_file=str(folder / "master.key")),
    )


def bare() -> web.Application:
    """Return the ceiling: a handler that reads the body and answers as many bytes as an ack has."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=ACK, content_type="application/msgpack")

    app = web.Application(client_max_size=wire.BODY_MAX)
    app.router.add_post("/v1/frames", answer)
    return app


def undurable(ingest: Ingest) -> web.Application:
    """Return an application that verifies, decodes and acknowledges, and stores nothing."""
    app = web.Application(client_max_size=wire.BODY_MAX)

    async def answer(request: web.Request) -> web.Response:
        batch = ingest.judge(await request.read(), time.time_ns() // 1_000_000)
        done = ingest.answer(batch, [STORED] * len(batch.frames))
        return web.Response(body=done.body, content_type="application/msgpack", status=done.status)

    app.router.add_post("/v1/frames", answer)
    return app


async def register(folder: Path) -> list[CollarKey]:
    """Make a farm with the clients' collars in a new state; return their keys."""
    config = config_in(folder)
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        farm = await storage.add_farm("Bench", collar_secret())
        for device in COLLARS:
            animal = await storage.add_animal(farm, str(device), "")
            await storage.add_collar(device, farm)
            await storage.assign(device, animal, 0)
        return await storage.collar_keys()


def without_scorer(app: web.Application) -> web.Application:
    """Leave the product as it is, but let nobody wake the scorer."""

    async def silence(started: web.Application) -> None:
        started[SCORER].wake = lambda _partitions: None

    app.on_startup.append(silence)
    return app


async def open_ladder(stack: AsyncExitStack, folder: Path) -> list[Rung]:
    """Start a server per rung."""
    keys = await register(folder / "full")
    await register(folder / "scored")
    apps = {
        "noop": bare(),
        "body": bare(),
        "verify": undurable(Ingest(keys)),
        "full": without_scorer(make_app(config_in(folder / "full"))),
        "scored": make_app(config_in(folder / "scored")),
    }
    rungs = []
    for name in RUNGS:
        runner = make_runner(apps[name])
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        scorer = apps[name].get(SCORER)
        settle = scorer.wait_idle if scorer else partial(asyncio.sleep, 0)
        rungs.append(Rung(name, runner.addresses[0][1], settle))
    assert apps["full"][INGEST].collars == len(COLLARS)
    return rungs


class Clients:
    """The second process: told by lines of JSON what to send, it answers with what it measured."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, seed: int) -> Clients:
        """Start the process."""
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.bench.relay_client", str(seed), cwd=ROOT,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, preexec_fn=lambda: pin(1),
            )
        )  # fmt: skip

    async def prepare(self, herd: str, port: int, per_post: int, frames: int) -> None:
        """Let it sign its frames before the clock runs."""
        await self._ask({"herd": herd, "port": port, "per_post": per_post, "frames": frames})

    async def go(self) -> dict[str, float]:
        """Let it send them; return what it measured. Raises RuntimeError if a frame was not acknowledged."""
        return await self._ask({"go": True})

    async def _ask(self, what: dict[str, object]) -> dict[str, float]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the clients stopped: see above")
        return json.loads(line)

    async def stop(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()


async def turn(clients: Clients, rung: Rung, per_post: int) -> None:
    """Let one rung have its turn and record what it cost."""
    frames = FRAMES_PER_TURN[per_post]
    herd = rung.name if rung.name in STORING else "nothing" if rung.name == "noop" else "again"
    await clients.prepare(herd, rung.port, per_post, frames)
    gc.collect()
    before_s = time.process_time()
    measured = await clients.go()
    await rung.settle()  # what a turn leaves to do is part of its cost, not of the next one's
    rung.cost_us[per_post].append((time.process_time() - before_s) / frames * 1e6)
    rung.p99_ms[per_post].append(measured["p99_ms"])


async def measure(seconds: float, seed: int) -> dict[str, object]:
    """Run rounds for about `seconds`; return the figures."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="herdbell-bench-")))
        rungs = await open_ladder(stack, folder)
        tune_collector()  # as `herdbell serve` does; it helps the ceiling as well
        clients = await Clients.start(seed)
        stack.push_async_callback(clients.stop)
        end_s = time.monotonic() + seconds
        rounds = 0
        while rounds < 4 or time.monotonic() < end_s:
            for per_post in SIZES:
                for rung in rungs:
                    await turn(clients, rung, per_post)
            rounds += 1
    return figures(rungs, rounds)


def figures(rungs: list[Rung], rounds: int) -> dict[str, object]:
    """Return medians and minima, without the first round, and ratios to the ceiling of the same round."""
    by_name = {rung.name: rung for rung in rungs}
    ceiling = by_name["body"].cost_us[1][1:]
    found: dict[str, object] = {
        "rounds": rounds - 1,
        "frame_bytes": len(Herd(0).frames("", 1)[0]),
        "ceiling_us": statistics.median(ceiling),
    }
    for size in SIZES:
        for rung in rungs:
            costs = rung.cost_us[size][1:]
            found[f"{rung.name}_{size}_us"] = statistics.median(costs)
            found[f"{rung.name}_{size}_us_min"] = min(costs)
            found[f"ratio_{rung.name}_{size}"] = statistics.median(
                c / o for c, o in zip(ceiling, costs, strict=True)
            )
        found[f"p99_full_{size}_ms"] = statistics.median(by_name["full"].p99_ms[size][1:])
    return found


def show(found: dict[str, object]) -> None:
    """Print the ladder."""
    click.echo(f"{'per POST':>8}  {'server':8} {'us/frame':>9} {'min':>7} {'x ceiling':>10}")
    for size in SIZES:
        for name in RUNGS:
            cost, least, ratio = (
                found[key] for key in (f"{name}_{size}_us", f"{name}_{size}_us_min", f"ratio_{name}_{size}")
            )
            click.echo(f"{size:>8}  {name:8} {cost:>9.1f} {least:>7.1f} {ratio:>10.2f}")


CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(place: int) -> None:
    """Keep this process on one core, where there are several: server and clients must not push each other."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, {CORES[place]})


def main() -> None:
    """Measure, print, write build/bench/bench-relay.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pin(0)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(options.seconds, options.seed))
    show(found)
    report("bench-relay", options.seed, found, ROOT / "build/bench")


if __name__ == "__main__":
    main()
