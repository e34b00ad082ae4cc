"""Fitting looks to recordings: what is put in comes out, and only the tables are written."""

import csv
import gzip
import tomllib

import numpy as np
import pytest

from simulator.extract import WindowRow
from simulator.herdfile import load_herd
from simulator.neck.look_fit import BEGIN, END, LABELS, features, fit, frames, main, read_extract
from simulator.neck.look_model import FEATURES, LEVELS, SHARES
from simulator.neck.looks import CowLooks
from simulator.neck.windows import records
from simulator.plan.states import EAT, LIE, LIE_RUMINATE, STAND, STAND_RUMINATE, WALK
from simulator.turning import about

BOUT_CELLS = 40
STATES = ((EAT, "grazing"), (WALK, "walking"), (STAND, "standing"), (STAND_RUMINATE, "standing"))
STATES += ((LIE, "resting"), (LIE_RUMINATE, "resting"))
WAYS = tuple(about((0.0, 0.0, 1.0), angle) for angle in (0.0, 20.0, 180.0, 160.0))


def rows_of(cow):
    """Return rows of an extract: a virtual cow's first cells, in bouts of one label after another."""
    start_ms = np.arange(2 * len(STATES)) * BOUT_CELLS * 5120
    state = np.array([state for state, _ in STATES] * 2, np.uint8)
    cells = CowLooks(load_herd(None), 3, cow).cells(0, start_ms, state)
    sent = records(cells, WAYS[cow], np.full(3, 0.96), np.zeros(3), np.random.default_rng(cow))
    for at in range(len(start_ms) * BOUT_CELLS):
        bout = at // BOUT_CELLS
        label = STATES[bout % len(STATES)][1]
        yield WindowRow("pack", str(cow), 0, bout, 5120 * at, label, 100, bout, sent[at].tobytes().hex())


def write_extract(path, rows):
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(WindowRow._fields)
        out.writerows(rows)
    return path


@pytest.fixture(scope="module")
def extract(tmp_path_factory):
    rows = [row for cow in range(len(WAYS)) for row in rows_of(cow)]
    return write_extract(tmp_path_factory.mktemp("fit") / "windows.csv.gz", rows)


def test_only_whole_windows_as_worn_are_read(tmp_path):
    whole = next(rows_of(0))
    rows = (whole, whole._replace(share=80), whole._replace(copy=1), whole._replace(label="licking"))
    real = read_extract(write_extract(tmp_path / "w.csv.gz", rows))
    assert real.label.tolist() == ["grazing", "licking"]
    assert real.animal.tolist() == ["pack/0"] * 2
    assert real.records[0].tobytes().hex() == whole.record


def test_collars_that_sit_differently_come_into_one_frame(extract):
    real = read_extract(extract)
    turns = frames(real)
    pitch = features(real, turns)[:, 0]
    grazing = [np.median(pitch[(real.animal == cow) & (real.label == "grazing")]) for cow in turns]
    assert len(turns) == len(WAYS)
    assert max(grazing) < -20
    assert max(grazing) - min(grazing) < 15
    for turn in turns.values():
        assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)


def test_levels_of_randomness_are_found_again():
    rng = np.random.default_rng(1)
    cows, runs, length = 12, 4, 80
    animal = np.repeat([f"{cow:02}" for cow in range(cows)], runs * length)
    run = np.tile(np.repeat(np.arange(runs), length), cows)
    noise = rng.standard_normal((len(run), len(FEATURES)))
    own = np.repeat(rng.standard_normal((cows, len(FEATURES))), runs * length, axis=0)
    found = fit(0.8 * noise + 0.6 * own, animal, run)
    level = dict(zip(LEVELS, found.levels, strict=True))
    assert np.allclose(level["cow"].mean(), 0.6, atol=0.15)
    assert np.allclose(level["cell"].mean(), 0.8, atol=0.1)
    assert max(level["bout"].mean(), level["slow"].mean()) < 0.2


def test_quantiles_do_not_hang_on_the_cow_that_was_recorded_longest():
    animal = np.repeat(("a", "b", "c"), (900, 100, 100))
    values = np.repeat((10.0, 0.0, 0.0), (900, 100, 100))[:, None] + np.zeros((1, len(FEATURES)))
    values = values + np.random.default_rng(2).random(values.shape)
    found = fit(values, animal, np.zeros(len(animal), np.int64))
    assert found.quantiles[0, SHARES.index(0.3)] < 1.0
    assert found.quantiles[0, SHARES.index(0.7)] > 10.0


def test_tables_are_the_same_each_time_and_hold_every_number_with_its_source(extract, capsys):
    texts = []
    for _ in range(2):
        assert main([str(extract)]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    looks = tomllib.loads(texts[0])["look"]
    assert set(looks) == {
        "rest",
        "ruminate",
        "stand",
        "stand_ruminate",
        "graze",
        "walk",
        "fidget",
        "stir",
        "amble",
    }
    for look in looks.values():
        assert set(look) == {*FEATURES, "correlation", "levels"}
        assert set(look["levels"]) == set(LEVELS)
        for name in FEATURES:
            values = look[name]["value"]
            assert values == sorted(values)
            assert look[name]["source"] == "measured"
            assert "pack" in look[name]["from"]


def test_only_what_stands_between_the_marks_is_written(extract, tmp_path):
    target = tmp_path / "own.toml"
    target.write_text(f"[a]\nb = 1\n{BEGIN} (by hand: no)\nold\n{END}\n[c]\n", encoding="utf-8")
    assert main([str(extract), "--write", str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    assert text.startswith(f"[a]\nb = 1\n{BEGIN} (by hand: no)\n")
    assert text.endswith(f"{END}\n[c]\n")
    assert "old" not in text
    assert "[look.graze]" in text


def test_a_file_without_the_marks_is_refused(extract, tmp_path, capsys):
    target = tmp_path / "own.toml"
    target.write_text("[a]\n", encoding="utf-8")
    assert main([str(extract), "--write", str(target)]) == 2
    assert f"{target}: want the lines '# look_fit: begin'" in capsys.readouterr().err
    assert target.read_text(encoding="utf-8") == "[a]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pack,animal,copy,run,label,share\n", "has no column record"),
        ("pack,animal,copy,run,label,share,record\np,1,1,0,grazing,100,00\n", "no window with share=100"),
        (f"pack,animal,copy,run,label,share,record\np,1,0,0,licking,100,{'00' * 14}\n", "one of the labels"),
        (
            f"pack,animal,copy,run,label,share,record\np,1,0,0,grazing,100,0000c2{'00' * 11}\n",
            "the look rest",
        ),
    ],
)
def test_an_extract_that_cannot_be_fitted_is_one_line_and_two(tmp_path, capsys, text, said):
    path = tmp_path / "windows.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert main([str(path)]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert said in err


def test_an_extract_that_is_no_gzip_or_is_cut_is_one_line_and_two(extract, tmp_path, capsys):
    for content in (b"pack,animal\n", extract.read_bytes()[:200]):
        path = tmp_path / "windows.csv.gz"
        path.write_bytes(content)
        assert main([str(path)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_other_arguments_are_told_how_it_is_used(capsys):
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_shipped_tables_are_those_of_looks_that_have_labels():
    shipped = load_herd(None)["look"]
    fitted = {name for name, table in shipped.items() if "levels" in table}
    assert len(fitted) == 9
    assert len(LABELS) == 4
