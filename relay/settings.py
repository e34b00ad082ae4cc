"""Reads the settings: defaults, then a TOML file, then the environment."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from relay.config import (
    CONFIG_VERSION,
    ENV_PREFIX,
    SECRET_VARIABLES,
    SECTIONS,
    SETTINGS,
    Config,
    ConfigError,
    Rule,
    Setting,
    is_loopback,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def load_config(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Read settings: defaults, then the TOML file at `path`, then `environment` (os.environ if None).

    A relative path starts at the file's folder, or at the current one if the environment gives it.
    Raises ConfigError.
    """
    env = os.environ if environment is None else environment
    base = Path.cwd() if path is None else path.absolute().parent
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for setting in SETTINGS.values():
        values[setting.section][setting.name] = _resolve(setting, setting.default, base)
    for setting, value in _from_file(path) if path else ():
        values[setting.section][setting.name] = _resolve(setting, _checked(setting, value), base)
    for setting, text in _from_environment(env):
        values[setting.section][setting.name] = _resolve(
            setting, _checked(setting, _parsed(setting, text)), Path.cwd()
        )
    kept = {name: env[name] for name in SECRET_VARIABLES if name in env}
    config = Config(**{name: kind(**values[name]) for name, kind in SECTIONS.items()}, environment=kept)
    _check_together(config)
    return config


def _from_file(path: Path) -> list[tuple[Setting, Any]]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    version = document.pop("config_version", None)
    if version != CONFIG_VERSION or type(version) is not int:
        raise ConfigError(f"{path}: config_version is {version!r}, want {CONFIG_VERSION}")
    found = []
    for section, table in document.items():
        if section not in SECTIONS or not isinstance(table, dict):
            raise ConfigError(f"{path}: unknown key {section}; sections are {', '.join(SECTIONS)}")
        found += [(_known(f"{section}.{name}", f"{path}: "), value) for name, value in table.items()]
    return found


def _known(key: str, where: str) -> Setting:
    if key not in SETTINGS:
        names = ", ".join(s.name for s in SETTINGS.values() if s.section == key.split(".", 1)[0])
        raise ConfigError(f"{where}unknown key {key}; the section has {names}")
    return SETTINGS[key]


def _from_environment(env: Mapping[str, str]) -> list[tuple[Setting, str]]:
    found = []
    for name, text in sorted(env.items()):
        section, _, rest = name.removeprefix(ENV_PREFIX).lower().partition("_")
        if name.startswith(ENV_PREFIX) and section in SECTIONS and name not in SECRET_VARIABLES:
            found.append((_known(f"{section}.{rest}", f"environment variable {name}: "), text))
    return found


def _parsed(setting: Setting, text: str) -> Any:
    if isinstance(setting.default, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if isinstance(setting.default, int):
        return int(text) if text.removeprefix("-").isdecimal() else text
    return text


def _checked(setting: Setting, value: object) -> Any:
    wanted, rule = type(setting.default), setting.rule
    if type(value) is not wanted:  # bool is an int to isinstance
        raise ConfigError(f"{setting.key} = {value!r}: want {wanted.__name__}{_within(rule)}")
    if rule.choices and value not in rule.choices:
        raise ConfigError(f"{setting.key} = {value!r}: want {rule.bounds}")
    if isinstance(value, int) and not _in_range(rule, value):
        raise ConfigError(f"{setting.key} = {value}: outside {rule.bounds}")
    return value


def _in_range(rule: Rule, value: int) -> bool:
    return rule.low is None or rule.high is None or rule.low <= value <= rule.high


def _within(rule: Rule) -> str:
    return f" ({rule.bounds})" if rule.bounds else ""


def _resolve(setting: Setting, value: Any, base: Path) -> Any:
    if not setting.rule.is_path or not value:
        return value
    return str(base / Path(value).expanduser())


def _check_together(config: Config) -> None:
    if config.simulated and not is_loopback(config.server.host):
        raise ConfigError(
            f'server.host = {config.server.host!r}: clock.source = "simulated" only on loopback'
        )
    if bool(config.server.tls_cert_file) != bool(config.server.tls_key_file):
        raise ConfigError("server.tls_cert_file and server.tls_key_file: want both or neither")
    key_file = Path(config.secrets.master_key_file).resolve()
    if key_file.is_relative_to(config.state_dir.resolve()):
        raise ConfigError(
            f"secrets.master_key_file = {key_file}: must be outside state.dir = {config.state.dir}"
        )
    url = urlsplit(config.whatsapp.base_url)
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname or "")):
        raise ConfigError(
            f"whatsapp.base_url = {config.whatsapp.base_url!r}: want https, or http on loopback"
        )
    if config.whatsapp.enabled and not config.whatsapp.phone_number_id:
        raise ConfigError("whatsapp.phone_number_id = '': needed when whatsapp.enabled = true")
    if config.watch.email_to and not (config.watch.email_from and config.watch.smtp_host):
        raise ConfigError("watch.email_to: wants watch.email_from and watch.smtp_host, too")
