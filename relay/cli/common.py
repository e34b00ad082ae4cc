"""What every command shares: where the settings come from, how the state is opened, how errors end."""

from __future__ import annotations

import asyncio
import functools
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relay.clock import WallClock
from relay.config import ConfigError
from relay.settings import load_config
from relay.storage.ports import NotKnown, StorageError
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from relay.config import Config
    from relay.model import Animal, Farm
    from relay.vault import Vault

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    envvar="HERDBELL_CONFIG",
    help="Settings file (TOML). Without one the defaults and HERDBELL_... variables hold.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of words.")


class Failure(click.ClickException):
    """An error that ends a command with one line on stderr and exit code 2."""

    exit_code = 2


def command(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a coroutine a command body: it gets `config` for --config, and its errors become one line."""

    @config_option
    @functools.wraps(function)
    def run(config_path: Path | None, **options: Any) -> None:
        try:
            asyncio.run(function(load_config(config_path), **options))
        except (ConfigError, StorageError, ValueError, OSError) as error:
            raise Failure(str(error)) from error

    return run


@asynccontextmanager
async def open_state(config: Config) -> AsyncIterator[tuple[SqliteStorage, Vault]]:
    """Open the state beside a relay that may be running."""
    vault = open_vault(config)
    async with SqliteStorage.open(config.state_dir, vault) as storage:
        yield storage, vault


async def farm_called(storage: SqliteStorage, farm_id: int | None) -> Farm:
    """Return the farm of that id, for None the only one there is. NotKnown says which there are."""
    farms = {farm.id: farm for farm in await storage.farms()}
    if farm_id is None and len(farms) == 1:
        return next(iter(farms.values()))
    known = ", ".join(f"{one.id} ({one.name})" for one in farms.values()) or "none"
    if farm_id not in farms:
        raise NotKnown(f"farm={farm_id}: want one of {known}")
    return farms[farm_id]


async def animal_on(storage: SqliteStorage, farm: Farm, number: str) -> Animal:
    """Return the animal that has this number on the farm; NotKnown without one."""
    for one in await storage.animals(farm.id):
        if one.number == number:
            return one
    raise NotKnown(f"animal {number} is not known on farm {farm.id} ({farm.name})")


def now_ms(config: Config) -> int:
    """Return when a change made here takes effect: now, or in a simulation the beginning of time."""
    return 0 if config.simulated else WallClock().now_ms()


def say(as_json: bool, words: str, **facts: object) -> None:
    """Print the outcome for a person or for a program."""
    click.echo(json.dumps(facts) if as_json else words)
