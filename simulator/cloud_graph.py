"""What every call of the fake Graph API has in common: token, permission, JSON, fields, errors."""

from __future__ import annotations

import functools
import hmac
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.cloud_errors import GraphError, need
from simulator.cloud_standing import SCOPES
from simulator.cloud_state import CLOUD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulator.cloud_nodes import Node
    from simulator.cloud_state import Cloud

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MANAGING, MESSAGING = SCOPES
SUCCESS = {"success": True}


def graph(handler: Handler, scope: str) -> Handler:
    """Check token and permission first, and answer errors as Graph does. scope: none is needed if empty."""

    @functools.wraps(handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        cloud = request.app[CLOUD]
        cloud.agenda.catch_up()
        try:
            _check_token(request, cloud, scope)
            return await handler(request)
        except GraphError as error:
            cloud.counters.refused[error.code] += 1
            return web.json_response(error.document(), status=error.status)

    return checked


def _check_token(request: web.Request, cloud: Cloud, scope: str) -> None:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    is_ours = hmac.compare_digest(given.encode(), cloud.account.token.encode())
    if kind not in {"Bearer", "OAuth"} or not is_ours:
        raise GraphError(190, "Cannot parse access token")
    need(cloud.standing.token_valid, 190, "Error validating access token: the session has expired")
    need(not scope or scope in cloud.standing.scopes, 10, f"the token lacks the permission {scope}")


def need_id(request: web.Request, wanted: str) -> None:
    """Raise GraphError 100 unless the path names that object."""
    found = request.match_info["id"]
    need(found == wanted, 100, f"Object with ID '{found}' does not exist")


async def json_of(request: web.Request) -> Any:
    """Return the body; raises GraphError 100."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise GraphError(100, "body is not JSON") from error


async def fields_of(request: web.Request) -> dict[str, Any]:
    """Return the body as an object, from JSON or a form; nothing is an empty one. Raises GraphError 100."""
    if request.content_type.startswith(("multipart/", "application/x-www-form-urlencoded")):
        return dict(await request.post())
    body = await json_of(request) if request.can_read_body else {}
    need(isinstance(body, dict), 100, "body must be an object")
    return dict(body)


def chosen(request: web.Request, shown: dict[str, Any], node: Node) -> web.Response:
    """Answer with the fields that were asked for; raises GraphError 100 for one that does not exist."""
    asked = request.query.get("fields", "")
    names = [name.strip() for name in asked.split(",")] if asked else node.default
    missing = [name for name in names if name not in shown and name not in node.empty]
    what = f"nonexisting field ({', '.join(missing)}) on node type ({node.name})"
    need(not missing, 100, f"Tried accessing {what}")
    return web.json_response({**{name: shown[name] for name in names if name in shown}, "id": shown["id"]})
