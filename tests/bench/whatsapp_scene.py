"""A relay's folder with people and what they are to be told, and a fake Cloud API that listens."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay.model import Event, Message
from relay.settings import load_config
from relay.storage.ports import OVER
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from relay.whatsapp.provision import apply_templates
from relay.whatsapp.service import open_client
from relay.whatsapp.texts import load as load_texts
from simulator.cloud import CLOUD, make_cloud
from simulator.relay_process import CloudAccess, write_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from simulator.clock import VirtualClock
    from simulator.cloud import Cloud

DAY_MS = 86_400_000
FARM_PEOPLE = 10
_AT_ONCE = 500
_ANYBODY = 1_000_000  # people a day: the tier of an account that has told many for long
_SECRETS = "bench-token", "bench-app-secret", "bench-verify-token"


@asynccontextmanager
async def cloud(
    clock: VirtualClock, on_message: Callable[[int, str, str], None] | None = None, *, mps: int = 80
) -> AsyncIterator[tuple[Cloud, CloudAccess]]:
    """A fake Cloud API on loopback, for an account that may tell anybody. mps: what it lets through."""
    token, app_secret, verify_token = _SECRETS
    app = make_cloud(
        clock, token=token, app_secret=app_secret, verify_token=verify_token, webhook_url=None,
        on_message=on_message,
    )  # fmt: skip
    app[CLOUD].limits.users, app[CLOUD].limits.mps = _ANYBODY, mps
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        account = app[CLOUD].account
        base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield app[CLOUD], CloudAccess(base_url, account.phone_number_id, *_SECRETS, account.waba_id)
    finally:
        await runner.cleanup()


def settings(folder: Path, access: CloudAccess, **whatsapp: int) -> Path:
    """Write a relay's settings, its clock the simulator's; return their path."""
    path = write_config(folder, 0, access)
    more = "".join(f"{name} = {value}\n" for name, value in whatsapp.items())
    path.write_text(path.read_text() + more)
    return path


async def provision(path: Path) -> None:
    """Make every template at the fake."""
    config = load_config(path)
    async with open_client(config) as client:
        await apply_templates(client, load_texts(), config.whatsapp.waba_id, config.whatsapp.template_prefix)


@asynccontextmanager
async def storage(path: Path) -> AsyncIterator[SqliteStorage]:
    """The store of a relay that does not run."""
    config = load_config(path)
    config.state_dir.mkdir(parents=True, exist_ok=True)
    async with SqliteStorage.open(config.state_dir, open_vault(config), queue_frames=64) as opened:
        yield opened


async def settle_farms(store: SqliteStorage, people: int) -> list[tuple[int, int, int]]:
    """Add farms of FARM_PEOPLE people and one cow; return (farm, cow, person) of each person."""
    found: list[tuple[int, int, int]] = []
    for first in range(0, people, FARM_PEOPLE):
        farm_id = await store.add_farm(f"Farm {first // FARM_PEOPLE}", bytes(32))
        cow_id = await store.add_animal(farm_id, "12", "Bella")
        adding = [
            store.add_person(
                farm_id, f"Person {at}", phone(at), consent_ms=0, consent_text="bench", zone="UTC"
            )
            for at in range(first, min(first + FARM_PEOPLE, people))
        ]
        found += [(farm_id, cow_id, person_id) for person_id in await asyncio.gather(*adding)]
    return found


def phone(at: int) -> str:
    """Return the number of a person: 1 555, which nobody has."""
    return f"1555{at:07d}"


async def tell(
    store: SqliteStorage, people: list[tuple[int, int, int]], count: int, now_ms: int, *, seed: int,
    critical: float = 0.1, busy: float = 0.1, first: int = 0,
) -> list[Message]:  # fmt: skip
    """Queue `count` alerts, a share of them critical; a share of the people gets four times as many.

    first: the number of the first; ids are made of it.
    """
    draw = random.Random(seed)
    weights = [4.0 if draw.random() < busy else 1.0 for _ in people]
    whom = people + draw.choices(people, weights, k=max(0, count - len(people)))
    messages = [
        _alert(first + at, *whom[at], now_ms, critical=draw.random() < critical) for at in range(count)
    ]
    events = [
        Event(
            str(one.event_id), farm_id, cow_id, "no_movement", now_ms, now_ms, {}, state=OVER, over_ms=now_ms
        )  # over, so that the relay itself has nothing to tell of it
        for one, (farm_id, cow_id, _) in zip(messages, whom, strict=False)
    ]
    for some in _chunks(list(zip(events, messages, strict=True)), _AT_ONCE):
        await store.commit_scores(0, 0, 1, [], [event for event, _ in some], [each for _, each in some])
    return messages


def _alert(at: int, farm_id: int, _: int, person_id: int, now_ms: int, *, critical: bool) -> Message:
    params = {"animal": "Bella (12)", "farm": "Hillside", "sign": "not moving", "since": "14:05"}
    body: dict[str, Any] = {
        "template": "health_alert", "version": 1, "language": "en", "params": params,
        "text": "NOT MOVING: Bella (12)",
    }  # fmt: skip
    return Message(
        f"{at:016x}", farm_id, person_id, f"{at:015x}e", "alert", body, now_ms, now_ms + DAY_MS,
        critical=critical,
    )  # fmt: skip


def _chunks(rows: list[Any], size: int) -> Iterable[list[Any]]:
    return (rows[at : at + size] for at in range(0, len(rows), size))
