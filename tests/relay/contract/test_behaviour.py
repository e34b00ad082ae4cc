"""Store, behaviour: minutes for two days, hours for good, both with the commit that made them."""

import pytest

from herdcore.vocabulary import BEHAVIOURS
from relay.model import AnimalLabels, BehaviourHour, MinuteLabel, ScoredAnimal
from relay.storage.ports import StaleLease
from tests.relay.contract.world import T0_MS

HOUR_MS = 3_600_000
T0_MINUTE = T0_MS // HOUR_MS * 60  # the full hour before T0
T0_HOUR_MS = T0_MINUTE * 60_000
UNKNOWN, REST, RUMINATE, GRAZE = range(4)
DAY_MIN = 24 * 60


def label(at=0, behaviour=GRAZE, confidence=90, lying=-1):
    return MinuteLabel(T0_MINUTE + at, behaviour, confidence, lying)


async def commit(world, labels, cursor=1, animal_id=None, token=0, messages=()):
    labelled = [AnimalLabels(animal_id or world.animal_id, tuple(labels))]
    state = ScoredAnimal(world.animal_id, "behaviour", 1, b"state")
    await world.storage.commit_scores(world.partition, token, cursor, [state], [], messages, labelled)


async def minutes(world, farm_id=None):
    farm_id = farm_id or world.farm_id
    return await world.storage.behaviour_minutes(farm_id, world.animal_id, 0, 1 << 40)


async def hours(world, farm_id=None):
    farm_id = farm_id or world.farm_id
    return await world.storage.behaviour_hours(farm_id, world.animal_id, 0, 1 << 50)


async def test_minutes_are_read_back_in_order_and_by_span(world, reopen):
    labels = [label(at, behaviour=at % 6, lying=at) for at in range(9)]
    await commit(world, labels)
    async with reopen() as again:
        span = (T0_MINUTE + 2, T0_MINUTE + 5)
        assert await again.behaviour_minutes(world.farm_id, world.animal_id, *span) == labels[2:5]
        assert await again.newest_label(world.farm_id, world.animal_id) == T0_MINUTE + 8


async def test_an_hour_counts_its_minutes_by_behaviour_with_their_confidence_and_posture(world):
    await commit(
        world,
        [
            label(57, REST, 80, lying=100),
            label(58, REST, 70, lying=49),
            label(59, UNKNOWN, 33),
            label(60, RUMINATE, 60, lying=50),
        ],
    )
    assert await hours(world) == [
        BehaviourHour(T0_HOUR_MS, 3, 150, 1, 2, (1, 2, 0, 0, 0, 0)),
        BehaviourHour(T0_HOUR_MS + HOUR_MS, 1, 60, 1, 1, (0, 0, 1, 0, 0, 0)),
    ]
    only = await world.storage.behaviour_hours(world.farm_id, world.animal_id, T0_HOUR_MS + 1, 1 << 50)
    assert [hour.start_ms for hour in only] == [T0_HOUR_MS + HOUR_MS]


async def test_every_behaviour_of_the_vocabulary_has_its_place_in_an_hour(world):
    await commit(world, [label(at, behaviour) for at, behaviour in enumerate(range(len(BEHAVIOURS)))])
    (hour,) = await hours(world)
    assert hour.by_behaviour == (1,) * len(BEHAVIOURS)


async def test_an_hour_grows_with_every_commit(world):
    for at in range(3):
        await commit(world, [label(2 * at), label(2 * at + 1)], cursor=at)
    assert [hour.minutes for hour in await hours(world)] == [6]
    assert len(await minutes(world)) == 6


async def test_minutes_that_are_committed_again_count_once(world):
    labels = [label(at) for at in range(50, 70)]
    await commit(world, labels)
    before = await hours(world)
    await commit(world, labels)
    assert (await hours(world), await minutes(world)) == (before, labels)


async def test_a_commit_that_fails_leaves_neither_minutes_nor_hours(world):
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await commit(world, [label()], messages=[world.message(person_id=99)])
    assert (await minutes(world), await hours(world)) == ([], [])


async def test_a_stale_lease_writes_no_minutes(world):
    await commit(world, [label(0)], token=4)
    with pytest.raises(StaleLease):
        await commit(world, [label(1)], token=3)
    assert await minutes(world) == [label(0)]


async def test_minutes_are_kept_for_48_hours_behind_the_newest_and_hours_for_good(world):
    await commit(world, [label(0), label(1)], 1)
    await commit(world, [label(2 * DAY_MIN - 1)], 2)
    assert len(await minutes(world)) == 3
    await commit(world, [label(2 * DAY_MIN)], 3)
    assert await minutes(world) == [label(1), label(2 * DAY_MIN - 1), label(2 * DAY_MIN)]
    assert [hour.minutes for hour in await hours(world)] == [2, 1, 1]


async def test_a_backlog_longer_than_what_is_kept_has_all_its_hours(world):
    await commit(world, [label(at) for at in range(3 * DAY_MIN)])
    assert len(await minutes(world)) == 2 * DAY_MIN
    assert [hour.minutes for hour in await hours(world)] == [60] * 72


async def test_what_a_clock_ahead_has_left_goes_when_the_right_time_comes(world):
    await commit(world, [label(0), label(1)], 1)
    await commit(world, [label(DAY_MIN), label(DAY_MIN + 1)], 2)
    await commit(world, [label(2)], 3)
    assert await minutes(world) == [label(0), label(1), label(2)]
    assert [hour.minutes for hour in await hours(world)] == [3]


async def test_a_clock_that_falls_back_to_1970_takes_nothing_of_what_is_known(world):
    known = [label(at) for at in range(2 * DAY_MIN)]
    await commit(world, known, 1)
    start = [MinuteLabel(5, GRAZE, 90), MinuteLabel(6, GRAZE, 90)]
    await commit(world, start, 2)
    assert await minutes(world) == [*start, *known]
    await commit(world, [label(2 * DAY_MIN)], 3)
    assert len(await minutes(world)) == 2 * DAY_MIN
    assert [hour.minutes for hour in await hours(world)] == [2, *[60] * 48, 1]


async def test_another_animal_is_untouched_and_another_farm_sees_nothing(world):
    lona = await world.storage.add_animal(world.farm_id, "13", "Lona")
    other = await world.storage.add_farm("Valley", bytes(32))
    await commit(world, [label(5)], 1)
    await commit(world, [label(4 * DAY_MIN)], 2, animal_id=lona)
    await commit(world, [label(0)], 3, animal_id=lona)
    assert await minutes(world) == [label(5)]
    assert len(await hours(world)) == 1
    assert (await minutes(world, other), await hours(world, other)) == ([], [])
    assert await world.storage.newest_label(other, world.animal_id) is None
