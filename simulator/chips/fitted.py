"""The accelerometers that a board can have, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chips.lis2dw12 import Lis2dw12
from simulator.chips.lsm6dsox import Lsm6dsox
from simulator.chips.mpu6050 import Mpu6050

if TYPE_CHECKING:
    from simulator.motion import Motion

Accelerometer = Lsm6dsox | Mpu6050 | Lis2dw12

_ADDRESSES = {"lsm6dsox": 0x6A, "mpu6050": 0x68, "lis2dw12": 0x18}  # address pin to ground
IMUS = tuple(_ADDRESSES)


def fit(
    name: str, motion: Motion, *, odr_error_ppm: int = 0, seed: int = 0, start_us: int = 0
) -> tuple[Accelerometer, int]:
    """Return a chip bolted to `motion`, and its I2C address. Raises ValueError for an unknown name."""
    made: dict[str, type[Accelerometer]] = {"lsm6dsox": Lsm6dsox, "mpu6050": Mpu6050, "lis2dw12": Lis2dw12}
    if name not in made:
        raise ValueError(f"imu={name!r} is not one of {', '.join(IMUS)}")
    chip = made[name](motion, odr_error_ppm=odr_error_ppm, seed=seed, start_us=start_us)
    return chip, _ADDRESSES[name]
