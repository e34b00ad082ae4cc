"""FrameLog: identity, order, partitions, trimming."""

import asyncio

import pytest

from relay.model import LoggedFrame
from relay.storage.ports import CONFLICT, DUPLICATE, PARTITIONS, STORED, partition_of
from tests.relay.contract.world import DEVICE, MINUTE_MS, T0_MS

LAST_DEVICE = 0xFFFFFFFF


async def cursors(world, after=0):
    return [frame.cursor for frame in await world.storage.read(world.partition, after, 1_000)]


async def test_a_new_frame_is_stored_and_read_back_field_by_field(world):
    frame = world.frame(seq=65_535, boot=65_535, up_s=0xFFFF_FFFF)
    assert await world.storage.append([frame]) == [STORED]
    (read,) = await world.storage.read(world.partition, 0, 10)
    assert read == LoggedFrame(
        cursor=read.cursor,
        device=DEVICE,
        farm_id=world.farm_id,
        animal_id=world.animal_id,
        kind=frame.kind,
        boot=65_535,
        seq=65_535,
        up_s=0xFFFF_FFFF,
        first_ms=frame.first_ms,
        received_ms=frame.received_ms,
        records=frame.records,
    )


async def test_the_same_frame_again_is_a_duplicate_and_stored_once(world):
    await world.storage.append([world.frame()])
    later = world.frame(received_ms=T0_MS * 2, first_ms=T0_MS + 1)  # a retry changes only when it arrives
    assert await world.storage.append([later]) == [DUPLICATE]
    assert len(await cursors(world)) == 1


@pytest.mark.parametrize("change", [{"records": b"\xff" * 14}, {"up_s": 1}, {"kind": 0x14}])
async def test_a_known_identity_with_other_content_is_a_conflict_and_changes_nothing(world, change):
    await world.storage.append([world.frame()])
    assert await world.storage.append([world.frame(**change)]) == [CONFLICT]
    (read,) = await world.storage.read(world.partition, 0, 10)
    assert (read.records, read.up_s, read.kind) == (world.frame().records, 0, 0x11)


async def test_verdicts_come_in_the_order_of_the_frames(world):
    await world.storage.append([world.frame(1)])
    frames = [world.frame(2), world.frame(1), world.frame(1, up_s=9), world.frame(3), world.frame(3)]
    assert await world.storage.append(frames) == [STORED, DUPLICATE, CONFLICT, STORED, DUPLICATE]


async def test_the_first_of_two_contradicting_frames_in_one_request_counts(world):
    frames = [world.frame(1), world.frame(1, up_s=9)]
    assert await world.storage.append(frames) == [STORED, CONFLICT]


