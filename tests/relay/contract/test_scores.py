"""Store, scoring: cursor, states, events and messages come together or not at all; the audit."""

import pytest

from relay.model import ScoredAnimal
from relay.storage.ports import StaleLease
from tests.relay.contract.world import T0_MS


def state(world, data=b"state", version=1):
    return ScoredAnimal(world.animal_id, "no_movement", version, data)


async def commit(world, cursor=1, token=0, states=(), events=(), messages=()):
    await world.storage.commit_scores(world.partition, token, cursor, states, events, messages)


async def test_a_partition_starts_at_cursor_0_without_states(world):
    assert await world.storage.cursor(world.partition) == 0
    assert await world.storage.states(world.partition) == []


async def test_one_commit_stores_all_its_parts(world, reopen):
    message = world.message(event_id="event-1")
    await commit(world, 7, states=[state(world)], events=[world.event()], messages=[message])
    async with reopen() as again:
        assert await again.cursor(world.partition) == 7
        assert await again.states(world.partition) == [state(world)]
        assert await again.event("event-1") == world.event()
        assert await again.message("message-1") == message
        assert await again.next_due_ms() == T0_MS


async def test_a_state_is_replaced_by_the_next_commit(world):
    await commit(world, 1, states=[state(world)])
    await commit(world, 2, states=[state(world, b"newer", version=2)])
    assert await world.storage.states(world.partition) == [state(world, b"newer", version=2)]
    assert await world.storage.states((world.partition + 1) % 64) == []


async def test_messages_that_exist_already_are_left_as_they_are(world):
    await commit(world, 1, messages=[world.message()])
    await world.storage.claim(T0_MS, 10)
    await commit(world, 2, messages=[world.message(step="second")])
    assert (await world.storage.message("message-1")).step == "first"
    assert await world.state() == "sending"


async def test_a_commit_that_fails_in_one_part_stores_nothing(world):
    nobody = world.message(person_id=99)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await commit(world, 5, states=[state(world)], events=[world.event()], messages=[nobody])
    assert await world.storage.cursor(world.partition) == 0
    assert await world.storage.states(world.partition) == []
    assert await world.storage.event("event-1") is None


async def test_an_older_fencing_token_is_refused(world):
    await commit(world, 1, token=4)
    with pytest.raises(StaleLease, match="token 3, the store has seen 4"):
        await commit(world, 2, token=3, events=[world.event()])
    assert await world.storage.event("event-1") is None
    await commit(world, 2, token=5)
    assert await world.storage.cursor(world.partition) == 2


async def test_a_cursor_never_goes_back_but_may_stay(world):
    await commit(world, 5)
    await commit(world, 5, events=[world.event()])
    with pytest.raises(StaleLease, match="cursor 4, the store is at 5"):
        await commit(world, 4)


async def test_events_of_a_farm_are_listed_newest_first(world):
    other = await world.storage.add_farm("Valley", bytes(32))
    events = [world.event(f"event-{n}", onset_ms=T0_MS + n) for n in range(3)]
    await commit(world, 1, events=events)
    assert [event.id for event in await world.storage.events(world.farm_id, 2)] == ["event-2", "event-1"]
    assert await world.storage.events(other, 10) == []


async def test_the_audit_chain_holds(world):
    assert await world.storage.audit_broken_at() is None
    for number in range(3):
        await world.storage.audit("person:1", "acknowledged", {"event": f"e{number}", "why": "öffnet"}, T0_MS)
    assert await world.storage.audit_broken_at() is None
