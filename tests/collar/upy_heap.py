"""Runs inside MicroPython: what the loop leaves on the heap. A function raises if that is too much."""

import gc
import struct
import sys
from array import array

from collar import app
from collar.app import FEATURE, STORE, Collar
from collar.flashlog import FlashLog
from collar.imu.lsm6dsox import Lsm6dsox
from collar.outbox import Outbox
from collar.settings import Identity
from collar.uplink import Uplink
from herdcore import features

WORDS = 2 if sys.maxsize > 1 << 32 else 1  # a board's words are 32 bits: there everything takes half


class BlankFlash:
    """The log of a board with 8 MiB, never written."""

    def readblocks(self, _block, buf, _offset):
        for i in range(len(buf)):
            buf[i] = 0xFF

    def writeblocks(self, _block, _buf, _offset):
        pass

    def ioctl(self, op, _arg):
        return 958 if op == 4 else 4096


class Bus:
    """A chip that always holds 448 words: a cow of 1 g that moves a little."""

    words = b"".join(
        struct.pack("<Bhhh", 0x10, i * 53 % 200, i * 29 % 200 - 100, 4096 + i * 37 % 200) for i in range(448)
    )

    def readfrom_mem_into(self, _address, register, buf):
        if register == 0x3A:
            buf[0], buf[1] = 0xC0, 0x01
        elif register == 0x78:
            buf[:] = self.words


def left_behind_b(work, times):
    """Return the bytes of heap that one call of `work` leaves."""
    work()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(times):
        work()
    left = gc.mem_alloc() - before
    gc.enable()
    return left // times


def at_most(limit_b, work, times=10):
    left = left_behind_b(work, times)
    assert left <= limit_b, f"{left} bytes a call, at most {limit_b}"


def a_drain_of_448_samples_leaves_nothing():
    imu = Lsm6dsox(Bus(), None)
    out = array("h", bytes(6 * 448))
    at_most(0, lambda: imu.drain_into(out, 0, 448))


class Board:
    """Nothing but what is looked at when a collar is made, and in a lap of its loop."""

    i2c = wlan = open_stream = None
    now_ms = 0

    def __init__(self, retained=None):
        self.retained = retained or bytearray(2048)

    def pause_ms(self, _ms):
        pass

    def uptime_ms(self):
        return self.now_ms

    def rtc_ms(self):
        return self.now_ms


def looping(flash=None, retained=None):
    """Return a board, and a collar on it between two sleeps."""
    board = Board(retained)
    board.i2c = Bus()
    collar = Collar(board)
    collar.outbox = Outbox(1, 1, 1, None, FlashLog(flash or BlankFlash()))
    collar.store.outbox = collar.outbox
    collar.sampler.restart()
    return board, collar


def lap(board, collar):
    """Take seven windows from the chip to the log."""
    board.now_ms += 35_840
    assert collar._drain() == FEATURE
    assert collar._feature() == STORE
    collar._store()


def seven_windows_leave_at_most_16_bytes_each():
    board, collar = looping()
    for _ in range(20):
        lap(board, collar)
    left = left_behind_b(lambda: lap(board, collar), 200) / WORDS
    print(f"garbage_bytes_per_window {left / 7:.1f}")  # noqa: T201 - what the benchmark reads
    assert left <= 7 * 16, left


def a_thousand_laps_do_not_grow_the_heap():
    board, collar = looping()
    for _ in range(500):
        lap(board, collar)
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(1000):
        lap(board, collar)
    gc.collect()
    grown = gc.mem_alloc() - before
    assert grown == 0, grown


def a_collar_with_all_its_buffers_takes_less_than_30_kb():
    gc.collect()
    before = gc.mem_alloc()
    collar = Collar(Board())
    collar.outbox = Outbox(1, 1, 1, None, FlashLog(BlankFlash()))
    who = Identity(1, bytes(32), 0, 0, "barn", "", "127.0.0.1", 1, b"", 900, "esp32-c3", b"")
    collar.uplink = Uplink(who, collar.outbox, None, None)
    gc.collect()
    taken = gc.mem_alloc() - before
    assert taken < 30_000, f"{taken} bytes"


def features_are_made_while_the_heap_is_locked_and_it_is_open_again_after_a_failure():
    collar, seen = Collar(Board()), []
    collar.sampler.windows = 2

    class Window:
        @staticmethod
        def window_into(_samples, _start, _out, _at):
            try:
                bytearray(100)
            except MemoryError:
                seen.append(1)  # in the room that every new list has
            if len(seen) == 2:
                raise ValueError

    app.features = Window
    try:
        collar._feature()
    except ValueError:
        bytearray(100)
    app.features = features
    assert len(seen) == 2, seen


def windows_are_stored_without_garbage():
    outbox = Outbox(1, 1, 1, None, FlashLog(BlankFlash()))
    packed = bytes(14 * 7)
    at_most(0, lambda: outbox.append_windows(0, packed))


if __name__ == "__main__":
    a_collar_with_all_its_buffers_takes_less_than_30_kb()
    a_drain_of_448_samples_leaves_nothing()
    features_are_made_while_the_heap_is_locked_and_it_is_open_again_after_a_failure()
    windows_are_stored_without_garbage()
    seven_windows_leave_at_most_16_bytes_each()
    a_thousand_laps_do_not_grow_the_heap()
