"""What the loop leaves on the heap: nothing per sample or window. Only MicroPython can tell; elsewhere 0 cases run."""

import gc
from array import array

from collar.imu.lsm6dsox import Lsm6dsox
from collar.outbox import Outbox
from collar.retained import Retained
from collar.sampler import Sampler
from herdcore import features

WORD = b"\x10\x34\x12\x00\x10\xcc\xff"  # accelerometer, 0x1234, 0x1000, -52


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
    """Return the bytes of heap that one call of `work` leaves, None where that cannot be known."""
    if not hasattr(gc, "mem_alloc"):
        return None
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
    """Check `work` and return how many cases that was."""
    left = left_behind_b(work, times)
    if left is None:
        return 0
    assert left <= limit_b, "%d bytes a call, at most %d" % (left, limit_b)
    return 1


def case_a_drain_of_448_samples_leaves_a_view_and_nothing_per_sample():
    imu = Lsm6dsox(Bus(), None)
    out = array("h", bytes(6 * 448))
    return at_most(200, lambda: imu.drain_into(out, 0, 448))


def case_a_whole_lap_leaves_less_than_one_byte_a_sample():
    now = [0]
    sampler = Sampler(Lsm6dsox(Bus(), None), lambda: now[0])
    outbox = Outbox(1, 1, 1, None)
    packed = bytearray(8 * 14)
    kept = Retained(bytearray(2048))

    def lap():
        now[0] += 35_840
        for i in range(sampler.drain()):
            features.window_into(sampler.samples, 64 * i, packed, 14 * i)
        outbox.append_windows(sampler.first_ms, packed)
        kept.bump("wakes")

    return at_most(448, lap, 100)


def case_windows_are_stored_without_a_byte_of_garbage_each():
    outbox = Outbox(1, 1, 1, None)
    packed = bytes(14 * 7)
    return at_most(0, lambda: outbox.append_windows(0, packed))
