"""Relay and fake cloud, each whole, over HTTP: an alert goes out, a tap comes back, the answer goes out."""

from __future__ import annotations

import asyncio
import functools
import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from relay.app import make_app
from relay.cli.templates import templates
from relay.clock import FollowedClock
from relay.config import Config, SecretsConfig, StateConfig, WhatsappConfig
from relay.keys import STORAGE, WHATSAPP
from relay.model import Event, Message
from relay.scoring.hours import HOUR_MS
from relay.storage.ports import DELIVERED, FAILED, READ, UNKNOWN
from relay.whatsapp.provision import apply_templates
from relay.whatsapp.texts import LANGUAGES, load
from simulator.clock import VirtualClock
from simulator.cloud import CLOUD, Fault, make_cloud
from simulator.cloud_person import Person
from tests.relay.pictures.cows import UNTIL_H, everyday

PHONE, EVENT = "491701234567", "00000000000000e1"
NUMBER_ID, WABA_ID = "100000000000001", "200000000000001"
WORDS = {"token": "token", "app_secret": "app-secret", "verify_token": "word"}


def config_for(folder, cloud_url):
    secrets = {f"HERDBELL_WHATSAPP_{name.upper()}": word for name, word in WORDS.items()}
    whatsapp = WhatsappConfig(enabled=True, base_url=cloud_url, phone_number_id=NUMBER_ID)
    return Config(
        state=StateConfig(dir=str(folder / "state")),
        secrets=SecretsConfig(master_key_file=str(folder / "master.key")),
        whatsapp=whatsapp,
        environment=secrets,
    )


def hours_of(animal_id, until_ms):
    """Return the hours of a cow until now."""
    later = until_ms // HOUR_MS - UNTIL_H
    return [one._replace(animal_id=animal_id, hour=one.hour + later) for one in everyday(1)]


class Loop:
    """Both ends and what a test does with them."""

    def __init__(self, relay, cloud, clock):
        self.storage, self.whatsapp, self.cloud, self.clock = relay[STORAGE], relay[WHATSAPP], cloud, clock

    async def settle(self):
        """Return when neither end has anything left to do."""
        while True:
            await self.cloud.settle()
            if await self.whatsapp.idle() and not self.cloud.webhooks.waiting:
                return
            await asyncio.sleep(0)

    async def later(self, ms):
        """Move both clocks on, the fake's first, and let all happen that is due."""
        self.cloud.clock.advance_us(ms * 1000)
        self.clock.advance(self.clock.now_ms() + ms)
        await self.settle()

    async def alert(self, *, critical=False, pictured=False):
        farm_id = await self.storage.add_farm("Hillside Farm", bytes(32))
        animal_id = await self.storage.add_animal(farm_id, "12", "Bella")
        person_id = await self.storage.add_person(
            farm_id, "Alex", PHONE, consent_ms=0, consent_text="in person"
        )
        now_ms = self.clock.now_ms()
        event = Event(EVENT, farm_id, animal_id, "no_movement", now_ms, now_ms, {})
        params = {"animal": "Bella (12)", "farm": "Hillside Farm", "sign": "not moving", "since": "14:05"}
        text = "Health alert: Bella (12) has not moved since 14:05."
        body = {"template": "health_alert", "version": 1, "language": "en", "params": params, "text": text}
        if pictured:
            body["picture"] = {"animal_id": animal_id, "kind": "no_movement", "until_ms": now_ms}
        message = Message(
            "m1", farm_id, person_id, EVENT, "alert", body, now_ms, now_ms + 43_200_000, critical=critical
        )
        hours = hours_of(animal_id, now_ms) if pictured else []
        await self.storage.commit_scores(0, 0, 1, [], [event], [message], hours=hours)
        self.whatsapp.dispatcher.wake()
        await self.settle()

    async def again(self, message_id):
        """Queue the alert once more under another name."""
        first = await self.storage.message("m1")
        await self.later(60_000)  # past what one person may get at once
        await self.storage.queue([replace(first, id=message_id)])
        self.whatsapp.dispatcher.wake()
        await self.settle()

    @property
    def texts(self):
        return [bubble.text for bubble in self.cloud.phones.get(PHONE).bubbles]


@asynccontextmanager
async def looped(folder):
    clock = VirtualClock()
    fake = make_cloud(clock, **WORDS, webhook_url=None, phone_number_id=NUMBER_ID, waba_id=WABA_ID)
    async with TestServer(fake) as sky:
        followed = FollowedClock(clock.utc_ms)
        app = make_app(config_for(folder, str(sky.make_url(""))), followed)
        async with TestServer(app) as relay:
            fake[CLOUD].webhooks.url = str(relay.make_url("/webhooks/whatsapp"))
            app_id = fake[CLOUD].account.app_id
            await apply_templates(app[WHATSAPP].client, load(), WABA_ID, "collar_", app_id)
            yield Loop(app, fake[CLOUD], followed)


