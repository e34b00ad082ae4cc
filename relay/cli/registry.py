"""herdbell farm, collar: what there is on the farm."""

from __future__ import annotations

import csv
import json
import os
import secrets
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from relay import collarsays
from relay.alerts.words import LANGUAGES, nearest
from relay.cli.common import command, json_option, now_ms, open_state, say
from relay.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from relay.config import Config
    from relay.storage.sqlite import SqliteStorage

FARM = {
    "coverage": "relay.cli.farmbook:farm_coverage",
    "digest": "relay.cli.farmbook:farm_digest",
    "escalation": "relay.cli.farmbook:farm_escalation",
    "kind": "relay.cli.farmbook:farm_kind",
    "kinds": "relay.cli.farmbook:farm_kinds",
    "quiet": "relay.cli.farmbook:farm_quiet",
    "weather": "relay.cli.farmbook:farm_weather",
}
COLLAR = {
    "burst": "relay.cli.downlink:collar_burst",
    "bursts": "relay.cli.downlink:collar_bursts",
    "set": "relay.cli.downlink:collar_set",
}
_DEVICE_MAX = 0xFFFFFFFF
farm_option = click.option("--farm", "farm_id", type=int, required=True, help="Id of the farm.")


def _zone(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.BadParameter(f"{value!r} is no time zone; want one like Europe/Berlin") from error
    return value


zone_option = click.option(
    "--zone", default="UTC", show_default=True, callback=_zone, help="Time zone, like Europe/Berlin."
)


def _language(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    tag = value.replace("-", "_")
    if nearest(tag).split("_")[0] != tag.split("_")[0]:
        raise click.BadParameter(f"{value!r} is no language we have; want one of {', '.join(LANGUAGES)}")
    return tag


language_option = click.option(
    "--language", default="en", show_default=True, callback=_language, help="Language of messages."
)


@click.group(cls=LazyGroup, lazy=FARM)
def farm() -> None:
    """Farms: each has its own root key, zone and language."""


@farm.command("add")
@click.argument("name")
@zone_option
@language_option
@json_option
@command
async def farm_add(config: Config, name: str, zone: str, language: str, as_json: bool) -> None:
    """Add a farm called NAME and print its id."""
    async with open_state(config) as (storage, vault):
        # A simulation repeats itself byte for byte, so its farms have roots that follow from their names.
        root = vault.blind(name, "simulated farm root") if config.simulated else secrets.token_bytes(32)
        farm_id = await storage.add_farm(name, root, zone=zone, language=language)
        await storage.audit("cli", "farm.add", {"farm": farm_id}, now_ms(config))
    say(as_json, f"farm {farm_id}: {name}", id=farm_id, name=name)


@farm.command("list")
@json_option
@command
async def farm_list(config: Config, as_json: bool) -> None:
    """List the farms."""
    async with open_state(config) as (storage, _):
        for one in await storage.farms():
            say(as_json, f"{one.id:4}  {one.name}  {one.zone}  {one.language}", id=one.id, name=one.name,
                zone=one.zone, language=one.language)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewCollar:
    """A collar to add: who wears it and its id, None for a free one."""

    number: str
    name: str = ""
    device: int | None = None


@click.group(cls=LazyGroup, lazy=COLLAR)
def collar() -> None:
    """Collars and the animals that wear them."""


@collar.command("add")
@farm_option
@click.option("--animal", "number", help="Number of the animal that wears it; it is added if it is new.")
@click.option("--name", default="", help="Name of the animal.")
@click.option(
    "--device", type=click.IntRange(1, _DEVICE_MAX), help="Id of the collar; a free one if left out."
)
@click.option(
    "--from", "table", type=click.File(encoding="utf-8"), help="CSV (number,name,device) or -: many at once."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, writable=True), help="New file (mode 0600) instead of stdout."
)
@command
async def collar_add(
    config: Config, farm_id: int, number: str | None, name: str, device: int | None, table: IO[str] | None,
    out: str | None,
) -> None:  # fmt: skip
    """Add a collar and print what it is provisioned with: one line of JSON with device, epoch and key.

    The key is shown this once. Whoever has it can speak for this collar.
    """
    if (number is None) == (table is None):
        raise click.UsageError("give either --animal or --from")
    wanted = read_table(table) if table else [NewCollar((number or "").strip(), name.strip(), device)]
    async with open_state(config) as (storage, _):
        lines = await add_collars(storage, farm_id, wanted, now_ms(config))
    text = "".join(line + "\n" for line in lines)
    if out:
        _write_secret(out, text)
    else:
        click.echo(text, nl=False)


def read_table(table: Iterable[str]) -> list[NewCollar]:
    """Read CSV with the columns number, name, device. Raises click.UsageError naming the line."""
    rows = csv.DictReader(table)
    if set(rows.fieldnames or ()) - {"name", "device"} != {"number"}:
        raise click.UsageError(
            f"columns are {rows.fieldnames}, want number and, if you like, name and device"
        )
    found = []
    for row in rows:
        device = row.get("device") or ""
        if not row["number"] or (device and not (device.isdecimal() and 1 <= int(device) <= _DEVICE_MAX)):
            raise click.UsageError(
                f"line {rows.line_num}: want a number and a device of 1..{_DEVICE_MAX}, found {row}"
            )
        found.append(
            NewCollar(row["number"].strip(), (row.get("name") or "").strip(), int(device) if device else None)
        )
    return found


async def add_collars(storage: SqliteStorage, farm_id: int, wanted: list[NewCollar], at_ms: int) -> list[str]:
    """Add each collar and put it on its animal; return the provisioning lines."""
    animals = {animal.number: animal.id for animal in await storage.animals(farm_id)}
    taken = {known.device for known in await storage.collars(farm_id)}
    lines = []
    for new in wanted:
        device = new.device or _free_device(taken)
        if device in taken:
            raise click.UsageError(f"device {device}: the farm has this collar already")
        if new.number not in animals:
            animals[new.number] = await storage.add_animal(farm_id, new.number, new.name)
        await storage.add_collar(device, farm_id)
        await storage.assign(device, animals[new.number], at_ms)
        await storage.audit("cli", "collar.add", {"farm": farm_id, "device": device}, at_ms)
        taken.add(device)
        key = await storage.collar_secret(device)
        lines.append(json.dumps({"device": device, "epoch": 0, "key": key.hex()}))
    return lines


def _free_device(taken: set[int]) -> int:
    while (device := 1 + secrets.randbelow(_DEVICE_MAX)) in taken:
        pass
    return device


def _write_secret(path: str | Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


@collar.command("list")
@farm_option
@json_option
@command
async def collar_list(config: Config, farm_id: int, as_json: bool) -> None:
    """List the collars of a farm: who wears them, what they said last, what they have yet to be told."""
    async with open_state(config) as (storage, _):
        collars = await storage.collars(farm_id)  # first: one that is added meanwhile has no report here
        reports = await storage.reports(farm_id)
        animals = {animal.id: animal for animal in await storage.animals(farm_id)}
        for one in collars:
            wearer = animals.get(one.animal_id or 0)
            label, number = (wearer.label, wearer.number) if wearer else ("-", None)
            report = reports[one.device]
            words = f"{one.device:10}  epoch {one.epoch}  {label}  {collarsays.words(report)}"
            facts = collarsays.facts(report)
            say(as_json, words, device=one.device, epoch=one.epoch, animal=number, **facts)
