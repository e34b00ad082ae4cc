"""The demo: a farm of collars on real interpreters, a relay, a cloud and a phone, in simulated time.

Everything here is wiring: who starts in which order, who is told the time, and that nothing is left behind.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from aiohttp import web

from simulator.clock import VirtualClock
from simulator.cloud import CLOUD, make_cloud
from simulator.collarhost.board import SimBoard
from simulator.collarhost.host import CollarHost
from simulator.collarhost.provision import provision
from simulator.herd import Herd
from simulator.link import Link
from simulator.recording import open_pack
from simulator.relay_process import CloudAccess, RelayError, RelayProcess, register_farm, write_config
from simulator.stage import HOST_ARCH, stage
from simulator.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.herd import Animal

# The zone is that of the herd file in the package.
FARM, ZONE = "Herdbell demo farm", "Europe/London"
FARMER, PHONE = "Alex", "447700900100"  # a number reserved for fiction
DAY_US = 86_400_000_000
_SICK = 5
_MESSAGES = 1 << 20  # where messages stand in the trace: after every collar of the same moment


class DemoError(RuntimeError):
    """The demo cannot start or go on; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may choose.

    `sick`: the number of the cow that stops moving, 0 for none; None for the fifth of a virtual herd (or its
    last), and for none of recorded cows.
    """

    seed: int = 1
    collars: int = 12
    sick: int | None = None
    sick_hour: float = 2.0
    without: tuple[int, ...] = ()
    data: Path | None = None
    days: float = 1.0
    relay_port: int = 8080
    phone_port: int = 8090
    keep: Path | None = None
    herd: Path | None = None  # a herd file


@dataclass(slots=True)
class Result:
    """What a run came to. Times in wall seconds since the start, but for `messages`: (UTC ms, text)."""

    collars: int = 0
    virtual_days: float = 0.0
    wall_s: float = 0.0
    frames_sent: int = 0
    frames_acked: int = 0
    frames_stored: int = 0
    first_message_s: float | None = None
    trace_hash: str = ""
    messages: list[tuple[int, str]] = field(default_factory=list)


def make_herd(options: Options) -> Herd:
    """Return the animals of this run, from the virtual herd or from recordings."""
    recorded = None if options.data is None else open_pack(options.data)[: options.collars]
    cows = options.collars if recorded is None else len(recorded)
    number = options.sick
    if number is None:
        number = min(_SICK, cows) if recorded is None else 0
    if number > cows:
        raise DemoError(f"--sick {number}: there are {cows} cows")
    sick = number - 1 if number else None
    sick_from_us = int(options.sick_hour * 3_600_000_000)
    if recorded is not None:
        return Herd.of_motions(recorded, sick=sick, sick_from_us=sick_from_us)
    return Herd.from_toml(options.herd, seed=options.seed, cows=cows, sick=sick, sick_from_us=sick_from_us)


def require_port(port: int, option: str) -> None:
    """Raise DemoError if nobody can listen on a loopback port; 0 stands for any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(
                f"port {port} is in use: stop what listens there, or pass {option} PORT"
            ) from error


