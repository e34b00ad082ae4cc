"""Store, events: they go on, end, are withdrawn and stand again; and what people say of them in the end."""

from dataclasses import replace

import pytest

from relay.model import Judged
from relay.storage.ports import NotKnown
from tests.relay.contract.world import MINUTE_MS, T0_MS

HOUR_MS = 60 * MINUTE_MS


async def commit(world, *events, cursor=1):
    await world.storage.commit_scores(world.partition, 0, cursor, [], events, [])


async def said(world, *verdicts, event_id="event-1", person_id=None):
    """Judge an event, a minute apart; return what was new. A verdict may come with its reason."""
    answers = []
    for at, verdict in enumerate(verdicts):
        word, _, reason = verdict.partition(":")
        person = person_id or world.person_id
        at_ms = T0_MS + at * MINUTE_MS
        answers.append(await world.storage.judge(event_id, person, word, at_ms, reason))
    return answers


async def judged(world, kind=None, since_ms=0):
    return await world.storage.judged(world.farm_id, kind, since_ms)


async def test_a_known_event_takes_what_may_change_and_keeps_when_it_was_found(world, reopen):
    await commit(world, world.event("watch", kind="calving"), world.event(kind="calving", onset_ms=T0_MS + 1))
    changed = world.event(
        detected_ms=T0_MS + HOUR_MS,
        kind="calving",
        onset_ms=T0_MS + 1,
        evidence={"minutes": 300, "trace": [["lying bouts", 9, 6.5]]},
        state="over",
        over_ms=T0_MS + 2 * HOUR_MS,
        thread="watch",
        tier="urgent",
        stage="labour",
    )
    await commit(world, changed, cursor=2)
    async with reopen() as again:
        assert await again.event("event-1") == replace(changed, detected_ms=T0_MS)


async def test_the_same_commit_again_changes_nothing(world):
    event = world.event(state="over", over_ms=T0_MS + HOUR_MS)
    for _ in range(2):
        await commit(world, event)
    assert await world.storage.events(world.farm_id, 10) == [event]


async def test_an_event_is_withdrawn_without_being_forgotten_and_may_stand_again(world):
    for state, standing in (("open", 1), ("withdrawn", 0), ("open", 1)):
        await commit(world, world.event(state=state))
        assert len(await world.storage.standing(world.farm_id, 0)) == standing
        assert (await world.storage.event("event-1")).state == state


@pytest.mark.parametrize("change", [{"state": "gone"}, {"tier": "loud"}])
async def test_an_event_in_a_state_or_tier_that_is_none_is_refused(world, change):
    with pytest.raises(Exception, match=r"(?i)check constraint"):
        await commit(world, world.event(**change))


async def test_events_stand_from_when_they_were_found_oldest_first(world):
    late = world.event("late", onset_ms=T0_MS - HOUR_MS, detected_ms=T0_MS + 2)
    early = world.event("early", detected_ms=T0_MS + 1, state="over", over_ms=T0_MS + 5)
    await commit(world, late, early, world.event("before", detected_ms=T0_MS))
    assert await world.storage.standing(world.farm_id, T0_MS + 1) == [early, late]
    other = await world.storage.add_farm("Valley", bytes(32))
    assert await world.storage.standing(other, 0) == []


async def test_an_event_of_the_farm_itself_has_no_animal_and_is_judged_like_any(world):
    herd = world.event("heat", kind="heat_stress", animal_id=None)
    await commit(world, herd)
    assert await world.storage.event("heat") == herd
    assert await said(world, "right", event_id="heat") == [True]
    assert await judged(world) == [Judged("heat", None, "heat_stress", True, "", T0_MS)]


async def test_an_event_of_an_animal_that_is_not_there_is_refused(world):
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await commit(world, world.event(animal_id=99))


async def test_a_person_can_say_the_same_about_an_event_once(world):
    await commit(world, world.event())
    assert await said(world, "acknowledged", "acknowledged", "false_alarm", "acknowledged") == [
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("verdict", "evidence"),
    [("acknowledged", {}), ("false_alarm", {"stage_ms": T0_MS + 1}), ("right", {"stage_ms": T0_MS + 1})],
)
async def test_an_answer_to_what_goes_on_or_got_worse_is_dated_anew_but_never_back(world, verdict, evidence):
    await commit(world, world.event(evidence=evidence))
    assert await said(world, verdict, verdict) == [True, False]
    assert await said(world, verdict) == [False]
    (answer,) = await world.storage.judgements(world.farm_id, T0_MS)
    assert answer.at_ms == T0_MS + MINUTE_MS


