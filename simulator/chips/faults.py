"""What goes wrong with an accelerometer: eight kinds, the same on every model.

`inject(kind, chip, bus, now_us)` begins a fault; it lasts until the chip gets other faults or the bus is
mended. What it does to samples is a pure function of their time, so the models stay lazy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.i2c import Bus

NEVER_US = 1 << 62
GARBAGE_SAMPLES = 25  # two seconds; a sound chip takes two samples
_SCALE = 2.0  # what one wrong bit of the range does
_ODR_PPM = 200_000
_RAIL = 32_767


class FaultKind(StrEnum):
    """The kinds, as the collar tells them apart."""

    NACK = "nack"
    STUCK_SDA = "stuck-sda"
    START_UP = "start-up"
    SATURATION = "saturation"
    FROZEN_AXIS = "frozen-axis"
    WRONG_SCALE = "wrong-scale"
    ODR_ERROR = "odr-error"
    FIFO_OVERRUN = "fifo-overrun"


@dataclass(frozen=True)
class Faults:
    """What is wrong with a chip's front end, each from a time on, us; `axis` is 0, 1 or 2."""

    axis: int = 2
    garbage: int = 0  # samples at the rail after every start
    rail_from_us: int = NEVER_US
    frozen_from_us: int = NEVER_US
    scale_from_us: int = NEVER_US
    odr_ppm: int = 0  # faster than its trim says

    def spoil(self, counts: NDArray[np.float64], times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, 3) counts as the faulty front end gives them; not yet clipped."""
        counts = np.where((times_us >= self.scale_from_us)[:, None], counts * _SCALE, counts)
        counts[times_us >= self.frozen_from_us, self.axis] = 4_000.0  # any value a chip could give
        counts[times_us >= self.rail_from_us, self.axis] = _RAIL
        return counts


NO_FAULTS = Faults()


class Faulty(Protocol):
    """A chip model that takes faults."""

    faults: Faults

    def set_faults(self, faults: Faults, now_us: int) -> None:
        """Begin with these at `now_us`."""

    def flood(self, now_us: int) -> None:
        """Fill the FIFO beyond its end at once, as if nobody had read for its whole depth."""


def inject(kind: FaultKind, chip: Faulty, bus: Bus, now_us: int) -> None:
    """Let one fault begin now."""
    changes: dict[FaultKind, dict[str, int]] = {
        FaultKind.START_UP: {"garbage": GARBAGE_SAMPLES},
        FaultKind.SATURATION: {"rail_from_us": now_us},
        FaultKind.FROZEN_AXIS: {"frozen_from_us": now_us},
        FaultKind.WRONG_SCALE: {"scale_from_us": now_us},
        FaultKind.ODR_ERROR: {"odr_ppm": _ODR_PPM},
    }
    if kind is FaultKind.NACK:
        bus.leave_unanswered()
    elif kind is FaultKind.STUCK_SDA:
        bus.hold_sda()
    elif kind is FaultKind.FIFO_OVERRUN:
        chip.flood(now_us)
    else:
        chip.set_faults(replace(chip.faults, **changes[kind]), now_us)
