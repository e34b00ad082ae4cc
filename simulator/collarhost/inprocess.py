"""A collar in this process: the same files on CPython, on the same simulated board, no message between.

What an interpreter sends over the bridge's socket is here a function call, byte for byte, so that both hosts
agree on every virtual microsecond. Its place is where many collar-days are wanted: alerts, energy, long runs.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

from herdcore import auth, wire
from simulator.clock import START_UTC_MS
from simulator.collarhost.board import Ended, Refused, SimBoard
from simulator.collarhost.bridge import ANSWER, FED, REQUEST, Ask, Code
from simulator.collarhost.life import CRASHES_TO_BROKEN
from simulator.collarhost.onhost import Boot, MemorySockets
from simulator.collarhost.wlan import STAT_GOT_IP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from herdcore.wire import Frame
    from simulator.i2c import Buffer

_HEADER_BYTES = 16
_RETRY_MS = 60_000  # as collar.app's main() waits after a start that failed


class CollarBrokenError(RuntimeError):
    """The collar cannot go on: it refuses its board, or keeps crashing."""


class InProcess:
    """One collar; `run()` lets it live up to a moment and may be called again with a later one.

    `relay` is handed a request's body and returns the answer's (MemoryRelay.answer is one); None: sockets are
    real, and go where the identity says. `on_radio_time(utc_ms)` is called when a session begins. What ends a
    life of the program (deep sleep, reset, watchdog) ends `collar`, a collar.app.Collar, and begins another.
    """

    def __init__(
        self, board: SimBoard, relay: Callable[[bytes], bytes] | None = None, *,
        on_radio_time: Callable[[int], None] | None = None, start_utc_ms: int = START_UTC_MS,
    ) -> None:  # fmt: skip
        self.board = board
        self.collar: Any = None
        self.boots = 0
        self._sockets = socket if relay is None else MemorySockets(relay, self._connect)
        self._on_radio_time, self._start_utc_ms = on_radio_time, start_utc_ms
        self._wire = _Wire(self)
        self._talks = False
        self._provision = -1
        self._bites, self._sleeps_at_bite = 0, -1

    def run(self, until_us: int) -> None:
        """Go on until the board's time has come to `until_us`. Raises CollarBrokenError.

        A state of the machine is not cut in two: a sleep or a session may end later than that.
        """
        while self.board.now_us < until_us:
            try:
                if self.collar is None:
                    self._boot()
                self.collar.step()
                if self.collar.state == self._provision:
                    raise CollarBrokenError("it has no identity and waits for its maker")
            except SystemExit:
                self._life_is_over()

    def _boot(self) -> None:
        """What collar.app's main() does before its loop."""
        self.boots += 1
        self._wire.ended = None
        boot = Boot(self._wire, self._sockets)
        boot.load("_bridge")._connect()  # noqa: SLF001 - what _bridge.run() begins with
        app, on_board = boot.load("collar.app"), boot.load("collar.board")
        self._provision = app.PROVISION
        try:
            on_board.log_partition()
            board = on_board.Board(app.load_identity(on_board.prov_partition()).board)
        except ValueError as error:  # SettingsError and BoardError
            raise CollarBrokenError(str(error)) from error
        try:
            self.collar = app.Collar(board)
        except Exception:  # noqa: BLE001 - as main() does
            board.deep_sleep_ms(_RETRY_MS)

    def _life_is_over(self) -> None:
        self.collar = None
        self._talks = False
        match self._wire.ended:
            case Ended() as ended:
                if ended.bitten:
                    self._count_bite()
                self.board.reboot(ended.cause)
            case None:
                raise CollarBrokenError("the program left by itself")
            case fault:
                raise CollarBrokenError(f"the simulated board gave up: {fault}") from fault

    def _count_bite(self) -> None:
        if self.board.sleeps != self._sleeps_at_bite:
            self._bites, self._sleeps_at_bite = 0, self.board.sleeps
        self._bites += 1
        if self._bites >= CRASHES_TO_BROKEN:
            raise CollarBrokenError(f"the watchdog bit it {self._bites} times without a sleep between")

    def _connect(self, timeout_s: float) -> None:
        """Reach the relay, or wait in vain: with another board's address nothing comes back."""
        if not self.board.wlan.reaches(self.board.now_us):
            self._wire.serve(Ask(Code.DELAY, 0, 0, int(timeout_s * 1_000_000), b""))
            raise OSError(errno.ETIMEDOUT, "nobody answers")

    def looked(self, ask: Ask, value: int) -> None:
        """The program asked the board something: perhaps a session begins or is over."""
        if self._talks:
            self._talks = self.board.connected
        elif ask.code & ~FED == Code.WLAN_STATUS and value == STAT_GOT_IP:
            self._talks = True
            if self._on_radio_time is not None:
                self._on_radio_time(self._start_utc_ms + self.board.now_us // 1000)


class _Wire:
    """Stands where _bridge.py has its socket to the host; the board answers at once."""

    def __init__(self, host: InProcess) -> None:
        self._host = host
        self.ended: Exception | None = None
        self._asked = b""
        self._answer = b""
        self._at = 0

    def connect(self, _address: object) -> None:
        """Nobody is at the other end."""

    def setsockopt(self, *_: int) -> None:
        """Nothing to set."""

    def write(self, data: Buffer) -> int:
        """Take a request, perhaps in two parts. Raises OSError once the life of the program is over."""
        if self.ended is not None:
            raise OSError(errno.EPIPE, "this life is over")
        asked = self._asked + data
        n, code, small, spent_us, number = REQUEST.unpack_from(asked)
        if len(asked) < _HEADER_BYTES + n:
            self._asked = asked
            return len(data)
        self._asked = b""
        self.serve(Ask(code, small, spent_us, number, asked[_HEADER_BYTES:]))
        return len(data)

    def serve(self, ask: Ask) -> None:
        """Let the board answer. Raises OSError if that ends the life of the program."""
        board = self._host.board
        status, value, payload = 0, 0, b""
        try:
            value, payload = board.call(ask)
        except Refused as error:
            status = error.status
        except Exception as error:
            # The program sees its host gone, as an interpreter does, and leaves with SystemExit.
            self.ended = error
            raise OSError(errno.EPIPE, "this life is over") from error
        else:
            self._host.looked(ask, value)
        answer = ANSWER.pack(len(payload), status, value, board.uptime_us()) + payload
        self._answer = answer + board.retained if ask.code == Code.HELLO else answer
        self._at = 0

    def readinto(self, buf: Buffer) -> int:
        """Give the next part of the answer."""
        n = len(buf)
        buf[:] = self._answer[self._at : self._at + n]
        self._at += n
        return n


class MemoryRelay:
    """A relay without a socket: verifies tags, keeps each frame once, acknowledges what is rightly tagged.

    `keys`: a collar's key by device id. `next_s`, `flags` and `commands` go into every ack.
    `received` lists (UTC ms, raw frame) in the order of arrival; `again` counts frames that were known.
    """

    def __init__(
        self, keys: Mapping[int, bytes], *, next_s: int = 900, flags: int = 0, commands: bytes = b""
    ) -> None:
        self._keys = {d: (auth.label_key(k, b"up"), auth.label_key(k, b"down")) for d, k in keys.items()}
        self.next_s, self.flags, self.commands = next_s, flags, commands
        self.utc_ms = 0
        self.requests = self.again = 0
        self.received: list[tuple[int, bytes]] = []
        self._known: dict[tuple[int, int, int, int], bytes] = {}

    def tell(self, utc_ms: int) -> None:
        """Set the relay's clock: what InProcess tells by `on_radio_time`."""
        self.utc_ms = utc_ms

    @property
    def frames(self) -> list[Frame]:
        """What arrived, decoded."""
        return [wire.decode_frame(raw) for _, raw in self.received]

    def answer(self, body: bytes) -> bytes:
        """Judge a request: 200 stored or known, 401 a wrong tag or an unknown collar, 409 other bytes."""
        self.requests += 1
        results: list[int] = []
        taken: dict[int, list[tuple[Frame, bytes]]] = {}
        for raw in map(bytes, wire.decode_batch(body)):
            device = wire.peek(raw)[0]
            if device not in self._keys or not wire.tag_ok(raw, self._keys[device][0]):
                results.append(401)
                continue
            frame = wire.decode_frame(raw)
            results.append(self._take(frame, raw))
            if results[-1] == 200:
                taken.setdefault(device, []).append((frame, raw))
        return wire.encode_answer(results, [self._ack(device, judged) for device, judged in taken.items()])

    def _take(self, frame: Frame, raw: bytes) -> int:
        key = (frame.device, frame.epoch, frame.boot, frame.seq)
        records = bytes(frame.records)
        if key not in self._known:
            self._known[key] = records
            self.received.append((self.utc_ms, raw))
            return 200
        self.again += 1
        return 200 if self._known[key] == records else 409

    def _ack(self, device: int, judged: list[tuple[Frame, bytes]]) -> bytes:
        ranges = [(frame.boot, frame.seq, frame.seq) for frame, _ in judged]
        ack = wire.Ack(device, ranges, self.utc_ms, self.next_s, self.flags, self.commands)
        return wire.encode_ack(ack, self._keys[device][1], [wire.tag_of(raw) for _, raw in judged])
