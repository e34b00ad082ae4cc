"""How fast: a webhook of 1,000 items, an intent on its way to its POST, sends for a second of processor."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
from aiohttp.test_utils import TestServer

from relay.app import make_app
from relay.clock import FollowedClock
from relay.keys import CLOCK, STORAGE, WHATSAPP
from relay.settings import load_config
from simulator.clock import VirtualClock
from tests.bench import whatsapp_scene as scene
from tests.relay.process import Served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiohttp import web

    from relay.model import Message
    from simulator.cloud import Cloud

ITEMS, ROUNDS = 1000, 5
INTENTS = 300
SENDS = 6000
_TICKS = os.sysconf("SC_CLK_TCK")


def batch() -> dict[str, Any]:
    """Return how many of the items of one webhook were handled, and the seconds until the last was."""
    with TemporaryDirectory(prefix="herdbell-bench-") as folder:
        return asyncio.run(_batch(Path(folder)))


def speed(seed: int) -> dict[str, Any]:
    """Return seconds from intent to POST, and sends for a second of the relay's processor time."""
    with TemporaryDirectory(prefix="herdbell-bench-") as folder:
        found = asyncio.run(_intents(Path(folder), seed))
    for name, is_called in (("sends_per_s", False), ("sends_per_s_with_statuses", True)):
        with TemporaryDirectory(prefix="herdbell-bench-") as folder:
            found[name] = asyncio.run(_sends(Path(folder), seed, is_called=is_called))
    return found


@asynccontextmanager
async def _relay(
    folder: Path, people: int, alerts: int, seed: int = 1
) -> AsyncIterator[tuple[web.Application, Cloud, VirtualClock, list[Message], TestServer]]:
    """A relay in this process, with alerts in its outbox that wait for the clock."""
    clock = VirtualClock()
    async with scene.cloud(clock) as (cloud, access):
        path = scene.settings(folder, access, mps=1000)
        await scene.provision(path)
        async with scene.storage(path) as store:
            whom = await scene.settle_farms(store, people)
            told = await scene.tell(store, whom, alerts, clock.utc_ms, seed=seed, busy=0)
        app = make_app(load_config(path), FollowedClock(clock.utc_ms))
        async with TestServer(app) as server:
            yield app, cloud, clock, told, server


async def _batch(folder: Path) -> dict[str, Any]:
    async with _relay(folder, ITEMS // 2, ITEMS // 2) as (app, cloud, clock, told, server):
        whatsapp = app[WHATSAPP]
        await _quiet(app)
        took_s, done = [], []
        for round_ in range(ROUNDS):
            raw, signature = cloud.webhooks.signed(_document(cloud, told, round_, clock.utc_ms))
            before = _handled(app)
            async with aiohttp.ClientSession() as session:
                began_s = time.perf_counter()
                headers = {"X-Hub-Signature-256": signature}
                async with session.post(server.make_url("/webhooks/whatsapp"), data=raw, headers=headers):
                    await _until(whatsapp.webhook.idle)
                took_s.append(time.perf_counter() - began_s)
            done.append(_handled(app) - before)
            await _quiet(app)
    return {"batch_items": min(done), "batch_s": statistics.median(took_s), "batch_rounds_s": took_s}


def _document(cloud: Cloud, told: list[Message], round_: int, now_ms: int) -> dict[str, Any]:
    """Return a webhook: half of it statuses, half what people wrote, each of another person."""
    second = str(now_ms // 1000)
    rows = []
    for at in range(ITEMS // 2):
        phone = scene.phone(at)
        contact = {"profile": {"name": "x"}, "wa_id": phone, "user_id": f"US.{phone}"}
        status = {
            "id": f"wamid.{round_}.{at}", "status": ("delivered", "read")[at % 2], "timestamp": second,
            "recipient_id": phone, "biz_opaque_callback_data": told[at].id,
        }  # fmt: skip
        text = {"body": ("12", "list", "herd", "help")[at % 4]}
        message = {
            "from": phone, "from_user_id": f"US.{phone}", "id": f"wamid.in.{round_}.{at}",
            "timestamp": second, "type": "text", "text": text,
        }  # fmt: skip
        rows += [("statuses", status, contact), ("messages", message, contact)]
    return cloud.webhooks.document(rows)


def _handled(app: web.Application) -> int:
    """Return how many items were worked on without a fault."""
    counted = app[WHATSAPP].webhook.counters.items.collect()[0].samples
    return int(
        sum(
            one.value
            for one in counted
            if one.name.endswith("_total") and one.labels["outcome"] not in {"failed", "malformed"}
        )
    )


async def _quiet(app: web.Application) -> None:
    await _until(app[WHATSAPP].idle)


async def _until(idle: Callable[[], Awaitable[bool]]) -> None:
    while not await idle():  # noqa: ASYNC110 - a task of the relay's ends, and nobody is told
        await asyncio.sleep(0.001)


async def _intents(folder: Path, seed: int) -> dict[str, Any]:
    """Queue one alert after the other on an idle relay."""
    async with _relay(folder, INTENTS, 0, seed) as (app, cloud, clock, _, __):
        store, whatsapp = app[STORAGE], app[WHATSAPP]
        people = [(1 + at // scene.FARM_PEOPLE, 1 + at // scene.FARM_PEOPLE, at + 1) for at in range(INTENTS)]
        await _quiet(app)
        took_s = []
        for at, whom in enumerate(people):
            clock.advance_to(clock.utc_ms + 1000)  # so that no limit of the number's makes it wait
            app[CLOCK].advance(clock.utc_ms)
            posted = asyncio.Event()
            cloud.on_message = lambda *_, posted=posted: posted.set()
            began_s = time.perf_counter()
            await scene.tell(store, [whom], 1, clock.utc_ms, seed=seed, first=at)
            whatsapp.dispatcher.wake()
            await posted.wait()
            took_s.append(time.perf_counter() - began_s)
            await _quiet(app)
    return {"intent_to_post_p95_s": float(np.quantile(took_s, 0.95)), "intents": INTENTS}


async def _sends(folder: Path, seed: int, *, is_called: bool) -> float:
    """Return sends a second of processor time of a relay in a process of its own."""
    clock = VirtualClock()
    async with scene.cloud(clock, mps=1000) as (cloud, access):
        cloud.webhooks.how.batch = 100
        path = scene.settings(folder, access, mps=1000)
        await scene.provision(path)
        async with scene.storage(path) as store:
            whom = await scene.settle_farms(store, SENDS)
            await scene.tell(store, whom, SENDS, clock.utc_ms + 1, seed=seed, busy=0)
        async with Served(path) as relay, aiohttp.ClientSession() as session:
            base = f"http://127.0.0.1:{relay.port}"
            if is_called:
                cloud.webhooks.url = f"{base}/webhooks/whatsapp"
            began_s = _cpu_s(relay.process.pid)
            while len(cloud.counters.came) < SENDS:
                clock.advance_to(clock.utc_ms + 1000)
                async with session.post(f"{base}/simulation/clock", json={"utc_ms": clock.utc_ms}) as answer:
                    answer.raise_for_status()
                await cloud.settle()
            took_s = _cpu_s(relay.process.pid) - began_s
    return SENDS / took_s


def _cpu_s(process: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
