"""Registry: farms, animals, collars, people, and who may not be mixed up with whom."""

import pytest

from herdcore import auth
from relay.model import Animal, Collar, CollarKey, Farm, Person
from relay.storage.ports import NotKnown
from tests.relay.contract.world import DEVICE, PHONE, ROOT, T0_MS


async def test_what_was_added_is_listed(world):
    storage = world.storage
    farm = Farm(world.farm_id, "Hillside", "Europe/Berlin", "de")
    assert await storage.farms() == [farm]
    assert await storage.farm(world.farm_id) == farm
    bella = Animal(world.animal_id, world.farm_id, "12", "Bella")
    assert await storage.animals(world.farm_id) == [bella]
    assert await storage.animal(world.animal_id) == bella
    assert await storage.collars(world.farm_id) == [Collar(DEVICE, world.farm_id, 0, world.animal_id)]
    ann = Person(world.person_id, "Ann", "en", "UTC", "owner")
    assert await storage.people(world.farm_id) == [ann]


async def test_unknown_ids_are_none_and_other_farms_are_empty(world):
    storage = world.storage
    assert await storage.farm(99) is None
    assert await storage.animal(99) is None
    other = await storage.add_farm("Valley", bytes(32), quiet_min=(1_320, 300))
    assert (await storage.farm(other)).quiet_from_min == 1_320
    assert await storage.animals(other) == await storage.collars(other) == await storage.people(other) == []


@pytest.mark.parametrize(
    ("root", "quiet_min", "said"),
    [(b"short", None, "root of 5 bytes, want 32"), (ROOT, (0, 1_440), "quiet_min=1440 outside 0..1439")],
)
async def test_a_farm_with_impossible_values_is_refused(storage, root, quiet_min, said):
    with pytest.raises(ValueError, match=said):
        await storage.add_farm("Hillside", root, quiet_min=quiet_min)
    assert await storage.farms() == []


async def test_an_animal_needs_a_known_farm_and_a_number_of_its_own(world):
    with pytest.raises(NotKnown, match="farm 99"):
        await world.storage.add_animal(99, "1")
    with pytest.raises(ValueError, match="number='12'"):
        await world.storage.add_animal(world.farm_id, "12")


@pytest.mark.parametrize(
    "name", ["", " ", " Bella", "Bella\n", "\u202eBella", "\u200d", "Bel\u0007la", "B" * 61], ids=ascii
)
async def test_a_name_that_cannot_be_seen_or_is_too_long_is_refused(world, name):
    with pytest.raises(ValueError, match=r"number=.*want 1\.\.24 characters"):
        await world.storage.add_animal(world.farm_id, name)
    with pytest.raises(ValueError, match=r"name=.*want 1\.\.60 characters"):
        await world.storage.add_farm(name, ROOT)
    with pytest.raises(ValueError, match="name="):
        await world.storage.add_person(
            world.farm_id, name, "+15550100077", consent_ms=T0_MS, consent_text="2026-11"
        )
    if name:
        with pytest.raises(ValueError, match="name="):
            await world.storage.add_animal(world.farm_id, "99", name)
    assert [animal.number for animal in await world.storage.animals(world.farm_id)] == ["12"]


@pytest.mark.parametrize("name", ["गौरी", "क्\u200dषमा", "نور\u200cبیبی", "Nº 7, Зорька", "🐄"])
async def test_a_name_of_any_script_is_kept_as_it_is(world, name):
    await world.storage.add_animal(world.farm_id, "99", name)
    assert [animal.name for animal in await world.storage.animals(world.farm_id)][-1] == name


async def test_a_collars_keys_are_derived_from_the_root_of_its_farm(world):
    secret = auth.collar_key(ROOT, DEVICE, 0)
    key = CollarKey(DEVICE, world.farm_id, 0, auth.label_key(secret, b"up"), auth.label_key(secret, b"down"))
    assert await world.storage.collar_keys() == [key]
    assert await world.storage.collar_secret(DEVICE) == secret


async def test_a_newer_epoch_replaces_the_keys_and_an_older_one_is_refused(world):
    await world.storage.add_collar(DEVICE, world.farm_id, epoch=5)
    (key,) = await world.storage.collar_keys()
    assert key.epoch == 5
    assert await world.storage.collar_secret(DEVICE) == auth.collar_key(ROOT, DEVICE, 5)
    with pytest.raises(ValueError, match="epoch=4 is behind 5"):
        await world.storage.add_collar(DEVICE, world.farm_id, epoch=4)


@pytest.mark.parametrize(
    ("device", "epoch", "said"),
    [(-1, 0, "device=-1"), (1 << 32, 0, "device=4294967296"), (1, 128, "epoch=128 outside 0..127")],
)
async def test_a_collar_with_impossible_values_is_refused(world, device, epoch, said):
    with pytest.raises(ValueError, match=said):
        await world.storage.add_collar(device, world.farm_id, epoch)


