"""ST LIS2DW12, register by register.

Facts from ST's lis2dw12 register headers, data sheet DS12285 and application note AN5038. Not modelled:
single conversion, tap and wake-up detection. No register tells its oscillator's error.
"""

from __future__ import annotations

from typing import ClassVar

from simulator.chips.chip import Refusals, RegisterChip, Values
from simulator.chips.fifo import SAMPLE_BYTES

_WHO_AM_I, _CTRL1, _CTRL2, _CTRL3, _CTRL4_INT1, _CTRL5_INT2, _CTRL6 = 0x0F, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25
_STATUS, _OUT_X_L, _OUT_Z_H, _FIFO_CTRL, _FIFO_SAMPLES, _CTRL7 = 0x27, 0x28, 0x2D, 0x2E, 0x2F, 0x3F

_BYPASS, _CONTINUOUS = 0, 6
_ODR_MHZ = {0: 0, 1: 12_500, 2: 12_500, 3: 25_000, 4: 50_000, 5: 100_000, 6: 200_000}
_FASTEST_MHZ = 200_000  # low-power mode's for the codes above
_SLOW_ODR_MHZ = 1_600  # code 1 in low-power mode
_MG_PER_LSB = (0.061, 0.122, 0.244, 0.488)  # of the 16 bits, left-justified
_LOW_POWER_NOISE_MG = (4.5, 2.4, 1.8, 1.3)  # modes 1 to 4
_DENSITY_MG = 0.090  # mg per root hertz, high-performance mode


class Lis2dw12(RegisterChip):
    """One LIS2DW12: 32 samples of FIFO behind its output registers."""

    NAME = "LIS2DW12"
    RESET_VALUES: ClassVar[Values] = {_WHO_AM_I: 0x44, _CTRL2: 0x04}
    READ_ONLY = frozenset({_WHO_AM_I, 0x0D, 0x0E, _FIFO_SAMPLES, *range(_STATUS, _OUT_Z_H + 1)})
    REFUSED: ClassVar[Refusals] = {
        _CTRL1: (0x08, "single conversion or a reserved mode"),
        _CTRL3: (0xFF, "the self-test, an inverted pin or single conversion"),
        _CTRL4_INT1: (0xFD, "an INT1 source other than the FIFO threshold"),
        _CTRL5_INT2: (0xFF, "INT2, which no board connects"),
        _CTRL6: (0xC8, "another bandwidth"),
        _CTRL7: (0x9F, "detection of anything"),
    }
    RESET = (_CTRL2, 0x40, 5)
    OUTPUTS = BURST = range(_OUT_X_L, _OUT_Z_H + 1)
    CAPACITY_BYTES = 32 * SAMPLE_BYTES
    SAMPLED_BY = frozenset({_CTRL1, _CTRL6})
    BATCHED_BY = frozenset({_FIFO_CTRL})
    SETTLING = (1, 0)  # AN5038

    def _increments(self) -> bool:
        return bool(self._regs[_CTRL2] & 0x04)

    def _has_fifo(self) -> bool:
        return self._regs[_FIFO_CTRL] >> 5 == _CONTINUOUS

    def _bursts(self) -> bool:
        return self._has_fifo() and self._increments()

    def _threshold(self) -> int:
        return self._regs[_FIFO_CTRL] & 0x1F

    def _int1_bytes(self) -> int | None:
        is_routed = self._regs[_CTRL4_INT1] & 0x02 and self._regs[_CTRL7] & 0x20
        return (
            SAMPLE_BYTES * self._threshold() if is_routed and self._threshold() and self._has_fifo() else None
        )

    def _refused(self, reg: int, value: int) -> tuple[int, str]:
        if reg == _FIFO_CTRL and value >> 5 not in {_BYPASS, _CONTINUOUS}:
            return 0xE0, "a FIFO mode other than bypass and continuous"
        return super()._refused(reg, value)

    def _is_fast(self) -> bool:
        return bool(self._regs[_CTRL1] & 0x04)

    def _odr_mhz(self) -> int:
        code = self._regs[_CTRL1] >> 4
        return _SLOW_ODR_MHZ if code == 1 and not self._is_fast() else _ODR_MHZ.get(code, _FASTEST_MHZ)

    def _period_ns(self, millionths: int) -> int:
        odr_mhz = self._odr_mhz()
        return 10**18 // (odr_mhz * millionths) if odr_mhz else 0

    def _mg_per_lsb(self) -> float:
        return _MG_PER_LSB[self._regs[_CTRL6] >> 4 & 3]

    def _noise_mg(self) -> float:
        if self._is_fast():
            return float(_DENSITY_MG * (1.57 * self._odr_mhz() / 2000) ** 0.5)
        return _LOW_POWER_NOISE_MG[self._regs[_CTRL1] & 3]

    def _unit(self) -> int:
        return 4 if self._is_fast() or self._regs[_CTRL1] & 3 else 16  # 14 bits, 12 in low-power mode 1

    def _batch(self) -> None:
        if not self._has_fifo():
            self._fifo.clear()
        self._fifo.follow(self._sampling if self._has_fifo() else None, self._now_us)

    def _read_burst(self, n: int) -> bytes:
        data = super()._read_burst(n)
        self._fifo.overrun = False
        return data

    def _read_one(self, reg: int) -> int:
        if reg == _FIFO_SAMPLES:
            samples = len(self._fifo) // SAMPLE_BYTES
            return (0 < self._threshold() <= samples) << 7 | self._fifo.overrun << 6 | samples
        return super()._read_one(reg)
