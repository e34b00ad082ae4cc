"""The relay tells by itself when a rung, a snooze or a digest is due, from what the store knows."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from relay.clock import FollowedClock
from relay.config import Config
from relay.model import DeliveryStatus, Event, HourRecord
from relay.scorer import Scorer
from relay.scorer_metrics import ScorerMetrics
from relay.scoring.hours import nothing
from relay.storage.ports import partition_of
from relay.storage.sqlite import SqliteStorage
from relay.teller import Teller
from relay.vault import Vault
from tests.relay.alert_scene import HOUR_MS, MINUTE_MS, at

NIGHT_MS = at("16T02:00")
DAY_MS = 24 * HOUR_MS


class Farm:
    """A store with a farm, Anna who is told at once, Ben who is next, a cow that does not move, a clock."""

    def __init__(self, storage):
        self.storage, self.clock = storage, FollowedClock(NIGHT_MS)
        self.cursor = 0

    async def set_up(self):
        add = self.storage.add_person
        self.id = await self.storage.add_farm("Hof Lindner", bytes(32), zone="Europe/Berlin")
        self.cow = await self.storage.add_animal(self.id, "12", "Bella")
        self.anna = await add(self.id, "Anna", "+15550000001", consent_ms=0, consent_text="v1")
        self.ben = await add(
            self.id, "Ben", "+15550000002", role="worker", rung=1, consent_ms=0, consent_text="v1"
        )
        self.still = self.event("no_movement", NIGHT_MS)

    def event(self, kind, found_ms, tier="urgent"):
        name = f"{kind}-{found_ms}"
        return Event(name, self.id, self.cow, kind, found_ms - HOUR_MS, found_ms, {}, tier=tier)

    async def store(self, *events, **more):
        self.cursor += 1
        partition = partition_of(self.id)
        await self.storage.commit_scores(partition, 0, self.cursor, [], events, [], **more)

    def teller(self):
        teller = Teller(self.storage, self.clock, ScorerMetrics(CollectorRegistry()))
        teller.meet([self.id])
        return teller

    async def told(self, teller):
        """Tell what is due now, and keep it, as the scorer does; return to whom and at which step."""
        messages = [one for farm_id in teller.due() for one in await teller.messages(farm_id)]
        await self.storage.queue(messages)
        return [(one.person_id, one.step) for one in messages]

    async def queued(self):
        return [one.message for one in await self.storage.claim(self.clock.now_ms(), 10)]


@asynccontextmanager
async def running(farm):
    scorer = Scorer(farm.storage, Config(), farm.clock)
    task = asyncio.create_task(scorer.run())
    try:
        await scorer.wait_idle()
        yield scorer
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def farm(tmp_path):
    async with SqliteStorage.open(tmp_path / "state", Vault(bytes(32))) as storage:
        farm = Farm(storage)
        await farm.set_up()
        yield farm


async def test_when_nobody_answers_the_next_rung_is_queued_the_minute_it_is_due(farm):
    await farm.store(farm.still)
    async with running(farm) as scorer:
        assert [one.person_id for one in await farm.queued()] == [farm.anna]
        farm.clock.advance(NIGHT_MS + 15 * MINUTE_MS - 1)
        await scorer.wait_idle()
        assert await farm.queued() == []
        farm.clock.advance(NIGHT_MS + 15 * MINUTE_MS)
        await scorer.wait_idle()
        (message,) = await farm.queued()
    assert (message.person_id, message.step, message.critical) == (farm.ben, "escalation:0", True)


async def test_an_answer_that_is_stored_stops_the_ladder(farm):
    await farm.storage.set_digest(farm.id, 12 * 60)
    await farm.store(farm.still)
    teller = farm.teller()
    assert await farm.told(teller) == [(farm.anna, "alert")]
    await farm.storage.judge(farm.still.id, farm.anna, "acknowledged", NIGHT_MS + MINUTE_MS)
    assert teller.next_ms == NIGHT_MS + 15 * MINUTE_MS
    farm.clock.advance(teller.next_ms)
    assert await farm.told(teller) == []
    assert teller.next_ms == NIGHT_MS + HOUR_MS * 4 + MINUTE_MS
    farm.clock.advance(teller.next_ms)
    assert await farm.told(teller) == [(farm.anna, "again")]


async def test_the_same_answer_again_to_a_worse_stage_stops_the_ladder_of_that_stage(farm):
    await farm.store(farm.still)
    await farm.told(farm.teller())
    await farm.storage.judge(farm.still.id, farm.anna, "acknowledged", NIGHT_MS + MINUTE_MS)
    farm.clock.advance(NIGHT_MS + HOUR_MS)
    await farm.store(replace(farm.still, stage="worse"))
    assert await farm.told(farm.teller()) == [(farm.anna, "stage:worse")]
    await farm.storage.judge(farm.still.id, farm.anna, "acknowledged", NIGHT_MS + HOUR_MS + MINUTE_MS)
    farm.clock.advance(NIGHT_MS + HOUR_MS + 15 * MINUTE_MS)
    assert await farm.told(farm.teller()) == []


async def test_an_answer_that_comes_while_messages_are_made_is_looked_at_next(farm):
    await farm.store(farm.still)
    teller = farm.teller()
    read = farm.storage.mutes

    async def answered_meanwhile(*of):
        await farm.storage.judge(farm.still.id, farm.anna, "acknowledged", NIGHT_MS)
        teller.look([farm.id])
        return await read(*of)

    farm.storage.mutes = answered_meanwhile
    await farm.told(teller)
    farm.storage.mutes = read
    assert teller.due() == [farm.id]
    await farm.told(teller)
    assert teller.due() == []


async def test_who_was_not_rung_because_somebody_answered_is_not_told_that_all_is_well(farm):
    await farm.store(farm.still)
    await farm.told(farm.teller())
    await farm.queued()
    farm.clock.advance(NIGHT_MS + 15 * MINUTE_MS)
    assert await farm.told(farm.teller()) == [(farm.ben, "escalation:0")]
    await farm.storage.judge(farm.still.id, farm.anna, "acknowledged", NIGHT_MS + 15 * MINUTE_MS)
    assert await farm.queued() == []
    over_ms = NIGHT_MS + 30 * MINUTE_MS
    await farm.store(replace(farm.still, state="over", over_ms=over_ms))
    farm.clock.advance(over_ms + HOUR_MS)
    assert await farm.told(farm.teller()) == [(farm.anna, "over")]


async def test_a_farms_own_times_hold_at_once(farm):
    await farm.storage.set_escalation(farm.id, [5])
    await farm.store(farm.still)
    teller = farm.teller()
    await farm.told(teller)
    assert teller.next_ms == NIGHT_MS + 5 * MINUTE_MS


async def test_a_ladder_goes_on_after_a_restart_and_calls_nobody_twice(farm):
    await farm.store(farm.still)
    await farm.told(farm.teller())
    farm.clock.advance(NIGHT_MS + 20 * MINUTE_MS)
    assert await farm.told(farm.teller()) == [(farm.ben, "escalation:0")]
    assert await farm.told(farm.teller()) == []


async def test_who_answers_is_looked_after_when_their_snooze_ends(farm):
    await farm.storage.set_escalation(farm.id, [])
    await farm.store(farm.still)
    async with running(farm) as scorer:
        await farm.queued()
        await farm.storage.judge(farm.still.id, farm.anna, "snoozed", NIGHT_MS)
        scorer.look([farm.id])
        await scorer.wait_idle()
        farm.clock.advance(NIGHT_MS + 12 * HOUR_MS)
        await scorer.wait_idle()
        told = [(one.person_id, one.step) for one in await farm.queued()]
    assert (farm.anna, f"snoozed:{NIGHT_MS}") in told


async def test_a_farm_that_is_not_ours_is_not_looked_at(farm):
    teller = Teller(farm.storage, farm.clock, ScorerMetrics(CollectorRegistry()))
    teller.look([farm.id])
    assert teller.due() == []


async def test_mutes_and_fewer_alerts_are_read_from_the_store(farm):
    ill = farm.event("off_feed", at("16T10:00"), "timely")
    await farm.store(ill)
    farm.clock.advance(at("16T10:00"))
    await farm.storage.mute(farm.id, farm.anna, farm.cow, "", at("16T11:00"))
    teller = farm.teller()
    assert await farm.told(teller) == []
    assert teller.next_ms == at("16T11:00")
    await farm.storage.set_fewer(farm.anna, fewer=True)
    farm.clock.advance(at("16T11:00"))
    assert await farm.told(teller) == []
    await farm.storage.set_fewer(farm.anna, fewer=False)
    teller.look([farm.id])
    assert await farm.told(teller) == [(farm.anna, "alert")]


def hours_of(animal, now_ms):
    """Eight days of hours with 20 minutes of chewing each, the last day 10."""
    now, records = now_ms // HOUR_MS, []
    for back in range(192):
        row = nothing(1)
        row["covered_min"], row["ruminate_min"] = 15, 10 if back < 24 else 20
        records.append(HourRecord(animal, now - back, row[0].tobytes()))
    return records


async def test_the_digest_says_how_the_herd_is_and_what_the_month_has_cost(farm):
    six_ms = at("17T06:00")
    await farm.storage.add_collar(7, farm.id)
    await farm.storage.assign(7, farm.cow, 0)
    await farm.storage.note_life(farm.id, farm.cow, "due", six_ms + 3 * DAY_MS, NIGHT_MS)
    weak = farm.event("battery", at("16T12:00"), "digest")
    await farm.store(farm.still, weak, hours=hours_of(farm.cow, six_ms))
    teller = farm.teller()
    await farm.told(teller)
    (alert,) = await farm.queued()
    await farm.storage.apply_statuses(
        [DeliveryStatus(alert.id, None, "delivered", NIGHT_MS, None, "Germany", "utility", "regular")]
    )
    farm.clock.advance(six_ms)
    await farm.told(teller)
    (digest,) = [one for one in await farm.queued() if one.person_id == farm.anna and "digest" in one.step]
    lines = digest.body["text"].splitlines()
    assert "1 of 1 cows heard in the last 24 hours, the herd chews 50 % less than usual" in lines
    assert "to calve within 7 days: Bella (12)" in lines
    assert "Bella (12): a weak battery since 11:00 on 16 November" in lines
    assert "$" in lines[-1]


async def test_what_stays_open_for_days_is_still_there_for_the_digest(farm):
    weak = farm.event("battery", NIGHT_MS - 10 * DAY_MS, "digest")
    loose = farm.event("collar_loose", NIGHT_MS, "digest")
    farm.clock = FollowedClock(at("07T06:00"))
    await farm.store(weak)
    await farm.told(farm.teller())
    farm.clock.advance(at("16T06:00"))
    await farm.store(loose)
    await farm.told(farm.teller())
    digest = (await farm.queued())[-1]
    assert digest.body["text"].splitlines()[-1].endswith("not over yet")