async def test_a_collar_of_one_farm_cannot_be_taken_by_another(world):
    other = await world.storage.add_farm("Valley", bytes(32))
    with pytest.raises(ValueError, match="belongs to another farm"):
        await world.storage.add_collar(DEVICE, other)
    stranger = await world.storage.add_animal(other, "12")
    with pytest.raises(NotKnown, match="on the farm of collar"):
        await world.storage.assign(DEVICE, stranger, T0_MS + 1)


async def test_an_unknown_collar_has_no_secret_and_no_wearer(world):
    with pytest.raises(NotKnown, match="collar 5"):
        await world.storage.collar_secret(5)
    with pytest.raises(NotKnown, match="collar 5"):
        await world.storage.assign(5, world.animal_id, T0_MS)


async def test_an_animal_wears_one_collar_at_a_time(world):
    await world.storage.add_collar(7, world.farm_id)
    await world.storage.assign(7, world.animal_id, T0_MS + 1)
    worn = {collar.device: collar.animal_id for collar in await world.storage.collars(world.farm_id)}
    assert worn == {7: world.animal_id, DEVICE: None}


async def test_an_assignment_can_be_corrected_at_once_but_not_behind_a_later_one(world):
    daisy = await world.storage.add_animal(world.farm_id, "13")
    await world.storage.assign(DEVICE, daisy, T0_MS)
    (collar,) = await world.storage.collars(world.farm_id)
    assert collar.animal_id == daisy
    with pytest.raises(ValueError, match=f"from_ms={T0_MS - 1}: collar or animal is taken until {T0_MS}"):
        await world.storage.assign(DEVICE, world.animal_id, T0_MS - 1)


@pytest.mark.parametrize("spelling", [PHONE, "491700000001", "0049 170 / 000 000 1"])
async def test_a_person_is_found_by_phone_number_in_any_spelling(world, spelling):
    person = await world.storage.person_by_phone(spelling)
    assert person.id == world.person_id


@pytest.mark.parametrize("spelling", ["+49 170 0000002", "", "no number"])
async def test_a_strangers_number_finds_nobody(world, spelling):
    assert await world.storage.person_by_phone(spelling) is None


async def test_a_known_number_on_a_second_farm_is_the_same_person_with_another_role(world):
    other = await world.storage.add_farm("Valley", bytes(32))
    again = await world.storage.add_person(
        other, "Dr. Ann", PHONE, role="vet", consent_ms=T0_MS, consent_text="2026-11"
    )
    assert again == world.person_id
    assert await world.storage.role(again, other) == "vet"
    assert await world.storage.role(again, world.farm_id) == "owner"
    assert await world.storage.role(again, 99) is None
    assert (await world.storage.person_by_phone(PHONE)).role == "owner"


@pytest.mark.parametrize(
    ("phone", "role", "said"),
    [("12", "owner", "phone number of 2 digits"), (PHONE, "king", "role='king', want one of owner")],
)
async def test_a_person_with_impossible_values_is_refused(world, phone, role, said):
    with pytest.raises(ValueError, match=said):
        await world.storage.add_person(
            world.farm_id, "Bob", phone, role=role, consent_ms=T0_MS, consent_text="2026-11"
        )
    assert len(await world.storage.people(world.farm_id)) == 1


async def test_an_opt_out_lasts_until_a_later_opt_in_whatever_the_operator_adds(world):
    storage = world.storage
    await storage.opt_out(world.person_id, T0_MS + 5)
    await storage.opt_out(world.person_id, T0_MS)  # came late: the newer one stays
    other = await storage.add_farm("Valley", bytes(32))
    await storage.add_person(other, "Ann", PHONE, consent_ms=T0_MS + 9, consent_text="2026-11")
    assert [(await storage.people(farm))[0].opted_out_ms for farm in (world.farm_id, other)] == [
        T0_MS + 5
    ] * 2
    assert not await storage.opt_in(world.person_id, T0_MS + 4)
    assert (await storage.person_by_phone(PHONE)).opted_out_ms == T0_MS + 5
    assert await storage.opt_in(world.person_id, T0_MS + 5)
    assert (await storage.person_by_phone(PHONE)).opted_out_ms is None
    assert await storage.farms_of(world.person_id) == [world.farm_id, other]


async def test_an_opt_out_is_there_after_opening_again(world, reopen):
    await world.storage.opt_out(world.person_id, T0_MS)
    async with reopen() as again:
        assert (await again.person_by_phone(PHONE)).opted_out_ms == T0_MS


async def test_nobody_opts_out_or_in_for_somebody_unknown(world):
    for choose in (world.storage.opt_out, world.storage.opt_in):
        with pytest.raises(NotKnown, match="person 99"):
            await choose(99, T0_MS)
    assert await world.storage.farms_of(99) == []
