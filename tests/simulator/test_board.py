"""A simulated board: what its silicon keeps, what it forgets, and how its time passes."""

from __future__ import annotations

import errno

import pytest

from simulator.collarhost.board import (
    DEEPSLEEP_RESET,
    EXT1_WAKE,
    GPIO_WAKE,
    IMU_ADDRESS,
    PWRON_RESET,
    SOFT_RESET,
    TIMER_WAKE,
    WDT_RESET,
    Ended,
    Refused,
    SimBoard,
    Stopped,
)  # fmt: skip
from simulator.collarhost.bridge import FED, Ask, Code, Word
from simulator.collarhost.soc import Battery
from simulator.collarhost.wlan import FOREVER_US, STAT_GOT_IP
from simulator.flash import Nor, Region
from simulator.motion import Still

MS, SECOND = 1_000, 1_000_000
_400_KHZ = 400_000 << 16


def board(**parts) -> SimBoard:
    return SimBoard(0, Still(), **parts)


def ask(made: SimBoard, code: Code, small: int = 0, number: int = 0, payload: bytes = b"", spent_us: int = 0):
    return made.call(Ask(code, small, spent_us, number, payload))


def refusal(made: SimBoard, *call) -> int:
    with pytest.raises(Refused) as caught:
        ask(made, *call)
    return caught.value.status


def sampling(made: SimBoard, watermark: int = 10) -> SimBoard:
    """Let the accelerometer fill its FIFO at 12.5 Hz and raise INT1 at the watermark."""
    for reg, value in ((0x07, watermark), (0x09, 0x01), (0x0D, 0x08), (0x10, 0x1C), (0x0A, 0x06)):
        ask(made, Code.I2C, IMU_ADDRESS, _400_KHZ, bytes((reg, value)))
    return made


def test_power_on_fills_retained_memory_with_what_was_there_by_chance():
    made = board()
    assert made.reset_cause == PWRON_RESET
    assert len(set(made.retained)) > 100
    assert made.retained != SimBoard(1, Still()).retained


def test_the_same_seed_makes_the_same_board_and_another_seed_another():
    assert board(seed=3).retained == board(seed=3).retained
    assert board(seed=3).retained != board(seed=4).retained
    assert board(seed=3).unique_id != board(seed=4).unique_id


def test_a_delay_takes_virtual_time_only():
    made = board()
    before_us = made.now_us
    ask(made, Code.DELAY, 0, 10_800 * SECOND)
    assert 0 <= made.now_us - before_us - 10_800 * SECOND < MS


def test_time_spent_on_looking_at_the_clock_passes():
    made = board()
    before_us = made.now_us
    ask(made, Code.WDT_FEED, spent_us=5 * MS)
    assert made.now_us - before_us >= 5 * MS


def test_a_transfer_takes_nine_bits_a_byte_at_the_frequency_that_was_asked_for():
    made = board()
    spans = []
    for hz in (100_000, 400_000):
        before_us = made.now_us
        ask(made, Code.I2C, IMU_ADDRESS, 700 | hz << 16, b"\x78")
        spans.append(made.now_us - before_us)
    assert spans[0] - spans[1] == pytest.approx(703 * 9 * 7.5, abs=2)


def test_the_chip_answers_with_its_id():
    assert ask(board(), Code.I2C, IMU_ADDRESS, 1 | _400_KHZ, b"\x0f") == (0, b"\x6c")


def test_nobody_at_an_address_is_enodev():
    assert refusal(board(), Code.I2C, 0x55, _400_KHZ, b"") == errno.ENODEV


def test_a_held_line_is_etimedout_after_50_ms():
    made = board()
    made.bus.hold_sda()
    before_us = made.now_us
    assert refusal(made, Code.I2C, IMU_ADDRESS, _400_KHZ, b"\x0f") == errno.ETIMEDOUT
    assert made.now_us - before_us >= 50 * MS


def test_nine_clock_pulses_free_the_line():
    made = board(scl_gpio=6)
    made.bus.hold_sda()
    for _ in range(9):
        assert refusal(made, Code.I2C, IMU_ADDRESS, _400_KHZ, b"\x0f") == errno.ETIMEDOUT
        ask(made, Code.PIN_WRITE, 6, 0)
        ask(made, Code.PIN_WRITE, 6, 1)
    assert ask(made, Code.I2C, IMU_ADDRESS, 1 | _400_KHZ, b"\x0f") == (0, b"\x6c")


def test_a_sleep_without_an_armed_pin_lasts_until_the_timer():
    made = sampling(board())
    before_us = made.now_us
    assert ask(made, Code.LIGHT_SLEEP, 0, 30 * SECOND)[0] == TIMER_WAKE
    assert 30 * SECOND <= made.now_us - before_us < 30 * SECOND + 2 * MS


def test_an_armed_pin_ends_a_sleep_when_the_chip_raises_it():
    made = sampling(board(int_gpio=4, odr_error_ppm=0), watermark=10)
    begun_us = made.now_us
    ask(made, Code.WAKE_PINS, 1, 1, b"\x04")
    assert ask(made, Code.LIGHT_SLEEP, 0, 30 * SECOND)[0] == GPIO_WAKE
    assert made.now_us - begun_us == pytest.approx(10 * 80 * MS, rel=0.3)
    assert ask(made, Code.PIN_READ, 4) == (1, b"")


