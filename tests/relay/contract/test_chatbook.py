"""Who hears what and by which way: what people say of themselves is kept, and found again."""

import pytest

from relay.model import Judgement, Mute
from relay.storage.ports import NotKnown
from tests.relay.contract.world import MINUTE_MS, PHONE, T0_MS

USER = "US.13491208655302741918"
OTHER_PHONE = "+1 555 0100002"


async def add_ben(world, phone=OTHER_PHONE, **options):
    return await world.storage.add_person(
        world.farm_id, "Ben", phone, consent_ms=T0_MS, consent_text="2026-11", **options
    )


async def ann(world):
    return await world.storage.person(world.person_id)


# who they are


async def test_a_person_is_found_by_id_with_the_role_and_rung_of_the_oldest_farm(world):
    second = await world.storage.add_farm("Valley", bytes(32))
    await world.storage.add_person(
        second, "Ann", PHONE, role="vet", rung=3, consent_ms=T0_MS, consent_text="2026-11"
    )
    found = await ann(world)
    assert (found.name, found.role, found.rung) == ("Ann", "owner", 0)
    assert [(each.role, each.rung) for each in await world.storage.people(second)] == [("vet", 3)]
    assert await world.storage.person(world.person_id + 1) is None


async def test_a_person_without_a_phone_number_is_written_to_by_user_id(world):
    ben = await add_ben(world, "", user_id=USER)
    assert (await world.storage.person_by_user_id(USER)).id == ben
    await world.storage.queue([world.message(person_id=ben)])
    (held,) = await world.storage.claim(T0_MS, 10)
    assert (held.phone, held.user_id) == ("", USER)
    assert USER not in repr(held)


async def test_somebody_with_neither_number_nor_user_id_is_refused(world):
    with pytest.raises(ValueError, match="phone number of 0 digits"):
        await add_ben(world, "")


async def test_a_number_that_comes_later_belongs_to_the_same_person(world):
    ben = await add_ben(world, "", user_id=USER)
    assert await add_ben(world, OTHER_PHONE, user_id=USER) == ben
    assert (await world.storage.person_by_phone(OTHER_PHONE)).id == ben
    assert await add_ben(world, OTHER_PHONE) == ben


async def test_a_number_and_a_user_id_of_two_people_are_not_mixed_up(world):
    await add_ben(world, "", user_id=USER)
    with pytest.raises(ValueError, match="two different people"):
        await add_ben(world, PHONE, user_id=USER)
    assert (await world.storage.person_by_user_id(USER)).name == "Ben"


async def test_hearing_from_somebody_keeps_the_latest_time_and_the_first_user_id(world):
    await world.storage.heard(world.person_id, T0_MS + 5, USER)
    await world.storage.heard(world.person_id, T0_MS, "US.2")
    assert (await ann(world)).last_inbound_ms == T0_MS + 5
    assert (await world.storage.person_by_user_id(USER)).id == world.person_id
    assert await world.storage.person_by_user_id("US.2") is None
    await world.storage.queue([world.message()])
    (held,) = await world.storage.claim(T0_MS, 10)
    assert (held.user_id, held.last_inbound_ms) == (USER, T0_MS + 5)


async def test_a_user_id_of_somebody_else_is_not_taken_from_them(world):
    ben = await add_ben(world, user_id=USER)
    await world.storage.heard(world.person_id, T0_MS, USER)
    assert (await world.storage.person_by_user_id(USER)).id == ben
    assert (await ann(world)).last_inbound_ms == T0_MS
    with pytest.raises(ValueError, match="somebody else has it"):
        await world.storage.set_user_id(world.person_id, USER)


async def test_a_new_user_id_takes_the_place_of_the_one_before(world):
    await world.storage.set_user_id(world.person_id, USER)
    await world.storage.set_user_id(world.person_id, "US.2")
    assert await world.storage.person_by_user_id(USER) is None
    assert (await world.storage.person_by_user_id("US.2")).id == world.person_id


async def test_a_user_id_is_forgotten_of_who_can_be_reached_without_it(world):
    ben = await add_ben(world, "", user_id=USER)
    with pytest.raises(ValueError, match=f"user_id is empty, and person {ben} has no phone number"):
        await world.storage.set_user_id(ben, "")
    await world.storage.set_user_id(ben, "US.2")
    assert await add_ben(world, "", user_id=USER) not in (ben, world.person_id)
    await world.storage.set_user_id(world.person_id, "US.3")
    await world.storage.set_user_id(world.person_id, "")
    await world.storage.heard(world.person_id, T0_MS, "US.4")
    assert await world.storage.person_by_user_id("US.3") is None
    assert (await world.storage.person_by_user_id("US.4")).id == world.person_id


async def test_a_doubt_about_somebody_stays_until_it_is_cleared(world):
    await world.storage.set_doubt(world.person_id, "silent")
    assert (await ann(world)).doubt == "silent"
    await world.storage.set_doubt(world.person_id, "")
    assert (await ann(world)).doubt == ""
    with pytest.raises(ValueError, match="doubt='odd', want one of silent, changed"):
        await world.storage.set_doubt(world.person_id, "odd")


async def test_nothing_is_kept_of_who_is_not_there(world):
    nobody = world.person_id + 9
    storage = world.storage
    for change in (
        storage.heard(nobody, T0_MS, None),
        storage.set_user_id(nobody, USER),
        storage.set_doubt(nobody, ""),
        storage.set_fewer(nobody, True),
        storage.set_rung(nobody, world.farm_id, 1),
        storage.add_address(nobody, "mailto://x"),
        storage.export_person(nobody),
        storage.erase_person(nobody, T0_MS),
    ):
        with pytest.raises(NotKnown, match=f"person {nobody} is not known"):
            await change


