"""The operator's side of the fake Cloud API: what goes wrong, who holds which phone, what came of it.

`GET /__control` lists the verbs with what they take; `POST /__control/VERB` with a JSON object does one.
Loopback only, for the fake listens nowhere else; JSON only, so that a form on another site cannot send it.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.cloud_control_verbs import VERBS
from simulator.cloud_errors import GraphError
from simulator.cloud_state import CLOUD

if TYPE_CHECKING:
    from simulator.cloud_state import Cloud

_ROOT = "/__control"
_TYPES = {
    "str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "bool | None": (bool, type(None)),
    "dict[str, Any]": (dict,),
}  # fmt: skip


def add_control(app: web.Application) -> None:
    """Route the control calls."""
    app.router.add_get(_ROOT, get_verbs)
    app.router.add_get(f"{_ROOT}/counters", get_counters)
    app.router.add_get(f"{_ROOT}/phones", get_phones)
    app.router.add_post(f"{_ROOT}/{{verb}}", post_verb)


async def get_verbs(_request: web.Request) -> web.Response:
    """List the verbs: what each does, takes and assumes."""
    return web.json_response({name: _shown(verb) for name, verb in VERBS.items()})


def _shown(verb: Any) -> dict[str, Any]:
    taken = list(inspect.signature(verb).parameters.values())[1:]
    needed = [one.name for one in taken if one.default is inspect.Parameter.empty]
    return {
        "does": inspect.getdoc(verb),
        "needs": needed,
        "may": [one.name for one in taken if one.name not in needed],
    }


async def post_verb(request: web.Request) -> web.Response:
    """Do one thing, then let everything due happen; answers what the verb says, an object."""
    verb = VERBS.get(request.match_info["verb"])
    if verb is None:
        raise web.HTTPNotFound(text=f"no verb {request.match_info['verb']!r}: one of {', '.join(VERBS)}")
    asked = await _asked(request)
    cloud = request.app[CLOUD]
    try:
        _check_types(verb, asked)
        bound = inspect.signature(verb).bind(cloud, **asked)
        said = verb(*bound.args, **bound.kwargs)
        answer = await said if inspect.isawaitable(said) else said
    except LookupError as error:
        raise web.HTTPNotFound(text=str(error)) from error
    except (TypeError, ValueError, GraphError) as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    await cloud.webhooks.kick()
    return web.json_response(answer or {})


def _check_types(verb: Any, asked: dict[str, Any]) -> None:
    for name, one in inspect.signature(verb).parameters.items():
        wanted = _TYPES.get(str(one.annotation), ())
        if name in asked and wanted and type(asked[name]) not in wanted:
            raise ValueError(f"{name}={asked[name]!r}: want {one.annotation}")


async def _asked(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="want application/json")
    try:
        asked = json.loads(await request.read() or b"{}")
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text="not JSON") from error
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="want an object")
    return asked


async def get_counters(request: web.Request) -> web.Response:
    """What came and what was refused. `mark`, any number of times: words that own up to a repeat."""
    cloud = request.app[CLOUD]
    repeats = cloud.counters.repeats(request.query.getall("mark", []))
    return web.json_response(
        {
            "utc_ms": cloud.clock.utc_ms,
            "accepted": cloud.counters.accepted,
            "inbound": cloud.counters.inbound,
            "ids": len(cloud.counters.came),
            "refused": _by_code(cloud.counters.refused),
            "refused_by_limit": _by_code(cloud.refused),
            "failed_later": _by_code(cloud.counters.failed),
            "statuses": dict(cloud.counters.statuses),
            "repeated_and_marked": list(repeats.marked),
            "repeated_unmarked": list(repeats.unmarked),
            "webhooks": _webhooks(cloud),
            "faults_scripted": len(cloud.faults),
        }
    )


def _by_code(counted: dict[int, int]) -> dict[str, int]:
    return {str(code): count for code, count in sorted(counted.items())}


def _webhooks(cloud: Cloud) -> dict[str, Any]:
    hooks = cloud.webhooks
    return {
        "url": hooks.url, "delivered": hooks.delivered, "refused": hooks.refused, "given_up": hooks.given_up,
        "waiting": hooks.waiting, **asdict(hooks.how),
    }  # fmt: skip


async def get_phones(request: web.Request) -> web.Response:
    """Every phone, with its messages if `number` names one."""
    cloud, number = request.app[CLOUD], request.query.get("number")
    if number is not None:
        phone = cloud.phones.known(number)
        if phone is None:
            raise web.HTTPNotFound(text="no such phone")
        return web.json_response([{**asdict(one), "text": one.text} for one in phone.bubbles])
    return web.json_response(
        [
            {
                "number": phone.number,
                "name": phone.name,
                "user_id": phone.user_id,
                "online": phone.online,
                "hidden": phone.hidden,
                "messages": len(phone.bubbles),
                "last_inbound_ms": phone.last_inbound_ms,
            }
            for phone in cloud.phones.all()
        ]
    )
