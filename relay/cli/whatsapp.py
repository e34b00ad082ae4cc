"""herdbell whatsapp: from no Meta account to the first message, and how the number stands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import click

from relay.cli.common import Failure, command, config_option, json_option, open_state, say
from relay.cli.whatsapp_settings import complete
from relay.clock import WallClock
from relay.config import ConfigError
from relay.settings import load_config
from relay.storage.sqlite import FILE_NAME
from relay.whatsapp.client import SendError
from relay.whatsapp.provision import State, plan
from relay.whatsapp.service import open_client
from relay.whatsapp.setup import NOT_YET, Setup
from relay.whatsapp.setup_steps import Level, Step, settled
from relay.whatsapp.texts import load
from relay.whatsapp.versions import day_of, days_left

if TYPE_CHECKING:
    from pathlib import Path

    from relay.config import Config
    from relay.whatsapp.client import Client

_DAY_MS = 24 * 3_600_000
_NOTES_DAYS = 30
_METRICS_S = 3
_BREAKER = "herdbell_whatsapp_breaker_open"


@click.group()
def whatsapp() -> None:
    """The WhatsApp number: set it up, see how it stands."""


@whatsapp.command("setup")
@config_option
@click.option("--check", is_flag=True, help="Only look: ask nothing, change nothing, send nothing.")
@click.option("--url", default="", help="Address of the webhook as Meta sees it, https://...")
@click.option("--to", default="", help="Send a first message to this phone of your own, +COUNTRYNUMBER.")
@json_option
def whatsapp_setup(config_path: Path | None, check: bool, url: str, to: str, as_json: bool) -> None:
    """Lead from no Meta account to the first message, step by step; run it again to go on.

    Asks for the ids and secrets that are missing, puts secrets into files of mode 0600, and checks each step
    at Meta. Ends with exit code 2 while something is left to do. With --json nothing is asked.
    """
    if not as_json:
        click.echo(NOT_YET)
    try:
        config = load_config(config_path)
        if not check and not as_json:
            config = complete(config_path, config)
        left = asyncio.run(_walk(config, as_json, url=url, to=to, check_only=check))
    except (ConfigError, ValueError, OSError) as error:
        raise Failure(str(error)) from error
    if left:
        raise Failure(f"{left} to do: run this again when it is done")
    if not as_json:
        enabled = config.whatsapp.enabled
        click.echo("All is set." if enabled else "All is set: put enabled = true under [whatsapp].")


@whatsapp.command("status")
@json_option
@command
async def whatsapp_status(config: Config, as_json: bool) -> None:
    """Show the number, its quality and limit, templates, breaker, version and what Meta said lately."""
    now_ms = WallClock().now_ms()
    facts: dict[str, Any] = {"version": _version(config, now_ms), "breaker": await _breaker(config)}
    try:
        async with open_client(config) as client:
            facts |= await _at_meta(config, client)
    except SendError as error:
        facts["meta"] = f"could not be asked: {error}"
    notes = await _notes(config, now_ms - _NOTES_DAYS * _DAY_MS)
    words = [f"{name:18} {value}" for name, value in facts.items()]
    told = [f"{day_of(at_ms)}  {field}  {text}" for at_ms, field, text in notes]
    lines = [NOT_YET, *words, f"Meta in {_NOTES_DAYS} days:" if told else "", *told]
    say(as_json, "\n".join(line for line in lines if line), **facts, notes=notes)


async def _walk(config: Config, as_json: bool, **chosen: Any) -> int:
    """Tell every step; return how many are left to do."""
    steps = settled(config)
    if not steps:
        today = day_of(WallClock().now_ms())
        async with open_client(config) as client:
            async for step in Setup(config, client, today, **chosen).steps():
                _tell(step, as_json)
                steps.append(step)
    else:
        for step in steps:
            _tell(step, as_json)
    return sum(step.level is Level.TODO for step in steps)


def _tell(step: Step, as_json: bool) -> None:
    words = f"{step.name:14} {step.level:8} {step.text}"
    cure = f"\n{'':14} {'':8} -> {step.cure}" if step.cure else ""
    say(as_json, words + cure, step=step.name, level=str(step.level), text=step.text, cure=step.cure)


def _version(config: Config, now_ms: int) -> str:
    version = config.whatsapp.graph_version
    left = days_left(version, day_of(now_ms))
    return version if left is None else f"{version}, ends in {left} days"


async def _at_meta(config: Config, client: Client) -> dict[str, Any]:
    known = await client.health()
    throughput, health = known.get("throughput"), known.get("health_status")
    facts = {
        "number": config.whatsapp.phone_number_id,
        "quality": known.get("quality_rating", "unknown"),
        "name": known.get("name_status", "unknown"),
        "limit": known.get("whatsapp_business_manager_messaging_limit", "unknown"),
        "throughput": throughput.get("level") if isinstance(throughput, dict) else "unknown",
        "sending": health.get("can_send_message") if isinstance(health, dict) else "unknown",
    }
    if not config.whatsapp.waba_id:
        return facts | {"templates": "whatsapp.waba_id is not set"}
    rows = plan(load(), await client.templates(config.whatsapp.waba_id), config.whatsapp.template_prefix)
    missing = sum(row.state is State.MISSING for row in rows)
    can = sum(row.is_sendable for row in rows)
    return facts | {"templates": f"{can} of {len(rows)} can go out, {missing} missing"}


async def _breaker(config: Config) -> str:
    """Ask the relay that runs here whether it has stopped sending."""
    scheme = "https" if config.server.tls_cert_file else "http"
    url = f"{scheme}://{config.server.host}:{config.server.port}/metrics"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_METRICS_S)) as session,
            session.get(url, ssl=False) as answer,
        ):
            lines = (await answer.text()).splitlines()
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return "unknown: no relay answers here"
    values = [line.split()[-1] for line in lines if line.startswith(_BREAKER)]
    if not values:
        return "unknown: the relay does not send by WhatsApp"
    return "open: nothing is sent" if float(values[0]) else "closed"


async def _notes(config: Config, since_ms: int) -> list[tuple[int, str, str]]:
    if not (config.state_dir / FILE_NAME).exists():
        return []
    async with open_state(config) as (storage, _):
        return [(one.at_ms, one.field, one.text) for one in await storage.account_notes(since_ms)]
