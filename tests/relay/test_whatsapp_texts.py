"""Templates obey Meta's limits; buttons are bound."""

from __future__ import annotations

import dataclasses
import re

import pytest

from relay.alerts.words import words
from relay.whatsapp.payload import VERBS, read
from relay.whatsapp.texts import BODY_MAX, LANGUAGES, TextError, check, examine, isolated, load
from tests.relay.whatsapp_scene import BUTTONS, EVENT

ALERT = load().templates["health_alert_v1"]
WHO = {"farm_id": 3, "person_id": 5}


def changed(**change):
    wordings = {**ALERT.wordings, "en": dataclasses.replace(ALERT.wordings["en"], **change)}
    return dataclasses.replace(ALERT, wordings=wordings)


def test_every_template_is_there_in_every_language():
    assert {"health_alert_v1", "escalation_v1", "still_you_v1", "welcome_v1"} <= set(load().templates)
    assert all(set(one.wordings) == set(LANGUAGES) for one in load().templates.values())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"body": "{{animal}} at {{farm}} shows {{sign}} since {{since}} today"}, "start or the end"),
        ({"body": "Alert: {{animal}} at {{farm}} shows {{sign}} since {{since}}."}, "start or the end"),
        ({"body": "Alert: {{animal}} {{farm}} shows {{sign}} since {{since}} today"}, "no word between"),
        ({"body": "Alert: {{animal}} at {{farm}} shows {{sign}} today"}, "each of the examples"),
        ({"body": ALERT.wordings["en"].body + "x" * 1024}, "characters"),
        ({"footer": "x" * 61}, "characters > 60"),
        ({"footer": "for {{farm}}"}, "a variable"),
        ({"body": "Alert for {{animal}} at {{farm}}: {{sign}}, since {{since}} now."}, "words are too few"),
        ({"body": ALERT.wordings["en"].body + " {{1}"}, "a brace"),
        ({"footer": "one\ntwo"}, "new line"),
        ({"buttons": ("One", "Two", "Two")}, "same title twice"),
        ({"buttons": ("One", "Two", "{{sign}}")}, "variable"),
        ({"buttons": ("One", "Two")}, "one per verb"),
        ({"buttons": ("One", "Two", "x" * 21)}, "21 characters > 20"),
    ],
)
def test_a_template_that_meta_would_refuse_is_refused_here(change, why):
    with pytest.raises(TextError, match=why):
        check(changed(**change))


@pytest.mark.parametrize(
    "change", [{"category": "MARKETING"}, {"ttl_s": 86_400}, {"name": "Health"}, {"wordings": {}}]
)
def test_a_template_with_wrong_data_is_refused(change):
    with pytest.raises(TextError, match=r"want|outside"):
        check(dataclasses.replace(ALERT, **change))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"header": "video"}, "header"),
        ({"examples": {**ALERT.examples, "sign": "two\nlines"}}, "example of sign"),
        ({"name": "x" * 510 + "_v1"}, "want up to 512"),
    ],
)
def test_a_template_that_says_too_much_is_refused(change, why):
    with pytest.raises(TextError, match=why):
        check(dataclasses.replace(ALERT, **change))


def test_a_prefix_is_a_part_of_the_name():
    check(ALERT, "collar_")
    with pytest.raises(TextError, match="Collar-health_alert_v1: name"):
        check(ALERT, "Collar-")


def test_a_template_with_a_picture_says_what_the_one_without_does():
    pictured = load().templates["health_alert_picture_v1"]
    assert pictured.wordings == ALERT.wordings
    assert pictured.examples == ALERT.examples
    header, *rest = pictured.graph("en", "", "handle")["components"]
    assert header == {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["handle"]}}
    assert rest == ALERT.graph("en", "")["components"]


def test_a_footer_that_says_nothing_is_left_out():
    kinds = [one["type"] for one in load().templates["welcome_v1"].graph("en", "")["components"]]
    assert kinds == ["BODY"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('name = "other_v1"', "want 'bad_v1'"),
        ('name = "bad_v1"', "'languages'"),
        ('name = "bad_v1"\ncolour = "red"', "colour"),
        ("name = ", "bad_v1.toml"),
    ],
)
def test_a_file_that_is_no_template_is_named(tmp_path, text, why):
    (tmp_path / "bad_v1.toml").write_text(text, encoding="utf-8")
    faults, texts = examine(tmp_path)
    assert len(faults) == 1
    assert why in faults[0]
    assert not texts.templates
    with pytest.raises(TextError, match=re.escape(why)):
        load(tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(load().templates))
def test_a_template_filled_in_with_its_examples_is_one_message(name, language):
    template = load().templates[name]
    text = template.wordings[language].body
    for parameter, example in template.examples.items():
        text = text.replace(f"{{{{{parameter}}}}}", isolated(example, language))
    assert "{" not in text
    assert len(text) <= BODY_MAX
    assert ("\u2068" in text) == (language == "ur")
    assert template.wordings[language].review == "awaiting native review"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_button_has_the_same_title_in_a_template_and_in_a_conversation(language):
    for template in load().templates.values():
        said = [words(language).say("buttons", verb) for verb in template.verbs]
        assert said == list(template.wordings[language].buttons), template.name


@pytest.mark.parametrize("verb", VERBS)
def test_a_button_is_believed_for_its_farm_person_event_and_verb_alone(verb):
    payload = BUTTONS.payload(verb, event_id=EVENT, **WHO)
    button = read(payload)
    assert len(payload) <= 64
    assert BUTTONS.holds(button, **WHO)
    assert not BUTTONS.holds(button, farm_id=4, person_id=5)
    assert not BUTTONS.holds(button, farm_id=3, person_id=6)
    assert not BUTTONS.holds(dataclasses.replace(button, event_id="0" * 16), **WHO)
    assert not BUTTONS.holds(dataclasses.replace(button, verb="fp" if verb != "fp" else "ack"), **WHO)


@pytest.mark.parametrize(
    "payload", [None, 7, "", "v1|ack|e", "v2|ack|e|m", "v1|ack||m", "v1|eat|e|m", "v1|ack|e|m|x"]
)
def test_what_is_no_button_of_ours_is_none(payload):
    assert read(payload) is None


def test_a_mac_with_letters_beyond_ascii_is_wrong_and_no_error():
    assert not BUTTONS.holds(read(f"v1|ack|{EVENT}|ünïcödé!"), **WHO)


def test_a_verb_we_do_not_know_makes_no_button():
    with pytest.raises(ValueError, match="verb='sell'"):
        BUTTONS.payload("sell", event_id=EVENT, **WHO)
