"""The commands of `herdbell-sim` that have to do with herds: running one, drawing one, collars on one."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from simulator.board_commands import fail, require_interpreter
from simulator.demo import DemoError, Options, make_herd
from simulator.herd_folder import HerdFolder
from simulator.herd_terminal import Keys, Pace, Player, summary
from simulator.herd_trace import RESOLUTIONS, Part, Setup, parts
from simulator.herdfile import HerdError, load_herd
from simulator.pictures.real_day import read_day
from simulator.pictures.show import BAND_DAYS, draw_day
from simulator.pictures.show_month import draw_month
from simulator.pictures.show_style import DrawingError
from simulator.plan.routine import DAY_MS
from simulator.recording import PackError
from simulator.terminal import read_collars, run_herd, until_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.virtual_herd import VirtualHerd

_PATH = click.Path(path_type=Path)
_NOON = DAY_MS // 2
_LAST_PORT = 65535


def refuse(message: str) -> NoReturn:
    """Print one line and leave with 2."""
    click.echo(f"herdbell-sim: {message}", err=True)
    sys.exit(2)


def _of_a_herd(command: Callable[..., None]) -> Callable[..., None]:
    for add in (
        click.option(
            "--seed",
            default=1,
            show_default=True,
            type=click.IntRange(0),
            help="One seed decides everything.",
        ),
        click.option("--cows", default=50, show_default=True, help="How many."),
        click.argument("path", metavar="[HERD.toml]", required=False, type=_PATH),
    ):
        command = add(command)
    return command


@click.command("collars")
@click.argument("collars", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--relay", default="127.0.0.1:8080", show_default=True, help="HOST:PORT of a relay that runs.")
@click.option("--seed", default=1, show_default=True, help="One seed decides the herd.")
@click.option("--herd", type=_PATH, help="A herd file of your own.")
@click.option("--data", type=_PATH, help="Replay recordings instead.")
def collars_command(collars: Path, relay: str, seed: int, herd: Path | None, data: Path | None) -> None:
    """Put the collars in COLLARS on a virtual herd that talks to your relay, in real time.

    COLLARS is what `herdbell collar add` printed, one JSON object a line.
    """
    require_interpreter()
    host, _, port = relay.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        fail(f"--relay {relay}: want HOST:PORT, PORT 1..{_LAST_PORT}")
    if herd and data:
        fail(f"--herd {herd} and --data {data}: recorded cows have no herd file")
    try:
        known = read_collars(collars)
        options = Options(seed=seed, collars=len(known), sick=0, data=data, herd=herd)
        if herd:
            load_herd(herd)
            make_herd(options)  # what cannot be is said before anything starts
        asyncio.run(until_signal(run_herd(known, (host, int(port)), options), stop_with_parent=False))
    except ValueError as error:  # HerdError of herd or cow
        refuse(str(error))
    except (DemoError, PackError, OSError) as error:
        fail(str(error))


@dataclass(slots=True)
class _Run:
    """A herd on its way through the days."""

    setup: Setup
    herd: VirtualHerd
    folder: HerdFolder | None
    days: int = 0  # whole ones
    made: list[Part] = field(default_factory=list)
    sha: Any = field(default_factory=hashlib.sha256)

    def go(self, pace: Pace, player: Player, jobs: int) -> None:
        """Live until the days are over or the pace says it is enough."""
        keep = self.folder is not None
        with closing(parts(self.setup, jobs=jobs, keep=keep, herd=self.herd)) as coming:
            for part in coming:
                self.made.append(part)
                whole = part.chunk.last == self.setup.cows
                if whole:
                    self._end_day(part.chunk.day)
                player.part_done(self._now_ms(part, pace.speed), part.chunk.last - part.chunk.first)
                if whole and not pace.ended:
                    player.play(part.chunk.day)
                if pace.ended:
                    return

    def _now_ms(self, part: Part, speed: float) -> int:
        """Return how far it is; a day made at once stands at its noon, one to be played at its start."""
        if speed:
            return part.chunk.day * DAY_MS
        if part.chunk.first == 0 and part.chunk.last == self.setup.cows:
            return part.chunk.day * DAY_MS + _NOON
        return part.chunk.day * DAY_MS + (DAY_MS - 1) * part.chunk.last // self.setup.cows

    def _end_day(self, day: int) -> None:
        if self.folder:
            self.folder.save_day(self.setup.at, day, self.made)
        for part in self.made:
            self.sha.update(b"".join(part.digests))
        self.made.clear()
        self.days = day + 1


@click.command("herd")
@_of_a_herd
@click.option("--days", default=30, show_default=True, help="How long.")
@click.option(
    "--at", default="minutes", show_default=True, type=click.Choice(RESOLUTIONS), help="How closely to look."
)
@click.option("--out", type=_PATH, help="Write what is made, and the truth, into this new or empty folder.")
@click.option(
    "--speed",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 65536),
    help="Virtual hours a second; 0: as fast as it goes.",
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes.")
def herd_command(
    path: Path | None, *, seed: int, cows: int, days: int, at: str, out: Path | None, speed: float, jobs: int
) -> None:
    """Run a virtual herd: HERD.toml laid over the package's own, or that alone.

    On a terminal space pauses, + and - double and halve the speed, q ends. What is written is whole, however
    it ends; the same seed gives the same trace for any number of processes.
    """
    setup = Setup(path, seed, cows, days, at)
    try:
        run = _Run(setup, setup.herd(), HerdFolder(out) if out else None)
    except (HerdError, OSError) as error:
        refuse(str(error))
    pace, began_s = Pace(speed), time.monotonic()
    with Keys() as keys, _until_told(pace):
        player = Player(run.herd, pace, keys)
        if keys.on:
            click.echo("space pauses, + and - change the speed, q ends")
        try:
            run.go(pace, player, jobs)
        finally:
            player.over()
    _tell(run, out, time.monotonic() - began_s)


def _tell(run: _Run, out: Path | None, wall_s: float) -> None:
    if not run.days:
        click.echo("ended before the first day was over: nothing to keep")
        return
    if run.folder:
        run.folder.finish(run.herd, run.days)
    for line in summary(run.herd, run.days):
        click.echo(line)
    cow_days = run.days * run.setup.cows
    click.echo(
        f"{cow_days:,} collar-days at {run.setup.at} in {wall_s:.1f} s: {cow_days / wall_s:,.0f} a second"
    )
    if run.days < run.setup.days:
        click.echo(f"ended after {run.days} whole days of {run.setup.days}")
    if out:
        click.echo(f"-> {out}")
    click.echo(f"trace {run.sha.hexdigest()}")


@contextmanager
def _until_told(pace: Pace) -> Iterator[None]:
    """SIGINT and SIGTERM end the run at the next part."""

    def end(*_: object) -> None:
        pace.ended = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_MONTH_DAYS = 30


@click.command("show")
@_of_a_herd
@click.option("--cow", help="Number of the cow whose day is drawn.  [default: the first]", type=int)
@click.option("--day", default=0, show_default=True, help="The day, or the month's first, from 0.")
@click.option("--month", is_flag=True, help=f"Draw {_MONTH_DAYS} days of the whole herd instead.")
@click.option("--beside", type=_PATH, help="A real day above the virtual one: a folder like heifer-24h.")
@click.option("--out", required=True, type=_PATH, help="The picture, PNG.")
def show_command(
    path: Path | None,
    *,
    seed: int,
    cows: int,
    cow: int | None,
    day: int,
    month: bool,
    beside: Path | None,
    out: Path,
) -> None:
    """Draw a day of a cow, or a herd's month: what she does, how she moves, what truly happens."""
    if month and (cow is not None or beside):
        refuse("--month draws the whole herd: it goes with neither --cow nor --beside")
    length = _MONTH_DAYS if month else 1 + BAND_DAYS
    try:
        herd = Setup(path, seed, cows, max(day, 0) + length, "minutes").herd()
        if month:
            draw_month(herd, day, _MONTH_DAYS, out)
        else:
            place = 0 if cow is None else cow - herd.model["herd"]["first_number"]
            draw_day(herd, place, day, out, None if beside is None else read_day(beside))
    except (HerdError, PackError, OSError) as error:
        refuse(str(error))
    except DrawingError as error:
        fail(str(error))
    click.echo(f"-> {out}")


COMMANDS = (collars_command, herd_command, show_command)
