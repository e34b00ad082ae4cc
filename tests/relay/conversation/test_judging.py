"""Buttons and words about an alert: they are judged once, answered once, and the others hear who goes."""

from __future__ import annotations

import pytest

from relay.storage.ports import FALSE_ALARM, REASONS
from tests.relay.conversation.chat_scene import DAY_MS, MINUTE_MS


@pytest.mark.parametrize(
    ("verb", "verdict", "answer"),
    [
        ("ack", "acknowledged", "Noted: you are on your way to Bella (12)."),
        ("snz", "snoozed", "Noted: Bella (12) is snoozed for 12 hours."),
        ("right", "right", "Noted: the alert about Bella (12) was right. Thank you."),
        (
            "fp",
            "false_alarm",
            "Noted: a wrong alert. I will be stricter with Bella (12). What was the reason?",
        ),
    ],
)
async def test_a_tap_is_judged_and_answered(chat, verb, verdict, answer):
    await chat.alert()
    told = await chat.press(verb, "e1")
    assert told.body["text"] == answer
    assert told.body["reply_to"] == "wamid.in1"
    assert chat.outcome == verdict
    assert await chat.judged() == [(verdict, "")]


async def test_who_goes_is_asked_afterwards_whether_it_was_right(chat):
    await chat.alert()
    told = await chat.press("ack", "e1")
    assert told.body["buttons"] == ["right", "fp"]
    assert told.event_id == "e1"  # what those buttons are about
    later = await chat.tap(told, "right")
    assert later.body["text"].endswith("was right. Thank you.")
    assert await chat.judged() == [("acknowledged", ""), ("right", "")]


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason])
async def test_a_false_alarm_is_stored_at_once_and_its_reason_when_it_is_tapped(chat, reason):
    await chat.alert()
    asked = await chat.press("fp", "e1")
    assert await chat.judged() == [(FALSE_ALARM, "")]
    assert len(asked.body["list"]["rows"]) == len(REASONS) - 1
    assert all(len(row["title"]) <= 24 for row in asked.body["list"]["rows"])
    thanks = await chat.tap(asked, f"because.{reason}")
    assert thanks.body["text"].startswith("Noted: ")
    assert (await chat.judged())[-1] == (FALSE_ALARM, reason)
    assert [one.reason for one in await chat.storage.judged(chat.farm_id, None, 0)] == [reason]


async def test_the_same_tap_with_another_wamid_is_answered_once(chat):
    await chat.alert()
    assert await chat.press("ack", "e1")
    assert await chat.press("ack", "e1") is None
    assert await chat.judged() == [("acknowledged", "")]


async def test_a_judgement_counts_from_when_it_was_given_not_from_when_it_came(chat):
    await chat.alert()
    await chat.press("right", "e1", age_ms=10 * MINUTE_MS)
    (said,) = await chat.storage.judgements(chat.farm_id, 0)
    assert said.at_ms == chat.clock.now_ms() - 10 * MINUTE_MS


@pytest.mark.parametrize(("age_ms", "answers"), [(31 * MINUTE_MS, True), (25 * 60 * MINUTE_MS, False)])
async def test_a_tap_that_is_too_old_changes_nothing(chat, age_ms, answers):
    await chat.alert()
    told = await chat.press("ack", "e1", age_ms=age_ms)
    assert chat.outcome == "too_old"
    assert (told is not None) is answers
    assert await chat.judged() == []


async def test_a_tap_about_the_herd_is_answered_with_the_name_of_the_farm(chat):
    await chat.alert(number="", kind="heat_stress")
    assert (await chat.press("ack", "e1")).body["text"] == "Noted: you are on your way to Hill."


