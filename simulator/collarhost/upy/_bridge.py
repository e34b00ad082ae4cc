"""The collar's end of the bridge: one blocking request, one answer, and the virtual time with each.

`simulator/collarhost/bridge.py` holds the table of calls. Nothing here knows what a byte means to a chip or
a cow.
"""

import os
import socket
import struct
import sys

_REQUEST = "<HBBIq"  # payload length, call (+ _FED), small, time spent since the last call in us, number
_ANSWER = "<HBxiq"  # payload length, status, value, virtual time since this boot in us
_HEADER_BYTES = 16
_SCRATCH_BYTES = 272
_EXIT_CLOSED = 77  # end of file on the bridge: deep sleep, reset, the end of the run, or a host that is gone

_HELLO, _I2C, _PIN_READ, _PIN_WRITE, _DELAY, _LIGHT_SLEEP, _WAKE_PINS, _DEEP_SLEEP, _RESET = range(1, 10)
_WDT_ARM, _WDT_FEED, _ADC, _TEMPERATURE, _RETAIN, _STOPPED, _RTC_SET = range(10, 17)
_WLAN_ACTIVE, _WLAN_CONNECT, _WLAN_DISCONNECT, _WLAN_STATUS, _WLAN_RSSI = range(17, 22)
_PARTITION_FIND, _PARTITION_READ, _PARTITION_WRITE, _PARTITION_ERASE, _SPI = range(22, 27)
_WLAN_CONFIG, _WLAN_ADDRESS = range(27, 29)

_WORDS = {  # statuses that are no errno: (exception, text)
    200: (ValueError, "invalid pin"),
    201: (OSError, "Wifi Not Started"),
    202: (OSError, "Wifi Internal Error"),
    203: (OSError, "Wifi Not Connected"),
}
# A loop that only looks at the clock must see it move; reads in ordinary code cost nothing, so that
# how often a program looks while a socket keeps it waiting does not change virtual time.
_FREE_LOOKS = 1000
_LOOK_US = 100

# Short sleeps go along with the next call, up to about a second of them: a program that polls costs one
# message a look, not two.
_SHORT_US = 100_000
_OWED_US = 1_000_000

# A feed goes along with the next call: no virtual time passes in between. Who only feeds does call at times.
_FED = 0x80
_FREE_FEEDS = 100

_RETAINED_BYTES = 2048
_BLOCK = 64

retained = bytearray(_RETAINED_BYTES)
_shadow = bytearray(_RETAINED_BYTES)
_out = bytearray(_SCRATCH_BYTES)
_out_view = memoryview(_out)
_in = bytearray(_HEADER_BYTES)
_sock = None
_leaving = False
_now_us = 0
_spent_us = 0
_looks = 0
_feeds = 0
_armed = {}

# What the host said at boot.
reset_cause = 0
boot_wake_reason = 0
soc = 0
unique_id = b""
_rtc_at_boot_us = 0


def _leave():
    """End this life of the collar; whoever catches the SystemExit is killed at the next call."""
    global _leaving
    _leaving = True
    raise SystemExit(_EXIT_CLOSED)


def _fill(buf):
    try:
        if _sock.readinto(buf) == len(buf):
            return
    except OSError:
        pass
    _leave()


def _send(code, small, number, payload):
    global _spent_us, _looks, _feeds
    if _leaving:  # it has caught the SystemExit and goes on, with nobody left to answer: no orphans
        os.system("kill -9 $PPID")
        raise SystemExit(_EXIT_CLOSED)
    n = len(payload)
    struct.pack_into(_REQUEST, _out, 0, n, code | _FED if _feeds else code, small, _spent_us, number)
    _spent_us = _looks = _feeds = 0
    end = _HEADER_BYTES + n
    try:
        if end <= _SCRATCH_BYTES:
            _out_view[_HEADER_BYTES:end] = payload
            _sock.write(_out_view[:end])
        else:
            _sock.write(_out_view[:_HEADER_BYTES])
            _sock.write(payload)
    except OSError:
        _leave()


def call(code, small=0, number=0, payload=b"", into=None):
    """Ask the host; return the answer's value. `into` takes its payload and has exactly that length."""
    global _now_us
    _send(code, small, number, payload)
    _fill(_in)
    n, status, value, _now_us = struct.unpack_from(_ANSWER, _in)
    if status:
        _fill(bytearray(n))
        kind, text = _WORDS.get(status, (OSError, status))
        raise kind(text)
    if into is not None:
        _fill(into)
    return value


def sync():
    """Write retained memory back to the host, if it changed."""
    if retained == _shadow:
        return
    first, last = -1, 0
    now, then = memoryview(retained), memoryview(_shadow)
    for at in range(0, _RETAINED_BYTES, _BLOCK):
        if now[at : at + _BLOCK] != then[at : at + _BLOCK]:
            first, last = at if first < 0 else first, at + _BLOCK
    call(_RETAIN, 0, first, now[first:last])
    then[first:last] = now[first:last]


def ticks_us():
    """Virtual time since this boot, us, without a call."""
    global _spent_us, _looks
    _looks += 1
    if _looks > _FREE_LOOKS:
        _spent_us += _LOOK_US
    return _now_us + _spent_us


