"""Templates and answers obey Meta's limits; buttons are bound; every error code has an action."""

from __future__ import annotations

import dataclasses

import pytest

from relay.whatsapp.graph_codes import LONGEST_WAIT_S, RULES, Action, rule_for
from relay.whatsapp.payload import VERBS, read
from relay.whatsapp.texts import LANGUAGES, TextError, check, load, nearest
from tests.relay.whatsapp_scene import BUTTONS, EVENT

ALERT = load().templates["health_alert_v1"]
WHO = {"farm_id": 3, "person_id": 5}


def changed(**change):
    wordings = {**ALERT.wordings, "en": dataclasses.replace(ALERT.wordings["en"], **change)}
    return dataclasses.replace(ALERT, wordings=wordings)


def test_every_language_has_every_text():
    texts = load()
    assert set(ALERT.wordings) == set(texts.answers) == set(LANGUAGES)
    for code in LANGUAGES:
        for key in ("ack", "snz", "fp", "late"):
            assert "Bella (12)" in texts.answer(code, key, animal="Bella (12)")


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


def test_a_latin_name_in_an_urdu_sentence_keeps_its_direction():
    assert "\u2068Bella (12)\u2069" in load().answer("ur", "ack", animal="Bella (12)")


@pytest.mark.parametrize(
    ("tag", "code"),
    [("de", "de"), ("de-AT", "de"), ("pt", "pt_BR"), ("pt-PT", "pt_BR"), ("fr", "en"), ("", "en")],
)
def test_the_nearest_language_is_found(tag, code):
    assert nearest(tag) == code


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


# Reference: the retry table, row by row.
ROWS = [
    ([1, 2, 131000, 131016, 133004, 131057, 2494100, 131056, 131059], Action.RETRY),
    ([130429, 4, 80007], Action.PAUSE),
    ([131048, 131064, 0, 3, 10, 190, 200, 299, 131005, 33, 131037, 131045, 133005, 133006, 133008, 133009,
      133010, 133015, 133016, 131042, 368, 131031, 130497], Action.BREAKER),
    ([131049, 130472, 131026, 130403, 131021, 131030, 131062, 131047, 131050], Action.FAIL),
    ([132000, 132005, 132012, 132018, 100, 131008, 131009, 131051, 135000, 131052, 131053], Action.DEAD),
    ([132001], Action.LANGUAGE),
    ([132007, 132015, 132016], Action.HOLD),
    ([-1, 424242], Action.RETRY),
]  # fmt: skip


@pytest.mark.parametrize(("code", "action"), [(code, action) for codes, action in ROWS for code in codes])
def test_each_code_has_its_action(code, action):
    assert rule_for(code).action is action


def test_at_least_55_codes_are_known_and_every_wait_is_bounded():
    assert len(RULES) >= 55
    for rule in RULES.values():
        waits = [rule.wait_s(failures) for failures in range(1, 12)]
        assert waits == sorted(waits)
        assert waits[-1] <= max(LONGEST_WAIT_S, rule.first_s)