async def test_a_snooze_lasts_from_when_it_was_asked_for_last(world):
    await commit(world, world.event())
    assert await said(world, "snoozed", "snoozed") == [True, True]
    assert await said(world, "snoozed") == [False], "an older one, or the same again after a crash"
    (answer,) = await world.storage.judgements(world.farm_id, T0_MS)
    assert answer.at_ms == T0_MS + MINUTE_MS


async def test_of_an_event_the_newest_verdict_counts_also_of_who_says_a_thing_again(world):
    await commit(world, world.event())
    assert await said(world, "right", "wrong", "right", "right") == [True, True, True, False]
    assert await judged(world) == [
        Judged("event-1", world.animal_id, "no_movement", True, "", T0_MS + 2 * MINUTE_MS)
    ]


async def test_the_verdict_of_the_last_person_counts(world):
    ben = await world.storage.add_person(
        world.farm_id, "Ben", "+49 170 0000002", consent_ms=T0_MS, consent_text="2026-11"
    )
    await commit(world, world.event())
    await said(world, "right")
    await said(world, "right", "wrong", person_id=ben)
    assert [each.is_right for each in await judged(world)] == [False]


async def test_a_reason_may_be_given_later_and_is_not_lost_again(world):
    await commit(world, world.event())
    assert await said(world, "wrong", "wrong:moved", "wrong:moved", "wrong") == [True, True, False, False]
    (found,) = await judged(world)
    assert (found.is_right, found.reason, found.at_ms) == (False, "moved", T0_MS + MINUTE_MS)


async def test_a_false_alarm_is_wrong_and_an_answer_without_judgement_counts_for_nothing(world):
    await commit(world, *(world.event(name) for name in ("false", "seen", "later")))
    for name, verdict in (("false", "false_alarm"), ("seen", "acknowledged"), ("later", "snoozed")):
        await said(world, verdict, event_id=name)
    assert [(each.event_id, each.is_right) for each in await judged(world)] == [("false", False)]


async def test_an_acknowledgement_does_not_take_a_judgement_back(world):
    await commit(world, world.event())
    await said(world, "wrong", "acknowledged")
    assert [each.is_right for each in await judged(world)] == [False]


async def test_judgements_are_found_by_kind_and_time_oldest_first(world):
    await commit(world, *(world.event(name, kind=kind) for name, kind in (("a", "heat"), ("b", "down"))))
    await said(world, "acknowledged", "right", event_id="a")
    await said(world, "wrong", event_id="b")
    assert [each.event_id for each in await judged(world)] == ["b", "a"]
    assert [each.event_id for each in await judged(world, "heat")] == ["a"]
    assert [each.event_id for each in await judged(world, since_ms=T0_MS + MINUTE_MS)] == ["a"]
    assert await world.storage.judged(await world.storage.add_farm("Valley", bytes(32)), None, 0) == []


async def test_nobody_judges_an_event_of_a_farm_that_is_not_theirs(world):
    await commit(world, world.event())
    other = await world.storage.add_farm("Valley", bytes(32))
    stranger = await world.storage.add_person(
        other, "Eve", "+49 170 0000009", consent_ms=T0_MS, consent_text="2026-11"
    )
    for event_id, person_id in (("event-1", stranger), ("event-2", world.person_id)):
        with pytest.raises(NotKnown, match=event_id):
            await world.storage.judge(event_id, person_id, "acknowledged", T0_MS)


@pytest.mark.parametrize(
    ("verdict", "message"),
    [
        ("maybe", "verdict='maybe', want one of acknowledged, snoozed, false_alarm, right, wrong"),
        ("wrong:rain", "reason='rain', want one of mating_season, moved, vet_visit, collar, other"),
    ],
)
async def test_an_unknown_verdict_or_reason_is_refused(world, verdict, message):
    await commit(world, world.event())
    with pytest.raises(ValueError, match=message):
        await said(world, verdict)


async def test_the_events_of_a_farm_since_a_time_hold_those_withdrawn_too(world):
    old = world.event("old", detected_ms=T0_MS - 1)
    gone = world.event("gone", detected_ms=T0_MS + HOUR_MS, state="withdrawn")
    stands = world.event("stands")
    await commit(world, gone, old, stands)
    assert await world.storage.farm_events(world.farm_id, T0_MS) == [stands, gone]
    assert await world.storage.farm_events(world.farm_id + 1, 0) == []
