"""Deep sleep: a collar that starts anew at every wake says what one that never does says."""

from __future__ import annotations

from array import array
from copy import deepcopy
from itertools import pairwise

import pytest

from collar.app import COLD, DRAIN, RESTORE, SLEEP, STORE, Collar
from collar.retained import _SIZE, DEEP_MAX, Retained
from collar.settings import WATCHDOG, load_identity
from collar.store import ROWS_MAX, Store
from herdcore import wire
from herdcore.downlink import NO_SETTINGS, encode_settings
from herdcore.vocabulary import PROFILE_NAMES, SCHEMA_CODES
from tests.collar.ram_flash import RamFlash
from tests.collar.scene import Lives, Nodding, Slept, TestBoard, provisioned

DEEP = PROFILE_NAMES.index("stock-deep")
SETTINGS = encode_settings(NO_SETTINGS._replace(number=1, profile=DEEP))
FIRST_UPLOAD_S = 600  # one period and the collar's place in it


def deep_board(**changes):
    board = TestBoard(Nodding(), prov=provisioned(settings=SETTINGS, upload_s=300), **changes)
    board.relay.next_s = 300
    return board


def live(board, seconds):
    """Let a collar live through all its wakes until `seconds` of the board's clock."""
    lives = Lives(board)
    while board.clock.now_us < seconds * 1_000_000 or lives.state != SLEEP:
        lives.step()
    return lives


def windows_of(relay):
    return sorted((f for f in relay.frames if f.kind == 0x11), key=lambda frame: frame.seq)


def test_it_starts_anew_at_every_wake_and_stays_in_one_boot():
    board = deep_board()
    live(board, 1300)
    assert board.boots > 30  # one in 36 s
    assert load_identity(board.prov).boot == 1
    assert {frame.boot for frame in board.relay.frames} == {1}


