"""LSM6DSOX: 12.5 Hz, +-8 g, low power, continuous FIFO of 512 words with a level interrupt at 448."""

from collar.imu.base import Imu
from herdcore import kernels
from herdcore.compat import const
from herdcore.vocabulary import IMU_LSM6DSOX

# Seven windows of 64 samples; 64 words (5 s) stay free for the time a drain or an upload takes.
WATERMARK = 448

# Registers and bits: ST lsm6dsox datasheet DS12814, sections 9 and 6.
_FIFO_CTRL1 = const(0x07)  # watermark, bits 7:0
_FIFO_CTRL2 = const(0x08)  # bit 0: watermark bit 8
_FIFO_CTRL3 = const(0x09)  # 3:0 batch rate of the accelerometer
_FIFO_CTRL4 = const(0x0A)  # 2:0 mode
_INT1_CTRL = const(0x0D)  # bit 3: FIFO threshold
_WHO_AM_I = const(0x0F)
_CTRL1_XL = const(0x10)  # 7:4 rate, 3:2 full scale
_CTRL2_G = const(0x11)
_CTRL3_C = const(0x12)  # bit 0 reset, 2 auto-increment, 6 block data update
_CTRL6_C = const(0x15)  # bit 4: accelerometer low power
_CTRL9_XL = const(0x18)  # bit 1: I3C off
_FIFO_STATUS1 = const(0x3A)
_FREQ_FINE = const(0x63)  # signed trim of the oscillator, 0.15 % a step
_FIFO_TAG = const(0x78)  # tag byte, then x, y, z: little-endian int16; a burst rolls over from 0x7E to 0x78

_SW_RESET = const(0x01)
_BDU_IF_INC = const(0x44)
_I3C_DISABLE = const(0x02)  # INT1 doubles as the I3C mode switch
_XL_LOW_POWER = const(0x10)
_ODR12_FS8 = const(0x1C)
_BATCH_12HZ5 = const(0x01)
_CONTINUOUS = const(0x06)
_INT1_FIFO_TH = const(0x08)
_STATUS2_OVERRUN = const(0x48)  # overrun now (6) or since the last look (3)

_WORD = const(7)
_TAG_ACCEL = const(2)
_RESET_POLLS = const(50)


class Lsm6dsox(Imu):
    """Driver of one LSM6DSOX. `pause_ms(ms)` is the board's wait; nothing else is asked of it."""

    chip = IMU_LSM6DSOX
    name = "LSM6DSOX"
    addresses = (0x6A, 0x6B)
    depth = 512
    watermark = WATERMARK
    wake_at = WATERMARK + 16
    _word = _WORD
    _id_at = _WHO_AM_I
    _id = 0x6C

    def start(self) -> None:
        """Reset the chip and begin to batch samples."""
        self._write(_CTRL3_C, _SW_RESET)
        self._await_reset(_CTRL3_C, _SW_RESET, _RESET_POLLS)
        self._write(_CTRL3_C, _BDU_IF_INC)
        self._set_bits(_CTRL9_XL, _I3C_DISABLE)
        self._write(_CTRL2_G, 0)
        self._set_bits(_CTRL6_C, _XL_LOW_POWER)
        self._write(_FIFO_CTRL1, WATERMARK & 0xFF)
        self._write(_FIFO_CTRL2, WATERMARK >> 8)
        self._write(_FIFO_CTRL3, _BATCH_12HZ5)
        self._write(_INT1_CTRL, _INT1_FIFO_TH)
        self._write(_CTRL1_XL, _ODR12_FS8)
        self._write(_FIFO_CTRL4, _CONTINUOUS)
        self.period_us = self._trimmed_period_us()
        self._begin()

    def stop(self) -> None:
        """Power down."""
        self._write(_CTRL1_XL, 0)

    def _trimmed_period_us(self) -> int:
        """True rate = nominal * (1 + 0.0015 * trim), DS12814 section 9.55."""
        trim = self._read(_FREQ_FINE)
        if trim >= 128:
            trim -= 256
        return 80_000 * 10_000 // (10_000 + 15 * trim)

    def count(self) -> int:
        """Return the words that wait in the FIFO (0..512) and remember whether it overran."""
        status = self._read_pair(_FIFO_STATUS1)
        if status[1] & _STATUS2_OVERRUN:
            self._overrun = True
        return status[0] | (status[1] & 0x03) << 8

    def drain_into(self, out, at: int, n: int) -> int:
        """Read n (<= 448) words in one burst and write the samples to array('h') `out` from element `at`.

        Words of other sensors are skipped, and so is what comes before the first settled sample; a clipped
        sample later on is a real one (head shakes reach 11 g). Returns the number of triples written.
        """
        self._burst(_FIFO_TAG, n)
        first = 0 if self._settled else self._unsettled(n)
        return kernels.unpack_tagged(self.raw, first, n, out, at)

    def _word_settles(self, i: int) -> bool:
        """Return whether the word at `i` is a settled sample; one of another sensor never is."""
        raw = self.raw
        if raw[i] >> 3 != _TAG_ACCEL:
            return False
        return self._settles(
            raw[i + 1] | raw[i + 2] << 8, raw[i + 3] | raw[i + 4] << 8, raw[i + 5] | raw[i + 6] << 8
        )
