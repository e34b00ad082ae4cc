"""Sending messages at the fake Cloud API, and everything that can happen to the answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.cloud_errors import GraphError
from simulator.cloud_graph import SUCCESS, json_of, need_id
from simulator.cloud_state import CLOUD

if TYPE_CHECKING:
    from simulator.cloud_faults import Fault
    from simulator.cloud_state import Cloud

_HANG_S = 60


async def post_message(request: web.Request) -> web.StreamResponse:
    """Send a message or mark one as read."""
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.phone_number_id)
    body = await json_of(request)
    if isinstance(body, dict) and body.get("status") == "read":
        cloud.mark_read(body)
        return web.json_response(SUCCESS)
    cloud.requests.append(body)
    fault = cloud.faults.take(body) if isinstance(body, dict) else None
    if fault is None:
        return web.json_response(_accepted(cloud, body, None))
    if fault.code is not None and not fault.late:
        raise GraphError(fault.code, fault.details, transient=fault.transient)
    return await _faulty(request, body, fault)


def _accepted(cloud: Cloud, body: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
    phone, bubble = cloud.accept(body, fault)
    whom = {"input": body["to"], "wa_id": phone.number} if "to" in body else {"input": body["recipient"]}
    status = "held_for_quality_assessment" if fault is not None and fault.held else "accepted"
    return {
        "messaging_product": "whatsapp",
        "contacts": [{**whom, "user_id": phone.user_id}],
        "messages": [{"id": bubble.id, "message_status": status}],
    }


async def _faulty(request: web.Request, body: dict[str, Any], fault: Fault) -> web.StreamResponse:
    cloud = request.app[CLOUD]
    answer = web.json_response(_accepted(cloud, body, fault)) if fault.accept else web.Response()
    if fault.hold:
        await _either(fault.hold, cloud.phones.closed)
    if fault.delay_ms:
        await _either(cloud.agenda.after(fault.delay_ms), cloud.phones.closed)
    if fault.hang:
        with suppress(TimeoutError):
            async with asyncio.timeout(_HANG_S):
                await cloud.phones.closed.wait()
    if fault.bad_gateway:
        return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
    if fault.half:
        raw = answer.body if isinstance(answer.body, bytes) else b""
        return web.Response(body=raw[: len(raw) // 2] or b'{"mess', content_type="application/json")
    if (fault.drop or fault.hang) and request.transport:
        request.transport.abort()
    return answer


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
