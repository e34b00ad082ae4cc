"""What is entered by chat: calvings and the like, mutes, wishes; and that they can be taken back."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from relay.model import Mute
from relay.scoring.facts import farm_facts
from relay.scoring.hours import HOUR_MS
from relay.scoring.kinds import heat
from tests.relay.conversation.chat_scene import DAY_MS, MINUTE_MS, NOW_MS, day_ms


@pytest.mark.parametrize(
    ("text", "kind", "at_ms", "answer"),
    [
        ("calved 12", "calved", NOW_MS, "Bella (12) calved on 21 November"),
        ("12 calved yesterday", "calved", day_ms(2026, 11, 20), "Bella (12) calved on 20 November"),
        ("calved Bella this morning 6:30", "calved", day_ms(2026, 11, 21, 6, 30), "calved on 21 November"),
        ("calved 12 today at 23:00", "calved", NOW_MS, "calved on 21 November"),
        ("calved 12 2 days ago", "calved", day_ms(2026, 11, 19), "calved on 19 November"),
        ("calved 12 3 hours ago", "calved", NOW_MS - 3 * HOUR_MS, "calved on 21 November"),
        ("calved 12 20 h ago", "calved", NOW_MS - 20 * HOUR_MS, "calved on 20 November"),
        ("calved 12 1 week ago", "calved", day_ms(2026, 11, 14), "calved on 14 November"),
        ("inseminated 12 3.11.", "inseminated", day_ms(2026, 11, 3), "was inseminated on 3 November"),
        ("inseminated 12 on Monday", "inseminated", day_ms(2026, 11, 16), "on 16 November"),
        ("pregnant 12", "pregnant", NOW_MS, "is pregnant since 21 November"),
        ("dry 12 24.12.", "dry", day_ms(2025, 12, 24), "is dry since 24 December"),
        ("due 12 24.12.", "due", day_ms(2026, 12, 24), "is due on 24 December"),
        ("due 12 in 3 weeks", "due", day_ms(2026, 12, 12), "is due on 12 December"),
        ("calved 012", "calved", NOW_MS, "Bella (12) calved on 21 November"),
        ("gekalbt 12 gestern", "calved", day_ms(2026, 11, 20), "calved on 20 November"),
        ("१२ ब्याई", "calved", NOW_MS, "calved on 21 November"),
    ],
)
async def test_an_entry_is_recorded_and_repeated_in_the_answer(chat, text, kind, at_ms, answer):
    told = await chat.say(text)
    assert answer in told.body["text"]
    assert await chat.lives() == [(kind, at_ms)]
    assert chat.outcome == kind


async def test_several_cows_are_one_answer(chat):
    told = await chat.say("calved 12 and 14")
    assert await chat.lives("12") == await chat.lives("14") == [("calved", NOW_MS)]
    assert "Bella (12) calved on 21 November; 14 calved on 21 November" in told.body["text"]


async def test_who_says_the_same_twice_has_it_recorded_once(chat):
    await chat.say("calved 12")
    await later(chat)
    told = await chat.say("12 calved today", "ali")
    assert told.body["text"].startswith("Noted: Bella (12) calved on 21 November.")
    assert await chat.lives() == [("calved", NOW_MS)]
    await later(chat)
    await chat.say("calved 12 yesterday")
    assert len(await chat.lives()) == 2


async def test_a_day_is_the_farms_day(chat):
    farm_id = await chat.storage.add_farm("Serra", bytes(32), zone="America/Sao_Paulo")
    chat.cows["7"] = await chat.storage.add_animal(farm_id, "7")
    await chat.join("15550100009", farm_id)
    chat.clock.advance(day_ms(2026, 11, 22, 1))  # still the 21st there
    await chat.say("calved 7 yesterday", "15550100009")
    assert await chat.lives("7", farm_id) == [("calved", day_ms(2026, 11, 20, 15))]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("calved 12 24.12.2026", "24 December 2026 cannot be right"),
        ("calved 12 60 weeks ago", "27 September 2025 cannot be right"),
        ("due 12 in 60 weeks", "15 January 2028 cannot be right"),
        ("due 12 at 6:30", "When is she due?"),
        ("calved 12 tomorrow", "22 November 2026 cannot be right"),
        ("calved 12 1.1.2024", "1 January 2024 cannot be right"),
        ("due 12 yesterday", "20 November 2026 cannot be right"),
        ("due 12 24.12.2027", "24 December 2027 cannot be right"),
        ("due 12", "When is she due?"),
        ("calved", "Which animal? Write it with her number, like this: CALVED 12"),
        ("calved 13", "I know no animal 13. Did you mean Bella (12) and 14?"),
        ("calved 99", "I know no animal 99. Nothing was changed."),
        ("calved 12 and 99", "I know no animal 99. Nothing was changed."),
        ("calved Bertha", "I know no animal bertha."),
        ("calved " + "9" * 3000, "I know no animal …."),
    ],
)
async def test_what_cannot_be_is_not_recorded_and_said(chat, text, answer):
    told = await chat.say(text)
    assert told.body["text"].startswith(answer)
    assert await chat.lives() == await chat.lives("14") == []


async def test_the_answer_to_an_alert_may_leave_out_the_cow(chat):
    await chat.alert(kind="calving")
    sent = f"told e1 {chat.people['alex']}"
    await chat.storage.claim(chat.clock.now_ms(), 99)
    await chat.storage.settle(sent, "accepted", now_ms=chat.clock.now_ms(), wamid="wamid.out1")
    await chat.say("calved", reply_to="wamid.out1")
    assert await chat.lives() == [("calved", NOW_MS)]


async def test_a_calving_said_in_the_chat_reaches_the_scorers(chat):
    hour = NOW_MS // HOUR_MS + 1
    assert np.isnan(await in_milk_d(chat, hour)).all()
    await chat.say("12 calved yesterday")
    days = await in_milk_d(chat, hour)
    assert days[0] == pytest.approx((hour * HOUR_MS - day_ms(2026, 11, 20)) / DAY_MS)
    assert np.isnan(days[1:]).all()
    chat.clock.advance(NOW_MS + MINUTE_MS)
    await chat.say("undo")
    assert np.isnan(await in_milk_d(chat, hour)).all()


async def test_after_a_calving_said_in_the_chat_she_is_not_looked_at_for_heat(chat):
    hour = NOW_MS // HOUR_MS + 1
    assert heat.eligible(await view(chat, hour)).all()
    await chat.say("12 hat gestern gekalbt")
    assert heat.eligible(await view(chat, hour)).tolist() == [False, True, True]


async def view(chat, hour):
    """What of an hour says which cows may be in heat."""
    return SimpleNamespace(cows=await cows(chat, hour))


async def in_milk_d(chat, hour):
    return (await cows(chat, hour)).in_milk_d


async def cows(chat, hour):
    farm = await chat.storage.farm(chat.farm_id)
    animals = await chat.storage.animals(chat.farm_id)
    facts = await farm_facts(chat.storage, farm, animals, (hour - 5, hour + 5), ())
    return facts.at(hour).lives.at(hour * HOUR_MS)


# undo


async def test_undo_takes_back_the_last_entry_and_then_the_one_before(chat):
    await chat.say("calved 12")
    await later(chat)
    await chat.say("calved 14 yesterday")
    await later(chat)
    assert (await chat.say("undo")).body["text"] == "Taken back: 14 calved on 20 November."
    assert (await chat.lives("12"), await chat.lives("14")) == ([("calved", NOW_MS)], [])
    await later(chat)
    await chat.say("undo")
    assert await chat.lives("12") == []
    await later(chat)
    assert (await chat.say("undo")).body["text"].startswith("You have entered nothing")


async def later(chat, minutes=1):
    chat.clock.advance(chat.clock.now_ms() + minutes * MINUTE_MS)


async def test_undo_reaches_back_half_an_hour_and_not_to_what_others_entered(chat):
    await chat.say("calved 12")
    assert "nothing" in (await chat.say("undo", "ali")).body["text"]
    await later(chat, 31)
    assert "nothing" in (await chat.say("undo")).body["text"]
    assert await chat.lives() == [("calved", NOW_MS)]


async def test_undo_lifts_a_mute_but_not_one_that_was_lifted_already(chat):
    await chat.say("calved 12")
    await later(chat)
    await chat.say("mute 14")
    await later(chat)
    await chat.say("unmute 14")
    await later(chat)
    assert (await chat.say("undo")).body["text"] == "Taken back: Bella (12) calved on 21 November."
    await chat.say("mute 14 2 days")
    await later(chat)
    assert (await chat.say("undo")).body["text"].startswith("Taken back: 14 muted until ")
    assert await chat.storage.mutes(chat.farm_id, chat.clock.now_ms()) == []


# mutes and wishes


@pytest.mark.parametrize(
    ("text", "days"),
    [("mute 12", 1), ("mute 12 3 days", 3), ("mute bella for a week", 7), ("mute 12 99 weeks", 30)],
)
async def test_a_cow_is_muted_for_a_while(chat, text, days):
    told = await chat.say(text)
    assert told.body["text"].startswith("You will hear nothing of Bella (12) until 15:04 on ")
    assert await chat.storage.mutes(chat.farm_id, NOW_MS) == [
        Mute(chat.people["alex"], chat.cows["12"], "", NOW_MS + days * DAY_MS)
    ]


async def test_all_may_be_muted_at_once_until_all_are_heard_again(chat):
    told = await chat.say("mute all 2 days")
    assert told.body["text"].startswith("You will hear nothing of the herd until 15:04 on 23 November.")
    assert await chat.storage.mutes(chat.farm_id, NOW_MS) == [
        Mute(chat.people["alex"], None, "", NOW_MS + 2 * DAY_MS)
    ]
    await chat.say("unmute all")
    assert await chat.storage.mutes(chat.farm_id, NOW_MS) == []


@pytest.mark.parametrize(
    ("text", "left", "answer"),
    [("unmute 12", ["14"], "You will hear of Bella (12) again."),
     ("unmute", [], "You will hear of all animals again."),
     ("unmute 112", ["12", "14"], "No animal is muted.")],
)  # fmt: skip
async def test_a_mute_is_lifted(chat, text, left, answer):
    await chat.say("mute 12 and 14")
    await chat.say("mute 12", "ali")
    assert (await chat.say(text)).body["text"] == answer
    mine = [
        one for one in await chat.storage.mutes(chat.farm_id, NOW_MS) if one.person_id == chat.people["alex"]
    ]
    assert [one.animal_id for one in mine] == [chat.cows[number] for number in left]


@pytest.mark.parametrize(
    ("text", "wanted"), [("fewer alerts", True), ("too many!", True), ("weniger Alarme", True)]
)
async def test_who_wants_fewer_alerts_gets_fewer_until_they_want_more(chat, text, wanted):
    await chat.say(text)
    assert (await chat.storage.person(chat.people["alex"])).fewer is wanted
    await chat.say("more alerts")
    assert (await chat.storage.person(chat.people["alex"])).fewer is False


@pytest.mark.parametrize("text", ["calved 12", "due 12 24.12.", "mute 12", "fewer alerts"])
@pytest.mark.parametrize("name", ["vera", "tom"])
async def test_a_vet_and_a_technician_change_no_records_mutes_or_alert_levels(chat, name, text):
    told = await chat.say(text, name)
    role = {"vera": "vet", "tom": "technician"}[name]
    assert told.body["text"].startswith(f"You are registered as {role} on Hill and may not change that.")
    assert chat.outcome == "refused"
    assert await chat.lives() == []
    assert await chat.storage.mutes(chat.farm_id, NOW_MS) == []
    assert (await chat.storage.person(chat.people[name])).fewer is False


async def test_every_change_is_in_the_audit(chat):
    await chat.alert()
    for text in ("calved 12", "mute 12", "unmute", "fewer", "ok 12"):
        await chat.say(text)
        await later(chat)
    await chat.say("undo")
    exported = await chat.storage.export_person(chat.people["alex"])
    actions = [line["action"] for line in exported["audit"]]
    assert actions == ["animal.event", "mute", "unmute", "fewer", "acknowledged", "undo"]
    assert "wamid" not in str(exported["audit"])
    assert await chat.storage.audit_broken_at() is None


async def test_a_cow_of_a_farm_that_is_not_theirs_is_unknown(chat):
    other = await chat.storage.add_farm("Far", bytes(32))
    await chat.storage.add_animal(other, "55")
    assert (await chat.say("calved 55")).body["text"].startswith("I know no animal 55.")
    assert await chat.storage.life_events(other) == []


async def test_while_all_is_muted_one_cow_is_not_said_to_be_heard(chat):
    await chat.say("mute all 2 days")
    told = await chat.say("unmute 12")
    assert told.body["text"].startswith("You will hear nothing of the herd until 15:04 on 23 November.")
    assert "You hear nothing of her until 15:04 on 23 November." in (await chat.say("12")).body["text"]


async def test_undo_leaves_what_somebody_else_had_entered_before(chat):
    await chat.say("calved 12", "ali", age_ms=MINUTE_MS)
    await chat.say("calved 12 and 14")
    assert (await chat.say("undo")).body["text"] == "Taken back: 14 calved on 21 November."
    assert (await chat.say("undo")).body["text"].startswith("You have entered nothing")
    assert (len(await chat.lives("12")), await chat.lives("14")) == (1, [])
