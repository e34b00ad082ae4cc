"""What belongs to a board beside its program: the chip of the ESP32 family, and the cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Soc(NamedTuple):
    """What a chip of the family can do; GPIO numbers. Source: ports/esp32 and Espressif's data sheets."""

    number: int
    gpios: range
    wakes: tuple[frozenset[int], frozenset[int]]  # for wake_on_ext1, for wake_on_gpio


SOCS = {
    "esp32s3": Soc(1, range(49), (frozenset(range(22)), frozenset(range(49)))),
    "esp32c3": Soc(2, range(22), (frozenset(), frozenset(range(6)))),
}


@dataclass(frozen=True, slots=True)
class Battery:
    """A lithium cell behind a divider: its voltage falls with time and sags under load and in the cold."""

    full_mv: int = 4_150
    fall_mv_per_day: int = 8
    awake_sag_mv: int = 15
    radio_sag_mv: int = 110
    cold_sag_mv_per_c: int = 3  # below freezing
    divider: int = 2

    def uv_at_pin(self, now_us: int, *, radio: bool, ambient_c: int) -> int:
        """Return what the ADC pin sees, uV."""
        fallen_mv = self.fall_mv_per_day * now_us // 86_400_000_000
        sag_mv = self.radio_sag_mv if radio else self.awake_sag_mv
        cold_mv = self.cold_sag_mv_per_c * max(0, -ambient_c)
        return max(0, self.full_mv - fallen_mv - sag_mv - cold_mv) * 1000 // self.divider
