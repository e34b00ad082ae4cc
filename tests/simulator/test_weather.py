"""Weather and sun: known values of the index, seasons, rain, and days that never change."""

from datetime import UTC, datetime, timedelta
from statistics import mean

import numpy as np
import pytest

from simulator.clock import START_UTC_MS
from simulator.herdfile import load_herd
from simulator.lives.weather import Weather, thi
from simulator.plan.routine import DAY_MS, HOUR_MS


@pytest.fixture(scope="module")
def year():
    return Weather(load_herd(), seed=4, days=365)


def elsewhere(**changed):
    model = load_herd()
    return {**model, "weather": {**model["weather"], **changed}}


def day_of(month, day):
    start = datetime.fromtimestamp(START_UTC_MS / 1000, UTC)
    return (datetime(2026, month, day, tzinfo=UTC) - start) // timedelta(days=1)


# the index


@pytest.mark.parametrize(
    ("air_c", "humidity_percent", "index"),
    [(30, 60, 79.84), (20, 100, 68.0), (20, 0, 62.5), (35, 50, 84.825), (58 / 1.8 - 32 / 1.8, 10, 58.0)],
)
def test_the_index_has_the_published_values(air_c, humidity_percent, index):
    assert thi(air_c, humidity_percent) == pytest.approx(index, abs=1e-9)


def test_the_index_runs_on_a_line_between_two_hours(year):
    first, second = year.thi_by_hour(100)[6:8]
    between = year.thi(100 * DAY_MS + 6 * HOUR_MS + HOUR_MS // 4)
    assert between == pytest.approx(first + (second - first) / 4)


def test_before_the_first_hour_and_after_the_last_the_index_stays(year):
    assert year.thi([-DAY_MS, 366 * DAY_MS]) == pytest.approx(
        [year.thi_by_hour(0)[0], year.thi_by_hour(364)[-1]]
    )


# temperature, humidity, rain


def test_july_is_warm_and_january_is_cold(year):
    by_day = year.air_c.reshape(-1, 24).mean(axis=1)
    july, january = day_of(7, 1), day_of(12, 31) + 1
    assert 15 < by_day[july : july + 31].mean() < 24
    assert -5 < by_day[january : january + 31].mean() < 6


def test_in_the_south_january_is_warmer_than_july():
    there = Weather(elsewhere(latitude_deg=-40.0), seed=4, days=365).air_c.reshape(-1, 24).mean(axis=1)
    july, january = day_of(7, 1), day_of(12, 31) + 1
    assert there[january : january + 31].mean() > there[july : july + 31].mean() + 10


def test_afternoons_are_warmer_and_drier_than_nights(year):
    air_c, humidity = year.air_c.reshape(-1, 24), year.humidity_percent.reshape(-1, 24)
    assert air_c.mean(axis=0).argmax() in (13, 14, 15)
    assert air_c[:, 14].mean() > air_c[:, 3].mean() + 5
    assert humidity[:, 14].mean() < humidity[:, 3].mean() - 15


def test_temperature_never_jumps_within_an_hour(year):
    assert np.abs(np.diff(year.air_c)).max() < 5  # at midnight the swing of a wet day meets a dry one's


def test_humidity_is_a_percentage(year):
    assert year.humidity_percent.min() >= 20
    assert year.humidity_percent.max() <= 100


def test_a_warm_day_follows_a_warm_day(year):
    by_day = year.air_c.reshape(-1, 24).mean(axis=1)
    rest = by_day - np.convolve(by_day, np.ones(31) / 31, mode="same")
    assert np.corrcoef(rest[30:-31], rest[31:-30])[0, 1] > 0.5


def test_it_rains_on_about_three_days_in_ten_and_one_wet_day_brings_another():
    wet = Weather(load_herd(), seed=1, days=3000).rain[:, 0] >= 0
    assert wet.mean() == pytest.approx(0.3, abs=0.04)
    assert wet[1:][wet[:-1]].mean() == pytest.approx(0.5, abs=0.06)


def test_a_wet_spell_stays_within_its_day(year):
    for day, (from_ms, to_ms) in enumerate(year.rain.tolist()):
        if from_ms < 0:
            assert to_ms < 0
        else:
            assert day * DAY_MS <= from_ms < to_ms <= (day + 1) * DAY_MS


# the same seed, and the wrong number of days


def test_more_days_begin_with_the_same_days(year):
    longer = Weather(load_herd(), seed=4, days=400)
    for name in ("air_c", "humidity_percent"):
        assert np.array_equal(getattr(longer, name)[: 365 * 24], getattr(year, name))
    assert np.array_equal(longer.rain[:365], year.rain)


def test_another_seed_is_another_year(year):
    assert not np.array_equal(Weather(load_herd(), seed=5, days=365).air_c, year.air_c)


def test_no_days_at_all_are_refused():
    with pytest.raises(ValueError, match="days=0"):
        Weather(load_herd(), seed=1, days=0)


# the sun


@pytest.mark.parametrize(
    ("month", "day", "hours"),
    [(3, 20, 12.2), (6, 21, 16.4), (9, 23, 12.2), (12, 21, 8.1)],  # almanac, 50 degrees north
)
def test_daylight_at_fifty_degrees_north_is_that_of_the_almanac(month, day, hours):
    rise_h, set_h = Weather(elsewhere(latitude_deg=50.0), 1, 1).sun(day_of(month, day))
    assert set_h - rise_h == pytest.approx(hours, abs=0.15)


def test_noon_follows_the_longitude(year):
    assert mean(year.sun(0)) == pytest.approx(12)
    assert mean(Weather(elsewhere(longitude_deg=-90.0), 1, 1).sun(0)) == pytest.approx(18)


def test_the_sun_s_hour_is_twelve_at_noon(year):
    assert year.sun_hour(3 * DAY_MS + int(mean(year.sun(3)) * HOUR_MS)) == pytest.approx(12, abs=1e-3)


def test_where_the_sun_does_not_set_the_day_has_24_hours():
    rise_h, set_h = Weather(elsewhere(latitude_deg=70.0), 1, 1).sun(day_of(6, 21))
    assert set_h - rise_h == 24
