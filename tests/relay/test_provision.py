"""Our templates beside Meta's: what is missing, changed or dearer, and what is made of it."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from relay.whatsapp.client import Client
from relay.whatsapp.provision import EXAMPLE, CategoryError, State, apply_templates, plan
from relay.whatsapp.texts import LANGUAGES, Texts, load

HEALTH, PICTURED = load().templates["health_alert_v1"], load().templates["health_alert_picture_v1"]
ONE, TWO = Texts({HEALTH.name: HEALTH}), Texts({HEALTH.name: HEALTH, PICTURED.name: PICTURED})


def theirs(language="en", status="APPROVED", category="UTILITY", template=HEALTH, **change):
    return {**template.graph(language, "collar_"), "status": status, "category": category, **change}


def row(*known, language="en", texts=ONE):
    return next(one for one in plan(texts, known, "collar_") if one.language == language)


def test_what_meta_has_as_ours_can_go_out_once_it_is_approved():
    assert row(theirs(quality_score={"score": "GREEN"})).quality == "GREEN"
    assert row(theirs()).is_sendable
    assert not row(theirs(status="PAUSED")).is_sendable


def test_a_language_is_known_by_either_spelling():
    spelled = theirs("pt_BR") | {"language": "pt-BR"}
    assert row(spelled, language="pt_BR").state is State.SAME


def test_what_meta_does_not_have_is_missing_in_every_language():
    assert [one.state for one in plan(ONE, [], "collar_")] == [State.MISSING] * len(LANGUAGES)
    assert row(theirs("de")).state is State.MISSING


@pytest.mark.parametrize("at", [0, 1, 2])
def test_another_body_footer_or_button_is_a_change(at):
    other = theirs()
    part = dict(other["components"][at])
    if "buttons" in part:
        part["buttons"] = part["buttons"][:2]
    else:
        part["text"] += " More."
    other["components"] = [*other["components"][:at], part, *other["components"][at + 1 :]]
    assert row(other).state is State.CHANGED


def test_examples_and_the_case_of_types_are_no_change():
    said = [{**one, "type": one["type"].lower()} for one in theirs()["components"]]
    for one in said:
        one.pop("example", None)
    assert row(theirs(components=said)).state is State.SAME
    assert row(theirs(components=None)).state is State.CHANGED


def test_another_category_is_told_before_any_change():
    assert row(theirs(category="MARKETING", components=[])).state is State.CATEGORY


class Account:
    """Keeps what is created; files it under `category`."""

    def __init__(self, category="UTILITY", *known):
        self.category, self.made, self.known, self.uploads = category, [], list(known), []

    async def get(self, _):
        return web.json_response({"data": [*self.known, *self.made]})

    async def post(self, request):
        self.made.append(await request.json() | {"category": self.category, "status": "PENDING"})
        return web.json_response({"id": "1", "status": "PENDING", "category": self.category})

    async def begin(self, request):
        assert int(request.query["file_length"]) == len(EXAMPLE.read_bytes())
        return web.json_response({"id": "upload:1"})

    async def upload(self, request):
        self.uploads.append(await request.read())
        return web.json_response({"h": "handle"})

    @asynccontextmanager
    async def client(self):
        app = web.Application()
        app.router.add_get("/v26.0/77/message_templates", self.get)
        app.router.add_post("/v26.0/77/message_templates", self.post)
        app.router.add_post("/v26.0/88/uploads", self.begin)
        app.router.add_post("/v26.0/upload:1", self.upload)
        async with TestServer(app) as server:
            asked = Client(
                base_url=str(server.make_url("")), graph_version="v26.0", phone_number_id="1", token="token"
            )
            async with asked as client:
                yield client


async def test_the_example_picture_is_uploaded_once_for_all_that_need_it():
    account, told = Account(), []
    async with account.client() as client:
        await apply_templates(client, TWO, "77", "collar_", "88", told.append)
        again = await apply_templates(client, TWO, "77", "collar_", "88", told.append)
    assert account.uploads == [EXAMPLE.read_bytes()]
    assert len(told) == len(again) == 2 * len(LANGUAGES)
    headers = [one["components"][0] for one in account.made if "picture" in one["name"]]
    assert {header["example"]["header_handle"][0] for header in headers} == {"handle"}


def test_the_example_is_a_picture_as_an_alert_has_it():
    assert EXAMPLE.read_bytes().startswith(b"\x89PNG\r\n")
    assert EXAMPLE.stat().st_size <= 60_000


async def test_without_an_application_templates_with_a_picture_are_left_out():
    account = Account()
    async with account.client() as client:
        found = await apply_templates(client, TWO, "77", "collar_")
    assert {name for name, _ in found} == {"collar_health_alert_v1"}
    assert len(account.made) == len(LANGUAGES)


async def test_the_first_template_filed_as_marketing_is_the_last_one_made():
    account = Account("MARKETING")
    async with account.client() as client:
        with pytest.raises(CategoryError, match="collar_health_alert_v1 en: MARKETING, want UTILITY"):
            await apply_templates(client, ONE, "77", "collar_")
    assert len(account.made) == 1


async def test_with_one_that_is_filed_as_marketing_already_none_is_made():
    account = Account("UTILITY", theirs("ur", category="MARKETING"))
    async with account.client() as client:
        with pytest.raises(CategoryError, match="ur"):
            await apply_templates(client, ONE, "77", "collar_")
    assert not account.made


async def test_what_is_there_is_never_changed():
    account = Account("UTILITY", *(theirs(code, components=[]) for code in LANGUAGES))
    async with account.client() as client:
        await apply_templates(client, ONE, "77", "collar_")
    assert not account.made
