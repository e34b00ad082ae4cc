"""Packs and extract files: made here, row by row; real ones never enter the repository."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from relay.evaluation.packs import (
    ExtractError,
    PackFolder,
    find_packs,
    read_extract,
    read_window_features,
    run_extract,
)
from relay.evaluation.tables import PackError

RECORD = bytes(range(240, 254))
ROW = {
    "pack": "farm",
    "animal": "12",
    "copy": "0",
    "run": "3",
    "start_ms": "1717200005120",
    "label": "grazing",
    "share": "100",
    "segment": "17",
    "record": RECORD.hex(),
}
FEATURES = {
    "datapoint": "5",
    "label": "walking",
    "animal": "4",
    "mx": "-0.25",
    "my": "0.5",
    "mz": "-1",
    "sx": "0.125",
    "sy": "0",
    "sz": "1e-3",
}


def written(path, rows, columns=None):
    """Path of a gzip'd CSV file of rows given as dicts."""
    columns = columns or list(rows[0])
    lines = [",".join(columns), *(",".join(row[each] for each in columns) for row in rows)]
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
    return path


def extract_file(folder, *changes):
    """An extract file with one row for each dict of changes to ROW."""
    return written(folder / "windows.csv.gz", [{**ROW, **change} for change in changes])


def feature_pack(folder, *changes):
    folder.mkdir(exist_ok=True)
    written(folder / "collar.csv.gz", [{**FEATURES, **change} for change in changes])
    return folder


def waveform_pack(folder):
    folder.mkdir(parents=True)
    (folder / "segments.csv").write_text("seg,animal,label,start,n\n")
    (folder / "samples.csv.gz").write_bytes(gzip.compress(b"seg,b_ax,b_ay,b_az\n"))
    return folder


def test_an_extract_file_comes_back_as_columns_in_its_order(tmp_path):
    read = read_extract(
        extract_file(
            tmp_path, {}, {"start_ms": "1717200010240", "label": "walking", "share": "51", "segment": ""}
        )
    )
    assert read.pack.tolist() == ["farm", "farm"]
    assert read.animal.tolist() == ["12", "12"]
    assert read.label.tolist() == ["grazing", "walking"]
    assert (read.copy.tolist(), read.run.tolist()) == ([0, 0], [3, 3])
    assert (np.diff(read.start_ms).tolist(), read.start_ms.dtype) == ([5120], np.int64)
    assert (read.share.tolist(), read.segment.tolist()) == ([100, 51], [17, -1])
    assert (read.records.shape, read.records.dtype) == ((2, 14), np.uint8)
    assert read.records[1].tobytes() == RECORD


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("pack", "", "some text"),
        ("label", " ", "some text"),
        ("copy", "-1", r"a whole number 0\.\.9999"),
        ("run", "1.5", "a whole number"),
        ("start_ms", "", "a whole number"),
        ("start_ms", "yesterday", "a whole number"),
        ("share", "0", r"a whole number 1\.\.100"),
        ("share", "101", r"a whole number 1\.\.100"),
        ("segment", "none", "a whole number"),
        ("record", RECORD.hex()[:-2], "28 hex digits"),
        ("record", RECORD.hex() + "00", "28 hex digits"),
        ("record", "zz" * 14, "28 hex digits"),
        ("record", RECORD.hex()[:-4] + "  00", "28 hex digits"),
    ],
)
def test_a_wrong_cell_is_named_by_file_line_column_and_value(tmp_path, column, value, wanted):
    path = extract_file(tmp_path, {}, {"start_ms": "1717200010240", column: value})
    with pytest.raises(
        PackError, match=rf"windows\.csv\.gz, line 3, column {column}: '{value}' is not {wanted}"
    ):
        read_extract(path)


def test_windows_out_of_order_are_refused(tmp_path):
    with pytest.raises(PackError, match="line 3, column start_ms: 1717200005120 is not after 1717200005120"):
        read_extract(extract_file(tmp_path, {}, {}))


def test_an_animals_copy_in_two_places_is_refused(tmp_path):
    later = {"start_ms": "1717200010240"}
    with pytest.raises(PackError, match=r"line 4: rows of \('farm', '12', 0\)"):
        read_extract(extract_file(tmp_path, {}, {"copy": "1"}, later))
    assert len(read_extract(extract_file(tmp_path, {}, later, {"copy": "1"})).run) == 3


def test_window_features_come_back_in_mg_and_in_the_packs_row_order(tmp_path):
    pack = feature_pack(
        tmp_path / "csiro", {"datapoint": "9"}, {"animal": "2", "label": "other", "mx": "1.5"}
    )
    read = read_window_features(pack)
    assert read.datapoint.tolist() == [9, 5]
    assert (read.animal.tolist(), read.label.tolist()) == (["4", "2"], ["walking", "other"])
    assert read.mean_mg.tolist() == [[-250.0, 500.0, -1000.0], [1500.0, 500.0, -1000.0]]
    assert read.spread_mg.tolist() == [[125.0, 0.0, 1.0]] * 2


