"""While it is in doubt who writes, nothing is done but STOP; yes clears it, no ends it; owners hear of it."""

from __future__ import annotations

import pytest

from relay.storage.ports import CONFIRMS_OPT_OUT
from tests.relay.conversation.chat_scene import HOUR_MS, NOW_MS

QUESTION = "Is this number still used by Ali? Please confirm: until then nothing is done."


async def doubted(chat, doubt="silent"):
    await chat.storage.set_doubt(chat.people["ali"], doubt)


@pytest.mark.parametrize("doubt", ["silent", "changed"])
@pytest.mark.parametrize("text", ["calved 12", "mute 12", "ok", "12", "list", "vet 12", "START", "hello"])
async def test_a_command_in_doubt_is_not_done_but_answered_with_the_question(chat, text, doubt):
    await chat.alert()
    await doubted(chat, doubt)
    asked = await chat.say(text, "ali")
    assert (asked.body["text"], asked.body["buttons"]) == (QUESTION, ["yes", "no"])
    assert chat.outcome == "doubt"
    assert chat.others == []
    assert await chat.lives() == await chat.judged() == []
    assert await chat.storage.mutes(chat.farm_id, NOW_MS) == []


async def test_a_tap_in_doubt_is_no_judgement(chat):
    await chat.alert()
    await doubted(chat)
    asked = await chat.press("ack", "e1", name="ali")
    assert asked.body["text"] == QUESTION
    assert await chat.judged() == []


async def test_stop_in_doubt_is_obeyed(chat):
    await doubted(chat)
    await chat.say("STOP", "ali")
    assert chat.outcome == "opt_out"


@pytest.mark.parametrize("way", ["tap", "yes", "sí", "हाँ", "Ja, ich bin es!"])
async def test_yes_clears_the_doubt_and_the_owners_are_told(chat, way):
    await chat.say("12")  # the owner's window is open
    await doubted(chat)
    asked = await chat.say("12", "ali")
    if way == "tap":
        told = await chat.tap(asked, "yes", name="ali")
    else:
        told = await chat.say(way, "ali")
    assert told.body["text"] == "Thank you. You can go on now."
    assert (await chat.storage.person(chat.people["ali"])).doubt == ""
    (notice,) = chat.others
    assert notice.person_id == chat.people["alex"]
    assert notice.body["text"] == "Ali has confirmed the phone number that gets your alerts."
    await chat.say("calved 12", "ali")
    assert await chat.lives() == [("calved", NOW_MS)]


async def test_that_all_is_well_is_not_told_to_an_owner_whose_window_is_shut(chat):
    await doubted(chat)
    await chat.say("yes", "ali")
    assert chat.others == []


@pytest.mark.parametrize("way", ["tap", "no", "não", "jemand anders"])
async def test_no_ends_all_messages_and_the_owners_are_told_by_template(chat, way):
    await doubted(chat, "changed")
    asked = await chat.say("12", "ali")
    told = await (chat.tap(asked, "no", name="ali") if way == "tap" else chat.say(way, "ali"))
    assert told.body["text"].startswith("This number gets no more alerts.")
    assert told.step == CONFIRMS_OPT_OUT  # it reaches who is opted out
    person = await chat.storage.person(chat.people["ali"])
    assert (person.opted_out_ms, person.doubt) == (NOW_MS, "changed")
    (notice,) = chat.others
    assert (notice.person_id, notice.body["template"]) == (chat.people["alex"], "blind")
    assert notice.body["params"]["what"] == "the phone of Ali"
    assert "belongs to somebody else now" in notice.body["text"]


async def test_who_said_no_is_asked_again_when_they_write_start(chat):
    await doubted(chat)
    await chat.say("no", "ali")
    await chat.say("START", "ali")
    assert chat.outcome == "doubt"
    assert (await chat.storage.person(chat.people["ali"])).opted_out_ms == NOW_MS


