"""What the relay has acknowledged survives a power cut at any moment: decision 6 of the architecture."""

import random
import sqlite3

import pytest

from tests.relay.powercut.disk import Disk
from tests.relay.powercut.scene import cut

CUTS_PER_TEST = 40


async def all_cuts(seeds, folder):
    """Cut once per seed; fail with the seeds and what each lost."""
    frames, failures = 0, {}
    for seed in seeds:
        lost, told = await cut(seed, folder / str(seed))
        frames += len(told.stored)
        if lost:
            failures[seed] = lost[:5]
    line = f"power cuts: seeds {seeds.start}..{seeds.stop - 1}, {frames} acknowledged frames"
    print(line)  # noqa: T201 - pytest shows it with a failure, and with -s
    assert not failures, f"lost after a power cut, by seed: {failures}"
    assert frames > len(seeds), "the storage acknowledged too little for this to be a test"


@pytest.mark.parametrize("first_seed", range(0, 200, CUTS_PER_TEST))
async def test_nothing_acknowledged_is_lost_in_a_power_cut(first_seed, ram_folder):
    await all_cuts(range(first_seed, first_seed + CUTS_PER_TEST), ram_folder)


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("first_seed", range(1_000, 3_000, 500))
async def test_nothing_acknowledged_is_lost_in_2000_power_cuts(first_seed, ram_folder):
    await all_cuts(range(first_seed, first_seed + 500), ram_folder)


async def test_a_seed_cuts_at_the_same_moment_again(ram_folder):
    _, first = await cut(5, ram_folder / "first")
    _, second = await cut(5, ram_folder / "second")
    assert first == second
    assert first.stored


@pytest.fixture
def disk():
    disk = Disk("disk-under-test")
    yield disk
    disk.unregister()


def test_the_disk_keeps_what_was_synced_whatever_the_seed(disk, tmp_path):
    connection = disk.connect(tmp_path / "a.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE kept (x)")
    images = [disk.image(random.Random(seed)) for seed in range(20)]
    connection.close()
    assert all(image == images[0] for image in images)


def test_the_disk_loses_some_of_what_was_not_synced(disk, tmp_path):
    connection = disk.connect(tmp_path / "a.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE risky (x)")
    images = {disk.image(random.Random(seed))["a.db-wal"] for seed in range(20)}
    connection.close()
    assert len(images) > 2


def test_after_the_cut_every_write_fails_as_on_a_dead_disk(disk, tmp_path):
    connection = disk.connect(tmp_path / "a.db")
    disk.cut_at = disk.operations + 1
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("CREATE TABLE never (x)")
    connection.close()
    assert caught.value.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR
