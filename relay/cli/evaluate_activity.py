"""herdbell evaluate activity: oestrus scorers on real activity series."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.common import Failure

if TYPE_CHECKING:
    from relay.evaluation.judged_activity import Judgement

_FOLDER = click.Path(path_type=Path)


@click.command("activity")
@click.option("--data", required=True, type=_FOLDER, metavar="DIR", help="A pack with activity_2h.csv.gz.")
@click.option("--train", type=_FOLDER, metavar="DIR", help="Choose our thresholds on the cows of this pack.")
@click.option("--json", "json_file", type=_FOLDER, metavar="F", help="Write the figures to this file, too.")
@click.option(
    "--pictures", type=_FOLDER, metavar="DIR", default=Path("build/evaluate"), show_default=True,
    help="Where the pictures go.",
)  # fmt: skip
@click.option(
    "--seed", default=1, type=click.IntRange(0), show_default=True,
    help="Decides where episodes are put, folds and draws.",
)  # fmt: skip
def activity(data: Path, train: Path | None, json_file: Path | None, pictures: Path, seed: int) -> None:
    """Judge oestrus scorers on the real series in DIR, against the maker's own threshold on the same rows.

    Alerts per cow and 21 days, intervals between them, the calving day, and episodes of known size put in.
    Our thresholds are chosen on other cows: those of --train, or the other four fifths.
    """
    from relay.evaluation.activity_words import in_words  # noqa: PLC0415 - a relay that serves need not load it
    from relay.evaluation.judged_activity import judge  # noqa: PLC0415 - see above
    from relay.evaluation.series import SeriesError, read  # noqa: PLC0415 - see above

    if json_file and not json_file.absolute().parent.is_dir():
        raise Failure(f"--json={json_file}: the folder {json_file.absolute().parent} is not there")
    try:
        judgement = judge(read(data), read(train) if train else None, seed)
        click.echo(in_words(judgement) + "\n")
        if json_file:
            json_file.write_text(json.dumps(judgement.as_json(), indent=1) + "\n", encoding="utf-8")
            click.echo(f"figures: {json_file}")
        click.echo(_drawn(judgement, pictures))
    except (SeriesError, OSError) as error:
        raise Failure(str(error)) from error


def _drawn(judgement: Judgement, folder: Path) -> str:
    from relay.evaluation.activity_pictures import draw  # noqa: PLC0415 - as in activity
    from relay.evaluation.pictures import DrawingError  # noqa: PLC0415 - as in activity

    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = draw(judgement, folder)
    except DrawingError as error:
        return f"no pictures: {error}"
    return "\n".join(["pictures:", *(f"  {path}" for path in files)])
