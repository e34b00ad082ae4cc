"""pywa, a client we did not write, judges both ends: what our fake takes and sends, what our webhook takes.

One item per webhook: pywa 4.5.0 handles only the first (its issue #229); our own tests carry the batches.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pywa_async import WhatsApp
from pywa_async.errors import ReEngagementMessage, TemplateNotExists
from pywa_async.types import Button, CallbackButton, Message, MessageStatus
from pywa_async.types.templates import (
    BodyText,
    Buttons,
    FooterText,
    ParamFormat,
    QuickReplyButton,
    Template,
    TemplateCategory,
    TemplateLanguage,
)

from relay.whatsapp.texts import LANGUAGES, load
from relay.whatsapp.webhook_items import items, signed
from simulator.clock import VirtualClock
from simulator.cloud import CLOUD, make_cloud

PHONE = "491701234567"
NUMBER_ID, WABA_ID = "100000000000001", "200000000000001"
SECRET = "app-secret"
VALUES = {"animal": "Bella (12)", "farm": "Hillside Farm", "sign": "not moving", "since": "14:05"}
ALERT = load().templates["health_alert_v1"]


class ToTheFake(httpx.AsyncHTTPTransport):
    """Sends what is meant for graph.facebook.com to our fake."""

    def __init__(self, port):
        super().__init__()
        self._port = port

    async def handle_async_request(self, request):
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        request.headers["Host"] = f"127.0.0.1:{self._port}"
        return await super().handle_async_request(request)


@asynccontextmanager
async def pywa_on(port, **options):
    async with httpx.AsyncClient(transport=ToTheFake(port)) as session:
        yield WhatsApp(
            phone_id=NUMBER_ID, token="token", session=session, waba_id=WABA_ID, app_secret=SECRET,
            verify_token="word", server=None, **options,
        )  # fmt: skip


@pytest.fixture
async def stage():
    """(pywa, the fake's state, what the fake's webhooks were)."""
    heard = []

    async def hear(request):
        heard.append((await request.read(), request.headers["X-Hub-Signature-256"]))
        return web.Response()

    ear = web.Application()
    ear.router.add_post("/hook", hear)
    async with TestServer(ear) as listener:
        fake = make_cloud(
            VirtualClock(), token="token", app_secret=SECRET, verify_token="word", phone_number_id=NUMBER_ID,
            waba_id=WABA_ID, webhook_url=str(listener.make_url("/hook")),
        )  # fmt: skip
        async with TestServer(fake) as server, pywa_on(server.port) as pywa:
            yield pywa, fake[CLOUD], heard


def pywa_template(language):
    wording = ALERT.wordings[language]
    return Template(
        name="collar_health_alert_v1",
        language=TemplateLanguage(language),
        category=TemplateCategory.UTILITY,
        parameter_format=ParamFormat.NAMED,
        components=[
            BodyText(wording.body, **VALUES),
            FooterText(text=wording.footer),
            Buttons(buttons=[QuickReplyButton(text=title) for title in wording.buttons]),
        ],
    )


async def send_alert(pywa, language="en"):
    return await pywa.send_template(
        to=PHONE,
        name="collar_health_alert_v1",
        language=TemplateLanguage(language),
        params=[
            BodyText.params(**VALUES),
            *(
                QuickReplyButton.params(callback_data=f"v1|{verb}", index=at)
                for at, verb in enumerate(ALERT.verbs)
            ),
        ],
        tracker="outbox-1",
    )


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pywa_creates_and_sends_our_template_in_every_language(stage, language):
    pywa, cloud, _ = stage
    created = await pywa.create_template(pywa_template(language))
    assert created.status.value == "APPROVED"
    sent = await send_alert(pywa, language)
    [bubble] = cloud.phones.get(PHONE).bubbles
    assert (sent.id, bubble.opaque) == (bubble.id, "outbox-1")
    assert [button.payload for button in bubble.buttons] == ["v1|ack", "v1|snz", "v1|fp"]
    assert all(value in bubble.text for value in VALUES.values())


async def test_pywa_knows_our_error_for_a_template_that_does_not_exist(stage):
    with pytest.raises(TemplateNotExists) as refused:
        await send_alert(stage[0])
    assert refused.value.code == 132001


async def test_pywa_knows_our_error_outside_the_24_hours(stage):
    with pytest.raises(ReEngagementMessage):
        await stage[0].send_message(PHONE, "hello")


async def test_pywa_sends_interactive_messages_and_marks_ours_read(stage):
    pywa, cloud, _ = stage
    cloud.phones.add(PHONE, "Alex")
    typed = await cloud.type_text(PHONE, "hello")
    sent = await pywa.send_message(PHONE, "Bella?", buttons=[Button("On my way", callback_data="v1|ack")])
    assert cloud.phones.get(PHONE).find(sent.id).buttons[0].payload == "v1|ack"
    assert (await pywa.mark_message_as_read(typed)).success


async def test_pywa_believes_and_reads_our_webhooks(stage):
    pywa, cloud, heard = stage
    seen = []

    async def note(_, update):
        seen.append(update)

    pywa.on_message(note)
    pywa.on_callback_button(note)
    pywa.on_message_status(note)
    await pywa.create_template(pywa_template("en"))
    sent = await send_alert(pywa)
    await cloud.tap(PHONE, sent.id, 0)
    await cloud.type_text(PHONE, "Bella ist gesund, schöne Grüße")
    await cloud.settle()
    assert len(heard) == 4
    for raw, signature in heard:
        assert await pywa.webhook_update_validator(raw, signature) is None
        assert (await pywa.webhook_update_validator(raw + b" ", signature))[1] == 403
        assert (await pywa.webhook_update_handler(raw))[1] == 200
    kinds = [type(update) for update in seen]
    assert kinds == [MessageStatus, MessageStatus, CallbackButton, Message]
    assert [update.status.value for update in seen[:2]] == ["sent", "delivered"]
    assert (seen[2].data, seen[2].from_user.wa_id) == ("v1|ack", PHONE)
    assert seen[3].text == "Bella ist gesund, schöne Grüße"


# As Meta documents them ("messages webhook reference"), not as our fake makes them.
DOCUMENTED = {
    "entry": [
        {
            "id": WABA_ID,
            "changes": [
                {
                    "field": "messages",
                    "value": {
                        "messaging_product": "whatsapp",
                        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER_ID},
                        "contacts": [{"profile": {"name": "Sheena Nelson"}, "wa_id": "16505551234"}],
                        "messages": [
                            {
                                "context": {
                                    "from": "15550783881",
                                    "id": "wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI3",
                                },
                                "from": "16505551234",
                                "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=",
                                "timestamp": "1750091045",
                                "type": "button",
                                "button": {"payload": "Unsubscribe", "text": "Unsubscribe"},
                            }
                        ],
                    },
                }
            ],
        }
    ],
    "object": "whatsapp_business_account",
}


async def test_a_webhook_made_by_somebody_else_is_believed_by_pywa_and_by_us(stage):
    raw = json.dumps(DOCUMENTED).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    assert await stage[0].webhook_update_validator(raw, signature) is None
    assert signed(raw, signature, [SECRET])
    [(key, text)] = items(raw)
    assert key.startswith("wamid.HBgLMTY1")
    assert json.loads(text)["item"]["button"]["payload"] == "Unsubscribe"
