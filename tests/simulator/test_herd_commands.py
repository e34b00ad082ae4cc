"""`herdbell-sim herd` and `collars`: what they write, say and obey. Real herds, a real terminal."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
from click.testing import CliRunner

from simulator.__main__ import main
from simulator.clock import START_UTC_MS
from simulator.herd_folder import HerdFolder, farm_of
from simulator.herd_terminal import Keys, Pace, Player, states_at, summary
from simulator.herd_trace import trace_hash
from simulator.herd_words import WORDS, moments, name_of
from simulator.lives.happening import DISTURBANCES, EVENTS, Happening
from simulator.plan.states import STATES
from simulator.virtual_herd import VirtualHerd

DAY_MS = 86_400_000
LAME = Happening("lameness", DAY_MS // 2, 3 * DAY_MS, expressed=False)
HEAT = Happening("heat", DAY_MS, DAY_MS + DAY_MS // 2)


def run(*words):
    """Run a command as a person does who keeps its output in a file."""
    return CliRunner().invoke(main, [str(word) for word in words])


def scripted(cows=3, days=2):
    """Return a herd to which only what we say happens: cow 0 is lame and cow 1 in heat on the second day."""
    return VirtualHerd(None, seed=1, cows=cows, days=days, eventful=False, scripted={0: [LAME], 1: [HEAT]})


# what it writes


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("herd") / "run"
    result = run("herd", "--cows", 3, "--days", 2, "--seed", 9, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_a_run_leaves_a_file_a_day_the_farm_its_weather_and_the_truth(written):
    folder, _ = written
    assert sorted(path.name for path in folder.iterdir()) == [
        "farm.json", "minutes-0000.npz", "minutes-0001.npz", "truth.jsonl", "weather.csv",
    ]  # fmt: skip


def test_minutes_are_the_herds_own_without_what_no_relay_knows(written):
    folder, _ = written
    made = VirtualHerd(None, seed=9, cows=3, days=2).minutes(1)
    with np.load(folder / "minutes-0001.npz") as file:
        assert sorted(file) == [
            "confidence", "from_ms", "gravity_mg", "motion_max_mg", "motion_mg", "told", "windows",
        ]  # fmt: skip
        assert file["from_ms"] == START_UTC_MS + DAY_MS
        assert (file["motion_mg"] == made.motion_mg).all()


def test_the_farmers_records_tell_nothing_that_only_the_truth_knows(written):
    folder, _ = written
    farm = json.loads((folder / "farm.json").read_text())
    assert sorted(farm) == ["animals", "days", "housing", "start_ms", "zone"]  # a seed would tell it all
    assert [animal["number"] for animal in farm["animals"]] == ["1", "2", "3"]
    assert [animal["name"] for animal in farm["animals"]] == ["Bella", "Daisy", "Luna"]
    kinds = {event["kind"] for animal in farm["animals"] for event in animal["life_events"]}
    assert kinds <= {"calved", "inseminated", "dry", "due"}
    words = set(re.findall(r"[a-z_]+", (folder / "farm.json").read_text()))
    assert words & {*EVENTS, *DISTURBANCES} == set()


def test_a_due_date_is_known_when_a_pregnancy_can_be():
    herd = VirtualHerd(None, seed=3, cows=40, days=120)
    early, late = (
        {animal["number"]: animal["life_events"] for animal in farm_of(herd, days)["animals"]}
        for days in (1, 120)
    )
    assert all(event in late[number] for number, events in early.items() for event in events)
    for events in late.values():
        for event in events:
            told_ms = event["at_ms"] - (245 * DAY_MS if event["kind"] == "due" else 0)
            assert told_ms < START_UTC_MS + 120 * DAY_MS
    assert any(event["at_ms"] > START_UTC_MS + 120 * DAY_MS for events in late.values() for event in events)


def test_weather_is_a_row_an_hour(written):
    folder, _ = written
    with (folder / "weather.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["at_ms"]) for row in rows] == [START_UTC_MS + hour * 3_600_000 for hour in range(48)]
    assert all(-30 < float(row["air_c"]) < 45 and 0 < float(row["thi"]) < 100 for row in rows)


def test_truth_ends_with_the_days_that_were_lived(tmp_path):
    HerdFolder(tmp_path).finish(scripted(), 1)
    rows = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [(row["animal"], row["kind"]) for row in rows] == [("1", "lameness")]


@pytest.mark.parametrize(
    ("at", "names"),
    [("plan", ["first", "start_ms", "state", "strength"]), ("windows", ["from_ms", "windows"])],
)
def test_plans_and_windows_are_written_too(tmp_path, at, names):
    assert run("herd", "--cows", 5, "--days", 1, "--at", at, "--out", tmp_path).exit_code == 0
    with np.load(tmp_path / f"{at}-0000.npz") as file:
        assert sorted(file) == names
        assert at == "plan" or file["windows"].shape == (5, 16_875, 14)


# what it says


def test_the_trace_it_prints_is_that_of_trace_hash(written):
    _, said = written
    assert said.splitlines()[-1] == f"trace {trace_hash(None, 9, 3, 2, 'minutes')}"


def test_in_the_end_it_counts_what_happened_within_the_run():
    lines = list(summary(scripted(), 2))
    assert lines[0] == "2 days of 3 cows: 6 cow-days, 0.0 cow-years"
    assert [line.split() for line in lines[2:]] == [
        ["lame", "1", "0", "60.83", "1.5"], ["in", "heat", "1", "1", "60.83", "0.5"],
    ]  # fmt: skip
    assert list(summary(VirtualHerd(None, seed=1, cows=1, days=1, eventful=False), 1))[-1] == (
        "  nothing happened to any of them"
    )


def test_progress_names_the_farms_hour_what_they_do_and_the_newest_happening():
    player = Player(scripted(), Pace(0), Keys(), wall_s=iter(range(9)).__next__)
    player.done = 3
    line = player.line(DAY_MS + 60_000)
    assert "Tue 03 Mar 2026 00:01" in line
    assert line.endswith("cow 2 Daisy: in heat")
    counts = re.search(r"of 3: (\d) lie (\d) eat (\d) ruminate", line)
    assert all(0 <= int(count) <= 3 for count in counts.groups())
    assert "3 collar-days/s" in line
    assert player.line(DAY_MS // 2).endswith("cow 1 Bella: lame, and nobody can see it")


def test_what_cows_do_now_is_their_latest_bout():
    herd = scripted()
    plan = herd.day(0)
    for now_ms in (0, DAY_MS // 3, DAY_MS - 1):
        told = states_at(plan, now_ms)
        for cow in range(3):
            start_ms, state = plan.of(cow)
            assert told[cow] == state[np.searchsorted(start_ms, now_ms, side="right") - 1]
    assert max(told) < len(STATES)


def test_every_kind_of_happening_has_its_words_and_every_cow_a_name():
    assert {*EVENTS, *DISTURBANCES} == set(WORDS)
    assert [each.words for each in moments(scripted())][1] == "cow 2 Daisy: in heat"
    assert name_of({"herd": {"names": ("Bella", "Daisy")}}, 3) == "Daisy 2"


# what it refuses


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cows", "0"), "cows=0: want 1..100000"),
        (("--days", "0"), "days=0: want 1..3660"),
        (("no-such.toml",), "no-such.toml"),
        (("bad.toml",), "bad.toml: weather.sunshine is not a field of herd.toml"),
        (("--out", "full"), "--out full is not an empty folder"),
    ],
)
def test_bad_input_is_one_line_and_two(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.toml").write_text("[weather]\nsunshine = 3\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "truth.jsonl").touch()
    result = run("herd", *words)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr


def test_collars_take_a_herd_file_or_recordings_but_not_both(tmp_path):
    collars = tmp_path / "collars.json"
    collars.write_text('{"device": 1, "epoch": 0, "key": "00"}\n')
    both = run("collars", collars, "--herd", "a.toml", "--data", tmp_path)
    assert (both.exit_code, len(both.stderr.splitlines())) == (1, 1)
    (tmp_path / "bad.toml").write_text("[weather]\nsunshine = 3\n")
    bad = run("collars", collars, "--herd", tmp_path / "bad.toml")
    assert bad.exit_code == 2
    assert "weather.sunshine is not a field" in bad.stderr


@pytest.mark.parametrize("relay", ["127.0.0.1", ":8080", "127.0.0.1:http", "127.0.0.1:0", "127.0.0.1:65536"])
def test_a_relay_that_cannot_be_is_named_with_the_bounds_of_its_port(tmp_path, relay):
    collars = tmp_path / "collars.json"
    collars.write_text('{"device": 1, "epoch": 0, "key": "00"}\n')
    result = run("collars", collars, "--relay", relay)
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert f"--relay {relay}: want HOST:PORT, PORT 1..65535" in result.stderr


# pace


@pytest.mark.parametrize(
    ("speed", "keys", "after"),
    [(24, "+", 48), (24, "-", 12), (24, "++-", 48), (0, "+", 0), (0, "-", 512), (1 / 64, "-", 1 / 64)],
)
def test_plus_and_minus_double_and_halve_from_what_it_goes_now(speed, keys, after):
    pace = Pace(speed)
    pace.press(keys, present=1100.0)
    assert pace.speed == after


def test_a_day_takes_its_time_and_a_pause_none_of_it():
    class Typist:
        on = True

        def __init__(self):
            self.now_s, self.script = 0.0, iter(["", " ", "", "", " "])

        def pressed(self, wait_s):
            self.now_s += wait_s or 0.01
            return next(self.script, "")

    typist = Typist()
    pace = Pace(24.0)
    player = Player(scripted(), pace, typist, say=lambda *_, **__: None, wall_s=lambda: typist.now_s)
    player.play(0)
    assert typist.now_s == pytest.approx(1.3)  # 24 hours at 24 a second, and three tenths of pause
    pace.press("q", 1.0)
    player.play(1)
    assert typist.now_s == pytest.approx(1.3)


# on a real terminal

_ON_ITS_TERMINAL = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from simulator.__main__ import main; main()"
)


@contextmanager
def terminal(*words):
    """Run `herdbell-sim herd` on a pseudo terminal of its own session."""
    ours, its = pty.openpty()
    before = _settings(its)
    program = [sys.executable, "-c", _ON_ITS_TERMINAL, "herd", *map(str, words)]
    environment = os.environ | {"COLUMNS": "220", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        program, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True
    )
    try:
        yield Terminal(ours, process)
        assert _settings(its) == before  # as it was
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(its)


def _settings(descriptor):
    import termios

    return termios.tcgetattr(descriptor)


class Terminal:
    """What a person sees and types; waits by reading, never by sleeping."""

    def __init__(self, ours, process):
        self._ours, self.process, self._seen = ours, process, ""

    def until(self, pattern, deadline_s=20):
        """Return the match of `pattern` in what comes from here on."""
        end_s = time.monotonic() + deadline_s
        while not (found := re.search(pattern, self._seen)):
            ready, _, _ = select.select([self._ours], [], [], max(0.0, end_s - time.monotonic()))
            assert ready, f"{pattern} never came: {self._seen[-400:]!r}"
            self._seen += os.read(self._ours, 65_536).decode()
        self._seen = self._seen[found.end() :]
        return found

    def type(self, keys):
        """Press keys."""
        os.write(self._ours, keys.encode())


def test_space_pauses_plus_hastens_and_q_ends_on_a_terminal():
    with terminal("--at", "plan", "--cows", 2, "--days", 300, "--speed", 24) as screen:
        screen.until("space pauses, \\+ and - change the speed, q ends")
        screen.until("  24 h/s")
        screen.type(" ")
        shown = [screen.until(r"(\d\d \w{3} 2026 \d\d:\d\d)[^\r]*PAUSED").group(1) for _ in range(3)]
        assert len(set(shown)) == 1
        screen.type("+ ")
        screen.until("  48 h/s")
        screen.type("-")
        screen.until("  24 h/s")
        screen.type("q")
        screen.until("(ended after \\d+ whole days of 300|before the first day)")
        assert screen.process.wait(20) == 0


def test_ctrl_c_leaves_whole_files(tmp_path):
    out = tmp_path / "run"
    with terminal("--at", "windows", "--cows", 2, "--days", 300, "--out", out) as screen:
        screen.until("0[3-9] Mar 2026")
        screen.type("\x03")
        days = int(screen.until("ended after (\\d+) whole days of 300").group(1))
        screen.until("trace [0-9a-f]{64}")
        assert screen.process.wait(20) == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == [
        "farm.json",
        "truth.jsonl",
        "weather.csv",
        *(f"windows-{day:04d}.npz" for day in range(days)),
    ]
    for day in range(days):
        with np.load(out / f"windows-{day:04d}.npz") as file:
            assert file["windows"].shape == (2, 16_875, 14)
    assert json.loads((out / "farm.json").read_text())["days"] == days
