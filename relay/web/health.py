"""GET /healthz, /readyz and /metrics: for whoever watches the relay."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from relay.keys import CONFIG, INGEST, METRICS, SCORER, STORAGE, TASKS
from relay.problems import guarded
from relay.storage.ports import StorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable

_ANSWER_S = 2.0
_COMMIT_S = 10.0


def add_routes(app: web.Application) -> None:
    """Add the routes to `app`."""
    app.router.add_get("/healthz", guarded(healthz))
    app.router.add_get("/readyz", guarded(readyz))
    app.router.add_get("/metrics", guarded(metrics))


def add_gauges(app: web.Application) -> None:
    """Show what can be read off the running parts."""
    shown = app[METRICS]
    storage, scorer = app[STORAGE], app[SCORER]
    shown.gauge(
        "herdbell_append_queue_frames", "Frames that wait for the disk.", lambda: storage.waiting_frames
    )
    shown.gauge("herdbell_scorer_idle", "1 while the scorer is at the head of the log.", scorer.idle)
    shown.gauge("herdbell_collars", "Collars whose keys are known.", lambda: app[INGEST].collars)
    shown.gauge("herdbell_tasks_failing", "Background tasks that failed and wait to be started again.",
                lambda: len(app[TASKS].failing))  # fmt: skip


async def healthz(_request: web.Request) -> web.Response:
    """The process answers: 200."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """The relay does its work: 200, or 503 with the reasons why not."""
    app = request.app
    waiting, limit = app[STORAGE].waiting_frames, app[CONFIG].ingest.queue_frames
    age_s = app[METRICS].commit_age_s()
    reasons = [f"task {name} failed: {error}" for name, error in sorted(app[TASKS].failing.items())]
    if waiting > limit * 9 // 10:
        reasons.append(f"append queue: {waiting} of {limit} frames wait")
    if waiting and age_s is not None and age_s > _COMMIT_S:
        reasons.append(f"disk: {waiting} frames wait and the last commit was {age_s:.0f} s ago")
    if not await _within(app[STORAGE].next_due_ms()):
        reasons.append(f"storage: no answer within {_ANSWER_S} s")
    if not await _within(app[SCORER].wait_idle()):
        reasons.append(f"scorer: not at the head of the log within {_ANSWER_S} s")
    state = {
        "status": "not ready" if reasons else "ready",
        "reasons": reasons,
        "append_queue_frames": waiting,
        "last_commit_age_s": age_s,
    }
    return web.json_response(state, status=503 if reasons else 200)


async def _within(answer: Awaitable[object]) -> bool:
    try:
        async with asyncio.timeout(_ANSWER_S):
            await answer
    except (StorageError, TimeoutError):
        return False
    return True


async def metrics(request: web.Request) -> web.Response:
    """Everything that is counted, as Prometheus reads it."""
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
