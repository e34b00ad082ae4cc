"""Secrets at rest, and the folder they guard."""

from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config import ClockConfig, Config, ConfigError, SecretsConfig, StateConfig
from relay.vault import Vault, VaultError, open_vault

KEY = bytes(range(32))


@pytest.fixture
def config(tmp_path):
    return Config(
        state=StateConfig(dir=str(tmp_path / "state")),
        secrets=SecretsConfig(master_key_file=str(tmp_path / "keys" / "master.key")),
    )


@pytest.fixture
def simulated(config):
    return Config(clock=ClockConfig(source="simulated"), state=config.state, secrets=config.secrets)


@given(plain=st.binary(max_size=100), context=st.text(max_size=20))
def test_what_was_sealed_opens_in_its_context(plain, context):
    vault = Vault(KEY)
    assert vault.open(vault.seal(plain, context), context) == plain


def test_twice_the_same_value_does_not_look_the_same():
    vault = Vault(KEY)
    assert vault.seal(b"+491701234567", "phone") != vault.seal(b"+491701234567", "phone")


def test_another_context_does_not_open_it():
    vault = Vault(KEY)
    with pytest.raises(VaultError, match="damaged or belongs elsewhere"):
        vault.open(vault.seal(b"root", "farm:1:root"), "farm:2:root")


def test_one_flipped_bit_anywhere_is_noticed():
    vault = Vault(KEY)
    sealed = vault.seal(b"root", "farm:1:root")
    for place in range(len(sealed)):
        broken = bytearray(sealed)
        broken[place] ^= 1
        with pytest.raises(VaultError):
            vault.open(bytes(broken), "farm:1:root")


def test_another_master_key_is_named_not_tried():
    ours, other = Vault(KEY), Vault(bytes(32))
    with pytest.raises(VaultError, match=f"sealed with key {other.key_id}, this is key {ours.key_id}"):
        ours.open(other.seal(b"root", "x"), "x")


def test_a_cut_off_value_is_refused():
    with pytest.raises(VaultError, match="3 bytes is too short"):
        Vault(KEY).open(b"abc", "x")


def test_a_master_key_of_the_wrong_length_is_refused():
    with pytest.raises(VaultError, match="16 bytes, want 32"):
        Vault(bytes(16))


def test_the_blind_index_finds_equal_values_of_one_context_only():
    vault = Vault(KEY)
    index = vault.blind("+491701234567", "phone")
    assert index == vault.blind("+491701234567", "phone")
    assert len({index, vault.blind("+491701234568", "phone"), vault.blind("+491701234567", "x")}) == 3
    assert Vault(bytes(32)).blind("+491701234567", "phone") != index


def test_a_new_state_gets_a_key_that_only_its_owner_reads(config, tmp_path):
    sealed = open_vault(config).seal(b"root", "x")
    key_file = tmp_path / "keys" / "master.key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert len(bytes.fromhex(key_file.read_text())) == 32
    assert open_vault(config).open(sealed, "x") == b"root"


def test_a_key_that_is_there_already_is_used_for_a_new_state(config, tmp_path):
    (tmp_path / "keys").mkdir()
    key_file = tmp_path / "keys" / "master.key"
    key_file.write_text(KEY.hex())
    key_file.chmod(0o600)
    assert open_vault(config).key_id == Vault(KEY).key_id


def test_a_state_with_data_and_without_its_key_is_refused_in_one_line(config, tmp_path):
    open_vault(config)
    (tmp_path / "state" / "herdbell.db").touch()
    (tmp_path / "keys" / "master.key").unlink()
    with pytest.raises(ConfigError, match=r"missing, and .* data sealed with it") as caught:
        open_vault(config)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "keys" / "master.key").exists()


@pytest.mark.parametrize("text", ["", "abcd", "zz" * 32])
def test_a_key_file_that_holds_no_key_is_refused(config, tmp_path, text):
    open_vault(config)
    (tmp_path / "keys" / "master.key").write_text(text)
    with pytest.raises(ConfigError, match=r"want 32 bytes in hex|file is empty"):
        open_vault(config)


def test_a_real_state_refuses_a_simulated_clock_and_the_other_way_round(config, simulated, tmp_path):
    open_vault(config)
    (tmp_path / "state" / "herdbell.db").touch()
    with pytest.raises(ConfigError, match=r'real state, but clock\.source = "simulated"'):
        open_vault(simulated)


def test_a_simulated_state_is_marked_and_never_taken_for_a_real_one(config, simulated, tmp_path):
    open_vault(simulated)
    assert (tmp_path / "state" / "SIMULATED").exists()
    open_vault(simulated)
    with pytest.raises(ConfigError, match=r'simulated state, but clock\.source = "wall"'):
        open_vault(config)


def test_a_folder_that_cannot_be_made_is_one_clear_line(config, tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(ConfigError, match=r"state\.dir = "):
        open_vault(config)
