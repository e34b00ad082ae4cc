"""herdbell farm coverage, digest, quiet, escalation, kind, kinds, weather: what a farmer says of the farm."""

from __future__ import annotations

import asyncio
import csv
from typing import IO, TYPE_CHECKING, NamedTuple

import click

from relay.cli.common import command, farm_called, json_option, now_ms, open_state, say
from relay.cli.lives import farm_argument
from relay.cli.moments import When, read
from relay.scoring.coverage import served
from relay.scoring.kinds import all_kinds
from relay.storage.ports import COVERAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from relay.cli.moments import Moment
    from relay.config import Config
    from relay.model import Farm

_HOUR_MS = 3_600_000
_COLUMNS = ["time", "temperature_c", "humidity_percent"]
_AT_ONCE = 1_000  # rows of a table that may wait for the disk together


class Air(NamedTuple):
    """What a thermometer said, and when; None is now."""

    when: Moment | None
    temperature_c: float
    humidity_percent: float


class Standing(NamedTuple):
    """Whether a farm gets a kind of alert, and why not."""

    name: str
    is_on: bool
    why: str


def standings(farm: Farm, switches: Mapping[str, bool]) -> list[Standing]:
    """Return every kind by name: coverage decides first, then the farm's own switch, then the default."""
    kinds = all_kinds()
    unserved = {each.kind: each for each in served(kinds.values(), farm.coverage)[1]}
    found = []
    for name, kind in sorted(kinds.items()):
        is_on, why = switches.get(name, not kind.is_experimental), ""
        if name in unserved:
            gap_h, within_h = unserved[name].gap_h, unserved[name].within_h
            is_on, why = False, f"data may come {gap_h:g} h late, of use within {within_h:g} h"
        elif kind.is_experimental:
            why = "experimental"
        found.append(Standing(name, is_on, why))
    return found


@click.command("coverage")
@farm_argument
@click.argument("coverage", type=click.Choice(COVERAGES))
@json_option
@command
async def farm_coverage(config: Config, farm_id: int, coverage: str, as_json: bool) -> None:
    """Say where and when the collars of FARM are heard, and show which alerts that cannot serve.

    always: everywhere; barn: in the barn only; parlour: twice a day at milking; outages: but for days
    without line or power; stations: near water or salt outside.
    """
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        await storage.set_coverage(farm.id, coverage)
        await storage.audit("cli", "farm.coverage", {"farm": farm.id, "coverage": coverage}, now_ms(config))
    off = [each.kind for each in served(all_kinds().values(), coverage)[1]]
    words = f"{farm.name}: {coverage}; cannot be served and off: {', '.join(off) or 'none'}"
    say(as_json, words, farm=farm.id, coverage=coverage, off=off)


@click.command("digest")
@farm_argument
@click.argument("at", metavar="HH:MM", type=click.DateTime(["%H:%M"]))
@json_option
@command
async def farm_digest(config: Config, farm_id: int, at: datetime, as_json: bool) -> None:
    """Say when the daily digest of FARM goes out, in its local time."""
    digest_min = at.hour * 60 + at.minute
    async with open_state(config) as (storage, _):
        await storage.set_digest(farm_id, digest_min)
        await storage.audit("cli", "farm.digest", {"farm": farm_id, "minute": digest_min}, now_ms(config))
    say(as_json, f"digest at {at:%H:%M}", farm=farm_id, digest_min=digest_min)


@click.command("quiet")
@farm_argument
@click.argument("times", metavar="[HH:MM HH:MM]", nargs=-1, type=click.DateTime(["%H:%M"]))
@json_option
@command
async def farm_quiet(config: Config, farm_id: int, times: tuple[datetime, ...], as_json: bool) -> None:
    """Say from when until when FARM sleeps, in its local time: only what is urgent is told then.

    Without times it never sleeps.
    """
    if len(times) not in (0, 2):
        raise click.UsageError("want two times, from and until, or none")
    minutes = [each.hour * 60 + each.minute for each in times]
    quiet_min = (minutes[0], minutes[1]) if minutes else None
    async with open_state(config) as (storage, _):
        await storage.set_quiet(farm_id, quiet_min)
        await storage.audit("cli", "farm.quiet", {"farm": farm_id, "minutes": minutes}, now_ms(config))
    words = f"quiet from {times[0]:%H:%M} to {times[1]:%H:%M}" if times else "told at any hour"
    say(as_json, words, farm=farm_id, quiet_min=minutes)


