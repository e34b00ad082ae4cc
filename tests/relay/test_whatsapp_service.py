"""WhatsApp put together from the settings."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from relay.clock import FollowedClock
from relay.config import ConfigError
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.whatsapp.service import BEGUN_FILE, app_secrets, limits, open_whatsapp
from tests.relay.process import write_settings
from tests.relay.whatsapp_scene import vault

NOW_MS = 1_795_392_000_000  # 2026-11-23
SECRETS = {
    "HERDBELL_WHATSAPP_TOKEN": "secret-token",
    "HERDBELL_WHATSAPP_APP_SECRET": "new",
    "HERDBELL_WHATSAPP_VERIFY_TOKEN": "word",
}
DAYS = "herdbell_whatsapp_graph_version_days"


def config_of(folder, text="", **environment):
    path = write_settings(folder, f'[whatsapp]\nenabled = true\nphone_number_id = "1"\n{text}')
    return load_config(path, SECRETS | environment)


@asynccontextmanager
async def opened(config, registry=None):
    state = config.state_dir
    async with SqliteStorage.open(state, vault()) as storage:
        clock = FollowedClock(NOW_MS)
        async with open_whatsapp(config, storage, clock, vault().blind, registry) as whatsapp:
            yield whatsapp, clock


def test_webhooks_may_be_signed_with_the_secret_before_while_it_is_changed(tmp_path):
    assert app_secrets(config_of(tmp_path)) == ["new"]
    (tmp_path / "old.secret").write_text("old\n")
    (tmp_path / "old.secret").chmod(0o600)
    in_file = config_of(tmp_path, 'app_secret_previous_file = "old.secret"')
    assert app_secrets(in_file) == ["new", "old"]
    in_environment = config_of(tmp_path, HERDBELL_WHATSAPP_APP_SECRET_PREVIOUS="older")
    assert app_secrets(in_environment) == ["new", "older"]


def test_a_secret_that_is_named_and_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="app_secret_previous_file"):
        app_secrets(config_of(tmp_path, 'app_secret_previous_file = "gone"'))


def test_pace_and_patience_come_from_the_settings(tmp_path):
    chosen = config_of(
        tmp_path, "mps = 15\npair_interval_s = 7\npair_burst = 2\nunknown_wait_s = 90"
    ).whatsapp
    found = limits(chosen)
    assert (found.mps, found.pair_interval_ms, found.pair_burst) == (15, 7_000, 2)
    assert found.unknown_wait_ms == 90_000


async def test_a_version_that_ends_soon_is_told_at_the_start_and_counted_down(tmp_path, caplog):
    registry = CollectorRegistry()
    async with opened(config_of(tmp_path, 'graph_version = "v21.0"'), registry) as (_, clock):
        assert "v21.0 ends on 2027-01-21" in caplog.text
        before = registry.get_sample_value(DAYS)
        clock.advance(clock.now_ms() + 86_400_000)
        assert registry.get_sample_value(DAYS) == before - 1


async def test_the_newest_version_is_no_news(tmp_path, caplog):
    registry = CollectorRegistry()
    async with opened(config_of(tmp_path), registry):
        assert "graph_version" not in caplog.text
        assert registry.get_sample_value(DAYS) == 36_500


async def test_what_has_begun_is_kept_beside_the_outbox_and_for_nobody_else(tmp_path):
    config = config_of(tmp_path)
    async with opened(config) as (whatsapp, _):
        path = config.state_dir / BEGUN_FILE
        assert path.stat().st_mode & 0o777 == 0o600
        assert await whatsapp.webhook.idle() is False  # it has not looked yet
