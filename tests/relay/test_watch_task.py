"""The relay's own watch over a real store: what it listens to, whom it tells, and what a restart keeps."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from relay.clock import FollowedClock
from relay.config import Config
from relay.keys import EARS, WATCH
from relay.model import Event
from relay.storage.ports import partition_of
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from relay.watch.hearing import Ears
from relay.watch.meta import MetaSense
from relay.watch.parts import META, MINUTE_MS
from relay.watch.task import Watch
from relay.whatsapp.client import AmbiguousError, NotSentError, RefusedError
from tests.relay.scene import Scene, frame
from tests.relay.whatsapp_scene import running

T0_MS = 1_790_000_000_000


class Way:
    """Takes every note and keeps its words."""

    def __init__(self):
        self.told = []

    async def tell(self, note, text):
        self.told.append((note.part, note.is_over, text))
        return True

    async def arrived(self, note):
        return bool(note)


class Farm:
    """A farm of `n` collars on a real store; those in `alive` upload every 15 minutes."""

    def __init__(self, storage, n=4):
        self.storage, self.n = storage, n
        self.clock, self.way, self.ears = FollowedClock(T0_MS), Way(), Ears()
        self.alive = set(range(1, n + 1))
        self.minute, self.meta, self.wake = 0, None, None

    async def settle(self):
        self.farm_id = await self.storage.add_farm("Hill", bytes(32), zone="Europe/Berlin")
        self.animals = {}
        for device in range(1, self.n + 1):
            self.animals[device] = await self.storage.add_animal(self.farm_id, str(device), "")
            await self.storage.add_collar(device, self.farm_id)
            await self.storage.assign(device, self.animals[device], 0)
        return self

    async def run(self, minutes):
        """Run a watch of its own for that long, as after a restart."""
        watch = Watch(
            self.storage, Config(), self.clock, self.ears, {"email": self.way}, self.meta, self.wake
        )
        async with running(watch.run()):
            for _ in range(minutes):
                self.minute += 1
                now_ms = T0_MS + self.minute * MINUTE_MS
                self.ears.note([d for d in self.alive if self.minute % 15 == d], now_ms, None)
                await idle(watch)
                self.clock.advance(now_ms)
                await idle(watch)
        return [(part, is_over) for part, is_over, _ in self.way.told]


async def idle(watch):
    import asyncio

    while not watch.idle():  # noqa: ASYNC110 - rest has no event
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(folder):
    async with SqliteStorage.open(folder, Vault(bytes(range(32)))) as storage:
        yield await Farm(storage).settle()


@pytest.fixture
async def farm(tmp_path):
    async with opened(tmp_path / "state") as farm:
        yield farm


async def test_a_collar_that_dies_is_told_and_its_return_too(farm):
    assert await farm.run(30) == []
    farm.alive.remove(2)
    assert await farm.run(60) == [("collar", False)]
    farm.alive.add(2)
    assert await farm.run(120) == [("collar", False), ("collar", True)]
    assert "the collar of 2" in farm.way.told[0][2]


async def test_a_relay_that_is_restarted_in_the_middle_tells_once(farm):
    await farm.run(30)
    farm.alive.remove(2)
    for minutes in (10, 13, 16, 12, 20, 60):
        farm.ears = Ears()
        await farm.run(minutes)
    assert [part for part, _, _ in farm.way.told] == ["collar"]


async def test_a_collar_nobody_wears_and_one_whose_battery_was_told_are_not_missed(farm):
    await farm.run(30)
    weak = Event("e1", farm.farm_id, farm.animals[3], "battery", T0_MS, T0_MS, {}, stage="now")
    await farm.storage.commit_scores(partition_of(farm.farm_id), 0, 1, [], [weak], [])
    await farm.storage.assign(2, None, T0_MS)
    farm.alive -= {2, 3}
    assert await farm.run(90) == []


async def test_a_collar_with_two_weeks_of_battery_left_is_still_missed(farm):
    await farm.run(30)
    weak = Event("e1", farm.farm_id, farm.animals[3], "battery", T0_MS, T0_MS, {}, stage="soon")
    await farm.storage.commit_scores(partition_of(farm.farm_id), 0, 1, [], [weak], [])
    farm.alive -= {3}
    assert await farm.run(90) == [("collar", False)]


async def test_a_farm_heard_at_milking_only_is_given_that_long(farm):
    await farm.storage.set_coverage(farm.farm_id, "parlour")
    await farm.run(30)
    farm.alive.clear()
    assert await farm.run(13 * 60) == []
    assert await farm.run(60) == [("line", False)]


async def test_a_state_of_another_version_is_begun_anew(farm):
    await farm.storage.keep_watch('{"version": 0}')
    assert await farm.run(30) == []


class Meta:
    """Answers pings as `error` says."""

    def __init__(self):
        self.error, self.pings = None, 0

    async def ping(self):
        self.pings += 1
        if self.error:
            raise self.error


def sense(farm, meta, is_stopped=lambda: False):
    return MetaSense(meta.ping, is_stopped, farm.storage, 5 * MINUTE_MS)


@pytest.mark.parametrize(
    "error", [NotSentError("x"), AmbiguousError("x"), RefusedError(190, "x"), RefusedError(-1, "x")]
)
async def test_meta_that_does_not_answer_is_told_by_another_way(farm, error):
    meta = Meta()
    farm.meta, farm.wake = sense(farm, meta), lambda: None
    await farm.run(30)
    meta.error = error
    assert await farm.run(40) == [("meta", False)]
    meta.error = None
    assert await farm.run(60) == [("meta", False), ("meta", True)]


async def test_an_answer_about_the_question_shows_that_meta_is_there(farm):
    meta = Meta()
    meta.error = RefusedError(100, "no such field")
    farm.meta = sense(farm, meta)
    assert await farm.run(60) == []
    assert meta.pings == 13


async def test_sends_that_are_refused_for_everybody_are_meta_gone_though_it_answers(farm):
    farm.meta = sense(farm, Meta(), is_stopped=lambda: farm.minute > 30)
    assert await farm.run(90) == [("meta", False)]


async def test_messages_that_meta_took_and_never_speaks_of_are_told(farm):
    farm.meta = sense(farm, Meta())
    person = await anna(farm)
    await farm.run(10)
    await accepted(farm, person)
    assert await farm.run(29) == []
    assert await farm.run(3) == [("webhooks", False)]
    await farm.storage.inbox_put([("k", "{}")], farm.clock.now_ms())
    assert await farm.run(60) == [("webhooks", False), ("webhooks", True)]


async def test_a_webhook_after_the_message_says_that_meta_calls_back(farm):
    farm.meta = sense(farm, Meta())
    person = await anna(farm)
    await farm.run(10)
    await accepted(farm, person)
    await farm.storage.inbox_put([("k", "{}")], farm.clock.now_ms() + 1)
    assert await farm.run(60) == []


async def test_owners_and_workers_get_it_by_whatsapp_and_by_mail_if_it_is_not_delivered(farm):
    await anna(farm)
    farm.wake = lambda: None
    await farm.run(30)
    farm.alive.remove(2)
    await farm.run(30)
    (message,) = await farm.storage.claim(farm.clock.now_ms(), 10)
    assert message.message.body["template"] == "blind"
    assert message.message.body["params"]["what"] == "the collar of 2"
    assert farm.way.told == []
    assert await farm.run(20) == [("collar", False)]


async def test_a_message_that_is_delivered_needs_no_mail(farm):
    await anna(farm)
    farm.wake = lambda: None
    await farm.run(30)
    farm.alive.remove(2)
    await farm.run(30)
    (message,) = await farm.storage.claim(farm.clock.now_ms(), 10)
    await farm.storage.settle(message.message.id, "delivered", now_ms=farm.clock.now_ms())
    assert await farm.run(60) == []


async def test_while_meta_is_gone_collars_are_told_by_mail_at_once(farm):
    await anna(farm)
    meta = Meta()
    meta.error = NotSentError("x")
    farm.meta, farm.wake = sense(farm, meta), lambda: None
    await farm.run(30)
    farm.alive.remove(2)
    assert await farm.run(45) == [(META, False), ("collar", False)]


async def anna(farm):
    return await farm.storage.add_person(
        farm.farm_id, "Anna", "+491701234567", consent_ms=T0_MS, consent_text="in person"
    )


async def accepted(farm, person_id):
    """Let Meta take one message."""
    from relay.model import Message

    now_ms = farm.clock.now_ms()
    message = Message("m1", farm.farm_id, person_id, None, "x", {"text": "x"}, now_ms, now_ms + 10**8)
    await farm.storage.queue([message])
    await farm.storage.claim(now_ms, 1)
    await farm.storage.settle("m1", "accepted", now_ms=now_ms, wamid="w1")


async def test_a_frame_that_is_stored_is_heard_and_a_forged_one_is_not(tmp_path):
    async with Scene(tmp_path) as scene:
        await scene.post([frame(1)])
        await scene.post([frame(2, key=bytes(32))])
        assert scene.app[EARS].last_ms == {1: scene.clock.now_ms()}
        await idle(scene.app[WATCH])
        scene.clock.advance(scene.clock.now_ms() + MINUTE_MS)
        await idle(scene.app[WATCH])
        assert set(scene.app[WATCH].state.collars) == {1}


async def test_a_relay_may_run_without_a_watch(tmp_path):
    async with Scene(tmp_path, watch=replace(Config().watch, enabled=False)) as scene:
        assert WATCH not in scene.app
        assert (await scene.post([frame(1)]))[0] == 200
