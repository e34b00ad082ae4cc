"""Runs inside MicroPython: what the loop leaves on the heap. A function raises if that is too much."""

import gc
from array import array

from collar import app
from collar.app import Collar
from collar.flashlog import FlashLog
from collar.imu.lsm6dsox import Lsm6dsox
from collar.outbox import Outbox
from collar.retained import Retained
from collar.sampler import Sampler
from collar.settings import Identity
from collar.uplink import Uplink
from herdcore import features

WORD = b"\x10\x34\x12\x00\x10\xcc\xff"  # accelerometer, 0x1234, 0x1000, -52


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
    """A chip that always holds 448 words."""

    def __init__(self):
        self.words = WORD * 448

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


def a_drain_of_448_samples_leaves_one_view():
    imu = Lsm6dsox(Bus(), None)
    out = array("h", bytes(6 * 448))
    at_most(64, lambda: imu.drain_into(out, 0, 448))


def a_lap_leaves_two_views():
    now = [0]
    sampler = Sampler(Lsm6dsox(Bus(), None), lambda: now[0])
    outbox = Outbox(1, 1, 1, None, FlashLog(BlankFlash()))
    packed = bytearray(7 * 14)
    kept = Retained(bytearray(2048))

    def lap():
        now[0] += 35_840
        for i in range(sampler.drain()):
            features.window_into(sampler.samples, 64 * i, packed, 14 * i)
        outbox.append_windows(sampler.first_ms, memoryview(packed))
        kept.bump("faults")

    at_most(128, lap, 100)


class Board:
    """Nothing but what is looked at when a collar is made."""

    i2c = wlan = pause_ms = uptime_ms = open_stream = None
    retained = bytearray(2048)


def a_collar_with_all_its_buffers_takes_less_than_30_kb():
    gc.collect()
    before = gc.mem_alloc()
    collar = Collar(Board())
    collar.outbox = Outbox(1, 1, 1, None, FlashLog(BlankFlash()))
    who = Identity(1, bytes(32), 0, 0, "barn", "", "127.0.0.1", 1, b"", 900, "esp32-c3")
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


a_collar_with_all_its_buffers_takes_less_than_30_kb()
a_drain_of_448_samples_leaves_one_view()
a_lap_leaves_two_views()
features_are_made_while_the_heap_is_locked_and_it_is_open_again_after_a_failure()
windows_are_stored_without_garbage()