# what they want to hear


async def test_who_wants_fewer_alerts_can_have_them_again(world):
    await world.storage.set_fewer(world.person_id, True)
    assert (await ann(world)).fewer is True
    await world.storage.set_fewer(world.person_id, False)
    assert (await ann(world)).fewer is False


async def test_a_rung_belongs_to_a_person_on_a_farm(world):
    await world.storage.set_rung(world.person_id, world.farm_id, 2)
    assert [each.rung for each in await world.storage.people(world.farm_id)] == [2]
    for rung in (-1, 10):
        with pytest.raises(ValueError, match=f"rung={rung} outside 0..9"):
            await world.storage.set_rung(world.person_id, world.farm_id, rung)
    with pytest.raises(ValueError, match="rung=10"):
        await add_ben(world, rung=10)


async def test_a_farm_escalates_when_it_says_so_or_never(world):
    assert (await world.storage.farm(world.farm_id)).escalate_min == (15, 30)
    for steps in ((5,), (1, 2, 3, 1440), ()):
        await world.storage.set_escalation(world.farm_id, steps)
        assert (await world.storage.farm(world.farm_id)).escalate_min == steps


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((0,), "steps_min=0 outside 1..1440"),
        ((1441,), "steps_min=1441 outside 1..1440"),
        ((30, 15), "steps_min=15 after 30, want them ascending"),
        ((15, 15), "steps_min=15 after 15"),
        ((1, 2, 3, 4, 5), "5 steps, want at most 4"),
    ],
)
async def test_steps_that_make_no_sense_are_refused(world, steps, said):
    with pytest.raises(ValueError, match=said):
        await world.storage.set_escalation(world.farm_id, steps)
    assert (await world.storage.farm(world.farm_id)).escalate_min == (15, 30)


async def test_a_mute_lasts_until_its_time_or_until_it_is_lifted(world):
    storage, who = world.storage, (world.farm_id, world.person_id)
    await storage.mute(*who, world.animal_id, "", T0_MS + 1)
    await storage.mute(*who, None, "heat", T0_MS + 9)
    await storage.mute(*who, world.animal_id, "", T0_MS + 5)  # in the place of the first
    hers = Mute(world.person_id, world.animal_id, "", T0_MS + 5)
    heat = Mute(world.person_id, None, "heat", T0_MS + 9)
    assert await storage.mutes(world.farm_id, T0_MS) == [heat, hers]
    assert await storage.mutes(world.farm_id, T0_MS + 5) == [heat]
    assert await storage.mutes(world.farm_id + 1, T0_MS) == []
    await storage.mute(*who, None, "heat", 0)
    assert await storage.mutes(world.farm_id, T0_MS) == [hers]


async def test_only_who_belongs_to_a_farm_mutes_and_only_its_own_animals(world):
    other = await world.storage.add_farm("Valley", bytes(32))
    stranger = await world.storage.add_animal(other, "1")
    with pytest.raises(NotKnown, match=f"person {world.person_id} is not known on farm {other}"):
        await world.storage.mute(other, world.person_id, None, "", T0_MS)
    with pytest.raises(NotKnown, match=f"animal {stranger} is not known on farm {world.farm_id}"):
        await world.storage.mute(world.farm_id, world.person_id, stranger, "", T0_MS)


async def test_judgements_are_read_back_oldest_first_from_everybody_and_of_every_verdict(world):
    ben = await add_ben(world)
    await world.storage.commit_scores(world.partition, 0, 1, [], [world.event()], [])
    await world.storage.judge("event-1", ben, "snoozed", T0_MS + 2)
    await world.storage.judge("event-1", world.person_id, "acknowledged", T0_MS + 1)
    await world.storage.judge("event-1", world.person_id, "wrong", T0_MS + 3, "moved")
    assert await world.storage.judgements(world.farm_id, T0_MS + 2) == [
        Judgement("event-1", ben, "snoozed", "", T0_MS + 2),
        Judgement("event-1", world.person_id, "wrong", "moved", T0_MS + 3),
    ]
    assert len(await world.storage.judgements(world.farm_id, T0_MS)) == 3
    assert await world.storage.judgements(world.farm_id + 1, 0) == []


# other ways to reach them


async def test_addresses_of_the_second_channel_are_kept_once_each_and_dropped_together(world):
    for url in ("mailto://a:b@example.org", "tgram://token/1", "mailto://a:b@example.org"):
        await world.storage.add_address(world.person_id, url)
    kept = ["mailto://a:b@example.org", "tgram://token/1"]
    assert await world.storage.addresses(world.person_id) == kept
    await world.storage.drop_addresses(world.person_id)
    assert await world.storage.addresses(world.person_id) == []
    with pytest.raises(ValueError, match="url is empty"):
        await world.storage.add_address(world.person_id, "")


async def test_each_channel_claims_its_own_messages(world):
    second = world.message("other-way", channel="second", created_ms=T0_MS + MINUTE_MS)
    await world.storage.queue([world.message(), second])
    assert await world.storage.next_due_ms("second") == T0_MS + MINUTE_MS
    assert await world.storage.next_due_ms() == T0_MS
    assert [held.message for held in await world.storage.claim(second.created_ms, 10, "second")] == [second]
    assert await world.state() == "queued"
