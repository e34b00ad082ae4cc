"""The collar's files on CPython: each board with its own machine, network, esp32, time, collar.board.

They are the files that the interpreters run (upy/ and the firmware), executed anew at every boot as a board
executes them, with nothing put into sys.modules: boards in one process do not meet. Only what touches the
world is handed in: the bridge's socket, the sockets of the uplink, and `gc`, whose names CPython has not.
"""

from __future__ import annotations

import builtins
import importlib.util
import ssl
import time
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.i2c import Buffer

_UPY = Path(__file__).resolve().parent / "upy"
_FAKES = ("_bridge", "time", "machine", "esp32", "network")
_FIRMWARE = {"collar": "__init__.py", "collar.board": "board.py", "collar.app": "app.py"}
_HEAP_FREE_B = 65_536  # what gc.mem_free() says: this heap is CPython's


@cache
def _code(name: str) -> CodeType:
    """Return one module's code, compiled once."""
    if name in _FIRMWARE:
        spec = importlib.util.find_spec("collar")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError("the firmware's package collar is not installed")
        path = Path(next(iter(spec.submodule_search_locations))) / _FIRMWARE[name]
    else:
        path = _UPY / f"{name}.py"
    return compile(path.read_text(encoding="utf-8"), str(path), "exec")


class Boot:
    """The modules of one boot, loaded when they are first imported.

    `bridge_socket` answers what the board is asked; `sockets` is what `import socket` gives the uplink.
    """

    def __init__(self, bridge_socket: Any, sockets: Any) -> None:
        self._loaded: dict[str, ModuleType] = {}
        gc = SimpleNamespace(collect=lambda: 0, mem_free=lambda: _HEAP_FREE_B)
        loopback = SimpleNamespace(
            socket=lambda: bridge_socket, getaddrinfo=lambda *_: [(0, 0, 0, "", ("", 0))]
        )
        environment = SimpleNamespace(getenv=lambda _: "0:inprocess", system=lambda _: 0)
        self._given: dict[str, dict[str, Any]] = {
            "_bridge": {"socket": loopback, "os": environment},
            "time": {"utime": time},
            "collar.board": {"gc": gc, "socket": sockets, "ssl": ssl},
            "collar.app": {"gc": gc},
        }

    def load(self, name: str) -> Any:
        """Return a module of this boot."""
        if name not in self._loaded:
            module = ModuleType(name)
            self._loaded[name] = module
            module.__dict__["__builtins__"] = vars(builtins) | {"__import__": self._importer(name)}
            exec(_code(name), module.__dict__)  # noqa: S102 - our own files, as a board executes them
        return self._loaded[name]

    def _importer(self, importing: str) -> Callable[..., Any]:
        given = self._given.get(importing, {})

        def import_(name: str, *rest: Any, **named: Any) -> Any:
            if name in given:
                return given[name]
            if name in _FAKES or name in _FIRMWARE:
                return self.load(name)
            return builtins.__import__(name, *rest, **named)

        return import_


class MemorySockets:
    """As much of `socket` as the uplink uses; every connection reaches `answer`, which is handed a body.

    `connect(timeout_s)` may raise OSError: nobody is there.
    """

    SOCK_STREAM = 1

    def __init__(self, answer: Callable[[bytes], bytes], connect: Callable[[float], None]) -> None:
        self._answer, self._connect = answer, connect

    def getaddrinfo(self, host: str, port: int, *_: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        """Return the one address there is."""
        return [(0, 0, 0, "", (host, port))]

    def socket(self, *_: int) -> _Connection:
        """Return a connection to be."""
        return _Connection(self._answer, self._connect)


class _Connection:
    """One HTTP exchange: what is written until the first read is the request."""

    def __init__(self, answer: Callable[[bytes], bytes], connect: Callable[[float], None]) -> None:
        self._answer, self._connect = answer, connect
        self._timeout_s = 0.0
        self._sent = bytearray()
        self._got: bytes | None = None
        self._at = 0

    def settimeout(self, seconds: float) -> None:
        """Set how long connecting may take."""
        self._timeout_s = seconds

    def connect(self, _address: object) -> None:
        """Connect, or raise OSError."""
        self._connect(self._timeout_s)

    def write(self, data: Buffer) -> int:
        """Take all of it."""
        self._sent += data
        return len(data)

    def readinto(self, buf: Buffer) -> int:
        """Give the next bytes of the answer."""
        if self._got is None:
            body = self._answer(bytes(self._sent).partition(b"\r\n\r\n")[2])
            self._got = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        part = self._got[self._at : self._at + len(buf)]
        buf[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        """Nothing is left open."""
