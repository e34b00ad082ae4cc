"""herdbell serve: the relay as a process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click
from aiohttp import web

from relay.app import make_app, make_runner, tune_collector
from relay.cli.common import Failure, config_option
from relay.config import Config, ConfigError, ServerConfig
from relay.keys import COLLARS, TASKS
from relay.logs import configure_logs
from relay.settings import load_config
from relay.storage.ports import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger(__name__)
EXIT_CANNOT_START = 2


@click.command()
@config_option
@click.option("--host", help="Listen here instead of server.host.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Listen here instead of server.port; 0: any free port."
)
@click.option("--ready-file", type=click.Path(path_type=Path), help='Write {"port": n} here once it listens.')
@click.option(
    "--stop-on-stdin-eof", is_flag=True, help="Stop when standard input closes: with the parent process."
)
def serve(
    config_path: Path | None,
    host: str | None,
    port: int | None,
    ready_file: Path | None,
    stop_on_stdin_eof: bool,
) -> None:
    """Receive frames, score them and send messages until SIGTERM or SIGINT.

    SIGHUP reads the collars' keys and settings again; what was just added or changed is found without it.
    """
    try:
        config = load_config(config_path, _with_server(host, port))
        configure_logs(config.log)
        if ready_file:
            ready_file.unlink(missing_ok=True)  # of an earlier run: somebody is waiting for ours
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(config, ready_file, stop_on_stdin_eof))
    except (ConfigError, StorageError) as error:
        raise Failure(str(error)) from error


def _with_server(host: str | None, port: int | None) -> dict[str, str]:
    given = {"HERDBELL_SERVER_HOST": host, "HERDBELL_SERVER_PORT": None if port is None else str(port)}
    return dict(os.environ) | {name: value for name, value in given.items() if value is not None}


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - optional: cheaper new connections, the same answers without it
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(config: Config, ready_file: Path | None, stop_on_stdin_eof: bool) -> None:
    stop = asyncio.Event()
    runner = make_runner(make_app(config))
    try:
        await runner.setup()
        _handle_signals(runner.app, stop)
        await _listen(runner, config.server)
        port = runner.addresses[0][1]
        _LOG.info("listening on %s port %d, state in %s", config.server.host, port, config.state_dir)
        if stop_on_stdin_eof:
            _watch_stdin(stop)
        tune_collector()
        if ready_file:
            _write_ready(ready_file, port)
        await stop.wait()
        _LOG.info("stopping: answering what has arrived")
    finally:
        await runner.cleanup()
    _LOG.info("stopped")


async def _listen(runner: web.AppRunner, server: ServerConfig) -> None:
    try:
        await web.TCPSite(runner, server.host, server.port, ssl_context=_tls(server)).start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ConfigError(f"cannot listen on {server.host} port {server.port}: {reason}") from error


def _tls(server: ServerConfig) -> ssl.SSLContext | None:
    """Return the context that shows server.tls_cert_file, None for plain HTTP. Raises ConfigError."""
    if not server.tls_cert_file:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(server.tls_cert_file, server.tls_key_file)
    except OSError as error:  # ssl.SSLError is one
        why = error.strerror or str(error)
        raise ConfigError(f"server.tls_cert_file = {server.tls_cert_file!r}: {why}") from error
    return context


def _handle_signals(app: web.Application, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: app[TASKS].start("keys", app[COLLARS].load))


def _watch_stdin(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def wait_for_eof() -> None:
        # os.read, not sys.stdin: a daemon thread inside a buffered read would block the interpreter's exit.
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_eof, name="stdin", daemon=True).start()


def _write_ready(path: Path, port: int) -> None:
    """Write whole or not at all: somebody is polling for it."""
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps({"port": port}), encoding="utf-8")
    new.replace(path)
