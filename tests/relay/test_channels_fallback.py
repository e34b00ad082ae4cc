"""The second channel: what it takes over, when, how often, and what it leaves alone."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from dataclasses import replace

import pytest

from relay.channels.delivery import NO_ADDRESS
from relay.channels.fallback import LOOK_MS, REPEAT_AFTER_MS
from relay.channels.service import open_channels
from relay.config import ChannelsConfig, Config, WhatsappConfig
from relay.model import DeliveryStatus
from relay.storage.ports import OPTED_OUT
from relay.storage.ports_chat import SECOND, second_id
from relay.whatsapp.counters import Counters
from tests.relay.channel_scene import AFTER_MS, HOUR_MS, NOTHING_LISTENS, opened
from tests.relay.whatsapp_scene import running

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
TITLE = "Hill: NOT MOVING: Bella (12)"


@pytest.fixture
async def scene(tmp_path):
    async with opened(tmp_path / "state", "/phone") as scene:
        yield scene


async def test_a_critical_alert_that_whatsapp_does_not_deliver_in_time_goes_the_other_way(scene):
    await scene.sent_by_whatsapp()
    async with scene.running():
        await scene.later(AFTER_MS - 1)
        assert scene.inbox.taken == []
        await scene.later(LOOK_MS)
        assert scene.inbox.titles == [TITLE]
        assert await scene.state() == "sent"


async def test_a_critical_alert_that_failed_goes_at_once(scene):
    await scene.sent_by_whatsapp("failed", error="131026")
    async with scene.running():
        assert scene.inbox.titles == [TITLE]


async def test_what_whatsapp_delivered_and_what_is_not_critical_stays_with_it(scene):
    await scene.sent_by_whatsapp("failed", scene.alert("weak", critical=False))
    await scene.sent_by_whatsapp("delivered", scene.alert("strong"))
    async with scene.running():
        await scene.later(2 * AFTER_MS)
    assert scene.inbox.taken == []


async def test_while_a_breaker_is_open_nobody_waits_for_whatsapp(scene):
    await scene.sent_by_whatsapp("accepted", scene.alert("before"))
    await scene.storage.queue([scene.alert("waits"), scene.alert("weak", critical=False)])
    scene.is_broken = True
    async with scene.running():
        assert len(scene.inbox.taken) == 1
        assert await scene.state("waits") == "sent"
        assert await scene.state("before") is None  # that may be on a phone already


async def test_a_late_delivery_by_whatsapp_is_recorded_and_nothing_is_repeated(scene):
    await scene.sent_by_whatsapp()
    async with scene.running():
        await scene.later(AFTER_MS)
        status = DeliveryStatus("m1", None, "delivered", scene.clock.now_ms())
        assert await scene.storage.apply_statuses([status]) == [True]
        await scene.later(AFTER_MS)
    assert (await scene.state(second=False), await scene.state()) == ("delivered", "sent")
    assert len(scene.inbox.taken) == 1


async def test_what_is_over_by_then_wakes_nobody(scene):
    event = await scene.storage.event(scene.alert().event_id)
    await scene.storage.commit_scores(0, 0, 2, [], [replace(event, state="over", over_ms=event.onset_ms)], [])
    await scene.sent_by_whatsapp("failed")
    async with scene.running():
        await scene.later(LOOK_MS)
    assert scene.inbox.taken == []


async def test_an_attempt_is_stored_before_it_is_made(scene):
    answers = asyncio.Event()
    scene.inbox.script.append(answers)
    await scene.sent_by_whatsapp("failed")
    async with running_until(scene, scene.inbox.begun):
        assert await scene.state() == "sending"
        answers.set()
        await scene.quiet()
        assert await scene.state() == "sent"


@contextlib.asynccontextmanager
async def running_until(scene, event, **how):
    """Run the task until `event`, without waiting for rest."""
    quiet, scene.quiet = scene.quiet, event.wait
    async with scene.running(**how):
        scene.quiet = quiet
        yield


async def test_what_was_refused_is_tried_again_after_growing_waits_until_it_is_too_late(scene):
    scene.inbox.script.extend([429] * 50)
    await scene.sent_by_whatsapp("failed", scene.alert(lives_ms=HOUR_MS))
    times = []
    async with scene.running():
        for _ in range(HOUR_MS // LOOK_MS + 1):
            times += [scene.clock.now_ms()] * (len(scene.inbox.taken) - len(times))
            await scene.later(LOOK_MS)
    waits_s = [(b - a) // 1_000 for a, b in itertools.pairwise(times)]
    assert waits_s[:4] == [15, 60, 240, 900]
    assert set(waits_s[4:]) <= {900}
    assert await scene.state() == "expired"


async def test_a_critical_message_of_unknown_fate_goes_once_more_and_is_marked(scene):
    scene.inbox.script.extend(["drop", "drop"])
    await scene.sent_by_whatsapp("failed")
    async with scene.running():
        assert await scene.state() == "unknown"
        await scene.later(REPEAT_AFTER_MS + LOOK_MS)
        assert scene.inbox.titles == [TITLE, f"(repeat) {TITLE}"]
        await scene.later(HOUR_MS // 2)
        assert await scene.state() == "expired"
    assert len(scene.inbox.taken) == 2


async def test_any_other_message_of_unknown_fate_never_goes_twice(scene):
    scene.inbox.script.append("drop")
    await scene.storage.queue([scene.alert(critical=False)])
    async with scene.running(is_alone=True):
        await scene.later(REPEAT_AFTER_MS + LOOK_MS)
        assert await scene.state(second=False) == "expired"
    assert len(scene.inbox.taken) == 1


async def test_no_answer_in_time_is_unknown_and_holds_nobody_up(scene):
    answers = asyncio.Event()
    scene.inbox.script.append(answers)
    await scene.storage.queue([scene.alert("hangs", critical=False), scene.alert("goes", critical=False)])
    async with scene.running(is_alone=True, longest_s=0.2):
        states = {await scene.state(name, second=False) for name in ("hangs", "goes")}
        assert states == {"unknown", "sent"}
        answers.set()


async def test_the_next_address_is_tried_where_one_does_not_take_it(tmp_path):
    async with opened(tmp_path / "state", NOTHING_LISTENS, "nonsense", "/phone") as scene:
        await scene.sent_by_whatsapp("failed")
        async with scene.running():
            assert [each["path"] for each in scene.inbox.taken] == ["/phone"]
            assert await scene.state() == "sent"


async def test_one_address_that_took_it_is_enough(tmp_path):
    async with opened(tmp_path / "state", "/phone", "/mail") as scene:
        await scene.sent_by_whatsapp("failed")
        async with scene.running():
            assert [each["path"] for each in scene.inbox.taken] == ["/phone"]


async def test_a_repeat_begins_with_the_next_address(tmp_path):
    async with opened(tmp_path / "state", "/phone", "/mail") as scene:
        scene.inbox.script.append("drop")
        await scene.sent_by_whatsapp("failed")
        async with scene.running():
            await scene.later(REPEAT_AFTER_MS + LOOK_MS)
        assert [each["path"] for each in scene.inbox.taken] == ["/phone", "/mail"]


async def test_addresses_that_are_none_are_said_to_be_and_not_tried_for_ever(tmp_path, caplog):
    async with opened(tmp_path / "state", "nonsense://secret-number") as scene:
        await scene.sent_by_whatsapp("failed")
        async with scene.running():
            assert await scene.state() == "failed"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("relay")]
    assert "message m1:second: an address that Apprise does not know" in ours
    assert "secret-number" not in "".join(ours)


async def test_who_asked_for_silence_hears_nothing(scene):
    await scene.storage.queue([scene.alert(critical=False)])
    await scene.storage.opt_out(scene.person_id, scene.clock.now_ms())
    async with scene.running(is_alone=True):
        assert await scene.state(second=False) == "failed"
    (letter,) = await scene.storage.dead_letters(scene.farm_id, 10)
    assert letter.error == OPTED_OUT
    assert scene.inbox.taken == []


async def test_a_farm_without_whatsapp_gets_everything_this_way(scene):
    await scene.storage.queue([scene.alert("a"), scene.alert("b", critical=False)])
    async with scene.running(is_alone=True) as fallback:
        assert len(scene.inbox.taken) == 2
        await scene.storage.queue([scene.alert("c", critical=False)])
        fallback.wake()
        await scene.quiet()
        assert len(scene.inbox.taken) == 3
        await scene.later(2 * AFTER_MS)
    assert len(scene.inbox.taken) == 3


async def test_who_has_no_address_is_an_operators_matter_where_there_is_no_whatsapp(scene):
    other = await scene.storage.add_person(
        scene.farm_id, "Kim", "+15550100002", consent_ms=1, consent_text="in person"
    )
    await scene.storage.queue([scene.alert(person_id=other)])
    async with scene.running(is_alone=True):
        (letter,) = await scene.storage.dead_letters(scene.farm_id, 10)
    assert (letter.message.person_id, letter.error) == (other, NO_ADDRESS)


async def test_a_relay_that_is_stopped_in_mid_send_knows_of_it_when_it_starts_again(scene):
    answers = asyncio.Event()
    scene.inbox.script.append(answers)
    await scene.storage.queue([scene.alert()])
    async with running_until(scene, scene.inbox.begun, is_alone=True):
        scene.fallback.under_way.finish_s = 0
    assert await scene.state(second=False) == "sending"
    answers.set()
    async with scene.running(is_alone=True):
        assert await scene.state(second=False) == "unknown"
        await scene.later(REPEAT_AFTER_MS + LOOK_MS)
    assert scene.inbox.titles == [TITLE, f"(repeat) {TITLE}"]


async def test_a_message_that_is_taken_over_is_logged_by_its_id_alone(scene, caplog):
    await scene.sent_by_whatsapp("failed")
    with caplog.at_level(logging.WARNING):
        async with scene.running():
            pass
    assert "message m1:second goes by the second channel" in caplog.text


async def test_the_application_opens_it_from_its_settings(scene):
    config = Config(channels=ChannelsConfig(enabled=True, after_s=30), whatsapp=WhatsappConfig(enabled=True))
    counters = Counters(scene.registry)
    await scene.storage.queue([scene.alert()])
    async with open_channels(config, scene.storage, scene.clock, scene.registry) as fallback:
        scene.fallback = fallback
        async with running(fallback.run()):
            await scene.quiet()
            assert scene.inbox.taken == []
            counters.breaker.set(1)
            await scene.later(LOOK_MS)
            assert len(scene.inbox.taken) == 1
    assert scene.registry.get_sample_value("herdbell_channel_sends_total", {"outcome": "sent"}) == 1
    message = await scene.storage.message(second_id("m1"))
    assert (message.channel, message.expires_ms) == (SECOND, scene.alert().expires_ms - LOOK_MS)
