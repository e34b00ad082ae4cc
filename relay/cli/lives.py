"""herdbell animal event, events, group: what a farmer records of an animal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from relay.cli.common import animal_on, command, farm_called, json_option, now_ms, open_state, say
from relay.cli.moments import When, says, shown
from relay.storage.ports import LIFE_KINDS, NotKnown

if TYPE_CHECKING:
    from relay.cli.moments import Moment
    from relay.config import Config
    from relay.model import Animal, Farm
    from relay.storage.sqlite import SqliteStorage

_AHEAD = "due"  # the one kind that may lie ahead
farm_argument = click.argument("farm_id", metavar="FARM", type=int)
_number = click.argument("number")


@click.command("event")
@farm_argument
@_number
@click.argument("kind", type=click.Choice(LIFE_KINDS))
@click.option("--at", type=When(), help="When it was or, for due, will be; now if left out.")
@click.option("--noted", type=When(), help="When it was written down, for old records; now if left out.")
@click.option("--strike", is_flag=True, help="Take back what was recorded by mistake for that time.")
@json_option
@command
async def animal_event(
    config: Config,
    farm_id: int,
    number: str,
    kind: str,
    at: Moment | None,
    noted: Moment | None,
    strike: bool,
    as_json: bool,
) -> None:
    """Record what happened to animal NUMBER of FARM, or when she is due.

    Times are the farm's, like 2026-11-20 or "2026-11-20 06:30"; a day alone means its noon. Which alerts make
    sense for her follows from it. A simulation has no now: say when.
    """
    if at is None and (strike or config.simulated or kind == _AHEAD):
        raise click.UsageError(f"--at is missing: {kind} when?")
    now = now_ms(config)
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        one = await animal_on(storage, farm, number)
        if at and strike:
            at_ms = await _strike(storage, farm, one, kind, at)
        else:
            at_ms = now if at is None else _told_ms(farm.zone, at, None if kind == _AHEAD else now)
            noted_ms = now if noted is None else _told_ms(farm.zone, noted, now)
            await storage.note_life(farm.id, one.id, kind, at_ms, noted_ms)
        about = {"kind": kind, "at_ms": at_ms, "struck": strike}
        await storage.audit("cli", "animal.event", {"farm": farm.id, "animal": one.id, **about}, now)
    words = f"{one.label}: {kind}, {shown(at_ms, farm.zone)}{', struck' if strike else ''}"
    say(as_json, words, animal=one.number, **about)


def _told_ms(zone: str, moment: Moment, now: int | None) -> int:
    """Return a time in UTC milliseconds; it must not lie ahead of `now`. In a simulation (0) nothing does."""
    return moment.past_ms(zone, now) if now else moment.utc_ms(zone)


async def _strike(storage: SqliteStorage, farm: Farm, one: Animal, kind: str, at: Moment) -> int:
    """Strike all of that kind recorded for that day or minute; return the last one's time."""
    recorded = [each for each in await storage.life_events(farm.id) if each.animal_id == one.id]
    meant = [each for each in recorded if each.kind == kind and says(at, each.at_ms, farm.zone)]
    if not meant:
        said = shown(at.utc_ms(farm.zone), farm.zone)
        raise NotKnown(f"{one.label}: no {kind} is recorded for {said}")
    for each in meant:
        await storage.strike_life(farm.id, one.id, kind, each.at_ms)
    return meant[-1].at_ms


@click.command("events")
@farm_argument
@click.argument("number", required=False)
@json_option
@command
async def animal_events(config: Config, farm_id: int, number: str | None, as_json: bool) -> None:
    """List what is recorded of the animals of FARM, or of NUMBER alone, oldest first."""
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        wanted = [await animal_on(storage, farm, number)] if number else await storage.animals(farm.id)
        labels = {one.id: one for one in wanted}
        for each in await storage.life_events(farm.id):
            if one := labels.get(each.animal_id):
                words = f"{shown(each.at_ms, farm.zone)}  {each.kind:11}  {one.label}"
                say(
                    as_json,
                    words,
                    animal=one.number,
                    kind=each.kind,
                    at_ms=each.at_ms,
                    noted_ms=each.noted_ms,
                )


@click.command("group")
@farm_argument
@_number
@click.argument("group")
@json_option
@command
async def animal_group(config: Config, farm_id: int, number: str, group: str, as_json: bool) -> None:
    """Say that animal NUMBER of FARM is kept in GROUP; "" for none. Cows are compared within their group."""
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        one = await animal_on(storage, farm, number)
        await storage.set_group(farm.id, one.id, group)
        detail = {"farm": farm.id, "animal": one.id, "group": group}
        await storage.audit("cli", "animal.group", detail, now_ms(config))
    say(as_json, f"{one.label}: {group or 'no group'}", animal=one.number, group=group)
