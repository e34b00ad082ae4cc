"""ST LIS2DW12, register by register.

Facts from ST's lis2dw12 register headers, data sheet DS12285 and application note AN5038. A driver that turns
on something the model has not got (single conversion, tap and wake-up detection) gets NotModelledError, not
silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chips.byte_fifo import SAMPLE_BYTES, ByteFifo
from simulator.chips.faults import Faults
from simulator.chips.sampling import NotModelledError, Sampling

if TYPE_CHECKING:
    from simulator.motion import Motion

_WHO_AM_I, _CTRL1, _CTRL2, _CTRL3, _CTRL4_INT1, _CTRL5_INT2, _CTRL6 = 0x0F, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25
_STATUS, _OUT_X_L, _OUT_Z_H, _FIFO_CTRL, _FIFO_SAMPLES, _CTRL7 = 0x27, 0x28, 0x2D, 0x2E, 0x2F, 0x3F

_RESET_VALUES = {_WHO_AM_I: 0x44, _CTRL2: 0x04}
_READ_ONLY = frozenset({_WHO_AM_I, 0x0D, 0x0E, _FIFO_SAMPLES, *range(_STATUS, _OUT_Z_H + 1)})
_REFUSED = {  # register -> (bits that must stay 0, what they would turn on)
    _CTRL1: (0x08, "single conversion or a reserved mode"),
    _CTRL3: (0xFF, "the self-test, an inverted pin or single conversion"),
    _CTRL4_INT1: (0xFD, "an INT1 source other than the FIFO threshold"),
    _CTRL5_INT2: (0xFF, "INT2, which no board connects"),
    _CTRL6: (0xC8, "another bandwidth"),
    _CTRL7: (0x9F, "detection of anything"),
}
_CAPACITY = 32
_BYPASS, _CONTINUOUS = 0, 6
_ODR_MHZ = {1: 12_500, 2: 12_500, 3: 25_000, 4: 50_000, 5: 100_000, 6: 200_000}
_SLOW_ODR_MHZ = 1_600  # code 1 in low-power mode
_MG_PER_LSB = (0.061, 0.122, 0.244, 0.488)  # of the 16 bits, left-justified
_LOW_POWER_NOISE_MG = (4.5, 2.4, 1.8, 1.3)  # modes 1 to 4
_DENSITY_MG = 0.090  # mg per root hertz, high-performance mode
_SETTLING_SAMPLES = 1  # AN5038; until then the outputs are 0
_RESET_US = 5


class Lis2dw12:
    """One chip, powered at `start_us`, bolted to `motion`.

    `odr_error_ppm` is how much faster than nominal its oscillator runs; no register tells. `seed` decides its
    noise, sample by sample.
    """

    def __init__(self, motion: Motion, *, odr_error_ppm: int = 0, seed: int = 0, start_us: int = 0) -> None:
        self._motion = motion
        self._seed = seed
        self._odr_error_ppm = odr_error_ppm
        self._now_us = start_us
        self._pointer = 0
        self._busy_until_us = 0
        self.faults = Faults()
        self._power_up()

    def _power_up(self) -> None:
        self._regs = bytearray(128)
        for reg, value in _RESET_VALUES.items():
            self._regs[reg] = value
        self._fifo = ByteFifo(_CAPACITY * SAMPLE_BYTES, "<i2")
        self._sampling: Sampling | None = None

    # the bus

    def write(self, reg: int, data: bytes, now_us: int) -> None:
        """Set the pointer to `reg` and write `data` from there. Raises NotModelledError."""
        self._settle(now_us)
        self._pointer = reg & 0x7F
        for value in data:
            self._write_one(self._pointer, value)
            self._step()

    def read(self, reg: int | None, n: int, now_us: int) -> bytes:
        """Return n bytes from `reg` (None: from where the pointer stands), as one transfer at `now_us`."""
        self._settle(now_us)
        if reg is not None:
            self._pointer = reg & 0x7F
        out = bytearray()
        while len(out) < n:
            if self._has_fifo() and self._increments() and _OUT_X_L <= self._pointer <= _OUT_Z_H:
                out += self._read_fifo(n - len(out))
            else:
                out.append(self._read_one(self._pointer))
                self._step()
        return bytes(out)

    # the pin

    def int1_level(self, now_us: int) -> int:
        """Return the level of INT1 at `now_us`; changes nothing."""
        level = self._int1_bytes()
        return int(level is not None and self._fifo.level(max(now_us, self._now_us)) >= level)

    def next_int1_us(self, now_us: int) -> int | None:
        """Return the earliest time >= `now_us` with INT1 high if nobody reads, None if it stays low."""
        level = self._int1_bytes()
        return None if level is None else self._fifo.reaches_us(level, max(now_us, self._now_us))

    def _int1_bytes(self) -> int | None:
        threshold = self._regs[_FIFO_CTRL] & 0x1F
        is_routed = self._regs[_CTRL4_INT1] & 0x02 and self._regs[_CTRL7] & 0x20
        return SAMPLE_BYTES * threshold if is_routed and threshold and self._has_fifo() else None

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

    # inside

    def _settle(self, now_us: int) -> None:
        self._now_us = max(now_us, self._now_us)
        self._fifo.settle(self._now_us)

    def _increments(self) -> bool:
        return bool(self._regs[_CTRL2] & 0x04)

    def _has_fifo(self) -> bool:
        return self._regs[_FIFO_CTRL] >> 5 == _CONTINUOUS

    def _step(self) -> None:
        if self._increments():
            self._pointer = (self._pointer + 1) & 0x7F

    def _write_one(self, reg: int, value: int) -> None:
        if self._now_us < self._busy_until_us or reg in _READ_ONLY:
            return
        bits, what = _REFUSED.get(reg, (0, ""))
        if reg == _FIFO_CTRL and value >> 5 not in {_BYPASS, _CONTINUOUS}:
            bits, what = 0xE0, "a FIFO mode other than bypass and continuous"
        if value & bits:
            raise NotModelledError(f"LIS2DW12 register 0x{reg:02x}=0x{value:02x}: {what}")
        self._regs[reg] = value
        if reg == _CTRL2 and value & 0x40:
            self._power_up()
            self._busy_until_us = self._now_us + _RESET_US
        elif reg in {_CTRL1, _CTRL6}:
            self._resample()
        elif reg == _FIFO_CTRL:
            self._batch()

    def _batch(self) -> None:
        if not self._has_fifo():
            self._fifo.clear()
        self._fifo.follow(self._sampling if self._has_fifo() else None, self._now_us)

    def _resample(self) -> None:
        before, self._sampling = self._sampling, None
        if self._regs[_CTRL1] >> 4:
            self._sampling = self._sampling_now(before)
        self._batch()

    def _sampling_now(self, before: Sampling | None) -> Sampling:
        control = self._regs[_CTRL1]
        is_fast = control & 0x04
        odr_mhz = _SLOW_ODR_MHZ if control >> 4 == 1 and not is_fast else _ODR_MHZ.get(control >> 4, 200_000)
        ppm = 1_000_000 + self._odr_error_ppm + self.faults.odr_ppm
        period_ns = 10**18 // (odr_mhz * ppm)
        is_same = before is not None and before.period_ns == period_ns
        noise_mg = (
            _DENSITY_MG * (1.57 * odr_mhz / 2000) ** 0.5 if is_fast else _LOW_POWER_NOISE_MG[control & 3]
        )
        settling = _SETTLING_SAMPLES if before is None or is_same else 0
        return Sampling(
            self._motion, self._seed, before.start_us if before and is_same else self._now_us, period_ns,
            _MG_PER_LSB[self._regs[_CTRL6] >> 4 & 3], noise_mg, settling, self.faults,
            unit=4 if is_fast or control & 3 else 16, settling_value=0,
        )  # fmt: skip

    # reading

    def _read_fifo(self, n: int) -> bytes:
        offset = self._pointer - _OUT_X_L
        self._pointer = _OUT_X_L + (offset + n) % SAMPLE_BYTES
        data = self._fifo.read(offset, n)
        self._fifo.overrun = False
        return data

    def _read_one(self, reg: int) -> int:
        if reg == _CTRL2:
            return self._regs[reg] | (0x40 if self._now_us < self._busy_until_us else 0)
        if reg == _FIFO_SAMPLES:
            samples = len(self._fifo) // SAMPLE_BYTES
            reached = 0 < (self._regs[_FIFO_CTRL] & 0x1F) <= samples
            return reached << 7 | self._fifo.overrun << 6 | samples
        if _OUT_X_L <= reg <= _OUT_Z_H:
            return self._output(reg - _OUT_X_L)
        return self._regs[reg]

    def _output(self, at: int) -> int:
        newest = self._sampling.latest(self._now_us) if self._sampling else 0
        if self._sampling is None or newest == 0:
            return 0
        return int(self._sampling.raw(newest, 1).astype("<i2").tobytes()[at])
