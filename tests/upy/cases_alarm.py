"""What raises a local alarm, and how often. Runs on both interpreters."""

from collar.alarm import STATE_BYTES, Alarm
from herdcore.vocabulary import HEALTH_ALARM_NO_MOVEMENT, HEALTH_ALARM_VIOLENT

DRAIN_MS = 7 * 5120
HOUR_S = 3600


def windows(code, count=7):
    """Return packed windows with that log code as deviation of each axis."""
    return bytes(([0, 0, 61] + [code] * 6 + [20, 20, 20, 10, 10]) * count)


STILL = windows(32)  # 3 mg an axis
STIRRING = windows(38)  # 5 mg an axis: 12 mg and more
GRAZING = windows(110)
VIOLENT = windows(140)  # 430 mg an axis


class Cow:
    """An alarm and the time."""

    def __init__(self):
        self.alarm, self.now_ms, self.raised = Alarm(), 0, []

    def lives(self, packed, seconds):
        """Live on like that; return the bits raised."""
        bits = 0
        for _ in range(-(-seconds * 1000 // DRAIN_MS)):
            new = self.alarm.judge(packed, 7, self.now_ms)
            if new:
                self.raised.append(self.now_ms // 1000)
            bits |= new
            self.now_ms += DRAIN_MS
        return bits


def case_a_cow_that_does_not_stir_for_an_hour_raises_an_alarm():
    cow = Cow()
    assert cow.lives(GRAZING, 600) == 0
    assert cow.lives(STILL, HOUR_S - 40) == 0
    assert cow.lives(STILL, 80) == HEALTH_ALARM_NO_MOVEMENT


def case_one_window_of_stirring_begins_the_hour_anew():
    cow = Cow()
    for _ in range(24):
        assert cow.lives(STILL, HOUR_S - 120) == 0
        cow.alarm.judge(STIRRING, 1, cow.now_ms)
        cow.now_ms += 5120


def case_missing_windows_are_not_stillness():
    cow = Cow()
    for _ in range(6):
        assert cow.lives(STILL, 1800) == 0
        cow.now_ms += 1_000_000
    cow = Cow()
    assert cow.lives(STILL, 1800) == 0
    cow.now_ms += 800_000  # a lost upload: the hour goes on, but only windows count
    assert cow.lives(STILL, 1700) == 0
    assert cow.lives(STILL, 200) == HEALTH_ALARM_NO_MOVEMENT


def case_violent_movement_for_half_a_minute_raises_an_alarm():
    cow = Cow()
    cow.lives(GRAZING, 600)
    assert cow.alarm.judge(windows(140, 3) + windows(110, 4), 7, cow.now_ms) == 0
    cow.now_ms += DRAIN_MS
    assert cow.lives(VIOLENT, 36) == HEALTH_ALARM_VIOLENT
    burst = Cow()
    mixed = windows(140, 3) + windows(110, 1) + windows(140, 2) + windows(110, 1)
    assert burst.alarm.judge(mixed, 7, 0) == HEALTH_ALARM_VIOLENT


def case_of_a_kind_one_is_raised_in_six_hours_and_four_a_day():
    cow = Cow()
    cow.lives(STILL, 50 * HOUR_S)
    gaps = [cow.raised[n + 1] - cow.raised[n] for n in range(len(cow.raised) - 1)]
    assert min(gaps) >= 6 * HOUR_S, gaps
    assert max(gaps) <= 6.6 * HOUR_S, gaps
    days = [at // 86400 for at in cow.raised]
    assert max([days.count(day) for day in days]) <= 4, days
    assert len(cow.raised) >= 7, cow.raised


def case_both_kinds_together_are_raised_four_times_a_day_at_most():
    cow = Cow()
    for _ in range(26):
        cow.lives(STILL, HOUR_S + 60)
        cow.lives(VIOLENT, 120)
    days = [at // 86400 for at in cow.raised]
    assert max([days.count(day) for day in days]) == 4, days
    assert 1 in days


def case_a_deep_sleep_at_any_moment_changes_nothing():
    cow, sleeper = Cow(), Cow()
    day = [(GRAZING, 500), (STILL, 4000), (VIOLENT, 300), (STILL, 9000), (GRAZING, 9000), (VIOLENT, 300)] * 2
    for packed, seconds in day:
        for _ in range(seconds * 1000 // DRAIN_MS):
            state = sleeper.alarm.state()
            assert len(state) == STATE_BYTES
            sleeper.alarm = Alarm()
            sleeper.alarm.restore(state)
            assert cow.lives(packed, 1) == sleeper.lives(packed, 1)
    assert cow.raised == sleeper.raised
    assert len(cow.raised) >= 4


def case_any_bytes_can_be_restored_and_lived_with():
    for seed in range(8):
        cow = Cow()
        cow.alarm.restore(bytes([(seed * 37 + i * 101) & 0xFF for i in range(STATE_BYTES)]))
        cow.lives(GRAZING, 60)
        assert cow.lives(STILL, 25 * HOUR_S) == HEALTH_ALARM_NO_MOVEMENT, seed
        assert len(cow.alarm.state()) == STATE_BYTES
    return 8


def case_after_two_years_of_uptime_alarms_are_still_raised():
    cow = Cow()
    assert cow.lives(STILL, 2 * HOUR_S) == HEALTH_ALARM_NO_MOVEMENT
    cow.now_ms = 65536 * 1024 * 1000
    assert cow.lives(STILL, 8 * HOUR_S) == HEALTH_ALARM_NO_MOVEMENT
