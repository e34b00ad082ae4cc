"""The relay as an aiohttp application: what it holds, opens and runs."""

from __future__ import annotations

import gc
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from herdcore import wire
from relay import statefolder
from relay.channels.service import open_channels
from relay.clock import Clock, FollowedClock, WallClock
from relay.collars import Collars
from relay.ingest import Ingest
from relay.keys import (
    CHANNELS,
    CLOCK,
    COLLARS,
    CONFIG,
    EARS,
    INGEST,
    METRICS,
    SCORER,
    STORAGE,
    TASKS,
    WATCH,
    WHATSAPP,
)
from relay.metrics import Metrics
from relay.pictures.service import PictureService
from relay.privacy import Retention
from relay.problems import add_last_route, guarded, problem
from relay.scorer import Scorer
from relay.storage.sqlite import SqliteStorage
from relay.tasks import Tasks
from relay.vault import open_vault
from relay.watch.hearing import Ears
from relay.watch.service import make_watch
from relay.web import frames, health, simulation
from relay.whatsapp.service import open_whatsapp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from relay.channels.fallback import Fallback
    from relay.config import Config
    from relay.vault import Vault
    from relay.whatsapp.service import WhatsApp

# AppRunner's own defaults let a client that drips header bytes keep its connection for an hour.
KEEPALIVE_TIMEOUT_S = 5
LINGERING_TIME_S = 1
SHUTDOWN_TIMEOUT_S = 8
_COLLECTOR_THRESHOLDS = (10_000, 20, 50)


def make_app(config: Config, clock: Clock | None = None) -> web.Application:
    """Build the application; nothing is opened until it starts. `clock`: the configured one if None.

    Starting raises ConfigError or StorageError if the state cannot be used.
    """
    app = web.Application(client_max_size=wire.BODY_MAX)
    app[CONFIG] = config
    app[CLOCK] = clock or (FollowedClock() if config.simulated else WallClock())
    app[METRICS] = Metrics()
    app[INGEST] = Ingest(next_upload_s=config.ingest.next_upload_s)
    app[TASKS], app[EARS] = Tasks(), Ears()
    app.cleanup_ctx.append(_services)
    frames.add_routes(app)
    health.add_routes(app)
    app.router.add_get("/webhooks/whatsapp", guarded(_webhook))
    app.router.add_post("/webhooks/whatsapp", guarded(_webhook))
    if config.simulated:
        simulation.add_routes(app)
    add_last_route(app)
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """Return a runner with the limits that keep slow and hostile clients from holding connections."""
    return web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,  # nothing we accept is compressed, so nothing is ever inflated
        handle_signals=False,
        keepalive_timeout=KEEPALIVE_TIMEOUT_S,
        lingering_time=LINGERING_TIME_S,
        shutdown_timeout=SHUTDOWN_TIMEOUT_S,
    )


def tune_collector() -> None:
    """Keep Python's cycle collector off what lives as long as the process, and seldom on the rest.

    A request leaves no cycles behind; with the defaults the collector walks the whole heap again and again
    and takes a tenth of the processor time of a frame. Once per process, when everything is up.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


async def _services(app: web.Application) -> AsyncIterator[None]:
    config, clock, tasks = app[CONFIG], app[CLOCK], app[TASKS]
    vault = open_vault(config)
    async with AsyncExitStack() as stack:
        stack.enter_context(statefolder.hold(config.state_dir))
        app[STORAGE] = storage = await stack.enter_async_context(
            SqliteStorage.open(config.state_dir, vault, queue_frames=config.ingest.queue_frames)
        )
        app[COLLARS] = Collars(storage, app[INGEST])
        await app[COLLARS].load()
        wakes: list[Callable[[], None]] = []
        app[SCORER] = Scorer(storage, config, clock, app[METRICS], on_messages=partial(_all, wakes))
        pictures = PictureService(storage)
        stack.push_async_callback(pictures.close)
        whatsapp = await _open_whatsapp(app, vault, pictures, stack) if config.whatsapp.enabled else None
        channels = await _open_channels(app, stack) if config.channels.enabled else None
        stack.push_async_callback(tasks.stop)
        tasks.start("scorer", app[SCORER].run)
        tasks.start("retention", Retention(storage, config.privacy, clock).run)
        if whatsapp:
            wakes.append(whatsapp.dispatcher.wake)
            tasks.start("webhook", whatsapp.webhook.run)
            tasks.start("dispatcher", whatsapp.dispatch)
            tasks.start("costs", whatsapp.costs.run)
            if isinstance(clock, WallClock):  # any other stands still until a picture is there
                tasks.start("pictures", pictures.warm)
        if channels:
            wakes.append(channels.wake)
            tasks.start("channels", channels.run)
        if config.watch.enabled:
            app[WATCH] = make_watch(config, storage, clock, app[EARS], whatsapp, app[METRICS].registry)
            tasks.start("watch", app[WATCH].run)
        app[frames.FRAMES] = frames.Frames(app)
        health.add_gauges(app)
        yield


def _all(wakes: Iterable[Callable[[], None]]) -> None:
    for wake in wakes:
        wake()


async def _open_whatsapp(
    app: web.Application, vault: Vault, pictures: PictureService, stack: AsyncExitStack
) -> WhatsApp:
    app[WHATSAPP] = await stack.enter_async_context(
        open_whatsapp(
            app[CONFIG],
            app[STORAGE],
            app[CLOCK],
            vault.blind,
            app[METRICS].registry,
            pictures,
            on_answer=app[SCORER].look,
        )
    )
    return app[WHATSAPP]


async def _open_channels(app: web.Application, stack: AsyncExitStack) -> Fallback:
    app[CHANNELS] = await stack.enter_async_context(
        open_channels(app[CONFIG], app[STORAGE], app[CLOCK], app[METRICS].registry)
    )
    return app[CHANNELS]


async def _webhook(request: web.Request) -> web.StreamResponse:
    whatsapp = request.app.get(WHATSAPP)
    if whatsapp is None:
        return problem(404, "whatsapp-disabled", "whatsapp.enabled is false")
    return await (
        whatsapp.webhook.get(request) if request.method == "GET" else whatsapp.webhook.post(request)
    )
