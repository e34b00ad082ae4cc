"""How the tables of the collar's tree are made: from a documented pack, the same bytes every time."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest

from herdcore import behaviour
from herdcore.vocabulary import BEHAVIOURS
from simulator import train_tables
from simulator.recording import PackError

SECONDS = 240
MG = {"resting": 2, "grazing": 350, "walking": 90}


def rows(segment, label, seconds):
    """Return 10 Hz rows of a cow that does one thing."""
    phases = np.arange(10 * seconds) * 0.1
    swing = MG[label] * np.sin(2 * math.pi * phases * (1.3 if label == "grazing" else 0.7))
    return "".join(f"{segment},{round(s)},{round(s / 2)},{round(1000 + s / 3)}\n" for s in swing)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    segments, samples, number = "seg,animal,label,start,n\n", "seg,b_ax,b_ay,b_az\n", 0
    for animal in ("1", "2"):
        for label in MG:
            segments += f"{number},{animal},{label},2024-05-13T14:{10 + number},{10 * SECONDS}\n"
            samples += rows(number, label, SECONDS)
            number += 1
    (folder / "segments.csv").write_text(segments)
    with gzip.open(folder / "samples.csv.gz", "wt") as file:
        file.write(samples)
    return folder


@pytest.fixture(scope="module")
def windows(pack):
    return train_tables.labelled(pack)


def test_every_window_inside_a_segment_is_there_as_worn_and_turned(windows):
    whole = 3 * SECONDS * 1000 // 5120 * 2
    as_worn = int((~windows.turned).sum())
    assert whole - 4 * 2 - 8 <= as_worn <= whole  # two joins an animal, and the start of the chip
    assert len(windows.classes) == (1 + train_tables.TURNS) * as_worn
    assert windows.features.shape == (len(windows.classes), behaviour.FEATURES)
    assert {BEHAVIOURS[code] for code in windows.classes} == {"rest", "graze", "walk"}


def test_labels_that_are_no_behaviour_of_ours_are_other():
    assert [BEHAVIOURS[train_tables.class_of(label)] for label in ("standing", "trotting", "shaking")] == [
        "rest",
        "walk",
        "other",
    ]


def test_segments_that_do_not_match_their_samples_are_refused(pack, tmp_path):
    (tmp_path / "segments.csv").write_text(
        (pack / "segments.csv").read_text().replace(",2400\n", ",2399\n", 1)
    )
    (tmp_path / "samples.csv.gz").write_bytes((pack / "samples.csv.gz").read_bytes())
    with pytest.raises(PackError, match="the segments of 1 have another length"):
        train_tables.labelled(tmp_path)


def walked(tables, features):
    """Return class << 5 | confidence by tables like those on the collar."""
    feature, value, right = tables
    node = 0
    while feature[node] != 0xFF:
        node = node + 1 if features[feature[node]] <= value[node] else right[node]
    return value[node]


def test_the_tables_say_what_the_fitted_tree_says(windows):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: only training needs it")
    model = train_tables.grow(windows.features, windows.classes)
    tables = train_tables.rows_of(model)
    told = model.predict(windows.features)
    assert [walked(tables, row) >> 5 for row in windows.features] == told.tolist()
    assert (told == windows.classes).mean() > 0.98
    assert train_tables.rows_of(train_tables.grow(windows.features, windows.classes)) == tables


def test_the_file_that_is_written_holds_the_tables_and_the_figures(windows):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: only training needs it")
    told = train_tables.leave_one_animal_out(windows)
    tables = train_tables.rows_of(train_tables.grow(windows.features, windows.classes))
    figures = train_tables.figures_of(windows, told)
    source = train_tables.source_of(tables, figures)
    made = {}
    exec(source, made)
    assert (made["FEATURE"], made["VALUE"], made["RIGHT"]) == tables
    assert f"{figures['windows']} windows of 2 cows" in made["__doc__"]
    assert any(line.startswith("animal 1 ") for line in train_tables.tell(windows, told))


def test_balanced_accuracy_counts_classes_alike():
    truth, told = np.array([1, 1, 1, 1, 3]), np.array([1, 1, 1, 3, 1])
    assert train_tables.balanced(truth, told) == pytest.approx((0.75 + 0) / 2)
