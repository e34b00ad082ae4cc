"""The life of one collar: boots, calls that are answered or held, crashes, and the end."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from simulator.collarhost.board import Ended, Refused, SimBoard, Stopped
from simulator.collarhost.bridge import FED, Ask, Bridge, Code, Connection
from simulator.collarhost.process import Interpreter, last_line
from simulator.collarhost.wlan import STAT_GOT_IP

if TYPE_CHECKING:
    from pathlib import Path

CRASHES_TO_BROKEN = 5


class State(Enum):
    """What a collar is doing."""

    BOOTING = "booting"
    RUNNING = "running"
    WAITING = "waiting for the radio"
    TALKING = "talking"
    PARKED = "parked"  # past the end of the run
    BROKEN = "broken"  # it keeps crashing, or stopped without a watchdog
    DEAD = "dead"  # somebody else killed its process
    STOPPED = "stopped"  # by us


FREE = frozenset({State.BOOTING, State.RUNNING})  # may still want the radio at any time from now on
GONE = frozenset({State.BROKEN, State.DEAD, State.STOPPED})


class Host(Protocol):
    """What a collar needs of the host it lives in."""

    bridge: Bridge
    until_us: int
    staged: Path
    heap_kib: int
    blocker: CollarLife | None

    def wall_s(self) -> float: ...
    def say(self, line: str) -> None: ...
    def booted(self, life: CollarLife) -> None: ...
    def consider(self) -> None: ...
    def session_over(self, life: CollarLife) -> None: ...
    async def process_exited(self, life: CollarLife) -> None: ...


class CollarLife:
    """One collar on `board`, logging to `log`. live() ends when it is broken, dead or stopped."""

    def __init__(self, host: Host, board: SimBoard, log: Path) -> None:
        self._host, self.board, self.log = host, board, log
        self.index = board.index
        self.state: State = State.BOOTING
        self.boots = 0
        self.last_call_s = 0.0
        self.held = False
        self._reply: tuple[int, int, bytes] = (0, 0, b"")
        self._connection: Connection | None = None
        self._interpreter: Interpreter | None = None
        self._unparked = asyncio.Event()
        self._ending: Exception | None = None
        self._crashes, self._sleeps_at_crash = 0, -1

    def __repr__(self) -> str:
        return f"<collar {self.index} {self.state.value} at {self.board.now_us} us>"

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in the order of the radio."""
        return self.board.now_us, self.index

    @property
    def pid(self) -> int | None:
        """Its process, if there is one."""
        return self._interpreter.pid if self._interpreter else None

    # calls

    def connected(self, connection: Connection) -> None:
        """The interpreter of this boot has said hello."""
        self._connection = connection
        self.state = State.RUNNING

    def called(self, ask: Ask) -> None:
        """Answer a call: now, or when its time has come."""
        self.last_call_s = self._host.wall_s()
        if self._ending is not None:
            return
        try:
            value, data = self.board.call(ask)
        except Refused as error:
            self._answer(error.status, 0, b"")
        except Exception as error:  # noqa: BLE001 - whatever ends this collar ends no other; _next() tells it
            self._end(error)
        else:
            self._succeeded(ask.code & ~FED, value, data)

    def _succeeded(self, code: int, value: int, data: bytes) -> None:
        board, state = self.board, self.state
        if state is State.TALKING and (not board.connected or board.now_us >= self._host.until_us):
            self._hold(State.TALKING, code, value, data)
            self._host.session_over(self)
        elif board.now_us >= self._host.until_us:
            self._hold(State.PARKED, code, value, data)
            self._host.consider()
        elif state is State.RUNNING and code == Code.WLAN_STATUS and value == STAT_GOT_IP:
            self._hold(State.WAITING, code, value, data)
            self._host.consider()
        else:
            self._answer(0, value, data, bytes(board.retained) if code == Code.HELLO else b"")

    def _answer(self, status: int, value: int, data: bytes, extra: bytes = b"") -> None:
        assert self._connection is not None
        self._connection.answer(self.board.uptime_us(), status, value, data, extra)
        if self._host.blocker is self:
            self._host.consider()

    def _hold(self, state: State, code: int, value: int, data: bytes) -> None:
        self.state, self.held, self._reply = state, True, (code, value, data)

    def release(self, state: State) -> None:
        """Go on in `state`: what is held is answered, or held again if there is a new reason."""
        self.state = state
        self._unparked.set()
        if self.held:
            self.held = False
            self.last_call_s = self._host.wall_s()
            self._succeeded(*self._reply)

    # ends

    def _end(self, why: Exception) -> None:
        """This boot is over: the end of file lets the interpreter leave."""
        self._ending, self.held = why, False
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def bite(self) -> None:
        """It has not called for so long that it hangs: the watchdog bites."""
        self._ending = self._ending or TimeoutError("hung without a call")
        self.kill()

    def kill(self) -> None:
        """End its process at once."""
        if self._interpreter is not None:
            self._interpreter.kill()

    def stop(self) -> None:
        """No more boots, and the end of file for this one."""
        if self.state not in GONE:
            self.state = State.STOPPED
        self._hang_up()
        self._unparked.set()

    # boots

    async def live(self) -> None:
        """Boot, and boot again, until there is no next time."""
        self.log.touch()
        while self.state not in GONE:
            await self._not_past_the_end()
            if self.state in GONE:
                return
            exit_code = await self._boot()
            await self._host.process_exited(self)
            if self.state not in GONE:
                self._next(exit_code)
            self._host.consider()

    async def _not_past_the_end(self) -> None:
        """A collar that sleeps deeply beyond the end of the run is parked without a process."""
        while self.board.now_us >= self._host.until_us and self.state not in GONE:
            self.state = State.PARKED
            self._unparked.clear()
            self._host.consider()
            await self._unparked.wait()

    async def _boot(self) -> int:
        """One boot from its start to the exit of its process; return the exit code."""
        self.state, self._ending, self.held = State.BOOTING, None, False
        self.last_call_s = self._host.wall_s()
        self.boots += 1
        self._host.booted(self)
        address = self._host.bridge.expect(self)
        try:
            self._interpreter = await Interpreter.start(
                self._host.staged, address, self.log, heap_kib=self._host.heap_kib
            )
            return await self._interpreter.wait()
        finally:
            self._host.bridge.forget(address)
            self._hang_up()
            if self._interpreter is not None:
                self._interpreter.kill()  # does nothing to one that has exited
                await self._interpreter.wait()
                self._interpreter = None

    def _next(self, exit_code: int) -> None:
        """Decide what comes after a boot that ended as `_ending` says, or else with `exit_code`."""
        self.state = State.BOOTING
        match self._ending:
            case Ended() as ended:
                self._ended(ended)
            case Stopped() | TimeoutError():
                self._crashed(str(self._ending))
            case None if exit_code < 0:
                self._gone(State.DEAD, f"was killed from outside (signal {-exit_code})")
            case None:
                self._crashed(f"left with exit code {exit_code}")
            case fault:
                self._gone(State.BROKEN, f"is broken: the simulated board gave up: {fault}")

    def _ended(self, ended: Ended) -> None:
        if ended.bitten and self._crash_is_the_last():
            self._gone(
                State.BROKEN, f"is broken: the watchdog bit it {self._crashes} times without a sleep between"
            )
        else:
            self.board.reboot(ended.cause)

    def _crashed(self, how: str) -> None:
        """The program is over but the board is not: only a watchdog brings it back."""
        if not self.board.watchdog_armed:
            self._gone(State.BROKEN, f"is broken: {how} and no watchdog is armed: a board would stay so")
        elif self._crash_is_the_last():
            self._gone(State.BROKEN, f"is broken: {how}, {self._crashes} times without a sleep between")
        else:
            self.board.watchdog_bites()
            self._say(f"crashed: {how}; the watchdog restarts it")

    def _crash_is_the_last(self) -> bool:
        if self.board.sleeps != self._sleeps_at_crash:
            self._crashes, self._sleeps_at_crash = 0, self.board.sleeps
        self._crashes += 1
        return self._crashes >= CRASHES_TO_BROKEN

    def _gone(self, state: State, why: str) -> None:
        self.state = state
        self._say(why)

    def _say(self, what: str) -> None:
        said = last_line(self.log)
        at_s = self.board.now_us // 1_000_000
        self._host.say(
            f"collar {self.index + 1} {what} (at {at_s} s; last line {said!r}; log {self.log})"
        )  # fmt: skip
