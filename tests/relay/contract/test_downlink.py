"""What collars are to be told: numbers, what waits, and which frames settle it."""

from dataclasses import replace

import pytest

from relay.model import CollarReport, CollarSettings, Downlink
from relay.storage.downlink import next_number
from relay.storage.ports import CONFLICT, STORED, NotKnown
from tests.relay.collar_said import block, health_record, raw_records
from tests.relay.contract.world import DEVICE, T0_MS

HEALTH, RAW = 0x14, 0x15


async def set_block(world, **fields):
    """Store the next block; return its number."""
    before = await world.storage.settings(DEVICE)
    number = before.next_number
    await world.storage.set_settings(DEVICE, before.number, number, block(number, **fields))
    return number


def health(world, seq, number, boot=3, **fields):
    return world.frame(seq, kind=HEALTH, boot=boot, records=health_record(number), **fields)


async def test_a_collar_begins_without_settings(world):
    assert await world.storage.settings(DEVICE) == CollarSettings(0, b"", 1, False)
    assert await world.storage.waiting() == []


async def test_a_block_waits_until_a_health_frame_tells_its_number(world):
    number = await set_block(world, upload_s=600)
    waits = Downlink(DEVICE, number, block(number, upload_s=600), 0, 0, -1)
    assert await world.storage.waiting() == [waits]
    await world.storage.append([health(world, 1, 0)])
    assert await world.storage.waiting() == [replace(waits, heard=3 << 16 | 1)]
    await world.storage.append([health(world, 2, number)])
    assert await world.storage.waiting() == []
    assert (await world.storage.settings(DEVICE)).waits is False


async def test_a_collar_that_lost_its_settings_is_told_again(world):
    number = await set_block(world)
    await world.storage.append([health(world, 1, number), health(world, 0, 0, boot=4)])
    assert [each.number for each in await world.storage.waiting()] == [number]


@pytest.mark.parametrize(("boot", "seq"), [(3, 4), (2, 900)])
async def test_an_older_health_frame_from_a_backlog_says_nothing_of_today(world, boot, seq):
    number = await set_block(world)
    await world.storage.append([health(world, 5, number)])
    await world.storage.append([health(world, seq, 0, boot=boot)])
    assert await world.storage.waiting() == []


async def test_a_health_frame_that_is_not_stored_settles_nothing(world):
    number = await set_block(world)
    await world.storage.append([health(world, 1, 0)])
    assert await world.storage.append([health(world, 1, number)]) == [CONFLICT]
    assert [each.number for each in await world.storage.waiting()] == [number]


async def test_a_new_block_takes_the_place_of_one_that_waits(world):
    first, second = await set_block(world, upload_s=600), await set_block(world, upload_s=700)
    assert [each.number for each in await world.storage.waiting()] == [second]
    assert second == first + 1


async def test_two_who_change_the_settings_at_once_do_not_overwrite_each_other(world):
    await set_block(world)
    with pytest.raises(ValueError, match="settings 1 came meanwhile, want 0; try again"):
        await world.storage.set_settings(DEVICE, 0, 1, block())


def test_a_number_never_reads_like_none_or_like_the_one_the_collar_has():
    assert next_number(0, 0) == 1
    assert next_number(15, 15) == 17, "16 would read like a collar without settings"
    assert next_number(3, 4) == 5
    assert next_number(65535, 2) == 1
    assert next_number(65535, 1) == 2


async def test_passwords_are_sealed_in_the_file(world, tmp_path):
    await set_block(world, networks=(("barn", "open sesame 42"),))
    stored = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"sesame" not in stored
    assert b"sesame" in (await world.storage.settings(DEVICE)).raw


def test_what_waits_is_not_printed_with_its_passwords():
    raw = block(networks=(("barn", "open sesame 42"),))
    assert "sesame" not in repr([Downlink(1, 1, raw, 0, 0, -1), CollarSettings(1, raw, 2, True)])


async def test_a_burst_waits_until_samples_with_its_number_come(world):
    burst_id = await world.storage.ask_burst(DEVICE, 30)
    assert await world.storage.waiting() == [Downlink(DEVICE, 0, b"", burst_id, 30, -1)]
    await world.storage.append([world.frame(1, kind=RAW, records=raw_records(burst_id + 1))])
    assert len(await world.storage.waiting()) == 1
    await world.storage.append([world.frame(2, kind=RAW, records=raw_records(burst_id))])
    assert await world.storage.waiting() == []


async def test_every_burst_has_a_number_of_its_own(world):
    assert [await world.storage.ask_burst(DEVICE, 60) for _ in range(3)] == [1, 2, 3]


async def test_a_burst_and_a_block_wait_side_by_side(world):
    await world.storage.ask_burst(DEVICE, 30)
    number = await set_block(world)
    await world.storage.append([health(world, 1, number)])
    assert [(each.number, each.burst_id) for each in await world.storage.waiting()] == [(0, 1)]


@pytest.mark.parametrize("seconds", [0, 61])
async def test_a_burst_of_a_length_no_collar_takes_is_refused(world, seconds):
    with pytest.raises(ValueError, match=f"seconds={seconds} outside 1..60"):
        await world.storage.ask_burst(DEVICE, seconds)


@pytest.mark.parametrize(("number", "raw", "message"), [
    (0, b"x", "number=0 outside 1..65535"),
    (65536, b"x", "number=65536 outside 1..65535"),
    (1, b"", "settings of 0 bytes, want 1..400"),
    (1, bytes(401), "settings of 401 bytes, want 1..400"),
])  # fmt: skip
async def test_a_block_out_of_bounds_is_refused(world, number, raw, message):
    with pytest.raises(ValueError, match=message):
        await world.storage.set_settings(DEVICE, 0, number, raw)


async def test_a_collar_that_is_not_there_is_told_nothing(world):
    for work in (
        world.storage.settings(5),
        world.storage.set_settings(5, 0, 1, block()),
        world.storage.ask_burst(5, 60),
        world.storage.raw_frames(5),
    ):
        with pytest.raises(NotKnown, match="collar 5 is not known"):
            await work


async def test_a_report_says_what_the_newest_health_frame_said(world):
    assert await world.storage.reports(world.farm_id) == {DEVICE: CollarReport(0, False, False)}
    await world.storage.append([health(world, 2, 0), health(world, 1, 0)])
    number = await set_block(world)
    expected = CollarReport(number, True, False, 0, T0_MS + 900_000, T0_MS + 1_800_000, health_record())
    assert await world.storage.reports(world.farm_id) == {DEVICE: expected}
    assert await world.storage.reports(world.farm_id + 1) == {}


async def test_raw_frames_are_kept_in_the_order_they_were_made(world):
    frames = [world.frame(seq, kind=RAW, records=raw_records(7, ((seq, 0, 0),))) for seq in (3, 1, 2)]
    assert await world.storage.append([*frames, world.frame(4)]) == [STORED] * 4
    found = await world.storage.raw_frames(DEVICE)
    assert [(each.boot, each.seq, each.up_s) for each in found] == [(3, seq, 450 * seq) for seq in (1, 2, 3)]
    assert found[0].records == raw_records(7, ((1, 0, 0),))


async def test_downlinks_survive_a_restart(world, reopen):
    number = await set_block(world, upload_s=600)
    await world.storage.ask_burst(DEVICE, 20)
    before = await world.storage.waiting()
    async with reopen() as again:
        assert await again.waiting() == before
        assert (await again.settings(DEVICE)).number == number
