"""POST /v1/frames, the relay's hot path. Nothing here logs, and nothing decides what a frame is worth."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

from aiohttp import web
from herdcore import wire

from relay.ingest import OK, PROBLEMS, UNAUTHENTICATED, Batch
from relay.keys import CLOCK, COLLARS, CONFIG, INGEST, METRICS, SCORER, STORAGE
from relay.problems import problem
from relay.storage.ports import Busy, partition_of

if TYPE_CHECKING:
    from relay.ingest import Answer

CONTENT_TYPE = "application/msgpack"
_RETRY_AFTER_S = (5, 60)  # spread, so that a herd turned away does not come back as one


def add_routes(app: web.Application) -> None:
    """Add the route to `app`."""
    app.router.add_post("/v1/frames", post_frames)


async def post_frames(request: web.Request) -> web.Response:
    """Store 1..64 frames and acknowledge them. Body and answers: wire.md, "POST /v1/frames"."""
    app = request.app
    started_s = time.monotonic()
    body = await _read_body(request)
    if isinstance(body, web.Response):
        return body
    try:
        batch = await _judge(app, body)
        outcomes = await app[STORAGE].append(batch.frames) if batch.frames else []
    except wire.BatchError as error:
        return _refuse(app, "body", 400, "malformed-body", str(error))
    except Busy:
        return _busy(app)
    if batch.frames:
        app[METRICS].note_commit(started_s)
        app[SCORER].wake({partition_of(frame.farm_id) for frame in batch.frames})
    answer = app[INGEST].answer(batch, outcomes, app[CLOCK].now_ms())
    app[METRICS].count_frames(outcomes, batch.refusals)
    return _respond(answer)


async def _judge(app: web.Application, body: bytes) -> Batch:
    batch = app[INGEST].judge(body, app[CLOCK].now_ms())
    # A collar may have been added, or its key turned, since we read the keys. Wrong tags ask too: an answer
    # that comes later for unknown collars than for wrong tags would tell the two apart.
    if UNAUTHENTICATED in batch.results and await app[COLLARS].refresh():
        batch = app[INGEST].judge(body, app[CLOCK].now_ms())
    return batch


def _respond(answer: Answer) -> web.Response:
    if answer.status == OK:
        return web.Response(body=answer.body, content_type=CONTENT_TYPE)
    code, detail = PROBLEMS[answer.status]
    return problem(answer.status, code, detail, results=answer.results)


async def _read_body(request: web.Request) -> bytes | web.Response:
    """Return the body, or the answer that refuses it."""
    app = request.app
    headers = request.headers
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        return _refuse(
            app, "encoding", 415, "content-encoding", "frames are not compressed; send them as they are"
        )
    if headers.get("Content-Type") != CONTENT_TYPE and request.content_type != CONTENT_TYPE:
        return _refuse(app, "content_type", 415, "content-type", f"want {CONTENT_TYPE}")
    if (request.content_length or 0) > wire.BODY_MAX:
        return _too_large(app)
    stream = request.content
    body = stream.read_nowait()
    if stream.at_eof():  # the usual case: a few hundred bytes came in one piece
        return body if len(body) <= wire.BODY_MAX else _too_large(app)
    try:
        async with asyncio.timeout(app[CONFIG].ingest.body_timeout_s):
            return await _read_rest(request, body)
    except TimeoutError:
        seconds = app[CONFIG].ingest.body_timeout_s
        return _refuse(app, "timeout", 408, "body-timeout", f"the body was not there within {seconds} s")


async def _read_rest(request: web.Request, start: bytes) -> bytes | web.Response:
    body = bytearray(start)
    while not request.content.at_eof():
        body += await request.content.readany()
        if len(body) > wire.BODY_MAX:
            return _too_large(request.app)
    return bytes(body)


def _too_large(app: web.Application) -> web.Response:
    return _refuse(app, "too_large", 413, "body-too-large", f"at most {wire.BODY_MAX} bytes")


def _refuse(app: web.Application, reason: str, status: int, code: str, detail: str) -> web.Response:
    app[METRICS].count_refused_request(reason)
    response = problem(status, code, detail)
    response.force_close()  # what is left of the body is not worth reading
    return response


def _busy(app: web.Application) -> web.Response:
    app[METRICS].count_refused_request("busy")
    wait_s = random.randint(*_RETRY_AFTER_S)  # noqa: S311 - spreads load, guards nothing
    return problem(503, "busy", "the append queue is full", headers={"Retry-After": str(wait_s)})
