"""What the accelerometer models share: a pointer, registers, a FIFO that bursts, a reset, a front end.

A model is a register map: the tables below, and the few methods that say what its bits mean. A driver that
turns on something a model has not got gets NotModelledError, not silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from simulator.chips.faults import Faults
from simulator.chips.fifo import Fifo
from simulator.chips.sampling import NotModelledError, Sampling

if TYPE_CHECKING:
    from simulator.motion import Motion

_REGISTERS = 128

Values = dict[int, int]  # register -> value
Refusals = dict[int, tuple[int, str]]  # register -> bits that must stay 0, what they would turn on


class RegisterChip:
    """One chip, powered at `start_us`, bolted to `motion`.

    `odr_error_ppm` is how much faster than nominal its oscillator runs. `seed` decides its noise, sample by
    sample.
    """

    NAME: ClassVar[str]
    RESET_VALUES: ClassVar[Values]
    READ_ONLY: ClassVar[frozenset[int]]
    REFUSED: ClassVar[Refusals]
    RESET: ClassVar[tuple[int, int, int]]  # register, bit, how long the chip is deaf then, us
    OUTPUTS: ClassVar[range]  # registers of the newest sample
    BURST: ClassVar[range]  # registers of the FIFO: a burst rolls over within them
    ORDER: ClassVar[str] = "<i2"
    CAPACITY_BYTES: ClassVar[int]
    SAMPLED_BY: ClassVar[frozenset[int]]  # registers that set the front end
    BATCHED_BY: ClassVar[frozenset[int]]  # registers that set what the FIFO takes
    SETTLING: ClassVar[tuple[int, int]]  # samples without a measurement after power-down, what they read
    UNIT: ClassVar[int] = 1  # counts come in steps of this

    def __init__(self, motion: Motion, *, odr_error_ppm: int = 0, seed: int = 0, start_us: int = 0) -> None:
        self._motion, self._seed, self._odr_error_ppm = motion, seed, odr_error_ppm
        self._now_us = start_us
        self._pointer = 0
        self._busy_until_us = self._busy_bit = 0
        self.faults = Faults()
        self._power_up()

    def _power_up(self) -> None:
        self._regs = bytearray(_REGISTERS)
        for reg, value in self.RESET_VALUES.items():
            self._regs[reg] = value
        self._fifo = self._new_fifo()
        self._sampling: Sampling | None = None
        self._seen = 0  # number of the sample the output registers gave last

    # the bus

    def write(self, reg: int, data: bytes, now_us: int) -> None:
        """Set the pointer to `reg` and write `data` from there. Raises NotModelledError."""
        self._settle(now_us)
        self._pointer = reg & 0x7F
        for value in data:
            if not self._is_deaf():
                self._write_one(self._pointer, value)
            self._step()

    def read(self, reg: int | None, n: int, now_us: int) -> bytes:
        """Return n bytes from `reg` (None: from where the pointer stands), as one transfer at `now_us`."""
        self._settle(now_us)
        if reg is not None:
            self._pointer = reg & 0x7F
        out = b""
        while len(out) < n:
            if self._pointer in self.BURST and self._bursts():
                out += self._read_burst(n - len(out))
            else:
                out += bytes((self._read_one(self._pointer),))
                self._step()
        return out

    # the pin

    def int1_level(self, now_us: int) -> int:
        """Return the level of INT1 at `now_us`; changes nothing."""
        level = self._int1_bytes()
        return int(level is not None and self._fifo.level(max(now_us, self._now_us)) >= level)

    def next_int1_us(self, now_us: int) -> int | None:
        """Return the earliest time >= `now_us` with INT1 high if nobody reads, None if it stays low."""
        level = self._int1_bytes()
        return None if level is None else self._fifo.reaches_us(level, max(now_us, self._now_us))

    # faults

    def set_faults(self, faults: Faults, now_us: int) -> None:
        """Let the front end be faulty from `now_us` on."""
        self._settle(now_us)
        self.faults = faults
        self._resample()

    def flood(self, now_us: int) -> None:
        """Overrun the FIFO at once."""
        self._settle(now_us)
        self._fifo.flood()

    # what a model says of its bits

    def _new_fifo(self) -> Fifo:
        return Fifo(self.CAPACITY_BYTES, self.ORDER)

    def _increments(self) -> bool:
        """Return whether the pointer moves on by itself."""
        return True

    def _bursts(self) -> bool:
        """Return whether the registers of BURST are the FIFO's now."""
        return self._increments()

    def _int1_bytes(self) -> int | None:
        """Return how many bytes in the FIFO raise INT1, None if nothing does."""
        return None

    def _refused(self, reg: int, value: int) -> tuple[int, str]:  # noqa: ARG002 - for bits that depend on others
        """Return the bits of `reg` that must stay 0, and what they would turn on."""
        return self.REFUSED.get(reg, (0, ""))

    def _period_ns(self, millionths: int) -> int:
        """Return the time between samples of an oscillator of so many millionths of its rate; 0: off."""
        raise NotImplementedError

    def _mg_per_lsb(self) -> float:
        raise NotImplementedError

    def _noise_mg(self) -> float:
        """Return the noise of an axis, root mean square."""
        raise NotImplementedError

    def _unit(self) -> int:
        return self.UNIT

    def _batch(self) -> None:
        """Let the FIFO take what the registers say from now on."""
        raise NotImplementedError

    # writing

    def _settle(self, now_us: int) -> None:
        self._now_us = max(now_us, self._now_us)  # a burst ends after the time its next transfer was asked at
        self._fifo.settle(self._now_us)
        if self._busy_bit and self._now_us >= self._busy_until_us:
            self._busy_bit = 0

    def _step(self) -> None:
        if self._increments():
            self._pointer = (self._pointer + 1) & 0x7F

    def _is_deaf(self) -> bool:
        return self._busy_bit == self.RESET[1]

    def _be_busy(self, bit: int, us: int) -> None:
        self._busy_bit, self._busy_until_us = bit, self._now_us + us

    def _write_one(self, reg: int, value: int) -> None:
        if reg in self.READ_ONLY:
            return
        bits, what = self._refused(reg, value)
        if value & bits:
            raise NotModelledError(f"{self.NAME} register 0x{reg:02x}=0x{value:02x}: {what}")
        self._regs[reg] = value
        register, bit, us = self.RESET
        if reg == register and value & bit:
            self._power_up()
            self._be_busy(bit, us)
        else:
            self._act(reg, value)

    def _act(self, reg: int, value: int) -> None:  # noqa: ARG002 - for a register that does more
        """Do what a register does when it was written."""
        if reg in self.SAMPLED_BY:
            self._resample()
        elif reg in self.BATCHED_BY:
            self._batch()

    def _resample(self) -> None:
        before = self._sampling
        period_ns = self._period_ns(1_000_000 + self._odr_error_ppm + self.faults.odr_ppm)
        self._sampling = self._sampling_of(period_ns, before) if period_ns else None
        if self._sampling != before:
            self._seen = 0 if before is None else self._seen
            self._batch()

    def _sampling_of(self, period_ns: int, before: Sampling | None) -> Sampling:
        start_us, (settling, reads) = self._now_us, self.SETTLING
        if before is not None and before.period_ns == period_ns:
            start_us = before.start_us  # a new range or power mode does not move the samples
        elif before is not None:
            settling = 0
        return Sampling(
            self._motion, self._seed, start_us, period_ns, self._mg_per_lsb(), self._noise_mg(), settling,
            self.faults, self._unit(), reads,
        )  # fmt: skip

    # reading

    def _read_burst(self, n: int) -> bytes:
        offset = self._pointer - self.BURST.start
        self._pointer = self.BURST.start + (offset + n) % len(self.BURST)
        return self._fifo.read(offset, n)

    def _read_one(self, reg: int) -> int:
        if reg in self.OUTPUTS:
            return self._read_output(reg - self.OUTPUTS.start)
        return self._regs[reg] | (self._busy_bit if reg == self.RESET[0] else 0)

    def _read_output(self, at: int) -> int:
        newest = self._sampling.latest(self._now_us) if self._sampling else 0
        if self._sampling is None or newest == 0:
            return 0
        self._seen = newest
        return int(self._sampling.raw(newest, 1).astype(self.ORDER).tobytes()[at])
