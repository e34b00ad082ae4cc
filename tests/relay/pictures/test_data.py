"""Curves and what is usual: hand-made hours of a cow, and what has to come of them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from relay.pictures.data import ACTIVITY, CHEWING, EATING, READ_H, SHOWN_H, line, traces
from relay.scoring.hours import HOUR_MS
from tests.relay.pictures.cows import UNTIL_H, UNTIL_MS, changed, everyday, record, steady, without

ZONE = "Europe/Berlin"
CLOCKS_GO_BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)  # there
LAST_6_H = (UNTIL_MS - 6 * HOUR_MS, UNTIL_MS)


def found(records, event_ms=None, zone=ZONE, until_ms=UNTIL_MS):
    return traces(records, until_ms, zone, event_ms)


def test_a_steady_cow_is_at_her_usual_in_every_panel():
    panels = found(steady(eat=15, chew=25)).panels
    for name, level in ((ACTIVITY, 1.0), (CHEWING, 25.0), (EATING, 15.0)):
        for curve in panels[name][:4]:
            assert curve == pytest.approx(np.full(SHOWN_H, level))
        assert not panels[name].odd.any()


def test_the_curve_is_the_mean_of_an_hour_and_those_beside_it():
    records = steady(eat=10, chew=0)
    records[-30] = record(records[-30].hour, eat=40, chew=0)
    value = found(records).panels[EATING].value
    assert value[-32:-27] == pytest.approx([10, 20, 20, 20, 10])


def test_minutes_that_are_missing_are_made_whole():
    records = steady()
    records[-10:] = [record(each.hour, eat=5, chew=10, walk=0, covered_min=20) for each in records[-10:]]
    told = found(records).panels[EATING].value[-5]
    assert told == pytest.approx(5)  # of 60 minutes told, whatever was covered


def test_an_hour_without_a_record_or_with_few_minutes_is_a_gap_and_no_zero():
    records = without(steady(), (20, 15))
    records[-3] = record(records[-3].hour, covered_min=12)
    records[-2] = record(records[-2].hour, covered_min=16)
    value = found(records).panels[ACTIVITY].value
    assert np.isnan(value[-20:-15]).all()
    assert np.isnan(value[-3])
    assert np.isfinite(value[[-21, -15, -4, -2, -1]]).all()
    assert value[-15] == pytest.approx(1.0)  # the gap beside it pulls nothing down


def test_usual_is_learned_from_the_days_before_those_that_are_shown():
    records = changed(steady(eat=20), UNTIL_H - SHOWN_H, eat=0.0)
    panel = found(records).panels[EATING]
    assert panel.middle[5:] == pytest.approx(np.full(SHOWN_H - 5, 20.0))
    assert panel.value[5:] == pytest.approx(np.zeros(SHOWN_H - 5))


def test_usual_is_the_median_and_the_percentiles_of_the_same_hour_of_the_clock():
    level = {day: 2 * day for day in range(14)}  # minutes of eating, the same all day
    records = [record(UNTIL_H - READ_H + at, eat=level.get(at // 24, 13), chew=0) for at in range(READ_H)]
    panel = found(records, zone="UTC").panels[EATING]
    at_noon = 12
    assert panel.low[at_noon] == pytest.approx(np.percentile(list(level.values()), 10))
    assert panel.middle[at_noon] == pytest.approx(13)
    assert panel.high[at_noon] == pytest.approx(np.percentile(list(level.values()), 90))


def test_usual_goes_by_the_farms_clock_when_the_clocks_have_changed():
    until, back = (
        int(at.timestamp()) // 3_600 for at in (datetime(2026, 10, 29, tzinfo=UTC), CLOCKS_GO_BACK)
    )
    eats_at_noon = [
        record(at, eat=50 if (at + (2 if at < back else 1)) % 24 == 12 else 0, chew=0)
        for at in range(until - READ_H, until)
    ]
    panel = found(eats_at_noon, until_ms=until * HOUR_MS).panels[EATING]
    assert np.flatnonzero(panel.value > 1).tolist() == np.flatnonzero(panel.middle > 10).tolist()


@pytest.mark.parametrize(("days", "known"), [(3, False), (4, True), (14, True)])
def test_under_four_days_nothing_is_called_usual_or_unusual(days, known):
    cow = steady(SHOWN_H + 24 * days)
    seen = found(changed(cow, UNTIL_H - 5, eat=0.0), LAST_6_H)
    assert (seen.days, seen.is_usual_known) == (days, known)
    assert np.isfinite(seen.panels[EATING].middle).any() == known
    assert seen.panels[EATING].odd.any() == known


def test_a_day_counts_if_she_was_heard_for_half_of_it():
    nights = [each for each in steady() if each.hour % 24 < 11]
    assert found([*nights, record(UNTIL_H - 1)]).days == 0
    most = [each for each in steady() if each.hour % 24 < 12]
    assert found(most).days == 14


def test_only_what_is_outside_her_usual_within_the_event_is_unusual():
    ill = changed(everyday(3), UNTIL_H - 24, eat=0.0)
    panel = found(ill, LAST_6_H).panels[EATING]
    assert not panel.odd[:-6].any()
    assert panel.odd[-6:].any()
    outside = (panel.value < panel.low) | (panel.value > panel.high)
    assert (panel.odd == (outside & (np.arange(SHOWN_H) >= SHOWN_H - 6))).all()


def test_an_event_that_is_over_marks_nothing_after_it():
    ill = changed(steady(eat=20), UNTIL_H - 24, eat=0.0)
    over = found(ill, (UNTIL_MS - 20 * HOUR_MS, UNTIL_MS - 10 * HOUR_MS)).panels[EATING].odd
    assert list(np.flatnonzero(over)) == list(range(SHOWN_H - 20, SHOWN_H - 10))


def test_without_an_event_nothing_is_unusual():
    ill = changed(everyday(3), UNTIL_H - 24, eat=0.0)
    assert not any(panel.odd.any() for panel in found(ill).panels.values())


def test_more_than_usual_is_unusual_too():
    panel = found(changed(steady(), UNTIL_H - 6, motion=3.0), LAST_6_H).panels[ACTIVITY]
    assert panel.odd[-5:].all()
    assert panel.value[-2] == pytest.approx(3.0)


def test_multiples_of_a_collar_that_never_moved_stay_numbers():
    dead = changed(steady(motion_mg=0.0), UNTIL_H - 2)
    dead[-1] = record(UNTIL_H - 1, motion_mg=8_000)
    value = found(dead).panels[ACTIVITY].value
    assert np.nanmax(value) == pytest.approx(8_000 / 2 / 20)


def test_the_picture_ends_with_the_newest_hour_that_is_told_if_that_is_not_long_ago():
    late = steady()[:-2]
    seen = found(late)
    assert seen.first_hour == UNTIL_H - SHOWN_H - 2
    assert np.isfinite(seen.panels[ACTIVITY].value).all()


def test_a_cow_that_is_not_heard_any_more_ends_with_a_gap():
    seen = found(steady()[:-5])
    assert seen.first_hour == UNTIL_H - SHOWN_H
    assert np.isnan(seen.panels[ACTIVITY].value[-5:]).all()


def test_what_comes_after_the_time_that_is_asked_about_is_not_shown():
    seen = found(steady(), until_ms=UNTIL_MS - 10 * HOUR_MS)
    assert seen.first_hour == UNTIL_H - 10 - SHOWN_H


def test_a_cow_that_was_not_heard_at_all_has_no_picture():
    assert found([]) is None
    assert found(steady()[: -SHOWN_H - 3]) is None


def test_a_record_of_another_layout_is_a_gap():
    records = steady()
    records[-4] = records[-4]._replace(row=b"short")
    assert np.isnan(found(records).panels[ACTIVITY].value[-4])


def test_a_line_breaks_at_a_gap_and_an_hour_alone_has_a_length():
    x, y = line(np.array([1.0, 3.0, np.nan, 5.0]))
    assert list(x[:6]) == [0, 0.5, 1, 1, 1.5, 2]
    assert list(y[:6]) == [1, 1, 2, 2, 3, 3]
    assert np.isnan(y[6:9]).all()
    assert list(y[9:]) == [5, 5, 5]
