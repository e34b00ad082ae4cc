"""Figures over whole animals, judged by scikit-learn's."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.evaluation.metrics import HEADLINE, WorstAnimal, figures, score

LABELS = ("grazing", "still", "walking")
JUDGED = settings(max_examples=25, deadline=None)


@st.composite
def tellings(draw):
    """(truth, told, animals, labels): up to 5 classes, unknown among what is told, classes may be missing."""
    classes = draw(st.integers(1, 5))
    window = st.tuples(st.integers(0, classes - 1), st.integers(0, classes), st.sampled_from("abcd"))
    truth, told, animals = zip(*draw(st.lists(window, min_size=1, max_size=60)), strict=True)
    return list(truth), list(told), list(animals), [f"class {i}" for i in range(classes)]


@pytest.fixture(scope="module")
def judge():
    return pytest.importorskip(
        "sklearn.metrics",
        reason="NOTHING JUDGES THE FIGURES: scikit-learn is not here, pip install herdbell[train]",
    )


def several(spec, labels=LABELS):
    """Scores of {animal: [(truth, told, times), ...]}."""
    rows = [(true, told, name) for name, cells in spec.items() for true, told, n in cells for _ in range(n)]
    truth, told, animals = zip(*rows, strict=True)
    return score(truth, told, animals, labels)


@JUDGED
@given(tellings())
def test_accuracy_balanced_accuracy_and_macro_f1_are_scikit_learns(judge, telling):
    truth, told, animals, labels = telling
    found = score(truth, told, animals, labels)
    shown = sorted(set(truth))
    recalls = judge.recall_score(truth, told, labels=shown, average="macro", zero_division=0)
    assert found.accuracy == pytest.approx(judge.accuracy_score(truth, told))
    assert found.balanced_accuracy == pytest.approx(recalls)
    assert found.macro_f1 == pytest.approx(
        judge.f1_score(truth, told, labels=shown, average="macro", zero_division=0)
    )
    if set(told) <= set(truth) and len(shown) > 1:  # else scikit-learn warns
        assert found.balanced_accuracy == pytest.approx(judge.balanced_accuracy_score(truth, told))


@JUDGED
@given(tellings())
def test_mcc_and_kappa_are_scikit_learns_with_unknown_as_one_more_class(judge, telling):
    truth, told, animals, labels = telling
    found = score(truth, told, animals, labels)
    if len({*truth, *told}) > 1:  # else both are 0 / 0, and scikit-learn warns
        assert found.mcc == pytest.approx(judge.matthews_corrcoef(truth, told), abs=1e-12)
        assert found.kappa == pytest.approx(judge.cohen_kappa_score(truth, told), abs=1e-12)


@JUDGED
@given(tellings())
def test_the_confusion_is_scikit_learns_and_has_a_column_for_unknown_only_if_it_was_told(judge, telling):
    truth, told, animals, labels = telling
    found = score(truth, told, animals, labels)
    classes = len(labels)
    columns = classes + (classes in told)
    square = judge.confusion_matrix(truth, told, labels=range(classes + 1))
    assert found.confusion == square[:-1, :columns].tolist()
    assert found.told_labels == (*labels, "unknown")[:columns]


@JUDGED
@given(tellings())
def test_each_animal_is_scored_over_the_classes_it_shows(judge, telling):
    truth, told, animals, labels = telling
    found = score(truth, told, animals, labels)
    assert sorted(found.animals) == sorted(set(animals))
    for name, one in found.animals.items():
        true, said = (
            [code for code, owner in zip(codes, animals, strict=True) if owner == name]
            for codes in (truth, told)
        )
        assert (one.n, one.classes) == (len(true), len(set(true)))
        assert one.accuracy == pytest.approx(judge.accuracy_score(true, said))
        assert one.macro_f1 == pytest.approx(
            judge.f1_score(true, said, labels=sorted(set(true)), average="macro", zero_division=0)
        )


def test_mcc_of_three_classes_is_gorodkins_worked_out_by_hand():
    # 6 of 9 right; truth shows 3, 3, 3; told were 4, 2, 3.
    found = figures(np.array([[3, 0, 0], [1, 1, 1], [0, 1, 2]]))
    agreed_by_chance = 3 * 4 + 3 * 2 + 3 * 3
    assert found["mcc"] == pytest.approx(
        (9 * 6 - agreed_by_chance) / math.sqrt((81 - 9 - 9 - 9) * (81 - 16 - 4 - 9))
    )
    assert found["kappa"] == pytest.approx((6 / 9 - 1 / 3) / (1 - 1 / 3))


def test_figures_of_many_matrices_are_those_of_each():
    matrices = np.random.default_rng(0).integers(0, 9, (20, 4, 4))
    together = figures(matrices)
    for i, each in enumerate(matrices):
        alone = {name: float(value) for name, value in figures(each).items()}
        assert {name: values[i] for name, values in together.items()} == pytest.approx(alone)


def test_all_right_is_one_and_its_interval_has_no_width():
    found = several({name: [(0, 0, 20), (1, 1, 20), (2, 2, 20)] for name in "abcdef"})
    assert [getattr(found, name) for name in HEADLINE] == [1.0] * 5
    assert found.intervals_95 == dict.fromkeys(HEADLINE, (1.0, 1.0))


def test_a_single_class_has_neither_mcc_nor_kappa_and_both_are_nought():
    found = several({"a": [(1, 1, 40)]})
    assert (found.accuracy, found.mcc, found.kappa) == (1.0, 0.0, 0.0)


def test_unknown_is_wrong_whatever_truth_is():
    found = several({"a": [(0, 3, 10), (1, 3, 10)], "b": [(0, 0, 10), (1, 1, 10)]})
    assert found.accuracy == 0.5
    assert found.confusion == [[10, 0, 0, 10], [0, 10, 0, 10], [0, 0, 0, 0]]


def test_the_worst_animal_is_the_one_with_the_lowest_accuracy():
    found = several({"good": [(0, 0, 40), (1, 1, 9), (1, 0, 1)], "bad": [(0, 0, 25), (1, 0, 15)]})
    assert found.worst_animal == WorstAnimal("bad", 0.625)


@pytest.mark.parametrize(
    ("why", "cells"), [("too few windows", [(0, 1, 14), (1, 0, 15)]), ("one class", [(0, 1, 300)])]
)
def test_an_animal_with_too_little_is_listed_and_not_called_the_worst(why, cells):
    found = several({"little": cells, "enough": [(0, 0, 25), (1, 0, 5)]})
    assert found.worst_animal == WorstAnimal("enough", 25 / 30)
    assert found.animals["little"].accuracy == 0.0


def test_of_two_equally_bad_animals_the_one_with_less_macro_f1_is_the_worst():
    even, odd = [(0, 0, 15), (0, 1, 5), (1, 1, 15), (1, 0, 5)], [(0, 0, 30), (1, 0, 10)]
    assert several({"a": even, "b": odd}).worst_animal == WorstAnimal("b", 0.75)
    assert several({"b": even, "a": even}).worst_animal == WorstAnimal("a", 0.75)


def test_without_an_animal_that_may_be_judged_none_is_the_worst():
    found = several({"a": [(0, 0, 5), (1, 0, 5)]})
    assert found.worst_animal is None
    assert found.as_json()["worst_animal"] is None


def test_one_animal_has_no_interval():
    assert several({"a": [(0, 0, 30), (1, 0, 10)]}).intervals_95 == {}


def test_an_interval_comes_from_drawing_whole_animals_again():
    herd = {f"{i}": [(0, 0, 10 * i), (0, 1, 5), (1, 1, 30), (2, 2, 7), (2, 0, 8 - i)] for i in range(1, 8)}
    found = several(herd)
    names, draws = sorted(herd), np.random.default_rng(5)
    accuracies = []
    for _ in range(4000):
        picked = [found.animals[names[i]] for i in draws.integers(0, len(names), len(names))]
        accuracies.append(sum(one.accuracy * one.n for one in picked) / sum(one.n for one in picked))
    assert found.intervals_95["accuracy"] == pytest.approx(np.percentile(accuracies, (2.5, 97.5)), abs=0.01)


@JUDGED
@given(tellings())
def test_intervals_are_ordered_and_inside_what_a_figure_can_be(telling):
    found = score(*telling)
    for name, (low, high) in found.intervals_95.items():
        assert (-1.0 if name in ("mcc", "kappa") else 0.0) - 1e-12 <= low <= high <= 1.0 + 1e-12


@JUDGED
@given(tellings(), st.randoms(use_true_random=False))
def test_the_order_of_windows_does_not_matter_and_the_same_windows_give_the_same_bytes(telling, random):
    truth, told, animals, labels = telling
    rows = list(zip(truth, told, animals, strict=True))
    random.shuffle(rows)
    shuffled = score(*zip(*rows, strict=True), labels)
    assert json.dumps(shuffled.as_json()) == json.dumps(score(truth, told, animals, labels).as_json())


def test_the_json_has_the_documented_keys_and_nothing_but_plain_values():
    found = several({"1217": [(0, 0, 30), (1, 3, 10)], "1219": [(0, 0, 30), (2, 2, 10)]}).as_json()
    assert set(found) == {
        *("accuracy", "balanced_accuracy", "macro_f1", "mcc", "kappa"),
        *("confusion", "labels", "animals", "worst_animal", "intervals_95"),
    }
    assert set(found["animals"]["1217"]) == {"accuracy", "macro_f1", "n"}
    assert found["worst_animal"] == {"name": "1217", "accuracy": 0.75}
    assert set(found["intervals_95"]) == set(HEADLINE)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    ("truth", "told", "animals", "complaint"),
    [
        ([0, 3], [0, 0], ["a", "a"], r"truth\[1\] = 3 outside 0\.\.2"),
        ([0, 1], [0, 4], ["a", "a"], r"told\[1\] = 4 outside 0\.\.3"),
        ([0, 1], [-1, 1], ["a", "a"], r"told\[0\] = -1 outside"),
        ([0.5, 1], [0, 1], ["a", "a"], r"truth is float64 of shape \(2,\)"),
        ([[0, 1]], [0, 1], ["a", "a"], r"of shape \(1, 2\), want whole numbers of shape \(n,\)"),
        ([0, 1], [0], ["a", "a"], "have 2, 1 and 2 windows"),
        ([0, 1], [0, 1], ["a"], "have 2, 2 and 1 windows"),
        ([], [], [], "no window to score"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_name_and_value(truth, told, animals, complaint):
    with pytest.raises(ValueError, match=complaint):
        score(truth, told, animals, LABELS)
