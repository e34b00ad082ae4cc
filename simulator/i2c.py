"""An I2C bus: it answers like machine.I2C, takes the time the wire takes, and fails on demand.

As MicroPython 1.29 on ESP32: `stop` is ignored, an address nobody answers is OSError(ENODEV), a stuck line
OSError(ETIMEDOUT) after the driver's 50 ms.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.clock import VirtualClock

Buffer = bytearray | memoryview

TIMEOUT_US = 50_000  # machine.I2C's default timeout
_FIRST_ADDRESS, _LAST_ADDRESS = 0x08, 0x77  # what machine.I2C.scan() tries


class Chip(Protocol):
    """A device with registers and a register pointer."""

    def write(self, reg: int, data: bytes, now_us: int) -> None:
        """Set the pointer to `reg` and write `data` from there (none: only the pointer moves)."""

    def read(self, reg: int | None, n: int, now_us: int) -> bytes:
        """Return n bytes from `reg`, or from where the pointer stands."""


class Bus:
    """One bus: chips by 7-bit address, a frequency, a clock (None: the caller keeps the time), and faults."""

    def __init__(
        self, chips: Mapping[int, Chip], clock: VirtualClock | None = None, *, freq_hz: int = 400_000
    ) -> None:
        self.chips = dict(chips)
        self.freq_hz = freq_hz
        self.transfers = 0
        self._clock = clock
        self._held = False
        self._nack_in = 0
        self._unanswered = False
        self._flip_in = 0
        self._flip_bit = 0

    # faults

    def nack_transfer(self, n: int = 1) -> None:
        """Let the n-th transfer from now (1 = the next) find nobody at its address, once."""
        self._nack_in = n

    def leave_unanswered(self, *, on: bool = True) -> None:
        """Let every transfer find nobody at its address: a wire is off, or a chip is dead."""
        self._unanswered = on

    def flip_bit(self, n: int = 1, bit: int = 0) -> None:
        """Invert one bit (0 = lowest) of the n-th byte read from now, once."""
        self._flip_in, self._flip_bit = n, bit

    def hold_sda(self) -> None:
        """Let a slave hold the data line: every transfer times out until release_sda()."""
        self._held = True

    def release_sda(self) -> None:
        """What nine clock pulses do: the slave lets go."""
        self._held = False

    # the wire

    def duration_us(self, write_n: int, read_n: int) -> int:
        """Time on the wire, us, rounded up: nine bits a byte, the address counted before each direction."""
        addresses = (write_n > 0 or read_n == 0) + (read_n > 0)
        return self._bytes_us(addresses + write_n + read_n)

    def transfer(self, addr: int, write: bytes, read_n: int, now_us: int) -> bytes:
        """Write, then read `read_n` bytes after a repeated start; no clock is moved (see duration_us).

        Raises OSError(ENODEV) if nobody answers at `addr`, OSError(ETIMEDOUT) if the line is held.
        """
        self.transfers += 1
        if self._held:
            raise OSError(errno.ETIMEDOUT, f"I2C line held low, address 0x{addr:02x}")
        chip = self.chips.get(addr)
        if self._nack_due() or self._unanswered or chip is None:
            raise OSError(errno.ENODEV, f"no I2C device answers at 0x{addr:02x}")
        if write:
            now_us += self._bytes_us(1 + len(write))
            chip.write(write[0], write[1:], now_us)
        if not read_n:
            return b""
        return self._flipped(chip.read(None, read_n, now_us + self._bytes_us(1)))

    def _bytes_us(self, n: int) -> int:
        return -(-9_000_000 * n // self.freq_hz)

    def _nack_due(self) -> bool:
        due = self._nack_in == 1
        self._nack_in = max(0, self._nack_in - 1)
        return due

    def _flipped(self, data: bytes) -> bytes:
        if not self._flip_in:
            return data
        at = self._flip_in - 1
        self._flip_in = max(0, self._flip_in - len(data))
        if at >= len(data):
            return data
        spoilt = bytearray(data)
        spoilt[at] ^= 1 << self._flip_bit
        return bytes(spoilt)

    # machine.I2C

    def readfrom_mem_into(self, addr: int, memaddr: int, buf: Buffer) -> None:
        """Fill `buf` from register `memaddr` on."""
        buf[:] = self._timed(addr, bytes((memaddr,)), len(buf))

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int) -> bytes:
        """Return `nbytes` from register `memaddr` on."""
        return self._timed(addr, bytes((memaddr,)), nbytes)

    def readfrom_into(self, addr: int, buf: Buffer, stop: bool = True) -> None:  # noqa: ARG002 - machine.I2C's signature
        """Fill `buf` from where the chip's pointer stands."""
        buf[:] = self._timed(addr, b"", len(buf))

    def readfrom(self, addr: int, nbytes: int, stop: bool = True) -> bytes:  # noqa: ARG002 - machine.I2C's signature
        """Return `nbytes` from where the chip's pointer stands."""
        return self._timed(addr, b"", nbytes)

    def writeto(self, addr: int, buf: bytes | Buffer, stop: bool = True) -> int:  # noqa: ARG002 - machine.I2C's signature
        """Write `buf`, register first; return how many bytes were acknowledged."""
        self._timed(addr, bytes(buf), 0)
        return len(buf)

    def writeto_mem(self, addr: int, memaddr: int, buf: bytes | Buffer) -> None:
        """Write `buf` from register `memaddr` on."""
        self._timed(addr, bytes((memaddr,)) + bytes(buf), 0)

    def scan(self) -> list[int]:
        """Return the addresses that answer, lowest first."""
        return [addr for addr in range(_FIRST_ADDRESS, _LAST_ADDRESS + 1) if self._answers(addr)]

    def _answers(self, addr: int) -> bool:
        try:
            self._timed(addr, b"", 0)
        except OSError as exc:
            if exc.errno == errno.ENODEV:
                return False
            raise
        return True

    def _timed(self, addr: int, write: bytes, read_n: int) -> bytes:
        if self._clock is None:
            raise ValueError("this bus has no clock: use transfer() and duration_us()")
        took_us = self.duration_us(len(write), read_n)
        try:
            return self.transfer(addr, write, read_n, self._clock.now_us)
        except OSError as exc:
            took_us = TIMEOUT_US if exc.errno == errno.ETIMEDOUT else self._bytes_us(1)
            raise
        finally:
            self._clock.advance_us(took_us)
