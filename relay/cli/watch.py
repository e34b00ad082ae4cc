"""herdbell watch: tell somebody when a relay is not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import click

from relay.cli.common import command
from relay.clock import WallClock
from relay.config import ConfigError
from relay.logs import configure_logs
from relay.watch.outside import Outside, is_ready
from relay.watch.paths import configured

if TYPE_CHECKING:
    from relay.config import Config


@click.command()
@click.argument("url")
@click.option(
    "--remember", type=click.Path(dir_okay=False, path_type=Path), help="File that outlives a restart."
)
@click.option("--once", is_flag=True, help="Ask once: exit code 0 if the relay does its work, 1 if not.")
@command
async def watch(config: Config, url: str, remember: Path | None, once: bool) -> None:
    """Ask the relay at URL every minute whether it does its work, on another machine than the relay's.

    If it does not for watch.after_min minutes, [watch] of the settings says who is told: by e-mail or by a
    command. No state folder is needed and no key of the relay's.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise click.UsageError(f"{url!r}: want http://... or https://...")
    async with aiohttp.ClientSession() as session:
        if once:
            raise SystemExit(0 if await is_ready(session, url) else 1)
        paths = configured(config)
        if not paths:
            raise ConfigError("watch.email_to and watch.command are empty: nobody could be told")
        configure_logs(config.log)
        outside = Outside(
            lambda: is_ready(session, url), WallClock(), paths, config.watch.after_min, remember
        )
        await outside.run()