def rtc_us():
    """What the board's clock shows, us since 2000, without a call."""
    return _rtc_at_boot_us + ticks_us()


def set_rtc(us):
    """Set the board's clock to `us` since 2000; all but the loss of power keeps it."""
    global _rtc_at_boot_us
    call(_RTC_SET, 0, us)
    _rtc_at_boot_us = us - _now_us


def i2c(address, write, into, read_n, freq_hz):
    """One transfer: write, then read `read_n` bytes into `into` after a repeated start."""
    call(_I2C, address, read_n | freq_hz << 16, write, into)


def spi(write, into, read_n, freq_hz):
    """Shift `write` out, then `read_n` bytes in; the select pin begins and ends a transfer."""
    call(_SPI, 0, read_n | freq_hz << 16, write, into)


def pin_read(gpio):
    return call(_PIN_READ, gpio)


def pin_write(gpio, level):
    call(_PIN_WRITE, gpio, level)


def delay_us(us):
    global _spent_us
    if us <= _SHORT_US and _spent_us < _OWED_US:
        _spent_us += us
    else:
        call(_DELAY, 0, us)


def light_sleep(us):
    """Sleep until the timer (us; 0 = none) or an armed pin; return the wake reason."""
    sync()
    return call(_LIGHT_SLEEP, 0, us)


def wake_pins(source, level, gpios):
    """Arm the pins of one source; what is armed already costs no call."""
    if _armed.get(source) != (level, gpios):
        call(_WAKE_PINS, source, level, gpios)
        _armed[source] = (level, gpios)


def deep_sleep(us):
    sync()
    call(_DEEP_SLEEP, 0, us)


def reset(cause):
    sync()
    call(_RESET, cause)


def wdt_arm(timeout_ms):
    call(_WDT_ARM, 0, timeout_ms)


def wdt_feed():
    global _feeds
    sync()
    if _spent_us or _feeds >= _FREE_FEEDS:  # what goes along is done before the time that was spent passes
        call(_WDT_FEED)
    else:
        _feeds += 1


def adc_uv(gpio):
    return call(_ADC, gpio)


def temperature_c():
    return call(_TEMPERATURE)


def wlan_active(active):
    call(_WLAN_ACTIVE, 0, active)


def wlan_connect(ssid, key):
    call(_WLAN_CONNECT, len(ssid), 0, ssid + key)


def wlan_disconnect():
    call(_WLAN_DISCONNECT)


def wlan_status():
    return call(_WLAN_STATUS)


def wlan_rssi_dbm():
    return call(_WLAN_RSSI)


def wlan_config(reconnects):
    call(_WLAN_CONFIG, 0, reconnects)


def wlan_address():
    """Return address, mask, gateway and DNS, 4 bytes each."""
    address = bytearray(16)
    call(_WLAN_ADDRESS, 0, 0, b"", address)
    return address


def wlan_set_address(address):
    """Set the same; b"" goes back to DHCP."""
    call(_WLAN_ADDRESS, 1, 0, address, bytearray(16))


def partition_find(kind, label):
    """Return [(index, subtype, address, size, label)] of one kind; an empty label matches all."""
    found = []
    number = 0
    while number >= 0:
        row = bytearray(25)
        number = call(_PARTITION_FIND, kind, number, label, row)
        if row[0] != 255:
            index, subtype, address, size = struct.unpack_from("<BBII", row)
            found.append((index, subtype, address, size, bytes(row[10:]).rstrip(b"\0").decode()))
    return found


def partition_read(index, offset, into):
    call(_PARTITION_READ, index, offset | len(into) << 32, b"", into)


def partition_write(index, offset, data):
    call(_PARTITION_WRITE, index, offset, data)


def partition_erase(index, block):
    call(_PARTITION_ERASE, index, block)


def _connect():
    global _sock, reset_cause, boot_wake_reason, soc, unique_id, _rtc_at_boot_us
    port, token = os.getenv("SIM_BRIDGE").split(":")
    _sock = socket.socket()
    _sock.connect(socket.getaddrinfo("127.0.0.1", int(port))[0][-1])
    _sock.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY: the module has no names for them
    said = bytearray(17)
    call(_HELLO, 0, 0, token.encode(), said)
    reset_cause, boot_wake_reason, soc, _rtc_at_boot_us = struct.unpack_from("<BBBq", said)
    unique_id = bytes(said[11:])
    _fill(retained)
    _shadow[:] = retained


def _execute(name):
    """Run one file as the board does; a SystemExit of the program is a soft reset there."""
    try:
        execfile(name, {"__name__": "__main__"})  # noqa: F821 - MicroPython has it
    except SystemExit:
        if _leaving:
            raise
        reset(5)
    except BaseException as error:  # noqa: BLE001 - a board prints whatever main.py raised and lives on
        sys.print_exception(error)
        return False
    return True


def run():
    """Boot: connect to the board, then boot.py, then main.py; neither may end."""
    _connect()
    _execute("boot.py")
    ended = _execute("main.py")
    sync()
    call(_STOPPED, ended)
