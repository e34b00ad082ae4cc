"""The state machine on a simulated board: a day, and everything that may go wrong in one.

Long: the cases share one scene, and a state is read beside the one that it leads to.
"""

from __future__ import annotations

import errno
from itertools import pairwise

import pytest

from collar import app
from collar.app import COLD, IMU_CHECK, SAFE, SLEEP, TRANSITIONS, UPLINK, Collar, run
from collar.retained import Retained
from collar.schedule import backoff_s, spread_s
from collar.settings import HARD, WATCHDOG, load_identity
from herdcore import wire
from herdcore.records import unpack_raw
from simulator.motion import Still
from tests.collar.ram_flash import RamFlash, count_waiting
from tests.collar.scene import DEVICE, BlockDevice, Lives, Nodding, TestBoard, provisioned

FIRST_UPLOAD_S = 900 + spread_s(DEVICE, 900)


@pytest.fixture
def board():
    return TestBoard(Nodding())


def until(collar, seconds):
    """Step a collar until that uptime, and to its next sleep."""
    while collar.board.uptime_ms() < 1000 * seconds or collar.state != SLEEP:
        collar.step()
    return collar


def windows_of(relay):
    return [frame for frame in relay.frames if frame.kind == 0x11]


def health_of(relay):
    return [wire.unpack_health(frame.records) for frame in relay.frames if frame.kind == 0x14]


def visited(collar, steps):
    states = [collar.state]
    for _ in range(steps):
        collar.step()
        states.append(collar.state)
    return states


# the way through


def test_a_collar_goes_from_cold_to_its_first_windows_state_by_state(board):
    assert visited(Collar(board), 8) == [*range(app.STORE + 1), SLEEP]


def test_every_state_of_a_day_keeps_to_the_table(board):
    collar = Collar(board)
    before = collar.state
    for _ in range(2000):
        collar.step()
        assert collar.state in TRANSITIONS[before]
        before = collar.state
    assert collar.kept["faults"] == 0


def test_a_boot_is_counted_in_flash_before_the_first_frame(board):
    until(Collar(board), FIRST_UPLOAD_S + 10)
    assert load_identity(board.prov).boot == 1
    assert {frame.boot for frame in board.relay.frames} == {1}


def test_sensor_wakes_are_the_only_ones_between_uploads(board):
    collar = until(Collar(board), 800)
    assert 20 <= collar.wakes <= 23  # one in 35.84 s
    assert max(board.sleeps_ms) <= 45_000


