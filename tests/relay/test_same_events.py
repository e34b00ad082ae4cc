"""The same events stand once all data are in, however the data came: real task, real store.

A herd of three: Bella lies as still as dead over the midnight to Tuesday, Lona on Tuesday evening, Nora's
collar comes off her neck and its battery runs low.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

from relay.clock import FollowedClock
from relay.config import Config
from relay.model import NewFrame
from relay.scorer import Scorer
from relay.storage.ports import WITHDRAWN, partition_of
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from tests.relay.scoring_frames import (
    DEAD,
    GRAZING,
    MONDAY_MS,
    RESTING,
    frame,
    frames_of,
    health_frame,
    window,
    windows_of,
)

HOUR_MS = 3_600_000
BELLA, LONA, NORA = 1, 2, 3
OFF_NECK = (61, 0, 2)  # as it lies: another side up than on any cow


def stretch(from_h, until_h, mad_mg, gravity_16mg=(0, 0, 61)):
    """A frame of 2 minutes every quarter of an hour."""
    starts = range(round(4 * from_h), round(4 * until_h))
    some = [window(mad_mg, gravity_16mg)] * 24
    return [frame(some, MONDAY_MS + at * HOUR_MS // 4 + 7_777) for at in starts]


def healths(days_left):
    return [health_frame(MONDAY_MS + at * HOUR_MS + 5, days_left) for at in range(21, 58, 6)]


def still(from_h, minutes):
    return frames_of(windows_of(minutes, DEAD), round(MONDAY_MS + from_h * HOUR_MS) + 12_345)


def story():
    """(cow, frame) in the order in which they come if nothing goes wrong."""
    by_cow = {
        BELLA: [*stretch(20, 23, RESTING), *still(23, 110), *stretch(25, 60, GRAZING), *healths(200)],
        LONA: [*stretch(20, 43, GRAZING), *still(43, 100), *stretch(45, 60, RESTING), *healths(200)],
        NORA: [*stretch(20, 30, RESTING), *stretch(30, 60, DEAD, OFF_NECK), *healths(5)],
    }
    told = []
    for cow, frames in by_cow.items():
        in_order = sorted(frames, key=lambda each: each.first_ms)
        told += [(cow, replace(each, seq=at)) for at, each in enumerate(in_order)]
    return sorted(told, key=lambda pair: (pair[1].received_ms, pair[0]))


STORY = story()


class Relay:
    """A farm of three cows, in a store of its own."""

    def __init__(self, storage):
        self.storage, self.clock = storage, FollowedClock(MONDAY_MS)

    async def set_up(self):
        self.farm = await self.storage.add_farm("Hof Lindner", bytes(32), zone="Europe/Berlin")
        for cow in (BELLA, LONA, NORA):
            assert await self.storage.add_animal(self.farm, str(cow)) == cow
            await self.storage.add_collar(cow, self.farm)
            await self.storage.assign(cow, cow, 0)
        await self.storage.add_person(self.farm, "Anna", "+4915100000001", consent_ms=0, consent_text="v1")

    async def append(self, sent):
        await self.storage.append(
            [
                NewFrame(
                    cow, self.farm, f.kind, 0, f.boot, f.seq, f.up_s, f.first_ms, f.received_ms, f.records
                )
                for cow, f in sent
            ]
        )
        self.clock.advance(max([self.clock.now_ms(), *(f.received_ms for _, f in sent)]))

    async def live(self, requests):
        """Let one scorer live while these come."""
        scorer = Scorer(self.storage, Config(), self.clock)
        task = asyncio.create_task(scorer.run())
        await scorer.wait_idle()
        for sent in requests:
            await self.append(sent)
            scorer.wake([partition_of(self.farm)])
            await scorer.wait_idle()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def standing(self):
        events = await self.storage.farm_events(self.farm, 0)
        return {
            (each.animal_id, each.kind, each.id, each.state) for each in events if each.state != WITHDRAWN
        }


def every(sent, count):
    return [sent[at : at + count] for at in range(0, len(sent), count)]


async def outcome(folder, *lives):
    """The events that stand after a scorer has lived through each of these lists of requests."""
    async with SqliteStorage.open(folder, Vault(bytes(32))) as storage:
        relay = Relay(storage)
        await relay.set_up()
        for requests in lives:
            await relay.live(requests)
        return await relay.standing()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What stands if all comes in order, an upload of each collar at a time."""
    return asyncio.run(outcome(tmp_path_factory.mktemp("in_order") / "state", every(STORY, 3)))


