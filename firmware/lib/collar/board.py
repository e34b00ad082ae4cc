"""The boards a collar is made of: the only file that imports machine, network, esp32 and the socket modules.

Everything else is handed what it needs from a Board; tests hand in one of their own with the same names.
"""

import gc
import socket
import ssl
import sys
import time

import esp32
import machine
import network

from collar.settings import HARD, POWER_ON, SOFT, WATCHDOG
from collar.stream import Stream, not_before

# One dict per board. int1 can end any sleep: GPIO 0..5 on the C3, an RTC pin (0..21) on the S3.
# battery_divider: the cell's voltage over the voltage at the pin.
_PINS = ("chip", "i2c", "scl", "sda", "int1", "battery", "battery_divider", "led")
BOARDS = {
    "esp32-c3": dict(zip(_PINS, ("ESP32C3", 0, 6, 7, 4, 3, 2, 10))),
    "esp32-s3": dict(zip(_PINS, ("ESP32S3", 0, 9, 8, 4, 1, 2, 48))),
}
# The same boards with an LSM6DSOX on SPI, whose bursts are 22 times shorter.
BOARDS["esp32-c3-spi"] = dict(BOARDS["esp32-c3"], sck=6, mosi=7, miso=5, cs=1)
BOARDS["esp32-s3-spi"] = dict(BOARDS["esp32-s3"], sck=12, mosi=11, miso=13, cs=10)
I2C_HZ = 400_000
SPI_HZ = 8_000_000


class BoardError(ValueError):
    """The identity names a board that this is not."""


def prov_partition():
    """Return the flash partition with the identity."""
    return _partition("prov")


def log_partition():
    """Return the flash partition of the log."""
    return _partition("log")


def _partition(label: str):
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=label)
    if not found:
        raise BoardError("no partition called %s: flash firmware/partitions-4MiB.csv or -8MiB.csv" % label)
    return found[0]


def _pins_of(name: str) -> dict:
    if name not in BOARDS:
        raise BoardError("board %r is not one of %s" % (name, ", ".join(sorted(BOARDS))))
    pins = BOARDS[name]
    here = getattr(sys.implementation, "_machine", "").upper()
    if "ESP32" in here and pins["chip"] not in here.replace("-", ""):
        raise BoardError("identity is for %s, this is %s" % (name, here))
    return pins


