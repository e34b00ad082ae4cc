"""A fake WhatsApp Cloud API: takes and refuses what Meta does, calls back signed, shows the phones.

Speaks /vNN.N/{id}/... and, as Graph does, the same without a version. Time comes from the clock it is handed.
"""

from __future__ import annotations

import asyncio
import functools
import hmac
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.cloud_rules import GraphError, need, text_of
from simulator.cloud_state import CLOUD, Account, Clock, Cloud, Fault
from simulator.cloud_webhooks import Webhooks
from simulator.phone.pages import add_phone_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["CLOUD", "Cloud", "Fault", "make_cloud"]

_MEDIA_MAX = 16 * 1024**2
_VERSION = r"/{version:v\d+\.\d+}"
_DISPLAY_NUMBER = "15550100000"


def make_cloud(  # noqa: PLR0913 - keywords all: what a real account is made of
    clock: Clock, *, token: str, app_secret: str, verify_token: str, webhook_url: str | None,
    phone_number_id: str = "100000000000001", waba_id: str = "200000000000001",
    farm: str = "Herdbell", zone: str = "UTC",
    on_message: Callable[[int, str, str], None] | None = None, templates: Iterable[dict[str, Any]] = (),
    wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> web.Application:  # fmt: skip
    """Return the fake as an application; its state is `app[CLOUD]`. Raises GraphError for a bad template.

    clock: has `utc_ms`. webhook_url: may also be set later, at `app[CLOUD].webhooks.url`. farm, zone: what
    the phone page shows. on_message(utc_ms, to, text) is called for every accepted message. templates: Graph
    bodies that are approved from the start. wait: how a refused webhook waits for its next try, in s.
    """
    account = Account(token, app_secret, verify_token, phone_number_id, waba_id, farm, zone)
    number = {"display_phone_number": _DISPLAY_NUMBER, "phone_number_id": phone_number_id}
    webhooks = Webhooks(webhook_url, app_secret=app_secret, number=number, account=waba_id, wait=wait)
    cloud = Cloud(account, clock, webhooks, on_message)
    for template in templates:
        cloud.registry.create(template)
    app = web.Application(client_max_size=_MEDIA_MAX)
    app[CLOUD] = cloud
    for path, post, get in (
        ("messages", post_message, None),
        ("media", post_media, None),
        ("message_templates", post_template, get_templates),
    ):
        for root in (_VERSION, ""):
            app.router.add_post(rf"{root}/{{id:\d+}}/{path}", _graph(post))
            if get:
                app.router.add_get(rf"{root}/{{id:\d+}}/{path}", _graph(get))
    for root in (_VERSION, ""):
        app.router.add_get(rf"{root}/{{id:\d+}}", _graph(get_number))
    add_phone_pages(app)
    app.cleanup_ctx.append(_webhook_task)
    app.on_shutdown.append(_close)
    return app


async def _webhook_task(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[CLOUD].webhooks.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _close(app: web.Application) -> None:
    await app[CLOUD].phones.close()


def _graph(handler: Handler) -> Handler:
    """Check the token first and answer errors as Graph does."""

    @functools.wraps(handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        try:
            _check_token(request)
            return await handler(request)
        except GraphError as error:
            return web.json_response(error.document(), status=error.status)

    return checked


def _check_token(request: web.Request) -> None:
    given = request.headers.get("Authorization", "").encode()
    if not hmac.compare_digest(given, f"Bearer {request.app[CLOUD].account.token}".encode()):
        raise GraphError(190, "Cannot parse access token", status=401)


def _need_id(request: web.Request, wanted: str) -> None:
    found = request.match_info["id"]
    need(found == wanted, 100, f"Object with ID '{found}' does not exist")


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise GraphError(100, "body is not JSON") from error


async def post_message(request: web.Request) -> web.StreamResponse:
    """Send a message or mark one as read."""
    cloud = request.app[CLOUD]
    _need_id(request, cloud.account.phone_number_id)
    body = await _json(request)
    if isinstance(body, dict) and body.get("status") == "read":
        return _mark_read(cloud, body)
    cloud.requests.append(body)
    fault = cloud.faults.popleft() if cloud.faults else Fault()
    if fault.code is not None:
        raise GraphError(fault.code, "scripted")
    answer = await _accepted(cloud, body) if fault.accept else web.Response()
    if fault.hold:
        await fault.hold.wait()
    if fault.bad_gateway:
        return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
    if fault.drop and request.transport:
        request.transport.abort()
    return answer


async def get_number(request: web.Request) -> web.Response:
    """Show the sending number."""
    account = request.app[CLOUD].account
    _need_id(request, account.phone_number_id)
    return web.json_response({"id": account.phone_number_id, "display_phone_number": _DISPLAY_NUMBER})


async def _accepted(cloud: Cloud, body: dict[str, Any]) -> web.Response:
    bubble = await cloud.accept(body)
    return web.json_response(
        {
            "messaging_product": "whatsapp",
            "contacts": [{"input": body["to"], "wa_id": body["to"].lstrip("+")}],
            "messages": [{"id": bubble.id, "message_status": "accepted"}],
        }
    )


def _mark_read(cloud: Cloud, body: dict[str, Any]) -> web.Response:
    need(body.get("messaging_product") == "whatsapp", 100, "messaging_product must be whatsapp")
    wamid = text_of(body, "message_id", 512)
    mine = any((found := phone.find(wamid)) and found.mine for phone in cloud.phones.all())
    need(mine, 131009, "message_id is not a message of a person")
    return web.json_response({"success": True})


async def post_media(request: web.Request) -> web.Response:
    """Take a file and forget all of it but its size."""
    cloud = request.app[CLOUD]
    _need_id(request, cloud.account.phone_number_id)
    fields = await request.post()
    need(fields.get("messaging_product") == "whatsapp", 100, "messaging_product must be whatsapp")
    file = fields.get("file")
    if not isinstance(file, web.FileField):
        raise GraphError(100, "file is missing")
    media_id = str(300_000_000_000 + len(cloud.media))
    cloud.media[media_id] = len(file.file.read())
    return web.json_response({"id": media_id})


async def post_template(request: web.Request) -> web.Response:
    """Create a template."""
    cloud = request.app[CLOUD]
    _need_id(request, cloud.account.waba_id)
    made = cloud.registry.create(await _json(request))
    return web.json_response({"id": made.id, "status": made.status, "category": made.category})


async def get_templates(request: web.Request) -> web.Response:
    """List the templates, all on one page."""
    cloud = request.app[CLOUD]
    _need_id(request, cloud.account.waba_id)
    name = request.query.get("name")
    found = [one.listed() for one in cloud.registry.templates.values() if name in {None, one.name}]
    return web.json_response({"data": found, "paging": {"cursors": {"before": "a", "after": "b"}}})
