"""Recorded packs. The tests write their own; the real one is used where it is and never copied."""

import os
from pathlib import Path

import numpy as np
import pytest

from simulator.motion import Still
from simulator.recording import PackError, open_pack, read_segments
from tests.simulator.packs import sample, write_pack


@pytest.fixture
def pack(tmp_path):
    """Two animals; the later segment of 17 stands first in the file."""
    return write_pack(
        tmp_path,
        [
            "1,17,grazing,2024-05-17T11:00:00.000,2,1,a",
            "0,17,walking,2024-05-13T14:44:00.000,3,0,a",
            "2,8,resting,2024-05-13T14:44:00.000,1,1,a",
        ],
        [sample(0, 0), sample(0, 100), sample(0, 200), sample(1, 300), sample(1, 400), sample(2, 7, 8, 9)],
    )


def at(motion, *times_us):
    return motion.at(np.array(times_us, dtype=np.int64))


def test_a_pack_gives_one_motion_per_animal_by_name(pack):
    assert [name for name, _ in open_pack(pack)] == ["17", "8"]


def test_segments_are_joined_in_the_order_of_time_without_their_gaps(pack):
    (_, motion), _ = open_pack(pack)
    assert at(motion, *range(0, 500_000, 100_000))[:, 0].tolist() == [0, 100, 200, 300, 400]
    assert motion.length_us == 500_000


def test_between_samples_the_line_is_straight(pack):
    (_, motion), _ = open_pack(pack)
    assert at(motion, 50_000, 80_000, 160_000)[:, 0].tolist() == [50, 80, 160]


def test_a_recording_repeats_for_ever(pack):
    (_, motion), _ = open_pack(pack)
    times_us = np.array([0, 130_000, 499_999])
    assert (motion.at(times_us) == motion.at(times_us + 1_000_000 * 500_000)).all()
    assert at(motion, 450_000)[0, 0] == 200  # half way from the last sample back to the first


def test_the_sound_accelerometer_is_read_with_all_three_axes(pack):
    _, (_, motion) = open_pack(pack)
    assert at(motion, 0, 12_345_678).tolist() == [[7, 8, 9], [7, 8, 9]]


def test_columns_are_found_by_name_wherever_they_stand(tmp_path):
    pack = write_pack(tmp_path, ["5,cow,x,t,1,1,a"], ["3,2,1,5"], header="b_az,b_ay,b_ax,seg\n")
    ((_, motion),) = open_pack(pack)
    assert at(motion, 0).tolist() == [[1, 2, 3]]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PackError, match=r"nowhere.segments\.csv is not there"):
        open_pack(tmp_path / "nowhere")


def test_a_missing_samples_file_is_named(pack):
    (pack / "samples.csv.gz").unlink()
    with pytest.raises(PackError, match=r"samples\.csv\.gz is not there"):
        open_pack(pack)


def test_a_missing_column_is_named_with_those_there_are(tmp_path):
    pack = write_pack(tmp_path, [], ["0,1"], header="seg,b_ax\n")
    with pytest.raises(PackError, match=r"line 1: no column b_ay, b_az; there are seg, b_ax"):
        open_pack(pack)


def test_an_empty_file_has_no_columns(pack):
    (pack / "segments.csv").write_text("", encoding="utf-8")
    with pytest.raises(PackError, match="no column seg, animal, start"):
        open_pack(pack)


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        ("0,1,nan,3", "b_ay", "nan"),
        ("0,,2,3", "b_ax", ""),
        ("x,1,2,3", "seg", "x"),
        ("0,1,2,3.5", "b_az", "3.5"),
        ("0,1,2,3000000000", "b_az", "3000000000"),
    ],
)
def test_a_value_that_is_no_number_is_named_by_file_line_and_column(tmp_path, row, column, text):
    pack = write_pack(tmp_path, ["0,cow,x,t,1,1,a"], ["0,1,2,3", row], header="seg,b_ax,b_ay,b_az\n")
    with pytest.raises(PackError, match=rf"samples\.csv\.gz, line 3, column {column}: '{text}'"):
        open_pack(pack)


def test_a_segment_number_that_is_no_number_is_named(tmp_path):
    pack = write_pack(tmp_path, ["a,cow,x,t,1,1,a"], [sample(0, 1)])
    with pytest.raises(PackError, match=r"segments\.csv, line 2, column seg: 'a'"):
        open_pack(pack)


def test_a_short_line_is_named(tmp_path):
    pack = write_pack(tmp_path, ["0,cow,x,t,1,1,a"], ["0,1,2"])
    with pytest.raises(PackError, match=r"samples\.csv\.gz, line 2: 3 cells, want 10"):
        open_pack(pack)


