"""Virtual time with the names and the ticks period (2**30) of an ESP32; nothing here waits for the wall.

The interpreter's own ssl does not ask this clock: it checks a certificate's dates against the machine's.
"""

import utime  # the interpreter's own module: this one stands before it under its other name

import _bridge

_FROM_1970_S = 946_684_800  # a board counts from 2000, this interpreter from 1970
_DAYS_TO_2000 = 730_425  # by the sum in mktime()
_PERIOD = 1 << 30
_HALF = _PERIOD >> 1


def ticks_us():
    return _bridge.ticks_us() & _PERIOD - 1


def ticks_ms():
    return _bridge.ticks_us() // 1000 & _PERIOD - 1


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
    """Seconds since 2000; until somebody sets machine.RTC, the board's clock counts from its power-on."""
    return _bridge.rtc_us() // 1_000_000


def time_ns():
    """The same clock in ns; it runs on in deep sleep."""
    return _bridge.rtc_us() * 1000


def gmtime(secs=None):
    return utime.gmtime(_FROM_1970_S + (time() if secs is None else int(secs)))[:8]


localtime = gmtime  # a board has no zone


def mktime(local_time):
    """Return seconds since 2000. The interpreter's own would use the zone of the machine it runs on."""
    year, month, day, hour, minute, second = local_time[:6]
    year += (month - 3) // 12  # years and months from March on: the leap day comes last
    month = (month - 3) % 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1
    return ((days - _DAYS_TO_2000) * 24 + hour) * 3600 + minute * 60 + second
