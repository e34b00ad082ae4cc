"""herdbell person: who gets messages, with what consent, and what they may ask for by law."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from relay.channels.by_apprise import knows
from relay.cli.common import command, farm_called, json_option, now_ms, open_state, say
from relay.cli.registry import farm_option, language_option, zone_option
from relay.logs import redact
from relay.privacy import CONSENT
from relay.storage.ports import ROLES, NotKnown
from relay.storage.ports_chat import CHANGED, RUNG_MAX

if TYPE_CHECKING:
    from relay.config import Config
    from relay.model import Person
    from relay.storage.sqlite import SqliteStorage

person_argument = click.argument("person_id", metavar="PERSON", type=int)


@click.group()
def person() -> None:
    """People who get messages."""


@person.command("add")
@farm_option
@click.option("--name", required=True, help="How messages address them.")
@click.option("--phone", required=True, help="WhatsApp number with country code, like +49 170 1234567.")
@language_option
@zone_option
@click.option(
    "--role", type=click.Choice(ROLES), default="owner", show_default=True, help="What they are there."
)
@click.option(
    "--rung", type=click.IntRange(0, RUNG_MAX), default=0, show_default=True,
    help="When they hear of an urgent alert: 0 at once, 1 once nobody answered, and so on.",
)  # fmt: skip
@click.option(
    "--consent-text", "--consent", "consent", default=CONSENT, show_default=True,
    help="Which text they agreed to, and how.",
)  # fmt: skip
@json_option
@command
async def person_add(
    config: Config, farm_id: int, name: str, consent: str, rung: int, as_json: bool, **who: str
) -> None:
    """Add somebody to a farm and print their id. Only with their consent.

    Who is there already gets the role and the consent given now.
    """
    async with open_state(config) as (storage, _):
        at_ms = now_ms(config)
        person_id = await storage.add_person(
            farm_id, name, consent_ms=at_ms, consent_text=consent, rung=rung, **who
        )
        detail = {"farm": farm_id, "person": person_id, "role": who["role"], "rung": rung, "consent": consent}
        await storage.audit("cli", "person.add", detail, at_ms)
    say(as_json, f"person {person_id}: {name}, {who['role']}", id=person_id, name=name)


@person.command("list")
@farm_option
@json_option
@command
async def person_list(config: Config, farm_id: int, as_json: bool) -> None:
    """List the people of a farm, without their numbers."""
    async with open_state(config) as (storage, _):
        farm = await farm_called(storage, farm_id)
        for one in await storage.people(farm.id):
            channels = [scheme(url) for url in await storage.addresses(one.id)]
            facts = standing(one)
            words = f"{one.id:4}  {one.name}  {one.role}  {one.language}  {', '.join([*facts, *channels])}"
            say(as_json, words.rstrip(), id=one.id, name=one.name, role=one.role, language=one.language,
                rung=one.rung, standing=facts, channels=channels)  # fmt: skip


def standing(one: Person) -> list[str]:
    """Return what is to be known of a person before they are relied on: nothing for most."""
    return [
        words
        for words, is_so in (
            (f"rung {one.rung}", one.rung > 0),
            ("wants no messages", one.opted_out_ms is not None),
            ("wants fewer", one.fewer),
            (f"has to confirm ({one.doubt})", bool(one.doubt)),
        )
        if is_so
    ]


@person.command("export")
@person_argument
@click.option(
    "--out", type=click.Path(dir_okay=False, writable=True),
    help="New file (mode 0600) that holds everything; without it numbers and ids are masked.",
)  # fmt: skip
@command
async def person_export(config: Config, person_id: int, out: str | None) -> None:
    """Print all that is known of PERSON as JSON: what they may ask for (GDPR, article 15)."""
    async with open_state(config) as (storage, _):
        found = await storage.export_person(person_id)
        await storage.audit("cli", "person.export", {"person": person_id}, now_ms(config))
    if out is None:
        click.echo(json.dumps(masked(found), ensure_ascii=False, indent=2))
        return
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(found, file, ensure_ascii=False, indent=2)
    click.echo(f"person {person_id}: everything is in {out}")


def masked(value: Any, name: str = "") -> Any:
    """Return an export without phone numbers, user ids and what addresses hold."""
    match value:
        case dict():
            return {key: masked(each, str(key)) for key, each in value.items()}
        case list():
            return [masked(each, name) for each in value]
        case str() if name == "addresses":
            return scheme(value)
        case str() if name == "phone" and value:
            return redact(f"+{value.lstrip('+')}") if len(value) > 9 else "…"  # shorter: redact lets it stand
        case str():
            return redact(value)
    return value


@person.command("erase")
@person_argument
@click.option("--yes", is_flag=True, help="Do it without being asked.")
@json_option
@command
async def person_erase(config: Config, person_id: int, yes: bool, as_json: bool) -> None:
    """Forget PERSON for good: name, number, roles, what was said. Nobody writes to them any more."""
    async with open_state(config) as (storage, _):
        one = await _known(storage, person_id)
        if not yes:
            click.confirm(f"Forget {one.name} ({one.role}) for good?", abort=True)
        at_ms = now_ms(config)
        await storage.erase_person(person_id, at_ms)
        await storage.audit("cli", "person.erase", {"person": person_id}, at_ms)
    say(as_json, f"person {person_id}: erased", id=person_id)


@person.command("confirm")
@person_argument
@json_option
@command
async def person_confirm(config: Config, person_id: int, as_json: bool) -> None:
    """Say that PERSON is still who has their number: you spoke to them. Their commands count again."""
    async with open_state(config) as (storage, _):
        one = await _known(storage, person_id)
        if not one.doubt:
            raise ValueError(f"person {person_id} ({one.name}) is not in doubt: nothing to confirm")
        if one.doubt == CHANGED:
            with suppress(ValueError):  # who has no number: their user id is all there is
                await storage.set_user_id(person_id, "")  # the next message brings the one they have now
        await storage.set_doubt(person_id, "")
        detail = {"person": person_id, "doubt": one.doubt}
        await storage.audit("cli", "person.confirm", detail, now_ms(config))
    say(as_json, f"person {person_id}: {one.name} is confirmed", id=person_id, name=one.name)


async def _known(storage: SqliteStorage, person_id: int) -> Person:
    """Return a person; NotKnown without one."""
    if one := await storage.person(person_id):
        return one
    raise NotKnown(f"person {person_id} is not known")


@person.group("channel")
def channel() -> None:
    """Other ways to reach a person when WhatsApp does not: SMS, a call, Telegram, e-mail."""


@channel.command("add")
@person_argument
@click.argument("url")
@json_option
@command
async def channel_add(config: Config, person_id: int, url: str, as_json: bool) -> None:
    """Add URL, an address as Apprise knows it, such as mailto://, tgram:// or twilio://.

    It is stored encrypted and never shown whole again.
    """
    if not scheme(url):
        raise click.UsageError("URL: want one like mailto://user:password@example.org")
    known = knows(url)
    if known is False:
        raise click.UsageError(
            f"{scheme(url)} is no address that Apprise knows, or something is missing in it"
        )
    if known is None:
        click.echo("Apprise is not installed: the address was not checked", err=True)
    async with open_state(config) as (storage, _):
        await storage.add_address(person_id, url)
        await _audit(storage, config, person_id, "person.channel.add")
    say(as_json, f"person {person_id}: {scheme(url)} added", id=person_id, channel=scheme(url))


@channel.command("drop")
@person_argument
@json_option
@command
async def channel_drop(config: Config, person_id: int, as_json: bool) -> None:
    """Forget all other ways to reach PERSON."""
    async with open_state(config) as (storage, _):
        count = len(await storage.addresses(person_id))
        await storage.drop_addresses(person_id)
        await _audit(storage, config, person_id, "person.channel.drop")
    say(as_json, f"person {person_id}: {count} dropped", id=person_id, dropped=count)


async def _audit(storage: SqliteStorage, config: Config, person_id: int, action: str) -> None:
    await storage.audit("cli", action, {"person": person_id}, now_ms(config))


def scheme(url: str) -> str:
    """Return what of an address may be shown: "mailto://…"; "" if it is none."""
    found = urlsplit(url).scheme if "://" in url else ""
    return f"{found}://…" if found else ""
