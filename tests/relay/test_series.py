"""Packs of activity: read whole, or refused with file, line, column, value and bound."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from relay.evaluation import series
from relay.evaluation.series import SeriesError

GOLDEN = Path(__file__).resolve().parents[1] / "golden/bovheat"
HEAD = "herd,cow,dt,raw,chg,lact,dim,status"
ROW = "B,7,2019-01-28T02:00,25,-3,4,38,Dry"


def pack(folder, *rows, head=HEAD, calvings=None):
    folder.mkdir(exist_ok=True)
    (folder / "activity_2h.csv").write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
    if calvings is not None:
        (folder / "calvings.csv").write_text(calvings, encoding="utf-8")
    return folder


def test_the_excerpt_of_two_real_herds_is_read_whole():
    first, second = series.read(GOLDEN)
    assert (first.herd, first.cows, first.first_day) == ("A", ("138", "152"), date(2018, 12, 29))
    assert (first.has_raw, first.has_index) == (False, True)
    assert second.cows == ("4109", "5130", "7008", "7012")
    assert second.raw.shape == second.chg.shape == second.dim.shape == (4, 29 * 12)
    assert int(second.rows.sum()) == 4 * 337
    assert second.calvings == ((0, 8),)


def test_a_row_lies_in_the_block_of_its_time(tmp_path):
    [herd] = series.read(pack(tmp_path, ROW, "B,7,2019-01-29T22:00,,5,4,,", "B,9,2019-01-28T00:00,4,,,,"))
    assert herd.raw.shape == (2, 24)
    assert (herd.raw[0, 1], herd.chg[0, 1], herd.dim[0, 1]) == (25.0, -3.0, 38.0)
    assert np.isnan(herd.raw[0, 23])
    assert herd.chg[0, 23] == 5.0
    assert herd.raw[1, 0] == 4.0
    assert herd.rows.sum() == 3


def test_packed_or_not_is_the_same(tmp_path):
    plain = series.read(pack(tmp_path / "plain", ROW))
    packed = pack(tmp_path / "packed", ROW)
    text = (packed / "activity_2h.csv").read_bytes()
    (packed / "activity_2h.csv").unlink()
    (packed / "activity_2h.csv.gz").write_bytes(gzip.compress(text))
    assert np.array_equal(series.read(packed)[0].raw, plain[0].raw, equal_nan=True)


def test_raw_calvings_and_further_columns_need_not_be_there(tmp_path):
    [herd] = series.read(pack(tmp_path, "x,1,2020-05-01 10:00,7", head="herd,cow,dt,chg"))
    assert not herd.has_raw
    assert herd.chg[0, 5] == 7.0
    assert herd.calvings == ()


def test_the_index_need_not_be_there_if_raw_activity_is_and_rows_come_in_any_order(tmp_path):
    rows = ("x,1,2020-05-02 10:00,7", "x,1,2020-05-01 08:00,5")
    [herd] = series.read(pack(tmp_path, *rows, head="herd,cow,dt,raw"))
    assert (herd.has_raw, herd.has_index) == (True, False)
    assert (herd.raw[0, 4], herd.raw[0, 17]) == (5.0, 7.0)


def test_a_calving_told_twice_is_one_and_an_empty_table_has_none(tmp_path):
    calved = "herd,cow,calving_date\nB,7,2019-01-30\nB,7,2019-01-30T00:00\n"
    assert series.read(pack(tmp_path, ROW, calvings=calved))[0].calvings == ((0, 2),)
    for nothing in ("", "herd,cow,calving_date\n"):
        assert series.read(pack(tmp_path, ROW, calvings=nothing))[0].calvings == ()


def test_calvings_of_cows_that_are_not_there_do_not_count(tmp_path):
    calved = "herd,cow,calving_date,new_lactation\nB,7,2019-01-30,3\nB,8,2019-01-30,3\nC,7,2019-01-30,3\n"
    assert series.read(pack(tmp_path, ROW, calvings=calved))[0].calvings == ((0, 2),)


def test_the_same_row_twice_is_one(tmp_path):
    assert series.read(pack(tmp_path, ROW, ROW))[0].rows.sum() == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((ROW.replace("25", "lots"),), "line 2: raw='lots': a number from 0 to 65535, or empty"),
        ((ROW, ROW.replace(",25,", ",-1,").replace("02:", "04:")), "line 3: raw='-1': a number from 0"),
        ((ROW.replace("-3", "nan"),), "line 2: chg='nan': a number from -1000 to 1000"),
        ((ROW.replace("38", "5000"),), "line 2: dim='5000': a number from -400 to 4000"),
        ((ROW.replace("2019-01-28T02:00", "yesterday"),), "line 2: dt='yesterday': not a time as"),
        ((ROW.replace("B,", ",", 1),), "line 2: herd='': 1 to 64 printable characters"),
        ((ROW.replace("7", "\x1b[2J", 1),), r"line 2: cow='\x1b[2J': 1 to 64 printable characters"),
        (("B,7",), "line 2: the row ends before column dt"),
        ((ROW, ROW.replace("25", "26")), "dt=2019-01-28T02:00: cow 7 has two values in this block of 2 h"),
        ((ROW, ROW.replace("02:00", "03:00")), "the other in line 2"),
        ((ROW, ROW.replace("2019", "2049")), "at most 3660 days"),
        ((), "no rows"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_line_column_value_and_bound(tmp_path, rows, said):
    with pytest.raises(SeriesError) as caught:
        series.read(pack(tmp_path, *rows))
    assert said in str(caught.value)
    assert "activity_2h.csv" in str(caught.value)


def test_a_missing_column_is_named_with_those_found(tmp_path):
    with pytest.raises(SeriesError, match=r"line 1: no column dt; found herd, cow, raw"):
        series.read(pack(tmp_path, "B,7,25", head="herd,cow,raw"))
    with pytest.raises(SeriesError, match=r"line 1: no column raw or chg; found herd, cow, dt, dim"):
        series.read(pack(tmp_path, "B,7,2019-01-28T02:00,25", head="herd,cow,dt,dim"))


def test_a_calving_that_is_no_day_is_named(tmp_path):
    with pytest.raises(SeriesError, match=r"calvings.csv line 2: calving_date='soon'"):
        series.read(pack(tmp_path, ROW, calvings="herd,cow,calving_date\nB,7,soon\n"))


@pytest.mark.parametrize("garbage", [b"no gzip at all", gzip.compress(b"herd,cow\xff")[:20], b""])
def test_a_file_that_is_no_table_is_refused(tmp_path, garbage):
    (tmp_path / "activity_2h.csv.gz").write_bytes(garbage)
    with pytest.raises(SeriesError, match=r"activity_2h.csv.gz"):
        series.read(tmp_path)


def test_a_folder_that_is_no_pack_says_what_one_is(tmp_path):
    with pytest.raises(SeriesError, match=r"a pack of activity is a folder with activity_2h.csv.gz or"):
        series.read(tmp_path)
