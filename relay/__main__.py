"""The `herdbell` command."""

from __future__ import annotations

import click

from relay import __version__
from relay.cli.animal import animal
from relay.cli.doctor import doctor
from relay.cli.downlink import collar_burst, collar_bursts, collar_set
from relay.cli.evaluate import evaluate
from relay.cli.registry import collar, farm, person
from relay.cli.serve import serve
from relay.cli.templates import templates


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="herdbell")
def main() -> None:
    """The Herdbell relay: collars in, WhatsApp messages out.

    Start with `herdbell doctor`, then `farm add`, `person add`, `collar add` and `serve`. Every command but
    evaluate takes --config; the commands that change the farm work while the relay runs.
    """


for _command in (collar_set, collar_burst, collar_bursts):
    collar.add_command(_command)
for _command in (serve, farm, collar, animal, person, templates, evaluate, doctor):
    main.add_command(_command)

if __name__ == "__main__":
    main(prog_name="herdbell")
