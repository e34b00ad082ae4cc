"""The energy ledger: durations from a board's events, currents with a source, months only modelled."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from simulator import energy, energy_runs
from simulator.__main__ import main
from simulator.bench import energy as bench
from simulator.collarhost import meter
from simulator.collarhost.board import DEEPSLEEP_RESET, Ended, SimBoard
from simulator.collarhost.bridge import Ask, Code
from simulator.motion import Still

DAY_S = 86_400.0


def asked(board, code, small=0, number=0, payload=b""):
    """Let a board answer one call of its program."""
    return board.call(Ask(code, small, 0, number, payload))


def observed(sessions=0, frames=0, boots=0, wakes=0, reads=0, led_s=0.0, image="stock", **times_s):
    """Return what a board went through in so many seconds of each state."""
    times_s = {**dict.fromkeys(meter.STATES, 0.0), **times_s}
    return energy.Observed(times_s, sessions, frames, boots, wakes, reads, led_s, image)


# the meter


def test_every_microsecond_of_a_board_is_in_exactly_one_state():
    board = SimBoard(0, Still())
    asked(board, Code.I2C, 0x6A, 1 | 400_000 << 16, b"\x0f")
    asked(board, Code.DELAY, number=5_000)
    asked(board, Code.LIGHT_SLEEP, number=30_000_000)
    asked(board, Code.PARTITION_ERASE, number=0)
    asked(board, Code.WLAN_ACTIVE, number=1)
    asked(board, Code.WLAN_CONNECT, 4, 0, b"farm")
    asked(board, Code.DELAY, number=4_000_000)
    asked(board, Code.WLAN_STATUS)
    asked(board, Code.WLAN_ACTIVE, number=0)
    with pytest.raises(Ended):
        asked(board, Code.DEEP_SLEEP, number=60_000_000)
    board.reboot(DEEPSLEEP_RESET)
    assert sum(board.meter.times_us.values()) == board.now_us
    assert all(board.meter.times_us.values())
    assert board.meter.times_us[meter.DEEP_SLEEP] == 60_000_000
    assert board.meter.times_us[meter.BOOT] == 2 * 418_000
    assert board.meter.times_us[meter.FLASH] == 45_000
    assert (board.meter.boots, board.sleeps) == (2, 2)


def test_a_sleep_that_the_watchdog_ends_counts_only_as_long_as_it_lasted():
    board = SimBoard(0, Still())
    asked(board, Code.WDT_ARM, number=10_000)
    armed_us = board.now_us
    with pytest.raises(Ended):
        asked(board, Code.LIGHT_SLEEP, number=30_000_000)
    assert board.now_us == armed_us + 10_000_000
    assert 0 < 10_000_000 - board.meter.times_us[meter.LIGHT_SLEEP] < 100  # less the call itself
    assert sum(board.meter.times_us.values()) == board.now_us


def test_a_network_that_is_never_reached_costs_its_time_and_is_no_session():
    board = SimBoard(0, Still(), coverage=())
    asked(board, Code.WLAN_ACTIVE, number=1)
    asked(board, Code.WLAN_CONNECT, 4, 0, b"farm")
    asked(board, Code.DELAY, number=20_000_000)
    assert board.meter.times_us[meter.WIFI_JOIN] >= 20_000_000
    assert board.meter.joins == 0


def test_each_join_is_one_session_however_often_its_status_is_asked():
    board = SimBoard(0, Still())
    for _ in range(3):
        asked(board, Code.WLAN_ACTIVE, number=1)
        asked(board, Code.WLAN_CONNECT, 4, 0, b"farm")
        asked(board, Code.DELAY, number=3_000_000)
        for _ in range(5):
            asked(board, Code.WLAN_STATUS)
        asked(board, Code.WLAN_ACTIVE, number=0)
    assert board.meter.joins == 3


def test_flash_that_is_written_while_the_radio_is_on_costs_the_radios_current():
    board = SimBoard(0, Still())
    asked(board, Code.WLAN_ACTIVE, number=1)
    before_us = board.meter.times_us[meter.WIFI_JOIN]
    asked(board, Code.PARTITION_ERASE, number=0)
    assert board.meter.times_us[meter.WIFI_JOIN] >= before_us + 45_000
    assert board.meter.times_us[meter.FLASH] == 0


def test_the_led_is_charged_for_as_long_as_it_is_on():
    board = SimBoard(0, Still(), led_gpio=10)
    asked(board, Code.PIN_WRITE, 10, 1)
    asked(board, Code.LIGHT_SLEEP, number=2_000_000)
    asked(board, Code.PIN_WRITE, 10, 0)
    asked(board, Code.LIGHT_SLEEP, number=9_000_000)
    assert 2_000_000 <= board.meter.led_us < 2_010_000


def test_reading_the_battery_takes_its_time():
    board = SimBoard(0, Still())
    before_us = board.now_us
    asked(board, Code.ADC, 3)
    assert board.now_us - before_us >= 100


@pytest.mark.parametrize(("image", "boot_us"), [("stock", 418_000), ("frozen", 48_800)])
def test_an_image_boots_as_long_as_it_was_measured(image, boot_us):
    assert SimBoard(0, Still(), image=image).meter.times_us[meter.BOOT] == boot_us


def test_an_image_that_nobody_builds_is_named():
    with pytest.raises(ValueError, match="image='thawed' is not one of stock, frozen"):
        SimBoard(0, Still(), image="thawed")


# constants and arithmetic


@pytest.mark.parametrize("soc", ["esp32c3", "esp32s3"])
def test_every_constant_has_a_value_a_kind_and_a_source(soc):
    constants = energy.load_constants(soc)
    assert {"light_sleep_ma", "deep_sleep_ma", "board_leak_ma", "capacity_mah"} <= constants.keys()
    assert all(len(constant.source) > 10 for constant in constants.values())


def test_a_chip_without_currents_is_named():
    with pytest.raises(ValueError, match="no currents for 'esp8266'"):
        energy.load_constants("esp8266")


def test_months_follow_the_formula_by_hand():
    constants = energy.load_constants("esp32c3")
    asleep = observed(light_sleep=DAY_S)
    features_ma = 20 * (0.002 + 0.002) / 5.12
    mean_ma = 0.13 + 0.015 + 0.05 + features_ma
    assert energy.average_ma(asleep, constants) == pytest.approx(mean_ma)
    self_discharge_ma = 6600 * 0.02 / 730.6
    assert energy.months(asleep, constants) == pytest.approx(
        0.85 * 6600 / (730.6 * (mean_ma + self_discharge_ma))
    )


def test_a_session_costs_its_time_on_the_air_though_sockets_take_no_virtual_time():
    constants = energy.load_constants("esp32c3")
    rows = {row.state: row for row in energy.ledger(observed(96, 300, light_sleep=DAY_S), constants)}
    assert rows["Wi-Fi request"].duration_s == pytest.approx(96 * 0.3)
    assert rows["Wi-Fi TX"].duration_s == pytest.approx(300 * 0.0112)
    assert rows["Wi-Fi TX"].kind == "estimated"  # a datasheet's current times an estimated time


def test_bytecode_in_place_of_native_loops_costs_months():
    constants = energy.load_constants("esp32c3")
    asleep = observed(light_sleep=DAY_S)
    native, slow = (energy.months(asleep, constants, kernels) for kernels in energy.KERNELS)
    assert native > slow
    other = energy.months_with(asleep, constants, "kernel_viper_s_per_window", 0.034)
    assert other == pytest.approx(slow)


def test_a_deep_sleep_that_boots_a_stock_image_costs_what_was_measured():
    constants = energy.load_constants("esp32c3")
    slept = observed(boots=1, wakes=1, boot=0.418, deep_sleep=35.4)
    rows = {row.state: row for row in energy.ledger(slept, constants)}
    assert rows["boot, stock image"].charge_mc == pytest.approx(26.5, rel=0.001)
    assert rows["imports"].charge_mc == pytest.approx(0.25 * 20)
    frozen = observed(boots=1, wakes=1, image="frozen", boot=0.0488, deep_sleep=35.4)
    rows = {row.state: row for row in energy.ledger(frozen, constants)}
    assert rows["boot, frozen image"].charge_mc == pytest.approx(1.82, rel=0.001)


def test_every_other_value_is_of_a_constant_and_says_whose_it_is():
    names = energy.load_constants("esp32s3").keys() & energy.load_constants("esp32c3").keys()
    assert {other.name for other in energy.load_instead()} <= names
    assert all(len(other.source) > 10 for other in energy.load_instead())


def test_nothing_lasts_longer_when_a_constant_is_twice_as_large():
    constants = energy.load_constants("esp32c3")
    spent = dict.fromkeys(meter.STATES, 10.0) | {"light_sleep": DAY_S}
    seen = observed(96, 300, boots=9, wakes=2400, reads=99, led_s=3, **spent)
    months = energy.months(seen, constants)
    made = energy.doubled(seen, constants)
    assert all(value < months for value in made.values())
    unused = {"capacity_mah", "usable_share", "kernel_bytecode_s_per_window"}
    unused |= {"boot_frozen_ma", "load_frozen_s"}
    assert made.keys() == constants.keys() - unused
    assert list(made.values()) == sorted(made.values())


def test_a_run_in_which_no_time_passed_has_no_average():
    with pytest.raises(ValueError, match="no time passed"):
        energy.average_ma(observed(), energy.load_constants("esp32c3"))


# the command and its runs


def test_the_command_runs_the_firmware_and_calls_its_figures_modelled(tmp_path):
    out = tmp_path / "energy.json"
    result = CliRunner().invoke(main, ["energy", "--days", "0.1", "--out", str(out)])
    assert result.exit_code == 0, result.output
    made = json.loads(out.read_text())
    assert made["status"] == "modelled"
    assert [run["profile"] for run in made["runs"]] == ["stock-light", "stock-deep", "frozen-deep"]
    for run in made["runs"]:
        assert run["days"] == pytest.approx(0.1, rel=0.02)
        durations = {row["state"]: row["duration_s"] for row in run["rows"]}
        asleep = "light sleep" if run["profile"] == "stock-light" else "deep sleep"
        assert 0.9 < durations[asleep] / (run["days"] * DAY_S) < 1
        assert 0.6 * 8640 / run["upload_s"] - 1 <= run["sessions"] <= 1.3 * 8640 / run["upload_s"] + 2
        assert run["frames"] >= 1
        assert (run["boots"] > 100) == (run["profile"] != "stock-light")
    assert [line for line in result.output.splitlines() if "months" in line and "odelled" not in line] == []


@pytest.mark.parametrize(("asked_for", "board"), [("esp32c3", "esp32-c3"), ("esp32s3", "esp32-s3")])
def test_the_command_takes_profile_coverage_and_chip(tmp_path, asked_for, board):
    out = tmp_path / "energy.json"
    chosen = ["--profile", "stock-light", "--coverage", "parlour", "--soc", asked_for, "--days", "0.1"]
    result = CliRunner().invoke(main, ["energy", *chosen, "--out", str(out)])
    assert result.exit_code == 0, result.output
    (run,) = json.loads(out.read_text())["runs"]
    assert (run["coverage"], run["board"], run["sessions"]) == ("parlour", board, 0)
    assert run["constants"]["light_sleep_ma"]["value"] == {"esp32c3": 0.13, "esp32s3": 0.24}[asked_for]


def test_the_first_days_of_a_collar_are_counted_once_and_apart():
    build = energy_runs.BUILDS["stock-light"]
    first, later = energy_runs.observe(build, "always", 0.05, 1, first_days=0.05)
    _, whole = energy_runs.observe(build, "always", 0.1, 1)
    assert first.total_s + later.total_s == pytest.approx(whole.total_s)
    assert (first.boots, later.boots) == (1, 0)
    assert first.sessions + later.sessions == whole.sessions


def test_one_seed_is_one_prediction():
    build = energy_runs.BUILDS["stock-light"]
    runs = [energy_runs.run(build, "always", days=0.05, seed=seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("build", energy_runs.BUILDS.values())
def test_the_pins_of_a_build_are_those_of_the_firmwares_board(build):
    pins = firmware_boards()[build.board]
    wired = energy_runs.PINS[build.board]
    assert pins["chip"].lower() == build.soc
    assert (pins["battery"], pins["led"], pins["int1"]) == (wired["battery_gpio"], wired["led_gpio"], 4)
    assert pins.get("cs") == wired.get("spi_cs_gpio")


def firmware_boards():
    """Return collar.board.BOARDS."""
    from simulator.collarhost.onhost import Boot

    return Boot(None, None).load("collar.board").BOARDS


def test_the_benchmark_has_the_keys_that_ci_asks_for():
    made = bench.figures(seed=1, days=0.05)
    shares = {f"months_share_{where}" for where in ("parlour", "barn", "outages")}
    assert made.keys() == {"months_stock_light_c3", "months_frozen_deep"} | shares
    assert all(0 < value < 100 for value in made.values())