def test_a_pin_that_is_high_already_ends_a_sleep_at_once():
    made = sampling(board(int_gpio=4))
    ask(made, Code.DELAY, 0, 10 * SECOND)
    ask(made, Code.WAKE_PINS, 1, 1, b"\x04")
    before_us = made.now_us
    ask(made, Code.LIGHT_SLEEP, 0, 30 * SECOND)
    assert made.now_us - before_us < 2 * MS


def test_no_pins_disarm_a_source():
    made = sampling(board(int_gpio=4))
    ask(made, Code.WAKE_PINS, 1, 1, b"\x04")
    ask(made, Code.WAKE_PINS, 1, 1, b"")
    assert ask(made, Code.LIGHT_SLEEP, 0, 30 * SECOND)[0] == TIMER_WAKE


def test_a_sleep_that_nothing_ends_lasts_for_ever():
    made = board()
    ask(made, Code.LIGHT_SLEEP, 0, 0)
    assert made.now_us >= FOREVER_US


@pytest.mark.parametrize(
    ("soc", "source", "gpio", "fine"),
    [
        ("esp32s3", 0, 21, True), ("esp32s3", 0, 22, False), ("esp32s3", 1, 48, True),
        ("esp32c3", 1, 5, True), ("esp32c3", 1, 6, False), ("esp32c3", 0, 4, False),
    ],
)  # fmt: skip
def test_wake_pins_are_those_of_the_chip(soc, source, gpio, fine):
    made = board(soc=soc)
    if fine:
        ask(made, Code.WAKE_PINS, source, 1, bytes((gpio,)))
    else:
        assert refusal(made, Code.WAKE_PINS, source, 1, bytes((gpio,))) == Word.INVALID_PIN


def test_ext1_has_its_own_wake_reason():
    made = sampling(board(soc="esp32s3", int_gpio=4))
    ask(made, Code.WAKE_PINS, 0, 1, b"\x04")
    assert ask(made, Code.LIGHT_SLEEP, 0, 30 * SECOND)[0] == EXT1_WAKE


def test_deep_sleep_ends_this_life_and_the_chip_goes_on_sampling():
    made = sampling(board(odr_error_ppm=0))
    made.retained[:3] = b"abc"
    with pytest.raises(Ended) as ended:
        ask(made, Code.DEEP_SLEEP, 0, 20 * SECOND)
    made.reboot(ended.value.cause)
    count = ask(made, Code.I2C, IMU_ADDRESS, 2 | _400_KHZ, b"\x3a")[1]
    assert made.reset_cause == DEEPSLEEP_RESET
    assert made.retained[:3] == b"abc"
    assert int.from_bytes(count, "little") & 0x3FF == pytest.approx(20.4 * 12.5, abs=6)
    assert made.uptime_us() < SECOND


def test_the_clock_runs_on_over_every_reset_and_starts_anew_with_a_new_cell():
    made = board()
    ask(made, Code.RTC_SET, 0, 1_000 * SECOND)
    with pytest.raises(Ended):
        ask(made, Code.DEEP_SLEEP, 0, 20 * SECOND)
    slept_us = made.rtc_us
    made.reboot(DEEPSLEEP_RESET)
    made.reboot(WDT_RESET)
    assert 1_020 * SECOND <= slept_us < made.rtc_us < 1_022 * SECOND
    made.power_on()
    assert made.rtc_us < SECOND


def test_a_new_cell_resets_the_chip():
    made = sampling(board())
    ask(made, Code.DELAY, 0, 20 * SECOND)
    made.power_on()
    assert ask(made, Code.I2C, IMU_ADDRESS, 2 | _400_KHZ, b"\x3a") == (0, b"\0\0")


def test_the_watchdog_ends_a_delay_that_outlasts_it():
    made = board()
    ask(made, Code.WDT_ARM, 0, 8_000)
    armed_us = made.now_us
    with pytest.raises(Ended) as ended:
        ask(made, Code.DELAY, 0, 9 * SECOND)
    assert ended.value.cause == WDT_RESET
    assert made.now_us - armed_us == 8 * SECOND


def test_the_watchdog_counts_on_in_light_sleep_but_not_in_deep_sleep():
    made = board()
    ask(made, Code.WDT_ARM, 0, 8_000)
    with pytest.raises(Ended) as light:
        ask(made, Code.LIGHT_SLEEP, 0, 9 * SECOND)
    made.reboot(light.value.cause)
    ask(made, Code.WDT_ARM, 0, 8_000)
    with pytest.raises(Ended) as deep:
        ask(made, Code.DEEP_SLEEP, 0, 9 * SECOND)
    assert (light.value.cause, deep.value.cause) == (WDT_RESET, DEEPSLEEP_RESET)


