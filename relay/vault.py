"""Secrets at rest: farm roots and phone numbers are sealed with AES-256-GCM under one master key.

A sealed value is `key id (4 bytes) | nonce (12) | ciphertext and tag (16)`. The context ("farm:3:root") is
authenticated too: a value copied to another row does not open. Values are found again by a blind index:
an HMAC of the plain text, which tells equal from unequal and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from relay.config import ConfigError

if TYPE_CHECKING:
    from relay.config import Config

KEY_BYTES = 32
SIMULATED_MARKER = "SIMULATED"
# A simulation keeps no secrets: with the same keys every time, the same seed gives the same bytes.
SIMULATED_KEY = hashlib.sha256(b"herdbell simulated master key").digest()
_ID_BYTES = 4
_NONCE_BYTES = 12
_TAG_BYTES = 16


class VaultError(ValueError):
    """A sealed value that does not open: another key, another context, or damaged."""


class Vault:
    """Seals and opens small values with one master key of 32 bytes."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise VaultError(f"master key of {len(master_key)} bytes, want {KEY_BYTES}")
        self._cipher = AESGCM(hmac.digest(master_key, b"herdbell seal", "sha256"))
        self._index_key = hmac.digest(master_key, b"herdbell index", "sha256")
        self._id = hmac.digest(master_key, b"herdbell key id", "sha256")[:_ID_BYTES]

    @property
    def key_id(self) -> str:
        """Short name of the master key, in hex; tells keys apart and says nothing about them."""
        return self._id.hex()

    def seal(self, plain: bytes, context: str) -> bytes:
        """Return `plain` sealed for `context`; twice the same value gives different bytes."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self._id + nonce + self._cipher.encrypt(nonce, plain, self._id + context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Return what was sealed for `context`. Raises VaultError; the message never holds the value."""
        if len(sealed) < _ID_BYTES + _NONCE_BYTES + _TAG_BYTES:
            raise VaultError(f"{context}: sealed value of {len(sealed)} bytes is too short")
        key_id, nonce, body = (
            sealed[:_ID_BYTES],
            sealed[_ID_BYTES:][:_NONCE_BYTES],
            sealed[_ID_BYTES + _NONCE_BYTES :],
        )
        if key_id != self._id:
            raise VaultError(f"{context}: sealed with key {key_id.hex()}, this is key {self.key_id}")
        try:
            return self._cipher.decrypt(nonce, body, self._id + context.encode())
        except InvalidTag as error:
            raise VaultError(f"{context}: sealed value is damaged or belongs elsewhere") from error

    def blind(self, text: str, context: str) -> bytes:
        """Return 32 bytes by which a value of `context` is found again without being stored."""
        return hmac.digest(self._index_key, context.encode() + b"\0" + text.encode(), "sha256")


def open_vault(config: Config) -> Vault:
    """Make or check the state folder and return its vault.

    A new folder is created 0700 and, under a simulated clock, marked as simulated; its master key is created
    0600 if there is none, in a simulation always the same one. Raises ConfigError if a folder with
    data has lost its key, or is of the other kind.
    """
    state = config.state_dir
    try:
        if state.is_dir() and any(state.iterdir()):
            _check_kind(config)
            return Vault(read_key(config))
        vault = Vault(_read_or_create_key(config))
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if config.simulated:
            (state / SIMULATED_MARKER).write_text("This state was made by a simulation.\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"state.dir = {state}: {error.filename}: {error.strerror}") from error
    return vault


def _check_kind(config: Config) -> None:
    marked = (config.state_dir / SIMULATED_MARKER).exists()
    if marked != config.simulated:
        made = "simulated" if marked else "real"
        raise ConfigError(
            f'state.dir = {config.state_dir}: {made} state, but clock.source = "{config.clock.source}"'
        )


def read_key(config: Config) -> bytes:
    """Return the master key. Raises ConfigError if it is missing, readable by others or no key."""
    if not _key_given(config):
        raise ConfigError(
            f"secrets.master_key_file = {config.secrets.master_key_file}: missing, and {config.state_dir} "
            "may hold data sealed with it; restore the key from its backup"
        )
    text = config.secret("secrets", "master_key")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"secrets.master_key_file = {config.secrets.master_key_file}: want {KEY_BYTES} bytes in hex"
        )
    return key


def _key_given(config: Config) -> bool:
    return (
        bool(config.environment.get("HERDBELL_SECRETS_MASTER_KEY"))
        or Path(config.secrets.master_key_file).exists()
    )


def _read_or_create_key(config: Config) -> bytes:
    if _key_given(config):
        return read_key(config)
    path = Path(config.secrets.master_key_file)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = SIMULATED_KEY if config.simulated else secrets.token_bytes(KEY_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, key.hex().encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    _sync_folder(path.parent)
    return key


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
