"""A collar's surroundings in tests: simulated chip, bus, flash; a link that comes and goes; a relay."""

from __future__ import annotations

import errno

import numpy as np

from collar.app import Collar
from collar.settings import POWER_ON, SOFT, Identity, pack_identity
from herdcore import auth, wire
from herdcore.downlink import encode_commands
from simulator.chips.fitted import fit
from simulator.clock import VirtualClock
from simulator.flash import Nor, Region
from simulator.i2c import Bus
from simulator.motion import Still
from tests.collar.ram_flash import RamFlash

DEVICE = 0x0C0A11A5
KEY = bytes(range(32))


def identity(**changes):
    """Return a provisioned identity; keyword arguments replace fields."""
    fields = {
        "device": DEVICE,
        "key": KEY,
        "epoch": 3,
        "boot": 0,
        "ssid": "barn",
        "password": "hay and straw",
        "host": "127.0.0.1",
        "port": 8080,
        "tls_pin": b"",
        "upload_s": 900,
        "board": "esp32-c3",
        "settings": b"",
    }
    return Identity(**(fields | changes))


class Nodding:
    """A cow whose head is never still: 40 mg on top of a posture, mg, every two seconds."""

    def __init__(self, x_mg=100.0, y_mg=-200.0, z_mg=960.0):
        self._row_mg = np.array((x_mg, y_mg, z_mg))

    def at(self, times_us):
        return self._row_mg + 40 * np.sin(np.pi * times_us / 1e6)[:, None]


class BlockDevice:
    """A simulated partition with the methods of esp32.Partition. `cut_after`: bytes until the power fails."""

    def __init__(self, content=None):
        self.partition = Nor(8192, [Region("prov", 0, 8192)]).partition("prov")
        self.cut_after = None
        if content is not None:
            self.partition.program(0, content)

    def readblocks(self, block, buf, offset):
        buf[:] = self.partition.read(4096 * block + offset, len(buf))

    def ioctl(self, op, block):
        assert op == 6
        self.partition.erase(4096 * block)

    def writeblocks(self, block, buf, offset):
        whole = len(buf) if self.cut_after is None else self.cut_after
        self.partition.program(4096 * block + offset, bytes(buf[:whole]))
        if self.cut_after is not None:
            raise OSError(errno.EIO, "power cut")


def provisioned(**changes):
    return BlockDevice(pack_identity(identity(**changes), 1))


class Link:
    """A station interface: joins at once while `reachable`."""

    def __init__(self):
        self.reachable = True
        self.is_active = False
        self.joined = False
        self.calls = []

    def active(self, on):
        self.is_active = on
        self.calls.append("active" if on else "inactive")

    def connect(self, ssid, password):
        self.calls.append((ssid, password))
        self.joined = self.reachable

    def disconnect(self):
        self.joined = False

    def config(self, *, reconnects):
        self.calls.append(("reconnects", reconnects))

    def ifconfig(self, address=None):
        if address is None:
            return ("192.168.4.23", "255.255.255.0", "192.168.4.1", "192.168.4.1")
        self.calls.append(("address", address))
        return None

    def isconnected(self):
        return self.joined

    def status(self, what=None):
        return -61 if what == "rssi" else 1010 if self.joined else 201


class Relay:
    """Judges request bodies as a relay does and answers them.

    `ranges` replaces what it acknowledges. With `busy_s` a MemoryStream answers 503 and that Retry-After.
    """

    def __init__(self, key=KEY, device=DEVICE, next_s=900):
        self.device, self.next_s = device, next_s
        self.key_up, self.key_down = auth.label_key(key, b"up"), auth.label_key(key, b"down")
        self.frames = []
        self.requests = 0
        self.ranges = None
        self.busy_s = None
        self.settings = b""
        self.burst = (0, 0)
        self.utc_ms = 1_772_409_600_000

    def answer(self, body):
        """Return the answer's body for a request's body."""
        self.requests += 1
        raws = [bytes(raw) for raw in wire.decode_batch(body)]
        assert all(wire.tag_ok(raw, self.key_up) for raw in raws)
        frames = [wire.decode_frame(raw) for raw in raws]
        self.frames += frames
        ranges = [(f.boot, f.seq, f.seq) for f in frames] if self.ranges is None else self.ranges
        commands = encode_commands(self.settings, *self.burst) if self.settings or self.burst[0] else b""
        ack = wire.Ack(self.device, ranges, self.utc_ms, self.next_s, 0, commands)
        tags = [wire.tag_of(raw) for raw in raws]
        return wire.encode_answer([200] * len(frames), [wire.encode_ack(ack, self.key_down, tags)])