def test_an_hour_and_a_quarter_arrive_in_frames_that_follow_each_other():
    board = deep_board()
    live(board, 4_500)
    frames = windows_of(board.relay)
    assert sum(len(frame.records) // 14 for frame in frames) * 5.12 > 4_500 - 700
    for earlier, later in pairwise(frames):
        assert abs(later.up_s - earlier.up_s - len(earlier.records) // 14 * 5.12) < 2
    assert [frame.seq for frame in sorted(board.relay.frames, key=lambda f: f.seq)] == list(
        range(len(board.relay.frames))
    )


def test_most_wakes_leave_the_log_alone():
    board = deep_board()
    mounted = []
    lives = Lives(board)
    while board.clock.now_us < 1800 * 1_000_000:
        lives.step()
        if lives.state == SLEEP:
            mounted.append(lives.collar.outbox is not None)
    assert sum(mounted) < len(mounted) / 4


def test_a_wake_goes_from_cold_to_drain_without_touching_the_sensors_settings():
    board = deep_board()
    live(board, 300)
    lives = Lives(board)
    states = [lives.step() or lives.state for _ in range(3)]
    assert lives.collar.board.slept_deeply()
    assert states == [RESTORE, SLEEP, DRAIN]


def test_a_raw_burst_and_alarms_are_kept_over_the_sleep():
    board = deep_board()
    lives = Lives(board)
    while lives.state != STORE:
        lives.step()
    lives.collar.alarms = 2
    lives.collar.kept["burst"], lives.collar.kept["burst_left"] = 7, 900
    boots, windows = board.boots, lives.collar.sampler.windows
    while board.boots == boots:
        lives.step()
    lives.step()
    assert lives.collar.alarms == 2
    assert lives.collar.kept["burst_left"] == 900 - 64 * windows


@pytest.fixture(scope="module")
def asleep():
    """Retained memory, flash and log of a collar in deep sleep, with rows that wait."""
    board = deep_board()
    lives = Lives(board)
    while board.boots < 8:
        lives.step()
    return board


def test_what_a_sleeping_collar_keeps_is_found_again(asleep):
    kept = Retained(memoryview(bytearray(asleep.retained)))
    assert kept["boot"]
    assert kept.load_deep() is not None
    assert len(kept.load_deep()) <= DEEP_MAX


def test_any_flipped_bit_of_retained_memory_leads_to_a_cold_start_and_loses_nothing_of_the_log(asleep):
    used = 4 + 256 + len(Retained(memoryview(bytearray(asleep.retained))).load_deep())
    whole = bytes(asleep.retained)
    counters = _SIZE + 4  # with their CRC
    found = 0
    for bit in range(8 * used):
        memory = bytearray(whole)
        memory[bit // 8] ^= 1 << bit % 8
        kept = Retained(memoryview(memory))
        if counters <= bit // 8 < 256:
            assert kept["boot"]  # the bit is nobody's
            continue
        found += not kept["boot"] or kept.load_deep() is None
    assert found == 8 * (used - (256 - counters))


@pytest.mark.parametrize("byte", [0, 263])
def test_a_collar_whose_memory_is_damaged_boots_cold_and_goes_on(asleep, byte):
    memory = bytearray(asleep.retained)
    memory[byte] ^= 0x10
    board = deep_board(retained=memoryview(memory), log=deepcopy(asleep.log))
    board.is_slept, board.cause = True, 3
    collar = Collar(board)
    assert collar.state == COLD
    live(board, 700)
    assert load_identity(board.prov).boot >= 1
    assert windows_of(board.relay)


def test_windows_that_were_not_in_flash_survive_a_watchdog_reset(asleep):
    again = deep_board(
        retained=memoryview(bytearray(asleep.retained)), log=deepcopy(asleep.log), cause=WATCHDOG
    )
    again.prov = deepcopy(asleep.prov)
    live(again, 1500)
    earlier = [f for f in again.relay.frames if f.boot == 1 and f.kind == 0x11]
    assert sum(len(f.records) // 14 for f in earlier) >= 6 * 7


def test_a_change_of_profile_by_the_relay_writes_what_was_gathered_and_tells_its_number():
    board = TestBoard(Nodding(), prov=provisioned(upload_s=300))
    board.relay.next_s = 300
    raw = encode_settings(NO_SETTINGS._replace(number=3, profile=DEEP))
    board.relay.settings = raw
    lives = live(board, 2 * FIRST_UPLOAD_S)
    assert lives.collar.is_deep
    assert load_identity(board.prov).settings == raw
    health = [wire.unpack_health(f.records) for f in board.relay.frames if f.kind == 0x14]
    assert [record.flags >> 4 for record in health[:2]] == [0, 3]


def test_a_log_that_cannot_be_opened_for_hours_costs_the_oldest_windows_and_neither_sleep_nor_uploads():
    board = deep_board()
    lives = live(board, 100)
    whole, board.log = board.log, RamFlash(2)
    boots, kept_ms = board.boots, board.clock.now_us // 1000
    while board.clock.now_us < 6_000 * 1_000_000:
        lives.step()
    assert board.boots - boots < 1.3 * (board.clock.now_us // 1000 - kept_ms) / 35_840
    assert lives.collar.kept["attempt"] > 3
    board.log = whole
    while not windows_of(board.relay):
        lives.step()
    assert sum(len(frame.records) // 14 for frame in windows_of(board.relay)) >= 10 * 7
    assert load_identity(board.prov).boot == 1


def test_a_health_record_told_after_a_deep_sleep_has_the_resets_and_the_stretched_period():
    board = deep_board()
    board.battery_mv = lambda: 3450  # less than a quarter of its charge
    live(board, 2 * FIRST_UPLOAD_S)
    (health,) = [wire.unpack_health(f.records) for f in board.relay.frames if f.kind == 0x14][:1]
    assert health.resets_power_on == 1
    assert health.flags & 1


def test_an_overrun_in_a_deep_sleep_is_no_fault_of_the_chips_rate():
    board = deep_board()
    lives = live(board, 100)
    board.clock.advance_us(60_000_000)  # the FIFO holds 41 s
    while board.clock.now_us < 400 * 1_000_000:
        lives.step()
    assert lives.collar.kept["fifo_gaps"] == 1
    assert lives.collar.kept["sensor_faults"] == 0


def test_a_deep_sleep_that_no_collar_began_ends_in_a_cold_boot():
    board = TestBoard(Nodding())
    collar = Collar(board)
    while board.uptime_ms() < 300_000 or collar.state != SLEEP:
        collar.step()
    collar._keep()
    with pytest.raises(Slept):
        board.deep_sleep_ms(60_000)  # as main() does when the machine itself could not be built
    lives = Lives(board)
    while board.clock.now_us < 500 * 1_000_000:
        lives.step()
    assert lives.collar.kept["faults"] == 0
    assert load_identity(board.prov).boot == 2


def test_an_interrupt_line_that_is_stuck_high_wakes_twice_for_a_watermark():
    for board in (deep_board(), TestBoard(Nodding())):
        board.chip.next_int1_us = lambda now_us: now_us
        lives = live(board, 1_000)
        assert len(board.sleeps_ms) < 110
        assert board.boots < 70
        assert lives.collar.kept["fifo_gaps"] == 0
        assert windows_of(board.relay) or not lives.collar.is_deep


def test_how_the_collar_sits_is_still_known_after_a_deep_sleep():
    before, after = Store(SCHEMA_CODES), Store(SCHEMA_CODES)
    before._minutes.frame[:] = array("h", (640, -256, 3904, 32, 2560, -256, -2816, 7))
    before.put(5120, bytes(7 * 14), is_cut=True)
    after.restore(before.state())
    assert after._minutes.frame == before._minutes.frame
    assert after.state() == before.state()


def test_the_most_that_a_store_can_hold_fits_beside_the_samples_of_an_unfinished_window():
    store = Store(SCHEMA_CODES)
    store._count, store._hour = 15, 1  # minutes not told yet, and an hour of codes
    for drain in range(ROWS_MAX):
        store.put(35_840 * drain, bytes(7 * 14), is_cut=False)
    assert 1 + 6 * 63 + len(store.state()) <= DEEP_MAX
