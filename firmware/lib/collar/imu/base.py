"""What every accelerometer driver is to the sampler, and the register access they share."""


class SensorError(OSError):
    """The accelerometer is missing, is another chip, or does not do what it was told."""


class Imu:
    """A chip behind I2C with a FIFO of x, y, z samples. A driver fills in the methods named below.

    period_us: time between two samples as the chip's own trim tells it, known after start().
    watermark: samples of a drain; the interrupt is high from there on.
    chip: id in herdcore.vocabulary, told in the health record.

    probe()                   raise SensorError unless this chip answers at the address
    start()                   reset, configure, begin to fill the FIFO; raise SensorError or OSError
    count() -> int            words that wait in the FIFO
    flags() -> bool           whether the FIFO overran since the last call
    drain_into(out, at, n)    read n words in one burst; int16 mg triples into array('h') from element `at`;
                              return how many triples were written
    """

    chip = 0
    watermark = 0
    period_us = 80_000

    def __init__(self, i2c, address: int) -> None:
        self._i2c = i2c
        self.address = address
        self._pair = bytearray(2)  # register, value: writeto() takes it as it is; writeto_mem() allocates
        self._one = bytearray(1)

    def rebus(self, i2c) -> None:
        """Go on with a bus that was made anew."""
        self._i2c = i2c

    def _write(self, register: int, value: int) -> None:
        self._pair[0] = register
        self._pair[1] = value
        self._i2c.writeto(self.address, self._pair)

    def _read(self, register: int) -> int:
        self._i2c.readfrom_mem_into(self.address, register, self._one)
        return self._one[0]

    def _set_bits(self, register: int, bits: int) -> None:
        self._write(register, self._read(register) | bits)
