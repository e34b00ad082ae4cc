"""ST LSM6DSOX, accelerometer and FIFO, register by register.

Facts from ST's lsm6dsox register headers, data sheet DS12814 and application note AN5272. Not modelled:
gyroscope, compression, learning core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from simulator.chips.chip import Refusals, RegisterChip, Values
from simulator.chips.sampling import NotModelledError
from simulator.chips.tagged_fifo import BYPASS, CAPACITY, CONTINUOUS, FIFO, WORD_BYTES, TaggedFifo

if TYPE_CHECKING:
    from simulator.motion import Motion

_FUNC_CFG_ACCESS, _PIN_CTRL = 0x01, 0x02
_FIFO_CTRL1, _FIFO_CTRL2, _FIFO_CTRL3, _FIFO_CTRL4 = 0x07, 0x08, 0x09, 0x0A
_INT1_CTRL, _INT2_CTRL, _WHO_AM_I = 0x0D, 0x0E, 0x0F
_CTRL1_XL, _CTRL2_G, _CTRL3_C, _CTRL5_C, _CTRL6_C, _CTRL9_XL = 0x10, 0x11, 0x12, 0x14, 0x15, 0x18
_STATUS, _OUT_TEMP_L, _OUT_TEMP_H = 0x1E, 0x20, 0x21
_OUTX_L_A, _OUTZ_H_A = 0x28, 0x2D
_FIFO_STATUS1, _FIFO_STATUS2, _INTERNAL_FREQ_FINE = 0x3A, 0x3B, 0x63
_FIFO_TAG, _FIFO_Z_H = 0x78, 0x7E

_ODR_MHZ = {1: 12_500, 2: 26_000, 3: 52_000, 4: 104_000, 5: 208_000, 6: 417_000, 7: 833_000, 8: 1_667_000,
            9: 3_333_000, 10: 6_667_000}  # fmt: skip
_SLOW_ODR_MHZ = 1_600  # code 11 in low-power mode; in high-performance mode it means 12.5 Hz
_BDR_MHZ = _ODR_MHZ | {11: 6_500}
_MG_PER_LSB = {0: 0.061, 1: 0.488, 2: 0.122, 3: 0.244}  # 2, 16, 4, 8 g
_LOW_POWER_NOISE_MG = {0: 1.8, 1: 3.0, 2: 2.0, 3: 2.4}
_ULTRA_LOW_POWER_NOISE_MG = 5.5
_DENSITY_MG = {0: 0.070, 1: 0.110, 2: 0.075, 3: 0.080}  # mg per root hertz, high-performance mode
_BOOT_US = 10_000
_PPM_PER_TRIM_STEP = 1_500
_USER = 0x00

__all__ = ["Lsm6dsox", "NotModelledError"]


class Lsm6dsox(RegisterChip):
    """One LSM6DSOX; INTERNAL_FREQ_FINE tells its oscillator's error in steps of 0.15 %."""

    NAME = "LSM6DSOX"
    RESET_VALUES: ClassVar[Values] = {_PIN_CTRL: 0x3F, _WHO_AM_I: 0x6C, _CTRL3_C: 0x04, _CTRL9_XL: 0xE0}
    READ_ONLY = frozenset({_WHO_AM_I, *range(0x1A, 0x3C), *range(0x40, 0x44), 0x49, 0x4A, _INTERNAL_FREQ_FINE,
                           *range(_FIFO_TAG, _FIFO_Z_H + 1)})  # fmt: skip
    REFUSED: ClassVar[Refusals] = {
        _FIFO_CTRL2: (0xD6, "compression, ODR-change words or stop-on-watermark"),
        _FIFO_CTRL3: (0xF0, "gyroscope batching"),
        _FIFO_CTRL4: (0xF0, "temperature or timestamp batching"),
        _INT1_CTRL: (0xC7, "an INT1 source other than FIFO threshold, overrun and full"),
        _INT2_CTRL: (0xFF, "INT2, which no board connects"),
        _CTRL1_XL: (0x02, "the second low-pass filter"),
        _CTRL2_G: (0xF0, "the gyroscope"),
        _CTRL3_C: (0x30, "an active-low or open-drain interrupt pin"),
        _CTRL5_C: (0x03, "the self-test"),
    }
    RESET = (_CTRL3_C, 0x01, 50)
    OUTPUTS = range(_OUTX_L_A, _OUTZ_H_A + 1)
    BURST = range(_FIFO_TAG, _FIFO_Z_H + 1)
    SAMPLED_BY = frozenset({_CTRL1_XL, _CTRL5_C, _CTRL6_C})
    BATCHED_BY = frozenset({_FIFO_CTRL3, _FIFO_CTRL4})
    SETTLING = (2, 0x7FFF)  # Linux's driver drops what is 0x7FFD or more
    _fifo: TaggedFifo

    def __init__(
        self,
        motion: Motion,
        *,
        odr_error_ppm: int = 0,
        seed: int = 0,
        start_us: int = 0,
        temperature_c: float = 25.0,
    ) -> None:
        self._temperature_c = temperature_c
        self._embedded = {0x80: bytearray(128), 0x40: bytearray(128)}
        super().__init__(motion, odr_error_ppm=odr_error_ppm, seed=seed, start_us=start_us)

    def _power_up(self) -> None:
        super()._power_up()
        trim = max(-128, min(127, round(self._odr_error_ppm / _PPM_PER_TRIM_STEP)))
        self._regs[_INTERNAL_FREQ_FINE] = trim & 0xFF

    def _new_fifo(self) -> TaggedFifo:
        return TaggedFifo()

    # banks

    def _bank(self) -> int:
        return self._regs[_FUNC_CFG_ACCESS] & 0xC0

    def _write_one(self, reg: int, value: int) -> None:
        if self._bank() == _USER or reg == _FUNC_CFG_ACCESS:
            super()._write_one(reg, value)
            return
        if self._bank() == 0x80 and reg in {0x04, 0x05} and value:
            raise NotModelledError(
                f"{self.NAME} embedded register 0x{reg:02x}=0x{value:02x}: embedded functions"
            )
        if self._bank() in self._embedded:
            self._embedded[self._bank()][reg] = value

    def _read_one(self, reg: int) -> int:
        if self._bank() != _USER and reg != _FUNC_CFG_ACCESS:
            return self._embedded.get(self._bank(), bytes(128))[reg]
        if reg in self.BURST:
            return self._fifo.read(reg - _FIFO_TAG, 1)[0]
        if reg == _STATUS:
            return int(self._sampling is not None and self._sampling.latest(self._now_us) > self._seen)
        if reg in {_OUT_TEMP_L, _OUT_TEMP_H}:
            raw = max(-32768, min(32767, round((self._temperature_c - 25.0) * 256)))
            return raw >> 8 * (reg - _OUT_TEMP_L) & 0xFF
        if reg == _FIFO_STATUS1:
            return self._fifo.words & 0xFF
        return self._fifo_status2() if reg == _FIFO_STATUS2 else super()._read_one(reg)

    def _fifo_status2(self) -> int:
        words, latched = self._fifo.words, self._fifo.overrun
        self._fifo.overrun = False
        reached = 0 < self._watermark() <= words
        full, overrun = words >= CAPACITY - 1, words >= CAPACITY
        return reached << 7 | overrun << 6 | full << 5 | latched << 3 | words >> 8

    # what the bits mean

    def _increments(self) -> bool:
        return bool(self._regs[_CTRL3_C] & 0x04)

    def _bursts(self) -> bool:
        return self._bank() == _USER and self._increments()

    def _watermark(self) -> int:
        return self._regs[_FIFO_CTRL1] | (self._regs[_FIFO_CTRL2] & 1) << 8

    def _int1_bytes(self) -> int | None:
        """Return the lowest of the levels that are routed to INT1."""
        enabled = self._regs[_INT1_CTRL]
        sources = ((0x08, self._watermark()), (0x10, CAPACITY), (0x20, CAPACITY - 1))
        return min((words * WORD_BYTES for bit, words in sources if enabled & bit and words), default=None)

    def _refused(self, reg: int, value: int) -> tuple[int, str]:
        if reg == _FIFO_CTRL4 and value & 7 not in {BYPASS, FIFO, CONTINUOUS}:
            return 0x07, "a FIFO mode other than bypass, FIFO and continuous"
        if reg == _CTRL1_XL and value >> 4 > 11:
            return 0xF0, "a reserved data rate"
        return super()._refused(reg, value)

    def _act(self, reg: int, value: int) -> None:
        if reg != _CTRL3_C:
            super()._act(reg, value)
            return
        self._regs[_CTRL3_C] = value & 0x7E  # BOOT clears itself
        if value & 0x80:
            self._be_busy(0x80, _BOOT_US)

    def _odr_mhz(self) -> int:
        code = self._regs[_CTRL1_XL] >> 4
        if code == 11:
            return _SLOW_ODR_MHZ if self._low_power() else _ODR_MHZ[1]
        return _ODR_MHZ.get(code, 0)

    def _period_ns(self, millionths: int) -> int:
        odr_mhz = self._odr_mhz()
        return round(10**18 / (odr_mhz * millionths)) if odr_mhz else 0

    def _scale(self) -> int:
        return self._regs[_CTRL1_XL] >> 2 & 3

    def _mg_per_lsb(self) -> float:
        return _MG_PER_LSB[self._scale()]

    def _low_power(self) -> bool:
        return bool(self._regs[_CTRL6_C] & 0x10 or self._regs[_CTRL5_C] & 0x80)

    def _noise_mg(self) -> float:
        if self._regs[_CTRL5_C] & 0x80:
            return _ULTRA_LOW_POWER_NOISE_MG
        if self._low_power():
            return _LOW_POWER_NOISE_MG[self._scale()]
        bandwidth_hz = self._odr_mhz() / 2000
        return float(_DENSITY_MG[self._scale()] * (1.57 * bandwidth_hz) ** 0.5)

    def _batch(self) -> None:
        bdr_mhz = _BDR_MHZ.get(self._regs[_FIFO_CTRL3] & 0x0F, 0)
        source = self._sampling if bdr_mhz else None
        step = max(1, round(self._odr_mhz() / bdr_mhz)) if bdr_mhz else 1
        self._fifo.configure(self._regs[_FIFO_CTRL4] & 7, source, step, self._now_us)
