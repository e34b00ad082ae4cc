"""Whatever is put in whatever place of a body, the fake answers like Graph: 200 or an error with a code."""

from __future__ import annotations

import copy

import pytest

from tests.simulator.cloud_scene import (
    NUMBER_ID,
    PHONE,
    TEMPLATE,
    WABA_ID,
    list_message,
    open_sky,
    reply_message,
    template_message,
    text_message,
)

NONSENSE = (None, 7, 1.5, True, "x", "{{1}}", [], {}, [None], [{}], ["a"])
HEADER = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["x"]}}
IMAGE = {"messaging_product": "whatsapp", "to": PHONE, "type": "image", "image": {"id": "", "caption": "c"}}
READ = {
    "messaging_product": "whatsapp",
    "status": "read",
    "message_id": "",
    "typing_indicator": {"type": "text"},
}


def places(value, path=()):
    """Yield the path of everything inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from places(one, (*path, key))


def put(value, path, nonsense):
    changed = holder = copy.deepcopy(value)
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = nonsense
    return changed


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        sky.cloud.limits.mps = sky.cloud.limits.pair_burst = 10**6
        yield sky


@pytest.mark.parametrize(
    "body",
    [template_message(), text_message(), reply_message("a", header={"type": "image", "image": {"id": ""}}),
     list_message("a", "b"), IMAGE, READ],
    ids=["template", "text", "buttons", "list", "image", "read"],
)  # fmt: skip
async def test_a_message_with_nonsense_in_it_is_an_error_of_graph(sky, body):
    theirs, picture = await sky.hear(), (await sky.upload())[1]["id"]
    body = put(body, ("message_id",), theirs) if "message_id" in body else body
    for path in [one for one in places(body) if one[-1] == "id" and one[-2] == "image"]:
        body = put(body, path, picture)
    assert await sky.code(body) == 0
    for path in places(body):
        for nonsense in NONSENSE:
            status, answer = await sky.call("POST", f"{NUMBER_ID}/messages", json=put(body, path, nonsense))
            assert status < 500, (path, nonsense)
            assert status == 200 or answer["error"]["code"], (path, nonsense)


async def test_a_template_with_nonsense_in_it_is_an_error_of_graph(sky):
    spec = copy.deepcopy(TEMPLATE)
    spec["components"].insert(0, HEADER)
    for path in places(spec):
        for nonsense in NONSENSE:
            changed = put(spec, path, nonsense)
            status, _ = await sky.call("POST", f"{WABA_ID}/message_templates", json=changed)
            assert status in {200, 400}, (path, nonsense)
