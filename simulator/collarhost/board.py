"""One simulated board: an ESP32, an accelerometer on its bus, a cell, flash, a radio, a watchdog.

It answers the calls of the bridge. Its clock is its own and jumps: a sleep is an addition. What ends a life
of the program (deep sleep, reset, watchdog) is raised as Ended, and reboot() starts the next one with what
the silicon keeps. Long, because every call of the bridge has its answer here.
"""

from __future__ import annotations

import errno
import random
import struct
from typing import TYPE_CHECKING
from zlib import crc32

from simulator.chips.fitted import fit
from simulator.collarhost.bridge import FED, Ask, Code, Word
from simulator.collarhost.meter import BOOT, DEEP_SLEEP, FLASH, I2C, LIGHT_SLEEP, Meter
from simulator.collarhost.partitions import Partitions
from simulator.collarhost.soc import SOCS, Battery
from simulator.collarhost.wlan import FOREVER_US, WifiError, Wlan
from simulator.flash import PAGE_BYTES, FlashError, Nor, PowerCut, Region
from simulator.i2c import TIMEOUT_US, Bus
from simulator.spi import SpiTransfer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from simulator.collarhost.wlan import Network
    from simulator.motion import Motion

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
EXT1_WAKE, TIMER_WAKE, GPIO_WAKE = 3, 4, 7
_SOURCES = (EXT1_WAKE, GPIO_WAKE)  # as Code.WAKE_PINS numbers them

IMU_ADDRESS = 0x6A  # of the LSM6DSOX, SA0 to ground
RETAINED_BYTES = 2048
IDENTITY_REGION = Region("prov", 0, 0x2000)
LOG_BYTES = 0x40000  # takes no memory before it is written

_CALL_US = 20  # a machine call that touches no bus
_STATUS_US = 200  # asking the radio: a program that polls without a pause must see time move
_WAKE_US = 1_000  # in and out of light sleep
# Reset to the first line of the program (upy-esp32-experiments): with a file system to mount, or frozen in.
BOOT_US = {"stock": 418_000, "frozen": 48_800}
_SOFT_BOOT_US = 100_000
_ADC_US = 100  # one calibrated reading
# NOR flash of the usual kind (Winbond W25Q32JV, typical): a sector's erase, a page's program; a read's call.
_ERASE_US, _PROGRAM_US, _READ_US = 45_000, 400, 30
_CLOCK_PULSES = 9  # what frees a slave that holds the data line
_HELLO = struct.Struct("<BBBq6s")


def new_flash(log_bytes: int = LOG_BYTES) -> Nor:
    """Return a blank flash with the partitions "prov" and "log"."""
    log = Region("log", IDENTITY_REGION.size, log_bytes)
    return Nor(IDENTITY_REGION.size + log_bytes, (IDENTITY_REGION, log))


class Ended(Exception):  # noqa: N818 - not an error: the life of a program is over
    """The program's life is over; the next begins with reset cause `cause`."""

    def __init__(self, cause: int) -> None:
        super().__init__(f"reset cause {cause}")
        self.cause = cause

    @property
    def bitten(self) -> bool:
        """Whether the watchdog did it."""
        return self.cause == WDT_RESET


class Stopped(Exception):  # noqa: N818 - the program's error, not ours
    """main.py has ended: it `returned`, or raised."""

    def __init__(self, *, returned: bool) -> None:
        super().__init__("main.py returned" if returned else "main.py raised an exception")


