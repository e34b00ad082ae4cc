"""Pictures of a day and of a month: what they show is the herd's own, and what cannot be drawn is said."""

from __future__ import annotations

import gzip
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from simulator.__main__ import main
from simulator.herdfile import HerdError
from simulator.lives.happening import Happening
from simulator.pictures import show_month
from simulator.pictures.real_day import read_day
from simulator.pictures.show import _clock, _turned, draw_day, gather, require
from simulator.pictures.show_style import COLOURS, figure
from simulator.plan.states import DRINK, EAT, LIE, LIE_RUMINATE, STAND, STAND_RUMINATE, STATES, WALK
from simulator.recording import PackError
from simulator.virtual_herd import VirtualHerd

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
PNG = b"\x89PNG\r\n\x1a\n"
HEAT = Happening("heat", 2 * DAY_MS + 3 * HOUR_MS, 2 * DAY_MS + 12 * HOUR_MS)
SILENT = Happening("heat", 2 * DAY_MS + 4 * HOUR_MS, 2 * DAY_MS + 9 * HOUR_MS, expressed=False)
LAME = Happening("lameness", DAY_MS, 40 * DAY_MS)
RAIN = Happening("rain", 2 * DAY_MS + 3 * HOUR_MS, 2 * DAY_MS + 5 * HOUR_MS)
REAL = """t,posture,ruminating,feeding,drinking
2020-08-15T00:00:08,lying,1,0,0
2020-08-15T00:00:18,lying,0,0,0
2020-08-15T00:00:30,lying_down,0,0,0
2020-08-15T00:00:40,standing,0,1,0
2020-08-15T00:00:50,standing,0,0,1
2020-08-15T00:10:00,standing,1,0,0
2020-08-15T00:10:10,standing,0,0,0
2020-08-15T00:10:20,walking,0,0,0
"""


@pytest.fixture(scope="module")
def herd():
    scripted = {0: [LAME, HEAT], 1: [SILENT, RAIN]}
    return VirtualHerd(None, seed=2, cows=3, days=5, eventful=False, scripted=scripted)


def pack(folder, text=REAL):
    """Write a pack of a watched day."""
    with gzip.open(folder / "samples.csv.gz", "wt") as file:
        file.write(text)
    return folder


def run(*words):
    return CliRunner().invoke(main, ["show", *map(str, words)])


# a day


def test_a_day_shows_the_minutes_and_bouts_of_the_herd(herd):
    drawn = gather(herd, 1, 2)
    assert (drawn.motion_mg == herd.minutes(2).motion_mg[1]).all()
    start_ms, state = herd.day(2).of(1)
    assert (drawn.spans.start_ms == start_ms - 2 * DAY_MS).all()
    assert (drawn.spans.state == state).all()
    assert drawn.hours.sum() == pytest.approx(24)
    assert drawn.herd_hours.sum() == pytest.approx(24)
    assert drawn.herd_hours == pytest.approx(
        np.mean([gather(herd, cow, 2).hours for cow in range(3)], axis=0)
    )


def test_her_usual_motion_is_that_of_the_same_hours_on_other_days(herd):
    drawn = gather(herd, 0, 2)
    assert drawn.usual_days == 4
    others = np.stack(
        [herd.minutes(day).motion_mg[0].reshape(24, 6, 10).mean(axis=2) for day in (0, 1, 3, 4)]
    )
    assert drawn.usual_mg[1] == pytest.approx(np.median(others, axis=(0, 2)), rel=1e-5)
    assert (np.diff(drawn.usual_mg, axis=0) >= 0).all()


def test_what_happens_to_her_on_the_day_is_shown_and_nothing_else(herd):
    assert gather(herd, 0, 2).happenings == (LAME, HEAT)
    assert gather(herd, 0, 3).happenings == (LAME,)
    assert gather(herd, 2, 2).happenings == ()


def test_the_same_day_is_the_same_picture(herd, tmp_path):
    beside = read_day(pack(tmp_path))
    for name in ("a.png", "b.png"):
        draw_day(herd, 1, 2, tmp_path / name, beside)
    drawn = (tmp_path / "a.png").read_bytes()
    assert drawn.startswith(PNG)
    assert drawn == (tmp_path / "b.png").read_bytes()


def test_every_state_has_a_colour_of_its_own():
    assert len(set(COLOURS.values())) == len(STATES)


@pytest.mark.parametrize(
    ("cow", "day", "said"), [(3, 0, "cow=4: want 1..3"), (-1, 0, "cow=0"), (0, 5, "day=5: want 0..4")]
)
def test_a_cow_or_day_that_is_not_there_is_named(herd, cow, day, said):
    with pytest.raises(HerdError, match=said):
        require(herd, cow, day)


# a real day


def test_a_watched_day_is_turned_to_begin_at_the_hour_of_the_virtual_one(tmp_path):
    day = read_day(pack(tmp_path))
    turned = _turned(day, 2 * HOUR_MS)
    assert turned.start_ms[0] == day.start_ms[0] - 2 * HOUR_MS
    assert turned.start_ms[len(day.state)] == day.start_ms[0] + 22 * HOUR_MS
    assert turned.state.tolist() == day.state.tolist() * 2


