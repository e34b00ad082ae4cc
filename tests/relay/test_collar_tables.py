"""How the collar's tables are made: what is fitted is what a collar does, and the same bytes every time."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

from herdcore import behaviour
from herdcore.vocabulary import BEHAVIOURS
from relay.evaluation.packs import Extract
from relay.evaluation.tables import PackError
from relay.training import collar_tables

pytest.importorskip("sklearn", reason="scikit-learn is not installed: only training needs it")

# Label: mean posture (16 mg), code of the deviation, of the difference, crossings, chewing.
DONE = {
    "resting": ((5, 0, 61), 62, 62, 18, 30),
    "grazing": ((45, 0, 40), 110, 116, 24, 60),
    "walking": ((10, 0, 60), 97, 95, 26, 80),
    "drinking": ((40, 0, 45), 85, 80, 20, 40),
}
EACH = 30


def windows_of(chance, label):
    """Return (EACH, 14) windows of a cow that does one thing."""
    mean, deviation, difference, crossings, chewing = DONE[label]
    middle = [*mean, *[deviation] * 3, *[difference] * 3, *[crossings] * 3, chewing, chewing]
    spread = [3] * 3 + [5] * 6 + [3] * 5
    return np.rint(chance.normal(middle, spread, size=(EACH, 14))).astype(np.int64).astype(np.uint8)


def extract(pack=collar_tables.PACK, labels=tuple(DONE), copies=2):
    """Return three cows that do all these things, as worn and on turned collars."""
    chance = np.random.default_rng(4)
    names = [(animal, copy, label) for animal in "abc" for copy in range(copies) for label in labels]
    records = np.concatenate([windows_of(chance, label) for *_, label in names])
    animal, copy, label = (np.repeat([row[at] for row in names], EACH) for at in range(3))
    n = len(records)
    zeros, start_ms = np.zeros(n, dtype=np.int64), 5120 * np.arange(n)
    pack_of = np.full(n, pack)
    return Extract(
        pack_of, animal, copy.astype(np.int64), zeros, start_ms, label, zeros + 100, zeros, records
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return (text of tables.py, figures)."""
    path = tmp_path_factory.mktemp("made") / "tables.py"
    figures = collar_tables.write(extract(), path)
    return path.read_text(encoding="utf-8"), figures


def test_features_are_those_that_the_collar_makes():
    records = np.random.default_rng(1).integers(0, 256, size=(300, 14)).astype(np.uint8)
    out = bytearray(behaviour.FEATURES)
    for record, features in zip(records, collar_tables.motion_of(records).tolist(), strict=True):
        behaviour.describe_into(record.tobytes(), 0, out)
        assert list(out[: len(features)]) == features


def test_what_is_judged_is_what_a_collar_with_these_tables_tells(written, monkeypatch):
    made = {}
    exec(written[0], made)
    for name in ("WEIGHTS", "SURE", "LEAST"):
        monkeypatch.setattr(behaviour, name, made[name])
    collars = collar_tables.collars_of(extract())
    weights = np.array(made["WEIGHTS"], dtype=np.int64).reshape(4, -1)
    for times in (1, 2):
        told = collar_tables.told_of(collars, weights, times)
        assert by_collars(times) == [made["CLASSES"][place] for place in told.tolist()]


def by_collars(times):
    """Return the class of every window by herdcore itself, each collar beginning with nothing known."""
    windows, out = extract(), []
    for animal in "abc":
        for copy in (0, 1):
            hers = windows.records[(windows.animal == animal) & (windows.copy == copy)]
            frame = array("h", bytes(behaviour.FRAME_BYTES))
            for _ in range(times):
                told = [behaviour.classify(row.tobytes(), 0, frame) >> 5 for row in hers]
            assert min(frame[3], frame[7]) >= EACH
            out += told
    return out


def test_the_file_says_what_it_comes_from_and_how_good_it_is(written):
    text, figures = written
    made = {}
    exec(text, made)
    assert [BEHAVIOURS[code] for code in made["CLASSES"]] == list(collar_tables.CLASSES)
    assert len(made["WEIGHTS"]) == behaviour.FEATURES * 4
    for words in (f"{12 * EACH} windows of 3 cows", collar_tables.PACK, "`ruminate` is never given"):
        assert words in made["__doc__"]
    assert f"macro F1 {figures.three.macro_f1:.3f}" in made["__doc__"]
    assert max(map(len, text.splitlines())) <= 110


def test_the_same_windows_give_the_same_bytes(written, tmp_path):
    collar_tables.write(extract(), tmp_path / "again.py")
    assert (tmp_path / "again.py").read_text(encoding="utf-8") == written[0]


def test_classes_that_are_far_apart_are_told_apart_on_animals_never_seen(written):
    figures = written[1]
    assert min(figures.three.macro_f1, figures.three_known.macro_f1, figures.turned.macro_f1) > 0.97
    assert figures.three.labels == ("rest", "graze", "walk")
    assert figures.four.labels == collar_tables.CLASSES
    assert {name: one.n for name, one in figures.three.animals.items()} == dict.fromkeys("abc", 3 * EACH)
    assert sum(line.startswith("animal ") for line in figures.lines()) == 3


def test_without_turned_copies_there_is_no_figure_for_them():
    assert collar_tables.leave_one_animal_out(extract(copies=1)).turned is None


def test_a_class_that_no_cow_showed_is_never_told():
    collars = collar_tables.collars_of(extract(labels=("resting", "grazing", "walking")))
    told = collar_tables.told_of(collars, collar_tables.fit(collars))
    assert set(told.tolist()) == {0, 1, 2}


def test_a_label_that_is_nearly_impossible_is_not_learned_from():
    right = extract()
    wrong = extract()
    mistaken = (wrong.label == "walking") & (np.arange(len(wrong.label)) % 10 == 0)
    wrong.records[mistaken] = windows_of(np.random.default_rng(2), "resting")[0]
    told = [
        collar_tables.told_of(
            collar_tables.collars_of(right), collar_tables.fit(collar_tables.collars_of(one))
        )
        for one in (right, wrong)
    ]
    assert (told[0] == told[1]).mean() > 0.99


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        (lambda: extract(pack="another"), "no window of wasp-cow-collar"),
        (lambda: extract(labels=("resting", "grazing")), "windows of 2 classes, want 3 or more"),
    ],
)
def test_windows_that_nothing_can_be_learned_from_are_refused(windows, says):
    with pytest.raises(PackError, match=says):
        collar_tables.leave_one_animal_out(windows())
