"""Serves the phone page and what it asks for: people, one chat as a live stream, pictures, taps and texts."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.clock import WallUtc
from simulator.cloud_chats import DELIVERED
from simulator.cloud_errors import GraphError
from simulator.cloud_person import Person
from simulator.cloud_state import CLOUD

if TYPE_CHECKING:
    from simulator.cloud_chats import Bubble, Phone
    from simulator.cloud_state import Cloud

_FOLDER = Path(__file__).parent
_FILES = {"": "index.html", "phone.css": "phone.css", "phone.js": "phone.js"}
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_SHOWN = 200  # messages of a chat, the newest
_LISTED = 200  # phones, the first used first
_PREVIEW = 80  # characters of the last message in the list
_QUOTED = 120
_TICK_S = 1.0  # the page's clock moves at least this often
_TEXT_MAX = 4096
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def add_phone_pages(app: web.Application) -> None:
    """Route the page and its calls."""
    router = app.router
    router.add_get("/", _to_page)
    router.add_get("/phone", _to_page)
    router.add_get("/phone/{file:(phone\\.css|phone\\.js|)}", get_file)
    router.add_get("/phone/api/phones", get_phones)
    router.add_get("/phone/api/events", get_events)
    router.add_post("/phone/api/tap", post_tap)
    router.add_post("/phone/api/choose", post_choose)
    router.add_post("/phone/api/text", post_text)
    router.add_get("/phone/media/{id:\\d+}", get_picture)


async def _to_page(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/phone/"})


async def get_file(request: web.Request) -> web.Response:
    """One of the page's own files."""
    path = _FOLDER / _FILES[request.match_info["file"]]
    text = await asyncio.to_thread(path.read_text, encoding="utf-8")
    return web.Response(text=text, content_type=_TYPES[path.suffix], charset="utf-8", headers=_HEADERS)


async def get_picture(request: web.Request) -> web.Response:
    """A picture that was sent in a message."""
    try:
        medium = request.app[CLOUD].media.get(request.match_info["id"])
    except GraphError as error:
        raise web.HTTPNotFound from error
    return web.Response(body=medium.data, content_type=medium.kind, headers=_HEADERS)


async def get_phones(request: web.Request) -> web.Response:
    """Who has a phone."""
    return web.json_response(_people(request.app[CLOUD]), headers=_HEADERS)


async def get_events(request: web.Request) -> web.StreamResponse:
    """One chat as server-sent events, the whole of it at every change; who looks at it has read it."""
    cloud = request.app[CLOUD]
    phone = cloud.phones.known(request.query.get("phone", ""))
    if phone is None:
        raise web.HTTPNotFound
    response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
    await response.prepare(request)
    phone.watchers += 1
    try:
        Person(cloud).look(phone)
        with suppress(ConnectionError):
            await _stream(cloud, phone, response)
    finally:
        phone.watchers -= 1
    return response


async def _stream(cloud: Cloud, phone: Phone, response: web.StreamResponse) -> None:
    while not cloud.phones.closed.is_set():
        version = phone.version
        await response.write(b"data: " + json.dumps(chat(cloud, phone)).encode() + b"\n\n")
        with suppress(TimeoutError):
            async with asyncio.timeout(_TICK_S):
                await cloud.phones.wait_newer(phone, version)


async def post_tap(request: web.Request) -> web.Response:
    """{"phone", "message", "button": index}: the person taps a button."""
    asked = await _asked(request, phone=str, message=str, button=int)
    try:
        wamid = Person(request.app[CLOUD]).tap(asked["phone"], asked["message"], asked["button"])
    except LookupError as error:
        raise web.HTTPNotFound(text=str(error)) from error
    return web.json_response({"id": wamid}, headers=_HEADERS)


async def post_choose(request: web.Request) -> web.Response:
    """{"phone", "message", "row": index}: the person chooses from a list."""
    asked = await _asked(request, phone=str, message=str, row=int)
    try:
        wamid = Person(request.app[CLOUD]).choose(asked["phone"], asked["message"], asked["row"])
    except LookupError as error:
        raise web.HTTPNotFound(text=str(error)) from error
    return web.json_response({"id": wamid}, headers=_HEADERS)


async def post_text(request: web.Request) -> web.Response:
    """{"phone", "text"}: the person writes."""
    asked = await _asked(request, phone=str, text=str)
    text = asked["text"].strip()
    if not 0 < len(text) <= _TEXT_MAX:
        raise web.HTTPBadRequest(text=f"a text is 1..{_TEXT_MAX} characters")
    try:
        wamid = Person(request.app[CLOUD]).write(asked["phone"], text)
    except LookupError as error:
        raise web.HTTPNotFound(text=str(error)) from error
    return web.json_response({"id": wamid}, headers=_HEADERS)


async def _asked(request: web.Request, **types: type) -> dict[str, Any]:
    """Return the JSON object of a call. JSON only: a form on another site cannot send it."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="want application/json")
    try:
        asked = json.loads(await request.read())
    except ValueError as error:
        raise web.HTTPBadRequest(text="not JSON") from error
    if not isinstance(asked, dict) or any(type(asked.get(name)) is not kind for name, kind in types.items()):
        raise web.HTTPBadRequest(
            text=f"want {', '.join(f'{name}: {kind.__name__}' for name, kind in types.items())}"
        )
    return asked


def _people(cloud: Cloud) -> list[dict[str, Any]]:
    return [_person(phone) for phone in cloud.phones.all()[:_LISTED]]


def _person(phone: Phone) -> dict[str, Any]:
    last = phone.bubbles[-1] if phone.bubbles else None
    unread = sum(bubble.status == DELIVERED and not bubble.mine for bubble in phone.bubbles[-_SHOWN:])
    return {
        "number": phone.number, "name": phone.name, "unread": unread, "last_ms": last.at_ms if last else None,
        "last": (last.text or "Picture")[:_PREVIEW] if last else "",
        "last_mine": last is not None and last.mine and last.kind != "system",
    }  # fmt: skip


def chat(cloud: Cloud, phone: Phone) -> dict[str, Any]:
    """Return what the page shows of one phone. Times are UTC ms; `zone` says how to show them."""
    return {
        "farm": cloud.account.farm,
        "zone": cloud.account.zone,
        "now_ms": cloud.clock.utc_ms,
        "simulated": not isinstance(cloud.clock, WallUtc),
        "typing": phone.typing_until_ms > cloud.clock.utc_ms,
        "phone": phone.number,
        "people": _people(cloud),
        "messages": [_shown(phone, bubble) for bubble in phone.bubbles[-_SHOWN:]],
    }


def _shown(phone: Phone, bubble: Bubble) -> dict[str, Any]:
    quoted = phone.find(bubble.reply_to) if bubble.reply_to else None
    return {
        "id": bubble.id,
        "at_ms": bubble.at_ms,
        "mine": bubble.mine,
        "kind": bubble.kind,
        "header": bubble.header,
        "picture": f"media/{bubble.picture}" if bubble.picture.isdigit() else "",
        "link": "" if bubble.picture.isdigit() else bubble.picture,
        "parts": [asdict(part) for part in bubble.parts],
        "footer": bubble.footer,
        "buttons": [button.title for button in bubble.buttons],
        "menu": bubble.menu,
        "rows": [{"title": row.title, "text": row.text, "section": row.section} for row in bubble.rows],
        "chosen": bubble.chosen,
        "reaction": bubble.reaction,
        "status": bubble.status,
        "quote": (quoted.text or "Picture")[:_QUOTED] if quoted else "",
    }