class Board:
    """A board by the name in its identity. Raises BoardError for another chip than the name says."""

    def __init__(self, name: str) -> None:
        pins = _pins_of(name)
        self._is_c3 = pins["chip"] == "ESP32C3"
        self._ticks = time.ticks_ms()
        self._up_ms = 0
        self._pins = pins
        # No irq on the wake pin: with both, the wake-up glitches (micropython issue 9583).
        self.int1 = machine.Pin(pins["int1"], machine.Pin.IN)
        self._led = machine.Pin(pins["led"], machine.Pin.OUT)
        self._adc = machine.ADC(machine.Pin(pins["battery"]), atten=machine.ADC.ATTN_11DB)
        self._watchdog = None
        self.i2c = self._new_i2c()
        self.prov = prov_partition()
        self.log = log_partition()
        self.retained = machine.mem_backup()
        self.wlan = network.WLAN(network.WLAN.IF_STA)

    def _new_i2c(self):
        pins = self._pins
        if "cs" in pins:
            return self._new_spi()
        return machine.I2C(
            pins["i2c"], scl=machine.Pin(pins["scl"]), sda=machine.Pin(pins["sda"]), freq=I2C_HZ
        )

    def _new_spi(self):
        from collar.imu.spi import SpiBus

        pins = self._pins
        select = machine.Pin(pins["cs"], machine.Pin.OUT)
        select.value(1)
        spi = machine.SPI(
            1,
            SPI_HZ,
            polarity=0,
            phase=0,
            sck=machine.Pin(pins["sck"]),
            mosi=machine.Pin(pins["mosi"]),
            miso=machine.Pin(pins["miso"]),
        )
        return SpiBus(spi, select)

    def recover_i2c(self):
        """Clock a slave that holds the data line until it lets go, and return the bus made anew."""
        if "cs" in self._pins:
            self.i2c = self._new_spi()
            return self.i2c
        scl = machine.Pin(self._pins["scl"], machine.Pin.OPEN_DRAIN)
        for _ in range(9):
            scl.value(0)
            time.sleep_us(5)
            scl.value(1)
            time.sleep_us(5)
        self.i2c = self._new_i2c()
        return self.i2c

    # time and sleep

    def uptime_ms(self) -> int:
        """Return the time since this was made, light sleep included; to be asked once in 6 days."""
        ticks = time.ticks_ms()
        self._up_ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._up_ms

    def rtc_ms(self) -> int:
        """Return the board's own clock, which runs on in deep sleep."""
        return time.time_ns() // 1_000_000

    def set_uptime_ms(self, ms: int) -> None:
        """Say what the uptime is now: a deep sleep does not end it."""
        self._ticks = time.ticks_ms()
        self._up_ms = ms

    def pause_ms(self, ms: int) -> None:
        """Wait awake."""
        time.sleep_ms(ms)

    def wake_on_int1(self, on: bool) -> None:
        """Let a high INT1 end a sleep, or only the timer. An empty tuple clears; None leaves what was set."""
        wake = esp32.wake_on_gpio if self._is_c3 else esp32.wake_on_ext1
        wake((self.int1,) if on else (), esp32.WAKEUP_ANY_HIGH)

    def sleep_ms(self, ms: int) -> None:
        """Light sleep until INT1 is high or `ms` have passed; RAM and clock are kept."""
        machine.lightsleep(ms)

    def deep_sleep_ms(self, ms: int) -> None:
        """Deep sleep: the board starts anew at boot.py; only retained memory is kept."""
        machine.deepsleep(ms)

    def slept_deeply(self) -> bool:
        """Return whether this start is a wake from deep sleep."""
        return machine.reset_cause() == machine.DEEPSLEEP_RESET

    # what keeps it alive

    def start_watchdog(self, timeout_ms: int) -> None:
        """Start it; it cannot be stopped."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=timeout_ms)

    def feed(self) -> None:
        """Tell the watchdog that all is well."""
        if self._watchdog:
            self._watchdog.feed()

    def reset_cause(self) -> int:
        """Return POWER_ON, HARD, WATCHDOG or SOFT of collar.settings; a wake from deep sleep is soft."""
        causes = {
            machine.PWRON_RESET: POWER_ON,
            machine.HARD_RESET: HARD,
            machine.WDT_RESET: WATCHDOG,
        }
        return causes.get(machine.reset_cause(), SOFT)

    # what it can tell

    def battery_mv(self) -> int:
        """Return the cell's voltage now."""
        return self._adc.read_uv() * self._pins["battery_divider"] // 1000

    def temperature_c(self) -> int:
        """Return the temperature of the processor, whole degrees."""
        return esp32.mcu_temperature()  # pyright: ignore[reportAttributeAccessIssue]  # stubs are the first ESP32's

    def heap_free_b(self) -> int:
        """Return the free heap after a collection."""
        gc.collect()
        return gc.mem_free()

    def led(self, on: bool) -> None:
        """Switch the LED."""
        self._led.value(on)

    # the network

    def open_stream(self, host: str, port: int, pin: bytes, deadline_ms: int) -> Stream:
        """Connect to the relay; `pin` is its certificate (DER), b"" for plain HTTP."""
        if pin:
            self._raise_clock(not_before(pin))
        return Stream((socket, ssl), host, port, pin, self.uptime_ms, deadline_ms)

    def _raise_clock(self, least) -> None:
        """Set a clock that stands before the certificate begins to its beginning: mbedTLS checks the date.

        A collar has no clock of its own after power-on; trust rests on the pin, not on the date.
        """
        if least and hasattr(machine, "RTC") and time.gmtime()[:6] < least:
            year, month, day, hour, minute, second = least
            machine.RTC().datetime((year, month, day, 0, hour, minute, second, 0))
