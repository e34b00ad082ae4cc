"""`herdbell` as a process: its settings, its port, its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHONPATH = os.pathsep.join([str(ROOT), str(ROOT / "firmware/lib")])


def environment(**more):
    """Return an environment without HERDBELL_... of the machine's own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("HERDBELL_")}
    return own | {"PYTHONPATH": PYTHONPATH} | more


def write_settings(folder, text=""):
    """Write settings for a relay that keeps everything below `folder`; return their path."""
    path = folder / "herdbell.toml"
    path.write_text(
        'config_version = 1\n[state]\ndir = "state"\n[secrets]\nmaster_key_file = "master.key"\n' + text
    )
    return path


async def herdbell(settings, *arguments):
    """Run one command to its end; return its exit code and what it printed, errors included."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay", *arguments, "--config", str(settings), env=environment(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    text = (await process.communicate())[0].decode()
    return process.returncode, text


class Served:
    """`async with Served(settings) as relay`: `herdbell serve` on a free port, gone at the end."""

    def __init__(self, settings, *arguments, **env):
        self._arguments = ["serve", "--config", str(settings), "--port", "0", *arguments]
        self._ready = settings.parent / "ready.json"
        self._env = environment(**env)
        self.log_path = settings.parent / "relay.log"

    async def __aenter__(self):
        self._ready.unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "relay", *self._arguments, "--ready-file", str(self._ready),
                stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, env=self._env,
            )  # fmt: skip
        ended = asyncio.ensure_future(self.process.wait())
        while not self._ready.exists():  # the process tells us by a file: there is nothing to await
            done, _ = await asyncio.wait({ended}, timeout=0.01)
            assert not done, self.log_path.read_text()
        ended.cancel()
        self.port = json.loads(self._ready.read_text())["port"]
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def stop(self, number=signal.SIGTERM):
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return await self.process.wait()
