"""A chip behind SPI with the methods of machine.I2C that a driver uses."""

from herdcore.compat import const

_READ = const(0x80)


class SpiBus:
    """`spi`: machine.SPI in mode 0 or 3; `select`: the chip's CS pin, which is high while nobody talks.

    The address of a call is ignored: the pin is the address. Nobody acknowledges on SPI, so a missing chip
    shows in its id only. Registers are 7 bits wide and the first bit says read, as with ST's chips.
    """

    def __init__(self, spi, select) -> None:
        self._spi = spi
        self._select = select
        self._register = bytearray(1)

    def readfrom_mem_into(self, _address: int, register: int, buf) -> None:
        """Fill `buf` from `register` on."""
        self._register[0] = register | _READ
        self._select.value(0)
        try:
            self._spi.write(self._register)
            self._spi.readinto(buf)
        finally:
            self._select.value(1)

    def writeto(self, _address: int, buf) -> int:
        """Write `buf`, register first; return its length."""
        self._select.value(0)
        try:
            self._spi.write(buf)
        finally:
            self._select.value(1)
        return len(buf)
