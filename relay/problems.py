"""Errors over HTTP: RFC 9457 problem documents with a stable `code`."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

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


@web.middleware
async def problem_documents(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn aiohttp's own errors (no such path, wrong method) and our bugs into problem documents."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        code = HTTPStatus(error.status).phrase.lower().replace(" ", "-")
        allow = error.headers.get("Allow")
        return problem(error.status, code, error.reason, headers={"Allow": allow} if allow else None)
    except Exception:  # noqa: BLE001 - a bug in a handler must not become a bare text page
        _LOG.exception("%s %s failed", request.method, request.path)
        return problem(500, "internal-error", "the relay failed; its log says why")
