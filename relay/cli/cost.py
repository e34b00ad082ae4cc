"""herdbell cost: what the messages of a month cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from relay.cli.common import command, farm_called, json_option, now_ms, open_state, say
from relay.whatsapp.cost import cost_of, dollars, month_of, month_span
from relay.whatsapp.rates import packaged

if TYPE_CHECKING:
    from relay.config import Config
    from relay.model import Farm
    from relay.whatsapp.cost import Cost

_WHAT = "{:24} {:26} {:20} {:>9} {:>10}"


@click.command()
@click.option("--farm", "farm_id", type=int, help="Id of one farm; all if left out.")
@click.option("--month", help="Month in UTC, like 2026-11; this one if left out.")
@json_option
@command
async def cost(config: Config, farm_id: int | None, month: str | None, as_json: bool) -> None:
    """Show what the messages of a month cost, by farm, market and category, in US dollars.

    From the prices that Meta's delivery statuses name and the rate file that comes with the relay. List
    prices, so the bill may be lower. What failed costs nothing; what is on its way is counted.
    """
    at_ms = now_ms(config)
    month = month or month_of(at_ms)
    async with open_state(config) as (storage, _):
        farms = await storage.farms() if farm_id is None else [await farm_called(storage, farm_id)]
        rows = await storage.priced(None, *month_span(month))
    found = [(farm, cost_of(rows, farm.id)) for farm in farms]
    if not as_json:
        click.echo(_WHAT.format("farm", "market", "category", "messages", "USD"))
    for farm, one in found:
        _say_farm(farm, one, month, as_json)
    _say_notes([one for _, one in found], at_ms)


def _say_farm(farm: Farm, one: Cost, month: str, as_json: bool) -> None:
    for line in one.lines:
        words = _WHAT.format(
            farm.name, line.market, line.category, line.count, _amount(line.usd_micros, line.priced_as)
        )
        say(as_json, words, farm=farm.id, month=month, market=line.market, category=line.category,
            messages=line.count, usd_micros=line.usd_micros, priced_as=line.priced_as)  # fmt: skip
    if not as_json:
        click.echo(_WHAT.format(farm.name, f"all of {month}", "", one.count, one.usd))


def _amount(usd_micros: int, priced_as: str) -> str:
    return dollars(usd_micros) if priced_as else "no rate"


def _say_notes(costs: list[Cost], at_ms: int) -> None:
    """Say on standard error what makes the figures less than exact."""
    rates = packaged()
    estimated, unpriced = sum(each.estimated for each in costs), sum(each.unpriced for each in costs)
    stale = rates.stale(datetime.fromtimestamp(at_ms / 1000, UTC).date())
    if estimated:
        click.echo(f"{estimated} to markets without a rate: priced as {rates.otherwise}", err=True)
    if unpriced:
        click.echo(f"{unpriced} of a category without a rate: not in the sum", err=True)
    if stale:
        click.echo(stale, err=True)
