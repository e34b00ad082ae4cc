"""The day of a herd in a few figures."""

from __future__ import annotations

import pytest

from relay.alerts.herdday import HerdDay, herd_day
from relay.model import HourRecord, LifeEvent
from relay.scoring.hours import nothing

NOW_MS = 500_000 * 3_600_000
NOW, DAY_MS = 500_000, 86_400_000


def rows(animal, back, *, chewing_min=20, covered_min=60):
    """The hours that are so many hours ago."""
    record = nothing(1)
    record["covered_min"] = covered_min // 4
    record["ruminate_min"] = chewing_min
    return [HourRecord(animal, NOW - hours, record[0].tobytes()) for hours in back]


LAST_DAY, WEEK = range(24), range(24, 192)


def day(found, worn=(1, 2), herd=(1, 2, 3), lives=()):
    return herd_day(found, worn, herd, lives, NOW_MS)


def test_a_cow_counts_as_heard_with_any_minute_of_the_last_day():
    assert day([*rows(1, [23], covered_min=4), *rows(2, [24])]).heard == 1
    assert day([]) == HerdDay(0, 2, None)


def test_only_cows_with_a_collar_that_are_still_there_count():
    sold = [LifeEvent(2, "sold", NOW_MS - DAY_MS, NOW_MS - DAY_MS)]
    found = [*rows(1, LAST_DAY), *rows(2, LAST_DAY), *rows(3, LAST_DAY)]
    told = day(found, lives=sold)
    assert (told.heard, told.cows) == (1, 1)


@pytest.mark.parametrize(("chewing_min", "percent"), [(20, 100), (15, 75), (30, 150)])
def test_the_herds_chewing_is_held_against_its_week_before(chewing_min, percent):
    found = [*rows(1, LAST_DAY, chewing_min=chewing_min), *rows(1, WEEK)]
    assert day(found).chewing_percent == percent


def test_hours_that_are_missing_are_no_lack_of_chewing():
    assert day([*rows(1, range(14)), *rows(1, WEEK)]).chewing_percent == 100


@pytest.mark.parametrize(
    "found",
    [
        [*rows(1, range(11)), *rows(1, WEEK)],  # less than half of the day
        [*rows(1, LAST_DAY), *rows(1, range(24, 72))],  # two days are nobody's usual
        [*rows(1, LAST_DAY), *rows(2, WEEK)],  # one knows only today, the other only the week
        [*rows(1, LAST_DAY), *rows(1, WEEK, chewing_min=0)],
    ],
)
def test_of_too_little_nothing_is_said(found):
    assert day(found).chewing_percent is None


def test_a_cow_that_is_known_on_both_speaks_for_the_herd():
    found = [*rows(1, LAST_DAY, chewing_min=10), *rows(1, WEEK), *rows(2, LAST_DAY, chewing_min=60)]
    assert day(found).chewing_percent == 50


def test_hours_ahead_of_the_clock_and_older_ones_do_not_count():
    assert day([*rows(1, [-1, 192]), *rows(2, LAST_DAY)]).heard == 1


def test_cows_that_are_due_within_a_week_are_named_the_first_first():
    said_ms = NOW_MS - 100 * DAY_MS
    due = {1: 5, 2: 1, 3: -2}
    lives = [LifeEvent(animal, "due", NOW_MS + days * DAY_MS, said_ms) for animal, days in due.items()]
    assert day([], lives=lives).due == (3, 2, 1)


@pytest.mark.parametrize("days", [8, -15])
def test_who_is_due_later_or_was_long_ago_is_not_named(days):
    lives = [LifeEvent(1, "due", NOW_MS + days * DAY_MS, NOW_MS - 100 * DAY_MS)]
    assert day([], lives=lives).due == ()


def test_who_has_calved_or_was_sold_is_due_no_more():
    lives = [
        LifeEvent(1, "due", NOW_MS + DAY_MS, NOW_MS - 9 * DAY_MS),
        LifeEvent(2, "due", NOW_MS + DAY_MS, NOW_MS - 9 * DAY_MS),
        LifeEvent(1, "calved", NOW_MS - DAY_MS, NOW_MS - DAY_MS),
        LifeEvent(2, "sold", NOW_MS - DAY_MS, NOW_MS - DAY_MS),
    ]
    assert day([], lives=lives).due == ()
