"""Times of day in six languages: an hour is never another cow, nor a cow an hour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.alerts.words import LANGUAGES, words
from relay.whatsapp.conversation.dates import Day
from relay.whatsapp.conversation.folding import tokens
from relay.whatsapp.conversation.hours import MORNING, PERIODS, read
from relay.whatsapp.conversation.lexicon import lexicon
from relay.whatsapp.conversation.understanding import understand

HERD = frozenset({"12", "5", "7", "30", "bella"})


def said(text, language="en"):
    """Return (command, animals, minutes after midnight)."""
    found = understand(text, language, HERD)
    return found.command, found.subjects, found.clock_min


@pytest.mark.parametrize(
    ("language", "text", "minute"),
    [
        ("en", "calved 12 5 am", 300),
        ("en", "calved 12 at 5", 300),
        ("en", "12 calved at 5:30 p.m.", 1050),
        ("en", "calved 5am 12", 300),
        ("en", "calved 12 at 12 am", 0),
        ("en", "calved 12 at 12 pm", 720),
        ("en", "calved 12 5 o'clock in the afternoon", 1020),
        ("en", "calved 12 at 11 at night", 1380),
        ("en", "calved 12 2 at night", 120),
        ("de", "gekalbt 12 um 5 Uhr", 300),
        ("de", "12 gekalbt 17 Uhr", 1020),
        ("de", "12 gekalbt um 5 Uhr 30", 330),
        ("de", "12 gekalbt um 10 Uhr abends", 1320),
        ("de", "Um 5 Uhr 12 gekalbt", 300),
        ("es", "parió 12 a las 5 de la tarde", 1020),
        ("es", "parió 12 a las 5 de la mañana", 300),
        ("es", "parió la 12 a las 12 de la noche", 0),
        ("pt_BR", "pariu 12 às 5 da manhã", 300),
        ("pt_BR", "pariu 12 às 9 da noite", 1260),
        ("hi", "12 ब्याई सुबह 5 बजे", 300),
        ("hi", "१२ ब्याई शाम ५ बजे", 1020),
        ("hi", "12 byayi raat 2 baje", 120),
        ("ur", "12 بیائی صبح 5 بجے", 300),
        ("ur", "۱۲ بیائی رات ۹ بجے", 1260),
    ],
)
def test_an_hour_is_read_and_is_no_other_cow(language, text, minute):
    assert said(text, language) == ("calved", ("12",), minute)


@pytest.mark.parametrize(
    ("language", "text", "animals"),
    [
        ("en", "calved 12 and 5", ("12", "5")),
        ("en", "calved 12 5", ("12", "5")),
        ("en", "calved at 5", ("5",)),
        ("de", "gekalbt 12 und 7 am Montag", ("12", "7")),
        ("de", "gekalbt 12 7 am Montag", ("12", "7")),
        ("hi", "रात 12 ब्याई", ()),  # nobody knows whether that is midnight
    ],
)
def test_a_number_is_a_cow_where_nothing_says_that_it_is_an_hour(language, text, animals):
    command, subjects, minute = said(text, language)
    assert (command if animals else "", subjects, minute) == ("calved" if animals else "", animals, None)


def test_a_day_and_an_hour_go_together():
    assert understand("calved 12 yesterday at 5 pm", "en", HERD).day == Day(ahead_d=-1)
    assert understand("calved 12 5 am Monday", "en", HERD).day == Day(weekday=0)


@pytest.mark.parametrize("text", ["mute 12 until 5 pm", "snooze 12 until 17:00", "ok 12 5 am"])
def test_a_time_that_a_command_cannot_use_is_not_thrown_away_in_silence(text):
    assert said(text) == ("", (), None)


@pytest.mark.parametrize(
    ("word", "minute"),
    [("6:30", 390), ("00:00", 0), ("23:59", 1439), ("24:00", None), ("6.30", None), ("x", None), ("5", None)],
)
def test_hours_and_minutes_need_nothing_beside_them(word, minute):
    found = read([word], 0, lexicon("en"), is_named=True)
    assert found == (None if minute is None else (minute, 1))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("period", PERIODS)
def test_every_phrase_for_a_part_of_the_day_is_read_in_its_language(language, period):
    for phrase in words(language).table["clock"][period]:
        for text in (f"{phrase} 9", f"9 {phrase}"):
            parts = tokens(text)
            wanted = (540 if period == MORNING else 1260, len(parts))
            assert read(parts, 0, lexicon(language), is_named=True) == wanted, text


@given(
    st.lists(
        st.sampled_from(["at", "5", "12", "am", "pm", "uhr", "30", "5:30", "baje", "raat", "x"]), min_size=1
    )
)
def test_whatever_stands_there_a_time_is_one_of_the_day_and_takes_words_that_are_there(parts):
    for at in range(len(parts)):
        for is_named in (False, True):
            found = read(parts, at, lexicon("en"), is_named=is_named)
            assert found is None or (0 <= found[0] < 1440 and 0 < found[1] <= len(parts) - at)
