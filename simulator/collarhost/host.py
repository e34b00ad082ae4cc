"""Many collars at once, each a real interpreter on a simulated board, in parallel but exact virtual time.

Collars run ahead freely: a sleep is answered at once, whatever the others do. Only the radio orders them.
The answer that first tells a collar that it is connected is held until no living collar is earlier in
(virtual time, index); then the outside world is told the time, then this collar talks, and until its session
is over nobody else does. So sessions happen in one order, whatever the machine does meanwhile, and one seed
gives one trace.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from simulator.collarhost.bridge import Bridge
from simulator.collarhost.life import GONE, CollarLife, State
from simulator.collarhost.process import HEAP_KIB
from simulator.collarhost.radio import next_talker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from pathlib import Path

    from simulator.collarhost.board import SimBoard
    from simulator.link import Link
    from simulator.trace import Trace

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.5


class CollarHost:
    """`async with CollarHost(boards, link, ...) as host: await host.run()`; no process outlives it.

    `on_radio_time(utc_ms)` is awaited before each session: it tells the outside world the time and returns
    when that has nothing left to do. `staged` is the tree the interpreters run, each collar logs to a file
    in `log_folder`. A collar whose virtual time reaches `until_us` is parked. One that makes no call for
    `stuck_s` of wall time hangs, and its watchdog bites; one that has not left `leave_s` after the end is
    killed. `say` is given one clear line about whatever happens to a collar.
    """

    def __init__(  # noqa: PLR0913 - what a run consists of; all but boards and link are named
        self, boards: Sequence[SimBoard], link: Link, *, on_radio_time: Callable[[int], Awaitable[None]],
        staged: Path, log_folder: Path, start_utc_ms: int, until_us: int, trace: Trace | None = None,
        say: Callable[[str], None] | None = None, stuck_s: float = 20.0, leave_s: float = 5.0,
        heap_kib: int = HEAP_KIB,
    ) -> None:  # fmt: skip
        self.bridge = Bridge()
        self.staged, self.until_us, self.heap_kib = staged.resolve(), until_us, heap_kib
        self.blocker: CollarLife | None = None
        self._link, self._on_radio_time, self._trace = link, on_radio_time, trace
        self._start_utc_ms, self._stuck_s, self._leave_s = start_utc_ms, stuck_s, leave_s
        self._say = say or _LOG.info
        log_folder.mkdir(parents=True, exist_ok=True)
        self.lives = [CollarLife(self, b, log_folder / f"collar-{b.index + 1:03d}.log") for b in boards]
        self._stack = AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()
        self._living: list[asyncio.Task[None]] = []
        self._settled = asyncio.Event()
        self._fault: BaseException | None = None

    async def __aenter__(self) -> CollarHost:
        self.wall_s = asyncio.get_running_loop().time
        await self._stack.enter_async_context(self.bridge)
        self._start(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # for whoever runs it

    async def run(self) -> None:
        """Let the collars live until each is parked at `until_us` or gone; raise what on_radio_time raised.

        May be called again with a later `until_us`: parked collars then go on where they were.
        """
        self._settled.clear()
        for life in self.lives:
            if life.state is State.PARKED:
                life.release(State.RUNNING)
        if not self._living:
            self._living = [self._start(life.live()) for life in self.lives]
        self.consider()
        await self._settled.wait()
        if self._fault is not None:
            raise self._fault

    async def stop(self) -> None:
        """End every collar: by the end of file, and after a few seconds by force. Safe to call twice."""
        for life in self.lives:
            life.stop()
        if self._living:
            await asyncio.wait(self._living, timeout=self._leave_s)
            for life in self.lives:
                life.kill()
        for task in self._tasks - set(self._living):
            task.cancel()
        for task in list(self._tasks):
            with suppress(asyncio.CancelledError):
                await task
        await self._stack.aclose()
        self._settled.set()

    @property
    def pids(self) -> list[int]:
        """The processes there are now."""
        return [life.pid for life in self.lives if life.pid is not None]

    def progress_us(self) -> int:
        """Return the earliest virtual time of a living collar; `until_us` if none lives."""
        times_us = (life.board.now_us for life in self.lives if life.state not in GONE)
        return min(self.until_us, min(times_us, default=self.until_us))

    # for the collars

    def say(self, line: str) -> None:
        """Tell one line to whoever watches."""
        self._say(line)

    def booted(self, life: CollarLife) -> None:
        """A boot begins: it belongs in the trace."""
        if self._trace is not None:
            self._trace.add(life.board.boot_us, life.index, "boot", bytes((life.board.reset_cause,)))

    def consider(self) -> None:
        """A collar moved, waits or is gone: perhaps somebody may talk now, or all have come to their end."""
        talker, self.blocker = next_talker(self.lives)
        if talker is not None:
            talker.state = State.TALKING
            self._start(self._open_session(talker))
        elif all(life.state is State.PARKED or life.state in GONE for life in self.lives):
            self._settled.set()

    def session_over(self, life: CollarLife) -> None:
        """Its link is down; its answer is held until the last byte of the session is dealt with."""
        self._start(self._end_session(life))

    async def process_exited(self, life: CollarLife) -> None:
        """If `life`, whose process has exited, was talking: close what it left open."""
        if life.state is State.TALKING:
            await self._link.close_session()

    async def _open_session(self, life: CollarLife) -> None:
        board = life.board
        self._link.open_session(life.index, board.now_us, reaches=board.wlan.reaches(board.now_us))
        await self._on_radio_time(self._start_utc_ms + life.board.now_us // 1000)
        if life.state is State.TALKING:
            life.release(State.TALKING)

    async def _end_session(self, life: CollarLife) -> None:
        await self._link.close_session()
        if life.state is State.TALKING:
            life.release(State.RUNNING)
            self.consider()

    async def _watch(self) -> None:
        """Let the watchdog bite those that hang."""
        while True:
            await asyncio.sleep(_LOOK_S)
            for life in self.lives:
                at_work = life.state in {State.BOOTING, State.RUNNING, State.TALKING} and not life.held
                if at_work and life.pid and self.wall_s() - life.last_call_s > self._stuck_s:
                    life.bite()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._fault = self._fault or task.exception()
            self._settled.set()
