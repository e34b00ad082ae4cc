"""The same cases, the same golden vectors, on CPython and on the MicroPython that the collar runs."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.upy import run_cases
from tests.upy.harness import HERE, ROOT, RUN_CASES, run_upy

FOLDERS = [HERE, ROOT / "tests" / "collar"]
# Those of cases_drivers.py want a rig: tests/collar/test_drivers.py runs them.
MODULES = sorted(p for folder in FOLDERS for p in folder.glob("cases_*.py") if p.stem != "cases_drivers")


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.stem)
def test_both_interpreters_go_through_the_same_cases(module, monkeypatch, capsys):
    for folder in FOLDERS:
        monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    here = run_cases.run([module.stem])
    done = run_upy(RUN_CASES, module.stem, path=FOLDERS)
    assert done.returncode == 0, done.stdout + done.stderr
    there = re.fullmatch(r"micropython: (\d+) cases\n", done.stdout)
    assert there, done.stdout
    with capsys.disabled():
        print(  # noqa: T201 - the counts belong into the log of a passing run too
            f"\n{module.name}: {here} cases on CPython, {there[1]} on MicroPython"
        )
    assert here == int(there[1]) > 0


def test_a_failed_assert_on_micropython_fails_the_run(tmp_path):
    (tmp_path / "cases_wrong.py").write_text("def case_two_is_one():\n    assert 2 == 1, 'not so'\n")
    done = run_upy(RUN_CASES, "cases_wrong", path=[tmp_path])
    assert done.returncode != 0
    assert "not so" in done.stdout + done.stderr


def test_a_window_allocates_nothing_and_changes_no_sample_with_either_kind_of_kernel():
    done = run_upy(HERE / "locked_heap.py")
    assert (done.returncode, done.stdout) == (0, "166 windows, 64 bits\n"), done.stdout + done.stderr


def test_thousands_of_windows_are_the_same_bytes_from_native_kernels():
    done = run_upy(HERE / "native_kernels.py", path=[HERE])
    assert (done.returncode, done.stdout) == (0, "4000 windows alike\n"), done.stdout + done.stderr


def test_a_full_frame_an_ack_and_a_window_fit_a_small_board():
    done = run_upy(HERE / "small_board.py", heap="48wK")
    assert (done.returncode, done.stdout) == (0, "1265 bytes, acknowledged\n"), done.stdout + done.stderr


def test_the_interpreter_is_the_one_that_the_board_files_are_written_for(tmp_path):
    script = tmp_path / "version.py"
    script.write_text("import sys\nprint(sys.implementation[0], sys.implementation[1][:2])\n")
    assert run_upy(script).stdout == "micropython (1, 29)\n"
