"""What belongs to a board beside its program: the chip of the ESP32 family, and the cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32


class Soc(NamedTuple):
    """What a chip of the family can do; GPIO numbers. Source: ports/esp32 and Espressif's data sheets."""

    number: int
    gpios: range
    wakes: tuple[frozenset[int], frozenset[int]]  # for wake_on_ext1, for wake_on_gpio


SOCS = {
    "esp32s3": Soc(1, range(49), (frozenset(range(22)), frozenset(range(49)))),
    "esp32c3": Soc(2, range(22), (frozenset(), frozenset(range(6)))),
}


# Open-circuit voltage from full to empty in equal steps of charge, mV.
LI_ION_MV = (4190, 4050, 3990, 3890, 3800, 3720, 3630, 3530, 3420, 3300, 3100)  # Meshtastic, power.h
LI_PO_MV = (4200, 4110, 4020, 3950, 3870, 3840, 3800, 3770, 3730, 3690, 3270)  # usual chart of pouch cells
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Battery:
    """A lithium cell behind a divider: its voltage falls with time and sags under load and in the cold.

    It falls by `fall_mv_per_day`, or along `curve_mv` to its end in `life_days`. The ADC is wrong by up to
    `noise_mv`.
    """

    full_mv: int = 4_150
    fall_mv_per_day: int = 8
    awake_sag_mv: int = 15
    radio_sag_mv: int = 110
    cold_sag_mv_per_c: int = 3  # below freezing
    divider: int = 2
    curve_mv: tuple[int, ...] = ()
    life_days: float = 365
    noise_mv: int = 0

    def uv_at_pin(self, now_us: int, *, radio: bool, ambient_c: int) -> int:
        """Return what the ADC pin sees, uV."""
        sag_mv = self.radio_sag_mv if radio else self.awake_sag_mv
        cold_mv = self.cold_sag_mv_per_c * max(0, -ambient_c)
        wrong_mv = crc32(b"%d" % now_us) % (2 * self.noise_mv + 1) - self.noise_mv
        return max(0, self.open_mv(now_us) - sag_mv - cold_mv + wrong_mv) * 1000 // self.divider

    def open_mv(self, now_us: int) -> int:
        """Return the cell's own voltage, without load and not cold."""
        if not self.curve_mv:
            return self.full_mv - self.fall_mv_per_day * now_us // _DAY_US
        steps = len(self.curve_mv) - 1
        at = min(now_us / (self.life_days * _DAY_US), 1.0) * steps
        step = min(int(at), steps - 1)
        above, below = self.curve_mv[step : step + 2]
        return round(above + (below - above) * (at - step))
