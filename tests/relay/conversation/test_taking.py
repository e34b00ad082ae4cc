"""One inbound message: done once, whatever crashes; by who may; not too often; and STOP always."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.alerts.words import LANGUAGES, words
from relay.storage.ports import CONFIRMS_OPT_OUT
from relay.whatsapp.conversation.limits import PER_MINUTE, Pace
from tests.relay.conversation.chat_scene import DAY_MS, HOUR_MS, MINUTE_MS, NOW_MS


class Stopped(Exception):  # noqa: N818 - a power cut is no error of the code
    """The process ends here."""


@pytest.mark.parametrize(
    "text",
    ["calved 12", "undo", "mute 12", "unmute", "ok", "vet 12", "fewer", "list", "12", "nonsense", "STOP"],
)
async def test_a_crash_before_the_answer_is_queued_does_the_same_again_under_the_same_id(
    chat, text, monkeypatch
):
    await chat.alert()
    await chat.say("mute 14 2 days")
    chat.clock.advance(NOW_MS + MINUTE_MS)
    item = chat.item("alex", type="text", text={"body": text})

    async def stop(*_):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(chat.storage, "queue", stop)
        with pytest.raises(Stopped):
            await chat.take(item)
    chat.clock.advance(NOW_MS + 2 * MINUTE_MS)
    chat.restart()
    before = await facts(chat)
    first = await chat.take(item)
    chat.restart()
    assert await chat.take(item) == []  # after a crash between the answer and the end of the item
    assert len([one for one in first if one.person_id == chat.people["alex"]]) == 1
    assert await facts(chat) == before


async def facts(chat):
    person = await chat.storage.person(chat.people["alex"])
    mutes = await chat.storage.mutes(chat.farm_id, NOW_MS)
    return await chat.storage.life_events(chat.farm_id), await chat.judged(), mutes, person.fewer


async def test_undo_executed_twice_takes_back_one_entry(chat):
    await chat.say("calved 12")
    chat.clock.advance(NOW_MS + MINUTE_MS)
    await chat.say("calved 14")
    chat.clock.advance(NOW_MS + 2 * MINUTE_MS)
    item = chat.item("alex", type="text", text={"body": "undo"})
    await chat.take(item)
    await chat.take(item)
    assert (len(await chat.lives("12")), len(await chat.lives("14"))) == (1, 0)
    assert chat.outcome == "done_before"


async def test_the_dispatcher_is_woken_for_an_answer_and_not_for_silence(chat):
    await chat.say("12")
    assert chat.wakes == 1
    await chat.take(chat.item("alex", type="reaction"))
    assert chat.wakes == 1


@pytest.mark.parametrize(("age_ms", "answered"), [(31 * MINUTE_MS, True), (25 * HOUR_MS, False)])
async def test_a_command_that_is_too_old_is_not_done(chat, age_ms, answered):
    told = await chat.say("calved 12", age_ms=age_ms)
    assert chat.outcome == "too_old"
    assert (told is not None) is answered
    assert await chat.lives() == []


@pytest.mark.parametrize("timestamp", ["soon", None, -5, 10**20, float("inf")])
async def test_a_command_without_a_date_counts_as_said_now(chat, timestamp):
    item = chat.item("alex", type="text", text={"body": "calved 12"})
    await chat.take(item | {"timestamp": timestamp})
    assert await chat.lives() == [("calved", NOW_MS)]


async def test_a_stop_that_has_no_id_is_obeyed_all_the_same(chat):
    item = chat.item("alex", type="text", text={"body": "STOP"})
    del item["id"]
    (told,) = await chat.take(item)
    assert chat.outcome == "opt_out"
    assert "reply_to" not in told.body


async def test_an_answer_is_never_longer_than_a_message_may_be(chat):
    for at in range(60):
        farm_id = await chat.storage.add_farm(
            f"A farm whose name is as long as a farm's name may be, no. {at}", bytes(32)
        )
        await chat.join("alex", farm_id)
    told = await chat.say("herd")
    assert 3_000 < len(told.body["text"]) <= 4_000


# how often


async def test_after_twenty_commands_in_a_minute_there_is_silence_but_for_stop(chat):
    for _ in range(PER_MINUTE):
        assert await chat.say("list")
    assert await chat.say("calved 12") is None
    assert chat.outcome == "too_many"
    assert await chat.lives() == []
    assert await chat.say("list", "ali")
    assert (await chat.say("STOP")).body["text"].startswith("You will get no more alerts.")
    chat.clock.advance(NOW_MS + MINUTE_MS)
    assert (await chat.say("START")).body["text"].startswith("You will get alerts again.")


def test_a_backlog_of_an_hour_is_no_flood():
    pace = Pace()
    assert all(pace.allows(1, NOW_MS + second * 4_000) for second in range(900))
    assert [pace.allows(2, NOW_MS) for _ in range(PER_MINUTE + 5)] == [True] * PER_MINUTE + [False] * 5
    assert pace.allows(2, NOW_MS + MINUTE_MS)


# STOP and START


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("other", LANGUAGES)
async def test_stop_and_start_are_obeyed_in_every_language(chat, language, other):
    await chat.join("15550100009", chat.farm_id, language=other)
    for word in words(language).table["commands"]["stop"]["words"][:2]:
        told = await chat.say(word, "15550100009", age_ms=MINUTE_MS)
        assert chat.outcome == "opt_out"
        assert told.step == CONFIRMS_OPT_OUT
        assert told.body["text"] == words(other).say("answers", "stop")
        await chat.say(words(language).table["commands"]["start"]["words"][0], "15550100009")
        assert chat.outcome == "opt_in"


async def test_stop_is_obeyed_however_old_and_confirmed_once(chat):
    assert await chat.say("STOP", age_ms=3 * DAY_MS) is None
    assert (await chat.storage.person(chat.people["alex"])).opted_out_ms == NOW_MS - 3 * DAY_MS
    assert await chat.say("STOP") is None  # they are opted out already
    assert chat.outcome == "opt_out"


async def test_a_start_from_before_the_stop_is_not_obeyed(chat):
    await chat.say("STOP")
    assert await chat.say("START", age_ms=MINUTE_MS) is None
    assert chat.outcome == "too_old"


async def test_who_has_no_farm_any_more_gets_no_answer(chat):
    await chat.storage.erase_person(chat.people["alex"], NOW_MS)
    assert await chat.say("12") is None
    assert chat.outcome == "unknown_sender"


async def test_a_message_that_lacks_what_its_type_promises_is_the_callers_to_record(chat):
    with pytest.raises(KeyError):
        await chat.take(chat.item("alex", type="text"))


# noise


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60) | st.text("0123456789 .?/-:calvedmuteokundow", max_size=40))
async def test_whatever_is_typed_is_answered_at_most_once(chat, text):
    chat.restart()  # no count of commands
    chat.clock.advance(chat.clock.now_ms() + MINUTE_MS)
    await chat.say(text)  # which checks that there is one answer at most


async def test_an_album_of_pictures_uses_up_nothing_that_a_command_needs(chat):
    for at in range(PER_MINUTE + 5):
        await chat.take(chat.item("alex", type="image", image={"id": str(at)}))
    await chat.say("calved 12")
    assert await chat.lives() == [("calved", NOW_MS)]
