"""herdbell evaluate behaviour: how well cows are told that the model has never met."""

from __future__ import annotations

import json
import math
import os
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from relay.cli.common import Failure
from relay.cli.evaluate_activity import activity

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = click.Path(path_type=Path)
_JOBS = min(os.cpu_count() or 1, 4)


@click.group()
def evaluate() -> None:
    """Measure on labelled recordings and on real series."""


evaluate.add_command(activity)


def _degrees(_context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no angle", param=parameter)
    return value


@evaluate.command("behaviour")
@click.option("--data", required=True, type=_FOLDER, metavar="DIR", help="A pack, or a folder of packs.")
@click.option("--train", type=_FOLDER, metavar="DIR", help="Learn from these instead, judge all of --data.")
@click.option(
    "--turn", default=0.0, callback=_degrees, metavar="DEG", help="Turn the judged collars about z."
)
@click.option("--tilt", default=0.0, callback=_degrees, metavar="DEG", help="Then tilt them about x.")
@click.option("--shipped", is_flag=True, help="The model of this release, unchanged.")
@click.option("--json", "json_file", type=_FOLDER, metavar="F", help="Write the figures to this file, too.")
@click.option(
    "--pictures", type=_FOLDER, metavar="DIR", default=Path("build/evaluate"), show_default=True,
    help="Where the pictures go.",
)  # fmt: skip
@click.option("--seed", default=1, show_default=True, help="Decides the noise of the collars' chips.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=_JOBS, show_default=True,
    help="Processes; the figures are the same for any number.",
)  # fmt: skip
def behaviour(
    data: Path, train: Path | None, shipped: bool, json_file: Path | None, pictures: Path, jobs: int,
    **sits: float,
) -> None:  # fmt: skip
    """Judge how behaviour is told, on the packs in DIR: whole animals left out, the worst one named.

    Each animal is judged by a model that learned from the others. With --train every animal of DIR is judged
    by a model that learned from another pack: another farm, or other animals of this one. With --shipped
    nothing is learned.
    """
    if shipped and train:
        raise click.UsageError("--shipped learns nothing: leave out --train")
    if not shipped and find_spec("sklearn") is None:
        raise Failure("learning needs scikit-learn, and it is not installed: pip install herdbell[train]")
    if json_file and not json_file.absolute().parent.is_dir():
        raise Failure(f"--json={json_file}: the folder {json_file.absolute().parent} is not there")
    with _errors_in_a_line():
        figures = _evaluated(
            data, train, (sits["turn"], sits["tilt"], int(sits["seed"])), shipped, jobs, pictures
        )
        if json_file:
            json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
            click.echo(f"figures: {json_file}")


@contextmanager
def _errors_in_a_line() -> Iterator[None]:
    from relay.evaluation.packs import ExtractError  # noqa: PLC0415 - as in _evaluated

    try:
        yield
    except (ExtractError, ValueError, OSError) as error:  # PackError and NotApartError are ValueErrors
        raise Failure(str(error)) from error


def _evaluated(
    data: Path, train: Path | None, sits: tuple[float, float, int], shipped: bool, jobs: int, pictures: Path
) -> dict[str, dict[str, object]]:
    """Judge, print and draw one after the other; return the JSON."""
    # Late: a relay that serves need not load what measures it.
    from relay.evaluation import behaviour as judging  # noqa: PLC0415 - see above
    from relay.evaluation.sources import Sits  # noqa: PLC0415 - see above

    figures: dict[str, dict[str, object]] = {}
    drawn = _Drawn(pictures)
    with TemporaryDirectory(prefix="herdbell-evaluate-") as work:
        asked = judging.Asked(data, train, Sits(*sits), shipped, jobs, Path(work), _said)
        for part in judging.parts(asked):
            click.echo(part.in_words() + "\n")
            figures.setdefault(part.pack, {})[part.class_set] = part.as_json()
            drawn.add(part)
    click.echo(drawn.in_words())
    return figures


def _said(words: str) -> None:
    click.echo(words, err=True)


class _Drawn:
    """Pictures of blocks in a folder, for as long as there is what draws them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[Path] = []
        self._why_not = ""

    def add(self, part: object) -> None:
        """Draw what has pictures."""
        from relay.evaluation.blocks import Block  # noqa: PLC0415 - as in _evaluated
        from relay.evaluation.pictures import DrawingError  # noqa: PLC0415 - as in _evaluated

        if not isinstance(part, Block) or self._why_not:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files += part.draw(self._folder)
        except DrawingError as error:
            self._why_not = str(error)

    def in_words(self) -> str:
        """Return where they are, or why there are none."""
        if self._why_not:
            return f"no pictures: {self._why_not}"
        return "\n".join(["pictures:", *(f"  {path}" for path in self._files)])
