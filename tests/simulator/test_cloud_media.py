"""Pictures at the fake Cloud API: uploaded, fetched, deleted, and in headers of messages and templates."""

from __future__ import annotations

import copy

import pytest

from tests.simulator.cloud_scene import (
    PHONE,
    PNG,
    TEMPLATE,
    WABA_ID,
    open_sky,
    reply_message,
    template_message,
)

APP_ID = "400000000000001"
DAY_MS = 86_400_000


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        yield sky


async def begin(sky, length=None, kind="image/png"):
    length = len(PNG) if length is None else length
    query = {"file_name": "a.png", "file_length": str(length), "file_type": kind}
    return (await sky.call("POST", f"{APP_ID}/uploads", params=query))[1]


async def piece(sky, upload, offset, data):
    headers = {"Authorization": "OAuth fake-token", "file_offset": str(offset)}
    return (await sky.call("POST", upload, data=data, headers=headers))[1]


async def handle_of(sky):
    return (await piece(sky, (await begin(sky))["id"], 0, PNG))["h"]


def pictured(handle):
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [handle]}}
    spec = copy.deepcopy(TEMPLATE) | {"name": "alert_picture_v1"}
    spec["components"].insert(0, header)
    return spec


def picture_message(*parameters):
    body = template_message()
    body["template"]["name"] = "alert_picture_v1"
    body["template"]["components"].insert(0, {"type": "header", "parameters": list(parameters)})
    return body


async def test_a_picture_is_uploaded_looked_at_and_deleted(sky):
    _, made = await sky.upload()
    _, info = await sky.call("GET", made["id"])
    assert (info["mime_type"], info["file_size"], info["id"]) == ("image/png", len(PNG), made["id"])
    assert (await sky.call("DELETE", made["id"]))[1] == {"success": True}
    assert (await sky.call("GET", made["id"]))[1]["error"]["code"] == 100


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [(PNG, "image/gif", 100), (b"", "image/png", 131053), (b"GIF89a", "image/png", 131053),
     (PNG + bytes(5 * 1024**2), "image/png", 131053)],
    ids=["another kind", "empty", "no PNG", "too large"],
)  # fmt: skip
async def test_what_is_no_picture_for_whatsapp_is_refused(sky, data, kind, code):
    assert (await sky.upload(data, kind))[1]["error"]["code"] == code


async def test_a_picture_lives_30_days(sky):
    _, made = await sky.upload()
    await sky.hear()
    body = {"messaging_product": "whatsapp", "to": PHONE, "type": "image", "image": {"id": made["id"]}}
    assert await sky.code(body) == 0
    await sky.later(30 * DAY_MS)
    await sky.hear()
    assert await sky.code(body) == 100


async def test_a_picture_needs_an_id_or_an_https_link(sky):
    await sky.hear()
    codes = []
    for image in ({"id": "1"}, {"link": "https://example.org/a.png"}, {"link": "file:///etc/passwd"}, {}):
        body = {"messaging_product": "whatsapp", "to": PHONE, "type": "image", "image": image}
        codes.append(await sky.code(body))
    assert codes == [100, 0, 131008, 131008]


async def test_the_phone_shows_the_picture_above_the_buttons(sky):
    _, made = await sky.upload()
    await sky.hear()
    header = {"type": "image", "image": {"id": made["id"]}}
    assert await sky.code(reply_message("Yes", header=header)) == 0
    assert sky.cloud.phones.get(PHONE).bubbles[-1].picture == made["id"]


async def test_an_image_header_needs_the_handle_of_an_upload(sky):
    path = f"{WABA_ID}/message_templates"
    assert (await sky.call("POST", path, json=pictured("4::made-up")))[1]["error"]["code"] == 100
    assert (await sky.call("POST", path, json=pictured(await handle_of(sky))))[1]["status"] == "APPROVED"


async def test_a_template_with_an_image_header_is_sent_with_exactly_one_image(sky):
    await sky.call("POST", f"{WABA_ID}/message_templates", json=pictured(await handle_of(sky)))
    _, made = await sky.upload()
    image = {"type": "image", "image": {"id": made["id"]}}
    assert await sky.code(picture_message()) == 132012
    assert await sky.code(picture_message(image, image)) == 132012
    assert await sky.code(picture_message({"type": "text", "text": "x"})) == 132012
    assert await sky.code(picture_message({"type": "image", "image": {"id": "1"}})) == 100
    assert await sky.code(picture_message(image)) == 0
    assert sky.cloud.phones.get(PHONE).bubbles[0].picture == made["id"]


async def test_a_template_without_a_header_takes_none(sky):
    body = template_message()
    body["template"]["components"].append({"type": "header", "parameters": [{"type": "text", "text": "x"}]})
    assert await sky.code(body) == 132000


async def test_an_upload_goes_on_where_it_stopped(sky):
    upload = (await begin(sky))["id"]
    assert await piece(sky, upload, 0, PNG[:10]) == {"id": upload}
    assert (await sky.call("GET", upload))[1] == {"id": upload, "file_offset": 10}
    assert (await piece(sky, upload, 5, PNG[5:]))["error"]["code"] == 100
    assert (await piece(sky, upload, 10, PNG[10:]))["h"]
    assert (await sky.call("GET", upload))[1]["error"]["code"] == 100


@pytest.mark.parametrize(("length", "kind"), [(0, "image/png"), (6 * 1024**2, "image/png"), (9, "text/html")])
async def test_an_upload_of_something_else_does_not_begin(sky, length, kind):
    assert (await begin(sky, length, kind))["error"]["code"] == 100
