"""The flash log through power cuts, torn programs and torn erases; its wear and its capacity."""

from __future__ import annotations

import pytest

from collar.flashlog import FlashLog
from collar.outbox import Outbox
from simulator.flash import SECTOR_BYTES, Nor, PowerCut, Region
from tests.collar.log_scene import DAY_MS, DRAIN_MS, Offline, offline, wear
from tests.collar.power_scene import Blocks, Scene, live
from tests.collar.ram_flash import count_waiting


@pytest.mark.parametrize("group", range(4))
def test_a_thousand_random_power_cuts_lose_nothing_and_use_no_number_twice(group):
    for seed in range(25):
        scene = live(100 * group + seed, 10, sectors=3 + seed % 3)
        assert max(scene.nor.erases.values()) > 2  # it wrapped


@pytest.mark.long
@pytest.mark.parametrize("group", range(20))
def test_twenty_thousand_random_power_cuts_lose_nothing(group):
    for seed in range(50):
        live(10_000 + 100 * group + seed, 20, sectors=3 + seed % 5)


def cut_at(operation, *, sends):
    """Let power fail in one operation of a fixed life on three sectors; return whether it came to that."""
    scene = Scene(3, 7, sends=sends, has_identity=True, tear=operation)
    scene.nor.cut_after(operation)
    was_cut = scene.run(200)
    if was_cut:
        scene.start()
        scene.run(60)
        scene.start()
    return was_cut


@pytest.mark.parametrize("sends", [True, False])
def test_a_cut_at_every_operation_of_log_and_identity_sector_loses_nothing(sends):
    """Three sectors that wrap; which of the boot counter's two is whole decides which numbers come next."""
    operation = 0
    while cut_at(operation, sends=sends):
        operation += 1
    assert operation > 200


@pytest.mark.parametrize("seed", range(20))
def test_every_frame_that_goes_without_an_ack_is_counted_once(seed):
    scene = Scene(4, seed, sends=False)
    for _ in range(4):
        scene.nor.cut_after(scene.random.randrange(50, 250))
        scene.run(400)
        scene.nor.power_on()
        scene.start()
    gone = scene.check()
    assert 10 < len(gone) <= scene.box.dropped <= len(gone) + scene.cuts  # a cut frame may be without records


def box_on(nor, boot):
    return Outbox(1, 0, boot, None, FlashLog(Blocks(nor)))


def log_of(sectors):
    return Nor(sectors * SECTOR_BYTES, [Region("log", 0, sectors * SECTOR_BYTES)])


def append(box, drains, begun_ms=0):
    for i in range(drains):
        box.append_windows(begun_ms + i * DRAIN_MS, bytes([i % 251]) * 98)
    box.seal()


def test_what_was_acknowledged_stays_so_when_the_log_wraps_and_over_a_reset():
    nor = log_of(6)
    box = box_on(nor, 1)
    append(box, 60)
    assert box.ack([(1, 0, 65535)]) == 5
    append(box, 60, 60 * DRAIN_MS)
    assert count_waiting(box_on(nor, 2)) == count_waiting(box) == 5


def test_an_ack_that_a_power_cut_swallowed_only_means_sending_again():
    nor = log_of(6)
    box = box_on(nor, 1)
    append(box, 30)
    nor.cut_after(0)
    with pytest.raises(PowerCut):
        box.ack([(1, 0, 65535)])
    nor.power_on()
    assert count_waiting(box_on(nor, 2)) in (0, 3)


class Watched(Blocks):
    """Notes every sector that is erased while its head is still whole."""

    def __init__(self, nor):
        super().__init__(nor)
        self.nor, self.whole, self.reads = nor, [], 0

    def ioctl(self, op, arg=0):
        if op == 6 and self.nor.read_raw(arg)[:2] == b"\x48\x42":
            self.whole.append(arg)
        return super().ioctl(op, arg)

    def readblocks(self, block, buf, offset=0):
        self.reads += 1
        super().readblocks(block, buf, offset)


def test_a_sector_has_lost_its_head_before_it_is_erased():
    flash = Watched(log_of(4))
    box = Outbox(1, 0, 1, None, FlashLog(flash))
    append(box, 400)
    assert (flash.whole, sum(flash.nor.erases.values()) > 10) == ([], True)


def test_a_mount_reads_the_heads_and_no_more_than_one_sector():
    nor = log_of(100)
    box = box_on(nor, 1)
    append(box, 3000)
    flash = Watched(nor)
    FlashLog(flash)
    assert flash.reads <= 100 + 2 * SECTOR_BYTES // 115 + 2 + SECTOR_BYTES // 256


@pytest.mark.parametrize("bits", range(1, 9))
def test_a_record_with_flipped_bits_is_never_read_back_and_its_neighbours_are(bits):
    scene = Scene(4, bits, sends=False)
    for _ in range(20):
        scene.drain()
        scene.box.seal()
    wanted = scene.here()
    raw = scene.nor._sectors[0]
    for i in range(bits):
        raw[600 + 11 * i] ^= 1 << i
    left = FlashLog(Blocks(scene.nor))
    scene.log = left
    found = scene.here()
    assert all(wanted[number] == records for number, records in found.items())
    assert 17 <= len(found) < 20


def test_noise_all_over_the_partition_is_an_empty_log():
    nor = log_of(4)
    for sector in range(4):
        nor.program(sector * SECTOR_BYTES, nor._random.randbytes(SECTOR_BYTES))
    box = box_on(nor, 1)
    assert box.next_batch() == []
    append(box, 10)
    assert count_waiting(box_on(nor, 1)) == 1


# wear and capacity


def test_a_thousand_records_cost_at_most_25_erases_and_the_flash_lasts_fifty_years():
    found = wear()
    assert found["erases_per_1000"] <= 25
    assert found["erases_spread"] <= 1
    assert found["years_wear"] >= 50


@pytest.mark.parametrize(("megabytes", "least_days"), [(4, 14), (8, 30)])
def test_an_outage_is_outlived_by_windows_until_space_is_short_and_then_by_minutes(megabytes, least_days):
    assert offline(megabytes)[f"offline_days_{megabytes}mib"] >= least_days


def test_while_space_is_short_minutes_go_on_and_no_stored_window_is_given_up():
    collar = Offline(60 * SECTOR_BYTES)
    while not (collar.box.is_short() or collar.box.dropped):
        collar.drain()
    short_ms, windows_ms = collar.up_ms, collar.windows_ms
    while collar.up_ms < short_ms + 7 * DAY_MS:
        collar.drain()
    assert (collar.box.dropped, collar.windows_ms) == (0, windows_ms)
    while not collar.box.dropped:
        collar.drain()
    assert (collar.windows_ms, collar.box.dropped_lo) == (windows_ms, 0)
