"""`herdbell evaluate behaviour` on packs of window features made here, and where it says no."""

from __future__ import annotations

import csv
import gzip
import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from relay.__main__ import main
from relay.cli import evaluate
from relay.evaluation import behaviour, sources
from relay.evaluation.blocks import Block
from relay.evaluation.metrics import HEADLINE
from relay.evaluation.packs import WindowFeatures
from relay.evaluation.sources import Sits
from relay.training import fit

COLUMNS = ("datapoint", "label", "animal", "mx", "my", "mz", "sx", "sy", "sz")
# By label: mean and spread in g.
KINDS = {
    "grazing": ((0.7, 0.1, -0.7), (0.13, 0.16, 0.12)),
    "ruminating_resting": ((0.1, 0.1, -1.0), (0.03, 0.02, 0.02)),
    "walking": ((0.4, -0.1, -0.9), (0.1, 0.05, 0.17)),
    "drinking": ((0.6, 0.5, -0.6), (0.05, 0.09, 0.04)),
    "other": ((0.3, 0.6, -0.7), (0.3, 0.25, 0.4)),
}
KEYS = {*HEADLINE, "confusion", "labels", "animals", "worst_animal", "intervals_95"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Few choices, and a terminal of no width to wrap at."""
    monkeypatch.setattr(fit, "CHOICES", (fit.Settings(hidden=0, doubt=0.0),))
    monkeypatch.setattr(fit, "_SMOOTHINGS", ((0.8, 1.0, 0.0),))


def pack(folder, animals=("1", "2", "4", "5"), kinds=KINDS):
    """A pack of window features: each animal 10 windows of each label, in bouts of 5."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(len(animals))
    rows = []
    for animal in animals:
        for number, label in enumerate(np.repeat([*kinds] * 2, 5)):
            mean, spread = (np.array(each) for each in kinds[label])
            mean = mean + random.normal(0, 0.05, 3)
            spread = spread * np.exp(random.normal(0, 0.2, 3))
            rows.append((number, label, animal, *mean.round(4), *spread.round(4)))
    with gzip.open(folder / "collar.csv.gz", "wt", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows((COLUMNS, *rows))
    return folder


@pytest.fixture
def said(tmp_path, monkeypatch):
    """The command with pictures in the test's folder, if at all; returns what came of it."""

    def run(*arguments, draws=False):
        if not draws:
            monkeypatch.setattr(Block, "draw", lambda _block, _folder: [])
        folder = ("--pictures", tmp_path / "drawn") if "--pictures" not in arguments else ()
        words = ["evaluate", "behaviour", "--jobs", "1", *folder, *arguments]
        return CliRunner().invoke(main, [str(word) for word in words])

    return run


def test_each_pack_gets_a_block_with_protocol_and_worst_animal(tmp_path, said):
    done = said("--data", pack(tmp_path / "hill"))
    assert done.exit_code == 0, done.output
    assert "hill: grazing / ruminating resting / other. Whole animals left out" in done.stdout
    assert "hill: grazing / walking / ruminating resting / drinking / other. Whole animals" in done.stdout
    assert done.stdout.count("Worst animal: ") == 2
    assert "each window alone" in done.stdout
    assert "Chosen by inner folds" in done.stdout
    assert "worn for a while" in done.stdout
    figures, _ = done.stdout.split("\npictures:")
    assert max(map(len, figures.splitlines())) <= 100


def test_progress_goes_where_it_does_not_mix_with_figures(tmp_path, said):
    done = said("--data", pack(tmp_path / "hill"))
    assert "hill: animal 2 left out, 2 of 4" in done.stderr
    assert "2 of 4" not in done.stdout


def test_the_json_has_the_documented_keys(tmp_path, said):
    done = said("--data", pack(tmp_path / "hill"), "--json", tmp_path / "f.json")
    assert done.exit_code == 0, done.output
    figures = json.loads((tmp_path / "f.json").read_text())
    assert set(figures) == {"hill"}
    assert set(figures["hill"]) == {"three", "five"}
    for one in figures["hill"].values():
        assert set(one) >= KEYS
        assert set(one["forms"]["windows"]) >= KEYS
        assert [each["left_out"] for each in one["chosen"]] == ["1", "2", "4", "5"]
        assert set(one["animals"]) == {"1", "2", "4", "5"}
        assert set(one["animals"]["4"]) == {"accuracy", "macro_f1", "n"}
        assert sum(map(sum, one["confusion"])) == 200


def test_a_folder_of_packs_is_gone_through_by_name(tmp_path, said):
    for name in ("hill", "dale"):
        pack(tmp_path / "farms" / name)
    (tmp_path / "farms" / "notes").mkdir()
    done = said("--data", tmp_path / "farms", "--json", tmp_path / "f.json")
    assert list(json.loads((tmp_path / "f.json").read_text())) == ["dale", "hill"], done.output


def test_pictures_lie_where_it_says(tmp_path, said):
    done = said("--data", pack(tmp_path / "hill"), "--pictures", tmp_path / "p" / "q", draws=True)
    drawn = sorted((tmp_path / "p" / "q").iterdir())
    assert [path.name for path in drawn] == ["hill-five-confusion.png", "hill-three-confusion.png"]
    assert all(str(path) in done.stdout for path in drawn)
    assert drawn[0].read_bytes().startswith(b"\x89PNG")


def test_turned_collars_are_named_in_the_title_and_lose_nothing(tmp_path, said):
    folder = pack(tmp_path / "hill")
    worn = said("--data", folder, "--json", tmp_path / "worn.json")
    done = said("--data", folder, "--turn", "180", "--json", tmp_path / "turned.json")
    in_a_line = " ".join(done.stdout.split())
    assert "judged collars turned 180 degrees" in in_a_line
    assert "Spread per axis was turned as if" in in_a_line
    assert "judged collars" not in worn.stdout
    one, other = (json.loads((tmp_path / f"{each}.json").read_text()) for each in ("worn", "turned"))
    assert other["hill"]["three"]["macro_f1"] == pytest.approx(one["hill"]["three"]["macro_f1"], abs=0.02)


def test_learning_from_another_pack_of_the_kind_judges_all_of_this_one(tmp_path, said):
    train, data = pack(tmp_path / "hill"), pack(tmp_path / "dale", ("1", "9"))
    done = said("--data", data, "--train", train, "--json", tmp_path / "f.json")
    assert done.exit_code == 0, done.output
    figures = json.loads((tmp_path / "f.json").read_text())
    assert {key: set(sets) for key, sets in figures.items()} == {
        "dale": {"three", "five"},
        "hill->dale": {"whole_farm_out", "still_active"},
    }
    assert set(figures["dale"]["three"]["animals"]) == {"1", "9"}
    assert figures["hill->dale"]["still_active"]["labels"] == ["still", "active"]
    assert "Learned from hill alone" in done.stdout


def test_where_two_packs_teach_the_key_says_which(tmp_path, said):
    for name in ("hill", "moor"):
        pack(tmp_path / "farms" / name)
    data = pack(tmp_path / "dale", ("1", "9"))
    done = said("--data", data, "--train", tmp_path / "farms", "--json", tmp_path / "f.json")
    figures = json.loads((tmp_path / "f.json").read_text())
    assert set(figures) == {"hill->dale", "moor->dale"}, done.output
    assert set(figures["moor->dale"]) == {"whole_farm_out", "still_active", "three", "five"}


def test_a_pack_too_small_to_learn_from_does_not_stop_the_others(tmp_path, said):
    pack(tmp_path / "farms" / "croft", ("1", "2"))
    pack(tmp_path / "farms" / "hill")
    data = pack(tmp_path / "dale", ("1", "9"))
    done = said("--data", data, "--train", tmp_path / "farms", "--json", tmp_path / "f.json")
    assert done.exit_code == 0, done.output
    assert "left out: animals=['1', '2']: want three or more" in done.stderr
    assert set(json.loads((tmp_path / "f.json").read_text())) == {"hill->dale"}


def test_a_pack_without_a_label_that_counts_does_not_stop_the_others(tmp_path, said):
    train, data = pack(tmp_path / "hill"), tmp_path / "farms"
    pack(data / "dale", ("1", "9"))
    pack(data / "moor", ("1", "9"), {"pawing": ((0.3, 0.6, -0.7), (0.3, 0.25, 0.4))})
    done = said("--data", data, "--train", train, "--json", tmp_path / "f.json")
    assert done.exit_code == 0, done.output
    assert "moor: left out three, no window is labelled as any of grazing, ruminating_resting, other" in (
        done.stderr
    )
    assert set(json.loads((tmp_path / "f.json").read_text())) == {"dale", "hill->dale"}


def test_no_animal_is_judged_that_was_learned_from(tmp_path, said):
    train, data = pack(tmp_path / "a" / "hill"), pack(tmp_path / "b" / "hill", ("5", "6"))
    done = said("--data", data, "--train", train)
    assert done.exit_code == 2
    assert "hill: animals 5 are in training and test" in done.stderr
    assert "no pack of" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("turn", "tilt", "reads"),
    [
        (90, 0, ((0, -1000, 0), (1000, 0, 0), (0, 0, 1000))),
        (180, 0, ((-1000, 0, 0), (0, -1000, 0), (0, 0, 1000))),
        (0, 90, ((1000, 0, 0), (0, 0, -1000), (0, 1000, 0))),
    ],
)
def test_a_turned_collar_reads_as_the_simulator_s_does(turn, tilt, reads):
    along = np.eye(3) * 1000
    names = np.array(["1"] * 3)
    windows = WindowFeatures(np.arange(3), names, names, along, np.abs(along))
    turned = sources.turned(windows, Sits(turn, tilt))
    np.testing.assert_allclose(turned.mean_mg, reads, atol=1e-9)
    np.testing.assert_allclose(turned.spread_mg, np.abs(reads), atol=1e-9)


def test_what_is_no_pack_is_one_line_and_code_2(tmp_path, said):
    done = said("--data", tmp_path)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {tmp_path} is no pack and holds none")


def test_too_few_animals_are_one_line_and_code_2(tmp_path, said):
    done = said("--data", pack(tmp_path / "hill", ("1", "2", "4")))
    assert done.exit_code == 2
    assert "want four or more to leave one out" in done.stderr.splitlines()[-1]


def test_a_pack_too_small_to_leave_one_out_does_not_stop_the_others(tmp_path, said):
    pack(tmp_path / "farms" / "croft", ("3", "8"))
    pack(tmp_path / "farms" / "hill")
    done = said("--data", tmp_path / "farms", "--json", tmp_path / "f.json")
    assert done.exit_code == 0, done.output
    assert "left out: croft: labelled animals=['3', '8'], want four or more" in done.stderr
    assert set(json.loads((tmp_path / "f.json").read_text())) == {"hill"}


def test_one_class_alone_is_too_little_to_learn_from(tmp_path, said):
    done = said("--data", pack(tmp_path / "hill", kinds={"grazing": KINDS["grazing"]}))
    assert done.exit_code == 2
    assert "want windows of two classes or more to learn from" in done.stderr.splitlines()[-1]


def test_without_scikit_learn_it_says_what_to_install(tmp_path, said, monkeypatch):
    monkeypatch.setattr(evaluate, "find_spec", lambda _: None)
    done = said("--data", pack(tmp_path / "hill"))
    assert done.exit_code == 2
    assert "pip install herdbell[train]" in done.stderr


def test_without_matplotlib_there_are_figures_and_no_pictures(tmp_path, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = said("--data", pack(tmp_path / "hill"), draws=True)
    assert done.exit_code == 0, done.output
    assert "no pictures: pictures need matplotlib" in done.stdout


def test_the_model_as_shipped_needs_waveforms(tmp_path, said):
    done = said("--data", pack(tmp_path / "hill"), "--shipped")
    assert done.exit_code == 2
    assert "hill: left out, the model as shipped needs a collar's own windows" in done.stderr


def test_shipped_and_train_exclude_each_other(tmp_path, said):
    done = said("--data", tmp_path, "--train", tmp_path, "--shipped")
    assert done.exit_code == 2
    assert "leave out --train" in done.stderr


def test_a_file_for_figures_without_its_folder_is_refused_before_the_work(tmp_path, said, monkeypatch):
    monkeypatch.setattr(behaviour, "parts", lambda _: pytest.fail("it worked"))
    done = said("--data", tmp_path, "--json", tmp_path / "nowhere" / "f.json")
    assert done.exit_code == 2
    assert f"the folder {tmp_path / 'nowhere'} is not there" in done.stderr


@pytest.mark.parametrize("angle", ["nan", "inf"])
def test_an_angle_is_a_finite_number(tmp_path, said, angle):
    done = said("--data", tmp_path, "--turn", angle)
    assert done.exit_code == 2
    assert "is no angle" in done.stderr
