"""How a relay process ends, and how it does not begin."""

from __future__ import annotations

import asyncio
import signal
import sys

import aiohttp
import pytest

from herdcore import wire
from relay.settings import load_config
from relay.storage.sqlite import SqliteStorage
from relay.vault import open_vault
from tests.relay.process import Served, environment, herdbell, write_settings
from tests.relay.scene import HEADERS, frame, register

FRAMES = 600


@pytest.fixture
def settings(tmp_path):
    return write_settings(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_exit_code_0(settings, number):
    async with Served(settings) as relay:
        assert await relay.stop(number) == 0
    assert '"event": "stopped"' in relay.log_path.read_text()


async def test_end_of_its_input_ends_it_too_if_asked(settings):
    async with Served(settings, "--stop-on-stdin-eof") as relay:
        relay.process.stdin.close()
        assert await relay.process.wait() == 0


async def test_sighup_reads_the_keys_again(settings):
    async with Served(settings) as relay:
        await register(load_config(settings, {}), devices=(1,))
        relay.process.send_signal(signal.SIGHUP)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
            while "herdbell_collars 1.0" not in await (await session.get("/metrics")).text():
                pass
            body = wire.encode_batch([frame(1)])
            async with session.post("/v1/frames", data=body, headers=HEADERS) as answer:
                assert answer.status == 200
        assert await relay.stop() == 0


async def test_what_is_in_flight_is_answered_and_what_is_answered_is_stored(settings):
    config = load_config(settings, {})
    await register(config, devices=(1,))
    acknowledged, stopping = set(), asyncio.Event()

    async def send(session, numbers):
        for seq in numbers:
            body = wire.encode_batch([frame(1, seq)])
            try:
                async with session.post("/v1/frames", data=body, headers=HEADERS) as answer:
                    assert answer.status == 200
                    acknowledged.add(seq)
            except aiohttp.ClientConnectionError:
                return
            if len(acknowledged) == FRAMES // 6:
                stopping.set()

    async with Served(settings) as relay, aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
        clients = [asyncio.create_task(send(session, range(k, FRAMES, 8))) for k in range(8)]
        await stopping.wait()
        assert await relay.stop() == 0
        await asyncio.gather(*clients)
    async with SqliteStorage.open(config.state_dir, open_vault(config)) as storage:
        rows = [
            row for partition in await storage.heads() for row in await storage.read(partition, 0, FRAMES)
        ]
    assert acknowledged <= {row.seq for row in rows}
    assert len(acknowledged) >= FRAMES // 6


async def test_two_relays_do_not_share_a_state(settings):
    async with Served(settings):
        code, text = await herdbell(settings, "serve", "--port", "0")
    assert (code, text.count("\n")) == (2, 1)
    assert "another relay uses it" in text


async def test_a_killed_relay_leaves_its_state_free(settings):
    async with Served(settings) as relay:
        await relay.stop(signal.SIGKILL)
    async with Served(settings) as relay:
        assert await relay.stop() == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nprot = 1\n", "unknown key server.prot"),
        ("[whatsapp]\nenabled = true\nphone_number_id = '1'\n", "whatsapp.app_secret_file = ''"),
        ('[clock]\nsource = "simulated"\n[server]\nhost = "0.0.0.0"\n', "only on loopback"),
    ],
)
async def test_settings_that_cannot_be_used_are_one_line_and_exit_code_2(tmp_path, text, message):
    code, said = await herdbell(write_settings(tmp_path, text), "serve", "--port", "0")
    assert (code, said.count("\n")) == (2, 1)
    assert message in said


async def test_a_state_without_its_key_is_one_line_and_exit_code_2(settings):
    await herdbell(settings, "farm", "add", "Sunny")
    (settings.parent / "master.key").unlink()
    code, said = await herdbell(settings, "serve", "--port", "0")
    assert (code, said.count("\n")) == (2, 1)
    assert "restore the key from its backup" in said


async def test_a_whole_run_logs_no_number_no_token_and_no_key(settings, tmp_path):
    token = tmp_path / "token"
    token.write_text("EAAverysecrettoken0123456789")
    token.chmod(0o600)
    names = ("token", "app_secret", "verify_token")
    files = "".join(f'{name}_file = "token"\n' for name in names)
    with_whatsapp = '[whatsapp]\nenabled = true\nphone_number_id = "1"\nbase_url = "http://127.0.0.1:9"\n'
    settings.write_text(settings.read_text() + with_whatsapp + files + '[log]\nlevel = "debug"\n')
    await herdbell(settings, "farm", "add", "Sunny")
    await herdbell(settings, "person", "add", "--farm", "1", "--name", "A", "--phone", "+491701234567")
    _, given = await herdbell(settings, "collar", "add", "--farm", "1", "--animal", "1", "--device", "1")
    async with Served(settings) as relay:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}") as session:
            for path in ("/v1/frames", "/webhooks/whatsapp?hub.verify_token=EAAverysecrettoken0123456789"):
                async with session.post(path, data=b"+491701234567", headers=HEADERS):
                    pass
        assert await relay.stop() == 0
    log = relay.log_path.read_text() + (await _run_python_with_a_leak())
    key = given.split('"key": "')[1][:64]
    for secret in ("1701234567", "EAAverysecret", key, (tmp_path / "master.key").read_text().strip()):
        assert secret not in log
    assert '"event": "listening on' in log


async def _run_python_with_a_leak():
    """Return what is logged by code that tries to leak."""
    leak = (
        "import logging, relay.logs, relay.config\n"
        "relay.logs.configure_logs(relay.config.LogConfig())\n"
        "logging.getLogger('x').warning('to %s with EAAverysecrettoken0123456789', '+491701234567')\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", leak, stderr=asyncio.subprocess.PIPE, env=environment()
    )
    text = (await process.communicate())[1].decode()
    assert "to +49…67 with EAA…" in text
    return text