def test_eight_hours_arrive_in_frames_that_follow_each_other(board):
    until(Collar(board), 28_800)
    frames = sorted(windows_of(board.relay), key=lambda frame: frame.seq)
    assert sum(len(frame.records) // 14 for frame in frames) * 5.12 > 28_800 - 950
    for earlier, later in pairwise(frames):
        assert abs(later.up_s - earlier.up_s - len(earlier.records) // 14 * 5.12) < 2
    assert 28 <= board.relay.requests <= 32


@pytest.mark.parametrize("ppm", [-30_000, 0, 30_000])
def test_an_upload_of_fifteen_minutes_is_two_frames_or_three_whatever_the_chips_rate(ppm):
    board = TestBoard(ppm=ppm)
    until(Collar(board), 12_000)
    frames = windows_of(board.relay)
    assert 2 <= len(frames) / board.relay.requests <= 3
    assert max(len(frame.records) for frame in frames) == 88 * 14


def test_windows_carry_what_the_sensor_saw(board):
    until(Collar(board), FIRST_UPLOAD_S + 10)
    window = wire.unpack_windows(windows_of(board.relay)[0].records)[0]
    assert (window.mean_x_16mg, window.mean_y_16mg, window.mean_z_16mg) == pytest.approx((6, -12, 60), abs=1)


def test_the_relays_clock_dates_windows_within_half_a_window(board):
    until(Collar(board), 20_000)
    for frame in windows_of(board.relay):
        sent_s = frame.up_s + frame.age_s
        assert sent_s <= board.uptime_ms() // 1000
        assert frame.age_s >= len(frame.records) // 14 * 5.12 - 3


@pytest.mark.parametrize("ppm", [-20_000, 20_000])
def test_an_oscillator_off_by_two_percent_still_dates_every_frames_beginning_to_the_second(ppm):
    board = TestBoard(ppm=ppm)
    until(Collar(board), 10_000)
    frames = sorted(windows_of(board.relay), key=lambda frame: frame.seq)
    assert len(frames) > 10
    window_s = 5.12 / (1 + ppm / 1e6)
    first_up_s, windows = frames[0].up_s, 0
    for frame in frames:
        assert abs(frame.up_s - first_up_s - windows * window_s) < 1.5
        windows += len(frame.records) // 14


def test_a_gap_of_a_few_seconds_ends_the_frame(board):
    collar = until(Collar(board), 200)
    board.clock.advance_us(44_000_000)  # the FIFO holds 41 s
    until(collar, FIRST_UPLOAD_S + 5)
    assert collar.kept["fifo_gaps"] == 1
    first, second = sorted(windows_of(board.relay), key=lambda frame: frame.seq)[:2]
    assert len(first.records) // 14 < 88
    assert 2 < second.up_s - first.up_s - len(first.records) // 14 * 5.12 < 10


# uploads


def test_the_first_upload_comes_one_period_and_the_collars_place_after_boot(board):
    collar = until(Collar(board), FIRST_UPLOAD_S - 40)
    assert board.relay.requests == 0
    until(collar, FIRST_UPLOAD_S + 5)
    assert board.relay.requests == 1


def test_the_relay_sets_the_period(board):
    board.relay.next_s = 3600
    collar = until(Collar(board), FIRST_UPLOAD_S + 5)
    assert collar.period_s == 3600
    until(collar, FIRST_UPLOAD_S + 8 * 3600)
    assert 7 <= board.relay.requests <= 9


def test_uploads_keep_the_collars_place_in_the_period(board):
    collar = until(Collar(board), 30_000)
    assert collar.kept["next_upload_s"] % 900 == spread_s(DEVICE, 900)


def test_the_first_frame_of_a_boot_is_health_and_then_one_comes_every_six_hours(board):
    until(Collar(board), 13 * 3600)
    assert board.relay.frames[0].kind == 0x14
    assert len(health_of(board.relay)) == 3


def test_health_tells_battery_gravity_and_the_reset(board):
    until(Collar(board), FIRST_UPLOAD_S + 5)
    (health,) = health_of(board.relay)
    assert (health.batt_mv, health.temp_c, health.rssi_dbm, health.imu_chip) == (3912, 18, -61, 1)
    assert (health.gravity_x_16mg, health.gravity_y_16mg, health.gravity_z_16mg) == pytest.approx(
        (6, -12, 60), abs=1
    )
    assert (health.resets_power_on, health.resets_watchdog, health.upload_period_s) == (1, 0, 900)


def test_the_radio_is_off_after_a_success_and_after_a_failure(board):
    collar = until(Collar(board), FIRST_UPLOAD_S + 5)
    assert (board.wlan.is_active, board.wlan.calls[-1]) == (False, "inactive")
    board.wlan.reachable = False
    until(collar, FIRST_UPLOAD_S + 2000)
    assert not board.wlan.is_active


def test_failed_uploads_back_off_at_least_by_the_collars_own_schedule(board):
    board.wlan.reachable = False
    collar = until(Collar(board), FIRST_UPLOAD_S + 1)
    for attempt in range(1, 6):
        assert collar.kept["attempt"] == attempt
        planned_s = collar.kept["next_upload_s"]
        assert planned_s - board.uptime_ms() // 1000 >= backoff_s(DEVICE, attempt)
        until(collar, planned_s + 1)


@pytest.mark.parametrize(
    ("asked_s", "least_s", "most_s"), [(600, 600, 600), (86_400, 1800, 1800), (1, 5, 10)]
)
def test_a_busy_relay_is_left_alone_as_long_as_it_asks_within_bounds(board, asked_s, least_s, most_s):
    board.relay.busy_s = asked_s
    collar = Collar(board)
    while collar.kept["attempt"] == 0:
        collar.step()
    assert least_s <= collar.kept["next_upload_s"] - board.uptime_ms() // 1000 <= most_s
    assert count_waiting(collar.outbox) >= 2


def test_an_outage_shorter_than_the_log_loses_nothing(board):
    board.wlan.reachable = False
    collar = until(Collar(board), 2000)
    board.wlan.reachable = True
    until(collar, 6000)
    seqs = sorted(frame.seq for frame in board.relay.frames)
    assert seqs == list(range(len(seqs)))
    assert collar.outbox.dropped == 0
    assert collar.kept["attempt"] == 0


def test_an_outage_longer_than_the_log_keeps_the_newest_and_tells_what_went(monkeypatch):
    monkeypatch.setattr("collar.outbox.reserve_sectors", lambda *_: 0)
    board = TestBoard(Still(100, -200, 970), log=RamFlash(6))
    board.wlan.reachable = False
    collar = until(Collar(board), 4 * 3600)
    board.wlan.reachable = True
    until(collar, 5 * 3600)
    lost = collar.outbox.dropped
    assert lost > 15
    newest_first = [frame.seq for frame in windows_of(board.relay)]
    assert newest_first[0] > newest_first[1]
    until(collar, 11 * 3600)
    assert health_of(board.relay)[-1].dropped_frames == lost
    assert health_of(board.relay)[-1].uplink_failures > 10


def test_a_burst_that_the_relay_asks_for_is_a_minute_of_samples_sent_at_once_and_only_once(board):
    board.relay.burst = (7, 60)
    collar = until(Collar(board), FIRST_UPLOAD_S + 150)
    told = [frame for frame in board.relay.frames if frame.kind == 0x15]
    heads = [unpack_raw(frame.records) for frame in told]
    assert {head.burst_id for head in heads} == {7}
    assert sum(len(frame.records) // 6 - 1 for frame in told) == 750
    until(collar, FIRST_UPLOAD_S + 2 * 900)
    assert sum(frame.kind == 0x15 for frame in board.relay.frames) == len(told)


def test_a_failing_relay_does_not_disturb_the_sampling(board):
    board.relay.ranges = []
    collar = until(Collar(board), 7200)
    assert collar.kept["uplink_failures"] > 3
    assert (collar.kept["faults"], collar.kept["fifo_gaps"]) == (0, 0)


# what goes wrong


def test_an_uplink_that_runs_out_of_memory_backs_off_and_leaves_the_sensor_alone(board):
    collar = until(Collar(board), FIRST_UPLOAD_S - 60)

    def exhausted(*_):
        raise MemoryError

    board.relay.answer = exhausted
    until(collar, FIRST_UPLOAD_S + 300)
    assert 2 <= collar.kept["attempt"] <= 6
    assert collar.kept["fault"] == UPLINK << 8
    assert (collar.kept["sensor_faults"], collar.kept["fifo_gaps"]) == (0, 0)
    assert not board.wlan.is_active


def test_a_dead_interrupt_line_costs_nothing_but_wakes(board):
    board.int1_dead = True
    collar = until(Collar(board), 7200)
    assert collar.kept["fifo_gaps"] == 0
    assert sum(len(f.records) // 14 for f in windows_of(board.relay)) > 1200


def test_one_failed_transfer_is_a_counted_fault_and_sampling_goes_on(board):
    collar = until(Collar(board), 100)
    board.bus.nack_transfer(1)
    until(collar, 300)
    assert (collar.kept["faults"], collar.kept["sensor_faults"]) == (1, 1)
    assert collar.kept["fault"] == app.DRAIN << 8 | errno.ENODEV
    until(collar, FIRST_UPLOAD_S + 5)
    assert len(windows_of(board.relay)) >= 3  # the gap began a new frame


def test_a_stuck_bus_is_recovered(board):
    collar = until(Collar(board), 100)
    board.bus.hold_sda()
    until(collar, 300)
    assert collar.kept["fault"] == app.DRAIN << 8 | errno.ETIMEDOUT
    assert collar.faults_in_row == 0
    assert collar.imu.count() < 448


def test_a_sensor_that_lost_its_settings_is_set_up_anew(board):
    collar = until(Collar(board), 100)
    board.i2c.writeto(0x6A, bytes((0x12, 0x01)))  # a brown-out of the chip: everything at its reset values
    until(collar, 400)
    assert collar.kept["sensor_faults"] == 1
    assert board.chip.read(0x10, 1, board.clock.now_us) == b"\x1c"


def test_a_collar_without_a_sensor_still_tells_the_relay(board):
    board.bus.chips.clear()
    collar = until(Collar(board), FIRST_UPLOAD_S + 1000)
    assert health_of(board.relay)[0].sensor_faults > 3
    assert health_of(board.relay)[0].imu_chip == 0
    assert board.relay.requests >= 1
    assert collar.outbox.dropped == 0


def test_the_interrupt_does_not_wake_a_collar_that_cannot_drain(board):
    collar = until(Collar(board), 100)
    board.bus.nack_transfer(1)
    while collar.faults_in_row == 0:
        collar.step()
    collar.step()
    assert board.wakes_on_int1 is False
    assert board.sleeps_ms[-1] >= 5000


def test_the_watchdog_is_fed_while_all_is_well_and_left_alone_after_eleven_faults(board):
    collar = until(Collar(board), 600)
    assert board.watchdog_ms == 60_000
    gaps = [later - earlier for earlier, later in pairwise(board.fed_ms)]
    assert max(gaps) < 60_000
    board.bus.chips.clear()
    while collar.faults_in_row < 11:
        collar.step()
    gone_ms = board.uptime_ms()
    until(collar, gone_ms // 1000 + 1800)
    assert board.fed_ms[-1] - gone_ms < 1_000_000


@pytest.mark.parametrize("state", [app.DRAIN, app.STORE, UPLINK])
def test_the_watchdog_is_not_fed_when_sampling_storing_or_uplink_shows_no_life(board, state):
    collar = until(Collar(board), 100)
    states = list(collar._states)
    states[state] = lambda: board.pause_ms(500) or SLEEP  # comes to nothing, raises nothing
    collar._states = tuple(states)
    lame_from_ms = board.uptime_ms() if state != UPLINK else 1000 * FIRST_UPLOAD_S
    while board.uptime_ms() < lame_from_ms + 3_600_000:
        collar.step()
    assert 500_000 < board.fed_ms[-1] - lame_from_ms < 700_000


def test_a_day_without_an_ack_ends_in_a_restart_in_case_the_radio_is_stuck(board, monkeypatch):
    monkeypatch.setattr(app, "_DEAF_MS", 7_200_000)
    board.wlan.reachable = False
    lives = Lives(board)
    while board.boots == 1:
        lives.step()
    assert 2 <= board.clock.now_us / 3.6e9 < 2.2
    assert load_identity(board.prov).boot == 1
    until(lives, 100)
    assert load_identity(board.prov).boot == 2
    until(lives, 15_000)
    assert board.boots == 2  # once: what did not help will not help tomorrow


def worn():
    raise OSError(errno.EIO, "worn")


def test_a_restart_for_a_stuck_radio_comes_although_the_log_cannot_be_written(board, monkeypatch):
    monkeypatch.setattr(app, "_DEAF_MS", 7_200_000)
    board.wlan.reachable = False
    lives = Lives(board)
    until(lives, 7_000)
    lives.collar.store.finish = worn
    while board.boots == 1:
        lives.step()
    assert board.clock.now_us / 3.6e9 < 2.2


def test_three_periods_without_an_ack_come_before_a_restart(board, monkeypatch):
    monkeypatch.setattr(app, "_DEAF_MS", 2_400_000)
    board.relay.next_s = 3_600
    lives = Lives(board)
    until(lives, FIRST_UPLOAD_S + 10)
    board.wlan.reachable = False
    while board.boots == 1:
        lives.step()
    assert 3 * 3_600 <= board.clock.now_us / 1e6 - FIRST_UPLOAD_S < 3 * 3_600 + 120


def test_an_upload_that_cannot_write_its_windows_is_a_failed_one_whatever_the_last_was(board):
    collar = until(Collar(board), FIRST_UPLOAD_S + 60)
    collar.store.flush = worn
    until(collar, FIRST_UPLOAD_S + 2_000)
    assert collar.kept["attempt"] >= 1


def test_flash_that_fails_at_boot_is_tried_again(board):
    board.prov.cut_after = 10
    collar = until(Collar(board), 1)
    assert collar.kept["fault"] == COLD << 8 | errno.EIO
    board.prov.cut_after = None
    until(collar, 120)
    assert collar.ready
    assert collar.kept["faults"] >= 1


def test_a_state_that_names_a_wrong_successor_is_a_fault(board):
    collar = Collar(board)
    collar._states = (lambda: UPLINK, *collar._states[1:])
    collar.step()
    assert collar.state == SLEEP
    assert collar.kept["faults"] == 1


# reset after reset


def after_resets(board, n, cause):
    """Return a board that kept flash and retained memory over n more boots with that cause."""
    for _ in range(n):
        board = TestBoard(prov=board.prov, retained=board.retained, cause=cause)
        until(Collar(board), 1)
    return board


def test_retained_counters_go_on_after_a_watchdog_reset(board):
    board.wlan.reachable = False
    until(Collar(board), FIRST_UPLOAD_S + 100)
    failures = Retained(board.retained)["uplink_failures"]
    again = TestBoard(prov=board.prov, retained=board.retained, cause=WATCHDOG)
    again.wlan.reachable = False
    collar = until(Collar(again), FIRST_UPLOAD_S + 100)
    assert collar.kept["uplink_failures"] > failures > 1
    assert collar.resets == bytes((1, 0, 1, 0))


@pytest.mark.parametrize("cause", [HARD, WATCHDOG])
def test_the_third_abnormal_boot_in_a_row_is_safe(board, cause):
    board = after_resets(board, 2, cause)
    board = TestBoard(prov=board.prov, retained=board.retained, cause=cause)
    assert visited(Collar(board), 3) == [COLD, app.RESTORE, SAFE, SAFE]


def safe_board():
    board = after_resets(TestBoard(), 2, WATCHDOG)
    return TestBoard(prov=board.prov, retained=board.retained, cause=WATCHDOG)


def test_a_safe_collar_rests_for_an_hour_and_then_tells_and_tries(board):
    board = safe_board()
    collar = Collar(board)
    states = []
    while collar.state != IMU_CHECK:
        collar.step()
        states.append(collar.state)
    assert 3600 <= board.uptime_ms() / 1000 < 3700
    assert UPLINK in states
    assert len(health_of(board.relay)) == 1
    assert max(board.sleeps_ms) <= 45_000
    until(collar, 3600 + 1400)
    assert windows_of(board.relay)


def test_a_normal_boot_ends_a_row_of_abnormal_ones(board):
    board = after_resets(board, 2, WATCHDOG)
    board = after_resets(board, 1, app.HARD + 2)  # soft
    assert Retained(board.retained)["abnormal_boots"] == 0


def test_an_ack_ends_a_row_of_abnormal_boots(board):
    board = after_resets(board, 1, WATCHDOG)
    board = TestBoard(prov=board.prov, retained=board.retained, cause=WATCHDOG)
    until(Collar(board), FIRST_UPLOAD_S + 5)
    assert Retained(board.retained)["abnormal_boots"] == 0


def test_every_boot_has_frame_numbers_of_its_own(board):
    for _ in range(3):
        until(Collar(board), FIRST_UPLOAD_S + 5)
        board = TestBoard(prov=board.prov, retained=board.retained)
    assert load_identity(board.prov).boot == 3


def test_what_an_outage_left_is_sent_after_a_reset_and_dated_by_the_next_ack(board):
    board.wlan.reachable = False
    until(Collar(board), 2_000)
    again = TestBoard(prov=board.prov, retained=board.retained, log=board.log, cause=WATCHDOG)
    until(Collar(again), FIRST_UPLOAD_S + 2 * 900 + 10)
    frames = again.relay.frames
    assert [frame.boot for frame in frames[:3]] == [2, 2, 2]
    seqs = sorted(frame.seq for frame in frames if frame.boot == 1)
    assert seqs == list(range(len(seqs)))
    assert len(seqs) > 3
    assert all(frame.age_s >= 2_000 - frame.up_s for frame in frames if frame.boot == 1)


def test_an_older_identity_written_to_the_board_does_not_use_its_frame_numbers_again(board):
    until(Collar(board), FIRST_UPLOAD_S + 5)
    again = TestBoard(prov=provisioned(boot=0), log=board.log)
    until(Collar(again), FIRST_UPLOAD_S + 5)
    assert load_identity(again.prov).boot == 2
    assert {frame.boot for frame in again.relay.frames} == {2}


def test_a_board_whose_log_is_too_small_keeps_its_watchdog_and_says_nothing():
    board = TestBoard(log=RamFlash(2))
    collar = until(Collar(board), 60)
    assert not collar.ready
    assert collar.kept["faults"] > 2


def test_a_boot_that_is_tried_again_is_one_abnormal_boot_and_ends_with_the_watchdog():
    board = TestBoard(log=RamFlash(2), cause=WATCHDOG)
    collar = until(Collar(board), 3_600)
    assert collar.kept["abnormal_boots"] == 1
    assert 500 < board.fed_ms[-1] // 1000 < 700


def test_run_stops_after_the_wakes_it_was_given(board):
    assert run(board, wakes=5).wakes == 5


def test_an_unprovisioned_collar_leaves_the_prompt_to_the_maker():
    board = TestBoard(prov=BlockDevice())
    collar = run(board)
    assert collar.state == app.PROVISION
    assert not collar.ready
    assert not board.relay.requests


def test_two_runs_of_one_collar_say_the_same_bytes():
    said = []
    for _ in range(2):
        board = TestBoard(Still(300, 0, 950), prov=provisioned())
        until(Collar(board), 7200)
        said.append(board.relay.frames)
    assert said[0] == said[1]
    assert len(said[0]) > 10