class Refused(Exception):  # noqa: N818 - an answer
    """The call fails on the board too: `status` is an errno or a Word."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class SimBoard:
    """A board with collar number `index` (from 0) on it; `motion` is what its accelerometer is bolted to.

    `flash` holds the partitions, "prov" among them; `seed` decides everything that is random about this
    board; `imu` is the name of its accelerometer (see fitted.py), which is on SPI where `spi_cs_gpio` is
    given; `coverage` and `networks` are the radio's (see Wlan); `image` says what boots: MicroPython with the
    program in its file system ("stock") or frozen in ("frozen"). Times are us since the start of the
    simulation.
    """

    def __init__(  # noqa: PLR0913 - a board is the sum of its parts, each with a default
        self, index: int, motion: Motion, *, flash: Nor | None = None, seed: int = 0, soc: str = "esp32c3",
        int_gpio: int = 4, scl_gpio: int = 6, battery_gpio: int = 3, odr_error_ppm: int | None = None,
        coverage: Sequence[tuple[int, int]] | None = None,
        networks: Mapping[bytes, bytes | Network] | None = None,
        battery: Battery | None = None, ambient_c: int = 12, imu: str = "lsm6dsox",
        spi_cs_gpio: int | None = None, led_gpio: int = 10, image: str = "stock",
    ) -> None:  # fmt: skip
        if image not in BOOT_US:
            raise ValueError(f"image={image!r} is not one of {', '.join(BOOT_US)}")
        self.image, self._led_gpio = image, led_gpio
        self.index, self._motion = index, motion
        self._random = random.Random(f"board {seed} {index}")  # noqa: S311 - a simulation is repeatable
        self._chip_seed = self._random.getrandbits(32)
        drawn_ppm = self._random.randrange(-20_000, 20_001)
        self._odr_error_ppm = drawn_ppm if odr_error_ppm is None else odr_error_ppm
        self.unique_id = b"\x7c\xdf\xa1" + crc32(f"{seed} {index}".encode()).to_bytes(4, "big")[1:]
        self._soc = SOCS[soc]
        self._int_gpio, self._scl_gpio, self._battery_gpio = int_gpio, scl_gpio, battery_gpio
        self.flash = new_flash() if flash is None else flash
        self._partitions = Partitions(self.flash)
        self.wlan = Wlan(self._random.getrandbits(32), coverage=coverage, networks=networks)
        self._battery, self._ambient_c = battery or Battery(), ambient_c
        self._imu, self._spi_cs_gpio, self._spi = imu, spi_cs_gpio, SpiTransfer()
        self.bus = Bus({})
        self.now_us = 0
        self.sleeps = 0
        self.meter = Meter()
        self.handlers = self._make_handlers()
        self.power_on()

    # lives

    def power_on(self) -> None:
        """Fit the cell: everything volatile is random or at its reset value, the accelerometer's too."""
        self.retained = bytearray(self._random.randbytes(RETAINED_BYTES))
        self._rtc_zero_us = self.now_us
        self.chip, address = fit(
            self._imu, self._motion, odr_error_ppm=self._odr_error_ppm, seed=self._chip_seed,
            start_us=self.now_us,
        )  # fmt: skip
        if self._spi_cs_gpio is None:
            self.bus.chips[address] = self.chip
        self.bus.release_sda()
        self._wake_reason = 0
        self._begin(PWRON_RESET)

    def reboot(self, cause: int) -> None:
        """Start the next life; retained memory, flash and accelerometer go on (else: power_on())."""
        if not self.flash.has_power:
            self.flash.power_on()
            self.power_on()
            return
        if cause != DEEPSLEEP_RESET:
            self._wake_reason = 0
        self._begin(cause)

    def _begin(self, cause: int) -> None:
        self.reset_cause = cause
        self.boot_us = self.now_us
        self.now_us += _SOFT_BOOT_US if cause == SOFT_RESET else BOOT_US[self.image]
        self.meter.passed(BOOT, self.now_us - self.boot_us)
        self._wdt_ms = 0
        self._wdt_at_us: int | None = None
        self._armed: dict[int, tuple[int, bytes]] = {}
        self._outputs: dict[int, int] = {}
        self._pulses = 0
        self.wlan.power_off()

    @property
    def watchdog_armed(self) -> bool:
        """Whether anything would end a program that hangs."""
        return self._wdt_at_us is not None

    def watchdog_bites(self) -> None:
        """Nobody fed it: let its time pass and begin the next life."""
        assert self._wdt_at_us is not None
        self.now_us = max(self.now_us, self._wdt_at_us)
        self.reboot(WDT_RESET)

    @property
    def connected(self) -> bool:
        """Whether the radio has a link now."""
        return self.wlan.connected(self.now_us)

    def uptime_us(self) -> int:
        """Virtual time since this boot."""
        return self.now_us - self.boot_us

    @property
    def rtc_us(self) -> int:
        """What its clock shows, us since 2000: from power-on, or from where a program has set it."""
        return self.now_us - self._rtc_zero_us

    # calls

    def call(self, ask: Ask) -> tuple[int, bytes]:
        """Answer one call of the bridge: (value, payload). Raises Refused, Ended or Stopped."""
        if ask.code & FED:
            self._feed()
        self._pass(_CALL_US + ask.spent_us)
        handler = self.handlers.get(ask.code & ~FED)
        if handler is None:
            raise Refused(errno.EINVAL)
        try:
            answer = handler(ask)
        except PowerCut as cut:
            raise Ended(PWRON_RESET) from cut
        except WifiError as error:
            raise Refused(error.word) from error
        except FlashError as error:
            raise Refused(errno.EINVAL) from error
        except OSError as error:
            raise Refused(error.errno or errno.EIO) from error
        if isinstance(answer, tuple):
            return answer
        return (0, answer) if isinstance(answer, bytes) else (answer or 0, b"")

    def _make_handlers(self) -> dict[int, Callable[[Ask], int | bytes | tuple[int, bytes] | None]]:
        wlan, partitions = self.wlan, self._partitions
        return {
            Code.HELLO: lambda _: self._hello(),
            Code.I2C: self._i2c,
            Code.SPI: self._spi_shift,
            Code.PIN_READ: lambda ask: self._level(self._gpio(ask.small)),
            Code.PIN_WRITE: lambda ask: self._drive(self._gpio(ask.small), ask.number),
            Code.DELAY: lambda ask: self._pass(ask.number),
            Code.LIGHT_SLEEP: lambda ask: self._light_sleep(ask.number),
            Code.WAKE_PINS: lambda ask: self._arm_pins(ask.small, ask.number, ask.payload),
            Code.DEEP_SLEEP: lambda ask: self._deep_sleep(ask.number),
            Code.RESET: lambda ask: self._end(Ended(ask.small)),
            Code.WDT_ARM: lambda ask: self._arm_watchdog(ask.number),
            Code.WDT_FEED: lambda _: self._feed(),
            Code.ADC: lambda ask: self._adc_uv(self._gpio(ask.small)),
            Code.TEMPERATURE: lambda _: self._ambient_c + (18 if wlan.active else 4),
            Code.RETAIN: lambda ask: self._retain(ask.number, ask.payload),
            Code.STOPPED: lambda ask: self._end(Stopped(returned=bool(ask.small))),
            Code.RTC_SET: lambda ask: self._set_rtc(ask.number),
            Code.WLAN_ACTIVE: lambda ask: wlan.set_active(bool(ask.number)),
            Code.WLAN_CONNECT: self._wlan_connect,
            Code.WLAN_DISCONNECT: lambda _: wlan.disconnect(),
            Code.WLAN_STATUS: lambda _: self._wlan_status(),
            Code.WLAN_RSSI: lambda _: wlan.rssi_dbm(self.now_us),
            Code.WLAN_CONFIG: lambda ask: wlan.configure(ask.number),
            Code.WLAN_ADDRESS: self._wlan_address,
            Code.PARTITION_FIND: lambda ask: partitions.find(ask.small, ask.number, ask.payload),
            Code.PARTITION_READ: self._flash_read,
            Code.PARTITION_WRITE: self._flash_program,
            Code.PARTITION_ERASE: self._flash_erase,
        }

    def _end(self, why: Exception) -> None:
        raise why

    def _pass(self, us: int, state: str | None = None) -> None:
        """Let time go by in a state (None: awake), unless the watchdog ends it before."""
        then_us = self.now_us + us
        bitten = self._wdt_at_us is not None and then_us >= self._wdt_at_us
        if bitten:
            assert self._wdt_at_us is not None
            then_us = self._wdt_at_us
        if state is None or self.wlan.active:  # the radio's current covers whatever else is done
            wlan = self.wlan
            self.meter.awake(
                then_us - self.now_us,
                active=wlan.active,
                connected=wlan.active and wlan.connected(self.now_us),
            )
        else:
            self.meter.passed(state, then_us - self.now_us)
        if self._outputs.get(self._led_gpio):
            self.meter.led_us += then_us - self.now_us
        self.now_us = then_us
        if bitten:
            raise Ended(WDT_RESET)

    def _hello(self) -> bytes:
        rtc_us = self.rtc_us - self.uptime_us()
        return _HELLO.pack(self.reset_cause, self._wake_reason, self._soc.number, rtc_us, self.unique_id)

    def _i2c(self, ask: Ask) -> bytes:
        read_n, freq_hz = ask.number & 0xFFFF, ask.number >> 16
        if freq_hz <= 0:
            raise OSError(errno.EINVAL, f"I2C freq={freq_hz}")
        self.bus.freq_hz = freq_hz
        try:
            data = self.bus.transfer(ask.small, ask.payload, read_n, self.now_us)
        except OSError as error:
            self._pass(TIMEOUT_US if error.errno == errno.ETIMEDOUT else self.bus.duration_us(0, 0))
            raise
        self._pass(self.bus.duration_us(len(ask.payload), read_n), I2C)
        return data

    def _spi_shift(self, ask: Ask) -> bytes:
        read_n, freq_hz = ask.number & 0xFFFF, ask.number >> 16
        self._pass(-(-8_000_000 * (len(ask.payload) + read_n) // freq_hz))
        chip = None if self._spi_cs_gpio is None else self.chip
        return self._spi.shift(chip, ask.payload, read_n, self.now_us)

    def _flash_read(self, ask: Ask) -> bytes:
        self.meter.reads += 1
        self._pass(_READ_US, FLASH)
        return self._partitions.read(ask.small, ask.number & 0xFFFFFFFF, ask.number >> 32)

    def _flash_program(self, ask: Ask) -> None:
        self._partitions.program(ask.small, ask.number, ask.payload)
        self._pass(_PROGRAM_US * -(-len(ask.payload) // PAGE_BYTES), FLASH)

    def _flash_erase(self, ask: Ask) -> None:
        self._partitions.erase(ask.small, ask.number)
        self._pass(_ERASE_US, FLASH)

    def _set_rtc(self, us: int) -> None:
        self._rtc_zero_us = self.now_us - us

    def _retain(self, offset: int, data: bytes) -> None:
        if not 0 <= offset <= RETAINED_BYTES - len(data):
            raise Refused(errno.EINVAL)
        self.retained[offset : offset + len(data)] = data

    def _wlan_connect(self, ask: Ask) -> None:
        self.wlan.connect(ask.payload[: ask.small], ask.payload[ask.small :], self.now_us)

    def _wlan_address(self, ask: Ask) -> bytes:
        if ask.small:
            self.wlan.set_address(ask.payload)
        return self.wlan.address(self.now_us)

    def _wlan_status(self) -> int:
        self._pass(_STATUS_US)
        return self.wlan.status(self.now_us)

    # pins

    def _gpio(self, gpio: int) -> int:
        if gpio not in self._soc.gpios:
            raise Refused(Word.INVALID_PIN)
        return gpio

    def _level(self, gpio: int) -> int:
        if gpio == self._int_gpio:
            return self.chip.int1_level(self.now_us)
        return self._outputs.get(gpio, 0)

    def _drive(self, gpio: int, level: int) -> None:
        if gpio == self._spi_cs_gpio:
            self._spi.select(is_low=not level)
        if gpio == self._scl_gpio and level and not self._outputs.get(gpio, 1):
            self._pulses += 1
            if self._pulses >= _CLOCK_PULSES:
                self.bus.release_sda()
                self._pulses = 0
        self._outputs[gpio] = level

    def _adc_uv(self, gpio: int) -> int:
        self._pass(_ADC_US)
        if gpio != self._battery_gpio:
            return 0
        return self._battery.uv_at_pin(self.now_us, radio=self.wlan.active, ambient_c=self._ambient_c)

    # sleep and watchdog

    def _arm_pins(self, source: int, level: int, gpios: bytes) -> None:
        if not self._soc.wakes[source].issuperset(gpios):
            raise Refused(Word.INVALID_PIN)
        self._armed[source] = (level, gpios)

    def _next_wake(self, timer_us: int) -> tuple[int, int]:
        """Return (when, wake reason) of the first armed source."""
        at_us, reason = (self.now_us + timer_us, TIMER_WAKE) if timer_us else (FOREVER_US, 0)
        for source, (level, gpios) in sorted(self._armed.items()):
            pin_us = min((self._reaches_us(gpio, level) for gpio in gpios), default=FOREVER_US)
            if pin_us <= at_us and pin_us < FOREVER_US:
                at_us, reason = pin_us, _SOURCES[source]
        return at_us, reason

    def _reaches_us(self, gpio: int, level: int) -> int:
        """When a pin is next at `level`: INT1 only rises while nobody reads, other pins stay as they are."""
        if self._level(gpio) == level:
            return self.now_us
        rises_us = self.chip.next_int1_us(self.now_us) if gpio == self._int_gpio and level else None
        return FOREVER_US if rises_us is None else rises_us

    def _light_sleep(self, timer_us: int) -> int:
        # The watchdog counts on: a lightsleep() that outlasts it ends in a reset (micropython #5778).
        at_us, reason = self._next_wake(timer_us)
        self._pass(at_us - self.now_us, LIGHT_SLEEP)
        self._pass(_WAKE_US)
        self.sleeps += 1
        return reason

    def _deep_sleep(self, timer_us: int) -> None:
        slept_from_us = self.now_us
        self.now_us, self._wake_reason = self._next_wake(timer_us)
        self.meter.passed(DEEP_SLEEP, self.now_us - slept_from_us)
        self.sleeps += 1
        raise Ended(DEEPSLEEP_RESET)

    def _arm_watchdog(self, timeout_ms: int) -> None:
        self._wdt_ms = timeout_ms
        self._feed()

    def _feed(self) -> None:
        if self._wdt_ms:
            self._wdt_at_us = self.now_us + self._wdt_ms * 1000
