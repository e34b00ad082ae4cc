"""What is the same to who reads it is the same here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.whatsapp.conversation.folding import distance, fold, is_slip, key, tokens


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("  Wie   GEHT's? ", "wie gehts"),
        ("TRÄCHTIG Übersicht", "trachtig ubersicht"),
        ("preñada não", "prenada nao"),
        ("\uff11\uff12", "12"),
        ("१२", "12"),
        ("۱۲ ١٢", "12 12"),
        ("12🐄12", "12 12"),
        ("\u200f12\u200e\u2069", "12"),
        ("a\x00b\x07c\nd", "a b c d"),
        ("half\ud800way", "half way"),
        ("24.12. 2026-12-24, 6:30.", "24.12 2026-12-24 6:30"),
        ("a.b c-d e/f", "a b c d e f"),
        ("Straße", "strasse"),
    ],
)
def test_a_text_is_folded(written, folded):
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ज़्यादा", "ज्यादा"),
        ("हाँ", "हां"),
        ("كيوں", "کیوں"),
        ("بند\u064e", "بند"),
        ("\u0647\u0627ں", "ہاں"),
        ("A-12", "a 12"),
        ("Bella", "BÉLLA"),
    ],
)
def test_spellings_of_different_keyboards_are_the_same(one, other):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [("herd", "herd", 0), ("herd", "hred", 1), ("calved", "calvd", 1), ("list", "lists", 1),
     ("herd", "12", 4), ("", "abc", 3), ("inseminated", "insemnatd", 2)],
)  # fmt: skip
def test_slips_are_counted(one, other, slips):
    assert distance(one, other) == distance(other, one) == slips


@pytest.mark.parametrize(
    ("said", "word", "meant"),
    [("hred", "herd", True), ("hrde", "herd", False), ("why", "who", False),
     ("insemnatd", "inseminated", True), ("insmnatd", "inseminated", False),
     ("1123", "1124", False), ("okk", "ok", False)],
)  # fmt: skip
def test_a_short_word_has_no_slip_a_longer_one_and_a_long_one_two_and_a_number_none(said, word, meant):
    assert is_slip(said, word) is meant


@given(st.text())
def test_what_is_folded_stays_as_it_is(text):
    assert fold(fold(text)) == fold(text)
    assert " ".join(tokens(text)) == fold(text)


@given(st.text(max_size=12), st.text(max_size=12))
def test_the_distance_is_that_of_any_order(one, other):
    assert distance(one, other) == distance(other, one) <= max(len(one), len(other))
    assert (distance(one, other) == 0) is (one == other)
