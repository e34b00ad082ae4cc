"""From a pack to the windows file: alignment, labels, how a collar sits, and what is refused."""

import csv
import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from herdcore.records import unpack_windows
from simulator.__main__ import main
from simulator.extract import WindowRow, labelled, read_animals, write_windows
from simulator.recorded_windows import aligned_windows
from simulator.recording import PackError
from simulator.turning import drawn, turned_and_tilted
from tests.simulator.packs import write_pack, write_recordings

STEP_MS, WINDOW_MS = 100, 5120
MIDDLE_MS = 2520  # of the 64 samples, 80 ms apart
STILL = (320, 480, 800)
MG_A_MS = 2.4


def extracted(folder, *options, out=None):
    """Run the command; return its rows as WindowRow, numbers as such."""
    out = out or folder.parent / f"{folder.name}.csv.gz"
    result = CliRunner().invoke(main, ["extract", str(folder), "--out", str(out), *options])
    assert result.exit_code == 0, result.output
    with gzip.open(out, "rt", encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    assert header == list(WindowRow._fields)
    return [
        WindowRow(row[0], row[1], int(row[2]), int(row[3]), int(row[4]), row[5], int(row[6]), row[7], row[8])
        for row in rows
    ]


def refused(folder, out):
    """Run the command on what it must refuse; return its line on stderr."""
    result = CliRunner().invoke(main, ["extract", str(folder), "--out", str(out)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert not out.exists()
    return result.stderr


def mean_mg(row):
    (window,) = unpack_windows(bytes.fromhex(row.record))
    return np.array((window.mean_x_16mg, window.mean_y_16mg, window.mean_z_16mg)) * 16


def ramp(zero_ms, n, from_ms=0):
    """Return n rows, 100 ms apart from `from_ms` on, whose x goes through 0 at `zero_ms`, steeply."""
    return [(round(MG_A_MS * (from_ms + STEP_MS * i - zero_ms)), 0, 1000) for i in range(n)]


def still(n):
    return [STILL] * n


@pytest.mark.parametrize("window", [0, 1, 5])
def test_every_window_begins_where_the_file_says(tmp_path, window):
    rows = np.clip(ramp(window * WINDOW_MS + MIDDLE_MS, 320), -7000, 7000).tolist()
    row = extracted(write_recordings(tmp_path / "pack", ("7", "x", 0, rows)))[window]
    assert row.start_ms % 86_400_000 == 36_000_000 + window * WINDOW_MS
    assert abs(mean_mg(row)[0]) <= 16  # 7 ms; one sample period would be 192 mg


def test_time_goes_on_where_two_segments_join(tmp_path):
    """A sample is missing between them; the second half of the ramp is not early for that."""
    pack = write_recordings(
        tmp_path / "pack",
        ("7", "x", 0, ramp(WINDOW_MS + MIDDLE_MS, 30)),
        ("7", "x", 3100, ramp(WINDOW_MS + MIDDLE_MS, 80, from_ms=3100)),
    )
    assert abs(mean_mg(extracted(pack)[1])[0]) <= 16


def test_a_chip_that_begins_at_the_rail_is_aligned_all_the_same():
    """The driver waits for a settled sample then; the windows begin at the recording's first one as ever."""
    times_ms = STEP_MS * np.arange(103)
    rows = np.array(ramp(WINDOW_MS + MIDDLE_MS, 103), dtype=float).clip(-7000)
    calm = aligned_windows(times_ms, rows, 1)
    rows[:2] = 20_000
    struck = aligned_windows(times_ms, rows, 1)
    assert struck[0] != calm[0]
    assert struck[1] == calm[1]


def test_nothing_but_the_rail_is_a_window_too():
    (window,) = aligned_windows(STEP_MS * np.arange(51), np.full((51, 3), 20_000.0), 1)
    assert unpack_windows(window)[0][:6] == (127, 127, 127, 0, 0, 0)


@pytest.mark.parametrize(("samples", "windows"), [(50, 0), (51, 1), (101, 1), (102, 2), (1, 0)])
def test_a_run_of_51_samples_is_the_shortest_that_makes_a_window(tmp_path, samples, windows):
    rows = extracted(write_recordings(tmp_path / "pack", ("7", "x", 0, still(samples))))
    assert len(rows) == windows


@pytest.mark.parametrize(("gap_ms", "runs"), [(100, {0: 2}), (250, {0: 2}), (251, {0: 1, 1: 1})])
def test_segments_at_most_250_ms_apart_are_one_run(tmp_path, gap_ms, runs):
    pack = write_recordings(tmp_path / "pack", ("7", "x", 0, still(60)), ("7", "x", 5900 + gap_ms, still(60)))
    rows = extracted(pack)
    assert Counter(row.run for row in rows) == runs
    offset_ms = WINDOW_MS if len(runs) == 1 else 5900 + gap_ms
    assert rows[1].start_ms - rows[0].start_ms == offset_ms


def test_a_run_too_short_for_a_window_has_its_number_all_the_same(tmp_path):
    pack = write_recordings(
        tmp_path / "pack", ("7", "x", 0, still(20)), ("7", "x", 10_000, still(60)), ("8", "x", 0, still(60))
    )
    assert [(row.animal, row.run) for row in extracted(pack)] == [("7", 1), ("8", 0)]


@pytest.mark.parametrize(
    ("first", "label", "share"), [(30, "walking", 57), (22, "grazing", 57), (26, "walking", 50)]
)
def test_a_window_bears_the_label_of_most_samples_and_of_two_alike_the_earlier(tmp_path, first, label, share):
    pack = write_recordings(
        tmp_path / "pack",
        ("7", "walking", 0, still(first)),
        ("7", "grazing", STEP_MS * first, still(150 - first)),
    )
    mixed, pure = extracted(pack)
    assert (mixed.label, mixed.share, mixed.segment) == (label, share, "")
    assert (pure.label, pure.share, pure.segment) == ("grazing", 100, "1")


def test_a_window_over_two_segments_of_one_label_is_of_one_label_but_in_no_segment(tmp_path):
    pack = write_recordings(tmp_path / "pack", ("7", "x", 0, still(30)), ("7", "x", 3000, still(30)))
    assert [(row.label, row.share, row.segment) for row in extracted(pack)] == [("x", 100, "")]


@pytest.mark.parametrize(
    ("options", "reads"),
    [
        ((), (320, 480, 800)),
        (("--turn", "180"), (-320, -480, 800)),
        (("--turn", "90"), (480, -320, 800)),
        (("--tilt", "90"), (320, 800, -480)),
        (("--turn", "90", "--tilt", "90"), (480, 800, 320)),
    ],
)
def test_a_turned_and_tilted_collar_reads_gravity_along_other_axes(tmp_path, options, reads):
    pack = write_recordings(tmp_path / "pack", ("7", "x", 0, still(60)))
    assert np.abs(mean_mg(extracted(pack, *options)[0]) - reads).max() <= 16


def test_a_collar_is_turned_before_the_chip_clips(tmp_path):
    """10 g along x is 7.07 g along x and y of a collar turned by 45 degrees, which the chip can read."""
    rows = [(10_000 * (-1) ** (i // 5), 0, 0) for i in range(60)]
    pack = write_recordings(tmp_path / "pack", ("7", "x", 0, rows))
    (worn,), (turned,) = (
        unpack_windows(bytes.fromhex(extracted(pack, "--turn", turn)[0].record)) for turn in ("0", "45")
    )
    assert worn.mad_x_log > turned.mad_x_log > 16 * np.log2(6000) > worn.mad_y_log
    assert turned.mad_y_log == turned.mad_x_log


def test_copies_are_proper_rotations_of_their_own():
    seen = [
        drawn(seed, pack, animal, copy)
        for seed in (1, 2)
        for pack in "ab"
        for animal in "78"
        for copy in (1, 2, 3, 4)
    ]
    for rotation in [*seen, turned_and_tilted(123.4, -56.7)]:
        assert rotation @ rotation.T == pytest.approx(np.eye(3))
        assert np.linalg.det(rotation) == pytest.approx(1)
    assert len({rotation.tobytes() for rotation in seen}) == len(seen)
    assert (drawn(1, "a", "7", 1) == seen[0]).all()


def test_half_of_the_copies_lean_by_30_degrees_at_most_and_half_sit_any_way():
    odd, even = (np.array([drawn(1, "a", "7", copy) for copy in range(at, 2000, 2)]) for at in (1, 2))
    leans = np.degrees(np.arccos(odd[:, 2, 2]))
    assert 0 < leans.min() < 1
    assert 29 < leans.max() <= 30
    assert np.abs(odd[:, :2, :2].mean(axis=0)).max() < 0.08  # any angle about z
    assert np.abs(even.mean(axis=0)).max() < 0.08  # uniform over all rotations: every entry has mean 0
    assert (even**2).mean(axis=0) == pytest.approx(np.full((3, 3), 1 / 3), abs=0.05)


def test_copies_are_the_same_windows_on_collars_that_sit_otherwise(tmp_path):
    pack = write_recordings(tmp_path / "pack", ("7", "x", 0, still(110)), ("8", "y", 0, still(60)))
    rows = extracted(pack, "--copies", "2")
    assert [(row.animal, row.copy) for row in rows] == [
        *(("7", copy) for copy in (0, 0, 1, 1, 2, 2)),
        *(("8", copy) for copy in (0, 1, 2)),
    ]
    assert (
        [row[3:8] for row in rows[:2]] == [row[3:8] for row in rows[2:4]] == [row[3:8] for row in rows[4:6]]
    )
    assert np.abs(mean_mg(rows[0]) - STILL).max() <= 16
    assert len({tuple(mean_mg(rows[at])) for at in (0, 2, 4, 7, 8)}) == 5
    assert [np.linalg.norm(mean_mg(row)) for row in rows] == pytest.approx([986] * 9, abs=25)


def test_copies_do_not_depend_on_how_the_test_collar_is_turned_nor_on_how_many_there_are(tmp_path):
    pack = write_recordings(tmp_path / "pack", ("7", "x", 0, still(60)))
    few = extracted(pack, "--copies", "2")
    many = extracted(pack, "--copies", "3", "--turn", "180")
    assert many[0] != few[0]
    assert many[1:3] == few[1:]


def test_the_same_input_gives_the_same_bytes_and_another_seed_gives_others(tmp_path):
    pack = write_recordings(tmp_path / "pack", ("7", "x", 0, ramp(0, 60)))
    files = [tmp_path / name for name in ("first.gz", "again.gz", "other.gz")]
    for out, seed in zip(files, "112", strict=True):
        extracted(pack, "--copies", "2", "--seed", seed, out=out)
    first, again, other = (out.read_bytes() for out in files)
    assert first == again != other
    assert first[3:8] == bytes(5)  # gzip's header: no name, no time


def test_a_folder_of_packs_is_read_by_name_and_one_without_waveforms_is_named(tmp_path):
    folder = tmp_path / "farms"
    folder.mkdir()
    for name in ("b", "a"):
        write_recordings(folder / name, ("7", "x", 0, still(60)))
    (folder / "csiro-arm20").mkdir()
    (folder / ".git").mkdir()
    assert [row.pack for row in extracted(folder)] == ["a", "b"]
    result = CliRunner().invoke(main, ["extract", str(folder), "--out", str(tmp_path / "out")])
    assert [line for line in result.stderr.splitlines() if "skipped" in line] == [
        "csiro-arm20: skipped, it has no waveforms (no segments.csv)"
    ]
    assert result.stdout == f"packs 2, animals 2, windows 2 as worn and 0 in copies -> {tmp_path / 'out'}\n"


def test_a_pack_is_named_after_its_folder_wherever_one_stands(tmp_path, monkeypatch):
    write_recordings(tmp_path / "pack", ("7", "x", 0, still(60)))
    monkeypatch.chdir(tmp_path / "pack")
    assert extracted(Path(), out=tmp_path / "out")[0].pack == "pack"


@pytest.mark.parametrize("name", ["empty", "nowhere"])
def test_a_folder_without_waveforms_is_refused_with_what_a_pack_is(tmp_path, name):
    (tmp_path / "empty" / "csiro-arm20").mkdir(parents=True)
    said = refused(tmp_path / name, tmp_path / "out")
    assert said.startswith(f"herdbell-sim: {tmp_path / name}")
    assert "a pack with waveforms is a folder with segments.csv and samples.csv.gz" in said


def test_a_pack_that_contradicts_itself_is_refused_by_file_and_line(tmp_path):
    pack = write_pack(tmp_path / "pack", ["0,7,x,2024-05-13T10:00:00,60,1,a"], [])
    assert "segments.csv, line 2, column n: 60, but samples.csv.gz holds 0" in refused(pack, tmp_path / "out")


def test_a_pack_without_its_samples_is_refused_and_not_skipped(tmp_path):
    (write_recordings(tmp_path / "pack", ("7", "x", 0, still(60))) / "samples.csv.gz").unlink()
    assert "samples.csv.gz is not there" in refused(tmp_path, tmp_path / "out")


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    pack = write_recordings(tmp_path / "pack", ("7", "x", 0, still(60)))
    assert "nowhere" in refused(pack, tmp_path / "nowhere" / "out")
    result = CliRunner().invoke(main, ["extract", str(pack), "--out", str(tmp_path)])
    assert (result.exit_code, "is a folder, want a file" in result.stderr) == (2, True)


def test_an_angle_is_a_number(tmp_path):
    result = CliRunner().invoke(main, ["extract", str(tmp_path), "--out", "out", "--turn", "nan"])
    assert result.exit_code == 2
    assert "nan is no angle" in result.stderr


def test_a_file_stays_as_it_was_when_its_successor_fails(tmp_path):
    def failing():
        yield WindowRow("p", "7", 0, 0, 0, "x", 100, "0", "00" * 14)
        raise PackError("no more")

    out = tmp_path / "out"
    out.write_text("before")
    with pytest.raises(PackError):
        write_windows(out, failing())
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_the_real_pack_gives_the_windows_that_its_labels_promise(data_folder):
    folder = data_folder / "wasp-cow-collar"
    runs = [run for animal in read_animals(folder) for run in animal.runs]
    labels = Counter(label for run in runs for _, label, _, _ in labelled(run))
    assert labels.most_common(4) == [("grazing", 1346), ("resting", 897), ("standing", 599), ("walking", 443)]
    assert labels.total() == 3406