@pytest.fixture
async def loop(tmp_path):
    async with looped(tmp_path) as loop:
        yield loop


async def test_an_alert_a_tap_and_the_answer(loop):
    await loop.alert()
    assert await loop.storage.message_state("m1") == DELIVERED
    [bubble] = loop.cloud.phones.get(PHONE).bubbles
    assert [button.title for button in bubble.buttons] == ["On my way", "Snooze 12 h", "False alarm"]
    Person(loop.cloud).tap(PHONE, bubble.id, 0)
    await loop.settle()
    assert loop.texts[1:] == ["On my way", "Noted: you are on your way to Bella (12)."]
    Person(loop.cloud).look(loop.cloud.phones.get(PHONE))
    await loop.settle()
    assert await loop.storage.message_state("m1") == READ


async def test_a_lost_answer_is_settled_by_the_status_and_nothing_goes_out_twice(loop):
    loop.cloud.fault(Fault(drop=True))
    await loop.alert(critical=True)
    await loop.later(300_000)
    assert await loop.storage.message_state("m1") == DELIVERED
    assert len(loop.texts) == 1


async def test_a_message_that_was_lost_before_graph_took_it_is_repeated_and_marked(loop):
    loop.cloud.fault(Fault(bad_gateway=True, accept=False))
    await loop.alert(critical=True)
    assert await loop.storage.message_state("m1") == UNKNOWN
    await loop.later(120_000)
    assert loop.texts[0].startswith("Health alert: Bella (12) (repeat) at Hillside Farm")


async def test_stop_silences_the_relay_until_start(loop):
    await loop.alert()
    Person(loop.cloud).write(PHONE, "Stop.")
    await loop.settle()
    assert loop.texts[1:] == ["Stop.", "You will get no more alerts. Reply START to get them again."]
    await loop.again("m2")
    assert await loop.storage.message_state("m2") == FAILED
    Person(loop.cloud).write(PHONE, "START")
    await loop.settle()
    await loop.again("m3")
    assert await loop.storage.message_state("m3") == DELIVERED
    assert len(loop.texts) == 6, "alert, Stop, its answer, START, its answer, alert"


async def test_a_stop_that_a_crash_left_in_the_inbox_counts_before_anything_is_sent(tmp_path):
    async with looped(tmp_path) as before:
        await before.alert()
        waits = replace(await before.storage.message("m1"), id="m2")
        stop = {
            "from": PHONE,
            "id": "wamid.stop",
            "timestamp": "1772409600",
            "type": "text",
            "text": {"body": "STOP"},
        }
        await before.storage.inbox_put(
            [("wamid.stop", json.dumps({"kind": "message", "number": NUMBER_ID, "item": stop}))], 0
        )
        await before.storage.queue([waits])
    async with looped(tmp_path) as after:
        await after.settle()
        assert await after.storage.message_state("m2") == FAILED
        assert not [text for text in after.texts if text.startswith("Health alert")]


@pytest.mark.parametrize(("batch", "copies", "reverse"), [(1, 3, False), (50, 1, True), (3, 2, True)])
async def test_batches_doubles_and_wrong_order_change_nothing(loop, batch, copies, reverse):
    how = loop.cloud.webhooks.how
    how.batch, how.copies, how.reverse = batch, copies, reverse
    await loop.alert()
    Person(loop.cloud).tap(PHONE, loop.cloud.phones.get(PHONE).bubbles[0].id, 0)
    await loop.settle()
    assert await loop.storage.message_state("m1") == DELIVERED
    assert len(loop.texts) == 3


async def test_the_command_line_creates_the_templates_and_a_second_time_nothing():
    fake = make_cloud(VirtualClock(), **WORDS, webhook_url=None, phone_number_id=NUMBER_ID, waba_id=WABA_ID)
    async with TestServer(fake) as sky:
        chosen = {
            "HERDBELL_WHATSAPP_BASE_URL": str(sky.make_url("")).rstrip("/"),
            "HERDBELL_WHATSAPP_PHONE_NUMBER_ID": NUMBER_ID,
            "HERDBELL_WHATSAPP_TOKEN": WORDS["token"],
        }
        ask = functools.partial(
            CliRunner().invoke, templates, ["apply", "--waba-id", WABA_ID, "--json"], env=chosen
        )
        first, second = await asyncio.to_thread(ask), await asyncio.to_thread(ask)
    assert first.exit_code == 0, first.output
    assert first.output == second.output
    lines = [json.loads(line) for line in first.output.splitlines()]
    assert {line["language"] for line in lines} == set(LANGUAGES)
    assert {line["status"] for line in lines} == {"APPROVED"}


