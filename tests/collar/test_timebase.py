"""The collar's clock against UTC, learnt from acks."""

from __future__ import annotations

import random

import pytest

from collar.retained import Retained
from collar.timebase import DRIFT_MAX_PPM, Timebase
from tests.bench.firmware_radio import HOUR_S, clock_error_s_per_hour
from tests.collar.radio_scene import START_MS

HOUR_MS = 3_600_000


def timebase(kept=None):
    return Timebase(kept or Retained(bytearray(2048)))


def drift_ppm(base):
    return base._kept["drift_ppm"]


def ack(base, utc_s, ppm, late_ms=0):
    """An ack at `utc_s` of the world, on a clock that is slow by `ppm`, `late_ms` on its way."""
    up_ms = (1000 * utc_s + late_ms) * (1_000_000 - ppm) // 1_000_000
    base.ack(up_ms, START_MS + 1000 * utc_s)
    return up_ms // 1000


@pytest.mark.parametrize("ppm", [50_000, -50_000, 800])
def test_two_acks_an_hour_apart_tell_the_clocks_error(ppm):
    base = timebase()
    ack(base, 100, ppm)
    assert drift_ppm(base) == 0
    now_s = ack(base, 100 + HOUR_S, ppm)
    age_s = base.age_s(now_s - HOUR_S * (1_000_000 - ppm) // 1_000_000, now_s)
    assert abs(age_s - HOUR_S) <= 1


def test_before_two_acks_ages_are_taken_from_the_collars_clock():
    assert timebase().age_s(100, 4_000) == 3_900
    assert timebase().age_s(100, 50) == 0


def test_acks_that_are_near_each_other_tell_nothing():
    base = timebase()
    for utc_s in range(100, 100 + HOUR_S - 60, 60):
        ack(base, utc_s, 50_000, late_ms=utc_s % 7 * 1000)
    assert drift_ppm(base) == 0


def test_what_acks_spend_on_their_way_weighs_less_with_every_hour():
    draw, base = random.Random(4), timebase()
    for quarter in range(4 * 48):
        ack(base, 900 * quarter, 20_000, late_ms=draw.randrange(4_000))
    assert abs(drift_ppm(base) - 20_408) < 250  # ppm of uptime, not of UTC


def test_a_relay_whose_clock_was_set_spoils_nothing():
    base = timebase()
    ack(base, 0, 10_000)
    ack(base, 2 * HOUR_S, 10_000)
    known_ppm = drift_ppm(base)
    base.ack(3 * HOUR_MS, START_MS + 40 * 24 * HOUR_MS)
    assert drift_ppm(base) == known_ppm
    base.ack(4 * HOUR_MS, START_MS + 41 * 24 * HOUR_MS)
    assert abs(drift_ppm(base)) <= DRIFT_MAX_PPM


def test_the_error_is_bounded():
    base = timebase()
    ack(base, 0, 0)
    base.ack(HOUR_MS, START_MS + HOUR_MS * 107 // 100)
    assert drift_ppm(base) == 0


def test_a_new_uptime_forgets_the_acks_but_not_the_clock():
    kept = Retained(bytearray(2048))
    base = timebase(kept)
    ack(base, 0, 30_000)
    ack(base, HOUR_S, 30_000)
    known_ppm = drift_ppm(base)
    assert known_ppm > 30_000
    base.restart()
    assert (kept["last_ack_ms"], kept["last_ack_up_ms"]) == (0, 0)
    ack(base, 60, 30_000)
    assert drift_ppm(base) == known_ppm


def test_a_collar_that_wakes_from_deep_sleep_goes_on_from_its_last_ack():
    kept = Retained(bytearray(2048))
    for hour in range(8):
        ack(timebase(kept), 60 + hour * HOUR_S, 50_000)
    assert abs(drift_ppm(timebase(kept)) - 52_631) < 30


def test_a_clock_that_is_five_percent_wrong_dates_within_two_seconds_an_hour():
    before_s, after_s = clock_error_s_per_hour(seed=1)
    assert before_s > 150
    assert after_s <= 2
