"""What the collar's loop costs in heap, on the real MicroPython."""

from __future__ import annotations

from pathlib import Path

from tests.upy.harness import run_upy


def test_the_loop_leaves_nothing_per_sample_or_window_on_the_heap():
    done = run_upy(Path(__file__).with_name("upy_heap.py"))
    assert done.returncode == 0, done.stdout + done.stderr
