"""Finds out that the sensor lies. What it tells travels: the upper byte of Health.sensor_faults.

A window that no cow can make is held back at once, and so is every window of a chip whose range or rate is
known to be wrong: a gap is never taken for a cow that does not move, an axis that stands still would be.
"""

from collar.imu.base import SensorError
from herdcore.compat import const
from herdcore.frames import WINDOW_BYTES

# Kinds of fault, one bit each; append only.
NO_ANSWER = const(0x01)
BUS_STUCK = const(0x02)
START_UP = const(0x04)
SATURATED = const(0x08)
FROZEN = const(0x10)
SCALE = const(0x20)
RATE = const(0x40)
OVERRUN = const(0x80)

# Half a minute of windows that cannot be is a fault, and the chip is started anew: a brown-out may have cost
# it its settings. If that does not help, again every hour.
_FOUND_AFTER = const(6)
_AGAIN_AFTER = const(720)
# The mean of 5 s is gravity within a few percent, whatever a cow does; zero offsets and poor calibration move
# it by a fifth. The worst of the recorded cows (wasp-cow-collar) has 530 to 1492 mg, but not for a minute. A
# wrong range is a factor of 2 or more.
_LEAST_16MG = const(37)  # 592 mg
_MOST_16MG = const(100)  # 1600 mg
_SCALE_AFTER = const(12)
_RAIL_16MG = const(127)  # a mean of 2 g for 5 s is no cow's
_RAIL_MAD = const(191)  # nor is a mean deviation of 4 g


class Watch:
    """kinds: faults found since take(). `told`: those the relay was told out of turn (the owner's to set)."""

    def __init__(self) -> None:
        self.kinds = 0
        self.told = 0
        self._impossible = 0  # windows in a row that cannot be
        self._odd = 0  # windows in a row without a gravity of 1 g

    def state(self) -> bytes:
        """Return what a deep sleep must not lose, 6 bytes."""
        run = self._impossible
        return bytes((self.kinds, self.told, run & 0xFF, run >> 8, self._odd, 0))

    def restore(self, raw) -> None:
        """Go on from a state(); zeros are a new watch."""
        self.kinds, self.told = raw[0], raw[1]
        self._impossible = raw[2] | raw[3] << 8
        self._odd = raw[4]

    def found(self, kinds: int) -> None:
        """Note faults."""
        self.kinds |= kinds

    def take(self) -> int:
        """Return the kinds since the last call, and forget them; what is still wrong is found again."""
        kinds = self.kinds
        self.kinds = 0
        return kinds

    def judge(self, packed, windows: int, is_off_rate: bool) -> bool:
        """Return whether the windows at the beginning of `packed` may be told.

        Raises SensorError when the chip should be started anew.
        """
        is_good = True
        for i in range(windows):
            kinds = impossible(packed, i * WINDOW_BYTES) | (RATE if is_off_rate else 0)
            self._odd = min(self._odd + 1, _SCALE_AFTER) if _is_odd(packed, i * WINDOW_BYTES) else 0
            if self._odd >= _SCALE_AFTER and not kinds & SATURATED:
                kinds |= SCALE
            if kinds:
                is_good = False
                self._count(kinds)
            else:
                self._impossible = 0
        return is_good

    def _count(self, kinds: int) -> None:
        run = self._impossible = self._impossible + 1
        if kinds & SCALE or run >= _FOUND_AFTER:
            self.found(kinds)
        if run == 2 * _AGAIN_AFTER:
            self._impossible = _AGAIN_AFTER  # it stays a number of two bytes
        if run == _FOUND_AFTER or run % _AGAIN_AFTER == 0:
            raise SensorError("windows that cannot be: kinds 0x%02x, %d in a row" % (kinds, run))


def impossible(packed, at: int) -> int:
    """Return SATURATED or FROZEN if an axis of the window at `at` cannot be real, else 0.

    Every chip has noise of 1 mg or more: 64 equal samples on an axis are no measurement.
    """
    kinds = 0
    for axis in range(at, at + 3):
        stands = not (packed[axis + 3] or packed[axis + 6] or packed[axis + 9])
        mean = packed[axis]
        if packed[axis + 3] >= _RAIL_MAD or (stands and mean in (_RAIL_16MG, 256 - _RAIL_16MG - 1)):
            return SATURATED
        if stands:
            kinds = FROZEN
    return kinds


def _is_odd(packed, at: int) -> bool:
    total = 0
    for axis in range(at, at + 3):
        mean = packed[axis] - (256 if packed[axis] & 0x80 else 0)
        total += mean * mean
    return not _LEAST_16MG * _LEAST_16MG <= total <= _MOST_16MG * _MOST_16MG
