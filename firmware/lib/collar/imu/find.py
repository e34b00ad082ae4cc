"""Which accelerometer is on the bus: one image serves every board."""

from collar.imu.base import SensorError
from collar.imu.lsm6dsox import Lsm6dsox
from herdcore.compat import const

_NOT_KNOWN = const(0)


def _drivers():
    """Yield the drivers, the likeliest first; the others take no heap unless somebody comes so far."""
    yield Lsm6dsox
    from collar.imu.mpu6050 import Mpu6050

    yield Mpu6050
    from collar.imu.lis2dw12 import Lis2dw12

    yield Lis2dw12


def find(bus, pause_ms, raw, known: int = _NOT_KNOWN):
    """Return the driver of the chip that answers, with `raw` as its buffer (3136 bytes serve all).

    `known`: vocabulary id of the chip that was found before in this boot; only that one is asked for.
    Raises the OSError of the last address asked, a SensorError if it was another chip.
    """
    absent = SensorError("no sensor")
    for driver in _drivers():
        if known not in (_NOT_KNOWN, driver.chip):
            continue
        for address in driver.addresses:
            imu = driver(bus, pause_ms, address, raw)
            try:
                imu.probe()
                return imu
            except OSError as exc:
                absent = exc
    raise absent
