"""The `herdbell` command."""

from __future__ import annotations

import click

from relay import __version__
from relay.cli.animal import animal
from relay.cli.cost import cost
from relay.cli.doctor import doctor
from relay.cli.downlink import collar_burst, collar_bursts, collar_set
from relay.cli.evaluate import evaluate
from relay.cli.farmbook import (
    farm_coverage,
    farm_digest,
    farm_escalation,
    farm_kind,
    farm_kinds,
    farm_quiet,
    farm_weather,
)
from relay.cli.lives import animal_event, animal_events, animal_group
from relay.cli.outbox import outbox
from relay.cli.person import person
from relay.cli.picture import animal_picture
from relay.cli.registry import collar, farm
from relay.cli.replay import replay
from relay.cli.serve import serve
from relay.cli.templates import templates
from relay.cli.watch import watch
from relay.cli.whatsapp import whatsapp


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="herdbell")
def main() -> None:
    """The Herdbell relay: collars in, WhatsApp messages out.

    Start with `herdbell doctor`, then `farm add`, `person add`, `collar add` and `serve`. Every command but
    evaluate takes --config; the commands that change the farm work while the relay runs.
    """


for _command in (collar_set, collar_burst, collar_bursts):
    collar.add_command(_command)
for _command in (
    farm_coverage,
    farm_digest,
    farm_quiet,
    farm_escalation,
    farm_kind,
    farm_kinds,
    farm_weather,
):
    farm.add_command(_command)
for _command in (animal_event, animal_events, animal_group, animal_picture):
    animal.add_command(_command)
for _command in (
    serve,
    farm,
    collar,
    animal,
    person,
    cost,
    templates,
    evaluate,
    doctor,
    outbox,
    watch,
    replay,
    whatsapp,
):
    main.add_command(_command)

if __name__ == "__main__":
    main(prog_name="herdbell")
