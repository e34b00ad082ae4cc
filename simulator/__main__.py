"""`herdbell-sim`: the demo, the fake cloud alone, recordings, the staged tree, and all of *_commands.py."""

from __future__ import annotations

import asyncio
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator import board_commands, herd_commands
from simulator.board_commands import fail, require_interpreter
from simulator.demo import DemoError, Options
from simulator.extract import Sitting, find_packs, read_animals, rows_of, write_windows
from simulator.recording import PackError
from simulator.relay_process import RelayError
from simulator.stage import ARCHITECTURES
from simulator.stage import stage as stage_tree
from simulator.terminal import run_cloud, run_demo, until_signal

if TYPE_CHECKING:
    from collections.abc import Coroutine


def run(work: Coroutine[None, None, None], *, stop_with_parent: bool = False) -> None:
    """Run a command until it ends or is told to; what goes wrong is one line."""
    try:
        asyncio.run(until_signal(work, stop_with_parent=stop_with_parent))
    except (DemoError, RelayError, PackError) as error:
        fail(str(error))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Herdbell's host simulator: herd, chips, boards on real MicroPython, radio, cloud and phone."""


@main.command()
@click.option("--seed", default=1, show_default=True, help="One seed decides everything.")
@click.option(
    "--collars", default=12, show_default=True, type=click.IntRange(1, 200), help="How many cows wear one."
)
@click.option(
    "--sick", type=click.IntRange(0), help="The cow that stops; 0: none.  [default: 5; with --data: 0]"
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
    """A farm, a relay and a phone: a virtual day in about two minutes."""
    require_interpreter()
    options = Options(without=without, **chosen)  # type: ignore[arg-type]  # click has checked them
    run(run_demo(options, stay=not leave), stop_with_parent=stop_with_parent)


@main.command()
@click.option(
    "--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.option(
    "--webhook", default="", help="Where the relay's webhook is; without it nothing is called back."
)
@click.option("--token", default="fake-token", show_default=True, help="Accepted access token.")
@click.option("--app-secret", default="fake-app-secret", show_default=True, help="Signs the webhooks.")
@click.option("--verify-token", default="fake-verify-token", show_default=True, help="For the handshake.")
@click.option("--still", is_flag=True, help="Time stands still until POST /__control/clock moves it.")
def cloud(*, port: int, webhook: str, still: bool, **words: str) -> None:
    """The fake WhatsApp Cloud API and its phone page alone, to try a relay against.

    What goes wrong, what people do and what came of it: GET and POST under /__control (simulator/README.md).
    """
    run(run_cloud(port, webhook, words, still=still))


def _degrees(_context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no angle", param=parameter)
    return value


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file, gzip'd CSV.")
@click.option("--turn", default=0.0, callback=_degrees, help="Turn every collar about its z axis, degrees.")
@click.option("--tilt", default=0.0, callback=_degrees, help="Then tilt it about its x axis, degrees.")
@click.option(
    "--copies", default=0, show_default=True, type=click.IntRange(0, 1000), help="And so many turned copies."
)
@click.option("--seed", default=1, show_default=True, help="Decides the copies and the chips' noise.")
def extract(folder: Path, out: Path, turn: float, tilt: float, copies: int, seed: int) -> None:
    """Turn the recordings in DIR into the windows that a collar would have sent.

    DIR is a pack with segments.csv and samples.csv.gz, or a folder of packs. --turn and --tilt move the
    collars as worn (copy 0 in the file); --copies adds collars that sit another way round, to train with.
    """
    try:
        packs, others = find_packs(folder)
        for other in others:
            click.echo(f"{other.name}: skipped, it has no waveforms (no segments.csv)", err=True)
        animals = [animal for pack in packs for animal in read_animals(pack)]
        sitting = Sitting(turn, tilt, copies, seed)
        jobs = [(animal, copy) for animal in animals for copy in range(copies + 1)]
        with click.progressbar(jobs, label="recordings to windows", file=sys.stderr) as shown:
            counts = write_windows(out, (row for job in shown for row in rows_of(*job, sitting)))
    except (PackError, OSError) as error:
        click.echo(f"herdbell-sim: {error}", err=True)
        sys.exit(2)
    click.echo(
        f"packs {len(packs)}, animals {len(animals)}, windows {counts[0]} as worn "
        f"and {counts.total() - counts[0]} in copies -> {out}"
    )


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--mpy", "arch", type=click.Choice(sorted(ARCHITECTURES.values())), help="Compile for this.")
def stage(folder: Path, *, arch: str | None) -> None:
    """Put the files that belong on a board into FOLDER."""
    for path in stage_tree(folder, arch):
        click.echo(path)


for command in (*board_commands.COMMANDS, *herd_commands.COMMANDS):
    main.add_command(command)


if __name__ == "__main__":
    main()
