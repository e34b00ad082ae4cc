"""The `herdbell` command."""

from __future__ import annotations

import click

from relay import __version__
from relay.cli.lazy import LazyGroup

COMMANDS = {
    "animal": "relay.cli.animal:animal",
    "collar": "relay.cli.registry:collar",
    "cost": "relay.cli.cost:cost",
    "doctor": "relay.cli.doctor:doctor",
    "evaluate": "relay.cli.evaluate:evaluate",
    "farm": "relay.cli.registry:farm",
    "outbox": "relay.cli.outbox:outbox",
    "person": "relay.cli.person:person",
    "replay": "relay.cli.replay:replay",
    "serve": "relay.cli.serve:serve",
    "templates": "relay.cli.templates:templates",
    "watch": "relay.cli.watch:watch",
    "whatsapp": "relay.cli.whatsapp:whatsapp",
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="herdbell")
def main() -> None:
    """The Herdbell relay: collars in, WhatsApp messages out.

    Start with `herdbell doctor`, then `farm add`, `person add`, `collar add` and `serve`. Every command but
    evaluate takes --config; the commands that change the farm work while the relay runs.
    """


if __name__ == "__main__":
    main(prog_name="herdbell")