def test_a_pack_whose_files_do_not_belong_together_is_refused(tmp_path):
    pack = write_pack(tmp_path, ["0,cow,x,t,1,1,a"], [sample(1, 1)])
    with pytest.raises(PackError, match="no segment has samples"):
        open_pack(pack)


def test_segments_come_by_animal_and_time_with_label_and_samples(pack):
    segments = read_segments(pack)
    assert [(one.animal, one.number, one.label) for one in segments] == [
        ("17", 0, "walking"),
        ("17", 1, "grazing"),
        ("8", 2, "resting"),
    ]
    assert segments[0].samples_mg.tolist() == [[0, 0, 1000], [100, 0, 1000], [200, 0, 1000]]
    assert segments[0].last_ms - segments[0].start_ms == 200


def test_a_start_is_local_time_as_if_it_were_utc(tmp_path):
    pack = write_pack(tmp_path, ["0,cow,x,1970-01-02T00:00:01.200,1,1,a"], [sample(0, 1)])
    assert read_segments(pack)[0].start_ms == 86_401_200


def test_a_pack_without_labels_has_empty_ones(tmp_path):
    rows = ["0,cow,2024-05-13T14:44:00,1"]
    (segment,) = read_segments(
        write_pack(tmp_path, rows, [sample(0, 1)], segments_header="seg,animal,start,n\n")
    )
    assert segment.label == ""


NOON = "2024-05-13T12:00:00.000"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([f"0,cow,x,{NOON},2,1,a"], r"segments\.csv, line 2, column n: 2, but samples\.csv\.gz holds 3 of 0"),
        ([f"0,cow,x,{NOON},many,1,a"], r"segments\.csv, line 2, column n: 'many'"),
        (["0,cow,x,noon,3,1,a"], r"segments\.csv, line 2, column start: 'noon' is not a time like"),
        ([f"0,cow,x,{NOON},3,1,a"] * 2, r"segments\.csv, line 3, column seg: 0 is there twice"),
        ([f"0,cow,x,{NOON},3,1,a", f"7,cow,x,{NOON},0,1,a"], r"line 3, column n: 0, but .* holds 0 of 7"),
        ([f"0,cow,x,{NOON}"], r"segments\.csv, line 2: 4 cells, want 7"),
        ([], r"samples\.csv\.gz, column seg: 0 is not in segments\.csv"),
    ],
)
def test_segments_that_contradict_the_samples_are_refused_by_line_and_column(tmp_path, rows, said):
    with pytest.raises(PackError, match=said):
        read_segments(write_pack(tmp_path, rows, [sample(0, 1)] * 3))


def test_a_pack_of_two_headers_has_no_segment(tmp_path):
    with pytest.raises(PackError, match=r"segments\.csv: no segment"):
        read_segments(write_pack(tmp_path, [], []))


def test_an_animal_in_two_segments_at_once_is_refused_and_two_animals_are_not(tmp_path):
    samples = [sample(0, 1)] * 3 + [sample(1, 1)] * 3
    rows = [f"0,cow,x,{NOON},3,1,a", "1,{},x,2024-05-13T12:00:00.200,3,1,a"]
    both = read_segments(write_pack(tmp_path, [rows[0], rows[1].format("calf")], samples))
    assert [one.animal for one in both] == ["calf", "cow"]
    with pytest.raises(
        PackError, match=r"line 3, column start: segment 1 begins before segment 0 of the same"
    ):
        read_segments(write_pack(tmp_path, [rows[0], rows[1].format("cow")], samples))


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-30], lambda _: b"seg,b_ax", lambda data: data[:-8] + b"x" * 8]
)
def test_a_samples_file_that_is_cut_or_no_archive_is_named(pack, spoil):
    samples = pack / "samples.csv.gz"
    samples.write_bytes(spoil(samples.read_bytes()))
    with pytest.raises(PackError, match=r"samples\.csv\.gz, after line \d+: cannot be read"):
        read_segments(pack)


def test_something_at_rest_stays_at_rest():
    assert at(Still(1, 2, 3), 0, 5).tolist() == [[1, 2, 3], [1, 2, 3]]


@pytest.fixture(scope="module")
def real_pack():
    data = Path(os.environ.get("HERDBELL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    folder = data / "wasp-cow-collar"
    if not folder.is_dir():
        pytest.skip(f"REAL COWS NOT TESTED: {folder} is not there; set HERDBELL_DATA to the folder of packs")
    return dict(open_pack(folder))


def test_the_real_pack_has_ten_cows_under_gravity(real_pack):
    assert len(real_pack) == 10
    for name, motion in real_pack.items():
        length = np.linalg.norm(motion.at(np.arange(0, motion.length_us, 100_000)), axis=1)
        assert 850 < np.median(length) < 1150, name


def test_the_real_pack_holds_five_hours(real_pack):
    assert sum(motion.length_us for motion in real_pack.values()) == 184_479 * 100_000
