"""The relay's settings. Each is declared once, here, with default and bounds; `relay.settings` reads them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_VERSION = 1
ENV_PREFIX = "HERDBELL_"


class ConfigError(ValueError):
    """A setting that cannot be used; the message names the setting, its value and its bound."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What may stand in one setting: `low` and `high` bound numbers, `choices` words."""

    help: str
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()
    is_path: bool = False

    @property
    def bounds(self) -> str:
        """Say what is allowed, for error messages and for the table in relay/README.md."""
        if self.choices:
            return " or ".join(self.choices)
        if self.low is not None:
            return f"{self.low}..{self.high}"
        return ""


def _setting(default: Any, about: str, **rule: Any) -> Any:
    return field(default=default, metadata={"default": default, "rule": Rule(about, **rule)})


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """[server]"""

    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8080, "TCP port; 0 lets the system choose", low=0, high=65535)
    tls_cert_file: str = _setting("", "certificate chain in PEM; with it the relay speaks TLS", is_path=True)
    tls_key_file: str = _setting("", "its private key in PEM, mode 0600", is_path=True)


@dataclass(frozen=True, slots=True)
class StateConfig:
    """[state]"""

    dir: str = _setting("state", "folder of the database", is_path=True)


@dataclass(frozen=True, slots=True)
class SecretsConfig:
    """[secrets]"""

    master_key_file: str = _setting(
        "~/.config/herdbell/master.key",
        "master key, 32 bytes in hex, mode 0600, outside the state folder",
        is_path=True,
    )


@dataclass(frozen=True, slots=True)
class ClockConfig:
    """[clock]"""

    source: str = _setting("wall", "where time comes from", choices=("wall", "simulated"))


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """[ingest]"""

    queue_frames: int = _setting(4096, "frames that may wait for the disk", low=64, high=1_000_000)
    body_timeout_s: int = _setting(10, "seconds a request body may take", low=1, high=300)
    next_upload_s: int = _setting(900, "upload period told to collars, s", low=5, high=86_400)


@dataclass(frozen=True, slots=True)
class AlertsConfig:
    """[alerts]"""

    no_movement_min: int = _setting(90, "minutes without movement before an alert", low=15, high=1440)


@dataclass(frozen=True, slots=True)
class WhatsappConfig:
    """[whatsapp]"""

    enabled: bool = _setting(False, "send messages")
    base_url: str = _setting("https://graph.facebook.com", "Cloud API; http only on loopback")
    graph_version: str = _setting("v26.0", "version of the Graph API")
    phone_number_id: str = _setting("", "id of the sending number")
    waba_id: str = _setting("", "id of the WhatsApp Business account, for templates")
    app_id: str = _setting("", "id of the Meta application, for the example pictures of templates")
    token_file: str = _setting("", "access token, mode 0600", is_path=True)
    app_secret_file: str = _setting("", "app secret that signs webhooks, mode 0600", is_path=True)
    app_secret_previous_file: str = _setting(
        "", "the app secret before, while it is being changed, mode 0600", is_path=True
    )
    verify_token_file: str = _setting("", "word of the webhook handshake, mode 0600", is_path=True)
    request_timeout_s: int = _setting(15, "seconds one request may take", low=1, high=120)
    template_prefix: str = _setting("collar_", "start of every template's name")
    mps: int = _setting(
        60, "messages a second, at most 3/4 of what Meta allows the number (80 at first)", low=1, high=1000
    )
    pair_interval_s: int = _setting(6, "seconds between messages to the same person", low=1, high=3600)
    pair_burst: int = _setting(3, "messages to the same person without that wait", low=1, high=45)
    unknown_wait_s: int = _setting(
        120, "seconds a delivery status may take where an answer was lost", low=30, high=3600
    )


@dataclass(frozen=True, slots=True)
class ChannelsConfig:
    """[channels]"""

    enabled: bool = _setting(False, "reach people by other ways than WhatsApp too: person channel add")
    after_s: int = _setting(
        180, "seconds an urgent alert may take by WhatsApp before another way is tried", low=30, high=3600
    )


