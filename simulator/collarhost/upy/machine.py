"""machine, as on MicroPython 1.29 for ESP32: names, arguments and errors; the board itself is on the host."""

import _bridge

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5
PIN_WAKE = EXT0_WAKE = 2
EXT1_WAKE = 3
TIMER_WAKE = 4
TOUCHPAD_WAKE = 5
ULP_WAKE = 6
SLEEP = 2
DEEPSLEEP = 4

_BACKUP = memoryview(_bridge.retained)
_FREQUENCIES_MHZ = (20, 40, 80, 160, 240)

_wake_reason = _bridge.boot_wake_reason
_freq_hz = _bridge.freq_hz


def reset_cause():
    return _bridge.reset_cause


def wake_reason():
    return _wake_reason


def unique_id():
    return _bridge.unique_id


def freq(hz=None):
    global _freq_hz
    if hz is None:
        return _freq_hz
    if hz // 1_000_000 not in _FREQUENCIES_MHZ:
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _freq_hz = hz


def mem_backup(region=0):
    if region == -1:
        return (_BACKUP,)
    if region:
        raise ValueError("invalid region")
    return _BACKUP


def lightsleep(time_ms=0):
    global _wake_reason
    _wake_reason = _bridge.light_sleep(time_ms * 1000)


def deepsleep(time_ms=0):
    _bridge.deep_sleep(time_ms * 1000)


def reset():
    _bridge.reset(HARD_RESET)


def soft_reset():
    _bridge.reset(SOFT_RESET)


def idle():
    _bridge.delay_us(1)


def disable_irq():
    return 0


def enable_irq(state):
    pass


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    WAKE_LOW = 4
    WAKE_HIGH = 5

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        self._id = id._id if isinstance(id, Pin) else id
        _bridge.pin_read(self._id, 0)  # a pin that the chip does not have is refused here
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None):
        self._pull = 0 if pull in (-1, None) else pull
        if value is not None:
            self.value(value)

    def value(self, x=None):
        if x is None:
            return _bridge.pin_read(self._id, self._pull)
        _bridge.pin_write(self._id, 1 if x else 0)

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class I2C:
    def __init__(self, id=0, *, scl=None, sda=None, freq=400_000, timeout=50_000):
        self.init(scl=scl, sda=sda, freq=freq)
        self._reg = bytearray(1)

    def init(self, *, scl=None, sda=None, freq=400_000):
        self._freq_hz = freq

    def deinit(self):
        pass

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        _bridge.i2c(addr, self._memory(memaddr, addrsize), buf, len(buf), self._freq_hz)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf, addrsize=addrsize)
        return bytes(buf)

    def readfrom_into(self, addr, buf, stop=True):
        _bridge.i2c(addr, b"", buf, len(buf), self._freq_hz)

    def readfrom(self, addr, nbytes, stop=True):
        buf = bytearray(nbytes)
        self.readfrom_into(addr, buf)
        return bytes(buf)

    def writeto(self, addr, buf, stop=True):
        _bridge.i2c(addr, buf, None, 0, self._freq_hz)
        return len(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, bytes(self._memory(memaddr, addrsize)) + bytes(buf))

    def scan(self):
        return [addr for addr in range(0x08, 0x78) if self._answers(addr)]

    def _answers(self, addr):
        try:
            self.writeto(addr, b"")
        except OSError:
            return False
        return True

    def _memory(self, memaddr, addrsize):
        if addrsize == 8:
            self._reg[0] = memaddr
            return self._reg
        return memaddr.to_bytes(addrsize // 8, "big")


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
    WIDTH_12BIT = 12

    def __init__(self, id, *, atten=0):
        self._id = id._id if isinstance(id, Pin) else id
        self.init(atten=atten)

    def init(self, *, atten=0):
        self._full_uv = (950_000, 1_250_000, 1_750_000, 2_450_000)[atten]

    def atten(self, atten):
        self.init(atten=atten)

    def read_uv(self):
        return min(_bridge.adc_uv(self._id), self._full_uv)

    def read_u16(self):
        return self.read_uv() * 65535 // self._full_uv

    def read(self):
        return self.read_u16() >> 4
