"""The way from the collars to the relay: a TCP proxy that knows whose session is open, and fails on demand.

It passes bytes on unchanged. Beside that it reads along: what goes into the trace are the frames of each
request body and each answer's body, under the virtual time at which the session began, so that nothing of
the wall gets in. Under TLS there is nothing to read: frames are neither counted nor traced.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from herdcore import wire
from simulator.http_bodies import HttpBodies

if TYPE_CHECKING:
    from simulator.trace import Trace

_CHUNK_BYTES = 65_536
_STORED = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong in one session.

    `refuse`: the connection is closed at once. `after_bytes`: it is closed after so many bytes of what the
    collar sends. `before_answer`: the relay has taken the request, but its answer never arrives.
    """

    refuse: bool = False
    after_bytes: int | None = None
    before_answer: bool = False


@dataclass(slots=True)
class _Session:
    collar: int
    virtual_us: int
    fault: Fault | None


class Link:
    """`async with Link(host, port, trace=trace) as link`: collars connect to 127.0.0.1:`link.port`.

    The host opens and closes sessions; a connection without one meets no network. `frames_sent` counts the
    frames of whole requests that have passed, `frames_acked` those with a 200 in an answer that has reached
    the collar.
    """

    def __init__(self, relay_host: str, relay_port: int, *, trace: Trace | None = None) -> None:
        self.relay = (relay_host, relay_port)  # where the next connection goes: a relay may move
        self._trace = trace
        self._server: asyncio.Server | None = None
        self._session: _Session | None = None
        self._faults: dict[int, list[Fault]] = {}
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.port = 0
        self.frames_sent = 0
        self.frames_acked = 0
        self.sessions = 0

    async def __aenter__(self) -> Link:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self.close_session()
        await self._server.wait_closed()

    def fail_next(self, collar: int, *faults: Fault) -> None:
        """Let the next sessions of a collar fail so, one fault a session."""
        self._faults.setdefault(collar, []).extend(faults)

    def open_session(self, collar: int, virtual_us: int, *, reaches: bool = True) -> None:
        """From now on whoever connects is this collar. Only one session is open at a time.

        `reaches` False: its address is not one of the network's, and nothing it sends comes to anybody.
        """
        assert self._session is None, f"collar {collar} wants the radio that a session still holds"
        planned = self._faults.get(collar)
        fault = planned.pop(0) if planned else None
        self._session = _Session(collar, virtual_us, fault if reaches else Fault(refuse=True))
        self.sessions += 1

    async def close_session(self) -> None:
        """The collar's radio is off: cut what is left of its connections."""
        self._session = None
        while self._open:
            for task in self._open:
                task.cancel()
            await asyncio.wait(self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = self._session
        if session is None or (session.fault and session.fault.refuse):
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            await self._proxy(session, reader, writer)
        except asyncio.CancelledError:
            pass  # close_session() cut it: the end of this task is what it waits for
        finally:
            del self._open[task]
            writer.close()

    async def _proxy(
        self, session: _Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            relay_reader, relay_writer = await asyncio.open_connection(*self.relay)
        except OSError:
            writer.transport.abort()  # no relay: the collar sees a reset, as behind a farm's router
            return
        up = asyncio.ensure_future(self._upward(session, reader, relay_writer))
        down = asyncio.ensure_future(self._downward(session, relay_reader, writer))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if up.done() and up.result():  # the collar has only ended its sending side
                await asyncio.wait({down})
        finally:
            for task in (up, down):
                task.cancel()
                with suppress(asyncio.CancelledError, ConnectionError):
                    await task
            relay_writer.close()
            with suppress(ConnectionError):
                await relay_writer.wait_closed()

    async def _upward(
        self, session: _Session, reader: asyncio.StreamReader, relay: asyncio.StreamWriter
    ) -> bool:
        """Pass on what the collar sends; return whether it came to its end."""
        bodies = HttpBodies()
        left = session.fault.after_bytes if session.fault else None
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK_BYTES):
                cut = left is not None and len(data) >= left
                data = data[:left] if cut else data
                for body in bodies.feed(data):
                    self._sent(session, body)
                relay.write(data)
                await relay.drain()
                if cut:
                    return False
                left = None if left is None else left - len(data)
            relay.write_eof()
            return True
        return False

    async def _downward(
        self, session: _Session, relay: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass on what the relay answers, unless this answer is to be lost: then end once it is complete."""
        bodies = HttpBodies()
        lost = session.fault is not None and session.fault.before_answer
        with suppress(ConnectionError):
            while data := await relay.read(_CHUNK_BYTES):
                found = bodies.feed(data)
                if lost and found:
                    return
                for body in found:
                    self._answered(session, body)
                if not lost:
                    writer.write(data)
                    await writer.drain()

    def _sent(self, session: _Session, body: bytes) -> None:
        frames = _frames(body)
        self.frames_sent += len(frames)
        for frame in frames or [body]:
            self._note(session, "frame", frame)

    def _answered(self, session: _Session, body: bytes) -> None:
        self.frames_acked += _accepted(body)
        self._note(session, "answer", body)

    def _note(self, session: _Session, kind: str, data: bytes) -> None:
        if self._trace is not None:
            self._trace.add(session.virtual_us, session.collar, kind, data)


def _frames(body: bytes) -> list[bytes]:
    """The frames of a request body; none if it is not a batch."""
    try:
        return [bytes(frame) for frame in wire.decode_batch(body)]
    except ValueError:
        return []


def _accepted(body: bytes) -> int:
    """How many frames an answer reports as stored or known."""
    try:
        results, _ = wire.decode_answer(body)
    except ValueError:
        return 0
    return sum(status == _STORED for status in results)
