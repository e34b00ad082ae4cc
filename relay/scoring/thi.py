"""How hot it is for a cow: one number from air temperature and humidity."""

from __future__ import annotations


def thi(temperature_c: float, humidity_percent: float) -> float:
    """Return the temperature-humidity index of air (NRC 1971): below 68 a cow does not mind."""
    return (1.8 * temperature_c + 32) - (0.55 - 0.0055 * humidity_percent) * (1.8 * temperature_c - 26)