async def test_the_user_id_they_confirmed_under_is_theirs(chat):
    await chat.storage.set_user_id(chat.people["ali"], "DE.old")
    item = chat.item("ali", type="text", text={"body": "12"}) | {"from_user_id": "DE.new"}
    (asked,) = await chat.take(item)
    assert asked.body["text"] == QUESTION
    confirms = chat.item("ali", type="text", text={"body": "yes"}) | {"from_user_id": "DE.new"}
    await chat.take(confirms)
    assert (await chat.storage.person_by_user_id("DE.new")).id == chat.people["ali"]
    again = chat.item("ali", type="text", text={"body": "12"}) | {"from_user_id": "DE.new"}
    await chat.take(again)
    assert chat.outcome == "cow"


async def test_an_answer_to_the_question_that_is_too_old_is_none(chat):
    await doubted(chat)
    assert await chat.say("yes", "ali", age_ms=HOUR_MS) is None
    assert (await chat.storage.person(chat.people["ali"])).doubt == "silent"


async def test_a_yes_that_was_offered_to_somebody_else_is_none(chat):
    await doubted(chat)
    stolen = chat.buttons.payload(
        "yes", farm_id=chat.farm_id, person_id=chat.people["alex"], event_id=str(chat.people["alex"])
    )
    await chat.press("yes", "", name="ali", payload=stolen)
    assert chat.outcome == "doubt"


@pytest.mark.parametrize("text", ["yes", "no"])
async def test_without_a_doubt_yes_and_no_mean_nothing(chat, text):
    await chat.say(text)
    assert chat.outcome == "no_command"
    assert (await chat.storage.person(chat.people["alex"])).opted_out_ms is None


@pytest.mark.parametrize("kind", ["reaction", "unsupported", "request_welcome"])
async def test_what_asks_for_no_answer_is_not_answered_with_the_question_either(chat, kind):
    await doubted(chat)
    assert await chat.take(chat.item("ali", type=kind)) == []
    assert chat.outcome == "no_command"


async def test_an_album_of_pictures_raises_the_question_once(chat):
    await doubted(chat)
    asked = [await chat.take(chat.item("ali", type="image", image={"id": str(at)})) for at in range(5)]
    assert [len(queued) for queued in asked] == [1, 0, 0, 0, 0]


async def test_who_opted_out_long_ago_can_begin_again(chat):
    await chat.say("STOP", "ali")
    await doubted(chat)
    asked = await chat.say("START", "ali")
    assert (asked.body["text"], asked.step) == (QUESTION, CONFIRMS_OPT_OUT)  # it reaches who is opted out
    told = await chat.say("yes", "ali")
    assert told.step == CONFIRMS_OPT_OUT
    assert told.body["text"].endswith("You will get no more alerts. Reply START to get them again.")
    await chat.say("START", "ali")
    assert (await chat.storage.person(chat.people["ali"])).opted_out_ms is None


async def test_one_yes_is_enough_for_who_took_over_the_number_of_another(chat):
    await chat.storage.set_user_id(chat.people["ali"], "DE.ali")

    async def say(text):
        item = chat.item("alex", type="text", text={"body": text}) | {"from_user_id": "DE.ali"}
        await chat.take(item)
        return chat.outcome

    assert [await say(text) for text in ("12", "yes", "12", "list")] == ["doubt", "confirmed", "cow", "list"]
    assert await chat.say("12")  # under no user id: nobody knows who of the two it is
    assert chat.outcome == "doubt"


async def test_an_owner_of_two_farms_hears_once_that_a_number_is_lost(chat):
    farm_id = await chat.storage.add_farm("Far", bytes(32))
    await chat.join("alex", farm_id)
    await chat.join("ali", farm_id, role="worker")
    await doubted(chat, "changed")
    await chat.say("no", "ali")
    assert [one.person_id for one in chat.others] == [chat.people["alex"]]
