"""ST LSM6DSOX, accelerometer and FIFO, register by register.

Facts from ST's lsm6dsox register headers, data sheet DS12814 and application note AN5272. A driver that turns
on something the model has not got (gyroscope, compression, learning core) gets NotModelledError, not silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chips.faults import Faults
from simulator.chips.sampling import NotModelledError, Sampling
from simulator.chips.tagged_fifo import BYPASS, CAPACITY, CONTINUOUS, FIFO, TaggedFifo

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

_RESET_VALUES = {_PIN_CTRL: 0x3F, _WHO_AM_I: 0x6C, _CTRL3_C: 0x04, _CTRL9_XL: 0xE0}
_READ_ONLY = frozenset({_WHO_AM_I, *range(0x1A, 0x3C), *range(0x40, 0x44), 0x49, 0x4A, _INTERNAL_FREQ_FINE,
                        *range(_FIFO_TAG, _FIFO_Z_H + 1)})  # fmt: skip
_REFUSED = {  # register -> (bits that must stay 0, what they would turn on)
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
_ODR_MHZ = {1: 12_500, 2: 26_000, 3: 52_000, 4: 104_000, 5: 208_000, 6: 417_000, 7: 833_000, 8: 1_667_000,
            9: 3_333_000, 10: 6_667_000}  # fmt: skip
_SLOW_ODR_MHZ = 1_600  # code 11 in low-power mode; in high-performance mode it means 12.5 Hz
_BDR_MHZ = _ODR_MHZ | {11: 6_500}
_MG_PER_LSB = {0: 0.061, 1: 0.488, 2: 0.122, 3: 0.244}  # 2, 16, 4, 8 g
_LOW_POWER_NOISE_MG = {0: 1.8, 1: 3.0, 2: 2.0, 3: 2.4}
_ULTRA_LOW_POWER_NOISE_MG = 5.5
_DENSITY_MG = {0: 0.070, 1: 0.110, 2: 0.075, 3: 0.080}  # mg per root hertz, high-performance mode
_SETTLING_SAMPLES = 2  # after power-down; they read 0x7FFF, which Linux's driver drops (>= 0x7FFD)
_RESET_US, _BOOT_US = 50, 10_000
_PPM_PER_TRIM_STEP = 1_500
_USER = 0x00

__all__ = ["Lsm6dsox", "NotModelledError"]


class Lsm6dsox:
    """One chip, powered at `start_us`, bolted to `motion`.

    `odr_error_ppm` is how much faster than nominal its oscillator runs: it samples so, and says so in
    INTERNAL_FREQ_FINE in steps of 0.15 %. `seed` decides its noise, sample by sample.
    """

    def __init__(
        self,
        motion: Motion,
        *,
        odr_error_ppm: int = 0,
        seed: int = 0,
        start_us: int = 0,
        temperature_c: float = 25.0,
    ) -> None:
        self._motion = motion
        self._seed = seed
        self._odr_error_ppm = odr_error_ppm
        self._temperature_c = temperature_c
        self._now_us = start_us
        self.faults = Faults()
        self._pointer = 0
        self._embedded = {0x80: bytearray(128), 0x40: bytearray(128)}
        self._power_up()

    def _power_up(self) -> None:
        self._regs = bytearray(128)
        for reg, value in _RESET_VALUES.items():
            self._regs[reg] = value
        trim = max(-128, min(127, round(self._odr_error_ppm / _PPM_PER_TRIM_STEP)))
        self._regs[_INTERNAL_FREQ_FINE] = trim & 0xFF
        self._fifo = TaggedFifo()
        self._sampling: Sampling | None = None
        self._seen = 0  # number of the sample the output registers gave last
        self._busy_until_us, self._busy_bit = 0, 0

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
            if self._bank() == _USER and self._increments() and _FIFO_TAG <= self._pointer <= _FIFO_Z_H:
                out += self._read_fifo(n - len(out))
            else:
                out.append(self._read_one(self._pointer))
                self._step()
        return bytes(out)

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

    # the pin

    def int1_level(self, now_us: int) -> int:
        """Return the level of INT1 at `now_us`; changes nothing."""
        level = self._int1_words()
        return int(level is not None and self._fifo.level(max(now_us, self._now_us)) >= level)

    def next_int1_us(self, now_us: int) -> int | None:
        """Return the earliest time >= `now_us` with INT1 high if nobody reads, None if it stays low."""
        level = self._int1_words()
        return None if level is None else self._fifo.reaches_us(level, max(now_us, self._now_us))

    def _int1_words(self) -> int | None:
        """Return how many words in the FIFO raise INT1: the lowest of the sources that are routed to it."""
        enabled = self._regs[_INT1_CTRL]
        sources = ((0x08, self._watermark()), (0x10, CAPACITY), (0x20, CAPACITY - 1))
        return min((words for bit, words in sources if enabled & bit and words), default=None)

    # inside

    def _settle(self, now_us: int) -> None:
        self._now_us = max(now_us, self._now_us)  # a burst ends after the time its next transfer was asked at
        self._fifo.settle(self._now_us)
        if self._busy_bit and self._now_us >= self._busy_until_us:
            self._busy_bit = 0

    def _bank(self) -> int:
        return self._regs[_FUNC_CFG_ACCESS] & 0xC0

    def _increments(self) -> bool:
        return bool(self._regs[_CTRL3_C] & 0x04)

    def _step(self) -> None:
        if self._increments():
            self._pointer = (self._pointer + 1) & 0x7F

    def _watermark(self) -> int:
        return self._regs[_FIFO_CTRL1] | (self._regs[_FIFO_CTRL2] & 1) << 8

    def _write_one(self, reg: int, value: int) -> None:
        if self._busy_bit & 0x01:  # a chip in reset does not listen
            return
        if self._bank() != _USER and reg != _FUNC_CFG_ACCESS:
            self._write_embedded(reg, value)
        elif reg not in _READ_ONLY:
            self._refuse(reg, value)
            self._regs[reg] = value
            self._act(reg, value)

    def _write_embedded(self, reg: int, value: int) -> None:
        if self._bank() == 0x80 and reg in {0x04, 0x05} and value:
            raise NotModelledError(
                f"LSM6DSOX embedded register 0x{reg:02x}=0x{value:02x}: embedded functions"
            )
        for code, bank in self._embedded.items():
            if self._bank() == code:
                bank[reg] = value

    def _refuse(self, reg: int, value: int) -> None:
        bits, what = _REFUSED.get(reg, (0, ""))
        if reg == _FIFO_CTRL4 and value & 7 not in {BYPASS, FIFO, CONTINUOUS}:
            bits, what = 0x07, "a FIFO mode other than bypass, FIFO and continuous"
        if reg == _CTRL1_XL and value >> 4 > 11:
            bits, what = 0xF0, "a reserved data rate"
        if value & bits:
            raise NotModelledError(f"LSM6DSOX register 0x{reg:02x}=0x{value:02x}: {what}")

    def _act(self, reg: int, value: int) -> None:
        if reg == _CTRL3_C:
            self._control(value)
        elif reg in {_CTRL1_XL, _CTRL5_C, _CTRL6_C}:
            self._resample()
        elif reg in {_FIFO_CTRL3, _FIFO_CTRL4}:
            self._batch()

    def _control(self, value: int) -> None:
        self._regs[_CTRL3_C] = value & 0x7E  # SW_RESET and BOOT clear themselves
        if value & 0x01:
            self._power_up()
            self._busy_until_us, self._busy_bit = self._now_us + _RESET_US, 0x01
        elif value & 0x80:
            self._busy_until_us, self._busy_bit = self._now_us + _BOOT_US, 0x80

    def _odr_mhz(self) -> int:
        code = self._regs[_CTRL1_XL] >> 4
        if code == 11:
            return _SLOW_ODR_MHZ if self._low_power() else _ODR_MHZ[1]
        return _ODR_MHZ.get(code, 0)

    def _low_power(self) -> bool:
        return bool(self._regs[_CTRL6_C] & 0x10 or self._regs[_CTRL5_C] & 0x80)

    def _noise_mg(self) -> float:
        scale = self._regs[_CTRL1_XL] >> 2 & 3
        if self._regs[_CTRL5_C] & 0x80:
            return _ULTRA_LOW_POWER_NOISE_MG
        if self._low_power():
            return _LOW_POWER_NOISE_MG[scale]
        bandwidth_hz = self._odr_mhz() / 2000
        return float(_DENSITY_MG[scale] * (1.57 * bandwidth_hz) ** 0.5)

    def _resample(self) -> None:
        before = self._sampling
        self._sampling = self._sampling_now(before) if self._odr_mhz() else None
        if self._sampling != before:
            self._seen = 0 if before is None else self._seen
            self._batch()

    def _sampling_now(self, before: Sampling | None) -> Sampling:
        period_ns = round(
            10**18 / (self._odr_mhz() * (1_000_000 + self._odr_error_ppm + self.faults.odr_ppm))
        )
        start_us, settling = self._now_us, _SETTLING_SAMPLES
        if before is not None and before.period_ns == period_ns:
            start_us = before.start_us  # a new range or power mode does not move the samples
        elif before is not None:
            settling = 0
        scale = self._regs[_CTRL1_XL] >> 2 & 3
        return Sampling(
            self._motion, self._seed, start_us, period_ns, _MG_PER_LSB[scale], self._noise_mg(), settling,
            self.faults,
        )  # fmt: skip

    def _batch(self) -> None:
        bdr_mhz = _BDR_MHZ.get(self._regs[_FIFO_CTRL3] & 0x0F, 0)
        source = self._sampling if bdr_mhz else None
        step = max(1, round(self._odr_mhz() / bdr_mhz)) if bdr_mhz else 1
        self._fifo.configure(self._regs[_FIFO_CTRL4] & 7, source, step, self._now_us)

    # reading

    def _read_fifo(self, n: int) -> bytes:
        offset = self._pointer - _FIFO_TAG
        self._pointer = _FIFO_TAG + (offset + n) % 7
        return self._fifo.read(offset, n)

    def _read_one(self, reg: int) -> int:
        if self._bank() != _USER and reg != _FUNC_CFG_ACCESS:
            return self._embedded.get(self._bank(), bytes(128))[reg]
        if reg == _CTRL3_C:
            return self._regs[reg] | self._busy_bit
        if _FIFO_TAG <= reg <= _FIFO_Z_H:
            return self._fifo.read(reg - _FIFO_TAG, 1)[0]
        if _OUTX_L_A <= reg <= _OUTZ_H_A:
            return self._read_output(reg - _OUTX_L_A)
        return self._read_status(reg)

    def _read_output(self, at: int) -> int:
        newest = self._sampling.latest(self._now_us) if self._sampling else 0
        if self._sampling is None or newest == 0:
            return 0
        self._seen = newest
        return int(self._sampling.raw(newest, 1).astype("<i2").tobytes()[at])

    def _read_status(self, reg: int) -> int:
        if reg == _STATUS:
            return int(self._sampling is not None and self._sampling.latest(self._now_us) > self._seen)
        if reg in {_OUT_TEMP_L, _OUT_TEMP_H}:
            raw = max(-32768, min(32767, round((self._temperature_c - 25.0) * 256)))
            return raw >> 8 * (reg - _OUT_TEMP_L) & 0xFF
        if reg == _FIFO_STATUS1:
            return len(self._fifo) & 0xFF
        if reg == _FIFO_STATUS2:
            return self._fifo_status2()
        return self._regs[reg]

    def _fifo_status2(self) -> int:
        words, latched = len(self._fifo), self._fifo.overrun_latched
        self._fifo.overrun_latched = False
        reached = 0 < self._watermark() <= words
        full, overrun = words >= CAPACITY - 1, words >= CAPACITY
        return reached << 7 | overrun << 6 | full << 5 | latched << 3 | words >> 8
