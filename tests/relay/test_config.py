"""Settings: what is read, from where, and how a wrong one is named."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from relay.config import SETTINGS, Config, ConfigError, is_loopback
from relay.settings import load_config

README = Path(__file__).resolve().parents[2] / "relay" / "README.md"


@pytest.fixture
def load(tmp_path):
    """Load a configuration from TOML text (without its version line) and an environment."""

    def load(text="", **environment):
        path = tmp_path / "herdbell.toml"
        path.write_text("config_version = 1\n" + text)
        return load_config(path, environment)

    return load


def test_without_a_file_the_defaults_hold():
    config = load_config(None, {})
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8080)
    assert config.state_dir == Path.cwd() / "state"
    assert not config.simulated


def test_a_file_changes_only_what_it_names(load):
    config = load("[server]\nport = 9000\n[ingest]\nnext_upload_s = 300\n")
    assert (config.server.port, config.server.host) == (9000, "127.0.0.1")
    assert config.ingest.next_upload_s == 300


def test_the_environment_wins_over_the_file(load):
    config = load("[server]\nport = 9000\n", HERDBELL_SERVER_PORT="9001", HERDBELL_WHATSAPP_ENABLED="false")
    assert config.server.port == 9001
    assert config.whatsapp.enabled is False


def test_settings_cannot_be_changed_afterwards(load):
    with pytest.raises(FrozenInstanceError):
        load().server.port = 1


def test_relative_paths_start_at_the_files_folder(load, tmp_path):
    assert load('[state]\ndir = "data"\n').state_dir == tmp_path / "data"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nprot = 1\n", "unknown key server.prot; the section has host, port"),
        ("[severs]\nport = 1\n", "unknown key severs; sections are server"),
        ("port = 1\n", "unknown key port"),
        ('[server]\nport = "80"\n', "server.port = '80': want int (0..65535)"),
        ("[server]\nport = true\n", "server.port = True: want int (0..65535)"),
        ("[server]\nport = 65536\n", "server.port = 65536: outside 0..65535"),
        ("[ingest]\nbody_timeout_s = 0\n", "ingest.body_timeout_s = 0: outside 1..300"),
        ('[clock]\nsource = "sundial"\n', "clock.source = 'sundial': want wall or simulated"),
        ("[whatsapp]\nenabled = 1\n", "whatsapp.enabled = 1: want bool"),
        ("[whatsapp]\nenabled = true\n", "whatsapp.phone_number_id = ''"),
        ('[whatsapp]\nbase_url = "http://example.org"\n', "want https, or http on loopback"),
        ('[server]\nhost = "0.0.0.0"\n[clock]\nsource = "simulated"\n', "server.host = '0.0.0.0'"),
        ('[state]\ndir = "s"\n[secrets]\nmaster_key_file = "s/key"\n', "must be outside state.dir"),
        ("[server\n", "is not TOML"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_value_and_bound(load, text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(text)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("HERDBELL_SERVER_PROT", "1", "HERDBELL_SERVER_PROT: unknown key server.prot"),
        ("HERDBELL_SERVER_PORT", "many", "server.port = 'many': want int (0..65535)"),
        ("HERDBELL_WHATSAPP_ENABLED", "perhaps", "whatsapp.enabled = 'perhaps': want bool"),
    ],
)
def test_a_wrong_variable_is_named(load, variable, value, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(**{variable: value})


@pytest.mark.parametrize("line", ["", "config_version = 2\n", "config_version = true\n"])
def test_another_version_of_the_file_is_refused(tmp_path, line):
    path = tmp_path / "herdbell.toml"
    path.write_text(line)
    with pytest.raises(ConfigError, match=r"config_version is .*, want 1"):
        load_config(path, {})


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*nowhere\.toml: No such file"):
        load_config(tmp_path / "nowhere.toml", {})


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text("EAAsecret\n")
    path.chmod(0o600)
    return path


def test_a_secret_comes_from_its_file(load, token):
    assert load('[whatsapp]\ntoken_file = "token"\n').secret("whatsapp", "token") == "EAAsecret"


def test_a_secret_comes_from_the_environment_first(load, token):
    config = load('[whatsapp]\ntoken_file = "token"\n', HERDBELL_WHATSAPP_TOKEN="EAAother")
    assert config.secret("whatsapp", "token") == "EAAother"
    assert "EAAother" not in repr(config)


def test_a_secret_that_others_can_read_is_refused_with_the_cure(load, token):
    token.chmod(0o640)
    with pytest.raises(ConfigError, match=f"mode 0640 lets others read it; run: chmod 600 {token}"):
        load('[whatsapp]\ntoken_file = "token"\n').secret("whatsapp", "token")


def test_a_secret_that_is_empty_missing_or_not_named_is_refused(load, token):
    config = load('[whatsapp]\ntoken_file = "token"\napp_secret_file = "gone"\n')
    token.write_text("\n")
    with pytest.raises(ConfigError, match=r"whatsapp\.token_file = .*: the file is empty"):
        config.secret("whatsapp", "token")
    with pytest.raises(ConfigError, match=r"whatsapp\.app_secret_file = .*gone: No such file"):
        config.secret("whatsapp", "app_secret")
    with pytest.raises(ConfigError, match=r"whatsapp\.verify_token_file = '': name a file"):
        config.secret("whatsapp", "verify_token")


def test_a_config_needs_no_file_in_tests_and_tools():
    assert Config().ingest.queue_frames == 4096


def test_the_operators_page_lists_every_setting_with_its_default_and_bounds():
    rows = dict(re.findall(r"^\| `(\w+\.\w+)` \| (.+) \|$", README.read_text(), re.MULTILINE))
    told = {key: row.split(" | ") for key, row in rows.items()}
    shown = {
        s.key: [f"`{s.default}`" if s.default != "" else "", s.rule.bounds, s.rule.help]
        for s in SETTINGS.values()
    }
    assert told == shown


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True),
                                                ("0.0.0.0", False), ("example.org", False)])  # fmt: skip
def test_loopback_is_told_from_the_rest(host, loopback):
    assert is_loopback(host) is loopback