def _steps(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return () if value == "never" else tuple(int(minutes) for minutes in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: want minutes such as 15,30 or the word never") from error


@click.command("escalation")
@farm_argument
@click.argument("steps", metavar="15,30|never", callback=_steps)
@json_option
@command
async def farm_escalation(config: Config, farm_id: int, steps: tuple[int, ...], as_json: bool) -> None:
    """Say after how many minutes an urgent alert of FARM that nobody answers goes on to the next people.

    Up to 4 times, the earliest first: after the first those with rung 1 are told, after the second those with
    rung 2, after the last everybody who is left. never: only who is told at once hears of it.
    """
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        await storage.set_escalation(farm.id, steps)
        detail = {"farm": farm.id, "minutes": list(steps)}
        await storage.audit("cli", "farm.escalation", detail, now_ms(config))
    words = f"goes on after {' and '.join(map(str, steps))} min" if steps else "never goes on"
    say(as_json, f"{farm.name}: an urgent alert nobody answers {words}", farm=farm.id, escalate_min=steps)


@click.command("kind")
@farm_argument
@click.argument("kind")
@click.argument("state", type=click.Choice(["on", "off"]))
@json_option
@command
async def farm_kind(config: Config, farm_id: int, kind: str, state: str, as_json: bool) -> None:
    """Switch an alert KIND on or off for FARM."""
    if kind not in all_kinds():
        raise ValueError(f"kind={kind!r}, want one of {', '.join(sorted(all_kinds()))}")
    async with open_state(config) as (storage, _):
        await storage.switch_kind(farm_id, kind, state == "on")
        detail = {"farm": farm_id, "kind": kind, "state": state}
        await storage.audit("cli", "farm.kind", detail, now_ms(config))
        farm = await farm_called(storage, farm_id)
        found = next(each for each in standings(farm, await storage.switches(farm_id)) if each.name == kind)
    _say_standing(found, as_json)


@click.command("kinds")
@farm_argument
@json_option
@command
async def farm_kinds(config: Config, farm_id: int, as_json: bool) -> None:
    """List the alert kinds, whether FARM gets them, and why not."""
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        for each in standings(farm, await storage.switches(farm.id)):
            _say_standing(each, as_json)


def _say_standing(one: Standing, as_json: bool) -> None:
    words = f"{one.name:20} {'on' if one.is_on else 'off'}{f'  ({one.why})' if one.why else ''}"
    say(as_json, words, kind=one.name, is_on=one.is_on, why=one.why)


@click.command("weather")
@farm_argument
@click.option("--at", type=When(), help="When it was measured or is expected; now if left out.")
@click.option("--temperature", "temperature_c", type=float, metavar="C", help="Air temperature.")
@click.option("--humidity", "humidity_percent", type=float, metavar="%", help="Relative humidity.")
@click.option("--from", "table", type=click.File(encoding="utf-8"), help="CSV or -: many at once.")
@json_option
@command
async def farm_weather(
    config: Config,
    farm_id: int,
    at: Moment | None,
    temperature_c: float | None,
    humidity_percent: float | None,
    table: IO[str] | None,
    as_json: bool,
) -> None:
    """Record the air of an hour on FARM: heat stress is told from it.

    A table has the columns time, temperature_c, humidity_percent; times are the farm's unless they say
    another zone.
    """
    if (table is None) == (temperature_c is None or humidity_percent is None):
        raise click.UsageError("give either --temperature and --humidity or --from")
    if table is None and at is None and config.simulated:
        raise click.UsageError("--at is missing: a simulation has no now")
    airs = read_table(table) if table else [Air(at, temperature_c or 0.0, humidity_percent or 0.0)]
    now = now_ms(config)
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        hours = [(each.when.utc_ms(farm.zone) if each.when else now) // _HOUR_MS for each in airs]
        for begin in range(0, len(airs), _AT_ONCE):
            some = zip(hours[begin : begin + _AT_ONCE], airs[begin : begin + _AT_ONCE], strict=True)
            await asyncio.gather(*[storage.note_weather(farm.id, hour, *air[1:]) for hour, air in some])
        await storage.audit("cli", "farm.weather", {"farm": farm.id, "hours": len(airs)}, now)
    say(
        as_json,
        f"{farm.name}: {len(airs)} {'hour' if len(airs) == 1 else 'hours'}",
        farm=farm.id,
        hours=hours,
    )


def read_table(table: Iterable[str]) -> list[Air]:
    """Read CSV with the columns time, temperature_c, humidity_percent. click.UsageError names the line."""
    rows = csv.DictReader(table)
    if rows.fieldnames != _COLUMNS:
        raise click.UsageError(f"columns are {rows.fieldnames}, want {', '.join(_COLUMNS)}")
    airs = []
    for row in rows:
        try:
            airs.append(Air(read(row["time"]), float(row["temperature_c"]), float(row["humidity_percent"])))
        except (TypeError, ValueError) as error:
            raise click.UsageError(
                f"line {rows.line_num}: want a time and two numbers, found {row}"
            ) from error
    return airs