@pytest.mark.parametrize(
    ("zone", "first"), [("Europe/London", "00"), ("Asia/Karachi", "05"), ("Asia/Kolkata", "05:30")]
)
def test_hours_are_written_as_the_farms_clocks_show_them(herd, monkeypatch, zone, first):
    said = {**herd.model, "herd": {**herd.model["herd"], "zone": zone}}
    monkeypatch.setattr(herd, "model", said)
    axes = figure(2.0, 2.0).subplots()
    _clock(axes, herd, 0)
    assert axes.get_xticklabels()[0].get_text() == first


def test_a_watched_day_is_read_into_states_with_gaps_left_open(tmp_path):
    day = read_day(pack(tmp_path))
    assert day.state.tolist() == [LIE_RUMINATE, LIE, EAT, DRINK, STAND_RUMINATE, STAND, WALK]
    assert (day.start_ms // 1000).tolist() == [8, 18, 40, 50, 600, 610, 620]
    assert (day.end_ms // 1000).tolist() == [18, 40, 50, 60, 610, 620, 630]
    assert day.hours(len(STATES))[LIE] == pytest.approx(22 / 3600)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("t,posture\n", "has no column ruminating"),
        (REAL.replace("00:00:30", "soon"), r"line 4: t='2020-08-15Tsoon' is no time"),
        (REAL.replace("00:00:30", "00:00:10"), "in order of t"),
        (REAL[:70].rpartition("\n")[0], "want two rows or more"),
        (REAL.replace("lying_down", "flying"), r"line 4: posture='flying', want one of lying, "),
        (REAL.replace("standing,0,1,0", "standing,0"), r"line 5: feeding=None, want 0 or 1"),
        (REAL.replace("standing,0,1,0", "x" * 200_000), r"samples\.csv\.gz: field larger than"),
    ],
)
def test_a_watched_day_that_cannot_be_read_is_named(tmp_path, text, said):
    with pytest.raises(PackError, match=said):
        read_day(pack(tmp_path, text))


def test_a_file_that_is_no_gzip_is_named(tmp_path):
    (tmp_path / "samples.csv.gz").write_text(REAL)
    with pytest.raises(PackError, match=r"samples\.csv\.gz"):
        read_day(tmp_path)


# a month


def test_a_month_shows_every_cow_against_her_own_median(herd, tmp_path):
    month = show_month.draw_month(herd, 0, 5, tmp_path / "month.png")
    assert (tmp_path / "month.png").read_bytes().startswith(PNG)
    assert month.relative.shape == (3, 5)
    assert np.median(month.relative, axis=1) == pytest.approx(np.ones(3))
    assert [row.kind for row in month.rows] == ["lameness", "heat", "heat"]
    assert month.highest_thi[1] == herd.weather.thi_by_hour(1).max()
    assert show_month.gather(herd, 3, 2).rows == (month.rows[0],)


def test_a_cow_that_is_dead_has_no_activity_from_the_next_day_on():
    dead = {0: [Happening("dead", DAY_MS // 4, 9 * DAY_MS)]}
    lost = VirtualHerd(None, seed=2, cows=2, days=3, eventful=False, scripted=dead)
    assert np.isnan(show_month.gather(lost, 0, 3).relative).tolist() == [[True] * 3, [False] * 3]


def test_a_month_has_room_for_so_many_cows_and_days(herd, tmp_path):
    with pytest.raises(HerdError, match=r"day=3: want 0..0"):
        show_month.draw_month(herd, 3, 5, tmp_path / "month.png")
    many = VirtualHerd(None, seed=1, cows=show_month.MOST_COWS + 1, days=1, eventful=False)
    with pytest.raises(HerdError, match="a month has room for 120"):
        show_month.draw_month(many, 0, 1, tmp_path / "month.png")


def test_every_kind_that_a_cow_can_have_has_a_sign_of_its_own():
    from simulator.lives.happening import EVENTS, HERD_EVENTS

    assert set(show_month._SIGNS) == {*EVENTS} - {*HERD_EVENTS}
    assert len(set(show_month._SIGNS.values())) == len(show_month._SIGNS)


# the command


def test_the_command_draws_the_cow_with_that_number(tmp_path):
    result = run("--cows", 2, "--cow", 2, "--day", 0, "--out", tmp_path / "day.png")
    assert result.output == f"-> {tmp_path / 'day.png'}\n"
    assert (tmp_path / "day.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cow", 9, "--cows", 2), "cow=9: want 1..2"),
        (("--day", -1, "--cows", 2), "day=-1: want 0..14"),
        (("--month", "--cow", 3), "--month draws the whole herd"),
        (("--beside", "nowhere", "--cows", 2), "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_two(tmp_path, words, said):
    result = run(*words, "--out", tmp_path / "x.png")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr


def test_without_matplotlib_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("--cows", 1, "--out", tmp_path / "day.png")
    assert result.exit_code == 1
    assert result.stderr.endswith("not installed: pip install herdbell[train]\n")
    assert not (tmp_path / "day.png").exists()


def test_the_commands_do_not_load_matplotlib_to_start():
    import subprocess

    probe = (
        "import sys, simulator.__main__; sys.exit(any(name.startswith('matplotlib') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", probe]).returncode == 0
