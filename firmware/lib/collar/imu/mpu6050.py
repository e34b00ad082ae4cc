"""MPU-6050: 12.5 Hz, +-8 g, FIFO of 1024 bytes = 170 samples, no watermark: the timer wakes the collar."""

from collar.imu.base import Imu
from herdcore.compat import const
from herdcore.vocabulary import IMU_MPU6050

# Registers and bits: InvenSense RM-MPU-6000A-00.
_SMPLRT_DIV = const(0x19)  # rate = 1 kHz / (1 + this)
_CONFIG = const(0x1A)  # 2:0 low-pass filter
_ACCEL_CONFIG = const(0x1C)  # 4:3 full scale
_FIFO_EN = const(0x23)  # bit 3: accelerometer
_INT_STATUS = const(0x3A)  # bit 4: FIFO overflow; reading clears
_USER_CTRL = const(0x6A)  # bit 6: FIFO on, 2: FIFO reset, which works only while it is off
_PWR_MGMT_1 = const(0x6B)  # bit 7 reset, 6 sleep, 3 thermometer off
_PWR_MGMT_2 = const(0x6C)  # 2:0 gyroscopes off
_FIFO_COUNT = const(0x72)  # big-endian, bytes

_RESET = const(0x80)
_SLEEP = const(0x40)
_TEMP_OFF = const(0x08)
_GYROS_OFF = const(0x07)
_DIV_12HZ5 = const(79)
_LOW_PASS_5HZ = const(6)  # half the rate is 6.25 Hz
_FS8 = const(0x10)
_FIFO_ACCEL = const(0x08)
_FIFO_ON = const(0x40)
_FIFO_RESET = const(0x04)
_OVERFLOW = const(0x10)
_RESET_MS = const(100)
# A sample more may come while a burst of 128 is on the wire; 170 samples are 1020 of the 1024 bytes.
_SAFE_BYTES = const(1014)


class Mpu6050(Imu):
    """Driver of one MPU-6050. Two windows a drain; 42 samples (3.4 s) stay free."""

    chip = IMU_MPU6050
    name = "MPU-6050"
    addresses = (0x68, 0x69)
    depth = 170
    watermark = 128
    wake_at = 136
    has_line = False
    _fifo_at = 0x74
    _low = 1
    _id_at = 0x75
    _id = 0x68

    def start(self) -> None:
        """Reset the chip and begin to fill the FIFO."""
        self._write(_PWR_MGMT_1, _RESET)
        self._pause_ms(_RESET_MS)
        self._await_reset(_PWR_MGMT_1, _RESET, _RESET_MS)
        self._write(_PWR_MGMT_1, _TEMP_OFF)
        self._write(_PWR_MGMT_2, _GYROS_OFF)
        self._write(_SMPLRT_DIV, _DIV_12HZ5)
        self._write(_CONFIG, _LOW_PASS_5HZ)
        self._write(_ACCEL_CONFIG, _FS8)
        self._write(_FIFO_EN, _FIFO_ACCEL)
        self._empty()
        self._begin()

    def stop(self) -> None:
        """Put the chip to sleep."""
        self._write(_PWR_MGMT_1, _SLEEP)

    def count(self) -> int:
        """Return the samples that wait (0..169).

        1024 is not a multiple of 6: once the FIFO has overflowed nobody knows where a sample begins. Then it
        is emptied, and flags() tells.
        """
        status = self._read(_INT_STATUS)
        pair = self._read_pair(_FIFO_COUNT)
        held = pair[0] << 8 | pair[1]
        if status & _OVERFLOW or held > _SAFE_BYTES:
            self._empty()
            self._overrun = True
            return 0
        return held // 6

    def _empty(self) -> None:
        self._write(_USER_CTRL, 0)
        self._write(_USER_CTRL, _FIFO_RESET)
        self._write(_USER_CTRL, _FIFO_ON)
        self._read(_INT_STATUS)
