"""The scoring task, over the real store.

Long: its faults are all caused in one scene of task, store and clock.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from relay.alerts import intents
from relay.alerts.ids import event_id
from relay.behaviour import labels
from relay.clock import FollowedClock
from relay.config import Config
from relay.logs import redact
from relay.metrics import Metrics
from relay.model import Event, NewFrame
from relay.scorer import RETRY_MS, Scorer
from relay.scorer_metrics import ScorerMetrics
from relay.scoring import farm
from relay.scoring.findings import Found, Limits
from relay.scoring.kinds import heat, no_movement
from relay.scoring.partition import fold
from relay.storage.ports import StorageError, partition_of
from relay.storage.sqlite import SqliteStorage
from relay.teller import Teller
from relay.vault import Vault
from tests.relay.scoring_frames import DEAD, GRAZING, MINUTE_MS, MONDAY_MS, RESTING, frames_of, windows_of

HOUR = 60
BELLA_COLLAR, LONA_COLLAR = 101, 102
NOW_MS = MONDAY_MS + 6 * HOUR * MINUTE_MS


class WatchedClock(FollowedClock):
    """A clock that says when somebody waits for it: the scorer does so after a fault."""

    def __init__(self, now_ms):
        super().__init__(now_ms)
        self.awaited = asyncio.Event()

    async def wait_until(self, utc_ms):
        if utc_ms == self.now_ms() + RETRY_MS:
            self.awaited.set()
        await super().wait_until(utc_ms)


class Herd:
    """A store with one farm, its owner, two cows and their collars, and a clock."""

    def __init__(self, storage):
        self.storage = storage
        self.clock = WatchedClock(NOW_MS)
        self.metrics = []  # of each scorer
        self.told = []

    async def set_up(self):
        self.farm = await self.storage.add_farm("Hof Lindner", bytes(32), zone="Europe/Berlin")
        self.bella = await self.storage.add_animal(self.farm, "12", "Bella")
        self.lona = await self.storage.add_animal(self.farm, "13", "Lona")
        for device, animal in ((BELLA_COLLAR, self.bella), (LONA_COLLAR, self.lona)):
            await self.storage.add_collar(device, self.farm)
            await self.storage.assign(device, animal, 0)
        await self.storage.add_person(self.farm, "Anna", "+4915100000001", consent_ms=0, consent_text="v1")
        self.partition = partition_of(self.farm)

    async def append(self, frames, device=BELLA_COLLAR, farm=None):
        """Put frames into the log as ingest does."""
        farm = farm or self.farm
        await self.storage.append(
            [
                NewFrame(device, farm, f.kind, 0, f.boot, f.seq, f.up_s, f.first_ms, f.received_ms, f.records)
                for f in frames
            ]
        )

    def scorer(self, **options):
        options = {"on_messages": lambda: self.told.append(self.clock.now_ms()), **options}
        self.metrics.append(Metrics())
        return Scorer(self.storage, Config(), self.clock, self.metrics[-1], **options)

    async def score(self, **options):
        """Let a scorer catch up with the log, and stop it."""
        async with running(self.scorer(**options)) as scorer:
            await scorer.wait_idle()

    async def labels(self):
        """Minutes and hours of what Bella did, as stored."""
        storage = self.storage
        return (
            await storage.behaviour_minutes(self.farm, self.bella, 0, 1 << 40),
            await storage.behaviour_hours(self.farm, self.bella, 0, 1 << 50),
        )

    async def event_ids(self):
        return [event.id for event in await self.storage.events(self.farm, 100)]

    def count(self, name, **labels):
        return sum(metrics.registry.get_sample_value(name, labels) or 0 for metrics in self.metrics)


@asynccontextmanager
async def running(scorer):
    task = asyncio.create_task(scorer.run())
    try:
        yield scorer
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def herd(tmp_path):
    async with SqliteStorage.open(tmp_path / "state", Vault(bytes(32))) as storage:
        herd = Herd(storage)
        await herd.set_up()
        yield herd


def death():
    """An hour of rest and two of death."""
    return frames_of([*windows_of(HOUR, RESTING), *windows_of(2 * HOUR, DEAD)])


async def test_a_dead_cow_becomes_one_event_and_a_message_in_the_outbox(herd):
    async with running(herd.scorer()) as scorer:
        await scorer.wait_idle()
        await herd.append(death())
        scorer.wake([herd.partition])
        await scorer.wait_idle()
    (event,) = await herd.storage.events(herd.farm, 10)
    assert (event.kind, event.animal_id) == ("no_movement", herd.bella)
    (queued,) = await herd.storage.claim(NOW_MS, 10)
    assert queued.message.body["params"] == {
        "animal": "Bella (12)",
        "farm": "Hof Lindner",
        "sign": "not moving (still for 90 min, last moved at 01:59; "
        "dead or very ill, or her collar lies on the ground)",
        "since": "02:00",
    }
    assert herd.told == [NOW_MS], "the dispatcher is told once"


async def test_the_log_says_when_an_episode_began_and_ended_and_nothing_is_taken_for_a_phone_number(
    herd, caplog
):
    caplog.set_level("INFO", "relay.scorer")
    await herd.append(frames_of([*windows_of(128, DEAD), *windows_of(10, RESTING)]))
    await herd.score()
    said = [redact(record.getMessage()).partition(": ")[2] for record in caplog.records]
    assert said == [
        f"no_movement, animal {herd.bella}, since 2026-11-16T00:00:00Z",
        "no_movement is over at 2026-11-16T02:08:00Z",
    ]


async def test_everybody_on_the_farm_who_should_know_is_told_once(herd):
    for name, phone, role in (("Ben", "+4915100000002", "worker"), ("Dr. Eva", "+4915100000003", "vet")):
        await herd.storage.add_person(herd.farm, name, phone, role=role, consent_ms=0, consent_text="v1")
    await herd.append(death())
    await herd.score()
    queued = await herd.storage.claim(NOW_MS, 10)
    names = {person.id: person.name for person in await herd.storage.people(herd.farm)}
    assert sorted(names[one.message.person_id] for one in queued) == ["Anna", "Ben"]
    assert herd.told == [NOW_MS]


async def test_every_farm_is_scored_whatever_its_partition(herd):
    other = await herd.storage.add_farm("Hof Zwei", bytes(range(32)))
    cow = await herd.storage.add_animal(other, "1")
    await herd.storage.add_collar(201, other)
    await herd.storage.assign(201, cow, 0)
    assert partition_of(other) != herd.partition
    await herd.append(death())
    await herd.append(death(), 201, other)
    await herd.score()
    (event,) = await herd.storage.events(other, 10)
    assert (event.farm_id, event.animal_id) == (other, cow)
    assert len(await herd.event_ids()) == 1


async def test_a_wake_without_new_frames_changes_nothing(herd):
    await herd.append(death())
    async with running(herd.scorer()) as scorer:
        await scorer.wait_idle()
        states = await herd.storage.states(herd.partition)
        scorer.wake(range(64))
        await scorer.wait_idle()
    assert await herd.storage.states(herd.partition) == states


async def test_what_was_appended_while_nobody_scored_is_caught_up_at_the_start(herd):
    await herd.append(death())
    await herd.score()
    assert len(await herd.event_ids()) == 1
    assert await herd.storage.cursor(herd.partition) == (await herd.storage.heads())[herd.partition]


async def test_a_resting_herd_makes_nobody_look_at_the_phone(herd):
    await herd.append(frames_of(windows_of(6 * HOUR, RESTING)))
    await herd.append(frames_of(windows_of(6 * HOUR, GRAZING)), LONA_COLLAR)
    await herd.score()
    assert (await herd.event_ids(), herd.told) == ([], [])


@pytest.mark.parametrize("size", [1, 3, 256])
async def test_a_restart_between_any_two_batches_gives_the_same_events_and_no_message_twice(herd, size):
    frames = death()
    for at in range(0, len(frames), size):
        await herd.append(frames[at : at + size])
        await herd.score(batch_frames=2)
    event_ids = await herd.event_ids()
    assert event_ids == await replayed(herd)
    assert len(await herd.storage.claim(NOW_MS, 10)) == 1


async def replayed(herd):
    """The ids of the events of the whole log, folded from zero without a store."""
    folded = fold(await herd.storage.read(herd.partition, 0, 10_000), {}, Limits())
    found = [each for some in folded.findings.values() for each in some if isinstance(each, Found)]
    return [event_id(herd.farm, each.animal, each.kind, each.onset_ms) for each in found]


async def test_idle_is_exact(herd):
    scorer = herd.scorer()
    assert not scorer.idle(), "nobody scores yet"
    async with running(scorer):
        await scorer.wait_idle()
        assert scorer.idle()
        await herd.append(death())
        scorer.wake([herd.partition])
        assert not scorer.idle(), "the log has frames that are not scored"
        await scorer.wait_idle()
        assert len(await herd.event_ids()) == 1
        scorer.wake([])
        assert scorer.idle()
    assert not scorer.idle(), "nobody scores any more"


async def test_late_and_unassigned_data_are_counted(herd):
    frames = death()
    await herd.append([*frames[:1], *frames[3:9]])
    await herd.storage.add_collar(103, herd.farm)
    await herd.append(frames[:2], 103)
    await herd.score()
    await herd.append(frames[1:2])
    await herd.score(batch_frames=8)
    assert herd.count("herdbell_scorer_windows_total", result="late") == 88
    assert herd.count("herdbell_scorer_windows_total", result="scored") == 7 * 88
    assert herd.count("herdbell_scorer_frames_skipped_total", reason="unassigned") == 2


async def test_one_cows_fault_does_not_stop_the_others(herd, monkeypatch):
    def faulty(state, minutes, limits):
        if any(minute.motion_max_mg > 300 for minute in minutes):
            raise ArithmeticError("planted")
        return step_minutes(state, minutes, limits)

    step_minutes = no_movement.step_minutes
    monkeypatch.setattr(no_movement, "step_minutes", faulty)
    await herd.append(frames_of(windows_of(2 * HOUR, GRAZING)), LONA_COLLAR)
    await herd.append(death())
    await herd.score()
    assert len(await herd.event_ids()) == 1
    assert herd.count("herdbell_scorer_faults_total", place="animal") == 1


async def test_a_fault_of_the_classifier_is_counted_and_costs_no_warning(herd, monkeypatch):
    def faulty(state, minutes):
        raise ArithmeticError("planted")

    monkeypatch.setattr(labels, "step", faulty)
    await herd.append(death())
    await herd.score()
    assert len(await herd.event_ids()) == 1
    assert await herd.labels() == ([], [])
    assert herd.count("herdbell_scorer_faults_total", place="labels") == 1
    assert herd.count("herdbell_scorer_faults_total", place="animal") == 0


async def test_what_a_cow_did_is_stored_by_minute_and_by_hour(herd):
    await herd.append(death())
    await herd.score(batch_frames=4)
    minutes, hours = await herd.labels()
    numbers = [each.minute for each in minutes]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len(minutes) >= 3 * HOUR - 3
    assert sum(hour.minutes for hour in hours) == len(minutes)
    assert [hour.start_ms for hour in hours] == [MONDAY_MS + at * HOUR * MINUTE_MS for at in range(3)]


async def test_labels_do_not_depend_on_when_the_scorer_ran(herd):
    frames = death()
    await herd.append(frames)
    await herd.score()
    live, _ = await herd.labels()
    folded = fold([replace(one, animal_id=herd.bella) for one in frames], {}, Limits())
    assert [each.minute for each in live] == [each.minute for each in folded.labels[herd.bella]]
    assert [each.behaviour for each in live] == [each.behaviour for each in folded.labels[herd.bella]]


@pytest.mark.parametrize("stored", [False, True])
async def test_after_a_crash_before_or_behind_a_commit_every_minute_counts_once(herd, monkeypatch, stored):
    commit = herd.storage.commit_scores

    async def crashing(*arguments, **more):
        if stored:
            await commit(*arguments, **more)
        monkeypatch.setattr(herd.storage, "commit_scores", commit)
        raise StorageError("planted")

    await herd.append(death())
    await herd.score(batch_frames=5)
    expected = await herd.labels()
    await herd.append(frames_of(windows_of(2 * HOUR, DEAD), MONDAY_MS + 3 * HOUR * MINUTE_MS, boot=2))
    monkeypatch.setattr(herd.storage, "commit_scores", crashing)
    async with running(herd.scorer(batch_frames=5)) as scorer:
        await herd.clock.awaited.wait()
        assert ((await herd.labels()) != expected) == stored
        herd.clock.advance(NOW_MS + RETRY_MS)
        await scorer.wait_idle()
    minutes, hours = await herd.labels()
    numbers = [each.minute for each in minutes]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len(numbers) >= 5 * HOUR - 3
    assert sum(hour.minutes for hour in hours) == len(minutes)


async def test_a_fault_of_the_store_is_tried_again_and_nothing_counts_twice(herd, monkeypatch):
    await herd.append(death())
    commit = herd.storage.commit_scores

    async def failing(*_arguments, **_more):
        monkeypatch.setattr(herd.storage, "commit_scores", commit)
        raise StorageError("planted")

    monkeypatch.setattr(herd.storage, "commit_scores", failing)
    async with running(herd.scorer()) as scorer:
        await herd.clock.awaited.wait()
        assert not scorer.idle()
        herd.clock.advance(NOW_MS + RETRY_MS)
        await scorer.wait_idle()
    assert len(await herd.event_ids()) == 1
    assert herd.count("herdbell_scorer_faults_total", place="store") == 1
    assert len(await herd.storage.claim(NOW_MS + RETRY_MS, 10)) == 1


class OneLease:
    """A lease whose token the test sets."""

    def __init__(self, token):
        self.held = token

    async def token(self, _partition):
        return self.held


async def test_a_partition_of_somebody_else_is_left_alone(herd):
    await herd.append(death())
    await herd.score(leases=OneLease(None))
    assert await herd.storage.cursor(herd.partition) == 0


async def test_after_a_stale_lease_the_work_is_dropped_and_the_store_believed(herd):
    await herd.append(death()[:3])
    await herd.score(leases=OneLease(5))
    at = await herd.storage.cursor(herd.partition)
    await herd.append(death())
    lease = OneLease(4)
    async with running(herd.scorer(leases=lease)) as scorer:
        await herd.clock.awaited.wait()
        assert herd.count("herdbell_scorer_faults_total", place="lease") == 1
        assert await herd.storage.cursor(herd.partition) == at
        ours = herd.metrics[-1]
        await herd.score(leases=OneLease(5))
        lease.held = 6
        herd.clock.advance(NOW_MS + RETRY_MS)
        await scorer.wait_idle()
    assert len(await herd.event_ids()) == 1
    assert not ours.registry.get_sample_value("herdbell_scorer_windows_total", {"result": "scored"})


async def test_a_state_this_version_cannot_read_is_folded_anew_from_the_log(herd):
    frames = death()
    await herd.append(frames[:15])
    await herd.score(batch_frames=4)
    kept = await herd.storage.states(herd.partition)
    newer = [replace(row, version=99) for row in kept]
    cursor = await herd.storage.cursor(herd.partition)
    await herd.storage.commit_scores(herd.partition, 0, cursor, newer, [], [])
    await herd.append(frames[15:])
    await herd.score(batch_frames=4)
    assert await replayed(herd) == await herd.event_ids()
    versions = {row.scorer: row.version for row in await herd.storage.states(herd.partition)}
    assert versions.pop("no_movement") == no_movement.VERSION
    assert versions == {"behaviour": labels.VERSION, "hours": 1, "minutes": 5}
    assert herd.count("herdbell_scorer_faults_total", place="state") == 1


async def test_an_event_is_kept_even_if_there_are_no_words_for_it(herd, monkeypatch):
    def speechless(*_arguments):
        raise KeyError("planted")

    monkeypatch.setattr(intents, "messages", speechless)
    await herd.append(death())
    await herd.score()
    assert len(await herd.event_ids()) == 1
    assert herd.count("herdbell_scorer_faults_total", place="message") == 1
    assert herd.told == []


async def test_an_old_event_is_recorded_and_not_sent(herd):
    herd.clock.advance(NOW_MS + 28 * HOUR * MINUTE_MS)
    await herd.append(death())
    await herd.score()
    assert len(await herd.event_ids()) == 1
    assert herd.told == []


async def test_what_waits_for_the_digest_is_told_when_its_time_comes_though_nothing_arrives(herd):
    noon_ms, digest_ms = NOW_MS + 29 * HOUR * MINUTE_MS, NOW_MS + 47 * HOUR * MINUTE_MS
    herd.clock.advance(noon_ms)
    await herd.append(death())
    async with running(herd.scorer()) as scorer:
        await scorer.wait_idle()
        herd.clock.advance(digest_ms - 1)
        await scorer.wait_idle()
        assert herd.told == []
        herd.clock.advance(digest_ms)
        assert not scorer.idle(), "the digest is due"
        await scorer.wait_idle()
    (queued,) = await herd.storage.claim(digest_ms, 10)
    assert queued.message.body["template"] == "daily_digest"
    assert "Bella (12)" in queued.message.body["text"]
    await herd.score()
    assert len(herd.told) == 1, "told once, also after a restart"


async def test_one_farms_fault_costs_no_warning_and_its_hours_are_caught_up(herd, monkeypatch):
    def faulty(*_arguments):
        raise ArithmeticError("planted")

    monkeypatch.setattr(farm, "step_on", faulty)
    await herd.append(death())
    await herd.score()
    assert len(await herd.event_ids()) == 1
    assert herd.count("herdbell_scorer_faults_total", place="farm") == 1
    assert await herd.storage.farm_states(herd.partition) == []
    monkeypatch.undo()
    await herd.append(frames_of(windows_of(HOUR, RESTING), MONDAY_MS + 4 * HOUR * MINUTE_MS, boot=2))
    await herd.score()
    kept = await herd.storage.farm_states(herd.partition)
    assert kept[0].hour * HOUR * MINUTE_MS == MONDAY_MS


async def test_one_kinds_fault_costs_the_farm_none_of_its_hours_and_is_logged_once(herd, monkeypatch, caplog):
    def faulty(*_arguments):
        raise ArithmeticError("planted")

    monkeypatch.setattr(heat, "step", faulty)
    await herd.append(death())
    async with running(herd.scorer()) as scorer:
        await scorer.wait_idle()
        await herd.append(frames_of(windows_of(HOUR, RESTING), MONDAY_MS + 4 * HOUR * MINUTE_MS, boot=2))
        scorer.wake([herd.partition])
        await scorer.wait_idle()
    assert len(await herd.event_ids()) == 1
    assert len(await herd.storage.farm_states(herd.partition)) > 1
    assert herd.count("herdbell_scorer_faults_total", place="farm") == 0
    assert herd.count("herdbell_scorer_faults_total", place="kind") == 2
    assert sum("heat is left out" in each.getMessage() for each in caplog.records) == 1


async def test_a_farm_that_a_clock_ahead_put_off_for_years_is_looked_at_once_the_clock_is_right(herd):
    metrics = ScorerMetrics(CollectorRegistry())
    teller = Teller(herd.storage, herd.clock, metrics)
    herd.clock.advance(NOW_MS + 3650 * 24 * HOUR * MINUTE_MS)
    await teller.messages(herd.farm)
    herd.clock = FollowedClock(NOW_MS)
    teller._clock = herd.clock  # set back, which this clock refuses
    assert teller.due() == [herd.farm]
    await teller.messages(herd.farm)
    assert teller.due() == []


async def test_an_illness_of_weeks_that_turns_urgent_is_told(herd):
    day_ms = 24 * HOUR * MINUTE_MS
    ill = Event(
        "0123456789abcdef", herd.farm, herd.bella, "off_feed", NOW_MS - 9 * day_ms, NOW_MS - 8 * day_ms,
        {"stage_ms": NOW_MS}, tier="urgent", stage="acute",
    )  # fmt: skip
    teller = Teller(herd.storage, herd.clock, ScorerMetrics(CollectorRegistry()))
    told = await teller.messages(herd.farm, [ill])
    assert [(one.event_id, one.critical) for one in told] == [(ill.id, True)]
    teller = Teller(herd.storage, herd.clock, ScorerMetrics(CollectorRegistry()))
    assert await teller.messages(herd.farm, [replace(ill, evidence={})]) == []


async def test_a_farm_state_this_version_cannot_read_is_folded_anew_from_its_hours(herd):
    await herd.append(death())
    await herd.score()
    (*_, newest) = await herd.storage.farm_states(herd.partition)
    cursor = await herd.storage.cursor(herd.partition)
    for each in await herd.storage.farm_states(herd.partition):
        await herd.storage.commit_scores(
            herd.partition, 0, cursor, [], [], [], farm_states=[replace(each, version=99), newest]
        )
    await herd.append(frames_of(windows_of(HOUR, RESTING), MONDAY_MS + 3 * HOUR * MINUTE_MS, boot=2))
    await herd.score()
    assert herd.count("herdbell_scorer_faults_total", place="state") == 1
    assert {each.version for each in await herd.storage.farm_states(herd.partition)} == {farm.VERSION}
