"""POST /simulation/clock: a simulator moves the relay's time on and learns when the relay is done with it.

Only there when clock.source = "simulated", which the configuration allows on loopback alone.
"""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from relay.clock import FollowedClock
from relay.keys import CHANNELS, CLOCK, SCORER, STORAGE, TASKS, WATCH, WHATSAPP
from relay.problems import guarded, problem

_LATEST_MS = 1 << 53  # beyond it JSON numbers are not exact
_SETTLE_S = 30
_TURN_S = 0.001  # while messages are on their way: an HTTP exchange, which nobody here can wait for by name


def add_routes(app: web.Application) -> None:
    """Add the route to `app`."""
    app.router.add_post("/simulation/clock", guarded(set_clock))


async def set_clock(request: web.Request) -> web.Response:
    """{"utc_ms": n} -> {"idle": true, "utc_ms": n} once everything due at n is done; 400, 409 or 503."""
    clock = request.app[CLOCK]
    utc_ms = await _read_utc_ms(request)
    if utc_ms is None or not isinstance(clock, FollowedClock):
        return problem(400, "malformed-time", f'want {{"utc_ms": 0..{_LATEST_MS}}}')
    try:
        clock.advance(utc_ms)
    except ValueError as error:
        return problem(409, "time-went-back", str(error))
    try:
        async with asyncio.timeout(_SETTLE_S):
            await _settle(request.app)
    except TimeoutError:
        failing = ", ".join(sorted(request.app[TASKS].failing)) or "none"
        return problem(
            503, "not-idle", f"still busy after {_SETTLE_S} s; failing tasks: {failing}; see the log"
        )
    return web.json_response({"idle": True, "utc_ms": utc_ms})


async def _read_utc_ms(request: web.Request) -> int | None:
    try:
        body = json.loads(await request.read())
    except ValueError:
        return None
    utc_ms = body.get("utc_ms") if isinstance(body, dict) else None
    return utc_ms if type(utc_ms) is int and 0 <= utc_ms <= _LATEST_MS else None


async def _settle(app: web.Application) -> None:
    """Return once appends, scorer, inbox and outbox have nothing left to do at this time."""
    whatsapp, channels, watch = app.get(WHATSAPP), app.get(CHANNELS), app.get(WATCH)
    while True:
        await app[SCORER].wait_idle()
        watched = watch is None or watch.idle()  # first: what it tells shows in the outbox
        quiet = watched and (whatsapp is None or await whatsapp.idle())
        quiet = quiet and (channels is None or await channels.idle())
        if quiet and app[STORAGE].waiting_frames == 0 and app[SCORER].idle():
            return
        await asyncio.sleep(_TURN_S)