def test_columns_beyond_the_documented_ones_and_their_order_do_not_matter(tmp_path):
    row = {"gnss_speed": "nan", **dict(reversed(FEATURES.items())), "dist_water_m": ""}
    written(tmp_path / "collar.csv.gz", [row])
    assert read_window_features(tmp_path).mean_mg.tolist() == [[-250.0, 500.0, -1000.0]]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("mx", "NaN"),
        ("my", "inf"),
        ("mz", ""),
        ("mz", "-981"),
        ("sx", "-0.1"),
        ("sy", "0.1 g"),
        ("sz", "nan"),
    ],
)
def test_a_feature_that_is_no_acceleration_in_g_is_named(tmp_path, column, value):
    with pytest.raises(
        PackError, match=rf"collar\.csv\.gz, line 2, column {column}: '{value}' is not a number"
    ):
        read_window_features(feature_pack(tmp_path, {column: value}))


def test_a_missing_column_is_named_beside_those_that_are_there(tmp_path):
    columns = [column for column in ROW if column not in ("run", "share")]
    path = written(tmp_path / "windows.csv.gz", [ROW], columns)
    with pytest.raises(PackError, match=r"line 1: no column run, share; there are pack, animal, copy"):
        read_extract(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "is not there"),
        (b"pack,animal\n", "is not a whole gzip'd CSV file"),
        (gzip.compress(b"pack,animal\n" * 99)[:-9], "is not a whole gzip'd CSV file"),
        (gzip.compress(b"\xff\xfe\n"), "is not a whole gzip'd CSV file in UTF-8"),
        (gzip.compress(b""), "is empty"),
        (gzip.compress(",".join(ROW).encode()), "a header line and no row"),
        (gzip.compress((",".join(ROW) + "\na,b\n").encode()), "line 2: 2 cells, want 9"),
    ],
)
def test_a_file_that_is_no_table_says_so(tmp_path, content, complaint):
    path = tmp_path / "windows.csv.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PackError, match=complaint):
        read_extract(path)


def test_packs_are_found_by_name_and_other_folders_are_passed_over(tmp_path):
    feature_pack(tmp_path / "csiro", {})
    waveform_pack(tmp_path / "wasp")
    (tmp_path / "heifer").mkdir()
    (tmp_path / "heifer" / "samples.csv.gz").touch()
    (tmp_path / "README.md").touch()
    assert find_packs(tmp_path) == [
        PackFolder("csiro", "window_features", tmp_path / "csiro"),
        PackFolder("wasp", "waveform", tmp_path / "wasp"),
    ]


def test_a_folder_that_is_a_pack_is_the_pack_and_what_lies_in_it_is_not_looked_for(tmp_path, monkeypatch):
    waveform_pack(tmp_path / "wasp")
    waveform_pack(tmp_path / "wasp" / "older")
    monkeypatch.chdir(tmp_path / "wasp")
    assert find_packs(Path()) == [PackFolder("wasp", "waveform", Path())]


def test_without_a_pack_it_is_said_what_one_is(tmp_path):
    with pytest.raises(
        PackError, match=r"holds none; a pack is a folder with segments\.csv and samples\.csv\.gz"
    ):
        find_packs(tmp_path)
    with pytest.raises(PackError, match=r"gone is not a folder; a pack is"):
        find_packs(tmp_path / "gone")


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a package in the simulator's place that runs the given lines."""

    def put(lines):
        package = tmp_path / "path" / "simulator"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text("import sys\n" + lines)
        monkeypatch.setenv("PYTHONPATH", str(package.parent))
        monkeypatch.chdir(package.parent)

    return put


def test_the_simulator_is_run_with_what_the_test_collar_wears(tmp_path, stand_in):
    stand_in("with open(sys.argv[-1], 'w') as out: print(*sys.argv[1:], sep='|', end='', file=out)")
    out = tmp_path / "windows.csv.gz"
    run_extract(tmp_path / "packs", out, turn_deg=180, tilt_deg=-12.5, copies=4, seed=7)
    said = f"extract|{tmp_path / 'packs'}|--turn|180|--tilt|-12.5|--copies|4|--seed|7|--out|{out}"
    assert out.read_text() == said


def test_a_simulator_that_fails_is_quoted(tmp_path, stand_in):
    stand_in("print('Error: line 7 is odd', file=sys.stderr); sys.exit(2)")
    with pytest.raises(ExtractError, match="ended with code 2: Error: line 7 is odd"):
        run_extract(tmp_path, tmp_path / "out")


def test_a_simulator_that_writes_nothing_has_failed_whatever_lies_there_from_before(tmp_path, stand_in):
    stand_in("")
    (tmp_path / "out").touch()
    with pytest.raises(ExtractError, match=r"wrote no .*out"):
        run_extract(tmp_path, tmp_path / "out")


def test_a_missing_simulator_is_named_with_what_to_install(tmp_path, monkeypatch):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{os.path.realpath(sys.executable)}" -I -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(ExtractError, match="the simulator, and it is not installed: pip install herdbell"):
        run_extract(tmp_path, tmp_path / "out")