@pytest.mark.parametrize(
    ("press", "outcome"),
    [
        ({"payload": "v1|ack|e1|AAAAAAAA"}, "bad_button"),
        ({"payload": "v1|ack|e9|AAAAAAAA"}, "bad_button"),
        ({"payload": "v1|sell|e1|AAAAAAAA"}, "no_command"),
        ({"payload": "v1|because.|e1|AAAAAAAA"}, "no_command"),
        ({"payload": "v1|because.joy|e1|AAAAAAAA"}, "no_command"),
        ({"payload": "v1|pick.0|told e1 1|AAAAAAAA"}, "bad_button"),
        ({"payload": "x" * 1000}, "no_command"),
    ],
)
async def test_a_button_that_is_not_ours_changes_nothing(chat, press, outcome):
    await chat.alert()
    assert await chat.press("ack", "e1", **press) is None
    assert chat.outcome == outcome
    assert await chat.judged() == []


async def test_another_persons_button_is_refused(chat):
    await chat.alert()
    stolen = chat.buttons.payload("ack", farm_id=chat.farm_id, person_id=chat.people["alex"], event_id="e1")
    await chat.press("ack", "e1", name="ali", payload=stolen)
    assert chat.outcome == "bad_button"


async def test_yes_and_no_are_no_answer_to_an_alert(chat):
    await chat.alert()
    assert await chat.press("yes", "e1") is None
    assert chat.outcome == "bad_button"


# who is going?


async def test_the_others_who_got_the_alert_hear_who_goes(chat):
    await chat.alert()
    await chat.say("12", "ali")
    await chat.say("12", "vera")
    await chat.press("ack", "e1")
    (notice,) = chat.others
    assert notice.person_id == chat.people["ali"]  # the vet was not told of this alert
    assert notice.body["text"] == "Alex is going to Bella (12)."


async def test_who_has_not_written_for_a_day_is_not_told_who_goes(chat):
    await chat.alert()
    await chat.say("12", "ali", age_ms=0)
    chat.clock.advance(chat.clock.now_ms() + DAY_MS)
    await chat.press("ack", "e1")
    assert chat.others == []


async def test_who_opted_out_is_not_told_who_goes(chat):
    await chat.alert()
    await chat.say("STOP", "ali")
    await chat.press("ack", "e1")
    assert chat.others == []


async def test_that_somebody_goes_is_told_once(chat):
    await chat.alert()
    await chat.say("12", "ali")
    await chat.press("ack", "e1")
    await chat.say("ok 12")
    assert chat.others == []


async def test_who_says_who_goes_to_what(chat):
    await chat.alert()
    await chat.alert("e2", "14", hours_ago=2)
    await chat.press("ack", "e1", name="ali")
    told = (await chat.say("who is going?")).body["text"]
    assert told.splitlines() == [
        "Bella (12): Ali is going, since 15:04",
        "14: nobody yet (eating and chewing less since 13:04)",
    ]
    assert (await chat.say("who 12")).body["text"] == "Bella (12): Ali is going, since 15:04"


async def test_who_snoozed_after_all_is_not_going(chat):
    await chat.alert()
    await chat.press("ack", "e1")
    chat.clock.advance(chat.clock.now_ms() + MINUTE_MS)
    await chat.press("snz", "e1")
    assert (await chat.say("who")).body["text"].startswith("Bella (12): nobody yet")


# in words


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("ok", "acknowledged"), ("ok 12", "acknowledged"), ("on my way", "acknowledged"),
     ("ok all", "acknowledged"), ("snooze", "snoozed"), ("right 12", "right"), ("false alarm", "false_alarm"),
     ("wrong bella", "false_alarm")],
)  # fmt: skip
async def test_words_judge_as_buttons_do(chat, text, verdict):
    await chat.alert()
    assert await chat.say(text)
    assert (chat.outcome, await chat.judged()) == (verdict, [(verdict, "")])


async def test_with_several_alerts_open_it_is_asked_which_one_is_meant(chat):
    await chat.alert()
    await chat.alert("e2", "14", hours_ago=2)
    asked = await chat.say("ok")
    assert await chat.judged() == []
    assert [row["title"] for row in asked.body["list"]["rows"]] == ["Bella (12)", "14"]
    await chat.tap(asked, "ack", "e2")
    assert (await chat.judged(), await chat.judged("e2")) == ([], [("acknowledged", "")])


