"""The battery: charge, forecast, and what a collar does when it runs low."""

from __future__ import annotations

import pytest

from collar.power import DAYS_MAX, UNKNOWN_DAYS, Power, charge_permille
from collar.retained import Retained
from simulator.collarhost.soc import LI_ION_MV, Battery
from tests.bench.firmware_radio import DAY_S, forecast_error_share

STEADY = {"curve_mv": LI_ION_MV, "life_days": 100, "awake_sag_mv": 0}


class Cell:
    """A board as far as Power asks it, with a simulated battery."""

    def __init__(self, temperature_c=15, **battery):
        self.battery = Battery(**battery)
        self.now_s, self.is_radio_on, self.temperature = 0, False, temperature_c

    def battery_mv(self):
        uv = self.battery.uv_at_pin(
            self.now_s * 1_000_000, radio=self.is_radio_on, ambient_c=self.temperature
        )
        return uv * self.battery.divider // 1000

    def temperature_c(self):
        return self.temperature


def power(kept=None):
    return Power(kept or Retained(bytearray(2048)))


def days(made, cell, first, count):
    for day in range(first, first + count):
        cell.now_s = day * DAY_S + 3_600
        made.measure(cell, cell.now_s, False)


@pytest.mark.parametrize(
    ("open_mv", "permille"), [(4300, 1000), (4190, 1000), (3720, 500), (3675, 450), (3100, 1), (0, 1)]
)
def test_charge_is_read_from_the_voltage(open_mv, permille):
    assert charge_permille(open_mv) == permille


def test_a_forecast_needs_two_days_and_is_bounded():
    made, cell = power(), Cell(**STEADY)
    assert (made.days_left, made.permille) == (UNKNOWN_DAYS, 0)
    days(made, cell, 0, 2)
    assert made.days_left == UNKNOWN_DAYS
    days(made, cell, 2, 6)
    assert abs(made.days_left - 92) < 15
    made, cell = power(), Cell(full_mv=4_000, fall_mv_per_day=0)
    days(made, cell, 0, 8)
    assert made.days_left == DAYS_MAX


def test_one_reading_of_three_that_falls_on_a_burst_counts_for_nothing():
    made, cell = power(), Cell(**STEADY)
    readings = iter((4_100, 3_000, 4_101))
    cell.battery_mv = lambda: next(readings)
    made.measure(cell, 0, False)
    assert made.batt_mv == 4_100


def test_cold_and_radio_lower_the_reading_but_not_the_charge():
    warm, cold = power(), power()
    days(warm, Cell(**STEADY), 0, 1)
    cell = Cell(temperature_c=-20, **STEADY)
    days(cold, cell, 0, 1)
    assert cold.batt_mv == warm.batt_mv - 60
    assert abs(cold.permille - warm.permille) <= 2
    cell.is_radio_on = True
    cold.measure(cell, cell.now_s, True)
    assert abs(cold.permille - warm.permille) <= 2
    assert cold.sag_mv == 110


def test_a_forecast_goes_on_over_a_reset_that_keeps_the_memory():
    kept, cell = Retained(bytearray(2048)), Cell(**STEADY)
    days(power(kept), cell, 0, 5)
    expected = power(kept).days_left
    made = power(kept)
    assert made.days_left == expected
    made.measure(cell, 60, False)  # uptime begins anew, the day that was running goes on
    assert made.days_left == expected
    made.measure(cell, DAY_S + 60, False)
    assert abs(made.days_left - expected) < 30


def test_a_cell_that_was_charged_is_forecast_anew():
    made = power()
    days(made, Cell(curve_mv=LI_ION_MV, life_days=20), 0, 12)
    assert made.days_left < 20
    cell = Cell(full_mv=4_190, fall_mv_per_day=1)
    days(made, cell, 12, 1)
    assert (made.days_left, made.permille > 900) == (UNKNOWN_DAYS, True)
    days(made, cell, 13, 5)
    assert made.days_left > 60


@pytest.mark.parametrize(
    ("day", "period_s", "stretched_s"),
    [
        (10, 900, 900),  # most of it left
        (60, 900, 1_800),  # less than 45 days
        (92, 900, 3_600),  # less than 10 %
        (92, 7_200, 21_600),
        (92, 43_200, 43_200),  # never shorter than it was
    ],
)
def test_uploads_become_rare_when_the_cell_runs_low(day, period_s, stretched_s):
    made, cell = power(), Cell(**STEADY)
    days(made, cell, day - 7, 8)
    assert made.stretched(period_s) == stretched_s


def test_below_a_quarter_of_the_charge_uploads_are_rarer_even_without_a_forecast():
    made = power()
    days(made, Cell(full_mv=3_450, fall_mv_per_day=0), 0, 1)
    assert (made.days_left, made.stretched(900)) == (UNKNOWN_DAYS, 1_800)


def test_the_radio_stays_off_while_the_cell_would_not_hold_and_comes_back_when_it_recovers():
    made, cell = power(), Cell(full_mv=3_480, fall_mv_per_day=0, radio_sag_mv=150)
    cell.is_radio_on = True
    made.measure(cell, 0, False)
    made.measure(cell, 0, True)
    cell.is_radio_on, cell.temperature = False, -25
    made.measure(cell, 60, False)
    assert (made.batt_mv, made.may_transmit()) == (3_390, True)  # no sag was seen: both were under load
    cell.is_radio_on = True
    made.measure(cell, 60, True)
    assert (made.sag_mv, made.may_transmit()) == (135, False)
    cell.is_radio_on, cell.temperature = False, 10
    made.measure(cell, 120, False)
    assert made.may_transmit()


def test_a_board_without_a_divider_is_not_silenced():
    made = power()
    days(made, Cell(full_mv=300, fall_mv_per_day=0), 0, 9)
    assert made.may_transmit()
    assert (made.permille, made.days_left, made.stretched(900)) == (0, UNKNOWN_DAYS, 900)


def test_the_forecast_of_a_whole_discharge_is_right_enough_to_plan_by():
    assert forecast_error_share(seed=1) <= 0.25
