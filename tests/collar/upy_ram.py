"""Runs inside MicroPython: `upy_ram.py FILE`; FILE is the log's flash, blank. Two drains and a full upload.

Prints what the heap holds once everything is imported. The least heap it ends well in is what it needs.
"""

import gc
import sys

from upy_heap import Identity, Uplink, lap, looping

from collar import app, http, session  # noqa: F401 - all that a collar has loaded
from herdcore import auth, wire

KEY = bytes(32)
FULL_BATCH_LAPS = 64 * 88 // 7


class FileFlash:
    """The log of a board with 8 MiB, in a file."""

    def __init__(self, name):
        self._file = open(name, "r+b")  # noqa: SIM115, PTH123 - as long as the board lives; no pathlib here

    def readblocks(self, block, buf, offset=0):
        self._file.seek(4096 * block + offset)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self._file.seek(4096 * block + offset)
        self._file.write(buf)

    def ioctl(self, op, arg):
        if op == 6:
            for at in range(0, 4096, 64):
                self.writeblocks(arg, b"\xff" * 64, at)
        return 958 if op == 4 else 4096


class Ear:
    """A relay's side of a connection that keeps of a body what an ack needs."""

    def __init__(self):
        self.tags = []

    def write(self, data):
        if len(data) > 100 and bytes(data[:4]) != b"POST":
            self.tags.append(bytes(data[-8:]))

    def close(self):
        pass


def main():
    retained = bytearray(2048)  # a board has that beside its heap
    gc.collect()
    print(gc.mem_alloc())  # noqa: T201 - what the host waits for
    board, collar = looping(FileFlash(sys.argv[1]), retained)
    for _ in range(FULL_BATCH_LAPS):
        lap(board, collar)
    ear = Ear()

    def answer(_stream, _buf):
        ack = wire.Ack(1, [(1, 0, 63)], 1_772_409_600_000, 900, 0, b"")
        raw = wire.encode_ack(ack, auth.label_key(KEY, b"down"), ear.tags)
        return http.Answer(200, wire.encode_answer([200] * len(ear.tags), [raw]), 0)

    http.read_answer = answer
    who = Identity(1, KEY, 1, 1, "barn", "", "127.0.0.1", 1, b"", 900, "esp32-c3", b"")
    collar.outbox.seal()
    gc.collect()
    Uplink(who, collar.outbox, lambda *_: ear, board.uptime_ms).post(who.host, who.port)
    assert len(ear.tags) > 60, len(ear.tags)
    print(len(ear.tags))  # noqa: T201 - as above


main()
