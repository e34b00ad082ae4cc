"""What every accelerometer driver is to the sampler, and the register access they share."""

from herdcore import kernels
from herdcore.compat import const

# Samples at a rail before the first settled one; more than this many is no chip that is waking up.
SETTLING_MOST = const(8)
_GARBAGE_MOST = const(64)  # after so many the chip is what it is, and imu/watch.py judges its windows
_START_UP = const(0x7FFD)  # a sample not settled yet reads 0x7FFD or above
_SIGN = const(0x8000)
_TRIPLE = const(6)


class SensorError(OSError):
    """The accelerometer is missing, is another chip, or does not do what it was told."""


class Imu:
    """A chip on a bus with a FIFO of x, y, z samples at 12.5 Hz. A driver fills in the methods named below.

    The bus is machine.I2C or has its readfrom_mem_into() and writeto(). `raw` is the buffer of a burst; one
    is made where none is given.

    chip        id in herdcore.vocabulary, told in the health record
    addresses   where it may answer, first the usual one
    depth       samples the FIFO holds
    watermark   samples of a drain
    wake_at     samples at which the timer should wake the collar if nothing else does
    has_line    an interrupt is high from the watermark on; otherwise only the timer wakes
    period_us   time between two samples as the chip's own trim tells it, known after start()
    unsettled   samples since start() before the first settled one

    probe()                   raise SensorError if another chip answers at the address, OSError if none does
    start()                   reset, configure, begin to fill the FIFO; raise SensorError or OSError
    stop()                    power down
    count() -> int            samples that wait in the FIFO; remembers whether it overran
    flags() -> bool           whether count() saw samples lost since the last call
    drain_into(out, at, n)    read n <= watermark samples in one burst; int16 mg triples into array('h') from
                              element `at`; return how many triples were written
    """

    chip = 0
    name = ""
    addresses = (0,)
    depth = 0
    watermark = 0
    wake_at = 0
    has_line = True
    period_us = 80_000
    # One word of a burst, where a driver leaves drain_into() to this class.
    _word = _TRIPLE
    _fifo_at = 0  # register of the burst
    _low = 0  # byte of a pair with the lower bits
    _id_at = 0
    _id = 0

    def __init__(self, bus, pause_ms, address: int = 0, raw=None) -> None:
        self._bus = bus
        self._pause_ms = pause_ms
        self.address = address or self.addresses[0]
        self._pair = bytearray(2)  # register, value: writeto() takes it as it is; writeto_mem() allocates
        self._one = bytearray(1)
        self._status = bytearray(2)
        self.raw = raw or bytearray(self.watermark * self._word)
        self._watermark_view = memoryview(self.raw)[: self.watermark * self._word]
        self._overrun = False
        self._settled = False
        self.unsettled = 0

    def resume(self, period_us: int) -> None:
        """Go on with a chip that was started before a deep sleep and has filled its FIFO since."""
        self.period_us = period_us
        self._overrun = False
        self._settled = True

    def probe(self) -> None:
        """Raise SensorError unless this chip answers at the address; OSError if nothing does."""
        found = self._read(self._id_at)
        if found != self._id:
            said = (self.name, self.address, found, self._id)
            raise SensorError("%s at 0x%02x: id 0x%02x, want 0x%02x" % said)

    def flags(self) -> bool:
        """Return whether samples were lost since the last call; count() looks, this forgets."""
        lost = self._overrun
        self._overrun = False
        return lost

    def drain_into(self, out, at: int, n: int) -> int:
        """Read n samples in one burst and write them to array('h') `out` from element `at`, in mg.

        What comes before the first settled sample is skipped. Returns the number of triples written.
        """
        self._burst(self._fifo_at, n)
        first = 0 if self._settled else self._unsettled(n)
        kernels.unpack_triples(self.raw, first, n, self._low, out, at)
        return n - first

    def _burst(self, register: int, n: int) -> None:
        """Read n words into `raw`."""
        view = self._watermark_view
        if n != self.watermark:
            view = memoryview(self.raw)[: n * self._word]
        self._bus.readfrom_mem_into(self.address, register, view)

    def _unsettled(self, n: int) -> int:
        """Return how many of the n words in `raw` come before the first settled sample."""
        i = 0
        while i < n and not self._word_settles(i * self._word):
            i += 1
        return i

    def _word_settles(self, i: int) -> bool:
        """Return whether the word at `i` is a settled sample."""
        raw, low = self.raw, self._low
        high = 1 - low
        return self._settles(
            raw[i + low] | raw[i + high] << 8,
            raw[i + 2 + low] | raw[i + 2 + high] << 8,
            raw[i + 4 + low] | raw[i + 4 + high] << 8,
        )

    def _settles(self, x: int, y: int, z: int) -> bool:
        """Return whether unsigned counts are a settled sample: no axis at the rail, not all of them zero."""
        self._settled = self.unsettled >= _GARBAGE_MOST or (
            max(x ^ _SIGN, y ^ _SIGN, z ^ _SIGN) < _START_UP + _SIGN and x | y | z != 0
        )
        if not self._settled:
            self.unsettled += 1
        return self._settled

    def _begin(self) -> None:
        """Forget what was known of the samples before a start."""
        self._overrun = self._settled = False
        self.unsettled = 0

    def _await_reset(self, register: int, bit: int, most_ms: int) -> None:
        """Wait until the chip has cleared its reset bit."""
        for _ in range(most_ms):
            self._pause_ms(1)
            if not self._read(register) & bit:
                return
        raise SensorError("%s at 0x%02x: reset not done after %d ms" % (self.name, self.address, most_ms))

    def _write(self, register: int, value: int) -> None:
        self._pair[0] = register
        self._pair[1] = value
        self._bus.writeto(self.address, self._pair)

    def _read(self, register: int) -> int:
        self._bus.readfrom_mem_into(self.address, register, self._one)
        return self._one[0]

    def _read_pair(self, register: int) -> bytearray:
        self._bus.readfrom_mem_into(self.address, register, self._status)
        return self._status

    def _set_bits(self, register: int, bits: int) -> None:
        self._write(register, self._read(register) | bits)
