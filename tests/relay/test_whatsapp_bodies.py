"""What a stored message becomes: template or text, with buttons, a list, a picture."""

from __future__ import annotations

import pytest

from relay.alerts.words import LANGUAGES, words
from relay.model import Message, QueuedMessage
from relay.whatsapp import calls, window
from relay.whatsapp.bodies import Bodies, BodyError, cut
from relay.whatsapp.texts import load
from tests.relay.whatsapp_scene import BUTTONS, EVENT, NOW_MS, PHONE

PARAMS = {"animal": "Bella (12)", "farm": "Hill", "sign": "not moving", "since": "14:05"}
TEMPLATE = {"template": "health_alert", "version": 1, "language": "en", "params": PARAMS}
SAID = "Bella (12) has not moved since 12:30."
HOUR_MS = 3_600_000


def queued(body, *, event_id=EVENT, repeat=False, phone=PHONE, user_id=""):
    message = Message("m1", 1, 7, event_id, "alert", body, NOW_MS, NOW_MS + HOUR_MS)
    return QueuedMessage(message, "sending", 1, phone, repeat, user_id)


def built(body, *, free=True, media_id=None, language=None, **more):
    bodies = Bodies(load(), BUTTONS, "collar_")
    return bodies.build(queued(body, **more), language, free=free, media_id=media_id)


def payload(verb, about=EVENT):
    return BUTTONS.payload(verb, farm_id=1, person_id=7, event_id=about)


def replies(body):
    return [(one["reply"]["id"], one["reply"]["title"]) for one in body["interactive"]["action"]["buttons"]]


def test_where_anything_may_be_written_the_text_goes_with_the_templates_buttons():
    body = built({**TEMPLATE, "text": SAID})
    assert (body["type"], body["interactive"]["type"]) == ("interactive", "button")
    assert body["interactive"]["body"] == {"text": SAID}
    titles = ["On my way", "Snooze 12 h", "False alarm"]
    assert replies(body) == [
        (payload(verb), title) for verb, title in zip(("ack", "snz", "fp"), titles, strict=True)
    ]


def test_elsewhere_the_template_goes():
    assert built({**TEMPLATE, "text": SAID}, free=False)["type"] == "template"
    assert built(TEMPLATE)["type"] == "template"


def test_a_person_without_a_phone_number_is_reached_by_their_user_id():
    body = built({"text": SAID}, phone="", user_id="US.1")
    assert body["recipient"] == "US.1"
    assert "to" not in body


def test_a_phone_number_is_written_without_a_plus_and_wins_over_the_user_id():
    body = built({"text": SAID}, phone=f"+{PHONE}", user_id="US.1")
    assert body["to"] == PHONE
    assert "recipient" not in body


def test_a_messages_own_buttons_stand_instead_of_the_templates():
    body = built({**TEMPLATE, "text": SAID, "buttons": ["right", "fp"]})
    assert [one for one, _ in replies(body)] == [payload("right"), payload("fp")]
    assert built({**TEMPLATE, "text": SAID, "buttons": []})["type"] == "text"


def test_yes_and_no_carry_the_person_and_need_no_event():
    body = built({"text": "Still you?", "buttons": ["yes", "no"]}, event_id=None)
    assert [one for one, _ in replies(body)] == [payload("yes", "7"), payload("no", "7")]


def test_buttons_may_be_about_something_that_is_no_event():
    body = built({"text": "Please come.", "buttons": ["ack"], "button_id": "request"}, event_id=None)
    assert replies(body)[0][0] == payload("ack", "request")


def test_a_list_opens_under_a_button_and_its_rows_carry_what_they_are_about():
    rows = [
        {"verb": "show", "id": f"e{at}", "title": "x" * 30, "text": "y" * 100}
        for at in range(calls.ROWS_MAX + 1)
    ]
    body = built({"text": "2 open alerts.", "list": {"button": "Open", "rows": rows}})
    action = body["interactive"]["action"]
    (section,) = action["sections"]
    assert (body["interactive"]["type"], action["button"]) == ("list", "Open")
    assert [row["id"] for row in section["rows"]] == [
        payload("show", f"e{at}") for at in range(calls.ROWS_MAX)
    ]
    assert {len(row["title"]) for row in section["rows"]} == {calls.ROW_TITLE_MAX}
    assert {len(row["description"]) for row in section["rows"]} == {calls.ROW_TEXT_MAX}


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({**TEMPLATE, "text": SAID}, ("interactive", "header")),
        ({"text": SAID}, ("image", "id")),
    ],
)
def test_a_picture_stands_above_buttons_or_with_the_text_under_it(said, place):
    body = built(said, media_id="media1")
    kind, name = place
    held = body[kind][name]
    assert (held if name == "id" else held["image"]["id"]) == "media1"


