"""From the cow's neck to the farmer's phone and back: every real part at once, in virtual time."""

from __future__ import annotations

import pytest

from simulator.demo import Demo, Options

# The sick cow lies still from the first minute; the alert needs ninety, the upload a quarter of an hour.
SHORT = {"collars": 3, "sick_hour": 0.05, "days": 0.1, "relay_port": 0, "phone_port": 0}

pytestmark = [pytest.mark.timeout(300)]


async def live(**chosen):
    """Run a demo; return its result and what it said."""
    said = []
    async with Demo(Options(**{**SHORT, **chosen}), said.append) as demo:
        return await demo.run_day(), said


async def test_a_cow_that_stops_moving_is_named_on_the_farmers_phone():
    result, _ = await live(sick=2)
    assert len(result.messages) == 1
    _, text = result.messages[0]
    assert "(2)" in text
    assert "not moving" in text


async def test_without_her_collar_no_message_comes():
    result, _ = await live(sick=2, without=(2,))
    assert result.messages == []
    assert result.collars == 2


async def test_a_healthy_herd_sends_no_message():
    result, _ = await live(sick=0)
    assert result.messages == []


async def test_every_frame_that_was_sent_is_acknowledged_and_stored_once():
    result, _ = await live(sick=0)
    assert result.frames_sent > 3 * 2 * 8
    assert result.frames_acked == result.frames_stored == result.frames_sent


async def test_one_seed_is_one_trace_and_another_seed_another():
    first, _ = await live(sick=2, seed=11)
    again, _ = await live(sick=2, seed=11)
    other, _ = await live(sick=2, seed=12)
    assert first.trace_hash == again.trace_hash
    assert first.trace_hash != other.trace_hash


async def test_one_flipped_sample_bit_is_another_trace(monkeypatch):
    first, _ = await live(sick=0, collars=1, days=0.03)
    flipped, _ = await live(sick=0, collars=1, days=0.03, flip_bit=True)
    assert first.trace_hash != flipped.trace_hash
