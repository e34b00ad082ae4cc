"""herdbell templates: what Meta has to approve before the first alert can go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from relay.cli.common import Failure, command, json_option, say
from relay.whatsapp.client import SendError
from relay.whatsapp.provision import CategoryError, apply_templates
from relay.whatsapp.service import open_client
from relay.whatsapp.texts import load

if TYPE_CHECKING:
    from relay.config import Config


@click.group()
def templates() -> None:
    """Message templates at Meta."""


@templates.command("apply")
@click.option("--waba-id", required=True, help="Id of the WhatsApp Business account.")
@json_option
@command
async def templates_apply(config: Config, waba_id: str, as_json: bool) -> None:
    """Create the templates that are missing, in every language; never change one. Print their status."""
    try:
        async with open_client(config) as client:
            found = await apply_templates(client, load(), waba_id, config.whatsapp.template_prefix)
    except (SendError, CategoryError) as error:
        raise Failure(f"templates: {error}") from error
    for (name, language), status in found.items():
        words = f"{name}  {language:5}  {status}"
        say(as_json, words, name=name, language=language, status=status)
