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
from pywa_async.errors import (
    BusinessPaymentIssue,
    ExpiredAccessToken,
    MessageUndeliverable,
    RateLimitHit,
    ReEngagementMessage,
    SpamRateLimitHit,
    TemplateNotExists,
    TemplatePaused,
    TemporarilyBlocked,
)
from pywa_async.types import (
    Button,
    CallbackButton,
    Message,
    MessageStatus,
    Section,
    SectionList,
    SectionRow,
)
from pywa_async.types.templates import (
    BodyText,
    Buttons,
    FooterText,
    HeaderImage,
    ParamFormat,
    QuickReplyButton,
    Template,
    TemplateCategory,
    TemplateLanguage,
)

from relay.whatsapp.texts import LANGUAGES, load
from relay.whatsapp.webhook_items import items, signed
from simulator.clock import VirtualClock
from simulator.cloud import CLOUD, Fault, make_cloud
from simulator.cloud_person import Person

PHONE = "491701234567"
NUMBER_ID, WABA_ID = "100000000000001", "200000000000001"
SECRET = "app-secret"
VALUES = {"animal": "Bella (12)", "farm": "Hillside Farm", "sign": "not moving", "since": "14:05"}
ALERT = load().templates["health_alert_v1"]


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d4944415478da6364f8cf500f00038601805a347d6b0000000049454e44ae426082"
)  # one pixel


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
    typed = Person(cloud).write(PHONE, "hello")
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
    Person(cloud).tap(PHONE, sent.id, 0)
    Person(cloud).write(PHONE, "Bella ist gesund, schöne Grüße")
    await cloud.settle()
    assert len(heard) == 5, "the template's approval, two statuses, a tap, a text"
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


async def heard_by(pywa, cloud, heard, register):
    """Give pywa every webhook there is; return what the handler of `register` was handed."""
    seen = []

    async def note(_, update):
        seen.append(update)

    register(note)
    await cloud.settle()
    for raw, signature in heard:
        assert await pywa.webhook_update_validator(raw, signature) is None
        assert (await pywa.webhook_update_handler(raw))[1] == 200
    return seen


async def test_pywa_uploads_looks_at_fetches_and_deletes_a_picture(stage):
    pywa, cloud, _ = stage
    media = await pywa.upload_media(PNG, mime_type="image/png", filename="cow.png")
    told = await pywa.get_media_url(media.id)
    assert (told.mime_type, told.file_size) == ("image/png", len(PNG))
    assert told.sha256 == hashlib.sha256(PNG).hexdigest()
    assert await pywa.get_media_bytes(told.url) == PNG
    assert (await pywa.delete_media(media.id)).success
    assert len(cloud.media) == 0


async def test_pywa_creates_and_sends_a_template_with_a_picture_above(stage):
    pywa, cloud, _ = stage
    template = pywa_template("en")
    template.components.insert(0, HeaderImage(example=PNG, mime_type="image/png"))
    assert (await pywa.create_template(template, app_id=cloud.account.app_id)).status.value == "APPROVED"
    media = await pywa.upload_media(PNG, mime_type="image/png", filename="cow.png")
    await pywa.send_template(
        to=PHONE, name="collar_health_alert_v1", language=TemplateLanguage("en"),
        params=[
            HeaderImage.params(image=media.id),
            BodyText.params(**VALUES),
            *(
                QuickReplyButton.params(callback_data=f"v1|{verb}", index=at)
                for at, verb in enumerate(ALERT.verbs)
            ),
        ],
    )  # fmt: skip
    [bubble] = cloud.phones.get(PHONE).bubbles
    assert bubble.picture == media.id
    listed = await pywa.get_templates()
    assert [one.name for one in listed] == ["collar_health_alert_v1"]


async def test_pywa_sends_a_list_and_reads_what_was_chosen(stage):
    pywa, cloud, heard = stage
    cloud.phones.add(PHONE, "Alex")
    Person(cloud).write(PHONE, "list")
    rows = [SectionRow("Bella (12)", callback_data="v1|show|1", description="eats less")]
    sent = await pywa.send_message(PHONE, "Choose", buttons=SectionList("Open", [Section("Urgent", rows)]))
    assert cloud.phones.get(PHONE).find(sent.id).rows[0].payload == "v1|show|1"
    Person(cloud).choose(PHONE, sent.id, 0)
    [chosen] = await heard_by(pywa, cloud, heard, pywa.on_callback_selection)
    assert (chosen.data, chosen.title, chosen.description) == ("v1|show|1", "Bella (12)", "eats less")


