"""herdbell animal, and animal day: what a cow did with her time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from relay import timebudget
from relay.behaviour import labels, sitting
from relay.cli.common import animal_on, command, farm_called, json_option, open_state, say
from relay.cli.lazy import LazyGroup
from relay.clock import WallClock
from relay.storage.ports import NotKnown, partition_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from relay.config import Config
    from relay.model import Animal, Farm
    from relay.storage.sqlite import SqliteStorage

ANIMAL = {
    "event": "relay.cli.lives:animal_event",
    "events": "relay.cli.lives:animal_events",
    "group": "relay.cli.lives:animal_group",
    "picture": "relay.cli.picture:animal_picture",
}


@click.group(cls=LazyGroup, lazy=ANIMAL)
def animal() -> None:
    """What animals did, and what is recorded of them."""


@animal.command("day")
@click.argument("number")
@click.option("--farm", "farm_id", type=int, help="Id of the farm; may be left out if there is only one.")
@click.option(
    "--date",
    "wanted",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Day in the farm's time zone; today if left out.",
)
@json_option
@command
async def animal_day(
    config: Config, number: str, farm_id: int | None, wanted: datetime | None, as_json: bool
) -> None:
    """Show how animal NUMBER spent a day: hours and minutes of each behaviour, and a bar for every hour.

    Ruminating is not validated on cattle; lying and standing are beta. In a simulation "today" is the day of
    what was labelled last.
    """
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        one = await animal_on(storage, farm, number)
        now_ms = await _now_ms(config, storage, one)
        day = wanted.date() if wanted else timebudget.local(now_ms, farm.zone).date()
        found = await _day(storage, farm, one, day, now_ms)
    say(as_json, timebudget.words(found), **timebudget.facts(found))


async def _now_ms(config: Config, storage: SqliteStorage, one: Animal) -> int:
    """Return the time of the wall or, in a simulation, where the animal's labels end."""
    if not config.simulated:
        return WallClock().now_ms()
    newest = await storage.newest_label(one.farm_id, one.id)
    if newest is None:
        raise NotKnown(f"animal {one.number}: nothing is labelled yet")
    return (newest + 1) * timebudget.MINUTE_MS


async def _day(storage: SqliteStorage, farm: Farm, one: Animal, day: date, now_ms: int) -> timebudget.Day:
    if day > timebudget.local(now_ms, farm.zone).date():
        raise ValueError(f"--date={day}: that day has not begun at {farm.name} ({farm.zone})")
    begin_ms, end_ms = timebudget.span_ms(day, farm.zone)
    hours = await storage.behaviour_hours(farm.id, one.id, begin_ms, end_ms)
    # Where midnight is not at a full hour of UTC, the day begins before its first hour does.
    until_ms = max(begin_ms, min(end_ms, now_ms))
    turned = await _turned(storage, one, now_ms)
    return timebudget.Day(farm, one, day, begin_ms, until_ms, tuple(hours), turned)


async def _turned(storage: SqliteStorage, one: Animal, now_ms: int) -> tuple[int, ...]:
    """Return when the collar was found turned, if it keeps turning these days."""
    for row in await storage.states(partition_of(one.farm_id)):
        if (row.animal_id, row.scorer, row.version) == (one.id, labels.KIND, labels.VERSION):
            seated = labels.decode(row.state, row.version).sitting
            return seated.turned_ms if sitting.keeps_turning(seated, now_ms) else ()
    return ()
