"""One interpreter process: started on a staged tree, with a log of its own, and gone when it should be."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio.subprocess import Process

FAKES = Path(__file__).resolve().parent / "upy"
HEAP_KIB = 110  # what the program has on a board; "wK" scales it to this interpreter's words
_FAKES_KIB = 24  # what machine, network and the rest take here, and on the board do not

# `python -m micropython` drops the exit code; this keeps it.
_LAUNCH = "import sys, micropython; sys.exit(micropython.main())"
_RUN = "import _bridge; _bridge.run()"
_TAIL_BYTES = 4_096


class Interpreter:
    """A running MicroPython; on its path the fakes, its own frozen modules, the staged tree, nothing else."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, staged: Path, address: str, log: Path, *, heap_kib: int = HEAP_KIB) -> Interpreter:
        """Start on `staged`; its board is at `address` ("port:token"). Output is appended to `log`."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MICROPY"))}
        environment["MICROPYPATH"] = f"{FAKES}:.frozen:{staged / 'lib'}:{staged}"
        environment["SIM_BRIDGE"] = address
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-c", _LAUNCH, "-X", f"heapsize={heap_kib + _FAKES_KIB}wK", "-c", _RUN,
                cwd=staged, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        return cls(process)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Return the exit code; negative for a signal."""
        return await self._process.wait()

    def kill(self) -> None:
        """End it at once, if it still runs."""
        with suppress(ProcessLookupError):
            self._process.kill()


def last_line(log: Path) -> str:
    """Return the last line a collar printed that says something, or ""."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")
