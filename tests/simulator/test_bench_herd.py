"""What bench-herd says of figures; the figures here are made up, and so are the farms."""

import json
import sys

import numpy as np
import pytest

from simulator.lives.happening import Happening
from simulator.plan.routine import DAY_MS, HOUR_MS
from tests.bench import herd, herd_days, herd_parts, herd_rules
from tests.bench.herd import BENCH, ROWS

KEYS = {
    "medians_ok",
    "f1_lost_real_to_sim",
    "f1_lost_sim_to_real",
    "auc_real_vs_sim",
    "budgets_ok",
    "rules",
    "collar_days_per_s",
    "trace_hash",
}
BLOCKS_A_DAY = 12


class Told:
    """A rule that tells the blocks it is given."""

    def __init__(self, blocks, *, daily=False):
        self.blocks, self.daily = blocks, daily

    def flags(self, activity, _block_h):
        flags = np.zeros(activity.shape, bool)
        flags[0, self.blocks] = True
        return flags


def farm(*heats, days=60):
    return herd_rules.Farm(np.ones((1, days * BLOCKS_A_DAY)), [list(heats)], [days])


def heat(day, *, expressed=True):
    return Happening("heat", day * DAY_MS + 6 * HOUR_MS, day * DAY_MS + 14 * HOUR_MS, expressed=expressed)


def rule(**figures):
    known = {
        "sensitivity": 0.7,
        "false_per_cow_year": 3.0,
        "published_sensitivity": 0.7,
        "published_false_per_cow_year": 3.0,
        "compare_sensitivity": True,
        "compare_false": True,
    }
    return {"some": known | figures}


def test_a_heat_is_found_by_a_block_told_in_time_and_its_days_are_not_false():
    in_time = Told([30 * BLOCKS_A_DAY + 5])  # known at 12:00, six hours after the onset
    assert herd_rules.counted(in_time, farm(heat(30))) == (1, 1, 0, 38)


def test_a_heat_told_too_late_is_not_found():
    late = Told([31 * BLOCKS_A_DAY])
    assert herd_rules.counted(late, farm(heat(30)))[:3] == (1, 0, 0)
    assert herd_rules.counted(Told([31 * BLOCKS_A_DAY], daily=True), farm(heat(30)))[:3] == (1, 1, 0)


def test_a_day_told_without_a_heat_is_false_once_however_many_blocks_tell_it():
    assert herd_rules.counted(Told([480, 481, 495]), farm())[2] == 2


def test_heats_that_nobody_sees_do_not_count_and_their_days_are_not_false():
    silent = heat(30, expressed=False)
    assert herd_rules.counted(Told([30 * BLOCKS_A_DAY + 5]), farm(silent)) == (0, 0, 0, 38)


def test_while_a_rule_learns_nothing_counts():
    assert herd_rules.counted(Told([5 * BLOCKS_A_DAY + 5]), farm(heat(5))) == (0, 0, 0, 40)


@pytest.mark.parametrize(
    ("figures", "easy"),
    [
        ({}, 0),
        ({"sensitivity": 0.76}, 1),
        ({"sensitivity": 0.74}, 0),
        ({"false_per_cow_year": 1.9}, 1),
        ({"false_per_cow_year": 2.1}, 0),
        ({"false_per_cow_year": 9.0, "sensitivity": 0.1}, 0),
        ({"sensitivity": 0.9, "compare_sensitivity": False}, 0),
        ({"false_per_cow_year": 0.1, "compare_false": False}, 0),
    ],
)
def test_a_herd_is_too_easy_where_a_rule_does_better_than_published(figures, easy):
    assert len(herd_rules.too_easy(rule(**figures))) == easy


def test_every_stated_day_has_a_measure_a_spread_and_a_source():
    assert len(herd_days.TABLE) > 25
    for stated in herd_days.TABLE:
        assert stated.measure in herd_days.MEASURES
        assert stated.low < stated.high
        assert stated.source
    assert {stated.measure for stated in herd_days.TABLE} == set(herd_days.MEASURES)


def test_the_json_has_the_asked_keys_at_its_root_and_a_row_for_each_line(tmp_path):
    figures = {row.key: row.asked or 0.5 for row in ROWS} | dict.fromkeys(KEYS, 1)
    record = json.loads(BENCH.write(1, figures, tmp_path).read_text())
    assert set(record) >= KEYS
    assert [row["key"] for row in record["rows"]] == [row.key for row in ROWS]


def test_without_the_packs_it_says_what_is_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["herd", "--data", str(tmp_path)])
    monkeypatch.setattr(herd.Bench, "measure", lambda _self, parts, _only: {"parts": list(parts)})
    monkeypatch.setattr(herd.Bench, "end", lambda _self, _seed, figures, **_: figures["parts"])
    assert not {"windows", "series"} & set(herd.main())
    out = capsys.readouterr().out
    assert "LEAVES OUT windows" in out
    assert "no bovheat-scr" in out


def test_a_part_alone_fails_by_what_it_measures_and_not_by_what_it_does_not(capsys):
    assert BENCH.end(1, {"rules_too_easy": 0}, whole=False) == 0
    assert BENCH.end(1, {"rules_too_easy": 1}, whole=False) == 1
    assert "MISSED rules_too_easy=1.000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("runs", "differs"),
    [({}, 0), ({("windows", 1, 2): "x"}, 1), ({("windows", 2, 1): "windows"}, 1)],
)
def test_traces_must_be_the_same_for_a_seed_and_another_for_another(monkeypatch, runs, differs):
    def trace_hash(_path, seed, _cows, _days, at, jobs=1):
        return runs.get((at, seed, jobs), at if seed == 1 else f"{at} {seed}")

    monkeypatch.setattr(herd_parts, "trace_hash", trace_hash)
    assert herd_parts.trace(1) == {"trace_hash": "windows", "trace_differs": differs}
