"""The energy ledger: durations from a board's events, currents with a source, months only modelled."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from simulator import energy
from simulator.__main__ import main
from simulator.collarhost import meter
from simulator.collarhost.board import DEEPSLEEP_RESET, Ended, SimBoard
from simulator.collarhost.bridge import Ask, Code
from simulator.motion import Still
from tests.simulator.collar_rig import real_interpreter

DAY_S = 86_400.0


def asked(board, code, small=0, number=0, payload=b""):
    """Let a board answer one call of its program."""
    return board.call(Ask(code, small, 0, number, payload))


def observed(sessions=0, frames=0, **times_s):
    """Return what a board went through in so many seconds of each state."""
    return energy.Observed({**dict.fromkeys(meter.STATES, 0.0), **times_s}, sessions, frames)


# the meter


def test_every_microsecond_of_a_board_is_in_exactly_one_state():
    board = SimBoard(0, Still())
    asked(board, Code.I2C, 0x6A, 1 | 400_000 << 16, b"\x0f")
    asked(board, Code.DELAY, number=5_000)
    asked(board, Code.LIGHT_SLEEP, number=30_000_000)
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
    features_ma = 20 * 0.010 / 5.12
    mean_ma = 0.13 + 0.015 + 0.05 + features_ma
    assert energy.average_ma(asleep, constants) == pytest.approx(mean_ma)
    self_discharge_ma = 6600 * 0.02 / 730.6
    assert energy.months(asleep, constants) == pytest.approx(
        0.85 * 6600 / (730.6 * (mean_ma + self_discharge_ma))
    )


def test_a_session_costs_its_time_on_the_air_though_sockets_take_no_virtual_time():
    constants = energy.load_constants("esp32c3")
    rows = {row.state: row for row in energy.ledger(observed(96, 300, light_sleep=DAY_S), constants)}
    assert rows["Wi-Fi RX"].duration_s == pytest.approx(96 * 1.3)
    assert rows["Wi-Fi TX"].duration_s == pytest.approx(300 * 0.0112)
    assert rows["Wi-Fi TX"].kind == "estimated"  # a datasheet's current times an estimated time


def test_nothing_lasts_longer_when_a_constant_is_twice_as_large():
    constants = energy.load_constants("esp32c3")
    seen = observed(96, 300, light_sleep=DAY_S, cpu=10, i2c=170, wifi_join=160, boot=1, deep_sleep=1)
    months = energy.months(seen, constants)
    made = energy.doubled(seen, constants)
    assert all(value < months for value in made.values())
    assert list(made.values()) == sorted(made.values())


def test_a_run_in_which_no_time_passed_has_no_average():
    with pytest.raises(ValueError, match="no time passed"):
        energy.average_ma(observed(), energy.load_constants("esp32c3"))


# the command


@real_interpreter
def test_the_command_runs_the_firmware_and_calls_its_figures_modelled(tmp_path):
    out = tmp_path / "energy.json"
    result = CliRunner().invoke(main, ["energy", "--days", "0.05", "--out", str(out)])
    assert result.exit_code == 0, result.output
    made = json.loads(out.read_text())
    assert made["status"] == "modelled"
    assert made["sessions"] >= 3
    assert made["days"] == pytest.approx(0.05, rel=0.02)
    durations = {row["state"]: row["duration_s"] for row in made["rows"]}
    assert 0.9 < durations["light sleep"] / (made["days"] * DAY_S) < 1
    assert [line for line in result.output.splitlines() if "months" in line and "odelled" not in line] == []
    assert "cannot run them yet" in result.output
