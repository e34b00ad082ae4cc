"""Days, hours and nights under a picture, by the farm's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from relay.pictures.timeaxis import time_axis


def hour(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp()) // 3_600


def test_midnights_days_and_nights_are_those_of_the_farm():
    axis = time_axis(hour(2026, 11, 1, 23), 72, "Europe/Berlin")  # midnight there
    assert axis.midnights == (24, 48)
    assert axis.days == ((12, date(2026, 11, 2)), (36, date(2026, 11, 3)), (60, date(2026, 11, 4)))
    assert axis.nights == ((0, 6), (20, 30), (44, 54), (68, 72))
    assert [x for x, at in axis.hours if at == 12] == [12, 36, 60]


def test_a_zone_of_half_an_hour_has_its_midnight_between_two_hours():
    axis = time_axis(hour(2026, 11, 1, 12), 72, "Asia/Kolkata")  # 17:30 there
    assert axis.midnights == (6.5, 30.5, 54.5)
    assert axis.nights[0] == (2.5, 12.5)


@pytest.mark.parametrize(
    ("first", "lengths"),
    [((2026, 10, 23, 22), [24, 25]), ((2026, 3, 27, 23), [24, 23])],  # clocks go back, and forward
)
def test_a_day_on_which_the_clocks_change_is_longer_or_shorter(first, lengths):
    axis = time_axis(hour(*first), 72, "Europe/Berlin")
    assert [b - a for a, b in zip((0.0, *axis.midnights), axis.midnights, strict=False)][:2] == lengths


def test_a_day_of_which_little_is_seen_has_no_name():
    axis = time_axis(hour(2026, 11, 2, 18), 72, "UTC")
    assert [day.day for _, day in axis.days] == [3, 4, 5]
    assert axis.days[-1][0] == 63


def test_nothing_lies_outside_the_picture():
    for first in range(hour(2026, 11, 1), hour(2026, 11, 2)):
        axis = time_axis(first, 72, "Asia/Kathmandu")
        places = [*axis.midnights, *(x for x, _ in axis.hours), *(x for x, _ in axis.days)]
        assert all(0 <= x <= 72 for x in places)
        assert all(0 <= begin < end <= 72 for begin, end in axis.nights)
