"""What the fake says of the account: number, health, token, subscription; and who may ask."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.cloud_standing import Trouble, tier_of
from tests.simulator.cloud_scene import NUMBER_ID, TEMPLATE, WABA_ID, open_sky, template_message


@pytest.fixture
async def sky():
    async with open_sky() as sky:
        yield sky


async def test_the_number_tells_the_fields_that_were_asked_for(sky):
    fields = "quality_rating,throughput,name_status,whatsapp_business_manager_messaging_limit"
    _, shown = await sky.call("GET", f"{NUMBER_ID}?fields={fields}")
    assert shown == {
        "quality_rating": "GREEN",
        "throughput": {"level": "STANDARD"},
        "name_status": "APPROVED",
        "whatsapp_business_manager_messaging_limit": "TIER_250",
        "id": NUMBER_ID,
    }


async def test_a_field_that_does_not_exist_is_100_and_named(sky):
    _, refused = await sky.call("GET", f"{NUMBER_ID}?fields=colour")
    assert refused["error"]["code"] == 100
    assert "nonexisting field (colour)" in refused["error"]["error_data"]["details"]


async def test_without_a_payment_method_the_account_is_blocked_and_says_why(sky):
    health = f"{WABA_ID}?fields=health_status,primary_funding_id"
    assert (await sky.call("GET", health))[1]["health_status"]["can_send_message"] == "AVAILABLE"
    sky.cloud.standing.funded = False
    sky.cloud.standing.troubles["WABA"] = Trouble(141006, "No payment method", "Add one")
    _, shown = await sky.call("GET", health)
    assert "primary_funding_id" not in shown
    assert shown["health_status"]["can_send_message"] == "BLOCKED"
    [waba] = [one for one in shown["health_status"]["entities"] if one["entity_type"] == "WABA"]
    assert waba["errors"][0]["error_code"] == 141006


async def test_the_account_lists_its_number(sky):
    _, shown = await sky.call("GET", f"{WABA_ID}/phone_numbers")
    assert [one["id"] for one in shown["data"]] == [NUMBER_ID]


async def test_the_app_is_subscribed_and_unsubscribed(sky):
    path = f"{WABA_ID}/subscribed_apps"
    assert (await sky.call("GET", path))[1]["data"] == []
    assert (await sky.call("POST", path))[1] == {"success": True}
    assert len((await sky.call("GET", path))[1]["data"]) == 1
    await sky.call("DELETE", path)
    assert (await sky.call("GET", path))[1]["data"] == []


async def test_a_callback_of_ones_own_must_give_the_challenge_back(sky):
    async def challenge(request):
        fits = request.query["hub.verify_token"] == "word" and request.query["hub.mode"] == "subscribe"
        return web.Response(text=request.query["hub.challenge"]) if fits else web.Response(status=403)

    app = web.Application()
    app.router.add_get("/own", challenge)
    async with TestServer(app) as relay:
        url = str(relay.make_url("/own"))
        answers = [
            await sky.call(
                "POST",
                f"{WABA_ID}/subscribed_apps",
                json={"override_callback_uri": url, "verify_token": word},
            )
            for word in ("other", "word")
        ]
    assert [status for status, _ in answers] == [400, 200]
    assert sky.cloud.webhooks.url == url


async def test_the_token_debugger_knows_permissions_and_expiry(sky):
    _, shown = await sky.call("GET", "debug_token?input_token=fake-token")
    assert shown["data"]["is_valid"]
    assert set(shown["data"]["scopes"]) == {"whatsapp_business_management", "whatsapp_business_messaging"}
    _, other = await sky.call("GET", "debug_token?input_token=other")
    assert not other["data"]["is_valid"]


async def test_a_token_without_the_permission_is_10_and_403(sky):
    sky.cloud.standing.scopes = ("whatsapp_business_messaging",)
    status, refused = await sky.call("POST", f"{WABA_ID}/message_templates", json=TEMPLATE)
    assert (status, refused["error"]["code"]) == (403, 10)
    assert await sky.code(template_message()) == 0


async def test_a_token_that_has_expired_is_190_and_401_everywhere(sky):
    sky.cloud.standing.token_valid = False
    for method, path in (
        ("POST", f"{NUMBER_ID}/messages"),
        ("GET", NUMBER_ID),
        ("GET", f"{WABA_ID}/phone_numbers"),
    ):
        status, refused = await sky.call(method, path)
        assert (status, refused["error"]["code"]) == (401, 190)


@pytest.mark.parametrize(
    ("users", "tier"),
    [(1, "TIER_250"), (250, "TIER_250"), (2000, "TIER_2K"), (99_999, "TIER_10K"), (10**6, "TIER_UNLIMITED")],
)
def test_messaging_limits_have_metas_names(users, tier):
    assert tier_of(users) == tier
