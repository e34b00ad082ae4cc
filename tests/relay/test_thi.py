"""Heat and humidity in one number."""

import pytest

from relay.scoring.thi import thi


@pytest.mark.parametrize(("temperature_c", "humidity_percent", "index"), [(30, 60, 79.84), (20, 100, 68.0)])
def test_the_index_is_that_of_the_published_form(temperature_c, humidity_percent, index):
    assert thi(temperature_c, humidity_percent) == pytest.approx(index, abs=0.005)


@pytest.mark.parametrize(("temperature_c", "humidity", "index"), [(30, 0.60, 79.76), (32, 0.22, 75.87)])
def test_another_published_form_gives_nearly_the_same(temperature_c, humidity, index):
    other = 0.8 * temperature_c + humidity * (temperature_c - 14.4) + 46.4
    assert other == pytest.approx(index, abs=0.005)
    assert thi(temperature_c, 100 * humidity) == pytest.approx(other, abs=0.7)


def test_damp_air_is_hotter_for_a_cow_than_dry_air():
    assert thi(30, 90) > thi(30, 30)
