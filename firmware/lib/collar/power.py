"""The battery: what is left, for how many days, and what to do about it.

State of charge is read from the voltage at rest, which in the cold and under load is lower than the charge
would have it; the highest reading of a day is what counts. Eight days of those give the forecast.
"""

import struct

from herdcore.compat import const

UNKNOWN_DAYS = 0xFFFF
DAYS_MAX = 1_500  # four years: less than self-discharge takes is not known

# Open-circuit voltage of a Li-ion cell from full to empty, a tenth of the charge each (Meshtastic, power.h).
_OPEN_MV = (4190, 4050, 3990, 3890, 3800, 3720, 3630, 3530, 3420, 3300, 3100)
_COLD_MV_PER_C = const(3)  # below freezing; an estimate
_PLAUSIBLE_MV = const(2_800)  # a board does not run on less: the divider is not there, and nothing follows
_TRANSMIT_MV = const(3_300)
_SAG_MV = const(120)  # until it has been measured in this boot
_DAYS = const(8)
_FORM = "<8H"
_DAY_S = const(86_400)
_CHARGED_PERMILLE = const(50)  # more than readings err by: somebody has charged the cell

_LOW_PERMILLE = const(250)
_LAST_PERMILLE = const(100)
_LOW_DAYS = const(45)
_PERIOD_MAX_S = const(21_600)


def charge_permille(open_mv: int) -> int:
    """Return the state of charge at a voltage without load, 1..1000."""
    for step in range(1, len(_OPEN_MV)):
        below_mv = _OPEN_MV[step]
        if open_mv >= below_mv:
            gained = (open_mv - below_mv) * 100 // (_OPEN_MV[step - 1] - below_mv)
            return max(1, min(1000, 1000 - 100 * step + gained))
    return 1


class Power:
    """`kept`: a Retained. `batt_mv`: the last reading without the radio, 0 before the first."""

    def __init__(self, kept) -> None:
        self._kept = kept
        self.batt_mv = 0
        self.sag_mv = _SAG_MV  # with the radio on

    def measure(self, board, now_s: int, is_loaded: bool) -> None:
        """Read the voltage, the median of three: one may fall on a burst. `is_loaded`: the radio is on."""
        read_mv = sorted([board.battery_mv() for _ in range(3)])[1]
        if is_loaded:
            self.sag_mv = max(0, self.batt_mv - read_mv)
            return
        self.batt_mv = read_mv
        if read_mv >= _PLAUSIBLE_MV:
            cold_mv = _COLD_MV_PER_C * max(0, -board.temperature_c())
            self._note(now_s // _DAY_S + 1, charge_permille(read_mv + cold_mv))

    def _days(self):
        """Return the charge at the last eight days, newest first, permille; 0 where there is none."""
        return struct.unpack(_FORM, self._kept["batt_permille"])

    def _note(self, day: int, permille: int) -> None:
        kept, days = self._kept, self._days()
        passed = min(max(0, day - kept["batt_day"]), _DAYS)
        if days[0] and permille > days[0] + _CHARGED_PERMILLE:
            days, passed = (0,) * _DAYS, 0
        days = ((0,) * passed + days)[:_DAYS]
        kept["batt_permille"] = struct.pack(_FORM, max(days[0], permille), *days[1:])
        kept["batt_day"] = day  # an uptime that begins anew goes on at the day that was running

    @property
    def permille(self) -> int:
        """Charge left; 0 while unknown."""
        return self._days()[0]

    @property
    def days_left(self) -> int:
        """By the line through the last eight days; UNKNOWN_DAYS before there are two."""
        days = self._days()
        count = ages = values = squares = products = oldest = 0
        for age in range(_DAYS):
            value = days[age]
            if value:
                count, oldest = count + 1, age
                ages, values = ages + age, values + value
                squares, products = squares + age * age, products + age * value
        if oldest < 2 or not days[0]:
            return UNKNOWN_DAYS
        spread = count * squares - ages * ages
        fall = count * products - ages * values  # spread times what a day takes
        return min(days[0] * spread // fall, DAYS_MAX) if fall > 0 else DAYS_MAX

    def stretched(self, period_s: int) -> int:
        """Return the upload period that the battery allows: twice or four times as long when it runs low."""
        permille, factor = self.permille, 1
        if permille and (permille < _LOW_PERMILLE or self.days_left < _LOW_DAYS):
            factor = 4 if permille < _LAST_PERMILLE else 2
        return max(period_s, min(factor * period_s, _PERIOD_MAX_S))

    def may_transmit(self) -> bool:
        """Return whether the cell would hold its voltage with the radio on; not known counts as yes."""
        return self.batt_mv < _PLAUSIBLE_MV or self.batt_mv - self.sag_mv >= _TRANSMIT_MV