def late(frames, now_ms):
    return [(cow, replace(each, received_ms=now_ms)) for cow, each in frames]


def test_in_order_the_story_has_events_of_single_minutes_and_of_hours(expected):
    told = {(animal, kind) for animal, kind, _, _ in expected}
    assert {(BELLA, "no_movement"), (LONA, "no_movement"), (NORA, "no_movement")} <= told
    assert (NORA, "battery") in told


async def test_a_replay_from_zero_gives_the_same_events(tmp_path, expected):
    now_ms = STORY[-1][1].received_ms
    assert await outcome(tmp_path / "state", [late(STORY, now_ms)]) == expected


@pytest.mark.parametrize("seed", [1, 2])
async def test_frames_out_of_order_and_twice_give_the_same_events(tmp_path, expected, seed):
    random = Random(seed)
    sent = []
    for cow, each in STORY:
        for _ in range(1 + (random.random() < 0.05)):
            late_ms = random.randrange(40 * HOUR_MS) if random.random() < 0.02 else random.randrange(HOUR_MS)
            sent.append((each.received_ms + late_ms, cow, each))
    sent.sort(key=lambda one: one[:2])
    requests = [late([one[1:] for one in some], some[-1][0]) for some in every(sent, 12)]
    assert await outcome(tmp_path / "state", requests) == expected


@pytest.mark.parametrize("cows", [{BELLA}, {BELLA, LONA, NORA}])
async def test_a_day_of_outage_drained_newest_first_gives_the_same_events(tmp_path, expected, cows):
    lost_ms = range(MONDAY_MS + 22 * HOUR_MS, MONDAY_MS + 46 * HOUR_MS)
    held = [pair for pair in STORY if pair[0] in cows and pair[1].received_ms in lost_ms]
    before = [pair for pair in STORY if pair not in held and pair[1].received_ms < lost_ms.stop]
    after = [pair for pair in STORY if pair not in held and pair[1].received_ms >= lost_ms.stop]
    drained = every(held[::-1], 40)
    backlog = [late(some, lost_ms.stop + at) for at, some in enumerate(drained)]
    requests = [*every(before, 12), *backlog, *every(after, 12)]
    assert await outcome(tmp_path / "state", requests) == expected


async def test_an_hour_dated_by_a_clock_that_was_ahead_leaves_no_event(tmp_path, expected):
    """The right data of that time come again from a reader beside it; what was dated wrongly goes."""
    begin = next(at for at, (_, each) in enumerate(STORY) if each.first_ms > MONDAY_MS + 26 * HOUR_MS)
    wrong = [
        (
            cow,
            replace(
                each,
                boot=2,
                first_ms=each.first_ms + 30 * HOUR_MS,
                received_ms=each.received_ms + 30 * HOUR_MS,
            ),
        )
        for cow, each in STORY[begin : begin + 30]
    ]
    requests = [*every(STORY[:begin], 12), *every(wrong, 6), *every(STORY[begin:], 12)]
    assert await outcome(tmp_path / "state", requests) == expected


async def test_a_restart_between_requests_gives_the_same_events(tmp_path, expected):
    lives = [[some] for some in every(STORY, len(STORY) // 24)]
    assert await outcome(tmp_path / "state", *lives) == expected


@pytest.mark.long
async def test_a_restart_between_any_two_frames_gives_the_same_events(tmp_path, expected):
    assert await outcome(tmp_path / "state", *[[[one]] for one in STORY]) == expected


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 30))
async def test_frames_far_out_of_order_give_the_same_events(tmp_path, expected, seed):
    random = Random(seed)
    sent = sorted(
        (each.received_ms + random.randrange(36 * HOUR_MS), cow, each.seq, each) for cow, each in STORY
    )
    requests = [late([(one[1], one[3]) for one in some], some[-1][0]) for some in every(sent, 25)]
    assert await outcome(tmp_path / "state", requests) == expected
