"""FarmBook: what the farmer records, and nothing of it for another farm."""

import pytest

from relay.model import LifeEvent
from relay.storage.ports import COVERAGES, LIFE_KINDS, NotKnown
from tests.relay.contract.world import T0_MS

DAY_MS = 86_400_000
HOUR = T0_MS // 3_600_000


async def note(world, kind, at=0, noted=0, animal_id=None):
    """Note something `at` days after T0, `noted` days after T0."""
    at_ms, noted_ms = T0_MS + at * DAY_MS, T0_MS + noted * DAY_MS
    await world.storage.note_life(world.farm_id, animal_id or world.animal_id, kind, at_ms, noted_ms)
    return LifeEvent(animal_id or world.animal_id, kind, at_ms, noted_ms)


async def test_lives_are_read_back_by_when_things_were_not_by_when_they_were_noted(world, reopen):
    lona = await world.storage.add_animal(world.farm_id, "13", "Lona")
    late = await note(world, "calved", at=-3, noted=2)
    due = await note(world, "due", at=40, noted=1, animal_id=lona)
    first = await note(world, "inseminated", at=-60, animal_id=lona)
    async with reopen() as again:
        assert await again.life_events(world.farm_id) == [first, late, due]


@pytest.mark.parametrize("kind", LIFE_KINDS)
async def test_everything_a_farmer_may_record_is_taken(world, kind):
    assert await world.storage.life_events(world.farm_id) == [] != [await note(world, kind)]
    assert [each.kind for each in await world.storage.life_events(world.farm_id)] == [kind]


async def test_what_is_noted_again_is_known_since_the_first_time(world):
    first = await note(world, "calved", noted=1)
    await note(world, "calved", noted=5)
    assert await world.storage.life_events(world.farm_id) == [first]


async def test_what_was_noted_by_mistake_is_struck_once(world):
    stays = await note(world, "calved", at=-300)
    await note(world, "calved")
    assert await world.storage.strike_life(world.farm_id, world.animal_id, "calved", T0_MS)
    assert not await world.storage.strike_life(world.farm_id, world.animal_id, "calved", T0_MS)
    assert await world.storage.life_events(world.farm_id) == [stays]


async def test_a_life_is_written_and_read_on_its_own_farm_only(world):
    await note(world, "calved")
    other = await world.storage.add_farm("Valley", bytes(32))
    assert await world.storage.life_events(other) == []
    for work in (
        world.storage.note_life(other, world.animal_id, "calved", T0_MS, T0_MS),
        world.storage.strike_life(other, world.animal_id, "calved", T0_MS),
        world.storage.set_group(other, world.animal_id, "dry"),
    ):
        with pytest.raises(NotKnown, match=f"animal {world.animal_id} is not known on farm {other}"):
            await work
    assert len(await world.storage.life_events(world.farm_id)) == 1


async def test_an_animal_is_of_no_group_until_it_is_put_in_one(world):
    assert (await world.storage.animal(world.animal_id)).group == ""
    await world.storage.set_group(world.farm_id, world.animal_id, "dry cows")
    assert (await world.storage.animal(world.animal_id)).group == "dry cows"
    assert [each.group for each in await world.storage.animals(world.farm_id)] == ["dry cows"]


async def test_a_farm_is_covered_always_and_hears_its_digest_at_six_unless_it_says_otherwise(world):
    farm = await world.storage.farm(world.farm_id)
    assert (farm.coverage, farm.digest_min) == ("always", 360)
    for coverage in COVERAGES:
        await world.storage.set_coverage(world.farm_id, coverage)
        assert (await world.storage.farm(world.farm_id)).coverage == coverage
    await world.storage.set_digest(world.farm_id, 1_439)
    assert [each.digest_min for each in await world.storage.farms()] == [1_439]


async def test_quiet_hours_are_set_and_lifted(world):
    for quiet_min in ((1_320, 300), None):
        await world.storage.set_quiet(world.farm_id, quiet_min)
        farm = await world.storage.farm(world.farm_id)
        assert (farm.quiet_from_min, farm.quiet_to_min) == (quiet_min or (None, None))


async def test_kinds_are_switched_both_ways_and_only_where_the_farm_did(world):
    other = await world.storage.add_farm("Valley", bytes(32))
    assert await world.storage.switches(world.farm_id) == {}
    for kind, is_on in (("lameness", True), ("heat", False), ("lameness", False)):
        await world.storage.switch_kind(world.farm_id, kind, is_on)
    assert await world.storage.switches(world.farm_id) == {"heat": False, "lameness": False}
    assert await world.storage.switches(other) == {}


async def test_weather_is_read_by_span_and_replaced_by_what_is_told_later(world):
    for at, temperature_c in enumerate((20.0, 25.5, 31.0)):
        await world.storage.note_weather(world.farm_id, HOUR + at, temperature_c, 60.0)
    await world.storage.note_weather(world.farm_id, HOUR + 1, 26.0, 55.5)
    span = (HOUR, HOUR + 2)
    assert await world.storage.weather(world.farm_id, *span) == {HOUR: (20.0, 60.0), HOUR + 1: (26.0, 55.5)}
    assert await world.storage.weather(await world.storage.add_farm("Valley", bytes(32)), *span) == {}


@pytest.mark.parametrize(
    ("method", "arguments", "said"),
    [
        ("set_coverage", ("sometimes",), "coverage='sometimes', want one of always, barn, parlour"),
        ("set_digest", (1_440,), "digest_min=1440 outside 0..1439"),
        ("set_quiet", ((0, 1_440),), "quiet_min=1440 outside 0..1439"),
        ("set_digest", (-1,), "digest_min=-1 outside 0..1439"),
        ("note_weather", (HOUR, 61.0, 50.0), "temperature_c=61.0 outside -60..60"),
        ("note_weather", (HOUR, float("nan"), 50.0), "temperature_c=nan outside -60..60"),
        ("note_weather", (HOUR, 20.0, 101.0), "humidity_percent=101.0 outside 0..100"),
    ],
)
async def test_impossible_values_are_refused(world, method, arguments, said):
    with pytest.raises(ValueError, match=said):
        await getattr(world.storage, method)(world.farm_id, *arguments)


async def test_an_unknown_kind_of_life_event_is_refused(world):
    with pytest.raises(ValueError, match="kind='married', want one of calved, inseminated"):
        await note(world, "married")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("set_coverage", ("barn",)),
        ("set_digest", (300,)),
        ("set_quiet", ((1_320, 300),)),
        ("switch_kind", ("heat", True)),
        ("note_weather", (HOUR, 20.0, 50.0)),
    ],
)
async def test_a_farm_that_is_not_there_records_nothing(world, method, arguments):
    with pytest.raises(NotKnown, match="farm 99"):
        await getattr(world.storage, method)(99, *arguments)
