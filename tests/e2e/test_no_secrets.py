"""A whole run with people who write and everything that goes wrong leaves nothing readable of theirs or ours.

A relay process and the fake Cloud API; afterwards its log, its state folder byte by byte and its metrics are
searched for tokens, app secrets, keys, phone numbers, user ids and wamids.
"""

from __future__ import annotations

import io
import json

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from relay.model import Event, Message
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from relay.whatsapp.provision import apply_templates
from relay.whatsapp.service import open_client
from relay.whatsapp.texts import load as load_texts
from simulator.clock import VirtualClock
from simulator.cloud import CLOUD, Fault, make_cloud
from simulator.cloud_person import Person
from simulator.relay_process import CloudAccess, RelayProcess, write_config

SECRETS = {
    "token": "EAAGm0PX4ZCpsBAKZCZBsecretTokenOfThisRun",
    "app_secret": "5ec2e75ec2e75ec2e75ec2e75ec2e75e",
    "verify_token": "word-of-the-handshake",
}
NUMBER_ID, WABA_ID = "100000000000001", "200000000000001"
PHONES = {"Alex": "15550100001", "Kim": "15550100022", "Sam": "15550100333"}
STRANGER, MOVED_TO = "15550104444", "15550105555"
CALLED = "15550106666"
CALL_URL = f"sms://user:secret-word@{CALLED}"
HOUR_MS = 3_600_000
SAID = (
    "herd", "12", "list", "why 12", "STOP", "START", f"call me at +{PHONES['Kim']}", "\x1b[31m\u202e",
    "🐄" * 50, "x" * 4000, SECRETS["token"], "help",
)  # fmt: skip


class Run:
    """A relay that serves, the fake beside it, and what must not be found afterwards."""

    def __init__(self, folder, cloud, clock):
        self.folder, self.cloud, self.clock = folder, cloud, clock
        self.metrics = ""
        self.wamids = set()

    async def settle(self, *, later_ms=0):
        """Let both ends do all that is due, at a time that is so much later."""
        self.clock.advance_us(later_ms * 1000)
        for _ in range(3):
            await self.cloud.settle()
            await self.relay.advance(self.clock.utc_ms)

    async def post(self, raw, signature):
        """Post a webhook of our own making; return the status of the answer."""
        url = f"http://127.0.0.1:{self.relay.port}/webhooks/whatsapp?token={SECRETS['token']}"
        headers = {"X-Hub-Signature-256": signature, "Authorization": f"Bearer {SECRETS['token']}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=io.BytesIO(raw), headers=headers) as answer,
        ):
            return answer.status

    def kept(self):
        """Return by name what the run left: its log, metrics and every file of its state folder."""
        files = {
            path.name: path.read_bytes() for path in (self.folder / "state").rglob("*") if path.is_file()
        }
        log = self.relay.log_path.read_bytes()
        return {"relay.log": log, "metrics": self.metrics.encode(), **files}


async def prefill(config):
    """Add a farm, its people and an alert for each of them."""
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        farm_id = await storage.add_farm("Hillside", bytes(32))
        animal_id = await storage.add_animal(farm_id, "12", "Bella")
        now_ms = VirtualClock().utc_ms
        event = Event("00000000000000e1", farm_id, animal_id, "no_movement", now_ms, now_ms, {})
        messages = []
        for name, phone in PHONES.items():
            person_id = await storage.add_person(
                farm_id, name, f"+{phone}", consent_ms=now_ms, consent_text="opt-in"
            )
            await storage.add_address(person_id, CALL_URL)
            messages += [alert(f"{person_id:08x}{n:08x}", farm_id, person_id, now_ms) for n in range(6)]
        await storage.commit_scores(0, 0, 1, [], [event], messages)


def alert(name, farm_id, person_id, now_ms):
    params = {"animal": "Bella (12)", "farm": "Hillside", "sign": "not moving", "since": "14:05"}
    body = {"template": "health_alert", "version": 1, "language": "en", "params": params}
    return Message(
        name, farm_id, person_id, "00000000000000e1", "alert", body, now_ms, now_ms + 24 * HOUR_MS, True
    )  # fmt: skip


async def go_wrong(run):
    """Let Graph refuse, lose, cut off and repeat; every text of its errors names somebody's number."""
    names = f"cannot reach +{PHONES['Alex']} with {SECRETS['token']}"
    for code in (131026, 131056, 130429, 131047, 132001, 100, 1):
        run.cloud.fault(Fault(code=code, details=names))
        run.cloud.fault(Fault(code=code, late=True, details=names))
    run.cloud.fault(Fault(drop=True))
    run.cloud.fault(Fault(bad_gateway=True, accept=False))
    run.cloud.fault(Fault(half=True))
    run.cloud.webhooks.how.copies, run.cloud.webhooks.how.batch = 2, 7
    for minutes in (0, 1, 2, 4, 8, 16):
        await run.settle(later_ms=minutes * 60_000)


