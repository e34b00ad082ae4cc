"""A relay beside the simulator: set up by its command line and reached by HTTP, like any other relay."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_START_S, _STOP_S = 30.0, 10.0


class RelayError(RuntimeError):
    """The relay could not be set up, did not start, or stopped by itself."""


@dataclass(frozen=True, slots=True)
class CloudAccess:
    """Where the fake cloud listens and the secrets both sides share for this run."""

    base_url: str
    phone_number_id: str
    token: str
    app_secret: str
    verify_token: str
    waba_id: str = ""
    app_id: str = ""


def write_config(folder: Path, port: int, cloud: CloudAccess) -> Path:
    """Write a configuration for a relay in simulated time below `folder`; return its path."""
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    for name in ("token", "app_secret", "verify_token"):
        path = secrets / name
        path.touch(mode=0o600)
        path.write_text(getattr(cloud, name))
    config = folder / "herdbell.toml"
    config.write_text(
        f"""config_version = 1
[server]
host = "127.0.0.1"
port = {port}
[state]
dir = "{folder / "state"}"
[secrets]
master_key_file = "{secrets / "master.key"}"
[clock]
source = "simulated"
[whatsapp]
enabled = true
base_url = "{cloud.base_url}"
phone_number_id = "{cloud.phone_number_id}"
waba_id = "{cloud.waba_id}"
app_id = "{cloud.app_id}"
token_file = "{secrets / "token"}"
app_secret_file = "{secrets / "app_secret"}"
verify_token_file = "{secrets / "verify_token"}"
""",
        encoding="utf-8",
    )
    return config


class RelayProcess:
    """`herdbell serve` as a child that ends when this process does."""

    def __init__(self, folder: Path, config: Path) -> None:
        self._folder, self._config = folder, config
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self.log_path = folder / "relay.log"
        self.port = 0

    async def command(self, *arguments: str, stdin: str = "") -> str:
        """Run one `herdbell` command against this relay's state; return what it prints. Raises RelayError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relay", arguments[0], *arguments[1:], "--config", str(self._config),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
        if process.returncode:
            raise RelayError(f"herdbell {' '.join(arguments[:2])}: {err.decode().strip() or 'failed'}")
        return out.decode()

    async def start(self) -> None:
        """Start serving and wait until it listens. Raises RelayError with the relay's own last line."""
        ready = self._folder / "ready.json"
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "relay", "serve", "--config", str(self._config),
                "--stop-on-stdin-eof", "--ready-file", str(ready),
                stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        exited = asyncio.ensure_future(self._process.wait())
        try:
            async with asyncio.timeout(_START_S):
                while not ready.exists():
                    done, _ = await asyncio.wait({exited}, timeout=0.02)
                    if done:
                        raise RelayError(self.last_words())
        except TimeoutError as error:
            raise RelayError(
                f"the relay did not listen within {_START_S:.0f} s: see {self.log_path}"
            ) from error
        finally:
            exited.cancel()
        self.port = int(json.loads(ready.read_text())["port"])
        self._session = aiohttp.ClientSession(f"http://127.0.0.1:{self.port}")

    def last_words(self) -> str:
        """Return one line that says why the relay is gone."""
        code = self._process.returncode if self._process else None
        lines = [line for line in self.log_path.read_text(errors="replace").splitlines() if line.strip()]
        return f"the relay stopped (exit {code}): {lines[-1] if lines else 'it said nothing'}"

    async def wait(self) -> int:
        """Return the exit code once the relay ends, however it ends."""
        assert self._process is not None
        return await self._process.wait()

    async def advance(self, utc_ms: int) -> None:
        """Tell the relay the simulated time; return when it has nothing left to do at that time."""
        assert self._session is not None
        try:
            async with self._session.post("/simulation/clock", json={"utc_ms": utc_ms}) as answer:
                if answer.status != 200:
                    raise RelayError(f"POST /simulation/clock: {answer.status} {await answer.text()}")
        except aiohttp.ClientError as error:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), 1)
            raise RelayError(self.last_words()) from error

    async def counters(self) -> dict[str, float]:
        """Return the relay's own metrics by name with labels, as /metrics prints them."""
        assert self._session is not None
        async with self._session.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    async def stop(self) -> None:
        """Close the relay's standard input, which ends it cleanly; kill it if that takes too long."""
        if self._session:
            await self._session.close()
        process = self._process
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def register_farm(
    relay: RelayProcess,
    *,
    farm: str,
    zone: str,
    person: tuple[str, str],
    animals: Sequence[tuple[str, str, int]],
) -> list[dict[str, Any]]:
    """Make a farm, its owner and a collar per (number, name, device); return the collars' provisioning."""
    made = json.loads(await relay.command("farm", "add", farm, "--zone", zone, "--json"))
    name, phone = person
    await relay.command(
        "person", "add", "--farm", str(made["id"]), "--name", name, "--phone", phone, "--role", "owner"
    )
    rows = "number,name,device\n" + "".join(f"{number},{cow},{device}\n" for number, cow, device in animals)
    lines = await relay.command("collar", "add", "--farm", str(made["id"]), "--from", "-", stdin=rows)
    return [json.loads(line) for line in lines.splitlines()]
