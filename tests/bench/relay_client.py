"""The clients of bench-relay, a process of their own: each connection sends one POST after the other."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import time

import uvloop

from herdcore import auth, wire

COLLARS = range(1, 201)
WINDOWS = 88
CONNECTIONS = 64
AGE_S = 451


def collar_secret() -> bytes:
    """Return the farm's root of this benchmark; it guards nothing."""
    return bytes(range(32))


class Herd:
    """Signs frames of a herd of collars, each with its own key, uptime and numbers."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        root = collar_secret()
        self._keys = {d: auth.label_key(auth.collar_key(root, d, 0), b"up") for d in COLLARS}
        self._sent: dict[str, int] = {}
        self._again: list[bytes] = []

    def frames(self, name: str, number: int) -> list[bytes]:
        """Return frames that were not asked for under this name before; for "again" always the same."""
        if name == "again":
            while len(self._again) < number:
                self._again.append(self._frame(len(self._again)))
            return self._again[:number]
        start = self._sent.get(name, 0)
        self._sent[name] = start + number
        return [self._frame(i) for i in range(start, start + number)]

    def _frame(self, index: int) -> bytes:
        turn, at = divmod(index, len(COLLARS))
        device = COLLARS[at]
        # Movement of an ordinary cow: the scorer's decisions depend on it, its cost hardly.
        window = bytes((0, 0, 60, 40, 44, 48, 30, 33, 35, 20, 21, 22, 60, 40))
        noise = self._random.randrange(256)
        records = bytes([*window[:-1], noise]) * WINDOWS
        frame = wire.Frame(0x11, device, 0, 1 + turn // 65536, turn % 65536, turn * AGE_S, AGE_S, records)
        return wire.encode_frame(frame, self._keys[device])


class Connection(asyncio.Protocol):
    """Sends its requests one after the other and records how long each answer took."""

    def __init__(self, requests: list[bytes], done: asyncio.Future[None]) -> None:
        self._requests, self._done = requests, done
        self._buffer = b""
        self._sent_s = 0.0
        self.times_s: list[float] = []

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        if len(self.times_s) == len(self._requests):
            self._done.set_result(None)
            self._transport.close()
            return
        self._sent_s = time.perf_counter()
        self._transport.write(self._requests[len(self.times_s)])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._done.set_exception(RuntimeError(f"{head.splitlines()[0]!r} {body!r}"))
            self._transport.close()
            return
        self.times_s.append(time.perf_counter() - self._sent_s)
        self._buffer = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the relay closed the connection"))


def request(frames: list[bytes]) -> bytes:
    """Return one POST as bytes."""
    body = wire.encode_batch(frames) if frames else b""
    head = (
        "POST /v1/frames HTTP/1.1\r\nHost: relay\r\nContent-Type: application/msgpack\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send(port: int, requests: list[bytes]) -> list[float]:
    """Send everything over CONNECTIONS connections; return the seconds each answer took."""
    loop = asyncio.get_running_loop()
    dones = [loop.create_future() for _ in range(CONNECTIONS)]
    pairs = [
        await loop.create_connection(
            lambda i=i: Connection(requests[i::CONNECTIONS], dones[i]), "127.0.0.1", port
        )
        for i in range(CONNECTIONS)
    ]
    await asyncio.gather(*dones)
    return [s for _, connection in pairs for s in connection.times_s]


def serve(seed: int) -> None:
    """Do what standard input asks for until it closes."""
    herd = Herd(seed)
    port, requests = 0, []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            what = json.loads(line)
            answer: dict[str, float] = {}
            if "go" in what:
                times = sorted(runner.run(send(port, requests)))
                answer = {
                    "p50_ms": statistics.median(times) * 1e3,
                    "p99_ms": times[len(times) * 99 // 100] * 1e3,
                }
            else:
                port, size = what["port"], what["per_post"]
                frames = herd.frames(what["herd"], what["frames"]) if what["herd"] != "nothing" else []
                requests = [request(frames[i : i + size]) for i in range(0, what["frames"], size)]
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
