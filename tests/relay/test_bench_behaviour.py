"""What bench-behaviour says of figures; the figures here are made up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.behaviour import BENCH, NOT_REACHED, ROWS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def good():
    """Every figure as good as is asked."""
    return {row.key: 0.5 if row.asked is None else row.asked for row in ROWS}


def test_figures_as_asked_miss_nothing(good):
    assert BENCH.missed(good) == []
    assert all(row["reached"] for row in BENCH.rows_of(good))


def test_a_figure_on_the_wrong_side_is_missed(good):
    lines = BENCH.missed({**good, "csiro_3_mcc": 0.8999, "turned_180_loss": 0.0101})
    assert [line.split("=")[0] for line in lines] == ["turned_180_loss", "csiro_3_mcc"]


def test_a_figure_that_is_not_there_is_missed(good):
    del good["mounts_found"]
    assert BENCH.missed(good) == ["mounts_found: not measured"]


@pytest.mark.parametrize("key", NOT_REACHED)
def test_what_is_known_not_to_be_reached_is_said_with_its_reason_and_held_lower(good, key, capsys):
    held, why = NOT_REACHED[key]
    assert BENCH.missed({**good, key: held}) == []
    assert f"NOT REACHED {key}={held:.3f}" in capsys.readouterr().out
    worse = held + 0.01 if next(row for row in ROWS if row.key == key).most else held - 0.01
    assert BENCH.missed({**good, key: worse})[0].startswith(key)
    assert len(why) > 40


def test_the_json_has_a_row_for_each_line_of_the_table(good, tmp_path):
    rows = json.loads(BENCH.write(1, {**good, "wasp_worst_animal": "7"}, tmp_path).read_text())
    assert [row["key"] for row in rows["rows"]] == [row.key for row in ROWS]
    assert set(rows["rows"][0]) >= {"what", "asked", "reach", "measured", "reached", "witness", "command"}
    assert rows["beside"] == {"wasp_worst_animal": "7"}


def test_without_the_packs_it_says_that_nothing_was_measured(tmp_path):
    command = [sys.executable, "-m", "tests.bench.behaviour", "--data", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert "MEASURED NOTHING" in done.stdout
    assert "no wasp-cow-collar and no csiro-arm20" in done.stdout