async def test_neighbours_in_device_boot_and_seq_are_different_frames(world):
    frames = [
        world.frame(device=device, boot=boot, seq=seq)
        for device in (0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
        for boot in (0, 65_535)
        for seq in (0, 65_535)
    ]
    assert await world.storage.append(frames) == [STORED] * 20
    read = await world.storage.read(world.partition, 0, 100)
    assert [(f.device, f.boot, f.seq) for f in read] == [(f.device, f.boot, f.seq) for f in frames]


async def test_an_empty_append_is_answered(world):
    assert await world.storage.append([]) == []


async def test_appends_at_the_same_time_each_get_their_own_verdicts(world):
    appends = [world.storage.append([world.frame(n), world.frame(100)]) for n in range(20)]
    verdicts = await asyncio.gather(*appends)
    assert [first for first, _ in verdicts] == [STORED] * 20
    assert sorted(second for _, second in verdicts) == [DUPLICATE] * 19 + [STORED]
    assert len(await cursors(world)) == 21
    assert world.storage.waiting_frames == 0


async def test_reading_goes_on_behind_a_cursor_and_stops_at_the_limit(world):
    await world.storage.append([world.frame(n) for n in range(5)])
    everything = await cursors(world)
    assert everything == sorted(everything)
    assert [f.cursor for f in await world.storage.read(world.partition, everything[1], 2)] == everything[2:4]
    assert await world.storage.read(world.partition, everything[-1], 10) == []


async def test_a_partition_holds_the_frames_of_its_farms_only(world):
    others = [await world.storage.add_farm(f"Farm {n}", bytes(32)) for n in range(3)]
    other = next(farm_id for farm_id in others if partition_of(farm_id) != world.partition)
    await world.storage.append([world.frame(1), world.frame(2, farm_id=other)])
    assert [f.seq for f in await world.storage.read(world.partition, 0, 10)] == [1]
    assert [f.seq for f in await world.storage.read(partition_of(other), 0, 10)] == [2]
    heads = await world.storage.heads()
    assert set(heads) == {world.partition, partition_of(other)}
    assert heads[world.partition] == (await cursors(world))[-1]


async def test_the_farms_spread_over_all_partitions_and_never_move():
    assert {partition_of(farm_id) for farm_id in range(2_000)} == set(range(PARTITIONS))
    assert [partition_of(farm_id) for farm_id in (1, 2, 3, 1_000_000)] == [23, 5, 55, 17]


async def test_a_frame_belongs_to_the_animal_that_wore_the_collar_at_that_time(world):
    storage = world.storage
    daisy = await storage.add_animal(world.farm_id, "13", "Daisy")
    await storage.assign(DEVICE, daisy, T0_MS + 1_000)
    await storage.assign(DEVICE, None, T0_MS + 2_000)
    times = (T0_MS - 1, T0_MS, T0_MS + 999, T0_MS + 1_000, T0_MS + 1_999, T0_MS + 2_000)
    await storage.append([world.frame(n, first_ms=time) for n, time in enumerate(times)])
    wearers = [frame.animal_id for frame in await storage.read(world.partition, 0, 10)]
    assert wearers == [None, world.animal_id, world.animal_id, daisy, daisy, None]


async def test_the_frames_of_an_animal_are_those_of_all_collars_while_she_wore_them(world):
    storage = world.storage
    daisy = await storage.add_animal(world.farm_id, "13", "Daisy")
    await storage.add_collar(LAST_DEVICE, world.farm_id)
    await storage.assign(DEVICE, daisy, T0_MS + 2_000)
    await storage.assign(LAST_DEVICE, world.animal_id, T0_MS + 3_000)
    worn = [(LAST_DEVICE, T0_MS + 3_000), (DEVICE, T0_MS + 1_999), (DEVICE, T0_MS)]
    by_daisy = [(DEVICE, T0_MS + 2_000)]
    by_nobody = [(LAST_DEVICE, T0_MS + 2_999), (DEVICE, T0_MS - 1), (DEVICE + 1, T0_MS), (DEVICE - 1, T0_MS)]
    frames = [
        world.frame(seq, device=device, first_ms=at_ms)
        for seq, (device, at_ms) in enumerate(by_nobody + worn + by_daisy)
    ]
    await storage.append(frames)
    found = await storage.frames_of(world.animal_id, 0, T0_MS * 2)
    assert [(frame.device, frame.first_ms) for frame in found] == worn
    logged = await storage.read(world.partition, 0, 100)
    assert found == [frame for frame in logged if frame.animal_id == world.animal_id]
    assert [frame.animal_id for frame in await storage.frames_of(daisy, 0, T0_MS * 2)] == [daisy]


async def test_the_frames_of_a_span_are_those_that_may_reach_into_it_in_the_order_they_came(world):
    longest_ms = 170 * MINUTE_MS
    span = (T0_MS + 10 * longest_ms, T0_MS + 11 * longest_ms)
    firsts = [span[1], span[1] - 1, span[0], span[0] - longest_ms + 1, span[0] - longest_ms]
    await world.storage.append([world.frame(n, first_ms=at) for n, at in enumerate(firsts)])
    found = await world.storage.frames_of(world.animal_id, *span)
    assert [frame.first_ms for frame in found] == firsts[1:4]
    assert await world.storage.frames_of(99, *span) == []


async def test_trimming_forgets_old_frames_and_keeps_the_newest(world):
    await world.storage.append([world.frame(n, received_ms=T0_MS + n) for n in range(10)])
    before = await cursors(world)
    assert await world.storage.trim(T0_MS + 4) == 4
    assert await cursors(world) == before[4:]
    assert await world.storage.trim(T0_MS * 2) == 5
    assert await cursors(world) == before[9:]
    assert await world.storage.trim(T0_MS * 2) == 0


async def test_a_trimmed_frame_that_is_sent_again_does_not_become_new_data(world, reopen):
    frames = [world.frame(n) for n in (0, 1, 2, 5, 7)]
    await world.storage.append(frames)
    await world.storage.trim(T0_MS * 2)
    replay = [world.frame(n, received_ms=T0_MS * 3, first_ms=T0_MS * 3) for n in range(8)]
    verdicts = [DUPLICATE] * 3 + [STORED] * 2 + [DUPLICATE, STORED, DUPLICATE]
    assert await world.storage.append(replay) == verdicts
    async with reopen() as again:
        assert await again.append(replay) == [DUPLICATE] * 8


async def test_trimming_twice_joins_what_was_forgotten(world):
    for start in (0, 10, 20):
        await world.storage.append([world.frame(n) for n in range(start, start + 10)])
        await world.storage.trim(T0_MS * 2)
    assert set(await world.storage.append([world.frame(n) for n in range(30)])) == {DUPLICATE}


async def test_frames_are_there_after_opening_again(world, reopen):
    await world.storage.append([world.frame(1)])
    async with reopen() as again:
        assert [frame.seq for frame in await again.read(world.partition, 0, 10)] == [1]
        assert await again.append([world.frame(1)]) == [DUPLICATE]
