"""What a farm says besides its collars, read from the real store: by event time, so that a replay agrees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.model import Event
from relay.scoring import kinds
from relay.scoring.facts import SETTLED_DAYS, farm_facts, off_of
from relay.scoring.hours import HOUR_MS
from relay.scoring.kind import Kind, Tier
from relay.storage.ports import partition_of
from relay.storage.sqlite import SqliteStorage
from relay.vault import Vault
from tests.relay.alert_scene import FARM

HOUR = 480_000
DAY_MS = 24 * HOUR_MS
EVERY = kinds.all_kinds()
LEARNS = next(name for name, kind in EVERY.items() if kind.learns)


@pytest.fixture
async def store(tmp_path):
    async with SqliteStorage.open(tmp_path / "state", Vault(bytes(32))) as storage:
        farm_id = await storage.add_farm("Hof Lindner", bytes(32))
        for number in ("12", "13", "14"):
            await storage.add_animal(farm_id, number)
        await storage.add_person(farm_id, "Anna", "+4915100000001", consent_ms=0, consent_text="v1")
        yield storage


async def facts_of(store, events=()):
    farm = await store.farm(1)
    return await farm_facts(store, farm, await store.animals(1), (HOUR - 5, HOUR + 5), events)


def event(name, kind, at_ms, **more):
    return Event(name, 1, 2, kind, at_ms, at_ms, {}, **more)


async def test_animals_groups_lives_and_weather_are_in_the_order_of_the_animals(store):
    await store.set_group(1, 2, "dry cows")
    await store.note_life(1, 3, "calved", HOUR * HOUR_MS - DAY_MS, 0)
    await store.note_weather(1, HOUR, 30.0, 50.0)
    plain = (await facts_of(store)).at(HOUR)
    assert plain.animals == (1, 2, 3)
    assert plain.group.tolist() == [0, 1, 0]
    assert plain.lives.at(HOUR * HOUR_MS).in_milk_d.tolist()[2] == 1
    assert {hour: round(value) for hour, value in plain.thi.items()} == {HOUR: 78}


async def test_a_judgement_moves_a_threshold_from_the_hour_after_it_was_given(store):
    said_ms = HOUR * HOUR_MS + 1
    wrong = event("e1", LEARNS, said_ms - DAY_MS)
    await store.commit_scores(partition_of(1), 0, 1, [], [wrong], [])
    await store.judge("e1", 1, "wrong", said_ms)
    facts = await facts_of(store)
    assert facts.at(HOUR).offsets == {}
    herd, own, mates = facts.at(HOUR + 1).offsets[LEARNS][[0, 1, 2]]
    assert herd == mates > 0
    assert own == pytest.approx(1.5 * herd)
    assert not any(EVERY[name].tier is Tier.URGENT for name in facts.at(HOUR + 1).offsets)


async def test_days_with_too_many_alerts_raise_thresholds_once_nothing_late_can_change_them(store):
    begin_ms = HOUR * HOUR_MS
    many = [event(f"e{at}", LEARNS, begin_ms + at) for at in range(9)]
    hour = HOUR + SETTLED_DAYS * 24
    facts = await facts_of(store, many)
    assert facts.at(hour - 1).offsets == {}
    assert facts.at(hour).offsets[LEARNS].tolist() == [0.5] * 3
    assert 0 < facts.at(hour + 24 * 7).offsets[LEARNS][0] < 0.5
    for changed in ({"state": "withdrawn"}, {"tier": "urgent"}):
        calm = await facts_of(store, [replace(each, **changed) for each in many])
        assert calm.at(hour).offsets == {}


def test_a_kind_is_off_if_it_is_switched_off_or_experimental_and_not_switched_on():
    experimental = {name for name, kind in EVERY.items() if kind.is_experimental}
    assert experimental
    assert off_of(FARM, {}) == experimental
    one = min(experimental)
    assert off_of(FARM, {one: True, "heat": False}) == experimental - {one} | {"heat"}


def test_what_the_farms_coverage_cannot_serve_is_off_though_it_is_switched_on():
    parlour = off_of(replace(FARM, coverage="parlour"), {"no_movement": True})
    assert "no_movement" in parlour
    assert {name for name, kind in EVERY.items() if _is_slow(kind)} & parlour == set()


def _is_slow(kind: Kind) -> bool:
    return kind.within_h >= 24 and not kind.is_experimental