@dataclass(frozen=True, slots=True)
class WatchConfig:
    """[watch]"""

    enabled: bool = _setting(True, "tell what is not there: collars, a farm's line, WhatsApp")
    after_min: int = _setting(30, "minutes something may be gone before it is told", low=15, high=1440)
    email_to: str = _setting("", "addresses that are told by e-mail, with commas between")
    email_from: str = _setting("", "address of the sender")
    smtp_host: str = _setting("", "mail server that takes our e-mail")
    smtp_port: int = _setting(587, "its port; TLS from the start on 465", low=1, high=65535)
    smtp_user: str = _setting("", "user name there; empty: none is asked for")
    password_file: str = _setting("", "password there, mode 0600", is_path=True)
    command: str = _setting("", "program and arguments that get a note on standard input: a modem, a siren")


@dataclass(frozen=True, slots=True)
class PrivacyConfig:
    """[privacy]"""

    # From what was said it is known what need not be said again: Teller asks for 32 days of it.
    messages_days: int = _setting(90, "days until what was said to people is forgotten", low=33, high=3650)
    statuses_days: int = _setting(400, "days until it is forgotten when messages arrived", low=30, high=3650)
    # Meta repeats a webhook for 7 days: it must be known for longer, or it counts again.
    inbox_days: int = _setting(30, "days until it is forgotten that a webhook came", low=9, high=3650)


@dataclass(frozen=True, slots=True)
class LogConfig:
    """[log]"""

    level: str = _setting("info", "least level logged", choices=("debug", "info", "warning", "error"))
    format: str = _setting("json", "form of a log line", choices=("json", "text"))


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. Secrets are not here: `secret` reads them from their file or from the environment."""

    server: ServerConfig = field(default_factory=ServerConfig)
    state: StateConfig = field(default_factory=StateConfig)
    secrets: SecretsConfig = field(default_factory=SecretsConfig)
    clock: ClockConfig = field(default_factory=ClockConfig)
    ingest: IngestConfig = field(default_factory=IngestConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    whatsapp: WhatsappConfig = field(default_factory=WhatsappConfig)
    channels: ChannelsConfig = field(default_factory=ChannelsConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    privacy: PrivacyConfig = field(default_factory=PrivacyConfig)
    log: LogConfig = field(default_factory=LogConfig)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def simulated(self) -> bool:
        """Whether time comes from a simulator."""
        return self.clock.source == "simulated"

    @property
    def state_dir(self) -> Path:
        """The folder of the database."""
        return Path(self.state.dir)

    def secret(self, section: str, name: str) -> str:
        """Return a secret: HERDBELL_<SECTION>_<NAME>, else the content of the file in `<name>_file`.

        Raises ConfigError if there is neither, if the file is readable by others or is empty.
        """
        given = self.environment.get(f"{ENV_PREFIX}{section.upper()}_{name.upper()}")
        if given:
            return given.strip()
        return read_secret(f"{section}.{name}_file", getattr(getattr(self, section), f"{name}_file"))


SECTIONS: dict[str, Any] = {
    "server": ServerConfig,
    "state": StateConfig,
    "secrets": SecretsConfig,
    "clock": ClockConfig,
    "ingest": IngestConfig,
    "alerts": AlertsConfig,
    "whatsapp": WhatsappConfig,
    "channels": ChannelsConfig,
    "watch": WatchConfig,
    "privacy": PrivacyConfig,
    "log": LogConfig,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the settings table."""

    section: str
    name: str
    default: str | int | bool
    rule: Rule

    @property
    def key(self) -> str:
        """How messages name it: `server.port`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"{ENV_PREFIX}{self.section}_{self.name}".upper()


SETTINGS: dict[str, Setting] = {
    f"{section}.{f.name}": Setting(section, f.name, f.metadata["default"], f.metadata["rule"])
    for section, kind in SECTIONS.items()
    for f in fields(kind)
}
SECRET_VARIABLES = frozenset(
    s.variable.removesuffix("_FILE") for s in SETTINGS.values() if s.name.endswith("_file")
)


def is_loopback(host: str) -> bool:
    """Whether `host` can only be reached from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_secret(key: str, path: str) -> str:
    """Return a secret's file, stripped of space. Raises ConfigError unless only its owner can read it."""
    if not path:
        raise ConfigError(f"{key} = '': name a file of mode 0600")
    file = Path(path)
    try:
        mode = file.stat().st_mode & 0o777
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key} = {file}: {getattr(error, 'strerror', None) or 'not text'}") from error
    if mode & 0o077:
        raise ConfigError(f"{key} = {file}: mode {mode:04o} lets others read it; run: chmod 600 {file}")
    if not text:
        raise ConfigError(f"{key} = {file}: the file is empty")
    return text
