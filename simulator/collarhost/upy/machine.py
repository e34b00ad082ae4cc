"""machine, as on MicroPython 1.29 for ESP32: names, arguments and errors; the board itself is on the host."""

import time

import _bridge

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5
EXT1_WAKE = 3
TIMER_WAKE = 4

_wake_reason = _bridge.boot_wake_reason


def reset_cause():
    return _bridge.reset_cause


def wake_reason():
    return _wake_reason


def unique_id():
    return _bridge.unique_id


def mem_backup(region=0):
    return memoryview(_bridge.retained)


def lightsleep(time_ms=0):
    global _wake_reason
    _wake_reason = _bridge.light_sleep(time_ms * 1000)


def deepsleep(time_ms=0):
    _bridge.deep_sleep(time_ms * 1000)


def reset():
    _bridge.reset(HARD_RESET)


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7

    def __init__(self, id, mode=-1):
        self._id = id
        _bridge.pin_read(id)  # a pin that the chip does not have is refused here

    def value(self, x=None):
        if x is None:
            return _bridge.pin_read(self._id)
        _bridge.pin_write(self._id, 1 if x else 0)


class I2C:
    def __init__(self, id=0, *, scl=None, sda=None, freq=400_000):
        self._freq_hz = freq
        self._reg = bytearray(1)

    def readfrom_mem_into(self, addr, memaddr, buf):
        self._reg[0] = memaddr
        _bridge.i2c(addr, self._reg, buf, len(buf), self._freq_hz)

    def writeto(self, addr, buf, stop=True):
        _bridge.i2c(addr, buf, None, 0, self._freq_hz)
        return len(buf)


class SPI:
    def __init__(self, id, baudrate=1_000_000, *, polarity=0, phase=0, sck=None, mosi=None, miso=None):
        self._freq_hz = baudrate

    def write(self, buf):
        _bridge.spi(buf, None, 0, self._freq_hz)

    def readinto(self, buf, write=0):
        _bridge.spi(b"", buf, len(buf), self._freq_hz)


class RTC:
    def __init__(self, id=0):
        pass

    def datetime(self, datetimetuple=None):
        if datetimetuple is None:
            us = _bridge.rtc_us()
            year, month, day, hour, minute, second, weekday, _ = time.gmtime(us // 1_000_000)
            return (year, month, day, weekday, hour, minute, second, us % 1_000_000)
        year, month, day, _, hour, minute, second, us = datetimetuple
        seconds = time.mktime((year, month, day, hour, minute, second))
        _bridge.set_rtc(seconds * 1_000_000 + us)


class WDT:
    def __init__(self, id=0, timeout=5000):
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        _bridge.wdt_arm(timeout)

    def feed(self):
        _bridge.wdt_feed()


class ADC:
    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    def __init__(self, id, *, atten=0):
        self._id = id._id
        self._full_uv = (950_000, 1_250_000, 1_750_000, 2_450_000)[atten]

    def read_uv(self):
        return min(_bridge.adc_uv(self._id), self._full_uv)
