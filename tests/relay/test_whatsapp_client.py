"""One request, three things that may be known about it afterwards."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from relay.whatsapp.client import AmbiguousError, Client, NotSentError, RefusedError
from relay.whatsapp.provision import CategoryError, apply_templates
from relay.whatsapp.texts import LANGUAGES, load
from tests.relay.whatsapp_scene import NUMBER_ID, PHONE, Graph


def client_of(url, **options):
    return Client(
        base_url=url, graph_version="v26.0", phone_number_id=NUMBER_ID, token="secret-token", **options
    )


@pytest.fixture
async def graph():
    graph = Graph()
    async with graph.serve() as server, client_of(str(server.make_url(""))) as graph.client:
        yield graph


async def test_a_message_held_for_a_quality_check_is_accepted(graph):
    graph.script.append(
        web.json_response({"messages": [{"id": "w", "message_status": "held_for_quality_assessment"}]})
    )
    assert await graph.client.send({}) == "w"


async def test_a_refusal_carries_graphs_code_and_hides_phone_numbers(graph):
    graph.script.append(131026)
    with pytest.raises(RefusedError) as refused:
        await graph.client.send({})
    assert refused.value.code == 131026
    assert PHONE not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [
        "drop",
        web.Response(status=500, text="oops"),
        web.Response(status=302, headers={"Location": "/elsewhere"}),
        web.Response(text="[]"),
        web.Response(text='{"messages":[{}]}'),
        web.Response(text='{"messages":[{"id":7}]}'),
        web.Response(body=b"x" * 100_000),
    ],
    ids=["reset", "500", "redirect", "array", "no id", "id is a number", "endless"],
)
async def test_an_answer_that_proves_nothing_is_ambiguous(graph, answer):
    graph.script.append(answer)
    with pytest.raises(AmbiguousError):
        await graph.client.send({})


async def test_an_answer_that_does_not_come_is_ambiguous():
    graph = Graph()
    gate = asyncio.Event()
    graph.script.append(gate)
    async with graph.serve() as server, client_of(str(server.make_url("")), timeout_s=0.05) as client:
        with pytest.raises(AmbiguousError):
            await client.send({})
        gate.set()


async def test_a_proxy_that_says_no_is_a_refusal_without_a_code_of_graph(graph):
    graph.script.append(web.Response(status=403, text="<html>"))
    with pytest.raises(RefusedError) as refused:
        await graph.client.send({})
    assert refused.value.code == -1


async def test_a_refused_connection_is_certainly_not_sent(unused_tcp_port):
    async with client_of(f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(NotSentError) as failed:
            await client.send({})
    assert "secret-token" not in str(failed.value)


class Account:
    """The templates of a business account, two to a page."""

    def __init__(self, category="UTILITY"):
        self.made, self.category = [], category

    async def get(self, request):
        at = int(request.query.get("after", 0))
        paging = {"cursors": {"after": str(at + 2)}, **({"next": "url"} if at + 2 < len(self.made) else {})}
        return web.json_response({"data": self.made[at : at + 2], "paging": paging})

    async def post(self, request):
        spec = await request.json()
        assert request.headers["Authorization"] == "Bearer secret-token"
        self.made.append(spec | {"category": self.category, "status": "PENDING"})
        return web.json_response({"id": "1", "status": "PENDING", "category": self.category})


async def provision(account):
    app = web.Application()
    app.router.add_get("/v26.0/77/message_templates", account.get)
    app.router.add_post("/v26.0/77/message_templates", account.post)
    async with TestServer(app) as server, client_of(str(server.make_url(""))) as client:
        return await apply_templates(client, load(), "77", "collar_")


async def test_missing_templates_are_created_once_in_every_language():
    account = Account()
    first = await provision(account)
    assert set(first) == {(f"collar_{name}", code) for name in load().templates for code in LANGUAGES}
    assert await provision(account) == first
    assert len(account.made) == len(first)
    lives_s = {one["name"]: one["message_send_ttl_seconds"] for one in account.made}
    assert lives_s["collar_health_alert_v1"] == 43_200


async def test_a_template_filed_as_marketing_stops_the_provisioning():
    with pytest.raises(CategoryError, match="MARKETING"):
        await provision(Account("MARKETING"))
