"""When a cow's data reach the relay."""

import numpy as np
import pytest

from simulator.coverage import is_near
from simulator.lives.happening import Happening
from simulator.plan.routine import DAY_MS, HOUR_MS
from simulator.reach import arrivals_ms, is_flat, near
from simulator.virtual_herd import VirtualHerd

DAYS = 6
UPLOAD_MS = 900_000


def herd(tmp_path, text="", scripted=None, **chosen):
    path = tmp_path / "herd.toml"
    path.write_text(text)
    return VirtualHerd(path, seed=3, cows=4, days=DAYS, scripted=scripted, **({"eventful": False} | chosen))


def every_minute(day=2):
    return day * DAY_MS + np.arange(0, DAY_MS, 60_000)


def test_where_the_network_is_always_near_data_arrive_within_an_upload(tmp_path):
    made_ms = every_minute()
    late_ms = arrivals_ms(herd(tmp_path), 1, made_ms) - made_ms
    assert 0 <= late_ms.min() <= late_ms.max() <= UPLOAD_MS


def test_what_is_measured_in_the_field_arrives_at_the_next_milking(tmp_path):
    made_ms = every_minute()
    when_ms = arrivals_ms(herd(tmp_path, '[coverage]\nprofile = "parlour"\n'), 1, made_ms)
    known = when_ms >= 0
    assert known.mean() > 0.9
    assert HOUR_MS < np.median((when_ms - made_ms)[known]) < 24 * HOUR_MS
    assert len(np.unique(when_ms[known])) < 8


def test_an_outage_of_the_farm_makes_everybodys_data_late_and_loses_none(tmp_path):
    farm = herd(tmp_path, "[event.outage]\nper_farm_year = 300\n", eventful=True)
    outage = next(
        each for each in farm.herd_wide if each.kind == "outage" and each.end_ms - each.onset_ms > HOUR_MS
    )
    made_ms = np.array([outage.onset_ms + 60_000])
    for cow in range(4):
        assert not is_near(near(farm, cow), (outage.onset_ms + 60_000) * 1000)
        assert arrivals_ms(farm, cow, made_ms)[0] >= outage.end_ms


def test_a_flat_battery_measures_nothing_and_the_others_go_on(tmp_path):
    flat = Happening("battery", 2 * DAY_MS + HOUR_MS, 3 * DAY_MS)
    farm = herd(tmp_path, scripted={1: (flat,)})
    assert is_flat(farm.histories[1], every_minute()).sum() == 23 * 60
    assert (arrivals_ms(farm, 1, every_minute()) < 0).sum() == 23 * 60
    assert (arrivals_ms(farm, 2, every_minute()) >= 0).all()


def test_a_stolen_cow_is_never_heard_of_again(tmp_path):
    gone_ms = 2 * DAY_MS + HOUR_MS
    detail = {"walk_end_ms": gone_ms, "out_of_cover_ms": gone_ms}
    theft = Happening("theft", 2 * DAY_MS, 6 * DAY_MS, detail=detail)
    when_ms = arrivals_ms(herd(tmp_path, scripted={0: (theft,)}), 0, every_minute())
    assert (when_ms[:30] >= 0).all()
    assert (when_ms[61:] == -1).all()


@pytest.mark.parametrize("profile", ["always", "parlour", "barn", "outages", "stations"])
def test_every_profile_of_a_herd_file_lets_data_through(tmp_path, profile):
    farm = herd(tmp_path, f'[coverage]\nprofile = "{profile}"\n')
    assert (arrivals_ms(farm, 0, every_minute(0)) >= 0).any()