async def test_in_an_open_window_the_alert_is_free_form_and_its_buttons_work(loop):
    await loop.alert()
    Person(loop.cloud).write(PHONE, "12")
    await loop.settle()
    await loop.again("m2")
    bubble = loop.cloud.phones.get(PHONE).bubbles[-1]
    assert (bubble.kind, len(bubble.buttons), bubble.category) == ("interactive", 3, "service")
    Person(loop.cloud).tap(PHONE, bubble.id, 0)
    await loop.settle()
    assert loop.texts[-1].startswith("Noted: you are on your way to Bella (12).")


async def test_a_window_that_closes_between_the_look_and_the_send_makes_it_a_template(loop):
    await loop.alert()
    Person(loop.cloud).write(PHONE, "12")
    await loop.settle()
    loop.cloud.fault(Fault(code=131047))
    await loop.again("m2")
    assert loop.cloud.phones.get(PHONE).bubbles[-1].kind == "template"
    assert await loop.storage.message_state("m2") == DELIVERED


async def test_a_message_that_fails_after_it_was_accepted_is_known_as_failed(loop):
    loop.cloud.fault(Fault(code=131026, late=True))
    await loop.alert()
    assert await loop.storage.message_state("m1") == FAILED
    assert loop.texts == []


async def test_a_template_that_meta_pauses_waits_until_it_is_reinstated(loop):
    loop.cloud.registry.decide("collar_health_alert_v1", "en", "PAUSED")
    await loop.alert()
    assert loop.texts == []
    loop.cloud.registry.decide("collar_health_alert_v1", "en", "APPROVED")
    for _ in range(4):
        await loop.later(900_000)
    assert await loop.storage.message_state("m1") == DELIVERED
    assert len(loop.texts) == 1


async def test_a_person_known_by_user_id_alone_is_told_and_heard(loop):
    farm_id = await loop.storage.add_farm("Hillside Farm", bytes(32))
    phone = loop.cloud.phones.add(PHONE, "Alex", hidden=True)
    now_ms = loop.clock.now_ms()
    person_id = await loop.storage.add_person(
        farm_id, "Alex", "", consent_ms=now_ms, consent_text="in person", user_id=phone.user_id
    )
    body = {"template": "welcome", "version": 1, "language": "en", "params": {"farm": "Hillside Farm"}}
    message = Message("w1", farm_id, person_id, None, "welcome", body, now_ms, now_ms + 43_200_000)
    await loop.storage.queue([message])
    loop.whatsapp.dispatcher.wake()
    await loop.settle()
    assert await loop.storage.message_state("w1") == DELIVERED
    Person(loop.cloud).write(PHONE, "Stop.")
    await loop.settle()
    assert loop.texts[-1] == "You will get no more alerts. Reply START to get them again."


async def test_no_limit_of_the_fake_is_exceeded_when_much_is_told_at_once(loop):
    await loop.alert()
    first = await loop.storage.message("m1")
    await loop.storage.queue([replace(first, id=f"n{at}") for at in range(30)])
    loop.whatsapp.dispatcher.wake()
    for _ in range(30):
        await loop.later(6_000)
    assert loop.cloud.refused == {}
    assert len(loop.cloud.counters.came) == 31
    assert loop.cloud.counters.repeats([]).unmarked == ()


async def test_a_list_comes_as_a_list_and_a_chosen_line_is_answered(loop):
    await loop.alert()
    Person(loop.cloud).write(PHONE, "list")
    await loop.settle()
    bubble = loop.cloud.phones.get(PHONE).bubbles[-1]
    assert [row.title for row in bubble.rows] == ["Bella (12)"]
    Person(loop.cloud).choose(PHONE, bubble.id, 0)
    await loop.settle()
    assert "Bella (12)" in loop.texts[-1]


async def test_an_alert_comes_with_its_picture_above_and_the_picture_is_uploaded_once(loop):
    await loop.alert(pictured=True)
    await loop.again("m2")
    bubbles = loop.cloud.phones.get(PHONE).bubbles
    assert [bubble.kind for bubble in bubbles] == ["template", "template"]
    assert loop.cloud.media.get(bubbles[0].picture).data.startswith(b"\x89PNG")
    assert bubbles[0].picture == bubbles[1].picture
    assert len(loop.cloud.media) == 1
