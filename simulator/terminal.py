"""What the simulator's commands run and show on the terminal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from aiohttp import web

from simulator.clock import VirtualClock, WallUtc
from simulator.cloud import make_cloud
from simulator.collarhost.board import SimBoard
from simulator.collarhost.host import CollarHost
from simulator.collarhost.provision import provision
from simulator.demo import Demo, DemoError, Options, local_time, make_herd
from simulator.link import Link
from simulator.stage import HOST_ARCH, stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

_BAR = 30
_CLEAR = "\r\x1b[K"  # the line of progress makes room for one that stays
_FOR_EVER_US = 1 << 60
_HERD_REPORT_S = 60


async def until_signal(work: Coroutine[None, None, None], *, stop_with_parent: bool) -> None:
    """Run `work` until it ends, SIGINT or SIGTERM arrives, or (if asked) the parent is gone."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    parent = os.getppid()
    while not task.done():
        await asyncio.wait({task}, timeout=0.5)
        if stop_with_parent and os.getppid() != parent:
            task.cancel()
    with suppress(asyncio.CancelledError):
        task.result()


def show_progress(demo: Demo, *, tty: bool) -> None:
    """Print one line of progress: in place on a terminal, as a line of its own elsewhere."""
    assert demo.host is not None
    done_us = demo.host.progress_us()
    total_us = demo.options.days * 86_400_000_000
    share = min(1.0, done_us / total_us)
    bar = "=" * int(share * _BAR)
    text = (
        f"[{bar:<{_BAR}}] {local_time(demo.clock.start_utc_ms + done_us // 1000)}  "
        f"frames sent {demo.link.frames_sent} acknowledged {demo.link.frames_acked}  "
        f"messages {len(demo.result.messages)}"
    )
    click.echo(f"\r{text}", nl=False) if tty else click.echo(text)


def show_messages(demo: Demo, shown: int, *, tty: bool) -> int:
    """Print the messages after the first `shown` and return how many these are."""
    messages = demo.result.messages[shown:]
    for utc_ms, body in messages:
        click.echo(f"{_CLEAR if tty else ''}  {local_time(utc_ms)}  message to the farmer: {body}")
    return len(messages)


async def report(demo: Demo, interval_s: float, *, tty: bool) -> None:
    """Show progress until cancelled, and each message when it comes; none is left out."""
    shown = 0
    try:
        while True:
            await asyncio.sleep(interval_s)
            shown += show_messages(demo, shown, tty=tty)
            show_progress(demo, tty=tty)
    finally:
        show_messages(demo, shown, tty=tty)


async def run_demo(options: Options, *, stay: bool) -> None:
    """The demo from start to end, told on the terminal."""
    tty = sys.stdout.isatty()
    kind = f"recordings in {options.data}" if options.data else f"a virtual herd, seed {options.seed}"
    click.echo(f"Herdbell demo: {kind}, on real MicroPython interpreters, in simulated time")
    async with Demo(options, click.echo) as demo:
        assert demo.relay is not None
        click.echo(
            f"  phone page  {demo.phone_url}/phone/\n  relay       http://127.0.0.1:{demo.relay.port}/healthz"
        )
        click.echo(f"  {demo.result.collars} collars; Ctrl-C stops everything")
        reporter = asyncio.ensure_future(report(demo, 0.2 if tty else 2.0, tty=tty))
        try:
            result = await demo.run_day()
        finally:
            reporter.cancel()
            with suppress(asyncio.CancelledError):
                await reporter
        show_progress(demo, tty=tty)
        click.echo(
            f"{chr(10) if tty else ''}day over after {result.wall_s:.0f} s: "
            f"{result.frames_sent} frames sent, {result.frames_acked} acknowledged, "
            f"{result.frames_stored} stored, {len(result.messages)} messages"
        )
        click.echo(f"trace {result.trace_hash}")
        if stay:
            click.echo(f"the phone stays at {demo.phone_url}/phone/ until Ctrl-C")
            await demo.stay()
    if options.keep:
        demo.write_truth(options.keep / "truth.jsonl")


def read_collars(path: Path) -> list[dict[str, Any]]:
    """Read what `herdbell collar add` printed, one JSON object a line. Raises DemoError naming the line."""
    collars = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            collar = json.loads(line)
            collars.append({name: collar[name] for name in ("device", "epoch", "key")})
        except (ValueError, KeyError, TypeError) as error:
            raise DemoError(f"{path}, line {number}: want device, epoch and key as JSON") from error
    if not collars:
        raise DemoError(f"{path} is empty: `herdbell collar add --out {path}` makes such a file")
    return collars


async def run_herd(
    collars: list[dict[str, Any]],
    relay: tuple[str, int],
    options: Options,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Let a herd live in real time and talk to a relay that is already there, until cancelled."""
    herd = make_herd(options)
    if len(herd.animals) != len(collars):
        raise DemoError(f"{len(collars)} collars, but only {len(herd.animals)} animals in {options.data}")
    start_utc_ms, began_s = WallUtc().utc_ms, time.monotonic()

    async def not_before(utc_ms: int) -> None:
        await sleep(max(0.0, (utc_ms - start_utc_ms) / 1000 - (time.monotonic() - began_s)))

    with tempfile.TemporaryDirectory(prefix="herdbell-") as name:
        folder = Path(name)
        stage(folder / "board", HOST_ARCH)
        async with Link(*relay) as link:
            boards = [
                SimBoard(
                    animal.index, animal.motion, flash=provision(collar, host="127.0.0.1", port=link.port),
                    seed=options.seed,
                )
                for animal, collar in zip(herd.animals, collars, strict=True)
            ]  # fmt: skip
            async with CollarHost(
                boards, link, on_radio_time=not_before, staged=folder / "board",
                log_folder=folder / "collars", start_utc_ms=start_utc_ms, until_us=_FOR_EVER_US,
                say=click.echo,
            ) as host:  # fmt: skip
                click.echo(
                    f"{len(boards)} collars, in real time, to {relay[0]}:{relay[1]}; Ctrl-C stops them"
                )
                living = asyncio.ensure_future(host.run())
                while not living.done():
                    await asyncio.wait({living}, timeout=_HERD_REPORT_S)
                    click.echo(f"frames sent {link.frames_sent} acknowledged {link.frames_acked}")
                living.result()


async def run_cloud(port: int, webhook: str, words: dict[str, str], *, still: bool) -> None:
    """Serve the fake cloud and its phone page until cancelled. words: token, app_secret, verify_token."""
    clock = VirtualClock() if still else WallUtc()
    cloud = make_cloud(
        clock, token=words["token"], app_secret=words["app_secret"], verify_token=words["verify_token"],
        webhook_url=webhook or None,
    )  # fmt: skip
    runner = web.AppRunner(cloud, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        click.echo(f"fake Cloud API at {url} (set whatsapp.base_url to it), phone page at {url}/phone/")
        click.echo(f"what can be made to go wrong: {url}/__control")
        await asyncio.Event().wait()
    except OSError as error:
        raise DemoError(f"port {port} is in use: stop what listens there, or pass --port PORT") from error
    finally:
        await runner.cleanup()
