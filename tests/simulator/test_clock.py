"""Virtual time."""

import pytest

from simulator.clock import START_UTC_MS, VirtualClock


def test_a_clock_stands_still_until_it_is_moved():
    clock = VirtualClock(1_700_000_000_000)
    assert (clock.now_us, clock.utc_ms) == (0, 1_700_000_000_000)


def test_a_simulation_starts_on_a_monday_at_midnight_utc():
    assert VirtualClock().start_utc_ms == START_UTC_MS
    assert START_UTC_MS % 86_400_000 == 0
    assert (START_UTC_MS // 86_400_000 + 3) % 7 == 0  # 1970-01-01 was a Thursday


def test_utc_follows_the_microseconds_rounded_down():
    clock = VirtualClock(1_000)
    clock.advance_us(1_999)
    assert clock.utc_ms == 1_001


def test_a_step_and_a_goal_move_the_same_clock():
    clock = VirtualClock(0, now_us=5)
    clock.advance_us(10)
    clock.advance_to_us(100)
    clock.advance_to_us(100)
    assert clock.now_us == 100


def test_time_does_not_go_back():
    clock = VirtualClock(0, now_us=50)
    with pytest.raises(ValueError, match="step_us=-1"):
        clock.advance_us(-1)
    with pytest.raises(ValueError, match="now_us=49 is before 50"):
        clock.advance_to_us(49)
    assert clock.now_us == 50


def test_a_clock_goes_to_a_utc_and_stays_within_its_millisecond():
    clock = VirtualClock(1_000, now_us=500)
    clock.advance_to(1_000)
    assert clock.now_us == 500
    clock.advance_to(1_007)
    assert (clock.now_us, clock.utc_ms) == (7_000, 1_007)
    with pytest.raises(ValueError, match="utc_ms=1006 is before 1007"):
        clock.advance_to(1_006)
