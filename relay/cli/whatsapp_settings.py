"""What `herdbell whatsapp setup` asks for: ids for the settings, secrets for files only their owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.config import ConfigError
from relay.settings import load_config
from relay.whatsapp.setup_steps import IDS, NEW_ACCOUNT, SECRETS

if TYPE_CHECKING:
    from relay.config import Config

_ASKED = {
    "phone_number_id": "Phone number ID (App Dashboard, WhatsApp, API Setup)",
    "waba_id": "WhatsApp Business Account ID (the same page)",
    "app_id": "App ID (App Dashboard, App settings, Basic)",
    "token": "Access token of a system user (Business settings, System users)",
    "app_secret": "App secret (App Dashboard, App settings, Basic)",
}


def complete(path: Path | None, config: Config) -> Config:
    """Ask for what the settings lack; return them with it, or tell what has to be put into them by hand.

    path: of the settings file. It is only added to, and only if it has no [whatsapp] yet.
    """
    lacking = [name for name in IDS if not getattr(config.whatsapp, name)]
    if lacking:
        click.echo(f"Without an account at Meta: {NEW_ACCOUNT}.")
    found = {name: _id(name) for name in lacking}
    folder = Path(config.secrets.master_key_file).expanduser().parent
    for name in SECRETS:
        if _is_there(config, name):
            continue
        named = getattr(config.whatsapp, f"{name}_file")
        file = Path(named) if named else folder / f"whatsapp-{name.replace('_', '-')}"
        if not file.exists():
            _write(file, _secret(name))
        if not named:
            found[f"{name}_file"] = str(file)
    if not found:
        return config
    lines = [f'{name} = "{value}"' for name, value in found.items()]
    if path is None or not _appended(path, lines):
        click.echo("\n".join(["Put this under [whatsapp] in the settings, and run this again:", *lines]))
        return config
    click.echo(f"{path} has the new settings.")
    return load_config(path)


def _is_there(config: Config, name: str) -> bool:
    try:
        return bool(config.secret("whatsapp", name))
    except ConfigError:
        return False


def _id(name: str) -> str:
    while not (given := str(click.prompt(_ASKED[name])).strip()).isdecimal():
        click.echo(f"{given!r} is no id of Meta: digits only")
    return given


def _secret(name: str) -> str:
    if name == "verify_token":
        made = secrets.token_urlsafe(24)
        click.echo(f"Word of the handshake, for App Dashboard, WhatsApp, Configuration: {made}")
        return made
    return str(click.prompt(_ASKED[name], hide_input=True)).strip()


def _write(file: Path, text: str) -> None:
    """Write a secret that only its owner can read; raises OSError if there is such a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text + "\n")
    click.echo(f"{file} holds it, mode 0600.")


def _appended(path: Path, lines: list[str]) -> bool:
    """Put a section [whatsapp] at the end of a settings file, unless it has one."""
    text = path.read_text(encoding="utf-8")
    if "[whatsapp]" in text:
        return False
    path.write_text("\n".join([text.rstrip(), "", "[whatsapp]", *lines, ""]), encoding="utf-8")
    return True
