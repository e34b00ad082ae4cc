"""What the end-to-end tests know of processes: who descends from whom, and when they are gone. Linux only."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--collars", "2", "--sick", "0", "--relay-port", "0", "--phone-port", "0")


def start_demo(*arguments: str) -> subprocess.Popen[str]:
    """Start a demo of its own session; its output is read line by line."""
    return subprocess.Popen(
        [sys.executable, "-m", "simulator", "demo", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """Return the lines up to the one that holds `words`. Fails if the output ends before."""
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if words in line:
            return lines
    raise AssertionError(f"{words!r} never came; it said: {lines}")


def descendants(pid: int) -> set[int]:
    """Return the living processes below `pid`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def command_of(pid: int) -> str:
    """Return a process's command line, words joined by blanks."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def open_files_of(pid: int) -> set[str]:
    """Return the paths of what a process has open; nothing for one that has ended."""
    paths = set()
    with suppress(FileNotFoundError, ProcessLookupError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                paths.add(str(entry.readlink()))
    return paths


def still_there(pids: set[int], within_s: float) -> set[int]:
    """Return those of `pids` that have not ended `within_s` from now."""
    deadline = time.monotonic() + within_s
    left = set()
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            left.add(pid)
        os.close(handle)
    return left