class MemoryStream:
    """One connection to a Relay without a socket."""

    def __init__(self, relay):
        self.relay, self.sent, self.left, self.closed = relay, b"", None, False

    def write(self, data):
        self.sent += bytes(data)

    def readinto(self, buf):
        if self.left is None:
            self.left = self._answer()
        buf[:], self.left = self.left[: len(buf)], self.left[len(buf) :]

    def _answer(self):
        if self.relay.busy_s is not None:
            return b"HTTP/1.1 503 Busy\r\nRetry-After: %d\r\nContent-Length: 0\r\n\r\n" % self.relay.busy_s
        body = self.relay.answer(self.sent.partition(b"\r\n\r\n")[2])
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def close(self):
        self.closed = True


class Slept(BaseException):
    """The board sleeps deeply: the program is over, the board is not."""


class TestBoard:
    """Stands where collar.board.Board stands, on a virtual clock."""

    __test__ = False  # a board for tests, not tests

    def __init__(
        self, motion=None, *, ppm=0, prov=None, retained=None, log=None, cause=POWER_ON, imu="lsm6dsox"
    ):
        self.clock = VirtualClock()
        self.chip, address = fit(imu, motion or Still(), odr_error_ppm=ppm)
        self.bus = Bus({address: self.chip}, self.clock)
        self.i2c = self.bus
        self.prov = prov or provisioned()
        self.log = log or RamFlash(24)
        self.retained = memoryview(bytearray(2048)) if retained is None else retained
        self.wlan, self.relay = Link(), Relay()
        self.cause = cause
        self.is_slept = False
        self.boots = 1
        self._boot_us = 0
        self._up_ms = 0
        self.fed_ms = []
        self.sleeps_ms = []
        self.int1_dead = False
        self.wakes_on_int1 = False
        self.is_led_on = False
        self.watchdog_ms = None

    def uptime_ms(self):
        return self._up_ms + (self.clock.now_us - self._boot_us) // 1000

    def set_uptime_ms(self, ms):
        self._up_ms, self._boot_us = ms, self.clock.now_us

    def rtc_ms(self):
        return self.clock.now_us // 1000

    def slept_deeply(self):
        return self.is_slept

    def wake_up(self):
        """Begin another life on the same silicon."""
        self.is_slept, self.cause = True, SOFT
        self.set_uptime_ms(0)
        self.clock.advance_us(400_000)
        self.boots += 1

    def deep_sleep_ms(self, ms):
        self.sleep_ms(ms)
        self.wake_up()
        raise Slept

    def pause_ms(self, ms):
        self.clock.advance_us(1000 * ms)

    def wake_on_int1(self, on):
        self.wakes_on_int1 = on

    def sleep_ms(self, ms):
        until_us = self.clock.now_us + 1000 * ms
        if self.wakes_on_int1 and not self.int1_dead:
            rises_us = self.chip.next_int1_us(self.clock.now_us)
            until_us = until_us if rises_us is None else min(until_us, rises_us)
        self.sleeps_ms.append((until_us - self.clock.now_us) // 1000)
        self.clock.advance_to_us(until_us)

    def recover_i2c(self):
        self.bus.release_sda()
        return self.bus

    def start_watchdog(self, timeout_ms):
        self.watchdog_ms = timeout_ms

    def feed(self):
        self.fed_ms.append(self.uptime_ms())

    def reset_cause(self):
        return self.cause

    def battery_mv(self):
        return 3912

    def temperature_c(self):
        return 18

    def heap_free_b(self):
        return 41_000

    def led(self, on):
        self.is_led_on = on

    def open_stream(self, _host, _port, _pin, _deadline_ms):
        return MemoryStream(self.relay)


class Lives:
    """A collar on `board` through all its lives: step() as Collar has it; `collar` is the present one."""

    def __init__(self, board):
        self.board = board
        self.collar = Collar(board)

    @property
    def state(self):
        return self.collar.state

    def step(self):
        try:
            self.collar.step()
        except Slept:
            self.collar = Collar(self.board)
