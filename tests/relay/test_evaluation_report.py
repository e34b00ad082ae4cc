"""Scores in words: aligned, at most 100 columns, the worst animal named."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.evaluation.events import EventScores
from relay.evaluation.metrics import score
from relay.evaluation.report import WIDTH, events_in_words, scores_in_words

SHOWN = """\
wasp, one stream a cow, smoothed
--------------------------------
  1,200 windows, 3 animals, 2 classes

                    accuracy     balanced     macro F1          MCC        kappa
  all windows          0.967        0.982        0.931        0.841        0.829
  95 % interval  0.900-1.000  0.944-1.000  0.830-1.000  0.710-1.000  0.671-1.000
  Intervals are over animals, whole animals drawn again; rough, because they are only 3.

  truth \\ told  grazing    still  unknown  windows   recall
  grazing         1,050       30       10    1,090    0.963
  still               0      110        0      110    1.000
  told            1,050      140       10    1,200
  precision       1.000    0.786

  animal  windows  classes  accuracy  macro F1
  1319        400        2     0.900     0.758  <- worst
  1217        790        2     1.000     1.000
  1219         10        1     1.000     1.000  too little to judge
  Worst animal: 1319, accuracy 0.900 (of those with at least 30 windows and 2 classes).

  * Worn as recorded."""


def scored(*rows, labels=("grazing", "still")):
    """Scores of (animal, truth, told, times)."""
    animals, truth, told = zip(*(row[:3] for row in rows for _ in range(row[3])), strict=True)
    return score(truth, told, animals, labels)


def made(labels):
    """Scores of two animals that confuse every class with the next, the last with unknown."""
    return scored(
        *(row for i in range(len(labels)) for row in (("a", i, i, 40), ("b", i, i, 30), ("b", i, i + 1, 3))),
        labels=labels,
    )


def table(text, heading):
    """Words of the lines from the one with `heading` to the next blank line."""
    after = text[text.index(heading) :]
    return [line.split() for line in after.split("\n\n")[0].split("\n")]


def test_the_whole_block_reads_as_shown():
    herd = (
        ("1217", 0, 0, 700),
        ("1217", 1, 1, 90),
        ("1219", 0, 0, 10),
        ("1319", 0, 0, 340),
        ("1319", 1, 1, 20),
    )
    found = scored(*herd, ("1319", 0, 1, 30), ("1319", 0, 2, 10))
    text = scores_in_words("wasp, one stream a cow, smoothed", found, ["Worn as recorded."])
    numbers = re.compile(r"\d\.\d{3}-\d\.\d{3}")  # percentiles of random draws belong to numpy's generator
    assert numbers.sub("INTERVAL   ", text) == numbers.sub("INTERVAL   ", SHOWN)


def test_every_interval_stands_below_its_figure():
    found = made(("grazing", "still"))
    names, figures, intervals = table(scores_in_words("t", found), " accuracy")[:3]
    assert names == ["accuracy", "balanced", "macro", "F1", "MCC", "kappa"]
    assert figures[-5:] == [
        f"{value:.3f}"
        for value in (found.accuracy, found.balanced_accuracy, found.macro_f1, found.mcc, found.kappa)
    ]
    assert intervals[-5:] == [f"{low:.3f}-{high:.3f}" for low, high in found.intervals_95.values()]


def test_one_animal_has_dashes_for_intervals_and_the_reason():
    text = scores_in_words("t", scored(("a", 0, 0, 30), ("a", 1, 0, 10)))
    assert "One animal: no interval over animals can be given." in text
    assert table(text, "95 %")[0] == ["95", "%", "interval", "-", "-", "-", "-", "-"]


def test_animals_stand_from_the_lowest_accuracy_to_the_highest():
    rows = [(name, i % 2, 0, n) for name, n in (("x", 50), ("y", 60), ("z", 70)) for i in range(2)]
    text = scores_in_words("t", scored(*rows, ("y", 0, 1, 200), ("z", 0, 1, 20)))
    assert [row[0] for row in table(text, "animal ")[1:4]] == ["y", "z", "x"]


def test_without_an_animal_that_may_be_judged_the_report_says_why():
    text = scores_in_words("t", scored(("a", 0, 0, 3), ("b", 1, 1, 3)))
    assert "Worst animal: none has at least 30 windows and 2 classes." in text
    assert "<- worst" not in text


def test_a_class_that_truth_does_not_show_has_a_dash_for_recall():
    text = scores_in_words("t", scored(("a", 0, 0, 30), ("a", 0, 1, 10)))
    assert ["still", "0", "0", "0", "-"] in table(text, "truth")
    assert table(text, "  precision")[0] == ["precision", "1.000", "0.000"]


def test_long_names_of_classes_stand_on_several_lines():
    text = scores_in_words("t", made(("grazing", "ruminating_resting", "other")))
    lines = text.split("\n")
    at = next(i for i, line in enumerate(lines) if "truth \\ told" in line)
    end = lines[at].index("resting") + len("resting")
    assert lines[at - 1] == "ruminating".rjust(end)


def test_more_classes_than_fit_continue_below_with_the_rows_names_again():
    labels = tuple(f"behaviour {i:02}" for i in range(20))
    text = scores_in_words("t", made(labels))
    assert text.count("truth \\ told") > 1
    assert [text.count(f"  {label}  ") for label in labels] == [text.count("truth \\ told")] * 20
    last = table(text[text.rindex("truth \\ told") :], "behaviour 00")[0]
    assert last[-1] == "0.959"


WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters=" _-"), max_size=150)


@settings(max_examples=50, deadline=None)
@given(
    WORDS,
    st.lists(WORDS.filter(str.strip), min_size=1, max_size=16, unique=True),
    st.lists(WORDS, max_size=3),
)
def test_no_line_is_wider_than_the_width_or_ends_in_blanks(title, labels, notes):
    text = scores_in_words(title, made(tuple(labels)), notes)
    assert not [line for line in text.split("\n") if len(line) > WIDTH or line != line.rstrip()]


def test_events_show_each_animal_and_their_sum():
    herd = {"3819": EventScores(14, 9, 0, 0.0), "1217": EventScores(0, 0, 3, 1.5)}
    text = events_in_words("Active mounts", herd, ["Threshold 0.5."])
    assert table(text, "  animal")[1:] == [
        ["1217", "0", "0", "-", "1.5", "3", "2.0"],
        ["3819", "14", "9", "0.643", "0.0", "0", "-"],
        ["all", "14", "9", "0.643", "1.5", "3", "2.0"],
    ]
    assert "14 events, 1.5 hours labelled otherwise" in text
    assert text.endswith("  * Threshold 0.5.")


@pytest.mark.parametrize(("n", "said"), [(1, "1 window, 1 animal"), (2, "2 windows, 1 animal")])
def test_one_is_not_called_several(n, said):
    assert said in scores_in_words("t", scored(("a", 0, 0, n)))
