"""From the cow's neck to the farmer's phone and back: every real part at once, in virtual time."""

from __future__ import annotations

import pytest

from simulator.demo import Demo, DemoError, Options, make_herd

# The sick cow lies still from the first minute; the alert needs ninety, the upload a quarter of an hour.
SHORT = {"collars": 3, "sick_hour": 0.05, "days": 0.1, "relay_port": 0, "phone_port": 0}

pytestmark = [pytest.mark.timeout(300)]


async def live(*, before=None, **chosen):
    """Run a demo, after `before(demo)`; return its result."""
    async with Demo(Options(**{**SHORT, **chosen}), print) as demo:
        if before:
            before(demo)
        return await demo.run_day()


async def test_a_cow_that_stops_moving_is_named_on_the_farmers_phone():
    result = await live(sick=2)
    assert len(result.messages) == 1
    _, text = result.messages[0]
    assert "(2)" in text
    assert "not moving" in text


async def test_without_her_collar_no_message_comes():
    result = await live(sick=2, without=(2,))
    assert result.messages == []
    assert result.collars == 2


async def test_a_healthy_herd_sends_no_message():
    result = await live(sick=0)
    assert result.messages == []


async def test_every_frame_that_was_sent_is_acknowledged_and_stored_once():
    result = await live(sick=0)
    assert result.frames_sent > 3 * 2 * 8
    assert result.frames_acked == result.frames_stored == result.frames_sent


async def test_one_seed_is_one_trace_and_another_seed_another():
    first, again, other = [await live(sick=2, collars=2, days=0.05, seed=seed) for seed in (11, 11, 12)]
    assert first.trace_hash == again.trace_hash
    assert first.trace_hash != other.trace_hash


async def test_one_flipped_sample_bit_is_another_trace():
    def flip(demo):
        # Byte 6 of a FIFO word is the high byte of z: in the first drain, after identity, set-up and status.
        demo.host.lives[0].board.bus.flip_bit(n=700, bit=4)

    first = await live(sick=0, collars=1, days=0.03)
    flipped = await live(sick=0, collars=1, days=0.03, before=flip)
    assert first.frames_sent == flipped.frames_sent
    assert first.trace_hash != flipped.trace_hash


async def test_a_recorded_cow_that_stops_moving_is_named_too(data_folder):
    result = await live(data=data_folder / "wasp-cow-collar", sick=3)
    assert ["(3)" in text for _, text in result.messages] == [True]


def test_a_sick_cow_that_is_not_in_the_herd_is_refused():
    with pytest.raises(DemoError, match="--sick 4: there are 3 cows"):
        make_herd(Options(collars=3, sick=4))


async def test_recordings_of_real_cows_go_through_the_whole_chain(data_folder):
    result = await live(data=data_folder / "wasp-cow-collar", collars=10, sick=0, days=0.05)
    assert result.collars == 10
    assert result.frames_sent > 10 * 2 * 3
    assert result.frames_acked == result.frames_stored == result.frames_sent
    assert result.messages == []
