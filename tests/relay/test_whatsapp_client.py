"""One request, three things that may be known about it afterwards."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from relay.whatsapp import calls
from relay.whatsapp.client import AmbiguousError, Client, NotSentError, RefusedError
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


async def refused(client, *, transient=None):
    """Return the refusal of one send."""
    with pytest.raises(RefusedError) as refused:
        await client.send({})
    assert refused.value.transient is transient
    return refused.value


@pytest.mark.parametrize("word", [True, False, None, "yes"])
async def test_a_refusal_carries_metas_word_on_trying_again(graph, word):
    error = {"code": 131016, "message": "no", **({} if word is None else {"is_transient": word})}
    graph.script.append(web.json_response({"error": error}, status=503))
    await refused(graph.client, transient=word if isinstance(word, bool) else None)


async def test_a_message_is_marked_as_read_with_or_without_a_sign_that_somebody_types(graph):
    graph.script.extend(web.json_response({"success": True}) for _ in range(2))
    await graph.client.mark_read("wamid.in1")
    await graph.client.mark_read("wamid.in1", typing=True)
    plain = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.in1"}
    assert graph.bodies == [plain, plain | {"typing_indicator": {"type": "text"}}]


def test_a_reaction_names_the_message_and_the_sign():
    body = calls.envelope(PHONE) | calls.reaction("wamid.in1", "✅")
    assert body["reaction"] == {"message_id": "wamid.in1", "emoji": "✅"}
    assert (body["to"], body["type"]) == (PHONE, "reaction")


async def test_a_send_says_when_its_first_byte_is_about_to_leave_on_a_new_connection_and_on_an_old_one(graph):
    said = []
    for _ in range(2):
        await graph.client.send({}, lambda: said.append(len(graph.bodies)))
    assert said == [0, 1]


async def test_a_send_without_a_connection_never_begins(unused_tcp_port):
    said = []
    async with client_of(f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(NotSentError):
            await client.send({}, lambda: said.append(1))
    assert said == []


class Api:
    """Everything but messages, two templates to a page; writes down what came."""

    def __init__(self, **answers):
        self.came: list[tuple[str, str, dict[str, str], bytes]] = []
        self.heads: list[dict[str, str]] = []
        self.answers = {name: list(given) for name, given in answers.items()}

    async def any(self, request):
        path = request.path.removeprefix("/v26.0/")
        self.came.append((request.method, path, dict(request.query), await request.read()))
        self.heads.append(dict(request.headers))
        name = path.rpartition("/")[2].partition(":")[0]
        answer = self.answers[name].pop(0)
        if isinstance(answer, int):
            return web.json_response({"error": {"code": answer, "message": "no"}}, status=400)
        return web.json_response(answer)

    @asynccontextmanager
    async def client(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.any)
        async with TestServer(app) as server, client_of(str(server.make_url(""))) as client:
            yield client


async def test_a_picture_is_uploaded_as_a_form():
    api = Api(media=[{"id": "77"}])
    async with api.client() as client:
        assert await client.upload(b"png bytes", "image/png") == "77"
    ((method, path, _, form),) = api.came
    assert (method, path) == ("POST", f"{NUMBER_ID}/media")
    for part in (b'name="messaging_product"', b"whatsapp", b'name="type"', b"image/png", b"png bytes"):
        assert part in form


async def test_a_templates_example_goes_in_two_calls_the_second_under_another_scheme():
    api = Api(uploads=[{"id": "upload:abc"}], upload=[{"h": "4::aW1hZ2U="}])
    async with api.client() as client:
        assert await client.upload_example("app1", b"12345", "image/png") == "4::aW1hZ2U="
    (_, path, asked, _), (_, session, _, raw) = api.came
    assert (path, session, raw) == ("app1/uploads", "upload:abc", b"12345")
    assert (asked["file_length"], asked["file_type"]) == ("5", "image/png")
    assert api.heads[1]["Authorization"] == "OAuth secret-token"
    assert api.heads[1]["file_offset"] == "0"


@pytest.mark.parametrize("answer", [{}, {"id": ""}, {"id": 7}])
async def test_an_upload_without_an_id_proves_nothing(answer):
    async with Api(media=[answer]).client() as client:
        with pytest.raises(AmbiguousError):
            await client.upload(b"x", "image/png")


async def test_what_meta_thinks_of_number_token_and_account_is_asked_for():
    api = Api(
        debug_token=[{"data": {"is_valid": True, "scopes": []}}, {"data": None}],
        subscribed_apps=[{"data": [{"whatsapp_business_api_data": {}}, "odd"]}, {"success": True}],
        **{NUMBER_ID: [{"quality_rating": "GREEN"}]},
    )
    async with api.client() as client:
        assert await client.health() == {"quality_rating": "GREEN"}
        assert (await client.debug_token())["is_valid"] is True
        assert await client.debug_token() == {}
        assert await client.subscribed_apps("77") == [{"whatsapp_business_api_data": {}}]
        await client.subscribe_app("77")
    fields = api.came[0][2]["fields"].split(",")
    assert {"quality_rating", "throughput", "health_status"} <= set(fields)
    assert [(method, path) for method, path, *_ in api.came[-2:]] == [
        ("GET", "77/subscribed_apps"),
        ("POST", "77/subscribed_apps"),
    ]


def page(*names, after=None):
    paging = {"cursors": {"after": after}, "next": "url"} if after else {}
    return {"data": [{"name": name} for name in names], "paging": paging}


async def test_templates_come_page_by_page_and_a_stale_cursor_begins_anew():
    api = Api(message_templates=[page("a", after="2"), 131059, page("a", after="2"), page("b")])
    async with api.client() as client:
        assert [one["name"] for one in await client.templates("77")] == ["a", "b"]
    assert [query.get("after") for _, _, query, _ in api.came] == [None, "2", None, "2"]


async def test_another_refusal_of_the_list_is_told():
    async with Api(message_templates=[190]).client() as client:
        with pytest.raises(RefusedError, match="190"):
            await client.templates("77")


async def test_a_template_is_created_with_our_token():
    made = {"id": "1", "status": "PENDING", "category": "UTILITY"}
    api = Api(message_templates=[made])
    async with api.client() as client:
        assert await client.create_template("77", {"name": "x"}) == made
    assert api.heads[0]["Authorization"] == "Bearer secret-token"
    assert api.came[0][3] == b'{"name": "x"}'
