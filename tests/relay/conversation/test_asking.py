"""Questions: how is she, how is the herd, what is open, why, and the vet; each answered in one message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.alerts.words import LANGUAGES, words
from relay.storage.ports import partition_of
from tests.relay.conversation.chat_scene import DAY_MS, HOUR_MS, MINUTE_MS, NOW_MS


async def test_a_number_alone_is_answered_with_what_she_did_and_her_picture(chat):
    await chat.labels(hours=24)
    told = await chat.say("12")
    assert told.body["text"].splitlines() == [
        "Bella (12), last 24 hours: ate 7 h 44 min, chewed 7 h 40 min, rested 7 h 40 min.",
        "There is no open alert about Bella (12).",
    ]
    assert told.body["picture"] == {"animal_id": chat.cows["12"], "kind": "", "until_ms": NOW_MS - 4 * 60_000}
    assert chat.outcome == "cow"


async def test_it_is_said_if_she_was_heard_for_part_of_the_day_or_not_at_all(chat):
    await chat.labels(hours=5)
    assert "Heard for 5 h 0 min of it." in (await chat.say("12")).body["text"]
    assert (await chat.say("14")).body["text"].startswith("14: nothing heard in the last 24 hours.")


async def test_what_is_open_about_her_and_that_she_is_muted_is_said_too(chat):
    await chat.alert()
    await chat.say("mute 12")
    told = await chat.say("bella")
    assert told.body["text"].splitlines()[1:] == [
        "Bella (12): eating and chewing less since 14:04",
        "You hear nothing of her until 15:04 on 22 November.",
    ]
    assert told.body["picture"]["kind"] == "off_feed"
    assert told.body["buttons"] == ["ack", "snz", "fp"]
    await chat.tap(told, "snz")
    assert await chat.judged() == [("snoozed", "")]


async def test_two_cows_are_one_answer_without_a_picture(chat):
    told = await chat.say("12 and 14")
    assert "Bella (12): nothing" in told.body["text"]
    assert "14: nothing" in told.body["text"]
    assert "picture" not in told.body


async def test_the_herd_is_summed_up(chat):
    await chat.labels("12")
    await chat.labels("14")
    for place, number in enumerate(["12", "14", "112"]):
        await chat.alert(f"e{place}", number, hours_ago=place + 1)
    told = (await chat.say("herd")).body["text"]
    assert told.splitlines() == [
        "Hill: 2 of 3 animals heard in the last 24 hours.",
        "On average: ate 7 h 44 min, chewed 7 h 40 min, rested 7 h 40 min.",
        "3 open alerts:",
        "Bella (12): eating and chewing less since 14:04",
        "14: eating and chewing less since 13:04",
        "Lisa (112): eating and chewing less since 12:04",
    ]


async def test_a_herd_without_news_is_summed_up_too(chat):
    assert (await chat.say("herd")).body["text"].splitlines() == [
        "Hill: 0 of 3 animals heard in the last 24 hours.",
        "There is no open alert.",
    ]


async def test_the_list_opens_alerts_the_urgent_first(chat):
    await chat.alert("e1", "12", hours_ago=1)
    await chat.alert("e2", "14", "down", hours_ago=3, tier="urgent")
    listed = await chat.say("list")
    assert listed.body["text"] == "2 open alerts. Tap to see them."
    assert listed.body["list"]["rows"] == [
        {"verb": "show", "id": "e2", "title": "14", "text": "lying without getting up · 12:04"},
        {"verb": "show", "id": "e1", "title": "Bella (12)", "text": "eating and chewing less · 14:04"},
    ]
    shown = await chat.tap(listed, "show", "e2")
    assert shown.body["text"].startswith("DOWN: 14\nSince 12:04.")
    assert shown.body["buttons"] == ["ack", "snz", "fp"]
    assert shown.body["picture"]["kind"] == "down"
    await chat.tap(shown, "ack")
    assert await chat.judged("e2") == [("acknowledged", "")]


async def test_a_list_shows_ten_at_most_and_says_so(chat):
    for number in range(12):
        name = f"2{number:02}"
        chat.cows[name] = await chat.storage.add_animal(chat.farm_id, name, "A very long name of a cow")
        await chat.alert(f"x{number}", name)
    listed = await chat.say("list")
    assert listed.body["text"] == "12 open alerts. The list shows the 10 newest."
    rows = listed.body["list"]["rows"]
    assert len(rows) == 10
    assert all(len(row["title"]) <= 24 and len(row["text"]) <= 72 for row in rows)


@pytest.mark.parametrize("state", ["over", "withdrawn"])
async def test_what_is_over_or_withdrawn_is_not_open(chat, state):
    await chat.alert(state=state, over_ms=NOW_MS)
    assert (await chat.say("list")).body["text"] == "There is no open alert."


async def test_what_somebody_called_a_false_alarm_is_not_open_unless_it_was_right_after_all(chat):
    await chat.alert()
    await chat.press("fp", "e1", name="ali")
    assert (await chat.say("list")).body["text"] == "There is no open alert."
    chat.clock.advance(NOW_MS + 60_000)
    await chat.press("right", "e1")
    assert "list" in (await chat.say("list")).body


async def test_an_alert_that_closed_since_is_shown_as_closed(chat):
    event = await chat.alert()
    listed = await chat.say("list")
    over = replace(event, state="over", over_ms=NOW_MS)
    partition = partition_of(chat.farm_id)
    await chat.storage.commit_scores(partition, 0, await chat.storage.cursor(partition), [], [over], [])
    shown = await chat.tap(listed, "show")
    assert shown.body["text"] == "That alert about Bella (12) is closed."
    assert "buttons" not in shown.body


async def test_why_shows_the_trace_of_the_scorer(chat):
    event = await chat.alert()
    partition = partition_of(chat.farm_id)
    traced = replace(event, evidence={"trace": [["rumination", 0.55, 0.7]]})
    await chat.storage.commit_scores(partition, 0, await chat.storage.cursor(partition), [], [traced], [])
    await chat.alert("e2", "14", hours_ago=5)
    wanted = (
        "Bella (12), eating and chewing less since 14:04."
        " The numbers: chewing against her usual 0.55 (limit 0.7)."
    )
    assert (await chat.say("why 12")).body["text"] == wanted
    told = await chat.say("why")  # of the newest that is open
    assert (told.body["text"], told.body["buttons"]) == (wanted, ["right", "fp"])
    assert (await chat.say("why 112")).body["text"] == "There is no open alert about Lisa (112)."


async def test_why_with_nothing_open(chat):
    assert (await chat.say("why?")).body["text"] == "There is no open alert."


# the vet


async def test_the_farms_vet_is_asked_and_who_asked_hears_who_that_was(chat):
    await chat.alert()
    told = await chat.say("vet 12")
    assert told.body["text"] == "Vera was asked to look at Bella (12)."
    (request,) = chat.others
    assert (request.person_id, request.event_id) == (chat.people["vera"], "e1")
    assert (request.body["template"], request.body["version"]) == ("vet_request", 1)
    assert request.body["params"] == {
        "animal": "Bella (12)", "farm": "Hill", "sign": "eating and chewing less", "since": "14:04",
        "by": "Alex",
    }  # fmt: skip


async def test_a_vet_who_comes_to_an_alert_acknowledges_it_and_who_asked_is_told(chat):
    await chat.alert()
    await chat.say("vet 12", "tom")  # who was not told of the alert
    (request,) = chat.others
    await chat.press("ack", request.event_id, name="vera")
    assert await chat.judged() == [("acknowledged", "")]
    (notice,) = chat.others
    assert (notice.person_id, notice.body["text"]) == (chat.people["tom"], "Vera is going to Bella (12).")


async def test_a_vet_may_be_asked_without_an_alert_and_answer_that(chat):
    await chat.say("vet 14")
    (request,) = chat.others
    assert request.body["params"]["sign"] == "a request of the farm"
    told = await chat.press("ack", request.body["button_id"], name="vera")
    assert told.body["text"] == "Noted: you are on your way to 14."
    assert [one.body["text"] for one in chat.others] == ["Vera is going to 14."]
    assert chat.others[0].person_id == chat.people["alex"]


async def test_it_is_said_if_there_is_no_vet_or_none_who_gets_messages(chat):
    await chat.say("STOP", "vera")
    assert (await chat.say("vet 12")).body["text"] == "Vera gets no messages. Please call."
    assert chat.others == []
    farm_id = await chat.storage.add_farm("Far", bytes(32))
    await chat.storage.add_animal(farm_id, "55")
    await chat.join("15550100009", farm_id)
    told = await chat.say("vet 55", "15550100009")
    assert told.body["text"] == "No vet is known for Far. An owner can add one."


# several farms


async def test_a_number_on_two_farms_is_asked_back_and_the_choice_is_obeyed(chat):
    valley = await second_farm(chat)
    asked = await chat.say("calved 12 yesterday and 14")
    assert asked.body["text"] == "12 is on several farms. Which one do you mean?"
    assert [row["title"] for row in asked.body["list"]["rows"]] == ["Hill", "Valley"]
    assert await chat.lives() == await chat.lives("v12", valley) == []
    told = await chat.tap(asked, "pick.1")
    assert await chat.tap(asked, "pick.1") is None  # a second tap does nothing
    assert "12 calved on 20 November; 14 calved on 20 November" in told.body["text"]
    assert (await chat.lives(), len(await chat.lives("v12", valley))) == ([], 1)


async def second_farm(chat, role="owner"):
    farm_id = await chat.storage.add_farm("Valley", bytes(32))
    chat.cows["v12"] = await chat.storage.add_animal(farm_id, "12")
    await chat.join("alex", farm_id, role=role)
    return farm_id


async def test_a_choice_is_of_who_was_asked_and_while_it_is_fresh(chat):
    await second_farm(chat)
    asked = await chat.say("12")
    row = asked.body["list"]["rows"][0]
    await chat.press("pick.0", row["id"], name="ali")
    assert chat.outcome == "bad_button"
    await chat.press("pick.7", row["id"], farm_id=asked.farm_id)
    assert chat.outcome == "bad_button"
    await chat.tap(asked, "pick.0", age_ms=HOUR_MS)
    assert chat.outcome == "too_old"
    assert "nothing heard" in (await chat.tap(asked, "pick.0")).body["text"]


async def test_two_cows_of_one_name_are_asked_back_too(chat):
    chat.cows["20"] = await chat.storage.add_animal(chat.farm_id, "20", "Bella")
    asked = await chat.say("dry Bella")
    assert asked.body["text"] == "There are several animals bella. Which one do you mean?"
    assert [row["title"] for row in asked.body["list"]["rows"]] == ["Bella (12)", "Bella (20)"]
    await chat.tap(asked, "pick.1")
    assert (await chat.lives("12"), len(await chat.lives("20"))) == ([], 1)


async def test_a_role_is_that_of_the_cows_farm(chat):
    valley = await second_farm(chat, role="vet")
    asked = await chat.say("calved 12")
    told = await chat.tap(asked, "pick.1")
    assert (
        told.body["text"]
        == "You are registered as vet on Valley and may not change that. Please ask the owner."
    )
    assert await chat.lives("v12", valley) == []


async def test_the_herd_of_every_farm_is_in_one_answer(chat):
    await second_farm(chat)
    told = (await chat.say("herd")).body["text"]
    assert "Hill: 0 of 3 animals" in told
    assert "Valley: 0 of 1 animals" in told


# help and hints


@pytest.mark.parametrize("language", LANGUAGES)
async def test_help_lists_what_may_be_written_in_the_persons_language(chat, language):
    await chat.join("15550100009", chat.farm_id, language=language)
    told = await chat.say("HELP", "15550100009")
    shown = words(language).table["commands"]
    assert told.body["text"].count("\n") == sum(bool(command["help"]) for command in shown.values())
    assert shown["calved"]["help"] in told.body["text"]


async def test_who_may_not_enter_anything_is_not_told_how(chat):
    text = (await chat.say("help", "vera")).body["text"]
    assert "CALVED" not in text
    assert "WHY 12" in text


async def test_what_nobody_understands_is_answered_once_in_24_hours(chat):
    hint = await chat.say("the weather is nice")
    assert hint.body["text"].startswith("I did not understand that.")
    assert await chat.say("xyzzy") is None
    assert (await chat.say("xyzzy", "ali")) is not None
    chat.clock.advance(NOW_MS + DAY_MS + 1)
    assert await chat.say("xyzzy") is not None


async def test_a_message_of_a_book_is_not_read_but_answered(chat):
    told = await chat.say("calved 12 " * 500)
    assert told.body["text"].startswith("That message is too long for me.")
    assert await chat.lives() == []


@pytest.mark.parametrize(
    ("content", "answers"),
    [
        ({"type": "audio", "audio": {"id": "1"}}, True),
        ({"type": "image", "image": {"id": "1"}}, True),
        ({"type": "image", "image": ["calved 12"]}, True),
        ({"type": "video"}, True),
        ({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}}, False),
        ({"type": "unsupported"}, False),
        ({"type": "interactive", "interactive": {"type": "nfm_reply"}}, False),
    ],
)
async def test_what_is_no_text_is_no_command(chat, content, answers):
    queued = await chat.take(chat.item("alex", **content))
    assert (chat.outcome, len(queued)) == ("no_command", int(answers))


@pytest.mark.parametrize("kind", ["image", "video", "document"])
async def test_what_is_written_under_a_picture_is_read(chat, kind):
    await chat.take(chat.item("alex", type=kind, **{kind: {"id": "1", "caption": "calved 12"}}))
    assert chat.outcome == "calved"
    assert len(await chat.lives()) == 1
    await chat.take(chat.item("alex", type=kind, **{kind: {"id": "2", "caption": "stop"}}))
    assert chat.outcome == "opt_out"


async def test_the_vet_gets_one_request_for_a_cow_however_often_it_is_said(chat):
    for at in range(5):
        chat.clock.advance(NOW_MS + at * MINUTE_MS)
        told = await chat.say("vet 12")
        assert told.body["text"] == "Vera was asked to look at Bella (12)."
        assert len(chat.others) == (1 if at == 0 else 0)
    chat.clock.advance(NOW_MS + HOUR_MS)
    await chat.say("vet 12")
    assert len(chat.others) == 1


async def test_the_vet_is_asked_for_every_cow_that_was_named(chat):
    told = await chat.say("vet 12 and 14")
    assert told.body["text"] == "Vera was asked to look at Bella (12) and 14."
    assert {one.body["params"]["animal"] for one in chat.others} == {"Bella (12)", "14"}


async def test_a_list_in_urdu_has_the_comma_of_urdu(chat):
    await chat.join("15550100009", chat.farm_id, language="ur")
    await chat.labels()
    for text in ("mute 12 and 14 and 112", "12"):
        told = (await chat.say(text, "15550100009")).body["text"]
        assert "،" in told
        assert ", " not in told
