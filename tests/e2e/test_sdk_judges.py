"""Two npm SDKs that we did not write judge the fake Cloud API: what it takes, and the webhooks that it sends.

They are installed from `sdk/package-lock.json` into a folder of their own; node and npm are needed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.clock import VirtualClock
from simulator.cloud import CLOUD, make_cloud
from simulator.cloud_person import Person

SDK = Path(__file__).with_name("sdk")
PHONE, NUMBER_ID, WABA_ID, SECRET, WORD = (
    "15550100300",
    "100000000000001",
    "200000000000001",
    "app-secret",
    "word",
)
_UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ERR_SOCKET_TIMEOUT")


@pytest.fixture(scope="module")
def sdks(tmp_path_factory):
    """A folder with both SDKs and the script, or a skip that says what is missing."""
    missing = [name for name in ("node", "npm") if not shutil.which(name)]
    if missing:
        pytest.skip(f"the npm SDKs need {' and '.join(missing)}, which is not installed here")
    folder = tmp_path_factory.mktemp("sdk")
    for name in ("package.json", "package-lock.json", "judge.mjs"):
        shutil.copy(SDK / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(folder / "cache")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode and any(reason in done.stderr for reason in _UNREACHABLE):
        pytest.skip(f"the npm registry cannot be reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
async def judged(sdks, tmp_path):
    """What both SDKs said, the fake's state after it, and the webhooks that were heard."""
    heard = []

    async def hear(request):
        raw = await request.read()
        heard.append((raw.decode(), request.headers["X-Hub-Signature-256"]))
        return web.Response()

    ear = web.Application()
    ear.router.add_post("/hook", hear)
    async with TestServer(ear) as listener:
        fake = make_cloud(
            VirtualClock(), token="token", app_secret=SECRET, verify_token=WORD, phone_number_id=NUMBER_ID,
            waba_id=WABA_ID, webhook_url=str(listener.make_url("/hook")),
        )  # fmt: skip
        async with TestServer(fake) as server:
            cloud = fake[CLOUD]
            cloud.phones.add(PHONE, "Alex")
            Person(cloud).write(PHONE, "hello")
            scene = {"FAKE": str(server.make_url("")).rstrip("/"), "USER_ID": cloud.phones.get(PHONE).user_id}
            said = await run(sdks, scene, "send")
            await cloud.settle()
            webhooks = tmp_path / "webhooks.json"
            messages = [one for one in heard if '"field":"messages"' in one[0]]
            webhooks.write_text(json.dumps(messages))
            yield said, cloud, messages, await run(sdks, scene, "hear", str(webhooks))


async def run(folder, scene, *arguments):
    words = {
        "TOKEN": "token",
        "SECRET": SECRET,
        "WORD": WORD,
        "NUMBER": NUMBER_ID,
        "WABA": WABA_ID,
        "PHONE": PHONE,
    }
    node = await asyncio.create_subprocess_exec(
        "node", "judge.mjs", *arguments, cwd=folder, env={"PATH": os.environ["PATH"], **words, **scene},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await node.communicate()
    assert node.returncode == 0, errors.decode()
    return json.loads(out)


@pytest.mark.long
async def test_both_sdks_send_everything_and_know_our_refusals(judged):
    said, cloud, _, _ = judged
    great, api = said["greatDetail"], said["whatsappApiJs"]
    assert (great["template"], great["listed"], great["number"]) == ("APPROVED", ["judged_v1"], "GREEN")
    assert (great["media"], api["media"], api["deleted"], great["subscribed"]) == (
        "image/png",
        "image/png",
        True,
        True,
    )
    assert (great["unknown"], api["unknown"]) == (132001, 132001)
    wamids = {name: great[name] for name in ("alert", "list", "buttons")}
    wamids |= {"js": api["alert"], "id": api["by_user_id"]}
    sent = {name: cloud.phones.get(PHONE).find(wamid) for name, wamid in wamids.items()}
    assert sent["alert"].text == "Health alert: Bella at Hill needs you. Please look."
    assert (sent["js"].text, sent["js"].opaque) == (sent["alert"].text.replace("Bella", "Rosa"), "outbox-7")
    assert (sent["js"].buttons[0].payload, sent["list"].rows[0].payload) == ("v1|ack", "1")
    assert sent["buttons"].picture
    assert sent["id"].text == "Noted."


@pytest.mark.long
async def test_both_sdks_believe_our_webhooks_and_none_that_is_forged(judged):
    _, _, messages, heard = judged
    assert heard["believed"] == dict.fromkeys(("greatDetail", "whatsappApiJs", "forged"), len(messages))
    assert ["text", PHONE] in heard["seen"]
    assert ["sent", "outbox-7"] in heard["seen"]
    assert ["delivered", "outbox-7"] in heard["seen"]
    assert len(heard["seen"]) == len(messages)


def test_the_lock_names_exact_versions_with_hashes_and_no_host():
    lock = json.loads((SDK / "package-lock.json").read_text())
    packages = {name: row for name, row in lock["packages"].items() if name}
    wanted = json.loads((SDK / "package.json").read_text())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(row["integrity"].startswith("sha512-") for row in packages.values())
    assert not any("resolved" in row for row in packages.values())
