"""POST /v1/frames, the relay's hot path. Nothing here logs, and nothing decides what a frame is worth."""

from __future__ import annotations

import asyncio
import random
import time

from aiohttp import web

from herdcore import wire
from relay.ingest import OK, PROBLEMS, UNAUTHENTICATED, Answer, Batch
from relay.keys import CLOCK, COLLARS, CONFIG, EARS, INGEST, METRICS, SCORER, STORAGE
from relay.problems import guarded, problem
from relay.storage.ports import Busy, partition_of

CONTENT_TYPE = "application/msgpack"
_HEADERS = {"Content-Type": CONTENT_TYPE}
_RETRY_AFTER_S = (5, 60)  # spread, so that a herd turned away does not come back as one


class Frames:
    """Takes frames for one application. Made once its parts are running: looking them up takes time, too."""

    def __init__(self, app: web.Application) -> None:
        self._ingest, self._storage, self._scorer = app[INGEST], app[STORAGE], app[SCORER]
        self._collars, self._metrics, self._clock = app[COLLARS], app[METRICS], app[CLOCK]
        self._ears = app[EARS]
        self._body_timeout_s = app[CONFIG].ingest.body_timeout_s

    async def post(self, request: web.Request) -> web.Response:
        """Store 1..64 frames and acknowledge them. Body and answers: wire.md, "POST /v1/frames"."""
        started_s = time.monotonic()
        body = self._arrived(request)
        if body is None:
            body = await self._rest(request)
        if isinstance(body, web.Response):
            return body
        if started_s >= self._collars.downlinks_due_s:
            await self._collars.refresh_downlinks()
        try:
            batch = self._ingest.judge(body, self._clock.now_ms())
            if UNAUTHENTICATED in batch.results:
                batch = await self._judge_again(body, batch)
            outcomes = await self._storage.append(batch.frames) if batch.frames else []
        except wire.BatchError as error:
            return self._refuse("body", 400, "malformed-body", str(error))
        except Busy:
            return self._busy()
        if outcomes:
            self._metrics.note_commit(started_s)
            self._ears.note(batch.signers, batch.arrived_ms, request.remote)
            self._scorer.wake({partition_of(frame.farm_id) for frame in batch.frames})
        self._metrics.count_frames(outcomes, batch.refusals)
        return _respond(self._ingest.answer(batch, outcomes))

    async def _judge_again(self, body: bytes, batch: Batch) -> Batch:
        # A collar may have been added, or its key turned, since we read the keys. Wrong tags ask too: an
        # answer that comes later for unknown collars than for wrong tags would tell the two apart.
        if await self._collars.refresh():
            return self._ingest.judge(body, self._clock.now_ms())
        return batch

    def _arrived(self, request: web.Request) -> bytes | web.Response | None:
        """Return the body if it is here already, the answer if it is not wanted, else None."""
        headers = request.headers
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            return self._refuse("encoding", 415, "content-encoding", "frames are not compressed")
        if headers.get("Content-Type") != CONTENT_TYPE and request.content_type != CONTENT_TYPE:
            return self._refuse("content_type", 415, "content-type", f"want {CONTENT_TYPE}")
        if (request.content_length or 0) > wire.BODY_MAX:
            return self._too_large()
        stream = request.content
        if not stream.is_eof():
            return None
        body = stream.read_nowait()
        return body if len(body) <= wire.BODY_MAX else self._too_large()

    async def _rest(self, request: web.Request) -> bytes | web.Response:
        """Return a body that is still on its way, or the answer that refuses it."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_timeout_s):
                while not request.content.at_eof():
                    body += await request.content.readany()
                    if len(body) > wire.BODY_MAX:
                        return self._too_large()
        except TimeoutError:
            late = f"the body was not there within {self._body_timeout_s} s"
            return self._refuse("timeout", 408, "body-timeout", late)
        return bytes(body)

    def _too_large(self) -> web.Response:
        return self._refuse("too_large", 413, "body-too-large", f"at most {wire.BODY_MAX} bytes")

    def _refuse(self, reason: str, status: int, code: str, detail: str) -> web.Response:
        self._metrics.count_refused_request(reason)
        response = problem(status, code, detail)
        response.force_close()  # what is left of the body is not worth reading
        return response

    def _busy(self) -> web.Response:
        self._metrics.count_refused_request("busy")
        wait_s = random.randint(*_RETRY_AFTER_S)  # noqa: S311 - spreads load, guards nothing
        return problem(503, "busy", "nothing can be stored now", headers={"Retry-After": str(wait_s)})


FRAMES = web.AppKey("frames", Frames)


def add_routes(app: web.Application) -> None:
    """Add the route to `app`; app[FRAMES] has to be there before the first request."""
    app.router.add_post("/v1/frames", guarded(_post))


async def _post(request: web.Request) -> web.Response:
    return await request.app[FRAMES].post(request)


def _respond(answer: Answer) -> web.Response:
    if answer.status == OK:
        return web.Response(body=answer.body, headers=_HEADERS)
    code, detail = PROBLEMS[answer.status]
    return problem(answer.status, code, detail, results=answer.results)
