"""LIS2DW12: 12.5 Hz, +-8 g, FIFO of 32 samples with a level interrupt at 24: a window takes several wakes."""

from collar.imu.base import Imu
from herdcore.compat import const
from herdcore.vocabulary import IMU_LIS2DW12

# Registers and bits: ST lis2dw12 datasheet DS12285, section 8.
_CTRL1 = const(0x20)  # 7:4 rate, 3:2 mode, 1:0 low-power mode
_CTRL2 = const(0x21)  # bit 6 reset, 3 block data update, 2 auto-increment
_CTRL4_INT1 = const(0x23)  # bit 1: FIFO threshold
_CTRL6 = const(0x25)  # 5:4 full scale
_FIFO_CTRL = const(0x2E)  # 7:5 mode, 4:0 threshold
_FIFO_SAMPLES = const(0x2F)  # bit 7 threshold, 6 overrun, 5:0 samples
_CTRL7 = const(0x3F)  # bit 5: interrupts on

_SOFT_RESET = const(0x40)
_BDU_IF_INC = const(0x0C)
_INT1_FTH = const(0x02)
_FS8 = const(0x20)
_INTERRUPTS = const(0x20)
_CONTINUOUS = const(0xC0)
# Low-power mode 4, 14 bits: 1.3 mg of noise an axis. Mode 1 saves 4 uA and has 4.5 mg, as much as the relay
# takes for movement.
_ODR12_LP4 = const(0x23)
_OVERRUN = const(0x40)
_COUNT = const(0x3F)
_WATERMARK = const(24)
_RESET_POLLS = const(50)


class Lis2dw12(Imu):
    """Driver of one LIS2DW12. 24 samples a wake (1.9 s); 8 (0.6 s) stay free, so an upload is a gap."""

    chip = IMU_LIS2DW12
    name = "LIS2DW12"
    addresses = (0x18, 0x19)
    depth = 32
    watermark = _WATERMARK
    wake_at = 28
    _fifo_at = 0x28  # a burst rolls over from 0x2D to 0x28
    _id_at = 0x0F
    _id = 0x44

    def start(self) -> None:
        """Reset the chip and begin to fill the FIFO."""
        self._write(_CTRL2, _SOFT_RESET)
        self._await_reset(_CTRL2, _SOFT_RESET, _RESET_POLLS)
        self._write(_CTRL2, _BDU_IF_INC)
        self._write(_CTRL6, _FS8)
        self._write(_CTRL4_INT1, _INT1_FTH)
        self._write(_CTRL7, _INTERRUPTS)
        self._write(_FIFO_CTRL, _CONTINUOUS | _WATERMARK)
        self._write(_CTRL1, _ODR12_LP4)
        self._begin()

    def stop(self) -> None:
        """Power down."""
        self._write(_CTRL1, 0)

    def count(self) -> int:
        """Return the samples that wait in the FIFO (0..32) and remember whether it overran."""
        held = self._read(_FIFO_SAMPLES)
        if held & _OVERRUN:
            self._overrun = True
        return held & _COUNT
