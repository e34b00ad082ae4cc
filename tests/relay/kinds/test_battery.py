"""The note that a battery runs low: at two weeks and at three days. Source: domain.md 2.2."""

from relay.scoring.findings import Found, Over
from relay.scoring.hours import NO_DAYS_LEFT
from relay.scoring.kinds import battery
from tests.relay.kinds.scene import facts, hour, hours_after, life, through


def told(*days, said=None):
    """Fold health frames, one every six hours."""
    silent = [hour(days_left=NO_DAYS_LEFT)] * 5
    return through(battery, [each for left in days for each in (hour(days_left=left), *silent)], said)


def test_two_weeks_and_three_days_are_told_once_each():
    soon, now = told(20, 15, 13, 13, 13, 12, 8, 5, 2, 2, 2, 1, 1, 0)
    assert isinstance(soon, Found)
    assert (soon.evidence["stage"], soon.evidence["days_left"], soon.is_update) == ("soon", 12, False)
    assert (now.evidence["stage"], now.evidence["days_left"], now.is_update) == ("now", 1, True)
    assert soon.onset_ms == now.onset_ms
    assert hours_after(soon.at_ms) == 5 * 6 + 1


def test_low_forecasts_among_others_are_not_believed():
    assert told(20, 12, 12, 12, 16, 12, 12, 18, 12) == []


def test_a_battery_that_is_nearly_empty_when_it_is_first_heard_of_is_told_as_such():
    (found,) = told(1, 1, 1, 1, 1)
    assert found.evidence["stage"] == "now"
    assert not found.is_update


def test_a_charged_battery_ends_it_and_it_can_be_told_anew():
    first, over, again = told(*[13] * 4, *[250] * 4, *[13] * 4)
    assert isinstance(over, Over)
    assert over.onset_ms == first.onset_ms
    assert again.onset_ms > over.at_ms


def test_a_forecast_that_wavers_does_not_end_it():
    assert len(told(*[13] * 4, 16, 40, 15, *[13] * 5)) == 1


def test_hours_without_a_health_frame_change_nothing():
    assert told(*[NO_DAYS_LEFT] * 5) == []
    assert len(told(13, NO_DAYS_LEFT, 13, NO_DAYS_LEFT, 13, 13)) == 1


def test_the_collar_of_a_cow_that_was_sold_is_not_told():
    assert told(*[300] * 5, *[13] * 5, said=facts(1, [life(0, "sold", 1)])) == []
