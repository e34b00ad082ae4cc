"""Catalogues: the nearest language, English where one lacks a word, plurals, months, and both directions."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from relay.alerts.words import LANGUAGES, Words, is_right_to_left, nearest, words

NOON = datetime(2026, 11, 16, 14, 5, tzinfo=UTC)
DAYS = {"kinds": {}, "n": {"days": {"one": "{count} day", "other": "{count} days"}}}


@pytest.mark.parametrize(
    ("tag", "code"),
    [("de", "de"), ("de-AT", "de"), ("pt", "pt_BR"), ("pt-PT", "pt_BR"), ("fr", "en"), ("", "en")],
)
def test_the_nearest_language_is_found(tag, code):
    assert nearest(tag) == code
    assert words(tag).language == code


def test_what_a_language_lacks_is_said_in_english(tmp_path, monkeypatch):
    for code, text in (("en", '[a]\nx = "one"\ny = "two"\n[a.b]\nz = "three"'), ("de", '[a]\ny = "zwei"')):
        (tmp_path / "locales" / code).mkdir(parents=True)
        (tmp_path / "locales" / code / "words.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr("relay.alerts.words.resources.files", lambda _: tmp_path)
    words.cache_clear()
    try:
        assert words("de").table == {"a": {"x": "one", "y": "zwei", "b": {"z": "three"}}}
    finally:
        words.cache_clear()


def test_all_files_of_a_language_are_one_catalogue():
    assert {"kinds", "commands"} <= set(words("en").table)


@pytest.mark.parametrize(
    ("language", "count", "form"),
    [("en", 0, "0 days"), ("en", 1, "1 day"), ("pt_BR", 0, "0 day"), ("hi", 0, "0 day"),
     ("es", 10**6, "1000000 days")],
)  # fmt: skip
def test_a_plural_is_that_of_the_language(language, count, form):
    assert Words(language, DAYS).count("n", "days", count) == form


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "14:05 on 16 November"), ("de", "14:05 Uhr am 16. November"), ("es", "14:05 del 16 de noviembre"),
     ("pt_BR", "14:05 do dia 16 de novembro"), ("hi", "16 नवंबर, 14:05 बजे")],
)  # fmt: skip
def test_another_day_is_told_with_its_date(language, told):
    assert words(language).moment(NOON, NOON.replace(day=17)) == told


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_month_has_a_name_of_its_own(language):
    catalogue = words(language)
    days = {catalogue.day(date(2026, month, 5)) for month in range(1, 13)}
    assert len(days) == 12
    assert all(catalogue.month(date(2026, month, 5)) for month in range(1, 13))


def test_a_number_has_the_decimal_mark_of_the_language():
    said = [words(code).fill("{x:.1f}", {"x": 2.4}) for code in ("en", "de", "es", "pt_BR", "hi")]
    assert said == ["2.4", "2,4", "2,4", "2,4", "2.4"]
    assert words("de").fill("{x}", {"x": "v1.2"}) == "v1.2"


def test_only_urdu_runs_from_right_to_left():
    assert [code for code in LANGUAGES if is_right_to_left(code)] == ["ur"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_filled_in_is_isolated_where_the_language_runs_the_other_way_and_nowhere_else(language):
    catalogue = words(language)
    said = catalogue.say("answers", "ack", animal="Bella (12)")
    counted = catalogue.count("answers", "open_alerts", 7)
    assert ("\u2068Bella (12)\u2069" in said) == (language == "ur")
    assert ("\u20687\u2069" in counted) == (language == "ur")
    assert ("\u2068" in said + counted) == (language == "ur")


def test_nothing_is_isolated_if_there_is_nothing():
    assert words("ur").fill("{x}", {"x": ""}) == ""
