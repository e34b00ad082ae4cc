"""A fake WhatsApp Cloud API: takes and refuses what Meta does, calls back signed, shows the phones.

Speaks /vNN.N/{id}/... and, as Graph does, the same without a version. Time comes from the clock it is handed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator import cloud_objects as objects
from simulator.cloud_calls import post_message
from simulator.cloud_control import add_control
from simulator.cloud_faults import Fault
from simulator.cloud_graph import MANAGING, MESSAGING, graph
from simulator.cloud_standing import Account
from simulator.cloud_state import CLOUD, Cloud
from simulator.phone.pages import add_phone_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from simulator.cloud_agenda import Clock

__all__ = ["CLOUD", "Cloud", "Fault", "make_cloud"]

_BODY_MAX = 16 * 1024**2
_ROOTS = (r"/{version:v\d+\.\d+}", "")
_ID = r"{id:\d+}"
_UPLOAD = "{upload:upload:[^/]+}"
_ROUTES = (
    ("POST", f"/{_ID}/messages", post_message, MESSAGING),
    ("POST", f"/{_ID}/media", objects.post_media, MESSAGING),
    ("POST", f"/{_ID}/register", objects.post_register, MANAGING),
    ("POST", f"/{_ID}/deregister", objects.post_deregister, MANAGING),
    ("GET", f"/{_ID}/message_templates", objects.get_templates, MANAGING),
    ("POST", f"/{_ID}/message_templates", objects.post_template, MANAGING),
    ("DELETE", f"/{_ID}/message_templates", objects.delete_template, MANAGING),
    ("GET", f"/{_ID}/phone_numbers", objects.get_numbers, MANAGING),
    ("GET", f"/{_ID}/subscribed_apps", objects.subscribed_apps, MANAGING),
    ("POST", f"/{_ID}/subscribed_apps", objects.subscribed_apps, MANAGING),
    ("DELETE", f"/{_ID}/subscribed_apps", objects.subscribed_apps, MANAGING),
    ("POST", f"/{_ID}/uploads", objects.post_upload, MANAGING),
    ("GET", "/debug_token", objects.debug_token, ""),
    ("POST", f"/{_UPLOAD}", objects.post_piece, MANAGING),
    ("GET", f"/{_UPLOAD}", objects.get_upload, MANAGING),
    ("GET", f"/{_ID}", objects.get_object, ""),
    ("POST", f"/{_ID}", objects.post_object, MANAGING),
    ("DELETE", f"/{_ID}", objects.delete_object, MESSAGING),
)


def make_cloud(  # noqa: PLR0913 - keywords all: what a real account is made of
    clock: Clock, *, token: str, app_secret: str, verify_token: str, webhook_url: str | None,
    phone_number_id: str = "100000000000001", waba_id: str = "200000000000001",
    farm: str = "Herdbell", zone: str = "UTC",
    on_message: Callable[[int, str, str], None] | None = None, templates: Iterable[dict[str, Any]] = (),
) -> web.Application:  # fmt: skip
    """Return the fake as an application; its state is `app[CLOUD]`. Raises GraphError for a bad template.

    clock: has `utc_ms`; whoever moves it calls `app[CLOUD].settle()`. webhook_url: may also be set later, at
    `app[CLOUD].webhooks.url`. farm, zone: what the phone page shows. on_message(utc_ms, to, text) is called
    for every message that reaches a phone. templates: Graph bodies that are approved from the start.
    """
    account = Account(token, app_secret, verify_token, phone_number_id, waba_id, farm, zone)
    cloud = Cloud(account, clock, webhook_url, on_message)
    for template in templates:
        cloud.registry.create(template, silent=True)
    app = web.Application(client_max_size=_BODY_MAX)
    app[CLOUD] = cloud
    for method, path, handler, scope in _ROUTES:
        for root in _ROOTS:
            app.router.add_route(method, root + path, graph(handler, scope))
    app.router.add_get(f"/media/{_ID}/download", graph(objects.get_download, MESSAGING))
    add_control(app)
    add_phone_pages(app)
    app.cleanup_ctx.append(_tasks)
    app.on_shutdown.append(_close)
    return app


async def _tasks(app: web.Application) -> AsyncIterator[None]:
    cloud = app[CLOUD]
    tasks = [asyncio.create_task(work) for work in (cloud.webhooks.run(), cloud.agenda.run())]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _close(app: web.Application) -> None:
    app[CLOUD].phones.close()
