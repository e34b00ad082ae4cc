"""Two clocks: one that somebody moves, and the wall's."""

from __future__ import annotations

import asyncio

import pytest

from relay.clock import FollowedClock, WallClock


async def test_waiters_wake_in_the_order_of_their_times_and_not_before():
    clock, woken = FollowedClock(1000), []

    async def wait(until_ms):
        await clock.wait_until(until_ms)
        woken.append(until_ms)

    tasks = [asyncio.create_task(wait(ms)) for ms in (3000, 1500, 2000, 1000)]
    await asyncio.sleep(0)
    assert woken == [1000]
    clock.advance(2000)
    await asyncio.sleep(0)
    assert woken == [1000, 1500, 2000]
    clock.advance(9000)
    await asyncio.gather(*tasks)
    assert woken[-1] == 3000


async def test_a_waiter_that_gave_up_does_not_stop_the_others():
    clock = FollowedClock()
    first, second = (asyncio.create_task(clock.wait_until(ms)) for ms in (10, 20))
    await asyncio.sleep(0)
    first.cancel()
    clock.advance(20)
    await second
    assert first.cancelled()


def test_a_followed_clock_does_not_go_back():
    clock = FollowedClock(1000)
    clock.advance(1000)
    with pytest.raises(ValueError, match="clock is at 1000, cannot go back to 999"):
        clock.advance(999)
    assert clock.now_ms() == 1000


async def test_the_wall_clock_waits_until_the_clock_says_so(monkeypatch):
    clock, slept = WallClock(), []
    start_ms = clock.now_ms()
    times = iter([start_ms, start_ms + 1, start_ms + 40_000])

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(clock, "now_ms", lambda: next(times))
    monkeypatch.setattr("relay.clock.asyncio.sleep", sleep)
    await clock.wait_until(start_ms + 40_000)
    assert slept == [30, 30]


async def test_who_waits_for_the_wall_clock_hears_that_it_was_set_back(monkeypatch):
    clock, slept = WallClock(), []
    times = iter([100_000, 99_500, 99_000])

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(clock, "now_ms", lambda: next(times))
    monkeypatch.setattr("relay.clock.asyncio.sleep", sleep)
    await clock.wait_until(110_000)
    assert slept == [10, 10.5]
