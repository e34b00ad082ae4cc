"""herdbell animal picture: the evidence picture of an alert, as the farmer gets it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.alerts.words import LANGUAGES, words
from relay.cli.common import animal_on, command, farm_called, json_option, open_state, say
from relay.cli.lives import farm_argument
from relay.clock import WallClock
from relay.pictures.service import ask
from relay.pictures.worker import drawn
from relay.storage.ports import NotKnown
from relay.timebudget import MINUTE_MS

if TYPE_CHECKING:
    from relay.config import Config
    from relay.model import Animal
    from relay.storage.sqlite import SqliteStorage


@click.command("picture")
@farm_argument
@click.argument("number")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="PNG to write.")
@click.option("--kind", default="", help="Kind of alert; that of her newest alert if left out.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of its words; the farm's if left out.")
@json_option
@command
async def animal_picture(
    config: Config, farm_id: int, number: str, out: Path, kind: str, language: str | None, as_json: bool
) -> None:
    """Draw the last three days of animal NUMBER of FARM beside what is usual for her.

    Activity, chewing and eating, as they go out with an alert. In a simulation they end where her data do.
    """
    known = words(language or "en").table["kinds"]
    if kind and kind not in known:
        raise ValueError(f"--kind={kind}: want one of {', '.join(sorted(known))}")
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        one = await animal_on(storage, farm, number)
        until_ms = await _until_ms(config, storage, one)
        asked = await ask(storage, farm.id, one.id, kind, until_ms, language or farm.language)
    made = drawn(asked) if asked else None
    if made is None:
        raise NotKnown(f"animal {number}: nothing was heard of her in the last three days")
    await asyncio.to_thread(out.write_bytes, made)
    say(as_json, f"{out}: {len(made)} bytes", file=str(out), bytes=len(made))


async def _until_ms(config: Config, storage: SqliteStorage, one: Animal) -> int:
    if not config.simulated:
        return WallClock().now_ms()
    newest = await storage.newest_label(one.farm_id, one.id)
    if newest is None:
        raise NotKnown(f"animal {one.number}: nothing is labelled yet")
    return (newest + 1) * MINUTE_MS
