"""Every command in every language, however it is written; and nothing that changes anything out of noise."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.alerts.words import LANGUAGES, words
from relay.whatsapp.conversation.dates import Day
from relay.whatsapp.conversation.lexicon import HOUR_MS, lexicon, start_words, stop_words
from relay.whatsapp.conversation.said import CHANGES, Said
from relay.whatsapp.conversation.understanding import LONGEST, alone, understand

DAY_MS = 24 * HOUR_MS
NAMES = frozenset({"12", "14", "112", "bella", "lisa", "a7", "bellarosa"})
PLAIN = ("undo", "fewer", "more", "yes", "no")  # commands about no animal
SCRIPTS = {"hi": "१२", "ur": "۱۲", "de": "\uff11\uff12"}


def commands(language):
    return words(language).table["commands"]


def every_word():
    """Every command word of every language, as (language, command, word)."""
    return [
        (language, name, word)
        for language in LANGUAGES
        for name, command in commands(language).items()
        for word in command["words"]
    ]


def said(text, language="en"):
    return understand(text, language, NAMES)


@pytest.mark.parametrize(("language", "name", "word"), every_word())
def test_every_word_is_its_command_in_small_and_in_capital_letters(language, name, word):
    alone = "herd" if name == "cow" else name  # "status" alone is about the herd
    assert said(word, language).command == alone
    assert said(f" {word.upper()}! ", language).command == alone


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("other", LANGUAGES)
def test_the_first_word_of_a_command_is_understood_whatever_language_the_person_has_set(language, other):
    for name, command in commands(other).items():
        assert said(command["words"][0], language).command == ("herd" if name == "cow" else name), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cow_may_be_named_before_and_after_and_in_the_digits_of_the_language(language):
    number = SCRIPTS.get(language, "12")
    for name, command in commands(language).items():
        if name in PLAIN or name in {"stop", "start", "herd", "list", "help"}:
            continue
        word = command["words"][0]
        for text in (
            f"{word} {number}",
            f"{number} {word}",
            f"{word}, Nr. {number}." if language == "de" else word,
        ):
            found = said(text, language)
            assert found.command in {name, "herd"}, text
            assert found.subjects == (("12",) if number in text else ()), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_help_tells_to_write_is_understood(language):
    for name, command in commands(language).items():
        if not command["help"]:
            continue
        shown = command["help"].split(" - ")[0]
        for text in re.split(" (?:or|oder|ou|[ou]|या|یا) ", shown):
            assert said(text, language).command in ({name, "more"} if name == "fewer" else {name}), shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_of_a_question_are_understood(language):
    for name, example in words(language).table["examples"].items():
        found = said(example, language)
        assert (found.command, found.subjects) == (name, ("12",))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12", Said("cow", ("12",))),
        ("#12?", Said("cow", ("12",))),
        ("cow number 12 please", Said("cow", ("12",))),
        ("how is Bella?", Said("cow", ("bella",))),
        ("BELLA ROSA", Said("cow", ("bellarosa",))),
        ("A-7", Said("cow", ("a7",))),
        ("Lisa", Said("cow", ("lisa",))),  # not the Spanish "lista", which is a slip away
        ("Belal", Said("cow", ("bella",))),
        ("calved 12", Said("calved", ("12",))),
        ("12 has calved!!! 🎉", Said("calved", ("12",))),
        ("12calved", Said("calved", ("12",))),
        ("calvd 12", Said("calved", ("12",))),
        ("claved Bella", Said("calved", ("bella",))),
        ("calved 12 and 14", Said("calved", ("12", "14"))),
        ("calved 12, 14", Said("calved", ("12", "14"))),
        ("12 calved yesterday", Said("calved", ("12",), day=Day(ahead_d=-1))),
        ("12 calved yesteday", Said("calved", ("12",), day=Day(ahead_d=-1))),
        ("12 calved the day before yesterday", Said("calved", ("12",), day=Day(ahead_d=-2))),
        ("12 calved this morning at 6:30", Said("calved", ("12",), day=Day(ahead_d=0), clock_min=390)),
        ("12 calved 2 days ago", Said("calved", ("12",), span_ms=2 * DAY_MS)),
        ("12 calved two days ago", Said("calved", ("12",), span_ms=2 * DAY_MS)),
        ("12 calved 12 Dec", Said("calved", ("12",), day=Day(12, 12))),
        ("inseminated 14 on Monday", Said("inseminated", ("14",), day=Day(weekday=0))),
        ("due 12 24.12.", Said("due", ("12",), day=Day(12, 24))),
        ("due 12 24.12.26", Said("due", ("12",), day=Day(12, 24, 2026))),
        ("mute 12 3 days", Said("mute", ("12",), span_ms=3 * DAY_MS)),
        ("mute 12 for a week", Said("mute", ("12",), span_ms=7 * DAY_MS)),
        ("mute 12 12h", Said("mute", ("12",), span_ms=12 * HOUR_MS)),
        ("12 stumm 2 Tage", Said("mute", ("12",), span_ms=2 * DAY_MS)),
        ("ok all", Said("ok", is_all=True)),
        ("who is going?", Said("who")),
        ("who is going to 12?", Said("who", ("12",))),
        ("why 12?", Said("why", ("12",))),
        ("why is 12 on the list", Said("why", ("12",))),
        ("call the vet for 14", Said("vet", ("14",))),
        ("99", Said("cow", ("99",))),
        ("calved 99", Said("calved", ("99",))),
        ("calved Bertha", Said("calved", (), ("bertha",))),
        ("calved three", Said("calved", ("3",))),
    ],
)
def test_a_message_is_understood(text, wanted):
    assert said(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "12 has not calved", "12 hasn't calved", "no calved 12", "calved 12 and something else",
        "calved 12 yesterday today", "ok thanks see you later", "I think 12 may have calved",
        "calved mute 12", "mute 12 24.12.",
        "fewer 12", "undo 14", "no 12", "mute everything you ever wanted", "unmute me I cannot hear you",
        "das Kalb kam", "12 kam", "dry weather again",
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_only_half_understood_changes_nothing(text, language):
    assert said(text, language).command not in CHANGES


@pytest.mark.parametrize("text", ["12 calved?", "calved 12\uff1f", "12 pregnant؟", "mute 12?", "is 12 dry?"])
def test_a_question_is_no_entry_but_about_the_cow(text):
    found = said(text)
    assert (found.command, found.subjects) == ("cow", ("12",))


@pytest.mark.parametrize(
    "text", ["", "🐄", "...", "hello", "hello my cow", "I have a long list of things to do today"]
)
def test_small_talk_is_no_command(text):
    assert said(text).command in {"", "herd"}


@pytest.mark.parametrize("word", sorted(stop_words() | start_words()))
def test_stop_and_start_are_whole_messages_and_never_guessed(word):
    wanted = "stop" if word in stop_words() else "start"
    assert alone(word) == alone(f"{word}! {word}") == wanted
    assert alone(f"«{word.upper()}» 🐄") == wanted
    assert said(f"{word} 12").command not in {"stop", "start"}
    assert alone(f"please {word} the cow") == ""


@pytest.mark.parametrize(
    "text", ["stpo", "sotp", "shop", "stopp12", "stip", "stoop", "satrt", "stat", "baia", "parra"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_slip_of_stop_or_start_is_neither_that_nor_anything_else_that_changes(text, language):
    assert said(text, language).command not in {"stop", "start", *CHANGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_slip_of_stop_or_start_is_guessed_to_be_anything(language):
    known = lexicon(language)
    near = [word[:at] + word[at + 1 :] for word in stop_words() | start_words() for at in range(len(word))]
    near += [word + letter for word in stop_words() | start_words() for letter in "aeo"]
    assert len(near) > 100
    assert {known.guess(word) for word in near if (word,) not in known.phrases} == {None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_command_is_a_word_of_stop_or_start(language):
    assert not {" ".join(phrase) for phrase in lexicon(language).phrases} & (stop_words() | start_words())


def test_a_word_that_is_as_near_to_two_commands_is_neither():
    assert lexicon("en").guess("moren") is None  # "more" or the German "morgen"


def test_a_message_full_of_slips_is_given_up():
    assert said("summry " * 6).command == "herd"
    assert said("summry " * 9).command == ""


def test_a_message_that_is_too_long_is_not_read():
    assert said("calved 12 " * (LONGEST // 10 + 1)) == Said()
    assert said("12 " * 50) == Said()
    assert said("1" * LONGEST).command == "cow"
    assert alone("stop " * LONGEST) == ""


@settings(deadline=None)
@given(st.text(max_size=200), st.sampled_from(LANGUAGES))
def test_any_text_is_read_and_none_of_it_is_an_entry_in_the_book(text, language):
    found = said(text, language)
    assert found.command not in CHANGES or not found.subjects


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["12", "bella", "99", "the", "and", "ist", "की", "24.12.", "3", "days", "gestern", "6:30", "?",
             "🐄", "٣", "x" * 30, "\u200f", "\x00", "stop", "start", "qwertz", "schlecht", "todo bien",
             "sieht krank"]
        ),
        max_size=12,
    ),
    st.sampled_from(LANGUAGES),
)  # fmt: skip
def test_words_without_a_command_among_them_change_nothing(parts, language):
    assert said(" ".join(parts), language).command not in CHANGES


@pytest.mark.parametrize("word", ["eighty", "tees", "teis"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_in_words_is_never_guessed_from_another(word, language):
    said = understand(f"calved {word}", language)
    assert (said.subjects, said.strange) == ((), (word,))


@pytest.mark.parametrize(
    ("text", "subjects", "clock_min"),
    [
        ("12 calved this morning at 5", ("12",), 300),
        ("calved 12 at 23", ("12",), 1380),
        ("12 hat um 5 gekalbt", ("12",), 300),
        ("la 12 ha parido a las 5", ("12",), 300),
        ("calved at 12", ("12",), None),
        ("calved 12 at 31", ("12", "31"), None),
        ("secas las 12 y las 14", ("12", "14"), None),
    ],
)
def test_the_hour_after_a_cow_is_no_second_cow(text, subjects, clock_min):
    said = understand(text, "en", frozenset({"5", "12", "14"}))
    assert (said.subjects, said.clock_min) == (subjects, clock_min)
