"""`herdbell evaluate activity`: figures of known series, intervals over cows, packs that lack things."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from relay.__main__ import main
from relay.evaluation import (
    activity,
    activity_pictures,
    activity_thresholds,
    activity_words,
    injection,
    judged_activity,
    resampled,
    series,
)
from relay.evaluation.activity import CowSums, Scored
from relay.evaluation.activity_words import in_words
from relay.evaluation.heat_activity import DEFAULT_THRESHOLDS
from relay.evaluation.series import Series

GOLDEN = Path(__file__).resolve().parents[1] / "golden/bovheat"
KEYS = {"alerts_per_cow_21d", "share_18_24d", "intervals", "calving_auc", "injected"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Two sizes, one episode for each cow, fewer draws; a terminal of no width to wrap at."""
    for module in (injection, resampled, judged_activity, activity_words, activity_pictures):
        monkeypatch.setattr(module, "SIZES", (1.5, 4.0))
    monkeypatch.setattr(activity, "PASSES", 1)
    for module in (activity, resampled):
        monkeypatch.setattr(module, "DRAWS", 100)


@pytest.fixture
def said(monkeypatch, tmp_path):
    """The command; returns what came of it. Nothing is drawn unless --pictures says where."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)  # the folder for pictures is made before they are drawn

    def call(*arguments):
        with monkeypatch.context() as patched:
            if "--pictures" not in arguments:
                patched.setattr(activity_pictures, "draw", lambda _judgement, _folder: [])
            return CliRunner().invoke(main, ["evaluate", "activity", *map(str, arguments)])

    return call


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    return pack(tmp_path_factory.mktemp("short") / "pack", keep=of_a_month)


def of_a_month(row):
    """Both herds, but a month of the one that the excerpt has nine weeks of."""
    return row[0] == "B" or row[2] < "2019-01-25"


def rows_of_excerpt():
    with gzip.open(GOLDEN / "activity_2h.csv.gz", "rt", encoding="utf-8") as text:
        head, *rows = csv.reader(text)
    return head, rows


def pack(folder, change=lambda row: row, keep=lambda _row: True):
    """The excerpt with every row changed, or left out."""
    folder.mkdir()
    head, rows = rows_of_excerpt()
    with gzip.open(folder / "activity_2h.csv.gz", "wt", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([head, *(change(list(row)) for row in rows if keep(row))])
    return folder


def without(*columns):
    def change(row):
        for column in columns:
            row[("herd", "cow", "dt", "raw", "chg", "lact", "dim").index(column)] = ""
        return row

    return change


def made(alerts, days=60, cows=1, dim=100.0, score=None, calvings=()):
    """A scorer that told in these blocks of a herd."""
    shape = (cows, days * 12)
    herd = Series(
        "H", tuple(map(str, range(cows))), date(2020, 1, 1), np.full(shape, np.nan), np.zeros(shape),
        np.full(shape, dim), np.ones(shape, dtype=bool), tuple(calvings),
    )  # fmt: skip
    told = np.zeros(shape, dtype=bool)
    for cow, each in enumerate(alerts):
        told[cow, each] = True
    return Scored(
        herd, np.zeros(shape) if score is None else score, alerts, lambda _times: alerts, alerts, told
    )


def measured(scored, beside=None):
    sums = activity.sums([scored], [beside or scored], [[]])
    return sums, resampled.values(sums, resampled.draws(len(sums.days), 1))


def test_load_and_return_follow_from_the_alerts():
    _, figures = measured(made([[10, 10 + 21 * 12, 10 + 26 * 12]]))
    assert figures["alerts_per_cow_21d"][0] == pytest.approx(3 * 21 / 60)
    assert figures["told_day_share"][0] == pytest.approx(3 / 60)
    assert figures["share_18_24d"][0] == pytest.approx(0.5)
    assert figures["intervals"][0] == 2


def test_an_interval_over_a_day_without_figures_or_over_a_calving_is_none():
    alerts = [[10, 10 + 21 * 12, 10 + 42 * 12]]
    whole = made(alerts)
    assert measured(whole)[0].gaps == [[21.0, 21.0]]
    holed = np.zeros((1, 720))
    holed[0, 30 * 12 : 31 * 12] = np.nan
    assert measured(whole, made(alerts, score=holed))[0].gaps == [[21.0]]
    calved = np.arange(720)[None] / 12 - 30.0  # day 30 of the series is day 0 in milk
    calved[0, : 30 * 12] += 300
    assert measured(made(alerts, dim=calved))[0].gaps == [[21.0]]


def test_an_alert_that_does_not_count_still_stands_between_two_that_do():
    """On a day of which the other scorer knows only a part."""
    theirs = np.zeros((1, 720))
    theirs[0, 12 * 12 : 12 * 12 + 6] = np.nan
    alerts = [[10, 12 * 12 + 3, 10 + 21 * 12]]
    assert measured(made(alerts), made([[]], score=theirs))[0].gaps == [[]]


def test_a_day_with_one_figure_of_a_scorer_that_has_more_is_no_whole_day():
    score = np.zeros((1, 720))
    score[0, 1:12] = np.nan
    assert measured(made([[]]), made([[]], score=score))[0].days == [pytest.approx(59 + 1 / 12)]


def test_a_daily_rule_stands_for_its_day_whatever_the_other_has_in_its_last_block():
    daily = np.where(np.arange(720) % 12 == 11, 0.0, np.nan)[None]
    theirs = np.where(np.arange(720) % 12 == 11, np.nan, 0.0)[None]
    theirs[0, 20 * 12 : 21 * 12] = np.nan
    alerts = [[10 * 12 - 1, 31 * 12 - 1, 52 * 12 - 1]]
    one = replace(made(alerts, score=daily, calvings=[(0, 40)]), daily=True)
    sums, figures = measured(one, made([[]], score=theirs))
    assert (sums.days, sums.alerts, sums.told_days, sums.whole_days) == ([59.0], [3.0], [3.0], [59.0])
    assert sums.gaps == [[21.0]]  # the other reaches over a day without figures
    assert figures["calving_auc"][0] == 0.5


def test_only_rows_of_20_to_200_days_in_milk_make_the_load():
    for dim, load in ((19.0, np.nan), (20.0, 0.35), (200.0, 0.35), (201.0, np.nan), (np.nan, np.nan)):
        _, figures = measured(made([[10]], dim=dim))
        assert figures["alerts_per_cow_21d"][0] == pytest.approx(load, nan_ok=True)


def test_days_on_which_the_other_scorer_has_no_figure_do_not_count():
    theirs = made([[]], score=np.where(np.arange(720) < 360, np.nan, 0.0)[None])
    sums, figures = measured(made([[10, 400]]), theirs)
    assert sums.days == [30.0]
    assert figures["alerts_per_cow_21d"][0] == pytest.approx(21 / 30)


def test_a_calving_day_is_set_against_the_days_before_it():
    score = np.zeros((1, 720))
    score[0, 30 * 12 + 4] = 5.0  # the day
    score[0, 25 * 12] = 5.0  # as high: a tie with one of the nine
    score[0, 29 * 12] = 9.0  # the eve is neither
    _, figures = measured(made([[]], score=score, calvings=[(0, 30)]))
    assert figures["calving_auc"][0] == pytest.approx(8.5 / 9)


def test_the_auc_of_drawn_cows_is_that_of_their_days(monkeypatch):
    monkeypatch.setattr(resampled, "LEAST_COWS", 2)
    sums = CowSums(
        [1.0] * 3,
        [0.0] * 3,
        [0.0] * 3,
        [1.0] * 3,
        [[]] * 3,
        [[3.0], [1.0], []],
        [[2.0, 0.0], [4.0], [1.0]],
        [[]] * 3,
    )
    drawn = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0], [0.0, 0.0, 2.0]])
    first, second, none = resampled.values(sums, drawn)["calving_auc"]
    assert first == pytest.approx((3 + 1.5) / 8)
    assert second == pytest.approx((2 * (2 * 2 + 1)) / (2 * 5))
    assert np.isnan(none)


def test_one_cow_has_no_interval_and_one_seed_gives_the_same_one_twice():
    _, figures = measured(made([[10, 300]]))
    assert resampled.figure(figures["alerts_per_cow_21d"])[1:] == (None, None)
    herd = made([[10], [10, 300], [], [5, 100, 400]], cows=4)
    one, other = (resampled.figure(measured(herd)[1]["alerts_per_cow_21d"]) for _ in range(2))
    assert one == other
    assert one.low < one.value < one.high


def test_what_two_cows_have_has_no_interval_and_what_three_have_has_one():
    alerts = [[10, 10 + 12 * 12], [10, 10 + 21 * 12], [10, 10 + 22 * 12], [10], [10], [10]]
    ends = []
    for known in (alerts, [[10], *alerts[1:]]):
        _, figures = measured(made(known, cows=6))
        ends.append(resampled.figure(figures["share_18_24d"]))
    assert (ends[0].low, ends[0].high) == (0.0, 1.0)
    assert ends[1] == (1.0, None, None)


def test_the_makers_threshold_on_the_excerpt_is_what_its_own_index_says():
    judged = series.read(GOLDEN)
    told = [[len(each) for each in activity.vendor(herd).alerts] for herd in judged]
    assert told == [[5, 4], [0, 3, 2, 1]]
    assert all(
        herd.chg[cow, block] >= 35
        for herd in judged
        for cow, each in enumerate(activity.vendor(herd).alerts)
        for block in each
    )


def test_no_score_uses_days_in_milk(short, tmp_path):
    with_dim = series.read(short)
    blank = series.read(pack(tmp_path / "blank", without("dim", "lact"), of_a_month))
    limits = {"raw": [4.0] * 4, "index": [5.0] * 4}
    for one, other in zip(with_dim, blank, strict=True):
        for scorer in (activity.vendor, lambda herd: activity.ours(herd, _for(herd, limits))):
            assert scorer(one).alerts == scorer(other).alerts


def _for(herd, limits):
    return {kind: each[: len(herd.cows)] for kind, each in limits.items()}


def test_no_threshold_is_chosen_by_the_cow_it_is_used_on():
    herd = next(each for each in series.read(GOLDEN) if each.has_raw)
    loud = Series(
        herd.herd, herd.cows, herd.first_day, herd.raw, np.where(np.arange(4)[:, None] == 1, 90.0, herd.chg),
        herd.dim, herd.rows,
    )  # fmt: skip
    before, after = (activity_thresholds.chosen([each], None, 1)[0]["raw"] for each in (herd, loud))
    assert after[1] == before[1]


def test_the_threshold_is_the_lowest_that_tells_no_more_than_the_makers():
    grid = activity_thresholds._GRID
    told = np.where(grid < 2.0, 1.0, np.where(grid < 5.0, 9.0, 3.0))  # far below, alerts have run together
    loads = activity_thresholds._Loads("raw", np.array([4.0]), told[None])
    assert activity_thresholds._limit("raw", [loads]) == grid[grid >= 5.0][0]
    assert activity_thresholds._limit("index", [loads]) == DEFAULT_THRESHOLDS["index"]
    silent = activity_thresholds._Loads("raw", np.zeros(1), told[None])
    assert activity_thresholds._limit("raw", [silent]) == DEFAULT_THRESHOLDS["raw"]


def test_with_train_the_judged_cows_are_left_out_whatever_they_are_called(tmp_path):
    renamed = pack(
        tmp_path / "renamed", lambda row: ["Zoe", f"cow {row[1]}", *row[2:]], lambda row: row[0] == "B"
    )
    judged, train = series.read(renamed), series.read(GOLDEN)
    assert activity_thresholds.trained_cows(train, judged) == (2, 4)
    chosen = activity_thresholds.chosen(judged, train, 1)
    assert set(chosen[0]["raw"]) == {DEFAULT_THRESHOLDS["raw"]}  # nobody else has raw activity


def test_a_judged_cow_is_known_by_a_part_of_her_days_and_by_raw_activity_alone(tmp_path):
    train = series.read(GOLDEN)
    last = pack(tmp_path / "last", keep=lambda row: row[0] == "B" and row[2] >= "2019-02-23")
    raw_only = pack(tmp_path / "raw", without("chg"), lambda row: row[0] == "B")
    for folder in (last, raw_only):
        assert activity_thresholds.trained_cows(train, series.read(folder)) == (2, 4)


def test_a_cow_without_a_whole_day_is_left_out_because_nobody_can_tell_who_she_is(tmp_path):
    morning = pack(tmp_path / "morning", keep=lambda row: row[2][11:] < "12")
    other = series.read(pack(tmp_path / "other", keep=lambda row: row[0] == "A"))
    assert activity_thresholds.trained_cows(series.read(morning), other) == (0, 6)


def test_trained_on_the_judged_pack_itself_nothing_is_chosen_and_that_is_said(said, short):
    words = " ".join(said("--data", short, "--train", short).output.split())
    assert "all 6 cows of --train are judged here too" in words
    assert "Herd B (raw): other cows have no alert of the maker to choose by" in words
    assert "stand on herd B only" in words


def test_the_json_has_ours_on_top_and_every_figure_with_its_ends(said, short, tmp_path):
    result = said("--data", short, "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert set(figures) >= KEYS
    assert figures["scorers"]["ours"]["alerts_per_cow_21d"] == figures["alerts_per_cow_21d"]
    for scorer in figures["scorers"].values():
        for key in KEYS - {"injected"}:
            assert set(scorer[key]) == {"value", "low", "high"}
        assert [each["size"] for each in scorer["injected"]] == [1.5, 4.0]
        assert all(each["low"] <= each["found"] <= each["high"] for each in scorer["injected"])
    small, large = (each["found"] for each in figures["injected"])
    assert small <= large
    assert figures["scorers"]["vendor_35"]["difference_from_vendor"]["alerts_per_cow_21d"]["value"] == 0.0
    assert small <= figures["found"]["value"] <= large
    assert set(figures["difference_from_vendor"]["found"]) == {"value", "low", "high"}


def test_what_is_printed_is_ascii_and_not_wider_than_a_terminal(said, short):
    result = said("--data", short)
    assert result.exit_code == 0, result.output
    assert result.output.isascii()
    assert max(map(len, result.output.split("pictures:")[0].splitlines())) <= 100
    for words in (
        "vendor_35",
        "ours",
        "cowtrakker_10d_3sd",
        "return 18-24 d",
        "episodes found, by size",
        "gain of ours",
    ):
        assert words in result.output


def test_one_seed_gives_the_same_figures_and_the_same_pictures_twice(said, short, tmp_path):
    bytes_of = []
    for name in ("one", "two"):
        said("--data", short, "--json", tmp_path / f"{name}.json", "--pictures", tmp_path / name)
        files = sorted((tmp_path / name).iterdir())
        bytes_of.append([(tmp_path / f"{name}.json").read_bytes(), *(path.read_bytes() for path in files)])
    assert bytes_of[0] == bytes_of[1]
    assert len(bytes_of[0]) == 3


@pytest.mark.parametrize(
    ("change", "keep", "missing"),
    [
        (without("raw"), None, "no herd here has raw activity"),
        (None, None, "Herd A, 2 cows of 6: no raw activity; ours is scored on the maker's index"),
        (without("chg"), lambda row: row[0] == "B", "no index of the maker"),
        (without("raw", "chg"), None, "not measured: injected"),
        (without("dim"), None, "not measured: alerts_per_cow_21d"),
        (None, lambda row: row[1] == "5130", "fewer than 3 cows: no interval over cows"),
        (None, lambda row: row[2] < "2018-12-29T09:00", "not measured: share_18_24d"),
        (lambda row: ["Hof Müller", *row[1:]], lambda row: row[0] == "B", "herd Hof M\\xfcller: 4 cows"),
    ],
    ids=[
        "no raw",
        "raw of one herd",
        "no index",
        "neither",
        "no days in milk",
        "one cow",
        "five rows",
        "another name",
    ],
)
def test_what_a_pack_lacks_is_said_and_null(said, tmp_path, change, keep, missing):
    folder = pack(tmp_path / "pack", change or (lambda row: row), keep or of_a_month)
    result = said("--data", folder, "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    assert missing in " ".join(result.output.split())
    text = (tmp_path / "figures.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    figures = json.loads(text)
    assert figures["calving_auc"]["value"] is None
    assert figures["not_measured"]["calving_auc"] == "no calving is known"


def test_train_must_be_a_pack_and_the_json_must_have_a_folder(said, tmp_path):
    assert "a pack of activity is a folder" in said("--data", GOLDEN, "--train", tmp_path).output
    result = said("--data", GOLDEN, "--json", tmp_path / "nowhere/figures.json")
    assert result.exit_code == 2
    assert "is not there" in result.output


def test_without_matplotlib_the_figures_are_there_and_the_pictures_are_not(
    said, short, monkeypatch, tmp_path
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = said("--data", short, "--pictures", tmp_path)
    assert result.exit_code == 0, result.output
    assert "no pictures: pictures need matplotlib" in result.output


def test_words_do_not_need_any_figure():
    judged = judged_activity.judge(series.read(GOLDEN)[:1], None, 1)
    assert "left out: no herd here has raw activity" in in_words(judged)
    with pytest.raises(KeyError):
        judged.block("bovheat_35")
