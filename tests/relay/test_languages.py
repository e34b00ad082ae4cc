"""Six languages say the same: every word is there, fills in the same values and fits where it goes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from importlib import resources
from string import Formatter

import pytest

from relay.alerts.evidence import FOLD, LONGEST, Account, why
from relay.alerts.words import LANGUAGES, words
from relay.model import Animal
from relay.scoring.kinds import all_kinds
from relay.whatsapp.conversation.folding import fold, tokens
from relay.whatsapp.conversation.lexicon import Part, lexicon
from tests.relay.alert_scene import FARM, KINDS, at, event

OTHERS = [code for code in LANGUAGES if code != "en"]
PARTS = ("alerts", "chat")
STRUCTURE = re.compile(r"\.(window_h\.\w+|animals)$")  # numbers and ids: no words
WORD_LISTS = re.compile(r"^(commands\.\w+\.words|talk\.|clock\.)")
LIMITS = {"buttons": 20, "lists": 24, "reasons": 24}
HELP_MAX = 4096
LONG = Animal(12, 3, "12345678", "Prinzessin Bella von Hohenstein", group="late lactation, north pasture")
EXTREME = {"most": 99_999, "least": 1, "half": 1.49, "word": None}


def own(language, part):
    """What one file says, before English stands in for what it lacks."""
    file = resources.files("relay") / "locales" / language / f"{part}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def leaves(table, path=""):
    """Yield (path, value) of all that is no table."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def placeholders(text):
    return sorted(f"{name}:{form}" for _, name, form, _ in Formatter().parse(text) if name is not None)


def is_plural(path):
    return path.rpartition(".")[2] in {"one", "other", "few", "many", "two", "zero"} and "reasons" not in path


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_word_and_no_other(language, part):
    english = {path for path, _ in leaves(own("en", part)) if not STRUCTURE.search(path)}
    assert {path for path, _ in leaves(own(language, part))} ^ english <= {"review"}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", OTHERS)
def test_a_language_says_whether_a_native_speaker_has_read_it(language, part):
    assert own(language, part)["review"] == "awaiting native review"


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", OTHERS)
def test_a_phrase_fills_in_what_the_english_one_does(language, part):
    english = dict(leaves(own("en", part)))
    for path, text in leaves(own(language, part)):
        if isinstance(text, str) and not is_plural(path):
            assert placeholders(text) == placeholders(english[path]), path
        elif isinstance(text, str):
            numbers = {"count:"}
            assert set(placeholders(text)) - numbers == set(placeholders(english[path])) - numbers, path
        elif isinstance(text, list) and not WORD_LISTS.match(path):
            assert [placeholders(str(one)) for one in text] == [
                placeholders(str(one)) for one in english[path]
            ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_on_a_button_or_in_a_list_fits(language):
    table = words(language).table
    for section, most in LIMITS.items():
        for key, text in table[section].items():
            assert 0 < len(text) <= (20 if (section, key) == ("lists", "open") else most), (section, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_help_is_one_message(language):
    table = words(language).table
    lines = [command["help"] for command in table["commands"].values() if command["help"]]
    assert len("\n".join([table["answers"]["help"], *lines])) <= HELP_MAX
    assert all(len(line) <= 60 for line in lines)


def values_for(section, extreme):
    """Evidence with something in it for every clause of a kind."""
    evidence = {"days_compared": EXTREME[extreme] or 1, "mates": EXTREME[extreme] or 1, "strength": 0.9}
    evidence["trace"] = [["activity", 3.14159, 2.5], ["something_new", "x", None]]
    for clause in section.get("evidence", ()):
        for _, name, form, _ in Formatter().parse(clause):
            if name in section.get("animals", ()):
                evidence[name] = [12]
            elif name:
                number = EXTREME[extreme] or 88.8
                evidence[name] = number if form else next(iter(section.get("words", ())), 1_780_000_000_000)
    return evidence


def stages():
    kinds = words("en").table["kinds"]
    return [
        pytest.param(name, stage, id=f"{name} {stage}")
        for name in sorted({*all_kinds(), *KINDS})
        for stage in ("", *kinds[name].get("stages", {}))
    ]


@pytest.mark.parametrize("extreme", EXTREME)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "stage"), stages())
def test_every_kind_is_told_at_every_stage_and_fits_before_the_fold(name, stage, language, extreme):
    catalogue = words(language)
    section = catalogue.kind(name, stage)
    one = event("heat", "16T10:00", LONG, evidence=values_for(section, extreme))
    told = Account(
        replace(one, kind=name, stage=stage), FARM, LONG, catalogue, at("16T10:00"), names={12: "Bella (12)"}
    )
    head, _, after = told.text().rpartition("\n")
    comma = catalogue.say("message", "comma")
    assert told.sign
    assert told.todo in head
    assert len(head) <= FOLD
    assert catalogue.table["confidence"]["words"][0][1] in after
    assert len(told.text()) <= LONGEST
    assert told.evidence.count(comma) >= max(0, len(section.get("evidence", ())) - 1)
    assert "{" not in told.text() + told.seen + told.window + why(told.event, catalogue)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_never_told_before_the_next_day_has_its_window_and_its_end(language):
    catalogue = words(language)
    heat = Account(event("heat", "16T05:00", LONG), FARM, LONG, catalogue, at("16T05:30"))
    late, after = (replace(heat, now_ms=heat.event.onset_ms + hours * 3_600_000) for hours in (20, 30))
    assert len({heat.todo, late.todo, after.todo}) == 3
    assert heat.window
    assert late.window
    assert not after.window


