"""Store, what scoring goes back to: hours, daily states of animals, states of farms; each with its commit."""

import pytest

from relay.model import AnimalSnapshot, FarmState, HourRecord
from relay.storage.ports import StaleLease
from tests.relay.contract.world import T0_MS

HOUR = T0_MS // 86_400_000 * 24  # a UTC midnight
DAY = HOUR // 24


async def commit(world, token=0, messages=(), **parts):
    await world.storage.commit_scores(world.partition, token, 1, [], [], messages, **parts)


def hour(world, at, row=b"row", animal_id=None):
    return HourRecord(animal_id or world.animal_id, HOUR + at, row)


def snapshot(world, at, state=b"state", scorer="labels"):
    return AnimalSnapshot(world.animal_id, DAY + at, scorer, 2, state)


def farm_state(world, at, state=b"state"):
    return FarmState(world.farm_id, HOUR + at, 3, state)


async def hours(world, farm_id=None):
    return await world.storage.hours(farm_id or world.farm_id, 0, 1 << 40)


async def kept_hours(world):
    return [each.hour - HOUR for each in await world.storage.farm_states(world.partition)]


async def kept_days(world):
    return [each.day - DAY for each in await world.storage.snapshots(world.animal_id)]


async def test_all_parts_are_read_back_after_opening_again(world, reopen):
    parts = {
        "hours": [hour(world, 0, bytes(range(44)))],
        "snapshots": [snapshot(world, 0)],
        "farm_states": [farm_state(world, 0)],
    }
    await commit(world, **parts)
    async with reopen() as again:
        assert await again.hours(world.farm_id, HOUR, HOUR + 1) == parts["hours"]
        assert await again.snapshots(world.animal_id) == parts["snapshots"]
        assert await again.farm_states(world.partition) == parts["farm_states"]


async def test_hours_come_by_span_hour_by_hour_and_only_to_their_own_farm(world):
    lona = await world.storage.add_animal(world.farm_id, "13", "Lona")
    told = [hour(world, at, animal_id=animal) for animal in (lona, world.animal_id) for at in range(4)]
    await commit(world, hours=told)
    found = await world.storage.hours(world.farm_id, HOUR + 1, HOUR + 3)
    assert [(each.hour - HOUR, each.animal_id) for each in found] == [
        (at, animal) for at in (1, 2) for animal in (world.animal_id, lona)
    ]
    assert await hours(world, await world.storage.add_farm("Valley", bytes(32))) == []


async def test_the_hours_of_one_animal_come_by_span_and_only_to_its_own_farm(world):
    lona = await world.storage.add_animal(world.farm_id, "13", "Lona")
    await commit(
        world, hours=[hour(world, at, animal_id=one) for one in (lona, world.animal_id) for at in range(4)]
    )
    found = await world.storage.hours_of(world.farm_id, lona, HOUR + 1, HOUR + 3)
    assert [(each.hour - HOUR, each.animal_id) for each in found] == [(1, lona), (2, lona)]
    valley = await world.storage.add_farm("Valley", bytes(32))
    assert await world.storage.hours_of(valley, lona, HOUR, HOUR + 4) == []


async def test_an_hour_that_is_told_again_is_replaced(world):
    await commit(world, hours=[hour(world, 0, b"half"), hour(world, 1, b"other")])
    await commit(world, hours=[hour(world, 0, b"whole")])
    assert [each.row for each in await hours(world)] == [b"whole", b"other"]


async def test_hours_are_kept_for_35_days_behind_the_newest(world):
    await commit(world, hours=[hour(world, 0), hour(world, 1)])
    await commit(world, hours=[hour(world, 35 * 24)])
    assert [each.hour - HOUR for each in await hours(world)] == [1, 35 * 24]


async def test_late_hours_and_those_of_another_animal_take_nothing_away(world):
    lona = await world.storage.add_animal(world.farm_id, "13", "Lona")
    await commit(world, hours=[hour(world, 0), hour(world, 30 * 24)])
    await commit(world, hours=[hour(world, 5), hour(world, 60 * 24, animal_id=lona)])
    assert [each.hour - HOUR for each in await hours(world)] == [0, 5, 30 * 24, 60 * 24]


async def test_the_days_of_an_animal_are_kept_for_three_behind_the_newest(world):
    for at in range(6):
        await commit(world, snapshots=[snapshot(world, at, scorer=name) for name in ("labels", "down")])
    assert await kept_days(world) == [2, 2, 3, 3, 4, 4, 5, 5]


async def test_a_refold_from_an_earlier_day_takes_the_place_of_what_came_after(world):
    await commit(world, snapshots=[snapshot(world, at, b"old") for at in range(4)])
    await commit(world, snapshots=[snapshot(world, 1, b"new"), snapshot(world, 2, b"new")])
    assert await kept_days(world) == [0, 1, 2]
    assert [each.state for each in await world.storage.snapshots(world.animal_id)] == [b"old", b"new", b"new"]


async def test_a_farm_keeps_each_state_of_six_hours_and_midnights_of_three_days(world):
    for at in range(4 * 24 + 11):
        await commit(world, farm_states=[farm_state(world, at)])
    newest = 4 * 24 + 10
    assert await kept_hours(world) == [48, 72, 96, *range(newest - 6, newest + 1)]


async def test_a_farm_that_is_stepped_again_has_no_state_from_before(world):
    await commit(world, farm_states=[farm_state(world, at, b"old") for at in range(5)])
    await commit(world, farm_states=[farm_state(world, at, b"new") for at in (2, 3)])
    found = await world.storage.farm_states(world.partition)
    assert [each.state for each in found] == [b"old", b"old", b"new", b"new"]
    assert await world.storage.farm_states((world.partition + 1) % 64) == []


async def test_what_a_clock_ahead_has_made_goes_when_the_right_time_comes(world):
    await commit(world, snapshots=[snapshot(world, 400)], farm_states=[farm_state(world, 9_600)])
    await commit(world, snapshots=[snapshot(world, 0)], farm_states=[farm_state(world, 0)])
    assert (await kept_days(world), await kept_hours(world)) == ([0], [0])


async def test_the_same_commit_again_changes_nothing(world):
    parts = {
        "hours": [hour(world, at) for at in range(3)],
        "snapshots": [snapshot(world, at) for at in range(3)],
        "farm_states": [farm_state(world, at) for at in range(3)],
    }
    for _ in range(2):
        await commit(world, **parts)
    assert await hours(world) == parts["hours"]
    assert await world.storage.snapshots(world.animal_id) == parts["snapshots"]
    assert await world.storage.farm_states(world.partition) == parts["farm_states"]


async def test_a_commit_that_fails_or_is_stale_leaves_none_of_it(world):
    parts = {
        "hours": [hour(world, 0)],
        "snapshots": [snapshot(world, 0)],
        "farm_states": [farm_state(world, 0)],
    }
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await commit(world, messages=[world.message(person_id=99)], **parts)
    await commit(world, token=4)
    with pytest.raises(StaleLease):
        await commit(world, token=3, **parts)
    assert (await hours(world), await kept_days(world), await kept_hours(world)) == ([], [], [])
