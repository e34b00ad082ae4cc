"""Radio, clock and battery of a collar in figures, by simulation: `python -m tests.bench.firmware_radio`."""

from __future__ import annotations

import random
import statistics

from collar.power import UNKNOWN_DAYS, Power
from collar.retained import Retained
from collar.timebase import Timebase
from simulator.collarhost.soc import LI_ION_MV, LI_PO_MV, Battery
from simulator.coverage import coverage
from tests.collar.radio_scene import DAY_S, HOUR_S, SECOND_US, START_MS, RadioScene

CLOCK_PPM = 50_000
LATE_MS = 2_000  # what an ack spends on its way, at most
COLLARS = 2
LEARNT_DAYS = 4
DAYS = 14
LIFE_DAYS = 365


def clock_error_s_per_hour(seed):
    """Return the error of an age per hour, s, on a clock 5 % slow: as it is, and after two acks."""
    draw = random.Random(seed)
    base = Timebase(Retained(bytearray(2048)))

    def up_ms(utc_s, late_ms=0):
        return (1000 * utc_s + late_ms) * (1_000_000 - CLOCK_PPM) // 1_000_000

    def error_s_per_hour():
        hours = 24
        now_s = up_ms(HOUR_S * (hours + 2)) // 1000
        return abs(base.age_s(up_ms(2 * HOUR_S) // 1000, now_s) - hours * HOUR_S) / hours

    before_s = error_s_per_hour()
    for utc_s in (0, HOUR_S * 11 // 10):
        base.ack(up_ms(utc_s, draw.randrange(LATE_MS)), START_MS + 1000 * utc_s)
    return before_s, error_s_per_hour()


class _Cell:
    """A board with a cell on a discharge of a year: noise, cold nights, the radio now and then."""

    def __init__(self, curve_mv, seed):
        self.battery = Battery(curve_mv=curve_mv, life_days=LIFE_DAYS, noise_mv=4)
        self._draw = random.Random(seed)
        self._cold_c = 0
        self.now_us = 0

    def go_to(self, now_s):
        self.now_us, self._cold_c = now_s * SECOND_US, self._draw.randrange(-12, 15)

    def battery_mv(self):
        self.now_us += 1_000
        uv = self.battery.uv_at_pin(self.now_us, radio=False, ambient_c=self._cold_c)
        return uv * self.battery.divider // 1000

    def temperature_c(self):
        return self._cold_c + 4  # the chip warms itself


def forecast_error_share(seed, curve_mv=LI_ION_MV):
    """Return the median of |forecast - truth| / truth over a discharge, measured four times a day."""
    made, cell, errors = Power(Retained(bytearray(2048))), _Cell(curve_mv, seed), []
    for quarter in range(4 * LIFE_DAYS * 9 // 10):
        cell.go_to(quarter * DAY_S // 4)
        made.measure(cell, quarter * DAY_S // 4, False)
        left_days = LIFE_DAYS - quarter / 4
        if quarter >= 32 and made.days_left != UNKNOWN_DAYS:
            errors.append(abs(made.days_left - left_days) / left_days)
    return statistics.median(errors)


def contact(name, seed, clock_ppm=0, days=DAYS):
    """Return (share of visits with contact, first contact after days, C a day that failed tries took)."""
    used, first_days, failed_c = [], [], []
    for collar in range(COLLARS):
        near = coverage(name, seed + collar, LEARNT_DAYS + days)
        scene = RadioScene(seed=seed, device=1 + 7919 * collar, coverage=near, clock_ppm=clock_ppm)
        scene.live(LEARNT_DAYS)
        learnt_mc = scene.failed_mc()
        scene.live(days)
        used += scene.visits_used(near)
        first_days.append(scene.contacts_us[0] / (DAY_S * SECOND_US))
        failed_c.append((scene.failed_mc() - learnt_mc) / days / 1000)
    return sum(used) / len(used), max(first_days), sum(failed_c) / len(failed_c)


def figures(seed):
    """Return the figures by their keys in build/bench/firmware.json."""
    before_s, after_s = clock_error_s_per_hour(seed)
    share, first_days, parlour_c = contact("parlour", seed)
    return {
        "clock_error_s_per_hour_before": round(before_s, 1),
        "clock_error_s_per_hour": round(after_s, 2),
        "forecast_error_share": round(forecast_error_share(seed), 3),
        "forecast_error_share_other_chemistry": round(forecast_error_share(seed, LI_PO_MV), 3),
        "parlour_visits_used_share": round(share, 3),
        "parlour_first_contact_days": round(first_days, 2),
        "parlour_failed_tries_c_per_day": round(parlour_c, 2),
        "barn_failed_tries_c_per_day": round(contact("barn", seed)[2], 2),
        "outages_failed_tries_c_per_day": round(contact("outages", seed)[2], 2),
    }


if __name__ == "__main__":
    for key, value in figures(1).items():
        print(f"{key:40} {value}")  # noqa: T201 - its output