def test_a_template_with_a_picture_is_one_of_its_own():
    body = built(TEMPLATE, media_id="media1", language="de")["template"]
    assert body["name"] == "collar_health_alert_picture_v1"
    header = {"type": "header", "parameters": [{"type": "image", "image": {"id": "media1"}}]}
    assert body["components"][0] == header
    assert body["language"] == {"code": "de"}


def test_a_template_that_has_no_form_with_a_picture_goes_without():
    herd = {"template": "back_to_normal", "version": 1, "language": "en"}
    params = load().templates["back_to_normal_v1"].examples
    body = built({**herd, "params": params}, media_id="media1")["template"]
    assert body["name"] == "collar_back_to_normal_v1"
    assert "header" not in [one["type"] for one in body["components"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verb_that_a_template_offers_has_a_title_in_every_language(language):
    said = {**TEMPLATE, "language": language, "text": SAID}
    titles = [title for _, title in replies(built(said))]
    assert titles == [words(language).say("buttons", verb) for verb in ("ack", "snz", "fp")]
    assert all(0 < len(title) <= calls.TITLE_MAX for title in titles)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_repeat_says_so_in_either_form(language):
    mark = words(language).say("answers", "repeat")
    said = {**TEMPLATE, "language": language, "text": SAID}
    free = built(said, repeat=True)["interactive"]["body"]["text"]
    values = built(said, free=False, repeat=True)["template"]["components"][0]["parameters"]
    assert free == f"{mark} {SAID}"
    assert values[0]["text"].endswith(f" {mark}")


def test_a_long_text_over_buttons_ends_at_the_end_of_a_sentence():
    body = built({**TEMPLATE, "text": "She lies. " * 200})
    text = body["interactive"]["body"]["text"]
    assert 1000 < len(text) <= calls.INTERACTIVE_MAX
    assert text.endswith("She lies.")


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("short", 10, "short"),
        ("One. Two three", 10, "One. Two…"),
        ("One two. Three", 13, "One two."),
        ("वह लेटी है। और नहीं उठती", 15, "वह लेटी है।"),
        ("x" * 20, 10, "xxxxxxxxx…"),
    ],
)
def test_what_is_cut_ends_at_a_sentence_or_at_a_word(text, most, shown):
    assert cut(text, most) == shown


@pytest.mark.parametrize(
    "said",
    [
        {"template": "nonsense", "text": SAID},
        {"text": SAID, "buttons": ["ack", "snz", "fp", "right"]},
        {"text": SAID, "buttons": ["dance"]},
        {"text": SAID, "buttons": ["because.moved"]},
        {"text": SAID, "list": {"button": "Open", "rows": [{"title": "x"}]}},
        {"text": "x" * 4097},
        {"text": 7},
    ],
)
def test_what_cannot_be_said_is_an_error_that_names_the_message(said):
    with pytest.raises(BodyError, match="m1"):
        built(said)


def test_buttons_about_an_event_need_one():
    with pytest.raises(BodyError, match="need an event"):
        built(TEMPLATE, event_id=None)


@pytest.mark.parametrize(
    ("ago_ms", "is_open"),
    [
        (None, False),
        (0, True),
        (23 * HOUR_MS, True),
        (24 * HOUR_MS - 300_000, False),
        (24 * HOUR_MS, False),
        (-60_000, True),
        (-24 * HOUR_MS, False),
    ],
)
def test_the_window_is_open_for_a_day_less_five_minutes(ago_ms, is_open):
    assert window.is_open(None if ago_ms is None else NOW_MS - ago_ms, NOW_MS) == is_open
