"""The fake Graph API but for messages: pictures, uploads, templates, the number, the account, the app."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from simulator.cloud_errors import GraphError, need
from simulator.cloud_graph import SUCCESS, chosen, fields_of, json_of, need_id
from simulator.cloud_nodes import NUMBER, TEMPLATE, WABA
from simulator.cloud_state import CLOUD

_FILTERS = ("name", "language", "category", "status")
_PIN_DIGITS = 6


async def post_media(request: web.Request) -> web.Response:
    """Upload a picture."""
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.phone_number_id)
    fields = await request.post()
    need(fields.get("messaging_product") == "whatsapp", 100, "messaging_product must be whatsapp")
    file = fields.get("file")
    if not isinstance(file, web.FileField):
        raise GraphError(100, "file is missing")
    kind = file.content_type if "type" not in fields else str(fields["type"])
    return web.json_response({"id": cloud.media.put(kind, file.file.read()).id})


async def get_download(request: web.Request) -> web.Response:
    """The bytes of a picture, at the url that `get_object` tells."""
    medium = request.app[CLOUD].media.get(request.match_info["id"])
    return web.Response(body=medium.data, content_type=medium.kind)


async def get_object(request: web.Request) -> web.Response:
    """Show the number, the business account, a template or a picture."""
    cloud, number = request.app[CLOUD], request.match_info["id"]
    account = cloud.account
    if number == account.phone_number_id:
        shown = cloud.standing.number(account, cloud.limits.users)
        return chosen(request, shown, NUMBER)
    if number == account.waba_id:
        return chosen(request, cloud.standing.business(account), WABA)
    if number in cloud.media:
        medium = cloud.media.get(number)
        url = str(request.url.origin().with_path(f"/media/{number}/download"))
        shown = {"id": number, "url": url, "mime_type": medium.kind, "sha256": medium.sha256}
        return web.json_response({"messaging_product": "whatsapp", **shown, "file_size": len(medium.data)})
    return chosen(request, cloud.registry.by_id(number).listed(), TEMPLATE)


async def delete_object(request: web.Request) -> web.Response:
    """Delete a picture. Templates are deleted by name, at the account."""
    request.app[CLOUD].media.drop(request.match_info["id"])
    return web.json_response(SUCCESS)


async def post_object(request: web.Request) -> web.Response:
    """Edit a template."""
    request.app[CLOUD].registry.edit(request.match_info["id"], await fields_of(request))
    return web.json_response(SUCCESS)


async def post_template(request: web.Request) -> web.Response:
    """Create a template; its category is what Meta makes of it."""
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.waba_id)
    made = cloud.registry.create(await json_of(request))
    return web.json_response({"id": made.id, "status": made.status, "category": made.category})


async def get_templates(request: web.Request) -> web.Response:
    """List templates, `limit` (25) a page, filtered by name, language, category or status."""
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.waba_id)
    asked = {name: request.query[name].upper().split(",") for name in _FILTERS if name in request.query}
    listed = [one.listed() for one in cloud.registry.templates.values()]
    found = [one for one in listed if all(str(one[name]).upper() in values for name, values in asked.items())]
    start, limit = _number(request, "after", 0, 131059), _number(request, "limit", 25, 100)
    page = found[start : start + limit]
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(start + len(page))}}
    if start + len(page) < len(found):
        paging["next"] = str(request.url.update_query(after=start + len(page)))
    answer = {"data": page, "paging": paging}
    if "summary" in request.query:
        answer["summary"] = {
            "total_count": len(found), "message_template_count": len(listed),
            "message_template_limit": cloud.registry.limit, "are_translations_complete": True,
        }  # fmt: skip
    return web.json_response(answer)


async def delete_template(request: web.Request) -> web.Response:
    """Delete a template in all its languages by name, or one of them by `hsm_id` too."""
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.waba_id)
    cloud.registry.delete(request.query.get("name", ""), request.query.get("hsm_id"))
    return web.json_response(SUCCESS)


async def get_numbers(request: web.Request) -> web.Response:
    """List the account's one number."""
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.waba_id)
    shown = cloud.standing.number(cloud.account, cloud.limits.users)
    del shown["health_status"]
    return web.json_response({"data": [shown], "paging": {"cursors": {"before": "a", "after": "a"}}})


async def post_register(request: web.Request) -> web.Response:
    """Register the number; the first PIN is set, later ones must be the same."""
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.phone_number_id)
    pin = str((await fields_of(request)).get("pin", ""))
    need(len(pin) == _PIN_DIGITS and pin.isdigit(), 100, f"pin must be {_PIN_DIGITS} digits")
    need(cloud.standing.pin in {"", pin}, 133005, "the PIN is another one")
    cloud.standing.registered, cloud.standing.pin = True, pin
    return web.json_response(SUCCESS)


async def post_deregister(request: web.Request) -> web.Response:
    """Take the number off the Cloud API."""
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.phone_number_id)
    cloud.standing.registered = False
    return web.json_response(SUCCESS)


async def subscribed_apps(request: web.Request) -> web.Response:
    """Subscribe the app to the account's webhooks (POST), end that (DELETE), or list who is (GET).

    A POST may name its own callback, `override_callback_uri` with `verify_token`: it is asked first.
    """
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.waba_id)
    if request.method == "GET":
        app = {"id": cloud.account.app_id, "name": "Herdbell", "link": "https://example.org"}
        shown = [{"whatsapp_business_api_data": app}] if cloud.standing.subscribed else []
        return web.json_response({"data": shown})
    if request.method == "POST" and (url := (asked := await fields_of(request)).get("override_callback_uri")):
        answered = await cloud.webhooks.verify(str(url), str(asked.get("verify_token", "")))
        need(answered, 100, "the callback did not answer the challenge")
        cloud.webhooks.url = str(url)
        await cloud.webhooks.kick()
    cloud.standing.subscribed = request.method == "POST"
    return web.json_response(SUCCESS)


async def debug_token(request: web.Request) -> web.Response:
    """Say what a token may do."""
    cloud = request.app[CLOUD]
    return web.json_response(cloud.standing.token(cloud.account, request.query.get("input_token", "")))


async def post_upload(request: web.Request) -> web.Response:
    """Begin a resumable upload for the example of a template's header."""
    cloud = request.app[CLOUD]
    need_id(request, cloud.account.app_id)
    length, kind = _number(request, "file_length", 0, 100), request.query.get("file_type", "")
    return web.json_response({"id": cloud.media.begin(length, kind).id})


async def post_piece(request: web.Request) -> web.Response:
    """Take a piece of an upload, from `file_offset` on; the last one gives the handle."""
    name, offset = request.match_info["upload"], request.headers.get("file_offset", "0")
    need(offset.isdigit(), 100, "file_offset")
    handle = request.app[CLOUD].media.go_on(name, int(offset), await request.read())
    return web.json_response({"h": handle} if handle else {"id": name})


async def get_upload(request: web.Request) -> web.Response:
    """Say how far an upload is."""
    upload = request.app[CLOUD].media.upload(request.match_info["upload"])
    return web.json_response({"id": upload.id, "file_offset": len(upload.data)})


def _number(request: web.Request, name: str, default: int, code: int) -> int:
    given = request.query.get(name, str(default))
    need(given.isdigit(), code, f"{name}={given!r}")
    return int(given)