class Demo:
    """One run. `async with Demo(options, say) as demo: await demo.run_day()`; leaving it stops every part."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self.options, self._say = options, say
        self.result = Result()
        self.clock = VirtualClock()
        self._stack = AsyncExitStack()
        self._trace = Trace()
        self._messages: list[tuple[int, bytes]] = []
        self._began_s = time.monotonic()
        self._end_us = int(options.days * DAY_US)
        self.host: CollarHost | None = None
        self.relay: RelayProcess | None = None
        self.phone_url = ""

    async def __aenter__(self) -> Demo:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        options = self.options
        folder = self._folder()
        require_port(options.relay_port, "--relay-port")
        self._herd = make_herd(options)
        animals = [a for a in self._herd.animals if a.index + 1 not in options.without]
        cloud = await self._start_cloud()
        self.relay = RelayProcess(folder, write_config(folder, options.relay_port, cloud))
        self._stack.push_async_callback(self.relay.stop)
        collars = await register_farm(
            self.relay, farm=FARM, zone=ZONE, person=(FARMER, f"+{PHONE}"),
            animals=[(a.number, a.name, a.device) for a in animals],
        )  # fmt: skip
        await self.relay.command("templates", "apply")
        await self.relay.start()
        self.cloud.webhooks.url = f"http://127.0.0.1:{self.relay.port}/webhooks/whatsapp"
        await self.relay.advance(self.clock.utc_ms)
        await self._start_collars(folder, animals, collars)
        self.result.collars = len(animals)

    def _folder(self) -> Path:
        if keep := self.options.keep:
            try:
                keep.mkdir(parents=True)
            except OSError as error:
                raise DemoError(f"--keep {keep}: {error.strerror}; name a new folder") from error
            return keep.resolve()
        folder = Path(tempfile.mkdtemp(prefix="herdbell-"))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    async def _start_cloud(self) -> CloudAccess:
        secrets = "demo-token", "demo-app-secret", "demo-verify-token"
        token, app_secret, verify_token = secrets
        cloud = make_cloud(
            self.clock, token=token, app_secret=app_secret, verify_token=verify_token, webhook_url=None,
            farm=FARM, zone=ZONE, on_message=self._on_message,
        )  # fmt: skip
        self.cloud = cloud[CLOUD]
        self.cloud.phones.add(PHONE, FARMER)
        runner = web.AppRunner(cloud, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        port = self.options.phone_port
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            message = f"port {port} is in use: stop what listens there, or pass --phone-port PORT"
            raise DemoError(message) from error
        self.phone_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        account = self.cloud.account
        return CloudAccess(self.phone_url, account.phone_number_id, *secrets, account.waba_id, account.app_id)

    async def _start_collars(
        self, folder: Path, animals: list[Animal], collars: list[dict[str, Any]]
    ) -> None:
        assert self.relay is not None
        staged = folder / "board"
        stage(staged, HOST_ARCH)
        link = Link("127.0.0.1", self.relay.port, trace=self._trace)
        await self._stack.enter_async_context(link)
        self.link = link
        boards = [
            SimBoard(
                index, animal.motion, flash=provision(collar, host="127.0.0.1", port=link.port),
                seed=self.options.seed,
            )
            for index, (animal, collar) in enumerate(zip(animals, collars, strict=True))
        ]  # fmt: skip
        self.host = CollarHost(
            boards, link, on_radio_time=self._tell_time, staged=staged, log_folder=folder / "collars",
            start_utc_ms=self.clock.utc_ms, until_us=self._end_us, trace=self._trace,
            say=self._say,
        )  # fmt: skip
        await self._stack.enter_async_context(self.host)

    async def _tell_time(self, utc_ms: int) -> None:
        """Let everything due so far happen at its own time, then move on to `utc_ms`."""
        await self._settle()
        self.clock.advance_to(utc_ms)
        await self._settle()

    async def _settle(self) -> None:
        assert self.relay is not None
        await self.relay.advance(self.clock.utc_ms)
        await self.cloud.settle()

    def _on_message(self, utc_ms: int, to: str, body: str) -> None:
        if self.result.first_message_s is None:
            self.result.first_message_s = time.monotonic() - self._began_s
        self._messages.append((utc_ms, f"{to} {body}".encode()))
        self.result.messages.append((utc_ms, body))

    async def run_day(self) -> Result:
        """Let the collars live until the end of the run. Raises RelayError if the relay stops before."""
        assert self.host is not None
        assert self.relay is not None
        living = asyncio.ensure_future(self.host.run())
        watching = asyncio.ensure_future(self.relay.wait())
        try:
            done, _ = await asyncio.wait({living, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching in done:
                raise RelayError(self.relay.last_words())
            living.result()
            await self._tell_time(self.clock.start_utc_ms + self._end_us // 1000)
        finally:
            for task in (living, watching):
                task.cancel()
                with suppress(asyncio.CancelledError, RelayError):
                    await task
        return await self._finish()

    async def _finish(self) -> Result:
        assert self.relay is not None
        result = self.result
        result.wall_s = time.monotonic() - self._began_s
        result.virtual_days = self.options.days
        result.frames_sent, result.frames_acked = self.link.frames_sent, self.link.frames_acked
        result.frames_stored = int(
            (await self.relay.counters()).get('herdbell_frames_total{result="stored"}', 0)
        )
        for utc_ms, body in sorted(self._messages):
            self._trace.add((utc_ms - self.clock.start_utc_ms) * 1000, _MESSAGES, "message", body)
        result.trace_hash = self._trace.hexdigest()
        return result

    async def stay(self) -> None:
        """Keep relay and phone going at the wall's pace until cancelled or the relay stops (RelayError)."""
        assert self.relay is not None
        watching = asyncio.ensure_future(self.relay.wait())
        try:
            while not watching.done():
                await asyncio.wait({watching}, timeout=1.0)
                if not watching.done():
                    await self._tell_time(self.clock.utc_ms + 1000)
            raise RelayError(self.relay.last_words())
        finally:
            watching.cancel()

    def write_truth(self, path: Path) -> None:
        """Write what really happened, once the relay can no longer read it."""
        self._herd.write_truth(path)


def local_time(utc_ms: int) -> str:
    """Return the farm's wall clock time, for the terminal."""
    return datetime.fromtimestamp(utc_ms / 1000, ZoneInfo(ZONE)).strftime("%H:%M")
