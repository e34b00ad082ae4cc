"""herdbell templates: what Meta has to approve before the first alert can go out."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from relay.cli.common import Failure, command, json_option, now_ms, open_state, say
from relay.model import TemplateState
from relay.storage.sqlite import FILE_NAME
from relay.whatsapp.client import SendError
from relay.whatsapp.provision import CategoryError, State, apply_templates, plan, refuse_other_categories
from relay.whatsapp.service import open_client
from relay.whatsapp.texts import LANGUAGES, TextError, examine, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from relay.config import Config
    from relay.whatsapp.client import Client
    from relay.whatsapp.provision import Row

waba_option = click.option(
    "--waba-id", help="Id of the WhatsApp Business account, instead of whatsapp.waba_id."
)
PICTURED = "Templates with a picture were left out: set whatsapp.app_id, their example is uploaded there."
REVIEW = (
    "Meta reviews new templates, mostly within minutes, at times for up to 24 hours: see templates status."
)


@click.group()
def templates() -> None:
    """Message templates at Meta."""


@templates.command("lint")
@json_option
@click.option("--prefix", default="collar_", show_default=True, help="Start of every name.")
def templates_lint(as_json: bool, prefix: str) -> None:
    """Check every template by Meta's rules, without asking Meta."""
    faults, texts = examine(prefix=prefix)
    if faults:
        raise Failure("\n".join(faults))
    words = f"{len(texts.templates)} templates in {len(LANGUAGES)} languages: nothing that Meta refuses"
    say(as_json, words, templates=len(texts.templates), languages=list(LANGUAGES))


@templates.command("plan")
@waba_option
@json_option
@command
async def templates_plan(config: Config, waba_id: str | None, as_json: bool) -> None:
    """Compare ours with Meta's: what is missing, changed or in another category. Changes nothing."""
    async with _graph(config) as client:
        rows = await _rows(config, client, waba_id)
    _table([row for row in rows if row.state is not State.SAME], as_json)
    counts = {state: sum(row.state is state for row in rows) for state in State}
    if not as_json:
        click.echo(", ".join(f"{count} {state}" for state, count in counts.items() if count))
    if counts[State.CHANGED] and not as_json:
        click.echo("What is changed is left as it is at Meta: a new wording needs a new version in its name.")


@templates.command("apply")
@waba_option
@json_option
@command
async def templates_apply(config: Config, waba_id: str | None, as_json: bool) -> None:
    """Create what is missing, in every language; never change or delete anything.

    Ends with an error if Meta files a template under another category than UTILITY: it would cost more.
    """
    prefix, app_id = config.whatsapp.template_prefix, config.whatsapp.app_id

    def told(row: Row) -> None:
        if not as_json:
            click.echo(f"created  {_line(row)}")

    async with _graph(config) as client:
        found = await apply_templates(client, load(), _account(config, waba_id), prefix, app_id, told)
        rows = await _rows(config, client, waba_id)
    await _remember(config, rows)
    for (name, language), status in found.items():
        say(as_json, f"{name:34} {language:5}  {status}", name=name, language=language, status=status)
    if not as_json:
        notes = {PICTURED: any(row.state is State.MISSING for row in rows), REVIEW: not _ready(rows)}
        click.echo("\n".join(note for note, holds in notes.items() if holds) or "All are approved.")


@templates.command("status")
@waba_option
@click.option("--offline", is_flag=True, help="What webhooks told last, without asking Meta.")
@json_option
@command
async def templates_status(config: Config, waba_id: str | None, offline: bool, as_json: bool) -> None:
    """Show of each language how many templates can go out, and which cannot and why."""
    if offline:
        await _offline(config, as_json)
        return
    async with _graph(config) as client:
        rows = await _rows(config, client, waba_id)
    await _remember(config, rows)
    if as_json:
        _table(rows, as_json)
        return
    for language in LANGUAGES:
        mine = [row for row in rows if row.language == language]
        click.echo(f"{language:6} {sum(row.is_sendable for row in mine)} of {len(mine)} can go out")
    _table([row for row in rows if not row.is_sendable or row.quality in {"YELLOW", "RED"}], as_json)
    refuse_other_categories(rows)


async def _offline(config: Config, as_json: bool) -> None:
    async with open_state(config) as (storage, _):
        states = await storage.template_states()
    for one in states:
        words = f"{one.name:34} {one.language:5}  {one.status}  {one.category}  {one.quality}"
        say(as_json, words, name=one.name, language=one.language, status=one.status,
            category=one.category, quality=one.quality, at_ms=one.at_ms)  # fmt: skip
    if not states and not as_json:
        click.echo("No webhook has told anything of a template yet.")


@asynccontextmanager
async def _graph(config: Config) -> AsyncIterator[Client]:
    """Open a client whose errors, and those of our texts, end a command with one line."""
    try:
        async with open_client(config) as client:
            yield client
    except (SendError, CategoryError, TextError) as error:
        raise Failure(f"templates: {error}") from error


def _account(config: Config, waba_id: str | None) -> str:
    if not (waba_id or config.whatsapp.waba_id):
        raise Failure("whatsapp.waba_id = '': set the id of the WhatsApp Business account, or give --waba-id")
    return waba_id or config.whatsapp.waba_id


async def _rows(config: Config, client: Client, waba_id: str | None) -> list[Row]:
    known = await client.templates(_account(config, waba_id))
    return plan(load(), known, config.whatsapp.template_prefix)


def _ready(rows: Iterable[Row]) -> bool:
    return all(row.is_sendable for row in rows if row.state is not State.MISSING)


def _line(row: Row) -> str:
    told = [row.status, row.category, "" if row.quality == "UNKNOWN" else row.quality]
    return "  ".join([f"{row.name:34} {row.language:5}", *filter(None, told)])


def _table(rows: Iterable[Row], as_json: bool) -> None:
    for row in rows:
        if as_json:
            facts = {"name": row.name, "language": row.language, "state": str(row.state)}
            told = {"status": row.status, "category": row.category, "quality": row.quality}
            click.echo(json.dumps(facts | told))
        else:
            click.echo(f"{_line(row)}  {'' if row.state is State.SAME else row.state}".rstrip())


async def _remember(config: Config, rows: Iterable[Row]) -> None:
    """Keep what Meta said in the state of the relay, if there is one."""
    if not (config.state_dir / FILE_NAME).exists():
        return
    at_ms = now_ms(config)
    async with open_state(config) as (storage, _):
        for row in rows:
            if row.state is not State.MISSING:
                await storage.note_template(
                    TemplateState(row.name, row.language, row.status, row.category, row.quality, at_ms)
                )