@pytest.mark.parametrize("with_next_call", [True, False])
def test_a_fed_watchdog_does_not_bite(with_next_call):
    made = board()
    ask(made, Code.WDT_ARM, 0, 8_000)
    for _ in range(5):
        if not with_next_call:
            ask(made, Code.WDT_FEED)
        made.call(Ask(Code.DELAY | FED if with_next_call else Code.DELAY, 0, 0, 7 * SECOND, b""))
    assert made.watchdog_armed


def test_a_reset_disarms_the_watchdog_and_keeps_what_is_retained():
    made = board()
    ask(made, Code.WDT_ARM, 0, 8_000)
    ask(made, Code.RETAIN, 0, 5, b"kept")
    with pytest.raises(Ended) as ended:
        ask(made, Code.RESET, SOFT_RESET)
    made.reboot(ended.value.cause)
    assert not made.watchdog_armed
    assert made.retained[5:9] == b"kept"


def test_retained_memory_has_an_end():
    assert refusal(board(), Code.RETAIN, 0, 2047, b"ab") == errno.EINVAL


@pytest.mark.parametrize(("returned", "words"), [(1, "main.py returned"), (0, "main.py raised an exception")])
def test_a_program_that_ends_says_how(returned, words):
    with pytest.raises(Stopped, match=words):
        ask(board(), Code.STOPPED, returned)


def test_a_call_that_is_not_in_the_table_is_refused():
    assert refusal(board(), 99) == errno.EINVAL


def test_a_pin_the_chip_has_not_got_is_refused():
    assert refusal(board(soc="esp32c3"), Code.PIN_READ, 22) == Word.INVALID_PIN


def test_the_cell_sags_under_the_radio_in_the_cold_and_with_the_days():
    cell = Battery(full_mv=4_100, fall_mv_per_day=10, awake_sag_mv=20, radio_sag_mv=100, cold_sag_mv_per_c=3)
    day_us = 86_400 * SECOND
    assert cell.uv_at_pin(0, radio=False, ambient_c=10) == 2_040_000
    assert cell.uv_at_pin(0, radio=True, ambient_c=10) == 2_000_000
    assert cell.uv_at_pin(0, radio=False, ambient_c=-10) == 2_025_000
    assert cell.uv_at_pin(2 * day_us, radio=False, ambient_c=10) == 2_030_000


def test_only_the_batterys_pin_sees_the_cell():
    made = board(battery_gpio=3)
    assert ask(made, Code.ADC, 3)[0] > 1_500_000
    assert ask(made, Code.ADC, 2)[0] == 0


def test_the_radio_warms_the_chip():
    made = board(ambient_c=10)
    idle_c = ask(made, Code.TEMPERATURE)[0]
    ask(made, Code.WLAN_ACTIVE, 0, 1)
    assert ask(made, Code.TEMPERATURE)[0] > idle_c >= 10


def test_partitions_are_found_by_type_and_label():
    made = board(flash=Nor(16 << 12, (Region("prov", 0, 0x2000), Region("log", 0x2000, 0xE000))))
    labels, at = [], 0
    while at >= 0:
        at, row = ask(made, Code.PARTITION_FIND, 1, at, b"")
        labels.append(row[10:].rstrip(b"\0").decode())
    assert labels == ["prov", "log"]
    assert ask(made, Code.PARTITION_FIND, 0, 0, b"prov") == (-1, b"\xff" + bytes(24))


def test_flash_programs_and_erases_as_nor_does():
    made = board()
    index = ask(made, Code.PARTITION_FIND, 1, 0, b"prov")[1][0]
    ask(made, Code.PARTITION_WRITE, index, 4096, b"\x0f\xff")
    ask(made, Code.PARTITION_WRITE, index, 4096, b"\xf3")
    assert ask(made, Code.PARTITION_READ, index, 4096 | 2 << 32) == (0, b"\x03\xff")
    ask(made, Code.PARTITION_ERASE, index, 1)
    assert ask(made, Code.PARTITION_READ, index, 4096 | 2 << 32) == (0, b"\xff\xff")


@pytest.mark.parametrize(
    "call",
    [
        (Code.PARTITION_READ, 0, 8190 | 4 << 32),
        (Code.PARTITION_ERASE, 0, 2),
        (Code.PARTITION_WRITE, 0, 8192, b"x"),
    ],
)
def test_flash_ends_where_the_partition_ends(call):
    assert refusal(board(), *call) == errno.EINVAL


def test_a_partition_that_is_not_there_is_enoent():
    assert refusal(board(), Code.PARTITION_READ, 7, 1 << 32) == errno.ENOENT


def test_a_reset_takes_the_radio_down():
    made = board()
    ask(made, Code.WLAN_ACTIVE, 0, 1)
    ask(made, Code.WLAN_CONNECT, 4, 0, b"farmkey")
    ask(made, Code.DELAY, 0, 3 * SECOND)
    assert ask(made, Code.WLAN_STATUS)[0] == STAT_GOT_IP
    made.reboot(SOFT_RESET)
    assert not made.connected
    assert refusal(made, Code.WLAN_DISCONNECT) == Word.WIFI_NOT_STARTED