async def write(run):
    """Let everybody tap and type, a stranger too, a number change, Meta speak of all of it."""
    for phone in PHONES.values():
        shown = run.cloud.phones.get(phone)
        for bubble in [each for each in shown.bubbles if each.buttons][:2]:
            Person(run.cloud).tap(phone, bubble.id, 0)
        for text in SAID:
            Person(run.cloud).write(phone, text)
            await run.settle(later_ms=5_000)
    run.cloud.phones.get(STRANGER)
    Person(run.cloud).write(STRANGER, "herd")
    contact = run.cloud.phones.get(PHONES["Sam"]).contact()
    system = {"type": "user_changed_number", "wa_id": MOVED_TO, "body": f"{PHONES['Sam']} -> {MOVED_TO}"}
    changed = {"from": PHONES["Sam"], "id": f"wamid.{PHONES['Sam']}", "type": "system", "system": system}
    stamp = {"timestamp": str(run.clock.utc_ms // 1000)}
    run.cloud.webhooks.put("messages", changed | stamp, contact)
    news = {"event": "PIN_CHANGED", "display_phone_number": PHONES["Kim"], "requester": PHONES["Alex"]}
    run.cloud.webhooks.put_field("security", news)
    run.cloud.webhooks.put_field("new_field", {"event": f"+{PHONES['Alex']} {SECRETS['token']}"})
    await run.settle()


async def attack(run):
    """Post what is no webhook of Meta's, and what is broken in one that is signed."""
    broken = {
        "messages": [{"from": PHONES["Alex"], "id": "wamid.QUJD", "type": "text", "text": PHONES["Kim"]}]
    }
    body = {"entry": [{"changes": [{"field": "messages", "value": broken | {"metadata": {
        "phone_number_id": NUMBER_ID}}}]}]}  # fmt: skip
    raw, signature = run.cloud.webhooks.signed(body)
    assert await run.post(raw, signature) == 200
    assert await run.post(raw, f"sha256={SECRETS['app_secret']}") == 401
    truncated = raw[:-20]
    assert await run.post(truncated, signature) == 401
    assert await run.post(b"x" * (4 * 1024**2 + 1), signature) == 413
    await run.settle()


@pytest.fixture
async def run(tmp_path):
    """A run from start to end."""
    clock = VirtualClock()
    fake = make_cloud(clock, **SECRETS, webhook_url=None, phone_number_id=NUMBER_ID, waba_id=WABA_ID)
    async with TestServer(fake) as sky:
        access = CloudAccess(str(sky.make_url("")).rstrip("/"), NUMBER_ID, *SECRETS.values())
        path = write_config(tmp_path, 0, access)
        path.write_text(path.read_text() + '[log]\nlevel = "debug"\n')
        config = load_config(path, {})
        config.state_dir.mkdir(mode=0o700)
        async with open_client(config) as client:
            await apply_templates(client, load_texts(), WABA_ID, "collar_")
        run = Run(tmp_path, fake[CLOUD], clock)
        run.relay = RelayProcess(tmp_path, path)
        await run.relay.command("farm", "list")  # makes the state, and marks it as simulated
        await prefill(config)
        await run.relay.start()
        try:
            run.cloud.webhooks.url = f"http://127.0.0.1:{run.relay.port}/webhooks/whatsapp"
            await run.settle()
            for step in (go_wrong, write, attack):
                await step(run)
            run.metrics = json.dumps(await run.relay.counters())
            run.while_it_ran = run.kept()
        finally:
            await run.relay.stop()
        yield run


def went_wrong(run):
    """Check that there was something to hide: else the search finds nothing for the wrong reason."""
    log = run.relay.log_path.read_text()
    assert "webhook item failed" in log
    assert "was refused" in log
    counted = [name for name in json.loads(run.metrics) if name.startswith("herdbell_whatsapp_webhook_items")]
    outcomes = {name.split('"')[1] for name in counted}
    assert {"failed", "unknown_sender", "number_changed", "security", "unknown_field", "opt_out"} <= outcomes
    assert {"status_sent", "status_delivered", "status_failed"} <= outcomes


def hidden(run):
    """Return by name everything that must not be read anywhere."""
    phones = {**PHONES, "stranger": STRANGER, "moved": MOVED_TO, "call": CALLED}
    found = {f"phone of {name}": number[2:] for name, number in phones.items()}
    for number in (*PHONES.values(), STRANGER):
        phone = run.cloud.phones.get(number)
        assert phone.bubbles, "everybody wrote"
        found[f"user id of {number}"] = phone.user_id
        for at, bubble in enumerate(phone.bubbles):
            found[f"wamid {at} of {number}"] = bubble.id.removeprefix("wamid.")
    master_key = (run.folder / "secrets" / "master.key").read_text().strip()
    return {**SECRETS, "master key": master_key, "address": "secret-word", **found}


async def test_a_whole_run_leaves_nothing_readable_of_anybody_nor_a_secret_of_ours(run):
    """Also not while it runs: what is deleted is written over, what waits is sealed."""
    went_wrong(run)
    secrets = hidden(run)
    assert len(secrets) > 60
    for kept in (run.while_it_ran, run.kept()):
        assert {"relay.log", "metrics", "herdbell.db"} <= kept.keys()
        found = [
            f"{what} in {place}"
            for place, raw in kept.items()
            for what, secret in secrets.items()
            if secret.encode() in raw
        ]
        assert found == []
