"""Errors over HTTP: RFC 9457 problem documents with a stable `code`."""

from __future__ import annotations

import functools
import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG = logging.getLogger(__name__)


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> web.Response:
    """Return a problem document: `code` is for programs and never changes, `detail` is for people."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    return web.Response(
        status=status,
        body=json.dumps(body | members).encode(),
        content_type="application/problem+json",
        headers=headers,
    )


def guarded(handler: Handler) -> Handler:
    """Turn what a handler raises, aiohttp's own errors and our bugs, into problem documents.

    Around each handler and not a middleware: merely having one costs every request several microseconds.
    """

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            return problem(error.status, _code_of(error.status), error.reason)
        except Exception:  # noqa: BLE001 - a bug in a handler must not become a bare text page
            _LOG.exception("%s %s failed", request.method, request.path)
            return problem(500, "internal-error", "the relay failed; its log says why")

    return answer


def add_last_route(app: web.Application) -> None:
    """Answer what no other route takes. To be called when all of them are there."""
    known = list(app.router.resources())

    async def nowhere(request: web.Request) -> web.StreamResponse:
        methods: set[str] = set()
        for resource in known:
            methods |= (await resource.resolve(request))[1]
        status = 405 if methods else 404
        headers = {"Allow": ",".join(sorted(methods))} if methods else None
        return problem(status, _code_of(status), HTTPStatus(status).phrase, headers=headers)

    app.router.add_route("*", "/{path:.*}", nowhere)


def _code_of(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "-")
