"""The statistics by which series are compared give back what a series was made of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.bench.herd_series import quiet_days, real_statistics, series_statistics

GOLDEN = Path(__file__).resolve().parents[1] / "golden/bovheat"
SHAPE = np.array([28, 24, 22, 35, 38, 33, 32, 36, 44, 38, 32, 34], dtype=float) * 10


def made(cows=40, days=30, between=0.2, noise=0.2, day=0.0, herd=0.0):
    random = np.random.default_rng(5)
    levels = random.lognormal(0, between, (cows, 1, 1))
    daily = random.lognormal(0, day, (cows, days, 1)) if day else 1.0
    shared = random.lognormal(0, herd, (1, days, 12)) if herd else 1.0
    return SHAPE * levels * daily * shared * random.lognormal(0, noise, (cows, days, 12))


def test_spread_shape_and_noise_come_back():
    told = series_statistics(made())
    assert told["between_cow_cv"] == pytest.approx(0.2, abs=0.05)
    assert told["residual_sd_robust"] == pytest.approx(0.2, abs=0.01)
    assert told["circadian_shares"] == pytest.approx((SHAPE / SHAPE.sum()).tolist(), abs=0.002)
    assert told["share_above"]["3"] < 0.003
    assert abs(told["between_cows_same_block"]) < 0.01


def test_what_lasts_a_day_is_memory_within_it():
    told = series_statistics(made(noise=0.1, day=0.1))
    assert told["daily_log_sd_robust"] == pytest.approx(0.1, abs=0.02)
    assert told["autocorrelation"]["2h"] > 0.35
    assert abs(told["autocorrelation"]["24h"]) < 0.1


def test_what_the_herd_shares_is_correlation_between_cows():
    told = series_statistics(made(noise=0.2, herd=0.2))
    assert told["between_cows_same_block"] == pytest.approx(0.5, abs=0.06)
    assert told["herd_block_sd"] == pytest.approx(0.2, abs=0.03)


def test_a_heat_is_counted_with_its_size():
    raw = made(cows=10, noise=0.08)
    raw[3, 20, 2:7] *= 3.0
    heats = series_statistics(raw)["heats"]
    assert heats["count"] == 1
    assert heats["highest_six_hours"]["50"] == pytest.approx(3.0, rel=0.15)


def test_quiet_days_are_those_away_from_heats():
    index = np.zeros((1, 6, 12))
    index[0, 3, 5] = 40.0
    quiet = quiet_days(np.ones((1, 6, 12)), index)
    assert np.isnan(quiet[0, :, 0]).tolist() == [False, False, True, True, True, False]


def test_the_excerpt_and_a_herd_with_nothing_in_it_have_statistics_that_json_can_hold():
    told = real_statistics(GOLDEN)
    assert list(told) == ["herd B, in milk", "herd B, in milk, quiet days"]
    assert 20 < told["herd B, in milk"]["mean_per_block"] < 60
    json.dumps(series_statistics(np.full((2, 5, 12), np.nan)))
