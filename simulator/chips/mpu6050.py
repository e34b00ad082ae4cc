"""InvenSense MPU-6050, accelerometer and FIFO, register by register.

Facts from PS-MPU-6000A and RM-MPU-6000A revision 4.2. A driver that turns on something the model has not got
(gyroscopes in the FIFO, interrupts, cycling, the auxiliary bus) gets NotModelledError, not silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chips.byte_fifo import ByteFifo
from simulator.chips.faults import Faults
from simulator.chips.sampling import NotModelledError, Sampling

if TYPE_CHECKING:
    from simulator.motion import Motion

_SMPLRT_DIV, _CONFIG, _ACCEL_CONFIG, _FIFO_EN, _INT_ENABLE, _INT_STATUS = 0x19, 0x1A, 0x1C, 0x23, 0x38, 0x3A
_ACCEL_XOUT_H, _ACCEL_ZOUT_L = 0x3B, 0x40
_USER_CTRL, _PWR_MGMT_1, _PWR_MGMT_2 = 0x6A, 0x6B, 0x6C
_FIFO_COUNT_H, _FIFO_COUNT_L, _FIFO_R_W, _WHO_AM_I = 0x72, 0x73, 0x74, 0x75

_RESET_VALUES = {_PWR_MGMT_1: 0x40, _WHO_AM_I: 0x68}
_READ_ONLY = frozenset({_WHO_AM_I, _FIFO_COUNT_H, _FIFO_COUNT_L, *range(_INT_STATUS, 0x61)})
_REFUSED = {  # register -> (bits that must stay 0, what they would turn on)
    _ACCEL_CONFIG: (0xE0, "the self-test"),
    _FIFO_EN: (0xF7, "anything but the accelerometer in the FIFO"),
    _INT_ENABLE: (0xFF, "interrupts: none of them is a watermark"),
    _USER_CTRL: (0x30, "the auxiliary bus or SPI"),
    _PWR_MGMT_1: (0x20, "cycling between sleep and a sample"),
}
_CAPACITY = 1024
_MG_PER_LSB = (1000 / 16384, 1000 / 8192, 1000 / 4096, 1000 / 2048)
_BANDWIDTH_HZ = {1: 184, 2: 94, 3: 44, 4: 21, 5: 10, 6: 5}
_DENSITY_MG = 0.4  # mg per root hertz
_SETTLING_SAMPLES = 1  # until then the outputs are 0
_RESET_US = 100_000


class Mpu6050:
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
        self._last = 0  # what an empty FIFO reads as
        self._busy_until_us = 0
        self.faults = Faults()
        self._power_up()

    def _power_up(self) -> None:
        self._regs = bytearray(128)
        for reg, value in _RESET_VALUES.items():
            self._regs[reg] = value
        self._fifo = ByteFifo(_CAPACITY, ">i2")
        self._sampling: Sampling | None = None

    # the bus

    def write(self, reg: int, data: bytes, now_us: int) -> None:
        """Set the pointer to `reg` and write `data` from there. Raises NotModelledError."""
        self._settle(now_us)
        self._pointer = reg & 0x7F
        for value in data:
            self._write_one(self._pointer, value)
            self._pointer = (self._pointer + 1) & 0x7F

    def read(self, reg: int | None, n: int, now_us: int) -> bytes:
        """Return n bytes from `reg` (None: from where the pointer stands), as one transfer at `now_us`."""
        self._settle(now_us)
        if reg is not None:
            self._pointer = reg & 0x7F
        if self._pointer == _FIFO_R_W:  # the pointer stays there
            return self._read_fifo(n)
        out = bytes(self._read_one((self._pointer + i) & 0x7F) for i in range(n))
        self._pointer = (self._pointer + n) & 0x7F
        return out

    # the pin

    def int1_level(self, now_us: int) -> int:  # noqa: ARG002 - what every chip model has
        """Return the level of INT: nothing is routed to it."""
        return 0

    def next_int1_us(self, now_us: int) -> int | None:  # noqa: ARG002 - what every chip model has
        """Return None: nothing is routed to INT."""
        return None

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

    def _write_one(self, reg: int, value: int) -> None:
        if self._now_us < self._busy_until_us or reg in _READ_ONLY:
            return
        bits, what = _REFUSED.get(reg, (0, ""))
        if value & bits:
            raise NotModelledError(f"MPU-6050 register 0x{reg:02x}=0x{value:02x}: {what}")
        self._regs[reg] = value
        if reg == _PWR_MGMT_1 and value & 0x80:
            self._power_up()
            self._busy_until_us = self._now_us + _RESET_US
        elif reg in {_SMPLRT_DIV, _CONFIG, _ACCEL_CONFIG, _PWR_MGMT_1}:
            self._resample()
        elif reg in {_FIFO_EN, _USER_CTRL}:
            self._control_fifo()

    def _control_fifo(self) -> None:
        control = self._regs[_USER_CTRL]
        if control & 0x04 and not control & 0x40:  # resets only while the FIFO is off
            self._fifo.clear()
        self._regs[_USER_CTRL] = control & ~0x07
        is_on = control & 0x40 and self._regs[_FIFO_EN] & 0x08
        self._fifo.follow(self._sampling if is_on else None, self._now_us)

    def _resample(self) -> None:
        before, self._sampling = self._sampling, None
        if not self._regs[_PWR_MGMT_1] & 0x40:
            self._sampling = self._sampling_now(before)
        self._control_fifo()

    def _sampling_now(self, before: Sampling | None) -> Sampling:
        bandwidth_hz = _BANDWIDTH_HZ.get(self._regs[_CONFIG] & 7, 260)
        ppm = 1_000_000 + self._odr_error_ppm + self.faults.odr_ppm
        period_ns = (1 + self._regs[_SMPLRT_DIV]) * 10**12 // ppm
        is_same = before is not None and before.period_ns == period_ns
        return Sampling(
            self._motion, self._seed, before.start_us if before and is_same else self._now_us, period_ns,
            _MG_PER_LSB[self._regs[_ACCEL_CONFIG] >> 3 & 3], _DENSITY_MG * (1.57 * bandwidth_hz) ** 0.5,
            _SETTLING_SAMPLES if before is None or is_same else 0, self.faults, settling_value=0,
        )  # fmt: skip

    # reading

    def _read_fifo(self, n: int) -> bytes:
        data = self._fifo.take(n)
        self._last = data[-1] if data else self._last
        return data + bytes((self._last,)) * (n - len(data))

    def _read_one(self, reg: int) -> int:
        if reg == _PWR_MGMT_1:
            return self._regs[reg] | (0x80 if self._now_us < self._busy_until_us else 0)
        if reg in {_FIFO_COUNT_H, _FIFO_COUNT_L}:
            return len(self._fifo) >> (8 if reg == _FIFO_COUNT_H else 0) & 0xFF
        if reg == _INT_STATUS:
            overflow, self._fifo.overrun = self._fifo.overrun, False
            return overflow << 4
        if _ACCEL_XOUT_H <= reg <= _ACCEL_ZOUT_L:
            return self._output(reg - _ACCEL_XOUT_H)
        return self._regs[reg]

    def _output(self, at: int) -> int:
        newest = self._sampling.latest(self._now_us) if self._sampling else 0
        if self._sampling is None or newest == 0:
            return 0
        return int(self._sampling.raw(newest, 1).astype(">i2").tobytes()[at])