async def test_ok_all_acknowledges_all_in_one_answer(chat):
    await chat.alert()
    await chat.alert("e2", "14", hours_ago=2)
    told = await chat.say("OK ALL")
    assert told.body["text"] == "Noted: you are on your way to Bella (12) and 14."
    assert await chat.judged() == await chat.judged("e2") == [("acknowledged", "")]


async def test_a_reply_to_a_message_is_about_its_alert(chat):
    await chat.alert()
    await chat.alert("e2", "14", hours_ago=2)
    sent = f"told e2 {chat.people['alex']}"
    await chat.storage.claim(chat.clock.now_ms(), 99)
    await chat.storage.settle(sent, "accepted", now_ms=chat.clock.now_ms(), wamid="wamid.out2")
    await chat.say("ok", reply_to="wamid.out2")
    assert (await chat.judged(), await chat.judged("e2")) == ([], [("acknowledged", "")])


async def test_a_message_of_somebody_else_cannot_be_answered(chat):
    await chat.alert()
    await chat.alert("e2", "14", hours_ago=2)
    await chat.storage.claim(chat.clock.now_ms(), 99)
    now_ms = chat.clock.now_ms()
    await chat.storage.settle(f"told e2 {chat.people['alex']}", "accepted", now_ms=now_ms, wamid="wamid.out2")
    await chat.say("ok", "ali", reply_to="wamid.out2")
    assert chat.outcome == "asked"
    assert await chat.judged("e2") == []


async def test_an_alert_that_is_over_may_still_be_judged_but_nobody_goes_there(chat):
    await chat.alert(state="over", over_ms=chat.clock.now_ms())
    assert (await chat.say("ok 12")).body["text"] == "There is no open alert about Bella (12)."
    await chat.say("wrong 12")
    assert await chat.judged() == [("false_alarm", "")]


async def test_without_an_alert_there_is_nothing_to_judge(chat):
    assert (await chat.say("ok")).body["text"] == "There is no open alert."
    assert chat.outcome == "none_open"


@pytest.mark.parametrize("name", ["vera", "tom"])
async def test_a_vet_and_a_technician_may_judge(chat, name):
    await chat.alert()
    await chat.say("ok 12", name)
    assert await chat.judged() == [("acknowledged", "")]


async def test_who_is_on_the_way_to_a_bundle_is_on_the_way_to_each_cow_of_it(chat):
    told = await chat.bundle("e1", "e2")
    answer = await chat.press("ack", "e1", reply_to=told)
    assert answer.body["text"] == "Noted: you are on your way to Bella (12) and 14."
    assert await chat.judged("e1") == await chat.judged("e2") == [("acknowledged", "")]
    assert await chat.press("ack", "e1", reply_to=told) is None


async def test_which_of_a_bundle_was_wrong_is_asked_back(chat):
    told = await chat.bundle("e1", "e2")
    asked = await chat.press("fp", "e1", reply_to=told)
    assert await chat.judged("e1") == []
    assert [row["title"] for row in asked.body["list"]["rows"]] == ["Bella (12)", "14"]
    await chat.tap(asked, "fp", "e2")
    assert await chat.judged("e2") == [(FALSE_ALARM, "")]


async def test_a_button_of_one_alert_says_nothing_of_another_that_it_was_sent_with(chat):
    told = await chat.bundle("e1", "e2")
    await chat.press("ack", "e2", reply_to=told)
    assert await chat.judged("e1") == []


async def test_of_several_alerts_at_once_the_others_hear_in_one_message(chat):
    await chat.alert()
    await chat.alert("e2", "14")
    await chat.say("12", "ali")
    await chat.say("ok all")
    (notice,) = chat.others
    assert notice.body["text"] == "Alex is going to Bella (12) and 14."
    await chat.alert("e3", "112")
    await chat.say("ok all")
    (notice,) = chat.others
    assert notice.body["text"] == "Alex is going to Lisa (112)."
