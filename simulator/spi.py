"""An SPI bus with one chip: it answers like machine.SPI and its select pin, and takes the wire's time.

ST's convention: the first byte after select is the register, bit 7 says read; a write's data follow it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.clock import VirtualClock
    from simulator.i2c import Buffer, Chip

_READ = 0x80


class SpiTransfer:
    """What goes over the wires between two edges of the select pin."""

    def __init__(self) -> None:
        self._is_low = False
        self._register: int | None = None

    def select(self, *, is_low: bool) -> None:
        """Begin or end a transfer."""
        self._is_low, self._register = is_low, None

    def shift(self, chip: Chip | None, out: bytes, read_n: int, now_us: int) -> bytes:
        """Shift `out` to the chip, then return `read_n` bytes of its; ones where nobody drives the line."""
        if chip is None or not self._is_low:
            return b"\xff" * read_n
        if out and self._register is None:
            self._register, out = out[0], out[1:]
        if out and self._register is not None and not self._register & _READ:
            chip.write(self._register, out, now_us)
        if self._register is None or not self._register & _READ or not read_n:
            return b"\xff" * read_n
        return chip.read(self._register & ~_READ, read_n, now_us)


class Spi:
    """`chip` None: nobody is there. Use `spi.select` as the CS pin."""

    def __init__(self, chip: Chip | None, clock: VirtualClock, *, baudrate: int = 8_000_000) -> None:
        self.chip = chip
        self.transfers = 0
        self._clock = clock
        self._baudrate = baudrate
        self._wire = SpiTransfer()
        self.select = Select(self)

    def write(self, buf: bytes | Buffer) -> None:
        """Shift `buf` out."""
        self._pass(len(buf))
        self._wire.shift(self.chip, bytes(buf), 0, self._clock.now_us)

    def readinto(self, buf: Buffer, write: int = 0) -> None:  # noqa: ARG002 - machine.SPI's signature
        """Fill `buf` with what the chip shifts out."""
        self._pass(len(buf))
        buf[:] = self._wire.shift(self.chip, b"", len(buf), self._clock.now_us)

    def set_select(self, level: int) -> None:
        """Set the select pin; low begins a transfer."""
        self.transfers += not level
        self._wire.select(is_low=not level)

    def _pass(self, n: int) -> None:
        self._clock.advance_us(-(-8_000_000 * n // self._baudrate))


class Select:
    """The CS pin of a Spi."""

    def __init__(self, spi: Spi) -> None:
        self._spi = spi

    def value(self, level: int) -> None:
        """Set the pin."""
        self._spi.set_select(level)
