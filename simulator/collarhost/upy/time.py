"""Virtual time with the names and the ticks period (2**30) of an ESP32; nothing here waits for the wall."""

import _bridge

_PERIOD = 1 << 30
_HALF = _PERIOD >> 1


def ticks_us():
    return _bridge.ticks_us() & _PERIOD - 1


def ticks_ms():
    return _bridge.ticks_us() // 1000 & _PERIOD - 1


ticks_cpu = ticks_us


def ticks_add(ticks, delta):
    return ticks + delta & _PERIOD - 1


def ticks_diff(ticks1, ticks2):
    return (ticks1 - ticks2 + _HALF & _PERIOD - 1) - _HALF


def sleep_us(us):
    if us > 0:
        _bridge.delay_us(us)


def sleep_ms(ms):
    sleep_us(ms * 1000)


def sleep(seconds):
    sleep_us(int(seconds * 1_000_000))


def time():
    """Seconds since 2000: nobody has set this board's clock, so it counts from its power-on."""
    return (_bridge.rtc_us + _bridge.ticks_us()) // 1_000_000


def time_ns():
    return (_bridge.rtc_us + _bridge.ticks_us()) * 1000