def commands(language):
    return words(language).table["commands"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_means_two_commands(language):
    seen = {}
    for name, command in commands(language).items():
        for folded in {fold(word) for word in command["words"]}:
            assert seen.setdefault(folded, name) == name, folded


def flat(value):
    """Yield the words of a list, and of the lists in it."""
    for one in value:
        yield from [one] if isinstance(one, str) else one


STOPS = {fold(word) for code in LANGUAGES for word in commands(code)["stop"]["words"]}


@pytest.mark.parametrize("word", ["STOP", "Stopp", "baja", "PARAR", "बंद", "بند"])
def test_the_words_people_stop_with_are_known(word):
    assert fold(word) in STOPS


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_that_stops_everything_means_nothing_else_in_any_language(language):
    table = words(language).table
    others = [word for name, one in commands(language).items() if name != "stop" for word in one["words"]]
    around = [word for _, value in leaves(table["talk"]) for word in flat(value)]
    assert not STOPS & {fold(word) for word in [*others, *around]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_command_of_a_persons_own_language_means_that_and_not_one_of_another(language):
    phrases = lexicon(language).phrases
    for name, command in commands(language).items():
        if name not in ("stop", "start"):
            for word in command["words"]:
                assert phrases[tuple(tokens(word))] == (Part.COMMAND, name), word


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_around_the_commands_is_not_taken_for_one_of_another_language(language):
    own = {fold(word) for command in commands(language).values() for word in command["words"]}
    phrases = lexicon(language).phrases
    for key, value in words(language).table["talk"].items():
        for word in flat(value):
            meaning = phrases[tuple(tokens(word))]
            assert meaning.part is not Part.COMMAND or fold(word) in own, (key, word)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_an_answer_tells_to_write_is_understood(language):
    table = words(language).table
    known = {fold(word) for name in table["commands"] for word in commands(language)[name]["words"]}
    for name, command in table["commands"].items():
        first = re.split(r" - ", command["help"])[0]
        mine = {fold(word) for word in command["words"]}
        if command["help"] and name != "cow":
            assert any(fold(first) == word or fold(first).startswith(word + " ") for word in mine), first
    for name, example in table["examples"].items():
        assert any(fold(example).startswith(fold(word) + " ") for word in commands(language)[name]["words"])
    for text in (text for _, text in leaves(table["answers"]) if isinstance(text, str)):
        for shouted in re.findall(r"\b[A-ZÀ-Ý]{4,}(?: [A-ZÀ-Ý]{4,})?\b", text):
            assert fold(shouted) in known, shouted
