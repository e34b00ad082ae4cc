"""herdbell collar set, burst, bursts: what collars are to be told, and the raw samples they send."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from herdcore.downlink import Settings, decode_settings, encode_settings
from herdcore.vocabulary import PROFILE_NAMES
from relay import bursts, settingsblock
from relay.cli.common import command, json_option, now_ms, open_state, say
from relay.storage.downlink import BURST_MAX_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.config import Config
    from relay.model import CollarSettings
    from relay.storage.sqlite import SqliteStorage

_PASSWORD = "HERDBELL_NETWORK_PASSWORD"  # noqa: S105 - the name of a variable
_NEXT_PASSWORD = "HERDBELL_NEXT_NETWORK_PASSWORD"  # noqa: S105 - likewise
_device = click.argument("device", type=click.IntRange(1, 0xFFFFFFFF))


def _address(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[str, int] | None:
    try:
        return None if value is None else settingsblock.relay_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("set")
@_device
@click.option("--upload-s", type=click.IntRange(60, 86_400), help="Time between uploads, s.")
@click.option("--profile", type=click.Choice(PROFILE_NAMES), help="How it sleeps and what it sends.")
@click.option("--network", help="Add the network of that name (SSID), or change its password.")
@click.option("--relay", callback=_address, metavar="HOST:PORT", help="Add a relay.")
@click.option(
    "--next-network", help="The network to try when the present ones fail: announce it before you change."
)
@click.option("--next-relay", callback=_address, metavar="HOST:PORT", help="The relay to try likewise.")
@click.option("--forget-network", metavar="SSID", help="Take a network out.")
@click.option("--forget-relay", callback=_address, metavar="HOST:PORT", help="Take a relay out.")
@click.option(
    "--unset", multiple=True, type=click.Choice(tuple(settingsblock.UNSET)), help="Back to the collar's own."
)
@click.option("--show", is_flag=True, help="Print the block, without passwords.")
@json_option
@command
async def collar_set(config: Config, device: int, show: bool, as_json: bool, **wanted: object) -> None:
    """Change the settings of collar DEVICE; it gets the whole block with every ack until it says it has it.

    The password of --network is asked for, or taken from HERDBELL_NETWORK_PASSWORD; that of --next-network
    from HERDBELL_NEXT_NETWORK_PASSWORD. Empty: an open network.
    """
    changes = {name: value for name, value in wanted.items() if value not in (None, ())}
    if not changes and not show:
        raise click.UsageError("nothing to set; --show prints what is set")
    async with open_state(config) as (storage, _):
        block = await storage.settings(device)
        if changes:
            await _store(storage, device, block, _changed(decode_settings(block.raw), changes))
            await storage.audit(
                "cli", "collar.set", {"device": device, "fields": sorted(changes)}, now_ms(config)
            )
            block = await storage.settings(device)
    _say_settings(device, block, as_json)


async def _store(storage: SqliteStorage, device: int, before: CollarSettings, settings: Settings) -> None:
    raw = encode_settings(settings._replace(number=before.next_number))
    await storage.set_settings(device, before.number, before.next_number, raw)


def _changed(settings: Settings, changes: dict[str, object]) -> Settings:
    """Return the settings with the changes of a command line: first what goes, then what comes."""
    take = changes.get
    settings = settingsblock.without(settings, take("unset", ()))  # type: ignore[arg-type] # click made them
    if (gone := take("forget_network")) is not None:
        settings = settingsblock.without_network(settings, str(gone))
    if gone := take("forget_relay"):
        settings = settingsblock.without_relay(settings, gone)  # type: ignore[arg-type] # likewise
    if (ssid := take("network")) is not None:
        settings = settingsblock.with_network(settings, _network(str(ssid), _PASSWORD))
    if relay := take("relay"):
        settings = settingsblock.with_relay(settings, relay)  # type: ignore[arg-type] # likewise
    if (ssid := take("next_network")) is not None:
        settings = settings._replace(next_network=_network(str(ssid), _NEXT_PASSWORD))
    plain: dict[str, object] = {n: changes[n] for n in ("upload_s", "next_relay") if n in changes}
    if profile := take("profile"):
        plain["profile"] = PROFILE_NAMES.index(str(profile))
    return settings._replace(**plain)


def _network(ssid: str, variable: str) -> tuple[str, str]:
    password = os.environ.get(variable)
    if password is None:
        password = click.prompt(
            f"Password of {ssid}", hide_input=True, default="", show_default=False, err=True
        )
    return settingsblock.network(ssid, password)


def _say_settings(device: int, block: CollarSettings, as_json: bool) -> None:
    said = settingsblock.shown(decode_settings(block.raw))
    lines = [f"  {name}: {', '.join(v) if isinstance(v, list) else v}" for name, v in said.items() if v]
    state = "waits for the collar" if block.waits else "the collar has it" if block.number else "none"
    say(as_json, "\n".join([f"collar {device}: settings {block.number}, {state}", *lines]),
        device=device, number=block.number, waits=block.waits, **said)  # fmt: skip


@click.command("burst")
@_device
@click.option(
    "--seconds", type=click.IntRange(1, BURST_MAX_S), default=60, show_default=True, help="How long."
)
@json_option
@command
async def collar_burst(config: Config, device: int, seconds: int, as_json: bool) -> None:
    """Ask collar DEVICE for a raw burst; it is asked with every ack until its samples come."""
    async with open_state(config) as (storage, _):
        burst_id = await storage.ask_burst(device, seconds)
        detail = {"device": device, "burst": burst_id, "seconds": seconds}
        await storage.audit("cli", "collar.burst", detail, now_ms(config))
    say(as_json, f"collar {device}: burst {burst_id}, {seconds} s, asked for", **detail)


@click.command("bursts")
@_device
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, writable=True), help="CSV file to write."
)
@click.option(
    "--burst", "burst_id", type=click.IntRange(1, 0xFFFF), help="Which one; the newest if left out."
)
@json_option
@command
async def collar_bursts(config: Config, device: int, out: str, burst_id: int | None, as_json: bool) -> None:
    """Write the samples of a raw burst of collar DEVICE: t_ms (UTC), x_mg, y_mg, z_mg."""
    async with open_state(config) as (storage, _):
        found = bursts.by_burst(await storage.raw_frames(device))
    if burst_id is None:
        burst_id = next(reversed(found), 0)
    if burst_id not in found:
        known = ", ".join(map(str, found)) or "none"
        raise ValueError(f"burst={burst_id or 'newest'}: collar {device} has sent {known}")
    rows = list(bursts.samples(found[burst_id]))
    _write_samples(Path(out), rows)
    say(as_json, f"{out}: burst {burst_id}, {len(rows)} samples", burst=burst_id, samples=len(rows))


def _write_samples(path: Path, rows: Sequence[tuple[int, int, int, int]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("t_ms", "x_mg", "y_mg", "z_mg"))
        writer.writerows(rows)
