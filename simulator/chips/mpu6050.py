"""InvenSense MPU-6050, accelerometer and FIFO, register by register.

Facts from PS-MPU-6000A and RM-MPU-6000A revision 4.2. Not modelled: gyroscopes in the FIFO, interrupts,
cycling, the auxiliary bus. No register tells its oscillator's error.
"""

from __future__ import annotations

from typing import ClassVar

from simulator.chips.chip import Refusals, RegisterChip, Values

_SMPLRT_DIV, _CONFIG, _ACCEL_CONFIG, _FIFO_EN, _INT_ENABLE, _INT_STATUS = 0x19, 0x1A, 0x1C, 0x23, 0x38, 0x3A
_ACCEL_XOUT_H, _ACCEL_ZOUT_L = 0x3B, 0x40
_USER_CTRL, _PWR_MGMT_1 = 0x6A, 0x6B
_FIFO_COUNT_H, _FIFO_COUNT_L, _FIFO_R_W, _WHO_AM_I = 0x72, 0x73, 0x74, 0x75

_MG_PER_LSB = (1000 / 16384, 1000 / 8192, 1000 / 4096, 1000 / 2048)
_BANDWIDTH_HZ = {1: 184, 2: 94, 3: 44, 4: 21, 5: 10, 6: 5}
_DENSITY_MG = 0.4  # mg per root hertz


class Mpu6050(RegisterChip):
    """One MPU-6050: 1024 bytes of FIFO, which 6 does not divide, and no watermark."""

    NAME = "MPU-6050"
    RESET_VALUES: ClassVar[Values] = {_PWR_MGMT_1: 0x40, _WHO_AM_I: 0x68}
    READ_ONLY = frozenset({_WHO_AM_I, _FIFO_COUNT_H, _FIFO_COUNT_L, *range(_INT_STATUS, 0x61)})
    REFUSED: ClassVar[Refusals] = {
        _ACCEL_CONFIG: (0xE0, "the self-test"),
        _FIFO_EN: (0xF7, "anything but the accelerometer in the FIFO"),
        _INT_ENABLE: (0xFF, "interrupts: none of them is a watermark"),
        _USER_CTRL: (0x30, "the auxiliary bus or SPI"),
        _PWR_MGMT_1: (0x20, "cycling between sleep and a sample"),
    }
    RESET = (_PWR_MGMT_1, 0x80, 100_000)
    OUTPUTS = range(_ACCEL_XOUT_H, _ACCEL_ZOUT_L + 1)
    BURST = range(_FIFO_R_W, _FIFO_R_W + 1)
    ORDER = ">i2"
    CAPACITY_BYTES = 1024
    SAMPLED_BY = frozenset({_SMPLRT_DIV, _CONFIG, _ACCEL_CONFIG, _PWR_MGMT_1})
    BATCHED_BY = frozenset({_FIFO_EN, _USER_CTRL})
    SETTLING = (1, 0)
    _last = b"\0"  # what an empty FIFO reads as

    def _period_ns(self, millionths: int) -> int:
        is_asleep = self._regs[_PWR_MGMT_1] & 0x40
        return 0 if is_asleep else (1 + self._regs[_SMPLRT_DIV]) * 10**12 // millionths

    def _mg_per_lsb(self) -> float:
        return _MG_PER_LSB[self._regs[_ACCEL_CONFIG] >> 3 & 3]

    def _noise_mg(self) -> float:
        bandwidth_hz = _BANDWIDTH_HZ.get(self._regs[_CONFIG] & 7, 260)
        return float(_DENSITY_MG * (1.57 * bandwidth_hz) ** 0.5)

    def _batch(self) -> None:
        control = self._regs[_USER_CTRL]
        if control & 0x04 and not control & 0x40:  # resets only while the FIFO is off
            self._fifo.clear()
        self._regs[_USER_CTRL] = control & ~0x07
        is_on = control & 0x40 and self._regs[_FIFO_EN] & 0x08
        self._fifo.follow(self._sampling if is_on else None, self._now_us)

    def _read_burst(self, n: int) -> bytes:
        data = self._fifo.take(n)
        self._last = data[-1:] or self._last
        return data + self._last * (n - len(data))

    def _read_one(self, reg: int) -> int:
        if reg in {_FIFO_COUNT_H, _FIFO_COUNT_L}:
            return len(self._fifo) >> (8 if reg == _FIFO_COUNT_H else 0) & 0xFF
        if reg == _INT_STATUS:
            overflow, self._fifo.overrun = self._fifo.overrun, False
            return overflow << 4
        return super()._read_one(reg)