async def test_pywa_sends_pictures_reactions_and_typing(stage):
    pywa, cloud, _ = stage
    cloud.phones.add(PHONE, "Alex")
    typed = Person(cloud).write(PHONE, "12")
    assert (await pywa.indicate_typing(typed)).success
    phone = cloud.phones.get(PHONE)
    assert phone.typing_until_ms > cloud.clock.utc_ms
    await pywa.send_reaction(PHONE, "\u2705", typed)
    assert phone.find(typed).reaction == "\u2705"
    await pywa.send_image(PHONE, PNG, caption="72 hours", mime_type="image/png")
    assert cloud.media.get(phone.bubbles[-1].picture).data == PNG
    await pywa.send_message(PHONE, "Bella?", header="Herd", buttons=[Button("Yes", callback_data="y")])
    assert phone.bubbles[-1].header == "Herd"


async def test_pywa_hears_and_answers_somebody_known_by_user_id_alone(stage):
    pywa, cloud, heard = stage
    user_id = cloud.phones.add(PHONE, "Alex", hidden=True).user_id
    Person(cloud).write(PHONE, "hello")
    [message] = await heard_by(pywa, cloud, heard, pywa.on_message)
    assert (message.from_user.bsuid, message.from_user.wa_id) == (user_id, None)
    sent = await pywa.send_message(user_id, "Noted.")
    assert cloud.phones.get(PHONE).find(sent.id).text == "Noted."


async def test_pywa_reads_what_meta_says_of_a_template(stage):
    pywa, cloud, heard = stage
    await pywa.create_template(pywa_template("en"))
    cloud.registry.decide("collar_health_alert_v1", "en", "PAUSED")
    cloud.registry.recategorise("collar_health_alert_v1", "en", "MARKETING")
    cloud.registry.judge("collar_health_alert_v1", "en", "RED")
    categories, qualities = [], []
    pywa.on_template_category_update(lambda _, update: categories.append(update))
    pywa.on_template_quality_update(lambda _, update: qualities.append(update))
    states = await heard_by(pywa, cloud, heard, pywa.on_template_status_update)
    assert [one.new_status.value for one in states] == ["APPROVED", "PAUSED"]
    assert [one.new_category.value for one in categories] == ["MARKETING"]
    assert [one.new_quality_score.value for one in qualities] == ["RED"]


async def test_pywa_reads_what_became_of_a_message_and_what_it_cost(stage):
    pywa, cloud, heard = stage
    await pywa.create_template(pywa_template("en"))
    await send_alert(pywa)
    statuses = await heard_by(pywa, cloud, heard, pywa.on_message_status)
    assert [one.status.value for one in statuses] == ["sent", "delivered"]
    assert statuses[0].tracker == "outbox-1"
    assert statuses[0].pricing.category.value == "utility"


async def test_pywa_hears_of_a_new_number(stage):
    pywa, cloud, heard = stage
    cloud.phones.add(PHONE, "Alex")
    Person(cloud).change_number(PHONE, "15550100200")
    [change] = await heard_by(pywa, cloud, heard, pywa.on_phone_number_change)
    assert (change.old_wa_id, change.new_wa_id) == (PHONE, "15550100200")
    assert change.new_user_id == cloud.phones.get("15550100200").user_id


async def test_pywa_knows_the_number_and_the_account(stage):
    pywa, cloud, _ = stage
    number = await pywa.get_business_phone_number()
    assert (number.quality_rating, number.whatsapp_business_manager_messaging_limit) == ("GREEN", "TIER_250")
    account = await pywa.get_business_account()
    assert account.id == WABA_ID
    assert account.health_status["can_send_message"] == "AVAILABLE"
    assert (await pywa.register_phone_number(pin="123456")).success
    assert cloud.standing.pin == "123456"


@pytest.mark.parametrize(
    ("code", "error"),
    [(130429, RateLimitHit), (131048, SpamRateLimitHit), (131026, MessageUndeliverable),
     (190, ExpiredAccessToken), (132015, TemplatePaused), (131042, BusinessPaymentIssue),
     (368, TemporarilyBlocked)],
)  # fmt: skip
async def test_pywa_knows_our_scripted_errors_by_name(stage, code, error):
    pywa, cloud, _ = stage
    cloud.fault(Fault(code=code, details="because"))
    with pytest.raises(error) as refused:
        await pywa.send_message(PHONE, "hello")
    assert (refused.value.code, refused.value.details) == (code, "because")
