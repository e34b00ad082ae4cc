"""Any order, any repetition, any batch: nothing lost, nothing twice, nothing back; and any bytes at all."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import AsyncExitStack, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.storage.ports import ACCEPTED, RANK
from relay.whatsapp.webhook_items import WebhookError, items
from relay.whatsapp.webhook_status import STATES
from tests.relay.webhook_scene import PHONES, opened
from tests.relay.whatsapp_scene import NUMBER_ID

MESSAGES, SAID = 3, 4
FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip


@pytest.fixture
def world(tmp_path):
    """A scene that outlives the examples, each with names of its own, and the loop it runs on."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        scene = runner.run(stack.enter_async_context(opened(tmp_path / "state")))
        scene.run, scene.numbers = runner.run, itertools.count()
        yield scene
        runner.run(stack.aclose())


# What can happen: a status of a message, or somebody says something. Each may come several times.
STATUS = st.tuples(st.just("status"), st.integers(0, MESSAGES - 1), st.sampled_from(sorted(STATES)))
WORD = st.tuples(st.just("said"), st.integers(0, SAID - 1), st.sampled_from(range(len(PHONES))))
HISTORY = st.lists(st.lists(st.one_of(STATUS, WORD), max_size=12), max_size=6)


async def play(scene, example, history):
    """Post the webhooks of a history; return (message id, states it was given) and what was said."""
    given_to = {f"{example}-{number}": [ACCEPTED] for number in range(MESSAGES)}
    await scene.accepted(*given_to)
    said = set()
    for batch in history:
        body = {"statuses": [], "messages": []}
        for sort, number, which in batch:
            if sort == "status":
                given_to[f"{example}-{number}"].append(STATES[which])
                body["statuses"].append(scene.status(which, f"{example}-{number}"))
            else:
                wamid = f"wamid.in{example}-{number}-{which}"
                said.add((which + 1, wamid))
                body["messages"].append(scene.text(wamid, sender=PHONES[which]))
        assert await scene.post(**body) == 200
    return given_to, said


@FEW
@given(HISTORY)
def test_any_history_ends_in_the_highest_state_with_each_word_taken_once(world, history):
    async def check():
        before = len(world.listener.taken)
        given_to, said = await play(world, next(world.numbers), history)
        for message_id, states in given_to.items():
            highest = max(states, key=RANK.__getitem__)
            assert await world.storage.message_state(message_id) == highest
        taken = world.listener.taken[before:]
        assert len(taken) == len(set(taken)), "executed twice"
        assert set(taken) == said
        assert await world.storage.inbox_pending(1) == []

    world.run(check())


@FEW
@given(st.permutations(range(6)), st.integers(1, 6))
def test_what_one_person_says_is_taken_in_the_order_it_came(world, order, size):
    async def check():
        example = next(world.numbers)
        said = [world.text(f"wamid.o{example}-{n}", sender=PHONES[n % 2]) for n in order]
        before = len(world.listener.taken)
        for at in range(0, len(said), size):
            assert await world.post(messages=said[at : at + size]) == 200
        taken = world.listener.taken[before:]
        for person in (1, 2):
            expected = [item["id"] for item in said if item["from"] == PHONES[person - 1]]
            assert [wamid for who, wamid in taken if who == person] == expected

    world.run(check())


# what is no webhook, or one that nobody knows yet

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.binary(max_size=200))
def test_bytes_are_items_or_refused_and_nothing_else(raw):
    with suppress(WebhookError):
        items(raw)


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["messages", "statuses", "errors", "contacts", "metadata"]), JSON),
    JSON,
    st.none() | st.sampled_from(["messages", "security", "new_field"]),
)
def test_any_json_in_the_place_of_ours_is_taken_apart_without_a_fault(value, entry, field):
    body = {
        "entry": [{"changes": [{"field": field, "value": value}, {"field": field, "value": entry}]}, entry]
    }
    keys = [key for key, _ in items(json.dumps(body).encode())]
    assert all(key.isascii() and "\n" not in key for key in keys)


ITEM = st.fixed_dictionaries(
    {}, optional={
        "id": st.text(max_size=6) | st.just("wamid.z"), "status": st.sampled_from(["sent", "failed", "new"]),
        "timestamp": st.just("1780000000") | JSON, "from": st.sampled_from([*PHONES, "1", ""]) | JSON,
        "from_user_id": JSON, "type": st.sampled_from(["text", "button", "system", "image", "new"]),
        "system": JSON, "text": JSON, "errors": JSON, "pricing": JSON, "recipient_id": JSON,
        "biz_opaque_callback_data": JSON,
    },
)  # fmt: skip
CHANGE = st.fixed_dictionaries({
    "field": st.sampled_from(["message_template_status_update", "account_update", "user_preferences", "new"]),
    "value": JSON,
})  # fmt: skip


@FEW
@given(st.lists(ITEM | JSON, max_size=5), st.lists(ITEM | JSON, max_size=5), st.lists(CHANGE, max_size=3))
def test_items_of_any_shape_are_each_handled_and_hold_up_none(world, messages, statuses, changes):
    async def check():
        example, before = next(world.numbers), sum(world.outcomes.values())
        value = {
            "metadata": {"phone_number_id": NUMBER_ID},
            "messages": [*messages, world.text(f"wamid.last{example}")],
            "statuses": statuses,
        }
        assert await world.changes({"field": "messages", "value": value}, *changes) == 200
        assert (1, f"wamid.last{example}") in world.listener.taken
        assert await world.storage.inbox_pending(1) == []
        assert sum(world.outcomes.values()) > before

    world.run(check())
