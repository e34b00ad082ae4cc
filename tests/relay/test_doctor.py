"""herdbell doctor: what it looks at, and that it says what to do."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import metadata
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from relay import doctor
from relay.__main__ import main
from relay.config import ChannelsConfig, ClockConfig, ServerConfig, WhatsappConfig
from relay.doctor import FAIL, OK, WARN, examine
from relay.vault import open_vault
from relay.whatsapp import rates, versions
from tests.relay.process import write_settings
from tests.relay.scene import config_in

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def config(tmp_path):
    return config_in(tmp_path, server=ServerConfig(port=0))


def finding(config, check, now=NOW):
    """Return what one check found; every finding that is not ok says what to do."""
    findings = {found.check: found for found in examine(config, now)}
    assert all(bool(found.cure) == (found.level != OK) for found in findings.values())
    return findings[check]


def test_a_new_machine_has_nothing_to_put_right(config):
    assert [found for found in examine(config, NOW) if found.level == FAIL] == []
    assert "will be made" in finding(config, "state").text
    assert "will be made" in finding(config, "master key").text


def test_looking_changes_nothing(config, tmp_path):
    examine(config, NOW)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("year", [1970, 2025, 2056])
def test_a_clock_that_cannot_be_right_is_found(config, year):
    assert finding(config, "clock", datetime(year, 1, 1, tzinfo=UTC)).level == (OK if year == 2026 else FAIL)


def test_a_master_key_that_others_read_is_found(config, tmp_path):
    open_vault(config)
    (tmp_path / "master.key").chmod(0o644)
    found = finding(config, "master key")
    assert (found.level, "chmod 600" in found.text) == (FAIL, True)


def test_a_master_key_that_is_gone_is_found(config, tmp_path):
    open_vault(config)
    (tmp_path / "state" / "herdbell.db").touch()
    (tmp_path / "master.key").unlink()
    assert finding(config, "master key").level == FAIL


def test_a_state_of_the_other_kind_is_found(config):
    open_vault(replace(config, clock=ClockConfig(source="simulated")))
    assert "is simulated, clock.source is wall" in finding(config, "state").text


@pytest.mark.parametrize(("free_mib", "level"), [(50, FAIL), (500, WARN), (5000, OK)])
def test_a_full_disk_is_found(config, monkeypatch, free_mib, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free_mib << 20))
    assert finding(config, "disk").level == level


def test_a_slow_disk_is_found(config, monkeypatch):
    monkeypatch.setattr(doctor, "_fsync_ms", lambda _folder: 80.0)
    assert finding(config, "fsync").level == WARN


def test_a_disk_that_does_not_write_is_found(config, monkeypatch):
    def fails(_folder):
        raise OSError(28, "No space left on device", "state")

    monkeypatch.setattr(doctor, "_fsync_ms", fails)
    assert finding(config, "fsync").text == "state: No space left on device"


def test_a_port_in_use_is_found(config):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = replace(config, server=ServerConfig(port=taken.getsockname()[1]))
        assert finding(busy, "port").level == WARN


def test_a_relay_that_others_reach_needs_tls_in_front(config):
    assert finding(replace(config, server=ServerConfig(host="0.0.0.0", port=0)), "exposure").level == WARN


def test_whatsapp_that_is_off_or_lacks_a_secret_is_found(config, tmp_path):
    assert finding(config, "whatsapp").level == WARN
    on = WhatsappConfig(enabled=True, phone_number_id="1", token_file=str(tmp_path / "token"))
    found = finding(replace(config, whatsapp=on), "whatsapp")
    assert (found.level, "whatsapp.token_file" in found.text) == (FAIL, True)


def test_whatsapp_with_its_secrets_is_ok(config):
    names = ("TOKEN", "APP_SECRET", "VERIFY_TOKEN")
    secrets = {f"HERDBELL_WHATSAPP_{name}": "secret" for name in names}
    on = replace(config, whatsapp=WhatsappConfig(enabled=True, phone_number_id="1"), environment=secrets)
    assert finding(on, "whatsapp").level == OK


@pytest.mark.parametrize(("days", "level"), [(-1, FAIL), (0, WARN), (versions.WARN_DAYS, OK)])
def test_a_graph_version_that_ends_soon_or_has_ended_is_found(config, days, level):
    version, end = next((version, end) for version, end in versions.ENDS.items() if end)
    on = WhatsappConfig(enabled=True, phone_number_id="1", graph_version=version)
    now = datetime(end.year, end.month, end.day, tzinfo=UTC) - timedelta(days=days)
    found = finding(replace(config, whatsapp=on), "graph version", now)
    assert (found.level, version in found.text) == (level, True)


def test_rates_that_a_new_quarter_may_have_changed_are_found(config):
    checked_on = rates.packaged().checked_on
    day = datetime(checked_on.year, checked_on.month, checked_on.day, tzinfo=UTC)
    assert finding(config, "rates", day).level == OK
    assert finding(config, "rates", day + timedelta(days=93)).level == WARN


def test_a_second_channel_without_apprise_is_found(config, monkeypatch):
    on = replace(config, channels=ChannelsConfig(enabled=True))
    assert finding(on, "channels").level == OK
    monkeypatch.setitem(sys.modules, "apprise", None)
    found = finding(on, "channels")
    assert (found.level, "pip install" in found.text) == (FAIL, True)
    assert finding(config, "channels").level == OK


def test_a_farm_that_chose_the_second_channel_is_not_told_that_it_has_none(config):
    found = finding(replace(config, channels=ChannelsConfig(enabled=True)), "whatsapp")
    assert (found.level, found.text) == (OK, "off: everything goes by the second channel")


def test_missing_wheels_are_no_obstacle(config, monkeypatch):
    def none(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", none)
    assert (finding(config, "python").level, finding(config, "simulator").level) == (OK, WARN)


def run(settings, *arguments):
    return CliRunner(env={"HERDBELL_CONFIG": str(settings)}).invoke(main, ["doctor", *arguments])


def test_the_command_prints_a_line_per_check_and_exits_0_when_the_relay_can_run(tmp_path):
    result = run(write_settings(tmp_path, "[server]\nport = 0\n"))
    assert result.exit_code == 0
    assert all(line.split()[0] in (OK, WARN) for line in result.output.splitlines())


def test_the_command_exits_1_when_something_has_to_be_put_right(tmp_path):
    result = run(write_settings(tmp_path, "[server]\nprot = 0\n"), "--json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert (found["check"], found["level"], found["cure"]) == ("configuration", FAIL, "correct the setting")
