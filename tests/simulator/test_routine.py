"""People's clocks keep local time, grass keeps the sun's."""

import numpy as np
import pytest

from simulator.plan.routine import DAY_MS, HOUR_MS, TICKS, Routine
from simulator.plan.states import MILK, WALK
from simulator.virtual_herd import VirtualHerd
from tests.simulator.quiet_herd import model

COWS = 6
# The simulation starts on Monday 2 March 2026; clocks in Europe go forward on Sunday 29 March.
SATURDAY, DST_MONDAY = 5, 28


def routine(**herd):
    return Routine(model(**herd), 1, COWS, lambda _day: (6.0, 18.0))


def first_milking_h(day, **herd):
    return min(each.from_ms - day * DAY_MS for each in routine(**herd).milkings(day)) / HOUR_MS


def test_milking_takes_every_cow_there_and_back_without_a_gap():
    by_cow = {}
    for each in routine().milkings(1):
        by_cow.setdefault(each.cow, []).append(each)
    assert sorted(by_cow) == list(range(COWS))
    for stretches in by_cow.values():
        assert [each.state for each in stretches] == ["walk", "milk", "walk"] * 2
        for there, in_parlour, back in zip(stretches[::3], stretches[1::3], stretches[2::3], strict=True):
            assert there.to_ms == in_parlour.from_ms < in_parlour.to_ms == back.from_ms < back.to_ms


def test_milking_keeps_local_time_when_the_clocks_change():
    before, after = first_milking_h(DST_MONDAY - 7), first_milking_h(DST_MONDAY)
    assert before - after == pytest.approx(1.0, abs=0.2)
    assert first_milking_h(DST_MONDAY - 7, zone="Asia/Karachi") == pytest.approx(
        first_milking_h(DST_MONDAY, zone="Asia/Karachi"), abs=0.2
    )


def test_people_sleep_longer_at_the_weekend():
    assert first_milking_h(SATURDAY) - first_milking_h(SATURDAY - 1) == pytest.approx(0.75, abs=0.2)


def test_grazing_follows_the_sun():
    ours = model(housing="pasture")
    early, late = (
        Routine(ours, 1, COWS, lambda _day, shift_h=shift_h: (5.0 + shift_h, 19.0)).appetite(3)
        for shift_h in (0.0, 2.0)
    )
    assert late[: TICKS // 2].argmax() - early[: TICKS // 2].argmax() > 4


@pytest.mark.parametrize("housing", ["freestall", "pasture"])
def test_appetite_has_mean_one_and_never_vanishes(housing):
    appetite = routine(housing=housing).appetite(3)
    assert appetite.mean() == pytest.approx(1.0)
    assert appetite.min() > 0


def test_the_night_is_from_sunset_to_sunrise():
    night = routine().night(0)
    assert night[:36].all()
    assert not night[36:108].any()
    assert night[108:].all()


def test_a_day_has_its_milkings_wherever_the_farm_is():
    for zone in ("Asia/Karachi", "America/Sao_Paulo", "Pacific/Auckland"):
        for day in range(3):
            starts = [each.from_ms for each in routine(zone=zone).milkings(day) if each.cow == 0]
            assert np.all(
                (np.array(starts) >= day * DAY_MS) & (np.array(starts) < (day + 1) * DAY_MS + HOUR_MS * 3)
            )
            assert len(starts) == 6


def test_a_milking_that_lasts_over_midnight_is_whole_and_both_days_have_it():
    denver = routine(zone="America/Denver")  # 16:30 there is 23:30 of the day
    over = [each for each in denver.milkings(1) if each.to_ms > 2 * DAY_MS]
    assert {each.cow for each in over} == set(range(COWS))
    assert set(over) <= set(denver.milkings(2))
    assert all(each.to_ms > 0 for each in denver.milkings(0))


def test_a_day_after_begins_in_the_parlour_if_milking_does_not_end_before_midnight(tmp_path):
    file = tmp_path / "herd.toml"
    file.write_text('[herd]\nzone = "America/Denver"\n', encoding="utf-8")
    herd = VirtualHerd(file, seed=1, cows=COWS, days=2, eventful=False)
    assert {int(herd.day(1).of(cow)[1][0]) for cow in range(COWS)} <= {MILK, WALK}


def test_a_weekend_that_shifts_an_hour_over_midnight_shifts_the_date_too():
    farm = model()
    usual = {"milking_h": (23.0,), "milking_walk_min": 30.0, "milking_jitter_min": 0.0}
    house = farm["housing"]["freestall"] | usual | {"weekend_shift_h": 1.0}
    late = Routine(farm | {"housing": {"freestall": house}}, 1, COWS, lambda _day: (6.0, 18.0))
    milked_h = {
        each.from_ms / HOUR_MS - 0.5
        for day in range(4, 8)
        for each in late.milkings(day)
        if each.state == "milk" and each.from_ms >= 4 * DAY_MS
    }
    friday, sunday, monday, tuesday = 4 * 24 + 23, 6 * 24, 7 * 24, 7 * 24 + 23
    assert milked_h == {friday, sunday, monday, tuesday}


@pytest.mark.parametrize(("rise_h", "set_h"), [(20.0, 32.0), (-4.0, 8.0)])
def test_far_from_greenwich_the_sun_shines_over_midnight(rise_h, set_h):
    far = Routine(model(housing="pasture"), 1, COWS, lambda _day: (rise_h, set_h))
    night = far.night(0)
    assert night.mean() == pytest.approx(0.5)
    assert not night[(2 * 6)]  # two in the morning of Greenwich
    assert far.appetite(0)[1 * 6] > far.appetite(0)[12 * 6]
